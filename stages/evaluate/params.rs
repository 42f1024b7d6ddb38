//! The options of `evaluate`: which score decides, how good is good enough, what a region is.

use std::collections::BTreeMap;

use hpipe_core::OptionFault;
use hpipe_plot::Quantity;
use serde::{Deserialize, Serialize};

use crate::markdown::figure;
use crate::options::{Faults, Options};
use crate::scores::{Score, Scores};
use crate::split::Part;

/// The options as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvaluateParams {
    target: String,
    unit: Option<String>,
    #[serde(default)]
    select: Select,
    #[serde(default)]
    thresholds: BTreeMap<String, BTreeMap<String, Bounds>>,
    #[serde(default)]
    require: Require,
    #[serde(default)]
    on_failure: OnFailure,
    regions: Option<RegionParams>,
}

/// Bounds by part and score.
pub(super) type Thresholds = BTreeMap<Part, BTreeMap<Score, Bounds>>;

/// Which score on which part tells the best model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Select {
    pub(super) metric: Score,
    pub(super) part: Part,
}

impl Default for Select {
    fn default() -> Self {
        Self {
            metric: Score::Rmse,
            part: Part::Validation,
        }
    }
}

/// How far a score may reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounds {
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
}

/// Which models must keep the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Require {
    /// The one that `select` tells.
    #[default]
    Best,
    /// Every one.
    All,
}

/// What happens when they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnFailure {
    /// The stage fails.
    #[default]
    Fail,
    /// The verdict is recorded.
    Warn,
}

/// What a region is, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionParams {
    column: Option<String>,
    columns: Option<[String; 2]>,
    cell: Option<f64>,
}

/// What a region is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RegionKind {
    /// A word of a column.
    Named(String),
    /// A square of a grid over two columns, its side in their unit.
    Grid([String; 2], f64),
}

/// The options, checked.
#[derive(Debug)]
pub(super) struct ValidEvaluateParams {
    pub(super) target: String,
    /// The target's unit, as people write it.
    pub(super) unit: Option<String>,
    pub(super) select: Select,
    pub(super) thresholds: Thresholds,
    pub(super) require: Require,
    pub(super) on_failure: OnFailure,
    pub(super) regions: Option<RegionKind>,
}

impl Options for EvaluateParams {
    type Checked = ValidEvaluateParams;

    fn check(self) -> Result<ValidEvaluateParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let mut thresholds = Thresholds::new();
        for (part, scores) in faults.named("thresholds", self.thresholds, &Part::ALL, Part::name) {
            let path = format!("thresholds.{part}");
            let scores = faults.named(&path, scores, &Score::ALL, Score::name);
            for (score, bounds) in &scores {
                let path = format!("{path}.{}", score.name());
                match (bounds.min, bounds.max) {
                    (None, None) => faults.add(path, "needs `min` or `max`"),
                    (Some(min), Some(max)) if min > max => {
                        faults.add(path, "has a `min` larger than its `max`");
                    }
                    _ => {}
                }
            }
            thresholds.insert(part, scores);
        }
        let regions = self.regions.and_then(|regions| regions.check(&mut faults));
        faults.into_result(ValidEvaluateParams {
            target: self.target,
            unit: self.unit,
            select: self.select,
            thresholds,
            require: self.require,
            on_failure: self.on_failure,
            regions,
        })
    }
}

impl RegionParams {
    fn check(self, faults: &mut Faults) -> Option<RegionKind> {
        match (self.column, self.columns, self.cell) {
            (Some(column), None, None) => Some(RegionKind::Named(column)),
            (None, Some(columns), Some(cell)) => {
                faults.require(cell > 0.0, "regions.cell", "must be more than 0");
                Some(RegionKind::Grid(columns, cell))
            }
            _ => {
                faults.add(
                    "regions",
                    "needs either `column`, or `columns` (two coordinates) and `cell` (their grid's width)",
                );
                None
            }
        }
    }
}

impl ValidEvaluateParams {
    /// The target with its unit.
    pub(super) fn quantity(&self) -> Quantity {
        Quantity {
            name: self.target.clone(),
            unit: self.unit.clone(),
        }
    }

    /// A score with the target's unit, if it has that.
    pub(super) fn labelled(&self, score: Score) -> String {
        match &self.unit {
            Some(unit) if score.has_unit() => format!("{} ({unit})", score.name()),
            _ => score.name().to_owned(),
        }
    }

    /// What a score on the test part must not go beyond.
    pub(super) fn limit(&self, score: Score) -> Option<f64> {
        let bounds = self.thresholds.get(&Part::Test)?.get(&score)?;
        bounds.max.or(bounds.min)
    }

    /// Whether a verdict against the models fails the stage.
    pub(super) fn fails(&self) -> bool {
        self.on_failure == OnFailure::Fail
    }

    /// The thresholds that the scores of a model do not keep, one fragment each.
    pub(super) fn violations(&self, scores: &BTreeMap<Part, Scores>) -> Vec<String> {
        let mut violations = Vec::new();
        for (part, bounds) in &self.thresholds {
            for (score, bounds) in bounds {
                let value = scores.get(part).and_then(|scores| scores.get(*score));
                if let Some(fault) = bounds.fault(value) {
                    violations.push(format!("{part} {} {fault}", score.name()));
                }
            }
        }
        violations
    }
}

impl Bounds {
    /// What is wrong with a score; none when it is within the bounds.
    fn fault(&self, value: Option<f64>) -> Option<String> {
        let Some(value) = value else {
            return Some("is undefined".to_owned());
        };
        match (self.min, self.max) {
            (Some(min), _) if value < min => {
                Some(format!("{} is below {}", figure(value), exact(min)))
            }
            (_, Some(max)) if value > max => {
                Some(format!("{} is above {}", figure(value), exact(max)))
            }
            _ => None,
        }
    }
}

/// A bound as it was written, unless that takes more digits than anybody reads.
fn exact(bound: f64) -> String {
    let written = bound.to_string();
    if written.len() <= 12 {
        return written;
    }
    figure(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::{faults, value};

    #[test]
    fn options_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<EvaluateParams>(json), expect);
        check(r#"{"target": "y"}"#, "");
        check(
            r#"{"target": "y", "thresholds": {"test": {"rmse": {}, "r2": {"min": 1, "max": 0}}},
                "regions": {"columns": ["a", "b"]}}"#,
            "thresholds.test.rmse: needs `min` or `max`\n\
             thresholds.test.r2: has a `min` larger than its `max`\n\
             regions: needs either `column`, or `columns` (two coordinates) and `cell` (their grid's width)",
        );
        check(
            r#"{"target": "y", "thresholds": {"test": {"rsme": {"max": 1}}, "tset": {}}}"#,
            "thresholds.tset: unknown option (did you mean `test`?)\n\
             thresholds.test.rsme: unknown option (did you mean `rmse`?)",
        );
        check(
            r#"{"target": "y", "select": {"part": "tst"}}"#,
            "select.part: `tst` is not a word for this (did you mean `test`?)",
        );
    }

    #[test]
    fn violations_say_what_is_missed() {
        let params = r#"{"target": "y", "thresholds": {"test": {"rmse": {"max": 0.1}, "r2": {"min": 0.5}, "mae": {"max": 9}}}}"#;
        let params = crate::options::checked::<EvaluateParams>(&value(params)).expect("valid");
        let scores = BTreeMap::from([(Part::Test, Scores::new(&[1.0, 1.0], &[1.5, 0.5]))]);
        assert_eq!(
            params.violations(&scores),
            ["test rmse 0.5000 is above 0.1", "test r2 is undefined"]
        );
        let bounds = Bounds {
            min: None,
            max: Some(1e100 / 3.0),
        };
        let fault = bounds.fault(Some(1.23456e118));
        assert_eq!(fault.as_deref(), Some("1.235e118 is above 3.333e99"));
    }
}
