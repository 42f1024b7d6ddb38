//! What the rules keep of things that nothing needs.

use super::GarbageRules;

/// The rules, and how many bytes are kept so far.
#[derive(Debug)]
pub(super) struct Budget {
    /// Seconds since 1970: what is not older stays.
    since: Option<u64>,
    most: Option<u64>,
    taken: u64,
}

impl Budget {
    /// `now`: seconds since 1970.
    pub(super) fn new(rules: &GarbageRules, now: u64) -> Self {
        let age = rules.older_than.map(|age| age.as_secs());
        Self {
            since: age.map(|age| now.saturating_sub(age)),
            most: rules.keep_bytes,
            taken: 0,
        }
    }

    /// Counts something that is kept.
    pub(super) fn take(&mut self, bytes: u64) {
        self.taken = self.taken.saturating_add(bytes);
    }

    /// Whether something of this time and size is kept though nothing needs it. A thing of the future is not old.
    pub(super) fn allows(&self, time: u64, bytes: u64) -> bool {
        let is_young = self.since.is_some_and(|since| time >= since);
        let fits = |most| self.taken.saturating_add(bytes) <= most;
        is_young || self.most.is_some_and(fits)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_young_or_fits_stays() {
        let rules = |older_than, keep_bytes| GarbageRules {
            older_than,
            keep_bytes,
            keep_runs: None,
        };
        let day = Some(Duration::from_secs(86_400));
        let now = 1_000_000;
        for (rules, time, bytes, expect) in [
            (rules(None, None), now, 0, false),
            (rules(day, None), now - 86_400, 9, true),
            (rules(day, None), now - 86_401, 9, false),
            (rules(day, None), now + 5, 9, true),
            (rules(None, Some(109)), 0, 9, true),
            (rules(None, Some(108)), 0, 9, false),
            (rules(day, Some(0)), now, 9, true),
            (rules(day, Some(109)), 0, 9, true),
        ] {
            let mut budget = Budget::new(&rules, now);
            budget.take(100);
            assert_eq!(budget.allows(time, bytes), expect, "{rules:?} {time}");
        }
    }
}
