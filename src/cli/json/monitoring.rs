//! What `monitor --json` prints, and the report as a file: docs/formats/monitoring.md.

use hpipe_core::Value;
use serde::Serialize;

use super::value::JsonValue;
use super::{VERSION, line};

#[derive(Serialize)]
struct Event<'a> {
    v: u32,
    event: &'static str,
    #[serde(flatten)]
    value: JsonValue<'a>,
}

/// Encodes a batch of which something is told.
pub(crate) fn batch(value: &Value) -> String {
    event("batch", value)
}

/// Encodes the report.
pub(crate) fn monitored(value: &Value) -> String {
    event("monitored", value)
}

fn event(event: &'static str, value: &Value) -> String {
    let value = JsonValue(value);
    line(&Event {
        v: VERSION,
        event,
        value,
    })
}

/// The report as a file.
pub(crate) fn monitoring_file(value: &Value) -> String {
    format!("{}\n", line(&JsonValue(value)))
}
