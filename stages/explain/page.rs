//! The page of one model, for people.

use hpipe_plot::{KeyFigure, Page, PageTable, TableCell};

use super::charts::Charts;
use crate::drawings::Drawings;
use crate::explanation::{Background, Explanation, FeatureRecord, Shap};
use crate::markdown::{counted, figure, figure_or_dash};
use crate::scores::{Score, Scores};

/// The page as HTML.
pub(super) fn html(charts: &Charts<'_>, drawings: &Drawings) -> String {
    let subject = charts.subject;
    let card = &subject.model.card;
    let page = Page::new(format!("Model {}", subject.path))
        .subtitle(format!(
            "{} predicting {} from {}",
            card.kind,
            card.target,
            counted(card.features.features().len(), "feature"),
        ))
        .key_figures(key_figures(charts))
        .section("Predictions of the test part")
        .pictures(drawings.pictures(&[
            "predicted_against_actual",
            "residuals_against_predicted",
            "residual_histogram",
        ]))
        .section("Importance of features")
        .paragraph(measured(charts.explanation))
        .pictures(drawings.pictures(&["permutation_importance", "gain_importance"]))
        .table(table(charts.explanation));
    let page = with_shap(page, charts, drawings);
    let learning = drawings.pictures(&["learning_curve"]);
    if learning.is_empty() {
        return page.to_html();
    }
    page.section("Learning").pictures(learning).to_html()
}

fn key_figures(charts: &Charts<'_>) -> Vec<KeyFigure> {
    let (subject, unit) = (charts.subject, &charts.params.unit);
    let scores = Scores::new(&subject.actual, &subject.predicted);
    let score = |score: Score| KeyFigure {
        label: format!("test {}", score.name()),
        value: figure_or_dash(scores.get(score)),
        detail: unit
            .clone()
            .filter(|_| score.has_unit())
            .unwrap_or_default(),
    };
    let rows = KeyFigure {
        label: "test rows".to_owned(),
        value: scores.rows.to_string(),
        detail: String::new(),
    };
    vec![
        score(Score::Rmse),
        score(Score::Mae),
        score(Score::R2),
        rows,
    ]
}

/// How importance by permutation was measured.
fn measured(explanation: &Explanation) -> String {
    let permutation = &explanation.permutation;
    let change = if permutation.metric.larger_is_better() {
        "falls"
    } else {
        "rises"
    };
    format!(
        "Permutation importance is by how much the test {} ({}) {change} when a feature's values are shuffled among {}; mean and standard deviation of {}. Gain is the feature's share in the gain of all splits, on the rows the trees were grown on.",
        permutation.metric.name(),
        figure(permutation.baseline),
        counted(permutation.rows, "row"),
        counted(permutation.repeats, "shuffle"),
    )
}

fn table(explanation: &Explanation) -> PageTable {
    let number = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| TableCell::Number(x, 4));
    let row = |feature: &FeatureRecord| {
        vec![
            TableCell::Text(feature.name.clone()),
            number(Some(feature.permutation.mean)),
            number(Some(feature.permutation.standard_deviation)),
            number(feature.gain),
            number(feature.mean_abs_shap),
        ]
    };
    let columns = [
        "feature",
        "permutation",
        "± sd",
        "gain share",
        "mean |SHAP|",
    ];
    PageTable {
        caption: "Features, the most important first".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: explanation.ranked().into_iter().map(row).collect(),
        strong: None,
    }
}

fn with_shap(page: Page, charts: &Charts<'_>, drawings: &Drawings) -> Page {
    let page = page.section("SHAP values");
    let Some(shap) = &charts.explanation.shap else {
        return page.note("The model's prediction is a function of a sum: nothing adds up to it.");
    };
    let subject = charts.subject;
    let row = subject.worst();
    page.paragraph(about(shap, subject.actual.len()))
        .pictures(drawings.pictures(&["shap_summary"]))
        .heading("Contribution against value")
        .pictures(drawings.pictures(&[
            "shap_dependence_1",
            "shap_dependence_2",
            "shap_dependence_3",
        ]))
        .heading("The row that is predicted worst")
        .paragraph(format!(
            "Row {} of the test part: {} is predicted where {} is true.",
            row + 1,
            figure(subject.predicted[row]),
            figure(subject.actual[row]),
        ))
        .pictures(drawings.pictures(&["shap_waterfall_worst"]))
}

fn about(shap: &Shap, rows: usize) -> String {
    let background = match shap.background {
        Background::Train => "training rows",
        Background::Test => "test rows",
    };
    format!(
        "What each feature adds to a prediction, from {} on, which is expected when nothing is known; of {} of {rows} test rows. Trees: exact path-dependent Shapley values; linear models: coefficient times deviation from the mean of the {background}; stacks: their members' values, weighed.",
        figure(shap.expected),
        shap.rows,
    )
}
