//! The files of an evaluation: metrics (JSON), comparison and predictions (CSV), report (Markdown).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use super::params::{Require, Select, Thresholds, ValidEvaluateParams};
use super::residuals::{Group, Residuals};
use super::selection::Selection;
use crate::csv;
use crate::markdown::{Markdown, figure, figure_or_dash};
use crate::model::{Card, ModelKind};
use crate::scores::{Score, Scores};
use crate::split::Part;

/// The version of the metrics file.
const VERSION: u32 = 1;

/// A model, scored and examined.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    #[serde(skip)]
    pub(super) name: String,
    /// Where it lies, as the pipeline declares it.
    #[serde(skip)]
    pub(super) path: String,
    pub(super) kind: ModelKind,
    pub(super) scores: BTreeMap<Part, Scores>,
    /// The thresholds it does not keep, one fragment each.
    pub(super) violations: Vec<String>,
    pub(super) residuals: Residuals,
    #[serde(skip)]
    pub(super) card: Card,
}

impl Judged {
    /// Its score on a part, where that is defined.
    pub(super) fn score(&self, part: Part, score: Score) -> Option<f64> {
        self.scores.get(&part)?.get(score)
    }
}

/// All models, compared.
pub(super) struct Evaluation<'a> {
    params: &'a ValidEvaluateParams,
    /// The best first.
    models: Vec<Judged>,
    /// For each model as it was given, its place among `models`.
    places: Vec<usize>,
}

/// The metrics file; its page is `docs/formats/evaluation.md`.
#[derive(Serialize)]
pub(super) struct Metrics<'a> {
    version: u32,
    target: &'a str,
    best: &'a str,
    select: Select,
    passed: bool,
    thresholds: &'a Thresholds,
    models: BTreeMap<&'a str, &'a Judged>,
}

impl<'a> Evaluation<'a> {
    /// Ranks the models by the score that `select` names; those without it last.
    pub(super) fn new(params: &'a ValidEvaluateParams, models: Vec<Judged>) -> Self {
        let Select { metric, part } = params.select;
        let score = |model: &Judged| {
            let score = model.score(part, metric);
            score.map(|score| -metric.goodness(score))
        };
        let order = |a: &Judged, b: &Judged| match (score(a), score(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let mut ranked: Vec<(usize, Judged)> = models.into_iter().enumerate().collect();
        ranked.sort_by(|(_, a), (_, b)| order(a, b));
        let mut places = vec![0; ranked.len()];
        for (place, (given, _)) in ranked.iter().enumerate() {
            places[*given] = place;
        }
        Self {
            params,
            places,
            models: ranked.into_iter().map(|(_, model)| model).collect(),
        }
    }

    /// What was asked for.
    pub(super) const fn params(&self) -> &'a ValidEvaluateParams {
        self.params
    }

    /// The models, the best first.
    pub(super) fn models(&self) -> &[Judged] {
        &self.models
    }

    /// As which the model at `place` of [`models`](Self::models) was given, from 0.
    pub(super) fn given(&self, place: usize) -> usize {
        let given = self.places.iter().position(|known| *known == place);
        given.unwrap_or_default()
    }

    /// Which model is the best, and why.
    pub(super) fn selection(&self) -> Selection<'_> {
        Selection::new(self.params, &self.models)
    }

    /// The models that must keep the thresholds: the best, or all.
    fn required(&self) -> &[Judged] {
        match self.params.require {
            Require::Best => self.models.get(..1).unwrap_or_default(),
            Require::All => &self.models,
        }
    }

    /// What the required models miss, one fragment each; empty when the evaluation is passed.
    pub(super) fn failures(&self) -> Vec<String> {
        let failures = self.required().iter().flat_map(|model| {
            model
                .violations
                .iter()
                .map(|violation| format!("{}: {violation}", model.name))
        });
        failures.collect()
    }

    /// What goes to the metrics file.
    pub(super) fn metrics(&self) -> Metrics<'_> {
        Metrics {
            version: VERSION,
            target: &self.params.target,
            best: self.models.first().map_or("", |model| &model.name),
            select: self.params.select,
            passed: self.failures().is_empty(),
            thresholds: &self.params.thresholds,
            models: self
                .models
                .iter()
                .map(|model| (&*model.name, model))
                .collect(),
        }
    }

    /// A line a model: its verdict and its scores on the test part.
    pub(super) fn summary(&self) -> Vec<String> {
        let line = |model: &Judged| {
            let score = |score| figure_or_dash(model.score(Part::Test, score));
            format!(
                "{}: {}, test rmse {}, r2 {}",
                model.name,
                verdict(model),
                score(Score::Rmse),
                score(Score::R2),
            )
        };
        self.models.iter().map(line).collect()
    }

    /// The comparison as CSV, a row a model, the best first; a score that is undefined is an empty field.
    pub(super) fn comparison(&self) -> String {
        let columns = Part::ALL.iter().flat_map(|part| {
            Score::ALL
                .iter()
                .map(move |score| format!("{part}_{}", score.name()))
        });
        let header = ["model", "kind", "verdict"]
            .map(str::to_owned)
            .into_iter()
            .chain(columns);
        let mut csv = csv::line(header);
        for model in &self.models {
            let values = Part::ALL.iter().flat_map(|part| {
                Score::ALL.iter().map(move |score| {
                    let value = model.score(*part, *score);
                    value.map(|x| x.to_string()).unwrap_or_default()
                })
            });
            let words = [&*model.name, model.kind.name(), verdict(model)].map(str::to_owned);
            csv += &csv::line(words.into_iter().chain(values));
        }
        csv
    }

    /// Target and predictions of the test rows as CSV, a column a model; `predictions` come as the models were given.
    pub(super) fn predictions(&self, actual: &[f64], predictions: &[Vec<f64>]) -> String {
        let names = self
            .places
            .iter()
            .map(|&place| self.models[place].name.clone());
        let mut csv = csv::line([self.params.target.clone()].into_iter().chain(names));
        for (row, y) in actual.iter().enumerate() {
            let values = predictions.iter().map(|model| model[row].to_string());
            csv += &csv::line([y.to_string()].into_iter().chain(values));
        }
        csv
    }

    /// The report for people.
    pub(super) fn markdown(&self) -> String {
        let mut report = Markdown::default();
        let Select { metric, part } = self.params.select;
        report.heading(1, "Evaluation");
        let best = self.models.first();
        let failures = self.failures();
        let outcome = if failures.is_empty() {
            "passed"
        } else {
            "failed"
        };
        report.paragraph(&format!(
            "**{outcome}.** The best of {} models of `{}` by {} on {part} is **{}**. Errors are in the target's unit.",
            self.models.len(),
            self.params.target,
            metric.name(),
            best.map_or("none", |model| &model.name),
        ));
        report.paragraph(&format!("{}.", self.selection().reason));
        report.heading(2, "Verdicts");
        let verdicts = self.models.iter().map(|model| {
            let reasons = model.violations.join("; ");
            vec![
                model.name.clone(),
                model.kind.name().to_owned(),
                verdict(model).to_owned(),
                reasons,
            ]
        });
        report.table(
            &["model", "kind", "verdict", "because"],
            &verdicts.collect::<Vec<_>>(),
        );
        for part in Part::ALL {
            report.heading(2, &format!("Scores on {part}"));
            let header: Vec<&str> = ["model"]
                .into_iter()
                .chain(Score::ALL.map(Score::name))
                .collect();
            let rows: Vec<_> = self
                .models
                .iter()
                .map(|model| score_row(model, part))
                .collect();
            report.table(&header, &rows);
        }
        if let Some(best) = best {
            residuals(&mut report, best);
        }
        report.as_str().to_owned()
    }
}

pub(super) fn verdict(model: &Judged) -> &'static str {
    if model.violations.is_empty() {
        "pass"
    } else {
        "fail"
    }
}

fn score_row(model: &Judged, part: Part) -> Vec<String> {
    let score = |score| figure_or_dash(model.score(part, score));
    [model.name.clone()]
        .into_iter()
        .chain(Score::ALL.map(score))
        .collect()
}

fn residuals(report: &mut Markdown, model: &Judged) {
    let residuals = &model.residuals;
    report.heading(2, &format!("Residuals of {} on test", model.name));
    let quantiles = residuals
        .quantiles
        .iter()
        .map(|(name, x)| format!("{name} {}", figure(*x)));
    report.paragraph(&format!(
        "Target minus prediction: mean {}, standard deviation {}; {}.",
        figure(residuals.mean),
        figure(residuals.standard_deviation),
        quantiles.collect::<Vec<_>>().join(", "),
    ));
    report.heading(3, "By target");
    groups(report, "target", &residuals.by_target);
    if let Some(regions) = &residuals.by_region {
        report.heading(3, "By region");
        groups(report, "region", regions);
    }
}

fn groups(report: &mut Markdown, what: &str, groups: &[Group]) {
    let rows = groups.iter().map(|group| {
        vec![
            group.name.clone(),
            group.rows.to_string(),
            figure(group.mean),
            figure(group.rmse),
            figure(group.mae),
        ]
    });
    report.table(
        &[what, "rows", "mean residual", "rmse", "mae"],
        &rows.collect::<Vec<_>>(),
    );
}
