//! Second-order boosting: hyperparameters, defaults and formulas as XGBoost's, for squared error.
//!
//! Chen & Guestrin 2016: the gain is equation 7 with α besides λ, as in `grow/score.rs`; missing values go where
//! they lower the loss more (algorithm 3); shrinkage and column draws are section 2.3. A categorical feature of fewer than 4
//! codes is split one code against the rest, of more by sets, as with XGBoost's `max_cat_to_onehot = 4`.
//!
//! What differs from XGBoost: at most 255 bins instead of 256; a draw of rows takes an exact share; a split must gain more
//! than rounding can make, not more than 1e-6; a missing value where the node had seen none goes with most rows; a set of codes
//! may be of any size, may have all codes of a node against its missing values, and rare codes are sorted by their gradients
//! too, where XGBoost takes codes of less than `min_child_weight` as 0.

use ndarray::ArrayView1;

use crate::binned::{Binned, Binning};
use crate::boost::{Boosting, Sample, boost, contiguous};
use crate::error::{Error, require};
use crate::grow::columns::ColumnRates;
use crate::grow::score::Penalty;
use crate::grow::{Growth, Order};
use crate::history::{History, Monitor, Patience};
use crate::linfa_traits::{guard, predict, setters, watched};
use crate::loss::Loss;
use crate::tree::{Ensemble, MOST_TREES};

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct XgBoost {
    /// The trees.
    pub ensemble: Ensemble,
    /// The root mean squared error of every iteration.
    pub history: History,
}

/// Which node is split first; it matters when leaves are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrowPolicy {
    /// Level by level.
    #[default]
    Depthwise,
    /// The one that gains most, as LightGBM.
    Lossguide,
}

/// Hyperparameters as they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct XgBoostParams(XgBoostValidParams);

/// Hyperparameters that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct XgBoostValidParams {
    n_estimators: usize,
    learning_rate: f64,
    max_depth: Option<u32>,
    max_leaves: Option<usize>,
    grow_policy: GrowPolicy,
    reg_lambda: f64,
    reg_alpha: f64,
    gamma: f64,
    min_child_weight: f64,
    subsample: f64,
    colsample_bytree: f64,
    colsample_bylevel: f64,
    colsample_bynode: f64,
    monotone_constraints: Vec<i8>,
    early_stopping_rounds: Option<usize>,
    base_score: Option<f64>,
    binning: Binning,
    seed: u64,
}

impl XgBoost {
    /// Hyperparameters with XGBoost's defaults.
    pub fn params() -> XgBoostParams {
        XgBoostParams(XgBoostValidParams {
            n_estimators: 100,
            learning_rate: 0.3,
            max_depth: Some(6),
            max_leaves: None,
            grow_policy: GrowPolicy::Depthwise,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            monotone_constraints: Vec::new(),
            early_stopping_rounds: None,
            base_score: None,
            binning: Binning::default(),
            seed: 0,
        })
    }
}

impl XgBoostParams {
    setters! {
        /// How many trees; 100 unless set.
        n_estimators: usize,
        /// How much of each tree is added, above 0; 0.3 unless set.
        learning_rate: f64,
        /// Splits on the way to a leaf, at most; 6 unless set.
        max_depth: Option<u32>,
        /// Leaves, at most; without a limit unless set.
        max_leaves: Option<usize>,
        /// Which node is split first; level by level unless set.
        grow_policy: GrowPolicy,
        /// Penalty on squared weights of leaves; 1 unless set.
        reg_lambda: f64,
        /// Penalty on absolute weights of leaves; 0 unless set.
        reg_alpha: f64,
        /// What a split must gain; 0 unless set.
        gamma: f64,
        /// Sum of hessians of a leaf, at least; 1 unless set.
        min_child_weight: f64,
        /// Share of the rows that a tree is grown on, drawn without replacement; 1 unless set.
        subsample: f64,
        /// Share of the features that a tree may use; 1 unless set.
        colsample_bytree: f64,
        /// Share of the tree's features that a level may use; 1 unless set.
        colsample_bylevel: f64,
        /// Share of the level's features that a node may use; 1 unless set.
        colsample_bynode: f64,
        /// Per feature -1, 0 or 1: predictions fall, do as they like, or rise with it. Empty unless set.
        monotone_constraints: Vec<i8>,
        /// After how many iterations without a better validation metric to stop, and to keep the best; never unless set.
        early_stopping_rounds: Option<usize>,
        /// The prediction that boosting starts from, in the target's unit; the mean target unless set.
        base_score: Option<f64>,
        /// How the matrix is cut into bins, and which features are categorical.
        binning: Binning,
        /// Seed of all draws; 0 unless set.
        seed: u64,
    }
}

impl XgBoostValidParams {
    /// Checks the ranges.
    fn check_ranges(&self) -> Result<(), Error> {
        let rate = self.learning_rate;
        require(
            rate > 0.0 && rate.is_finite(),
            "learning_rate",
            rate,
            "above 0",
        )?;
        require(
            (1..=MOST_TREES).contains(&self.n_estimators),
            "n_estimators",
            self.n_estimators,
            "from 1 to 100000",
        )?;
        require(
            self.max_depth != Some(0),
            "max_depth",
            0,
            "at least 1, or none",
        )?;
        let leaves = self.max_leaves.unwrap_or(2);
        require(leaves >= 2, "max_leaves", leaves, "at least 2, or none")?;
        for (name, penalty) in [
            ("reg_lambda", self.reg_lambda),
            ("reg_alpha", self.reg_alpha),
            ("gamma", self.gamma),
            ("min_child_weight", self.min_child_weight),
        ] {
            require(
                penalty >= 0.0 && penalty.is_finite(),
                name,
                penalty,
                "0 or more",
            )?;
        }
        for (name, share) in [
            ("subsample", self.subsample),
            ("colsample_bytree", self.colsample_bytree),
            ("colsample_bylevel", self.colsample_bylevel),
            ("colsample_bynode", self.colsample_bynode),
        ] {
            require(
                share > 0.0 && share <= 1.0,
                name,
                share,
                "above 0 and at most 1",
            )?;
        }
        for &direction in &self.monotone_constraints {
            require(
                (-1..=1).contains(&direction),
                "monotone_constraints",
                direction,
                "-1, 0 or 1",
            )?;
        }
        require(
            self.early_stopping_rounds != Some(0),
            "early_stopping_rounds",
            0,
            "at least 1, or none",
        )?;
        let start = self.base_score.unwrap_or(0.0);
        require(start.is_finite(), "base_score", start, "a number")?;
        self.binning.check()
    }

    /// Fits to a matrix that is in bins already, and may be shared by many fits.
    ///
    /// # Errors
    /// [`Error::RowCount`] (also of constraints), [`Error::Target`], [`Error::Weight`], [`Error::NoValidation`]; for the
    /// validation rows also [`Error::NoRows`] and [`Error::FeatureCount`].
    pub fn fit_binned(
        &self,
        matrix: &Binned,
        targets: ArrayView1<'_, f64>,
        weights: Option<&[f32]>,
        monitor: Monitor<'_>,
    ) -> Result<XgBoost, Error> {
        let constraints = self.monotone_constraints.len();
        let holds = constraints == 0 || constraints == matrix.features();
        require(
            holds,
            "monotone_constraints",
            constraints,
            "one number a feature, or none",
        )?;
        let sample = Sample {
            matrix,
            targets: &contiguous(targets),
            weights,
        };
        let (ensemble, history) = boost(&self.boosting(), sample, monitor)?;
        Ok(XgBoost { ensemble, history })
    }

    fn boosting(&self) -> Boosting {
        Boosting {
            loss: Loss::SquaredError,
            growth: self.growth(),
            rounds: self.n_estimators,
            learning_rate: self.learning_rate,
            subsample: self.subsample,
            patience: self
                .early_stopping_rounds
                .map(|rounds| Patience { rounds, tol: 0.0 }),
            start: self.base_score,
            seed: self.seed,
            root: true,
        }
    }

    fn growth(&self) -> Growth {
        let is_free = self
            .monotone_constraints
            .iter()
            .all(|&direction| direction == 0);
        Growth {
            order: match (self.grow_policy, self.max_leaves) {
                (_, None) => Order::DepthFirst,
                (GrowPolicy::Depthwise, Some(_)) => Order::LevelByLevel,
                (GrowPolicy::Lossguide, Some(_)) => Order::BestFirst,
            },
            max_depth: self.max_depth.unwrap_or(u32::MAX),
            max_leaves: self.max_leaves.unwrap_or(usize::MAX),
            hessian_in_leaf: self.min_child_weight,
            min_gain: self.gamma,
            penalty: Penalty {
                lambda: self.reg_lambda,
                alpha: self.reg_alpha,
                monotone: if is_free {
                    Vec::new()
                } else {
                    self.monotone_constraints.clone()
                },
            },
            columns: ColumnRates {
                by_tree: self.colsample_bytree,
                by_level: self.colsample_bylevel,
                by_node: self.colsample_bynode,
                insist: false,
                shuffle: false,
            },
            ..Growth::default()
        }
    }
}

guard!(XgBoostParams, XgBoostValidParams, XgBoost);
watched!(XgBoostValidParams, XgBoost);
predict!(XgBoost);
