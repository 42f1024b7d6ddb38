//! First-order gradient boosting with four losses: hyperparameters as scikit-learn's `GradientBoostingRegressor`.
//!
//! Trees are fitted to negative gradients, and their leaves then predict the constant that lowers the loss most: see
//! [`Loss`]. With as many bins as there are distinct values the trees are scikit-learn's; it has no bins.

use ndarray::ArrayView1;

use crate::binned::{Binned, Binning};
use crate::boost::{Boosting, Sample, boost, contiguous};
use crate::decision_tree::check_limits;
use crate::error::{Error, require};
use crate::grow::columns::ColumnRates;
use crate::grow::{Growth, Order};
use crate::history::{History, Monitor, Patience};
use crate::linfa_traits::{guard, predict, setters, watched};
pub use crate::loss::Loss;
use crate::max_features::MaxFeatures;
use crate::tree::{Ensemble, MOST_TREES};

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GradientBoosting {
    /// The trees.
    pub ensemble: Ensemble,
    /// The mean loss of every iteration.
    pub history: History,
}

/// Hyperparameters as they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientBoostingParams(GradientBoostingValidParams);

/// Hyperparameters that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientBoostingValidParams {
    loss: Loss,
    learning_rate: f64,
    n_estimators: usize,
    subsample: f64,
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    n_iter_no_change: Option<usize>,
    tol: f64,
    binning: Binning,
    seed: u64,
}

impl GradientBoosting {
    /// Hyperparameters with scikit-learn's defaults.
    pub fn params() -> GradientBoostingParams {
        GradientBoostingParams(GradientBoostingValidParams {
            loss: Loss::SquaredError,
            learning_rate: 0.1,
            n_estimators: 100,
            subsample: 1.0,
            max_depth: Some(3),
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::All,
            n_iter_no_change: None,
            tol: 1e-4,
            binning: Binning::default(),
            seed: 0,
        })
    }
}

impl GradientBoostingParams {
    setters! {
        /// What is made small; squared error unless set.
        loss: Loss,
        /// How much of each tree is added, above 0; 0.1 unless set.
        learning_rate: f64,
        /// How many trees; 100 unless set.
        n_estimators: usize,
        /// Share of the rows that a tree is grown on, drawn without replacement; 1 unless set.
        subsample: f64,
        /// Splits on the way to a leaf, at most; 3 unless set.
        max_depth: Option<u32>,
        /// Rows that a node must have to be split; 2 unless set.
        min_samples_split: u32,
        /// Rows of a leaf, at least; 1 unless set.
        min_samples_leaf: u32,
        /// Leaves, at most; those that gain most are split first. Without a limit unless set.
        max_leaf_nodes: Option<usize>,
        /// Features that a node may split by; all unless set.
        max_features: MaxFeatures,
        /// After how many iterations without a better validation loss to stop, and to keep the best; never unless set.
        n_iter_no_change: Option<usize>,
        /// How much better is better, in the loss's unit; 1e-4 unless set.
        tol: f64,
        /// How the matrix is cut into bins, and which features are categorical.
        binning: Binning,
        /// Seed of all draws; 0 unless set.
        seed: u64,
    }
}

impl GradientBoostingValidParams {
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
            self.subsample > 0.0 && self.subsample <= 1.0,
            "subsample",
            self.subsample,
            "above 0 and at most 1",
        )?;
        check_limits(
            self.max_depth,
            self.min_samples_split,
            self.min_samples_leaf,
            self.max_leaf_nodes,
        )?;
        require(
            self.n_iter_no_change != Some(0),
            "n_iter_no_change",
            0,
            "at least 1, or none",
        )?;
        require(self.tol >= 0.0, "tol", self.tol, "0 or more")?;
        if let Loss::Huber { alpha } | Loss::Quantile { alpha } = self.loss {
            require(
                alpha > 0.0 && alpha < 1.0,
                "alpha",
                alpha,
                "between 0 and 1",
            )?;
        }
        self.max_features.check()?;
        self.binning.check()
    }

    /// Fits to a matrix that is in bins already, and may be shared by many fits.
    ///
    /// # Errors
    /// [`Error::RowCount`], [`Error::Target`], [`Error::Weight`], [`Error::NoValidation`]; for the validation rows also
    /// [`Error::NoRows`] and [`Error::FeatureCount`].
    pub fn fit_binned(
        &self,
        matrix: &Binned,
        targets: ArrayView1<'_, f64>,
        weights: Option<&[f32]>,
        monitor: Monitor<'_>,
    ) -> Result<GradientBoosting, Error> {
        let sample = Sample {
            matrix,
            targets: &contiguous(targets),
            weights,
        };
        let (ensemble, history) = boost(&self.boosting(matrix.features()), sample, monitor)?;
        Ok(GradientBoosting { ensemble, history })
    }

    fn boosting(&self, features: usize) -> Boosting {
        Boosting {
            loss: self.loss,
            growth: Growth {
                order: if self.max_leaf_nodes.is_some() {
                    Order::BestFirst
                } else {
                    Order::DepthFirst
                },
                max_depth: self.max_depth.unwrap_or(u32::MAX),
                max_leaves: self.max_leaf_nodes.unwrap_or(usize::MAX),
                rows_to_split: self.min_samples_split,
                rows_in_leaf: self.min_samples_leaf,
                columns: ColumnRates {
                    by_node: self.max_features.share(features),
                    insist: true,
                    ..ColumnRates::default()
                },
                ..Growth::default()
            },
            rounds: self.n_estimators,
            learning_rate: self.learning_rate,
            subsample: self.subsample,
            patience: self.n_iter_no_change.map(|rounds| Patience {
                rounds,
                tol: self.tol,
            }),
            start: None,
            seed: self.seed,
            root: false,
        }
    }
}

guard!(
    GradientBoostingParams,
    GradientBoostingValidParams,
    GradientBoosting
);
watched!(GradientBoostingValidParams, GradientBoosting);
predict!(GradientBoosting);
