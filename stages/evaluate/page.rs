//! The page of an evaluation, for people: which model, why, where it errs; then every model.

use hpipe_plot::{KeyFigure, Outcome, Page, PageTable, Picture, TableCell, Verdict};

use super::charts::Findings;
use super::report::{Judged, verdict};
use super::supplements::{self, word};
use crate::drawings::Drawings;
use crate::error::Error;
use crate::markdown::{counted, figure, figure_or_dash};
use crate::scores::Score;
use crate::split::Part;
use crate::study::StudyRecord;

/// The page as HTML.
///
/// # Errors
/// [`Error::Draw`], which would be our fault.
pub(super) fn html(findings: &Findings<'_>, drawings: &Drawings) -> Result<String, Error> {
    let evaluation = findings.evaluation;
    let params = evaluation.params();
    let models = evaluation.models();
    let page = Page::new(format!("Models of {}", params.target))
        .subtitle(format!(
            "{}, judged on {} that none was fitted on",
            counted(models.len(), "model"),
            counted(findings.actual.len(), "test row"),
        ))
        .key_figures(key_figures(findings))
        .verdict(overall(findings), "what the models must reach")
        .paragraph(format!("{}.", findings.selection.reason.replace('`', "")))
        .section("Models side by side")
        .pictures(drawings.pictures(&["comparison"]))
        .table(comparison(models));
    let mut page = best(page, findings, drawings);
    for model in models {
        page = one_model(page, findings, model)?;
    }
    Ok(page.to_html())
}

fn key_figures(findings: &Findings<'_>) -> Vec<KeyFigure> {
    let params = findings.evaluation.params();
    let models = findings.evaluation.models();
    let best = models.first();
    let figure_of = |label: String, value: Option<f64>, detail: String| KeyFigure {
        label,
        value: figure_or_dash(value),
        detail,
    };
    let unit = |score: Score| {
        let unit = params.unit.clone().filter(|_| score.has_unit());
        unit.unwrap_or_default()
    };
    let test = |score: Score| {
        let value = best.and_then(|model| model.score(Part::Test, score));
        figure_of(format!("test {}", score.name()), value, unit(score))
    };
    let metric = params.select.metric;
    let second = models.get(1).map(|model| format!("before {}", model.name));
    vec![
        KeyFigure {
            label: "selected".to_owned(),
            value: best.map(|model| model.name.clone()).unwrap_or_default(),
            detail: format!("by {} on {}", metric.name(), params.select.part),
        },
        test(Score::Rmse),
        test(Score::Mae),
        test(Score::R2),
        figure_of(
            "margin".to_owned(),
            findings.selection.margin,
            second.unwrap_or_default(),
        ),
    ]
}

/// Whether the models that must keep the thresholds do.
fn overall(findings: &Findings<'_>) -> Verdict {
    let (outcome, words) = match findings.evaluation.failures().len() {
        _ if findings.evaluation.params().thresholds.is_empty() => {
            (Outcome::Neutral, "no thresholds".to_owned())
        }
        0 => (Outcome::Pass, "passed".to_owned()),
        missed => (
            Outcome::Fail,
            format!("{} missed", counted(missed, "threshold")),
        ),
    };
    Verdict { outcome, words }
}

fn badge(model: &Judged) -> Verdict {
    let outcome = if model.violations.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Fail
    };
    Verdict {
        outcome,
        words: verdict(model).to_owned(),
    }
}

fn cell(score: Option<f64>) -> TableCell {
    score.map_or_else(|| "–".into(), |score| TableCell::Number(score, 4))
}

/// A row a model: the scores that people look at first, on every part.
fn comparison(models: &[Judged]) -> PageTable {
    const SHOWN: [Score; 3] = [Score::Rmse, Score::Mae, Score::R2];
    let pairs = || {
        let parts = Part::ALL.into_iter();
        parts.flat_map(|part| SHOWN.into_iter().map(move |score| (part, score)))
    };
    let heads = pairs().map(|(part, score)| format!("{part} {}", score.name()));
    let words = ["model", "kind", "verdict"].map(str::to_owned);
    let row = |model: &Judged| {
        let words = [
            TableCell::Text(model.name.clone()),
            TableCell::Text(model.kind.name().to_owned()),
            TableCell::Verdict(badge(model)),
        ];
        let scores = pairs().map(|(part, score)| cell(model.score(part, score)));
        words.into_iter().chain(scores).collect()
    };
    PageTable {
        caption: "The best first; errors in the target's unit".to_owned(),
        columns: words.into_iter().chain(heads).collect(),
        rows: models.iter().map(row).collect(),
        strong: Some(0),
    }
}

fn best(page: Page, findings: &Findings<'_>, drawings: &Drawings) -> Page {
    let Some(best) = findings.evaluation.models().first() else {
        return page;
    };
    let residuals = &best.residuals;
    let quantile = |(name, x): (&&str, &f64)| format!("{name} {}", figure(*x));
    let quantiles: Vec<String> = residuals.quantiles.iter().map(quantile).collect();
    page.section(format!("The selected model, {}", best.name))
        .paragraph(format!(
            "Residuals, target minus prediction, on the test part: mean {}, standard deviation {}; {}.",
            figure(residuals.mean),
            figure(residuals.standard_deviation),
            quantiles.join(", "),
        ))
        .pictures(drawings.pictures(&[
            "predicted_against_actual",
            "residuals_against_predicted",
            "residual_histogram",
            "residual_quantiles",
        ]))
        .heading("Where it errs")
        .pictures(drawings.pictures(&[
            "residuals_by_target",
            "residuals_by_region",
            "rmse_by_region",
        ]))
}

/// A model's scores on every part, and what other stages found of it.
fn one_model(page: Page, findings: &Findings<'_>, model: &Judged) -> Result<Page, Error> {
    let mut page = page
        .section(format!("Model {}", model.name))
        .verdict(badge(model), format!("{}, {}", model.kind, model.path));
    if !model.violations.is_empty() {
        page = page.list(model.violations.clone());
    }
    page = page.table(scores(model));
    if !model.card.training.members.is_empty() {
        page = page.table(members(model));
    }
    if let Some(hyperparameters) = hyperparameters(model) {
        page = page.table(hyperparameters);
    }
    for study in findings.supplements.studies(model) {
        page = of_study(page, study);
    }
    let pictures = of_explanation(findings, model)?;
    if !pictures.is_empty() {
        page = page.heading("What it looks at").pictures(pictures);
    }
    Ok(page)
}

fn scores(model: &Judged) -> PageTable {
    let row = |part: Part| {
        let scores = Score::ALL
            .into_iter()
            .map(|score| cell(model.score(part, score)));
        [TableCell::Text(part.to_string())]
            .into_iter()
            .chain(scores)
            .collect()
    };
    let heads = ["part"].into_iter().chain(Score::ALL.map(Score::name));
    PageTable {
        caption: "Scores".to_owned(),
        columns: heads.map(str::to_owned).collect(),
        rows: Part::ALL.map(row).to_vec(),
        strong: None,
    }
}

/// What a stack is made of.
fn members(model: &Judged) -> PageTable {
    let members = model.card.training.members.iter();
    let rows = members.map(|member| {
        vec![
            TableCell::Text(member.name.clone()),
            TableCell::Number(member.weight, 3),
            TableCell::Number(member.validation.rmse, 4),
        ]
    });
    PageTable {
        caption: "Members".to_owned(),
        columns: ["member", "weight", "validation rmse"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
        strong: None,
    }
}

/// What the model was asked to be.
fn hyperparameters(model: &Judged) -> Option<PageTable> {
    let given = model.card.hyperparameters.as_object()?;
    let row = |(name, value)| {
        vec![
            TableCell::Text(String::clone(name)),
            TableCell::Text(word(value)),
        ]
    };
    let rows: Vec<Vec<TableCell>> = given.iter().map(row).collect();
    (!rows.is_empty()).then(|| PageTable {
        caption: "Hyperparameters".to_owned(),
        columns: vec!["hyperparameter".to_owned(), "value".to_owned()],
        rows,
        strong: None,
    })
}

/// What a study found, and how it went.
fn of_study(page: Page, study: &StudyRecord) -> Page {
    if study.best.params.is_empty() {
        return page;
    }
    let found = study.best.params.iter();
    let found = found.map(|(name, value)| format!("{name} = {}", word(value)));
    page.heading("Search for hyperparameters")
        .paragraph(format!(
            "Trial {} of {} was the best, with {} {}: {}.",
            study.best.number,
            study.trials.len(),
            study.objective.metric.name(),
            figure(study.best.value),
            found.collect::<Vec<_>>().join(", "),
        ))
        .picture(supplements::history(study).draw())
}

/// Importance of features and SHAP values, where `explain` measured them.
fn of_explanation(findings: &Findings<'_>, model: &Judged) -> Result<Vec<Picture>, Error> {
    let params = findings.evaluation.params();
    let Some(explanation) = findings.supplements.explanation(model) else {
        return Ok(Vec::new());
    };
    let permutation = explanation.permutation_figure(params.unit.as_deref());
    let mut figures = vec![permutation];
    figures.extend(explanation.gain_figure());
    if let Some(shap) = explanation.shap_figure(&params.quantity()) {
        let refused = |error: hpipe_plot::Error| Error::Draw {
            chart: format!("SHAP values of {}", model.name),
            reason: error.to_string(),
        };
        figures.push(shap.map_err(refused)?);
    }
    Ok(figures.iter().map(hpipe_plot::Figure::draw).collect())
}
