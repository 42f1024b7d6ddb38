//! Which model is selected, and why: the file that says so, and the sentence.

use serde::Serialize;

use super::params::ValidEvaluateParams;
use super::report::Judged;
use crate::markdown::{counted, figure};
use crate::model::ModelKind;
use crate::scores::Score;
use crate::split::Part;

/// The version of the file.
const VERSION: u32 = 1;

/// Which model is selected, and why; its page is `docs/formats/evaluation.md`.
#[derive(Debug, Serialize)]
pub(super) struct Selection<'a> {
    version: u32,
    target: &'a str,
    model: &'a str,
    path: &'a str,
    kind: ModelKind,
    metric: Score,
    part: Part,
    pub(super) value: Option<f64>,
    candidates: usize,
    runner_up: Option<RunnerUp<'a>>,
    /// How much better than the runner-up: 0 or more.
    pub(super) margin: Option<f64>,
    thresholds: Standing,
    violations: &'a [String],
    /// The same in a sentence, without a full stop.
    pub(super) reason: String,
}

/// The second best.
#[derive(Debug, Serialize)]
struct RunnerUp<'a> {
    model: &'a str,
    value: Option<f64>,
}

/// Whether the selected model keeps the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// There are no thresholds.
    Unset,
    Kept,
    Missed,
}

impl<'a> Selection<'a> {
    /// The first of `models`, which come the best first; there is at least one.
    pub(super) fn new(params: &'a ValidEvaluateParams, models: &'a [Judged]) -> Self {
        let (metric, part) = (params.select.metric, params.select.part);
        let best = match models.first() {
            Some(best) => best,
            None => panic!("bug: the engine executes `evaluate` without models"),
        };
        let runner_up = models.get(1).map(|model| RunnerUp {
            model: &model.name,
            value: model.score(part, metric),
        });
        let value = best.score(part, metric);
        let other = runner_up.as_ref().and_then(|other| other.value);
        let mut selection = Self {
            version: VERSION,
            target: &params.target,
            model: &best.name,
            path: &best.path,
            kind: best.kind,
            metric,
            part,
            value,
            candidates: models.len(),
            runner_up,
            margin: value.zip(other).map(|(best, other)| (best - other).abs()),
            thresholds: match (params.thresholds.is_empty(), best.violations.is_empty()) {
                (true, _) => Standing::Unset,
                (false, true) => Standing::Kept,
                (false, false) => Standing::Missed,
            },
            violations: &best.violations,
            reason: String::new(),
        };
        selection.reason = selection.sentence();
        selection
    }

    fn sentence(&self) -> String {
        let thresholds = match self.thresholds {
            Standing::Unset => "no threshold is set".to_owned(),
            Standing::Kept => "it keeps every threshold".to_owned(),
            Standing::Missed => match self.violations {
                [one] => format!("it misses a threshold: {one}"),
                many => format!("it misses {} thresholds: {}", many.len(), many.join(", ")),
            },
        };
        format!(
            "`{}` is selected: {}; {thresholds}",
            self.model,
            self.because()
        )
    }

    fn because(&self) -> String {
        let on = format!("{} on {}", self.metric.name(), self.part);
        let Some(value) = self.value else {
            return format!("no model has a {on}, and it is named first");
        };
        let value = figure(value);
        let Some(other) = &self.runner_up else {
            return format!("it is the only model, its {on} {value}");
        };
        let (most, less) = if self.metric.larger_is_better() {
            ("largest", "more than that")
        } else {
            ("smallest", "less than that")
        };
        let leads = format!(
            "its {on}, {value}, is the {most} of {}",
            counted(self.candidates, "model")
        );
        let name = other.model;
        match self.margin {
            Some(0.0) => format!("{leads}, the same as that of `{name}`, which is named later"),
            Some(margin) => format!("{leads}, {} {less} of `{name}`", figure(margin)),
            None => format!("{leads}, and the only one that is defined"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::LearnerKind;

    fn selection(
        value: Option<f64>,
        other: Option<Option<f64>>,
        metric: Score,
    ) -> Selection<'static> {
        let runner_up = other.map(|value| RunnerUp { model: "b", value });
        let other = other.flatten();
        Selection {
            version: VERSION,
            target: "y",
            model: "a",
            path: "models/a",
            kind: ModelKind::Learner(LearnerKind::Linear),
            metric,
            part: Part::Validation,
            value,
            candidates: if runner_up.is_some() { 2 } else { 1 },
            runner_up,
            margin: value.zip(other).map(|(best, other)| (best - other).abs()),
            thresholds: Standing::Kept,
            violations: &[],
            reason: String::new(),
        }
    }

    #[test]
    fn the_sentence_says_why() {
        let check = |value, other, metric, expect: &str| {
            assert_eq!(selection(value, other, metric).because(), expect);
        };
        check(
            Some(0.5),
            Some(Some(0.75)),
            Score::Rmse,
            "its rmse on validation, 0.5000, is the smallest of 2 models, 0.2500 less than that of `b`",
        );
        check(
            Some(0.75),
            Some(Some(0.5)),
            Score::R2,
            "its r2 on validation, 0.7500, is the largest of 2 models, 0.2500 more than that of `b`",
        );
        check(
            Some(0.5),
            Some(Some(0.5)),
            Score::Mae,
            "its mae on validation, 0.5000, is the smallest of 2 models, the same as that of `b`, which is named later",
        );
        check(
            Some(0.5),
            None,
            Score::Rmse,
            "it is the only model, its rmse on validation 0.5000",
        );
        check(
            None,
            Some(None),
            Score::R2,
            "no model has a r2 on validation, and it is named first",
        );
    }

    #[test]
    fn the_sentence_says_what_is_kept() {
        let mut selection = selection(Some(0.5), None, Score::Rmse);
        assert_eq!(
            selection.sentence(),
            "`a` is selected: it is the only model, its rmse on validation 0.5000; it keeps every threshold"
        );
        let missed = ["test rmse 0.5000 is above 0.1".to_owned()];
        selection.thresholds = Standing::Missed;
        selection.violations = &missed;
        assert!(
            selection
                .sentence()
                .ends_with("; it misses a threshold: test rmse 0.5000 is above 0.1")
        );
    }

    #[test]
    fn the_bytes_of_version_1() {
        let selection = selection(Some(0.5), Some(Some(0.75)), Score::Rmse);
        let written = serde_json::to_string(&selection).expect("JSON");
        let golden = concat!(
            r#"{"version":1,"target":"y","model":"a","path":"models/a","kind":"linear","metric":"rmse","part":"validation","#,
            r#""value":0.5,"candidates":2,"runner_up":{"model":"b","value":0.75},"margin":0.25,"thresholds":"kept","#,
            r#""violations":[],"reason":""}"#
        );
        assert_eq!(written, golden);
    }
}
