//! What `logs` lists: executions, and how they ended.

use std::time::Duration;

use hpipe_core::StageName;

use super::text::{pad, pad_left, width};
use super::{duration, style};

/// One execution in a list.
#[derive(Debug, Clone)]
pub(crate) struct LoggedAttempt {
    /// Which stage.
    pub(crate) stage: StageName,
    /// The attempt's id, which begins with the time it began.
    pub(crate) id: String,
    /// How it ended: `ran`, `failed`, `interrupted`, `running`.
    pub(crate) outcome: String,
    /// How long it took, if it ended.
    pub(crate) seconds: Option<f64>,
}

/// Writes a line for each execution.
pub(crate) fn attempts_table(attempts: &[LoggedAttempt]) -> String {
    let widest = |cell: fn(&LoggedAttempt) -> usize| attempts.iter().map(cell).max().unwrap_or(0);
    let outcomes = widest(|attempt| width(&attempt.outcome));
    let stages = widest(|attempt| width(attempt.stage.as_str()));
    let lines = attempts.iter().map(|attempt| {
        let took = attempt
            .seconds
            .map(|seconds| duration::format(Duration::from_secs_f64(seconds)));
        format!(
            "{} {} {} {}",
            pad(&attempt.outcome, outcomes),
            pad(&style::paint(style::NAME, attempt.stage.as_str()), stages),
            pad_left(&took.unwrap_or_default(), 7),
            attempt.id,
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_a_line_for_each_execution() {
        let attempt = |stage: &str, outcome: &str, seconds| LoggedAttempt {
            stage: StageName::known(stage),
            id: "20261122T101530.123456Z-7-0".to_owned(),
            outcome: outcome.to_owned(),
            seconds,
        };
        let table = attempts_table(&[
            attempt("prepare", "ran", Some(0.25)),
            attempt("train@a", "interrupted", None),
        ]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&table), @r"
        ran         prepare   0.25s 20261122T101530.123456Z-7-0
        interrupted train@a         20261122T101530.123456Z-7-0
        ");
    }
}
