//! How long each stage took when it last executed: a hint for scheduling, the longest path first.
//!
//! `.cache/durations-v1`, a text file: the line `hpipe-durations 1`, then a line for each stage, sorted by name: seconds,
//! a space, the name. Lost or damaged it costs nothing but a worse order for once, so that it is neither synced nor
//! checked, and a line that cannot be read is left out. Format page: `docs/formats/attempts.md`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use hpipe_core::StageName;

use crate::Store;

const HEADER: &str = "hpipe-durations 1";

impl Store {
    /// Seconds each stage took when it last executed, as far as known.
    pub fn durations(&self) -> HashMap<StageName, f64> {
        let text = std::fs::read_to_string(self.cache.durations()).unwrap_or_default();
        parse(&text)
    }

    /// Replaces what is known of durations; a failure is a warning.
    pub fn save_durations(&self, durations: &HashMap<StageName, f64>) {
        let text = print(durations);
        let path = self.cache.durations();
        if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return;
        }
        self.write_hint(&path, text.as_bytes());
    }
}

fn parse(text: &str) -> HashMap<StageName, f64> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return HashMap::new();
    }
    let entry = |line: &str| {
        let (seconds, name) = line.split_once(' ')?;
        let seconds: f64 = seconds.parse().ok()?;
        let usable = seconds.is_finite() && seconds >= 0.0;
        usable.then(|| (StageName::known(name), seconds))
    };
    lines.filter_map(entry).collect()
}

fn print(durations: &HashMap<StageName, f64>) -> String {
    let sorted: BTreeMap<_, _> = durations
        .iter()
        .filter(|(name, _)| !name.as_str().contains(['\n', '\r']))
        .collect();
    let mut text = format!("{HEADER}\n");
    for (name, seconds) in sorted {
        let _ = writeln!(text, "{seconds} {name}"); // a String takes everything
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_sorted_and_reads_back() {
        let durations = [("train@ridge", 1.25), ("a b", 0.001)];
        let durations = durations
            .map(|(name, seconds)| (StageName::known(name), seconds))
            .into();
        let text = print(&durations);
        assert_eq!(text, "hpipe-durations 1\n0.001 a b\n1.25 train@ridge\n");
        assert_eq!(parse(&text), durations);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        assert!(parse("").is_empty());
        assert!(parse("hpipe-durations 2\n1 a\n").is_empty());
        let known = parse("hpipe-durations 1\nx a\n-1 b\nNaN c\n2 d\n\0\0\0");
        assert_eq!(known, [(StageName::known("d"), 2.0)].into());
    }
}
