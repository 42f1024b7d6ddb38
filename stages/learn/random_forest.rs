//! A random forest: hyperparameters as scikit-learn's `RandomForestRegressor` (Breiman 2001).
//!
//! Trees are grown in parallel on one binned matrix, each from its own seed. A row that a bootstrap draws twice weighs as
//! two, and counts as one towards `min_samples_leaf` and `min_samples_split`, as in scikit-learn. Nodes of up to 65,536
//! rows are split between any two values, larger ones between bins; of equal splits a random one is taken.

use std::ops::ControlFlow;

use ndarray::ArrayView1;
use rayon::prelude::*;

use crate::binned::{Binned, Binning};
use crate::boost::contiguous;
use crate::decision_tree::{Drawn, check_limits, grow_on_targets, rows_with_weight};
use crate::error::{Error, require};
use crate::grow::cell::{Cell, Packed, Wide};
use crate::grow::columns::ColumnRates;
use crate::grow::finder::check_targets;
use crate::grow::histogram::Histograms;
use crate::grow::{Grower, Growth, Order};
use crate::history::{Iteration, Monitor};
use crate::linfa_traits::{guard, predict, setters, watched};
use crate::loss::mean;
use crate::max_features::MaxFeatures;
use crate::random::{Draws, Purpose};
use crate::tree::{Aggregation, Ensemble, MOST_TREES, Precision, Tree};

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RandomForest {
    /// The trees; their mean is the prediction.
    pub ensemble: Ensemble,
    /// What the rows say that a tree has not seen, when it was asked for.
    pub out_of_bag: Option<OutOfBag>,
}

/// Predictions of every row by the trees that were not grown on it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OutOfBag {
    /// Per row, in the target's unit; NaN for a row that every tree has seen.
    pub predictions: Vec<f64>,
    /// Coefficient of determination of those that are numbers; NaN when there are none, or their targets are all the same.
    pub score: f64,
}

/// Hyperparameters as they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomForestParams(RandomForestValidParams);

/// Hyperparameters that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomForestValidParams {
    n_estimators: usize,
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    bootstrap: bool,
    max_samples: Option<f64>,
    oob_score: bool,
    binning: Binning,
    seed: u64,
}

impl RandomForest {
    /// Hyperparameters with scikit-learn's defaults.
    pub fn params() -> RandomForestParams {
        RandomForestParams(RandomForestValidParams {
            n_estimators: 100,
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::All,
            bootstrap: true,
            max_samples: None,
            oob_score: false,
            binning: Binning {
                exact: true,
                ..Binning::default()
            },
            seed: 0,
        })
    }
}

impl RandomForestParams {
    setters! {
        /// How many trees; 100 unless set.
        n_estimators: usize,
        /// Splits on the way to a leaf, at most; without a limit unless set.
        max_depth: Option<u32>,
        /// Rows that a node must have to be split; 2 unless set.
        min_samples_split: u32,
        /// Rows of a leaf, at least, each counted once however often it was drawn; 1 unless set.
        min_samples_leaf: u32,
        /// Leaves, at most; those that gain most are split first. Without a limit unless set.
        max_leaf_nodes: Option<usize>,
        /// Features that a node may split by; all unless set.
        max_features: MaxFeatures,
        /// Whether a tree is grown on rows drawn with replacement; else on all of them. True unless set.
        bootstrap: bool,
        /// How many rows a bootstrap draws, as a share of all, above 0 and at most 1; all unless set.
        max_samples: Option<f64>,
        /// Whether rows are predicted by the trees that have not seen them; false unless set.
        oob_score: bool,
        /// Seed of all draws; 0 unless set.
        seed: u64,
    }

    /// How the matrix is cut into bins, and which features are categorical; it is exact whatever is said here.
    #[must_use]
    pub fn binning(mut self, binning: Binning) -> Self {
        self.0.binning = Binning {
            exact: true,
            ..binning
        };
        self
    }
}

/// A tree, and what it predicts for the rows that it was not grown on.
struct Grown {
    tree: Tree,
    others: Vec<(u32, f64)>,
}

impl RandomForestValidParams {
    /// Checks the ranges.
    fn check_ranges(&self) -> Result<(), Error> {
        require(
            (1..=MOST_TREES).contains(&self.n_estimators),
            "n_estimators",
            self.n_estimators,
            "from 1 to 100000",
        )?;
        check_limits(
            self.max_depth,
            self.min_samples_split,
            self.min_samples_leaf,
            self.max_leaf_nodes,
        )?;
        self.max_features.check()?;
        let share = self.max_samples.unwrap_or(1.0);
        require(
            share > 0.0 && share <= 1.0,
            "max_samples",
            share,
            "above 0 and at most 1",
        )?;
        let holds = self.bootstrap || self.max_samples.is_none();
        require(holds, "max_samples", share, "none without a bootstrap")?;
        let holds = self.bootstrap || !self.oob_score;
        require(holds, "oob_score", true, "false without a bootstrap")?;
        self.binning.check()
    }

    /// Fits to a matrix that is in bins already, and may be shared by many fits.
    ///
    /// Where the matrix is not exact, nodes are split between bins only.
    ///
    /// Of `monitor` only the observer is asked; it hears of every tree in order, some time after it was grown.
    ///
    /// # Errors
    /// [`Error::RowCount`], [`Error::Target`], [`Error::Weight`].
    pub fn fit_binned(
        &self,
        matrix: &Binned,
        targets: ArrayView1<'_, f64>,
        weights: Option<&[f32]>,
        monitor: Monitor<'_>,
    ) -> Result<RandomForest, Error> {
        let targets = contiguous(targets);
        check_targets(matrix.rows(), &targets, weights)?;
        // where a leaf may have one row, rows and draws need not be told apart
        let has_weights = weights.is_some() || (self.bootstrap && self.min_samples_leaf > 1);
        let (trees, unseen) = if has_weights {
            self.grow_all::<Wide>(matrix, &targets, weights, monitor)
        } else {
            self.grow_all::<Packed>(matrix, &targets, None, monitor)
        };
        let out_of_bag = unseen.map(|unseen| unseen.score(&targets));
        Ok(RandomForest {
            ensemble: Ensemble {
                features: matrix.kinds(),
                precision: Precision::Single,
                base: 0.0,
                aggregation: Aggregation::Mean,
                trees,
            },
            out_of_bag,
        })
    }

    /// Grows the trees, a batch at a time, so that the observer hears of them; each is the same whatever the batch.
    fn grow_all<C: Cell>(
        &self,
        matrix: &Binned,
        targets: &[f64],
        weights: Option<&[f32]>,
        mut monitor: Monitor<'_>,
    ) -> (Vec<Tree>, Option<Unseen>) {
        let growth = self.growth(matrix.features());
        let share = growth.columns.by_node;
        let all = rows_with_weight(matrix.rows(), weights);
        let batch = if monitor.observe.is_some() || self.oob_score {
            4 * rayon::current_num_threads()
        } else {
            self.n_estimators
        };
        let mut forest: Vec<Tree> = Vec::new();
        let mut unseen = self.oob_score.then(|| Unseen::new(targets.len()));
        while forest.len() < self.n_estimators {
            let numbers = forest.len()..self.n_estimators.min(forest.len() + batch);
            let trees: Vec<Grown> = numbers
                .into_par_iter()
                .with_min_len(1)
                .map_init(
                    || Grower::new(&growth, Histograms::<C>::exact(matrix, share)),
                    |grower, number| self.grow_one(grower, number, &all, targets, weights),
                )
                .collect();
            for grown in trees {
                if let Some(unseen) = &mut unseen {
                    unseen.add(&grown.others);
                }
                forest.push(grown.tree);
                let iteration = Iteration {
                    number: forest.len(),
                    of: self.n_estimators,
                    train: None,
                    validation: None,
                };
                if monitor.tell(&iteration) == ControlFlow::Break(()) {
                    return (forest, unseen);
                }
            }
        }
        (forest, unseen)
    }

    /// Grows one tree.
    fn grow_one<C: Cell>(
        &self,
        grower: &mut Grower<'_, C, Histograms<'_, C>>,
        number: usize,
        all: &[u32],
        targets: &[f64],
        weights: Option<&[f32]>,
    ) -> Grown {
        let seed = Draws::new(self.seed, Purpose::Trees, number as u64).seed();
        let times = self.draw(all.len(), number);
        let is_drawn = |place: &usize| times[*place] > 0;
        let places: Vec<usize> = (0..all.len()).filter(is_drawn).collect();
        let rows: Vec<u32> = places.iter().map(|&place| all[place]).collect();
        let counts: Vec<u32> = places.iter().map(|&place| times[place]).collect();
        let drawn = Drawn {
            rows: &rows,
            times: &counts,
        };
        let tree = grow_on_targets(grower, drawn, targets, weights, seed);
        let mut others = Vec::new();
        if self.oob_score {
            let unseen = all.iter().zip(&times).filter(|(_, times)| **times == 0);
            others = unseen
                .map(|(&row, _)| (row, tree.value(grower.leaf_of(&tree, row))))
                .collect();
        }
        Grown { tree, others }
    }

    /// How often a tree draws each of `count` rows.
    fn draw(&self, count: usize, number: usize) -> Vec<u32> {
        if !self.bootstrap {
            return vec![1; count];
        }
        let mut draws = Draws::new(self.seed, Purpose::Rows, number as u64);
        let mut times = vec![0; count];
        let wanted = (count as f64 * self.max_samples.unwrap_or(1.0))
            .round()
            .max(1.0) as usize;
        for _ in 0..wanted {
            times[draws.below(count as u32) as usize] += 1;
        }
        times
    }

    fn growth(&self, features: usize) -> Growth {
        Growth {
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
                shuffle: true,
                ..ColumnRates::default()
            },
            ..Growth::default()
        }
    }
}

/// Of each row, the sum of what trees predict that have not seen it, and how many these are. Sums are taken in the order of
/// the trees, and what a tree predicts is forgotten as soon as it was added: memory grows with the rows alone.
struct Unseen(Vec<(f64, u32)>);

impl Unseen {
    fn new(rows: usize) -> Self {
        Self(vec![(0.0, 0); rows])
    }

    fn add(&mut self, predicted: &[(u32, f64)]) {
        for &(row, value) in predicted {
            let (sum, count) = &mut self.0[row as usize];
            *sum += value;
            *count += 1;
        }
    }

    /// The mean predictions, and how much of the targets' variance they explain.
    fn score(self, targets: &[f64]) -> OutOfBag {
        let mean_of = |(sum, count): (f64, u32)| sum / f64::from(count);
        out_of_bag(self.0.into_iter().map(mean_of).collect(), targets)
    }
}

/// The coefficient of determination of `predictions`, NaN for rows that every tree has seen.
fn out_of_bag(predictions: Vec<f64>, targets: &[f64]) -> OutOfBag {
    let pairs: Vec<(f64, f64)> = targets
        .iter()
        .copied()
        .zip(predictions.iter().copied())
        .filter(|pair| !pair.1.is_nan())
        .collect();
    let known: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let center = mean(&known, None);
    let around: f64 = known.iter().map(|y| (y - center).powi(2)).sum();
    let missed: f64 = pairs.iter().map(|(y, f)| (y - f).powi(2)).sum();
    let score = if around > 0.0 {
        1.0 - missed / around
    } else {
        f64::NAN
    };
    OutOfBag { predictions, score }
}

guard!(RandomForestParams, RandomForestValidParams, RandomForest);
watched!(RandomForestValidParams, RandomForest);
predict!(RandomForest);
