//! The hyperparameters of second-order boosting, as XGBoost names and means them: 0 lifts a limit, and so does `none`.

use std::collections::BTreeMap;

use hpipe_learn::xgboost::{GrowPolicy, XgBoost, XgBoostParams};
use serde::{Deserialize, Serialize};

use super::trees::{binning, limit};

/// As written, and complete with defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct XgboostOptions {
    pub(super) n_estimators: usize,
    learning_rate: f64,
    #[serde(with = "limit")]
    max_depth: Option<u32>,
    #[serde(with = "limit")]
    max_leaves: Option<usize>,
    grow_policy: GrowPolicyOption,
    reg_lambda: f64,
    reg_alpha: f64,
    gamma: f64,
    min_child_weight: f64,
    subsample: f64,
    colsample_bytree: f64,
    colsample_bylevel: f64,
    colsample_bynode: f64,
    /// By feature: -1 falls, 0 is free, 1 rises.
    pub(super) monotone_constraints: BTreeMap<String, i8>,
    #[serde(with = "limit")]
    pub(super) early_stopping_rounds: Option<usize>,
    base_score: Option<f64>,
    max_bin: usize,
}

/// Which node is split first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum GrowPolicyOption {
    Depthwise,
    Lossguide,
}

impl Default for XgboostOptions {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            learning_rate: 0.3,
            max_depth: Some(6),
            max_leaves: None,
            grow_policy: GrowPolicyOption::Depthwise,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            monotone_constraints: BTreeMap::new(),
            early_stopping_rounds: None,
            base_score: None,
            max_bin: 255,
        }
    }
}

impl XgboostOptions {
    /// The learner's params; `categorical` are the places of the features of codes, `monotone` a direction a feature.
    pub(super) fn params(
        &self,
        categorical: &[usize],
        monotone: Vec<i8>,
        seed: u64,
    ) -> XgBoostParams {
        XgBoost::params()
            .n_estimators(self.n_estimators)
            .learning_rate(self.learning_rate)
            .max_depth(self.max_depth.filter(|depth| *depth > 0))
            .max_leaves(self.max_leaves.filter(|leaves| *leaves > 0))
            .grow_policy(match self.grow_policy {
                GrowPolicyOption::Depthwise => GrowPolicy::Depthwise,
                GrowPolicyOption::Lossguide => GrowPolicy::Lossguide,
            })
            .reg_lambda(self.reg_lambda)
            .reg_alpha(self.reg_alpha)
            .gamma(self.gamma)
            .min_child_weight(self.min_child_weight)
            .subsample(self.subsample)
            .colsample_bytree(self.colsample_bytree)
            .colsample_bylevel(self.colsample_bylevel)
            .colsample_bynode(self.colsample_bynode)
            .monotone_constraints(monotone)
            .early_stopping_rounds(self.early_stopping_rounds)
            .base_score(self.base_score)
            .binning(binning(self.max_bin, categorical))
            .seed(seed)
    }
}
