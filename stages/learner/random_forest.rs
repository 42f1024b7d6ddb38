//! The hyperparameters of a random forest, as scikit-learn's `RandomForestRegressor` names and means them.

use hpipe_learn::random_forest::{RandomForest, RandomForestParams};
use serde::{Deserialize, Serialize};

use super::trees::{MaxFeatures, binning, limit};

/// As written, and complete with defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomForestOptions {
    n_estimators: usize,
    #[serde(with = "limit")]
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    #[serde(with = "limit")]
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    bootstrap: bool,
    max_samples: Option<f64>,
    oob_score: bool,
    max_bin: usize,
}

impl Default for RandomForestOptions {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::default(),
            bootstrap: true,
            max_samples: None,
            oob_score: false,
            max_bin: 255,
        }
    }
}

impl RandomForestOptions {
    /// The learner's params; `categorical` are the places of the features of codes.
    pub(super) fn params(&self, categorical: &[usize], seed: u64) -> RandomForestParams {
        RandomForest::params()
            .n_estimators(self.n_estimators)
            .max_depth(self.max_depth)
            .min_samples_split(self.min_samples_split)
            .min_samples_leaf(self.min_samples_leaf)
            .max_leaf_nodes(self.max_leaf_nodes)
            .max_features(self.max_features.of_learn())
            .bootstrap(self.bootstrap)
            .max_samples(self.max_samples)
            .oob_score(self.oob_score)
            .binning(binning(self.max_bin, categorical))
            .seed(seed)
    }
}
