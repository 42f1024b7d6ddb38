//! Why a linear model cannot be fitted.

use super::params::ParamFault;

/// Why a linear model cannot be fitted.
#[derive(Debug, thiserror::Error)]
pub enum LinearError {
    /// Hyperparameters out of their range, all of them.
    #[error("the hyperparameters are not valid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Params(Vec<ParamFault>),
    /// No rows.
    #[error("there are no rows to fit a model on")]
    NoRows,
    /// As many targets as rows are needed.
    #[error("there are {rows} rows and {targets} targets")]
    Shapes {
        /// Rows of the records.
        rows: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A value is NaN or infinite.
    #[error("feature {feature} is {value} in row {row}")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Feature, from 0.
        feature: usize,
        /// What stands there.
        value: f64,
    },
    /// A target is NaN or infinite.
    #[error("the target is {value} in row {row}")]
    BadTarget {
        /// Row, from 0.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// Finite values whose squares are not.
    #[error("the values are too large: their squares overflow")]
    TooLarge,
    /// The folds are not ones that can be validated.
    #[error("the folds cannot be used: {0}")]
    Folds(String),
    /// A decomposition did not converge.
    #[error("the singular values of the features do not converge")]
    NoConvergence,
    /// What linfa says of a dataset.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
