//! The model artifact: what a prediction needs, and where the model comes from.
//!
//! Self-describing: it names its features in order, its target and its hyperparameters. Its file is
//! `docs/formats/model.md`.

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::error::Error;
use crate::linear::{self, Convergence, Hyperparameters, LinearKind, LinearModel};
use crate::scores::Scores;
use crate::table::Table;

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// Which model.
    pub(crate) kind: LinearKind,
    /// The column it predicts, in that column's unit.
    pub(crate) target: String,
    /// The columns it predicts from, in the order of its parameters.
    pub(crate) features: Vec<String>,
    /// What it was asked to be, complete with defaults.
    pub(crate) hyperparameters: Hyperparameters,
    /// What it learned.
    pub(crate) parameters: Parameters,
    /// How the training went.
    pub(crate) training: Training,
}

/// What a model learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Parameters {
    /// Intercept and coefficients.
    Linear(LinearModel),
}

/// How the training of a model went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Training {
    /// Number of rows it was fitted on.
    pub(crate) rows: usize,
    /// Features that are linear combinations of those before them; the coefficients are those of least norm then.
    pub(crate) collinear: Vec<String>,
    /// How the iterations ended; none for a model in closed form.
    pub(crate) convergence: Option<Convergence>,
    /// Scores on the rows it was fitted on.
    pub(crate) train: Scores,
    /// Scores on the validation rows, if the stage had them.
    pub(crate) validation: Option<Scores>,
}

impl Artifact for Model {
    const FORMAT: &'static str = "hpipe-model";
    const VERSION: u32 = 2;
    const WHAT: &'static str = "a model";
}

impl Model {
    /// The prediction for every row of `table`, in the target's unit; columns that are no features are ignored.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::MissingValue`], [`Error::NotFinite`].
    pub(crate) fn predict(&self, table: &Table) -> Result<Vec<f64>, Error> {
        match &self.parameters {
            Parameters::Linear(linear) => linear::predict(linear, table, &self.features),
        }
    }
}
