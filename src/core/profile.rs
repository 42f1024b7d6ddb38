//! What a model looked like when all was well: the reference of whoever checks its inputs or watches it.
//!
//! Plain values, as the stage `profile` sketches them (`docs/formats/profile.md`); reading the file is the affair of whoever
//! loads the model.

use std::collections::BTreeMap;

use crate::{Table, Type};

/// What stands for the data of a model: a few kilobytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// The column it predicts.
    pub target: String,
    /// Number of rows it learned from.
    pub train_rows: usize,
    /// Number of rows that `predictions`, `scores` and `sample` are of.
    pub validation_rows: usize,
    /// The columns it is given, before its transform.
    pub inputs: Vec<ProfiledInput>,
    /// Quantiles of the target in the training rows: at equal steps of rank, the extremes among them, in the target's unit.
    pub targets: Vec<f64>,
    /// Quantiles of its predictions for the validation rows, likewise.
    pub predictions: Vec<f64>,
    /// Its scores on the validation rows, by name (`rmse`, `mae`, `r2`, `mape`, …); undefined ones are left out.
    pub scores: BTreeMap<String, f64>,
    /// Validation rows as `[actual, predicted]`, at equal steps of rank of `actual − predicted`, the extremes among them.
    pub sample: Vec<[f64; 2]>,
    /// Validation rows drawn at random; none in profiles of older stages.
    pub rows: Option<ReferenceRows>,
}

/// Rows as they were when all was well, with what was true and what was predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceRows {
    /// The columns that the model is given.
    pub inputs: Table,
    /// What was true, a value a row.
    pub actual: Vec<f64>,
    /// What the model predicts, a value a row.
    pub predicted: Vec<f64>,
}

/// One column that a model is given, as its training rows have it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfiledInput {
    /// The column.
    pub name: String,
    /// What it holds.
    pub kind: Type,
    /// Number of rows without a value.
    pub missing: usize,
    /// The smallest and the largest finite number, exact; none of words.
    pub range: Option<[f64; 2]>,
    /// The mean of the finite numbers.
    pub mean: Option<f64>,
    /// Quantiles of the finite numbers: at equal steps of rank, the extremes among them.
    pub quantiles: Vec<f64>,
    /// Words and how many rows have them, the most frequent first.
    pub categories: Vec<(String, usize)>,
    /// Number of rows with words that are not among them.
    pub others: usize,
}
