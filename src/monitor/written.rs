//! The report as a value, to be written as JSON: docs/formats/monitoring.md.

use hpipe_core::{Mapping, Value};

use crate::alerts::{Alert, Severity};
use crate::domain::Multivariate;
use crate::errors::Errors;
use crate::quality::{Check, Found};
use crate::report::{BatchReport, Report, VERSION};
use crate::segments::Segment;
use crate::window::Drift;

impl Report {
    /// The report as a value, to be written as JSON: docs/formats/monitoring.md.
    pub fn to_value(&self, model: &str) -> Value {
        map([
            ("format", Value::Text("hpipe-monitoring".to_owned())),
            ("version", Value::Int(VERSION)),
            ("model", Value::Text(model.to_owned())),
            ("target", Value::Text(self.target.clone())),
            ("status", Value::Text(self.status().to_owned())),
            ("has_reference", Value::Bool(self.has_reference)),
            ("rows", count(self.rows)),
            ("valid", count(self.valid)),
            (
                "errors",
                self.errors.as_ref().map_or(Value::Null, of_errors),
            ),
            ("reference", self.reference_value()),
            ("batches", count(self.batch_count)),
            ("alarmed", count(self.alarmed)),
            ("suppressed", count(self.suppressed)),
            ("alerts", list(self.alerts.iter(), alert_value)),
            ("drift", list(self.drift.iter(), drift_value)),
            (
                "multivariate",
                self.multivariate
                    .as_ref()
                    .map_or(Value::Null, multivariate_value),
            ),
            ("quality", list(self.findings.iter(), finding_value)),
            ("segments", list(self.segments.iter(), segment_value)),
            ("batch", list(self.batches.iter(), BatchReport::to_value)),
        ])
    }

    fn reference_value(&self) -> Value {
        let mut mapping = Mapping::new();
        for (name, value) in &self.reference {
            mapping.insert(name.clone(), Value::Float(*value));
        }
        Value::Map(mapping)
    }
}

impl BatchReport {
    /// The batch as a value.
    pub fn to_value(&self) -> Value {
        let pair = |pair: Option<[f64; 2]>| {
            pair.map_or(Value::Null, |pair| {
                Value::List(pair.map(Value::Float).to_vec())
            })
        };
        map([
            ("batch", count(self.number)),
            ("rows", count(self.rows)),
            ("valid", count(self.valid)),
            ("seconds", optional(self.latency)),
            (
                "errors",
                self.errors.as_ref().map_or(Value::Null, of_errors),
            ),
            ("answered", pair(self.answered)),
            ("expected_rmse", pair(self.expected_rmse)),
            ("alarm", Value::Bool(self.is_alarm)),
            ("alerts", list(self.alerts.iter(), alert_value)),
        ])
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut mapping = Mapping::new();
    for (key, value) in entries {
        mapping.insert(key, value);
    }
    Value::Map(mapping)
}

fn list<T>(items: impl Iterator<Item = T>, encode: impl Fn(T) -> Value) -> Value {
    Value::List(items.map(encode).collect())
}

const fn count(n: usize) -> Value {
    Value::Int(n as i128)
}

fn optional(x: Option<f64>) -> Value {
    x.map_or(Value::Null, Value::Float)
}

fn of_errors(errors: &Errors) -> Value {
    map([
        ("rows", count(errors.rows)),
        ("rmse", Value::Float(errors.rmse)),
        ("mae", Value::Float(errors.mae)),
        ("r2", optional(errors.r2)),
        ("mape", optional(errors.mape)),
        ("bias", Value::Float(errors.bias)),
    ])
}

fn alert_value(alert: &Alert) -> Value {
    map([
        ("severity", Value::Text(alert.severity.name().to_owned())),
        ("kind", Value::Text(alert.kind.name().to_owned())),
        ("subject", Value::Text(alert.subject.clone())),
        ("batch", alert.batch.map_or(Value::Null, count)),
        ("p", optional(alert.p)),
        ("message", Value::Text(alert.message.clone())),
    ])
}

fn drift_value(drift: &Drift) -> Value {
    let found = drift.distances;
    let of = |value: fn(&crate::Distances) -> f64| optional(found.as_ref().map(value));
    let is_numeric = found.is_none_or(|found| found.wasserstein.is_some());
    map([
        ("column", Value::Text(drift.subject.name().to_owned())),
        ("kind", Value::Text(drift.subject.kind().to_owned())),
        ("rows", count(drift.rows)),
        ("missing", count(drift.missing)),
        ("missing_p", Value::Float(drift.missing_p)),
        ("psi", of(|found| found.psi)),
        ("psi_critical", of(|found| found.psi_critical)),
        ("psi_p", of(|found| found.psi_p)),
        (
            "test",
            Value::Text(if is_numeric { "ks" } else { "chi_squared" }.to_owned()),
        ),
        ("statistic", of(|found| found.test.statistic)),
        ("test_p", of(|found| found.test.p)),
        (
            "wasserstein",
            optional(found.and_then(|found| found.wasserstein)),
        ),
        ("jensen_shannon", of(|found| found.jensen_shannon)),
        ("p", Value::Float(drift.p)),
        ("severity", severity_value(drift.severity)),
    ])
}

fn multivariate_value(found: &Multivariate) -> Value {
    let column = |(name, share): &(String, f64)| {
        map([
            ("column", Value::Text(name.clone())),
            ("share", Value::Float(*share)),
        ])
    };
    map([
        ("reference_rows", count(found.rows[0])),
        ("rows", count(found.rows[1])),
        ("auc", Value::Float(found.auc)),
        ("p", Value::Float(found.p)),
        ("columns", list(found.columns.iter(), column)),
        ("severity", severity_value(found.severity)),
    ])
}

fn severity_value(severity: Option<Severity>) -> Value {
    severity.map_or(Value::Null, |severity| {
        Value::Text(severity.name().to_owned())
    })
}

fn finding_value(((check, column), found): (&(Check, String), &Found)) -> Value {
    map([
        ("check", Value::Text(check.name().to_owned())),
        ("column", Value::Text(column.clone())),
        ("rows", count(found.rows)),
        ("invalid", count(found.invalid)),
        (
            "example",
            found.example.clone().map_or(Value::Null, Value::Text),
        ),
    ])
}

fn segment_value(segment: &Segment) -> Value {
    map([
        ("by", Value::Text(segment.by.clone())),
        ("part", Value::Text(segment.part.clone())),
        ("errors", of_errors(&segment.errors)),
        (
            "reference_mae",
            optional(segment.judged.map(|judged| judged.reference_mae)),
        ),
        ("p", optional(segment.judged.map(|judged| judged.p))),
        (
            "severity",
            severity_value(segment.judged.and_then(|judged| judged.severity)),
        ),
    ])
}
