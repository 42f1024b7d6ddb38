//! The gate of replay: rows asked over HTTP must be answered with the bits that the model predicts without.
//!
//! Like the gate of latency it asks for something that whoever promotes must do: serve the version, and ask it. What came
//! of it holds for the program that did it, so it is no part of a record.

use serde::{Deserialize, Serialize};

use super::gates::{Check, unjudged};
use super::latency::Measured;

/// The name of the gate.
const GATE: &str = "replay";

/// More rows than these say nothing new.
const MOST: usize = 100_000;

/// How many rows are asked over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// The first of the data that the metrics were measured on; all of it, if it has fewer.
    pub rows: usize,
}

impl Default for Replay {
    fn default() -> Self {
        Self { rows: 1000 }
    }
}

/// What came of asking rows over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Rows that were asked.
    pub rows: usize,
    /// Rows that were answered otherwise than they are predicted.
    pub differing: usize,
    /// The first of them, in words.
    pub first: Option<String>,
}

impl Replay {
    /// Says what is wrong with it, if something is.
    pub(crate) fn fault(self) -> Option<&'static str> {
        let is_fault = self.rows == 0 || self.rows > MOST;
        is_fault.then_some("at least one row is asked, and 100000 at most")
    }

    /// Whether all rows were answered as they are predicted.
    pub(crate) fn judge(self, measured: &Measured) -> Check {
        let refuse = |why: &str| {
            let message = format!("no rows were asked over HTTP: {why}");
            unjudged(GATE, "rows", message)
        };
        let replayed = match &measured.replay {
            None => return refuse("nobody here can serve models"),
            Some(Err(why)) => return refuse(why),
            Some(Ok(Replayed { rows: 0, .. })) => return refuse("there are none"),
            Some(Ok(replayed)) => replayed,
        };
        let Replayed {
            rows, differing, ..
        } = *replayed;
        let message = match &replayed.first {
            None => format!("{rows} rows asked over HTTP are answered with the same bits"),
            Some(first) => {
                format!(
                    "{differing} of {rows} rows asked over HTTP are answered otherwise: {first}"
                )
            }
        };
        Check {
            value: Some(differing as f64),
            bound: Some(0.0),
            passed: differing == 0,
            ..unjudged(GATE, "rows", message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_were_all_answered_alike_pass() {
        let asked = |differing, first: Option<&str>| {
            Some(Ok(Replayed {
                rows: 90,
                differing,
                first: first.map(str::to_owned),
            }))
        };
        for (replay, expect) in [
            (
                asked(0, None),
                "true 90 rows asked over HTTP are answered with the same bits",
            ),
            (
                asked(2, Some("row 3: 1 and not 2")),
                "false 2 of 90 rows asked over HTTP are answered otherwise: row 3: 1 and not 2",
            ),
            (
                Some(Ok(Replayed::default())),
                "false no rows were asked over HTTP: there are none",
            ),
            (
                Some(Err("it is no model".to_owned())),
                "false no rows were asked over HTTP: it is no model",
            ),
            (
                None,
                "false no rows were asked over HTTP: nobody here can serve models",
            ),
        ] {
            let measured = Measured {
                replay,
                ..Measured::default()
            };
            let check = Replay::default().judge(&measured);
            assert_eq!(format!("{} {}", check.passed, check.message), expect);
        }
        assert!(Replay { rows: 0 }.fault().is_some() && Replay::default().fault().is_none());
    }
}
