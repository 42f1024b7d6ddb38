//! Executions in JSON: `logs --json`. Format page: `docs/formats/events.md`.

use serde::Serialize;

use super::{VERSION, line};
use crate::ui::LoggedAttempt;

/// Encodes executions, the newest of a stage first; one that was asked for alone with what it printed.
pub(crate) fn attempts(attempts: &[(LoggedAttempt, Option<String>)]) -> String {
    let attempts = attempts.iter().map(|(attempt, output)| JsonAttempt {
        stage: attempt.stage.as_str(),
        attempt: &attempt.id,
        outcome: &attempt.outcome,
        seconds: attempt.seconds,
        output: output.as_deref(),
    });
    line(&Listed {
        v: VERSION,
        attempts: attempts.collect(),
    })
}

#[derive(Serialize)]
struct Listed<'a> {
    v: u32,
    attempts: Vec<JsonAttempt<'a>>,
}

#[derive(Serialize)]
struct JsonAttempt<'a> {
    stage: &'a str,
    attempt: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
}
