//! The hyperparameters of gradient boosting, as scikit-learn's `GradientBoostingRegressor` names and means them.
//!
//! Early stopping looks at the validation part of the stage, so there is no `validation_fraction`.

use hpipe_learn::gradient_boosting::{GradientBoosting, GradientBoostingParams, Loss};
use serde::{Deserialize, Serialize};

use super::trees::{MaxFeatures, binning, limit};

/// As written, and complete with defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GradientBoostingOptions {
    loss: LossOption,
    alpha: f64,
    learning_rate: f64,
    pub(super) n_estimators: usize,
    subsample: f64,
    #[serde(with = "limit")]
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    #[serde(with = "limit")]
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    #[serde(with = "limit")]
    pub(super) n_iter_no_change: Option<usize>,
    tol: f64,
    max_bin: usize,
}

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LossOption {
    SquaredError,
    AbsoluteError,
    Huber,
    Quantile,
}

impl Default for GradientBoostingOptions {
    fn default() -> Self {
        Self {
            loss: LossOption::SquaredError,
            alpha: 0.9,
            learning_rate: 0.1,
            n_estimators: 100,
            subsample: 1.0,
            max_depth: Some(3),
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::default(),
            n_iter_no_change: None,
            tol: 1e-4,
            max_bin: 255,
        }
    }
}

impl GradientBoostingOptions {
    /// The learner's params; `categorical` are the places of the features of codes.
    pub(super) fn params(&self, categorical: &[usize], seed: u64) -> GradientBoostingParams {
        let alpha = self.alpha;
        GradientBoosting::params()
            .loss(match self.loss {
                LossOption::SquaredError => Loss::SquaredError,
                LossOption::AbsoluteError => Loss::AbsoluteError,
                LossOption::Huber => Loss::Huber { alpha },
                LossOption::Quantile => Loss::Quantile { alpha },
            })
            .learning_rate(self.learning_rate)
            .n_estimators(self.n_estimators)
            .subsample(self.subsample)
            .max_depth(self.max_depth)
            .min_samples_split(self.min_samples_split)
            .min_samples_leaf(self.min_samples_leaf)
            .max_leaf_nodes(self.max_leaf_nodes)
            .max_features(self.max_features.of_learn())
            .n_iter_no_change(self.n_iter_no_change)
            .tol(self.tol)
            .binning(binning(self.max_bin, categorical))
            .seed(seed)
    }

    /// What the history of a fit measures.
    pub(super) const fn metric(&self) -> &'static str {
        match self.loss {
            LossOption::SquaredError => "mean_squared_error",
            LossOption::AbsoluteError => "mean_absolute_error",
            LossOption::Huber => "huber_loss",
            LossOption::Quantile => "pinball_loss",
        }
    }
}
