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

/// Seconds, some thirty years: no stage took longer, so whoever wrote more was mistaken or damaged.
const LONGEST: f64 = 1e9;

impl Store {
    /// Seconds each stage took when it last executed, as far as known.
    pub fn durations(&self) -> HashMap<StageName, f64> {
        parse(&std::fs::read(self.cache.durations()).unwrap_or_default())
    }

    /// Replaces what is known of durations; a failure is a warning.
    pub fn save_durations(&self, durations: &HashMap<StageName, f64>) {
        if self.is_replica() {
            return; // several at once would take turns in replacing what the others know
        }
        let text = print(durations);
        let path = self.cache.durations();
        if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return;
        }
        self.write_hint(&path, text.as_bytes());
    }
}

fn parse(bytes: &[u8]) -> HashMap<StageName, f64> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    if lines.next() != Some(HEADER.as_bytes()) {
        return HashMap::new();
    }
    let entry = |line: &[u8]| {
        let (seconds, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let seconds = seconds.parse().ok().filter(is_usable)?;
        Some((StageName::known(name), seconds))
    };
    lines.filter_map(entry).collect()
}

/// Whether a stage can have taken so many seconds; false for NaN.
fn is_usable(seconds: &f64) -> bool {
    (0.0..=LONGEST).contains(seconds)
}

fn print(durations: &HashMap<StageName, f64>) -> String {
    let sorted: BTreeMap<_, _> = durations
        .iter()
        .filter(|(name, seconds)| !name.as_str().contains(['\n', '\r']) && is_usable(seconds))
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
        assert_eq!(parse(text.as_bytes()), durations);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        assert!(parse(b"").is_empty());
        assert!(parse(b"hpipe-durations 2\n1 a\n").is_empty());
        let known = parse(b"hpipe-durations 1\nx a\n-1 b\nNaN c\n2 d\n\0\0\0");
        assert_eq!(known, [(StageName::known("d"), 2.0)].into());
    }

    #[test]
    fn seconds_no_stage_can_have_taken_are_left_out_line_by_line() {
        let text = b"hpipe-durations 1\n1e300 a\ninf b\n-inf c\n1000000001 d\n-1e-9 e\n1e9 f\n0 g\n3 \xff\n4 h";
        let usable = [("f", 1e9), ("g", 0.0), ("h", 4.0)];
        let usable: HashMap<_, _> = usable
            .map(|(name, seconds)| (StageName::known(name), seconds))
            .into();
        assert_eq!(parse(text), usable);
        for seconds in parse(text).values() {
            let _ = std::time::Duration::from_secs_f64(*seconds); // panics on what it cannot hold
        }
        let absurd = [(StageName::known("a"), f64::NAN)].into();
        assert_eq!(print(&absurd), "hpipe-durations 1\n");
    }
}
