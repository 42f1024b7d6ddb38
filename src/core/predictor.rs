//! The port through which a model predicts, and the one through which it is loaded.
//!
//! Whoever serves, scores files or watches asks a [`Predictor`], and knows neither the transform nor the learner behind it:
//! they are the code of training, so that a row means the same there and here.

use std::sync::Arc;

use crate::{Column, Profile, Table, Type};

/// A model with all it needs to predict from the columns of the raw table. It never changes; threads share it.
pub trait Predictor: Send + Sync {
    /// What it is and what it takes.
    fn card(&self) -> &ModelCard;

    /// What it looked like when all was well; none where nobody kept a profile with it.
    fn profile(&self) -> Option<&Profile>;

    /// The prediction for every row, in the target's unit: what a row becomes depends on that row alone, bit for bit.
    ///
    /// Columns that the card does not name are ignored; integers are taken for numbers.
    ///
    /// # Errors
    /// [`PredictionFault`]: a column is not there or of another type, a value is missing or infinite where the model cannot do
    /// without, a word is not known and its transform refuses that. Nothing is predicted then.
    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault>;
}

/// What a model is and what it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// How it was made: `xgboost`, `stack`, …
    pub kind: String,
    /// The column it predicts.
    pub target: String,
    /// The columns it takes, before its transform, in order.
    pub inputs: Vec<Input>,
    /// The names of the features that its transform makes of them, in order.
    pub features: Vec<String>,
}

/// One column that a model takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it holds: as in the training rows where a profile tells, else numbers or texts.
    pub kind: Type,
    /// Whether the model knows what to do with a row that has no value here.
    pub nullable: bool,
    /// The smallest and the largest number in the training rows, if a profile tells.
    pub range: Option<[f64; 2]>,
    /// The words it knows, in their order; empty for numbers.
    pub categories: Vec<String>,
    /// Whether a word that is not among them is an error.
    pub refuses_unseen: bool,
}

impl Input {
    /// The column without rows.
    pub fn no_values(&self) -> Column {
        Column {
            name: self.name.clone(),
            values: self.kind.no_values(),
        }
    }
}

/// Why rows cannot be predicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PredictionFault {
    /// One lowercase fragment.
    pub message: String,
    /// How to mend it; may be empty.
    pub help: String,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// The first row at fault, counted from 0, if it is one.
    pub row: Option<usize>,
}

/// The bytes that a model consists of.
#[derive(Debug, Clone, Copy)]
pub struct ModelFiles<'a> {
    /// The model itself.
    pub model: &'a [u8],
    /// What makes its features; none: it predicts from the columns as they are.
    pub transform: Option<&'a [u8]>,
    /// What it looked like when all was well.
    pub profile: Option<&'a [u8]>,
}

/// Makes predictors of files.
pub trait ModelLoader: Send + Sync {
    /// Loads a model.
    ///
    /// # Errors
    /// A file that is something else, damaged, of another version, or does not fit to the others: one lowercase fragment.
    fn load(&self, files: ModelFiles<'_>) -> Result<Arc<dyn Predictor>, String>;
}
