//! Why a model predicts what it predicts: contributions of features to one prediction, and importances over all.
//!
//! | of | contributions to a prediction | importance |
//! |---|---|---|
//! | trees | [`TreeExplainer`]: exact path-dependent Shapley values, interactions | [`ensemble_importance`]: gains, covers, number of splits |
//! | linear models | [`linear_shap`]: coefficient times deviation | |
//! | stacks, and any of these | [`explain`]: members' contributions, weighted | |
//! | anything that predicts | | [`PermutationParams`]: how a score falls when a column is shuffled |
//!
//! Contributions of a row add up to its prediction less the expected value.

mod gain;
mod learned;
mod linear_shap;
mod permutation;
mod tree_shap;

pub use gain::{ImportanceKind, ensemble_importance, shares};
pub use learned::{ExplainError, explain};
pub use linear_shap::linear_shap;
pub use permutation::{
    PermutationError, PermutationImportance, PermutationParams, ValidPermutation,
};
pub use tree_shap::TreeExplainer;

use ndarray::Array2;

/// Contributions of features to predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What is predicted when nothing is known of a row, in the target's unit.
    pub expected: f64,
    /// `n_rows × n_features`, in the target's unit: those of a row and `expected` add up to its prediction.
    pub values: Array2<f64>,
}
