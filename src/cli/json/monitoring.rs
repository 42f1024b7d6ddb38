//! What `monitor --json` prints, and the report as a file: docs/formats/monitoring.md.

use hpipe_core::Value;
use hpipe_monitor::Alert;
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

#[derive(Serialize)]
struct AlertsEvent<'a> {
    v: u32,
    event: &'static str,
    model: &'a str,
    input: &'a str,
    time: i64,
    status: &'a str,
    text: String,
    alerts: Vec<AlertLine<'a>>,
}

#[derive(Serialize)]
struct AlertLine<'a> {
    severity: &'a str,
    kind: &'a str,
    subject: &'a str,
    batch: Option<usize>,
    p: Option<f64>,
    message: &'a str,
}

/// Lines that the text of a message has.
const LINES: usize = 10;

/// Encodes alerts for a webhook; `time` in milliseconds since 1970.
pub(crate) fn alerts<'a>(model: &str, input: &str, time: i64, alerts: &[&'a Alert]) -> String {
    let worst = alerts.iter().map(|alert| alert.severity).max();
    let status = worst.map_or("ok", |severity| severity.name());
    let mut lines = vec![format!("{model}, {input}: {status}")];
    lines.extend(alerts.iter().take(LINES).map(|alert| {
        let (kind, subject) = (alert.kind.name(), &alert.subject);
        format!("{kind} of {subject}: {}", alert.message)
    }));
    if alerts.len() > LINES {
        lines.push(format!("and {} more", alerts.len() - LINES));
    }
    let as_line = |alert: &&'a Alert| AlertLine {
        severity: alert.severity.name(),
        kind: alert.kind.name(),
        subject: &alert.subject,
        batch: alert.batch,
        p: alert.p.filter(|p| p.is_finite()),
        message: &alert.message,
    };
    line(&AlertsEvent {
        v: VERSION,
        event: "alerts",
        model,
        input,
        time,
        status,
        text: lines.join("\n"),
        alerts: alerts.iter().map(as_line).collect(),
    })
}
