//! The study artifact: what a search for hyperparameters found, trial by trial.
//!
//! Written by `tune`, read by `train` for its best hyperparameters. Its file is `docs/formats/stage_study.md`.

use hpipe_core::PortPath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::artifact::{self, Artifact};
use crate::error::Error;
use crate::learner::LearnerKind;
use crate::scores::Score;

/// A study and its trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StudyRecord {
    /// Which model it is of.
    pub(crate) model: LearnerKind,
    /// The column the model predicts.
    pub(crate) target: String,
    /// What was made better.
    pub(crate) objective: Objective,
    /// The best complete trial.
    pub(crate) best: Best,
    /// The parameters searched, the most important first.
    pub(crate) importance: Vec<ParamImportance>,
    /// Every trial, by number.
    pub(crate) trials: Vec<TrialRecord>,
}

/// What a study makes better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Objective {
    /// The score; the smaller the better, but for R².
    pub(crate) metric: Score,
    /// Into how many folds the training rows are dealt; none: the score is that of the validation part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<usize>,
}

impl Default for Objective {
    fn default() -> Self {
        Self {
            metric: Score::Rmse,
            folds: None,
        }
    }
}

/// The best complete trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Its number, from 0.
    pub(crate) number: usize,
    /// The value of the objective.
    pub(crate) value: f64,
    /// The hyperparameters that were searched.
    pub(crate) params: Map<String, Json>,
    /// All hyperparameters it was given; what is not among them has its default.
    pub(crate) hyperparameters: Map<String, Json>,
}

/// How much a parameter mattered, by PED-ANOVA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParamImportance {
    /// Its name.
    pub(crate) param: String,
    /// Its share in the sum over all parameters.
    pub(crate) share: f64,
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrialRecord {
    /// Its number, from 0.
    pub(crate) number: usize,
    /// How it ended.
    pub(crate) state: TrialState,
    /// The objective, or the last value that a pruned trial reported; none of a failed one.
    pub(crate) value: Option<f64>,
    /// The hyperparameters it was given.
    pub(crate) params: Map<String, Json>,
    /// Number of steps (iterations or folds) it reported.
    pub(crate) steps: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrialState {
    /// With a value.
    Complete,
    /// Given up, since others were better at the same step.
    Pruned,
    /// With an error.
    Failed,
}

impl TrialState {
    /// The word for it in files and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

impl Artifact for StudyRecord {
    const FORMAT: &'static str = "hpipe-study";
    const VERSION: u32 = 1;
    const WHAT: &'static str = "a study";
}

impl StudyRecord {
    /// Reads a study.
    ///
    /// # Errors
    /// Those of [`artifact::read`].
    pub(crate) fn read(port: &PortPath) -> Result<Self, Error> {
        artifact::read(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_are_read_and_written() {
        artifact::assert_golden::<StudyRecord>(include_str!("tests/golden/study.json"));
    }
}
