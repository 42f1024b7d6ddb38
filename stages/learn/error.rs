//! What can go wrong when a learner is fitted or a model is asked.

use thiserror::Error;

/// Why a learner did not fit, or a model did not predict.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no row to learn from.
    #[error("fit a model to no rows")]
    NoRows,
    /// There is no feature to split by.
    #[error("fit a model to no features")]
    NoFeatures,
    /// Two inputs that belong together differ in length.
    #[error("use {found} {what} with {expected} rows")]
    RowCount {
        /// Targets, weights or constraints.
        what: &'static str,
        /// Rows of the records.
        expected: usize,
        /// Length of what does not fit.
        found: usize,
    },
    /// A target is NaN or infinite.
    #[error("learn from the target of row {row}, which is {value}")]
    Target {
        /// Place of the row.
        row: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A weight is negative, NaN or infinite, or all are 0.
    #[error("use the weight of row {row}, which is {value}")]
    Weight {
        /// Place of the row.
        row: usize,
        /// The weight; 0 when all are.
        value: f64,
    },
    /// A feature is infinite, or becomes so when it is rounded to single precision.
    #[error("use feature {feature} of row {row}, which is {value}, in single precision")]
    Infinite {
        /// Place of the feature.
        feature: usize,
        /// Place of the row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A categorical feature holds what is no code.
    #[error(
        "use {value} in row {row} as a code of the categorical feature {feature}: codes are 0, 1, … {most}"
    )]
    Code {
        /// Place of the feature.
        feature: usize,
        /// Place of the row.
        row: usize,
        /// The value.
        value: f64,
        /// The largest code there may be.
        most: u32,
    },
    /// More rows or features than a tree can count.
    #[error("fit a model to {found} {what}: more than {most}")]
    TooMany {
        /// Rows or features.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A hyperparameter is out of range.
    #[error("use {name} = {value}: it must be {expect}")]
    Hyperparameter {
        /// Its name, as in scikit-learn or XGBoost.
        name: &'static str,
        /// As given.
        value: String,
        /// What it must be.
        expect: &'static str,
    },
    /// Records have another number of features than the model was fitted to.
    #[error("predict from {found} features with a model of {expected}")]
    FeatureCount {
        /// Features of the model.
        expected: usize,
        /// Features of the records.
        found: usize,
    },
    /// Early stopping is asked for, and there are no rows to measure on.
    #[error("stop early without validation rows")]
    NoValidation,
    /// What linfa says of a dataset or of hyperparameters.
    #[error("{0}")]
    Linfa(String),
}

impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Self::Linfa(error.to_string())
    }
}

/// [`Error::Hyperparameter`] unless `holds`.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    value: impl ToString,
    expect: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Hyperparameter {
        name,
        value: value.to_string(),
        expect,
    })
}
