//! What other stages found of the models, for the page: explanations by `explain`, studies by `tune`.

use hpipe_core::{Execution, PortPath};
use hpipe_plot::{Figure, Parameter, ParameterScale, Study, Trial, study_history};
use serde_json::Value as Json;

use super::report::{Evaluation, Judged};
use crate::error::Error;
use crate::explanation::Explanation;
use crate::model::ModelKind;
use crate::study::{StudyRecord, TrialRecord, TrialState};

/// What other stages found of the models.
pub(super) struct Supplements {
    explanations: Vec<Explanation>,
    studies: Vec<StudyRecord>,
}

impl Supplements {
    /// Reads what there is.
    ///
    /// # Errors
    /// Those of reading; [`Error::Mismatch`] for one that is of none of the models.
    pub(super) fn read(
        execution: &Execution<'_>,
        evaluation: &Evaluation<'_>,
    ) -> Result<Self, Error> {
        let models = evaluation.models();
        let stray = |port: &PortPath, reason: String| {
            Error::Mismatch(
                port.declared.to_string(),
                "the dep `models`".to_owned(),
                reason,
            )
        };
        let mut explanations = Vec::new();
        for port in execution.deps("explanations") {
            let explanation = Explanation::read(port)?;
            if !models.iter().any(|model| model.path == explanation.model) {
                let reason = format!("it explains {}, which is not there", explanation.model);
                return Err(stray(port, reason));
            }
            explanations.push(explanation);
        }
        let mut studies = Vec::new();
        for port in execution.deps("studies") {
            let study = StudyRecord::read(port)?;
            if !models.iter().any(|model| is_of(&study, model)) {
                let reason = format!(
                    "it is of models `{}` predicting `{}`, and there is none",
                    study.model, study.target
                );
                return Err(stray(port, reason));
            }
            studies.push(study);
        }
        Ok(Self {
            explanations,
            studies,
        })
    }

    /// The explanation of a model.
    pub(super) fn explanation(&self, model: &Judged) -> Option<&Explanation> {
        let mut explanations = self.explanations.iter();
        explanations.find(|explanation| explanation.model == model.path)
    }

    /// The studies of models like this one.
    pub(super) fn studies(&self, model: &Judged) -> impl Iterator<Item = &StudyRecord> {
        self.studies.iter().filter(|study| is_of(study, model))
    }
}

fn is_of(study: &StudyRecord, model: &Judged) -> bool {
    model.kind == ModelKind::Learner(study.model) && model.card.target == study.target
}

/// The chart of how a study went.
pub(super) fn history(record: &StudyRecord) -> Figure {
    let metric = record.objective.metric;
    let objective = match record.objective.folds {
        Some(folds) => format!("mean {} of {folds} folds", metric.name()),
        None => format!("validation {}", metric.name()),
    };
    let parameters: Vec<Parameter> = record
        .importance
        .iter()
        .map(|found| parameter(&found.param, record))
        .collect();
    let trials = record.trials.iter().map(|trial| drawn(trial, &parameters));
    study_history(&Study {
        objective,
        is_minimized: !metric.larger_is_better(),
        trials: trials.collect(),
        parameters,
    })
}

/// A parameter that all trials gave as a number is one; else its values are words.
fn parameter(name: &str, record: &StudyRecord) -> Parameter {
    let values = || {
        record
            .trials
            .iter()
            .filter_map(|trial| trial.params.get(name))
    };
    let scale = if values().all(Json::is_number) {
        ParameterScale::Linear
    } else {
        let mut words: Vec<String> = values().map(word).collect();
        words.sort();
        words.dedup();
        ParameterScale::Category(words)
    };
    Parameter {
        name: name.to_owned(),
        scale,
    }
}

fn drawn(trial: &TrialRecord, parameters: &[Parameter]) -> Trial {
    let value = |parameter: &Parameter| {
        let value = trial.params.get(&parameter.name)?;
        match &parameter.scale {
            ParameterScale::Category(words) => {
                let place = words.iter().position(|known| *known == word(value));
                place.map(|place| place as f64)
            }
            ParameterScale::Linear | ParameterScale::Log => value.as_f64(),
        }
    };
    Trial {
        value: trial.value,
        state: match trial.state {
            TrialState::Complete => hpipe_plot::TrialState::Complete,
            TrialState::Pruned => hpipe_plot::TrialState::Pruned,
            TrialState::Failed => hpipe_plot::TrialState::Failed,
        },
        parameters: parameters
            .iter()
            .map(|parameter| value(parameter).unwrap_or(f64::NAN))
            .collect(),
    }
}

/// A value as people write it.
pub(super) fn word(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
