//! The files of a study for people: trials (CSV) and report (HTML).

use hpipe_plot::{
    Importance, KeyFigure, Page, PageTable, Parameter, ParameterScale, Study, TableCell, Trial,
    importance, study_history, study_parallel, study_slices,
};
use hpipe_tune::{Domain, Param};
use serde_json::Value as Json;

use super::params::{ValidTuneParams, value_to_json};
use crate::csv;
use crate::markdown::figure;
use crate::study::{StudyRecord, TrialRecord, TrialState};

/// How many bars and axes a chart shows at most.
const MOST_PARAMS: usize = 20;

/// A row a trial: number, state, value, and a column a parameter, empty where the trial does not have it.
pub(super) fn csv(params: &ValidTuneParams, record: &StudyRecord) -> String {
    let names: Vec<&String> = params.space().iter().map(|param| &param.name).collect();
    let header = ["trial", "state", record.objective.metric.name()];
    let header = header.into_iter().map(str::to_owned);
    let mut text = csv::line(header.chain(names.iter().map(|name| (*name).clone())));
    for trial in &record.trials {
        let value = trial.value.map(|x| x.to_string()).unwrap_or_default();
        let fields = [
            trial.number.to_string(),
            trial.state.name().to_owned(),
            value,
        ];
        let params = names
            .iter()
            .map(|name| trial.params.get(*name).map(word).unwrap_or_default());
        text += &csv::line(fields.into_iter().chain(params));
    }
    text
}

/// The page for people.
pub(super) fn html(params: &ValidTuneParams, record: &StudyRecord) -> String {
    let metric = record.objective.metric.name();
    let count = |state| {
        let of_state = |trial: &&TrialRecord| trial.state == state;
        record.trials.iter().filter(of_state).count().to_string()
    };
    let measured = match record.objective.folds {
        Some(folds) => format!("mean {metric} of {folds} folds of the training part"),
        None => format!("{metric} on the validation part"),
    };
    let figures = [
        (
            "best",
            figure(record.best.value),
            format!("trial {}", record.best.number),
        ),
        ("trials", record.trials.len().to_string(), String::new()),
        ("pruned", count(TrialState::Pruned), String::new()),
        ("failed", count(TrialState::Failed), String::new()),
    ];
    let figures = figures.map(|(label, value, detail)| KeyFigure {
        label: label.to_owned(),
        value,
        detail,
    });
    let page = Page::new(format!("Study of {}", record.model))
        .subtitle(format!("{measured}, target {}", record.target))
        .key_figures(figures.to_vec());
    if record.best.params.is_empty() {
        return page
            .note("There was nothing to search: the space is empty.")
            .to_html();
    }
    let study = study(params, record, &measured);
    page.section("Best hyperparameters")
        .table(best(record))
        .section("History")
        .picture(study_history(&study).draw())
        .section("Importance of hyperparameters")
        .picture(importances(record).draw())
        .paragraph(
            "Shares by PED-ANOVA (Watanabe, Bansal and Hutter 2023): how far the best tenth of the trials differs from all.",
        )
        .section("Trials side by side")
        .picture(study_parallel(&study).draw())
        .section("Slices")
        .picture(study_slices(&study).draw())
        .to_html()
}

fn best(record: &StudyRecord) -> PageTable {
    let row = |(name, value): (&String, &Json)| {
        vec![TableCell::Text(name.clone()), TableCell::Text(word(value))]
    };
    PageTable {
        caption: format!("What trial {} was given", record.best.number),
        columns: vec!["hyperparameter".to_owned(), "value".to_owned()],
        rows: record.best.params.iter().map(row).collect(),
        strong: None,
    }
}

fn importances(record: &StudyRecord) -> hpipe_plot::Figure {
    let items: Vec<Importance> = record
        .importance
        .iter()
        .map(|found| Importance {
            name: found.param.clone(),
            value: found.share,
            error: None,
        })
        .collect();
    importance(
        "Importance of hyperparameters",
        "share",
        &items,
        MOST_PARAMS,
    )
}

fn study(params: &ValidTuneParams, record: &StudyRecord, measured: &str) -> Study {
    let space = params.space();
    Study {
        objective: measured.to_owned(),
        is_minimized: !record.objective.metric.larger_is_better(),
        parameters: space.iter().map(parameter).collect(),
        trials: record
            .trials
            .iter()
            .map(|trial| drawn(space, trial))
            .collect(),
    }
}

fn parameter(param: &Param) -> Parameter {
    Parameter {
        name: param.name.clone(),
        scale: match &param.domain {
            Domain::Number(range) if range.is_log() => ParameterScale::Log,
            Domain::Number(_) => ParameterScale::Linear,
            Domain::Categorical(choices) => {
                let words = choices.iter().map(|choice| word(&value_to_json(choice)));
                ParameterScale::Category(words.collect())
            }
        },
    }
}

fn drawn(space: &[Param], trial: &TrialRecord) -> Trial {
    let value = |param: &Param| {
        let value = trial.params.get(&param.name)?;
        match &param.domain {
            Domain::Number(_) => value.as_f64(),
            Domain::Categorical(choices) => {
                let place = choices
                    .iter()
                    .position(|choice| value_to_json(choice) == *value);
                place.map(|place| place as f64)
            }
        }
    };
    Trial {
        value: trial.value,
        state: match trial.state {
            TrialState::Complete => hpipe_plot::TrialState::Complete,
            TrialState::Pruned => hpipe_plot::TrialState::Pruned,
            TrialState::Failed => hpipe_plot::TrialState::Failed,
        },
        parameters: space
            .iter()
            .map(|param| value(param).unwrap_or(f64::NAN))
            .collect(),
    }
}

/// A value as people write it.
fn word(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
