//! What `predict --json` prints: docs/formats/events.md.

use hpipe_core::ScoredFile;
use serde::Serialize;

use super::{VERSION, line};

#[derive(Serialize)]
struct Predicted<'a> {
    v: u32,
    event: &'static str,
    model: &'a str,
    path: &'a str,
    rows: usize,
    unpredicted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    message: &'a str,
    column: Option<&'a str>,
    row: Option<usize>,
}

/// Encodes what a file of rows came to.
pub(crate) fn predicted(model: &str, path: &str, scored: &ScoredFile) -> String {
    let fault = scored.fault.as_ref().map(|fault| Fault {
        message: &fault.message,
        column: fault.column.as_deref(),
        row: fault.row.map(|row| row + 1),
    });
    line(&Predicted {
        v: VERSION,
        event: "predicted",
        model,
        path,
        rows: scored.rows,
        unpredicted: scored.unpredicted,
        fault,
    })
}
