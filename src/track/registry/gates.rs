//! Gates: what a version must pass before it comes into a stage.
//!
//! Judged from what the record says, what stands in the stage now, and what was measured before; nothing is measured here.
//! A gate that cannot be judged (the metric is not there, the other version was measured on other data) is not passed:
//! the message says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::latency::{LatencyBudget, Measured};
use super::lineage::is_false;
use super::record::{Record, Segment};
use super::replay::Replay;

/// What a version must pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// Metrics by name, and what they must keep.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Bounds>,
    /// Metrics that must not be worse than those of the version that stands in the stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_worse: Vec<NotWorse>,
    /// Whether the quality of the data must be recorded, and not as failed.
    #[serde(skip_serializing_if = "is_false")]
    pub quality: bool,
    /// Metrics of every segment, and what they must keep.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Bounds>,
    /// Segments of fewer rows are not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_rows: Option<u64>,
    /// How long the model may take to predict one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyBudget>,
    /// Rows that are asked over HTTP, and must be answered with the bits that the model predicts without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// What a number must keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// It is at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// It is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// A metric that must not be worse than that of another version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotWorse {
    /// The metric.
    pub metric: String,
    /// `lower` or `higher`; of metrics everybody knows it need not be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
    /// How much worse it may be, in the metric's unit.
    #[serde(default)]
    pub tolerance: f64,
    /// What it means when both were measured on different data, so that nothing can be said.
    #[serde(default)]
    pub on_other_data: OnOtherData,
}

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
}

/// What metrics on different data mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOtherData {
    /// The gate is not passed.
    #[default]
    Fail,
    /// The gate is passed.
    Pass,
}

/// Names of errors, as the last part of a metric's name.
const LOWER: &[&str] = &[
    "rmse",
    "mse",
    "mae",
    "mape",
    "max_error",
    "median_absolute_error",
    "loss",
    "log_loss",
    "error",
    "mean_squared_error",
    "mean_absolute_error",
    "bias",
];

/// Names of scores.
const HIGHER: &[&str] = &[
    "r2",
    "accuracy",
    "auc",
    "roc_auc",
    "f1",
    "precision",
    "recall",
    "score",
];

impl NotWorse {
    /// Which way is better; none if nobody says.
    pub fn direction(&self) -> Option<Better> {
        let last = self.metric.rsplit('.').next().unwrap_or_default();
        let known = match last {
            last if LOWER.contains(&last) => Some(Better::Lower),
            last if HIGHER.contains(&last) => Some(Better::Higher),
            _ => None,
        };
        self.better.or(known)
    }
}

/// What one gate said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The kind of gate: `metric`, `not_worse`, `quality`, `segment`, `latency`, `replay`.
    pub gate: String,
    /// What was looked at: a metric's name, a segment.
    pub what: String,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Whether it passed.
    pub passed: bool,
    /// The same for people.
    pub message: String,
}

/// The version that stands in the stage.
#[derive(Debug, Clone, Copy)]
pub struct Opponent<'a> {
    /// Its number.
    pub version: i64,
    /// What it was registered with; none if nobody wrote that down.
    pub record: Option<&'a Record>,
}

impl Gates {
    /// Whether they ask for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What each gate says of `record`. `opponent` stands in the stage now; `measured` is what gates ask to be measured.
    pub fn judge(
        &self,
        record: &Record,
        opponent: Option<Opponent<'_>>,
        measured: &Measured,
    ) -> Vec<Check> {
        let metrics = self.metrics.iter().flat_map(|(name, bounds)| {
            bounds.judge("metric", name, record.metrics.get(name).copied())
        });
        let against = |gate| not_worse(gate, record, opponent);
        let mut checks: Vec<_> = metrics.collect();
        checks.extend(self.not_worse.iter().map(against));
        checks.extend(self.quality.then(|| quality(record)));
        for (metric, bounds) in &self.segments {
            checks.extend(self.segments(metric, *bounds, &record.segments));
        }
        let budget = self.latency.into_iter();
        checks.extend(budget.flat_map(|budget| budget.judge(measured)));
        checks.extend(self.replay.map(|replay| replay.judge(measured)));
        checks
    }

    /// The segments that do not keep their bounds, or, if all do, the worst of them.
    fn segments(&self, metric: &str, bounds: Bounds, segments: &[Segment]) -> Vec<Check> {
        let least = self.segment_rows.unwrap_or(0);
        let judged: Vec<_> = segments
            .iter()
            .filter(|segment| segment.rows >= least)
            .flat_map(|segment| {
                let what = format!("{} of {}", metric, segment.name);
                bounds.judge("segment", &what, segment.metrics.get(metric).copied())
            })
            .collect();
        let failed: Vec<_> = judged
            .iter()
            .filter(|check| !check.passed)
            .cloned()
            .collect();
        if judged.is_empty() {
            let message = format!("no segment has a {metric}");
            return vec![unjudged("segment", metric, message)];
        }
        match failed.is_empty() {
            true => judged.into_iter().max_by(closer).into_iter().collect(),
            false => failed,
        }
    }
}

/// Of two kept bounds, the one that is kept by less is the greater.
fn closer(one: &Check, other: &Check) -> std::cmp::Ordering {
    let distance = |check: &Check| match (check.value, check.bound) {
        (Some(value), Some(bound)) => -(value - bound).abs(),
        _ => f64::NEG_INFINITY,
    };
    distance(one).total_cmp(&distance(other))
}

pub(crate) fn unjudged(gate: &str, what: &str, message: String) -> Check {
    Check {
        gate: gate.to_owned(),
        what: what.to_owned(),
        value: None,
        bound: None,
        passed: false,
        message,
    }
}

impl Bounds {
    /// A check for each bound.
    fn judge(self, gate: &str, what: &str, value: Option<f64>) -> Vec<Check> {
        let Some(value) = value.filter(|value| !value.is_nan()) else {
            return vec![unjudged(gate, what, format!("{what} is not recorded"))];
        };
        let check = |bound: f64, passed: bool, kept: &str, missed: &str| Check {
            gate: gate.to_owned(),
            what: what.to_owned(),
            value: Some(value),
            bound: Some(bound),
            passed,
            message: format!(
                "{what} {} is {} {bound}",
                figure(value),
                if passed { kept } else { missed }
            ),
        };
        let min = self
            .min
            .map(|min| check(min, value >= min, "at least", "below"));
        let max = self
            .max
            .map(|max| check(max, value <= max, "at most", "above"));
        min.into_iter().chain(max).collect()
    }
}

/// A number for people: four digits behind the point, fewer where they say nothing.
pub(crate) fn figure(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What part of a metric two versions that predict alike may differ by: sums round in the order of their terms.
const ROUNDING: f64 = 1e-9;

fn not_worse(gate: &NotWorse, record: &Record, opponent: Option<Opponent<'_>>) -> Check {
    let what = gate.metric.as_str();
    let refuse = |message: String| unjudged("not_worse", what, message);
    let Some(value) = record.metrics.get(what).copied() else {
        return refuse(format!("{what} is not recorded"));
    };
    let Some(opponent) = opponent else {
        return Check {
            value: Some(value),
            passed: true,
            ..refuse("nothing stands there to be worse than".to_owned())
        };
    };
    let version = opponent.version;
    let other = opponent
        .record
        .and_then(|other| Some((other, *other.metrics.get(what)?)));
    let Some((other, bound)) = other else {
        return refuse(format!("{what} of version {version} is not recorded"));
    };
    if other.data != record.data || record.data.is_empty() {
        return Check {
            value: Some(value),
            bound: Some(bound),
            passed: gate.on_other_data == OnOtherData::Pass,
            ..refuse(format!(
                "{what} {} and {} of version {version} were measured on different data",
                figure(value),
                figure(bound)
            ))
        };
    }
    compared(gate, value, bound, version)
}

fn compared(gate: &NotWorse, value: f64, bound: f64, version: i64) -> Check {
    let what = gate.metric.as_str();
    let tolerance = gate.tolerance + ROUNDING * bound.abs();
    let (passed, word) = match gate.direction() {
        Some(Better::Lower) => (value <= bound + tolerance, "above"),
        Some(Better::Higher) => (value >= bound - tolerance, "below"),
        None => (false, "neither known to be better nor worse than"),
    };
    let verdict = if passed { "no worse than" } else { word };
    Check {
        gate: "not_worse".to_owned(),
        what: what.to_owned(),
        value: Some(value),
        bound: Some(bound),
        passed,
        message: format!(
            "{what} {} is {verdict} {} of version {version}",
            figure(value),
            figure(bound)
        ),
    }
}

fn quality(record: &Record) -> Check {
    let message = match record.quality.as_deref() {
        Some(verdict) => format!("the checks of the data say `{verdict}`"),
        None => "the quality of the data is not recorded".to_owned(),
    };
    let passed = matches!(record.quality.as_deref(), Some("passed" | "warnings"));
    Check {
        passed,
        ..unjudged("quality", "data quality", message)
    }
}

#[cfg(test)]
mod tests {
    use hpipe_core::Digest;

    use super::super::record::DataUsed;
    use super::*;

    fn record(rmse: f64, data: u8) -> Record {
        let used = DataUsed {
            path: "data/test.csv".to_owned(),
            digest: Digest::blake3([data; 32]),
        };
        Record {
            metrics: [("test.rmse".to_owned(), rmse)].into(),
            data: vec![used],
            ..Record::default()
        }
    }

    fn judged(gates: &str, record: &Record, opponent: Option<&Record>) -> String {
        let gates: Gates = serde_json::from_str(gates).unwrap();
        let opponent = opponent.map(|record| Opponent {
            version: 3,
            record: Some(record),
        });
        let checks = gates.judge(record, opponent, &Measured::default());
        let checks = checks.into_iter();
        let told = checks.map(|check| format!("{} {}", check.passed, check.message));
        told.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn metrics_keep_their_bounds() {
        for (gates, expect) in [
            (
                r#"{"metrics": {"test.rmse": {"max": 0.5}}}"#,
                "true test.rmse 0.4 is at most 0.5",
            ),
            (
                r#"{"metrics": {"test.rmse": {"max": 0.3}}}"#,
                "false test.rmse 0.4 is above 0.3",
            ),
            (
                r#"{"metrics": {"test.rmse": {"min": 0.4}}}"#,
                "true test.rmse 0.4 is at least 0.4",
            ),
            (
                r#"{"metrics": {"r2": {"min": 0.4}}}"#,
                "false r2 is not recorded",
            ),
            (
                r#"{"quality": true}"#,
                "false the quality of the data is not recorded",
            ),
            (
                r#"{"segments": {"rmse": {"max": 1}}}"#,
                "false no segment has a rmse",
            ),
        ] {
            assert_eq!(judged(gates, &record(0.4, 1), None), expect);
        }
    }

    #[test]
    fn a_version_is_held_against_the_one_that_stands_there() {
        let gate = r#"{"not_worse": [{"metric": "test.rmse"}]}"#;
        let lax = r#"{"not_worse": [{"metric": "test.rmse", "on_other_data": "pass", "tolerance": 0.1}]}"#;
        for (gates, other, expect) in [
            (gate, None, "true nothing stands there to be worse than"),
            (
                gate,
                Some(record(0.4, 1)),
                "true test.rmse 0.4 is no worse than 0.4 of version 3",
            ),
            (
                gate,
                Some(record(0.4 - 1e-15, 1)),
                "true test.rmse 0.4 is no worse than 0.4 of version 3",
            ),
            (
                gate,
                Some(record(0.35, 1)),
                "false test.rmse 0.4 is above 0.35 of version 3",
            ),
            (
                lax,
                Some(record(0.35, 1)),
                "true test.rmse 0.4 is no worse than 0.35 of version 3",
            ),
            (
                gate,
                Some(record(0.5, 2)),
                "false test.rmse 0.4 and 0.5 of version 3 were measured on different data",
            ),
            (
                lax,
                Some(record(0.5, 2)),
                "true test.rmse 0.4 and 0.5 of version 3 were measured on different data",
            ),
            (
                gate,
                Some(Record::default()),
                "false test.rmse of version 3 is not recorded",
            ),
        ] {
            assert_eq!(judged(gates, &record(0.4, 1), other.as_ref()), expect);
        }
    }

    #[test]
    fn the_worst_segment_decides() {
        let segment = |name: &str, rows, rmse| Segment {
            group: "region".to_owned(),
            name: name.to_owned(),
            rows,
            metrics: [("rmse".to_owned(), rmse)].into(),
        };
        let record = Record {
            segments: vec![
                segment("north", 100, 0.4),
                segment("south", 90, 0.6),
                segment("sea", 2, 9.0),
            ],
            ..Record::default()
        };
        for (gates, expect) in [
            (
                r#"{"segments": {"rmse": {"max": 0.7}}, "segment_rows": 10}"#,
                "true rmse of south 0.6 is at most 0.7",
            ),
            (
                r#"{"segments": {"rmse": {"max": 0.5}}}"#,
                "false rmse of south 0.6 is above 0.5; false rmse of sea 9 is above 0.5",
            ),
        ] {
            assert_eq!(judged(gates, &record, None), expect);
        }
    }
}
