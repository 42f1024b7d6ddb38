//! The hyperparameters of a decision tree, as scikit-learn's `DecisionTreeRegressor` names and means them.

use hpipe_learn::decision_tree::{DecisionTree, DecisionTreeParams, Splitter};
use serde::{Deserialize, Serialize};

use super::trees::{MaxFeatures, binning, limit};

/// As written, and complete with defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DecisionTreeOptions {
    #[serde(with = "limit")]
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    #[serde(with = "limit")]
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    splitter: SplitterOption,
    max_bin: usize,
}

/// Where a feature may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SplitterOption {
    /// Between the bins of a histogram.
    Histogram,
    /// Between any two values.
    Exact,
}

impl Default for DecisionTreeOptions {
    fn default() -> Self {
        Self {
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::default(),
            splitter: SplitterOption::Histogram,
            max_bin: 255,
        }
    }
}

impl DecisionTreeOptions {
    /// The learner's params; `categorical` are the places of the features of codes.
    pub(super) fn params(&self, categorical: &[usize], seed: u64) -> DecisionTreeParams {
        DecisionTree::params()
            .max_depth(self.max_depth)
            .min_samples_split(self.min_samples_split)
            .min_samples_leaf(self.min_samples_leaf)
            .max_leaf_nodes(self.max_leaf_nodes)
            .max_features(self.max_features.of_learn())
            .splitter(match self.splitter {
                SplitterOption::Histogram => Splitter::Histogram,
                SplitterOption::Exact => Splitter::Exact,
            })
            .binning(binning(self.max_bin, categorical))
            .seed(seed)
    }
}
