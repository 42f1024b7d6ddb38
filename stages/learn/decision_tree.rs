//! One regression tree: hyperparameters as scikit-learn's `DecisionTreeRegressor` with squared error (CART, Breiman et al.
//! 1984).
//!
//! Nodes of up to 65,536 rows are split between any two values, by lists that are sorted once a tree. Larger ones are
//! searched by histogram, with up to 255 places to cut a feature; the exact splitter tries every place there too, and sorts
//! every node anew. Trees are scikit-learn's, but for which of several equally good features a node is split by: here the
//! first, there a random one.

use ndarray::{ArrayView1, ArrayView2};

use crate::binned::{Binned, Binning};
use crate::boost::contiguous;
use crate::error::{Error, require};
use crate::grow::cell::{Cell, Packed, Point, Wide};
use crate::grow::columns::ColumnRates;
use crate::grow::finder::{Finder, check_targets};
use crate::grow::histogram::Histograms;
use crate::grow::sorted::{Ranked, Sorted};
use crate::grow::{Grower, Growth, Order};
use crate::linfa_traits::{guard, predict, setters};
use crate::loss::mean;
use crate::max_features::MaxFeatures;
use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision, Tree};

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecisionTree {
    /// The one tree.
    pub ensemble: Ensemble,
}

/// Where a feature may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Splitter {
    /// Between bins in nodes of more than 65,536 rows, between any two values in smaller ones.
    #[default]
    Histogram,
    /// Between any two values everywhere, as in scikit-learn, several times slower; numeric features only.
    Exact,
}

/// Hyperparameters as they were given.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionTreeParams(DecisionTreeValidParams);

/// Hyperparameters that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionTreeValidParams {
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    max_leaf_nodes: Option<usize>,
    max_features: MaxFeatures,
    splitter: Splitter,
    binning: Binning,
    seed: u64,
}

impl DecisionTree {
    /// Hyperparameters with scikit-learn's defaults.
    pub fn params() -> DecisionTreeParams {
        DecisionTreeParams(DecisionTreeValidParams {
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: MaxFeatures::All,
            splitter: Splitter::Histogram,
            binning: Binning {
                exact: true,
                ..Binning::default()
            },
            seed: 0,
        })
    }
}

impl DecisionTreeParams {
    setters! {
        /// Splits on the way to a leaf, at most; without a limit unless set.
        max_depth: Option<u32>,
        /// Rows that a node must have to be split; 2 unless set.
        min_samples_split: u32,
        /// Rows of a leaf, at least; 1 unless set.
        min_samples_leaf: u32,
        /// Leaves, at most; those that gain most are split first. Without a limit unless set.
        max_leaf_nodes: Option<usize>,
        /// Features that a node may split by; all unless set.
        max_features: MaxFeatures,
        /// Where a feature may be cut; by histogram, and by sorting in all but large nodes, unless set.
        splitter: Splitter,
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

impl DecisionTreeValidParams {
    /// Checks the ranges.
    fn check_ranges(&self) -> Result<(), Error> {
        check_limits(
            self.max_depth,
            self.min_samples_split,
            self.min_samples_leaf,
            self.max_leaf_nodes,
        )?;
        self.max_features.check()?;
        let is_exact = self.splitter == Splitter::Exact;
        let holds = !is_exact || self.binning.categorical.is_empty();
        require(
            holds,
            "splitter",
            "exact",
            "histogram where features are categorical",
        )?;
        self.binning.check()
    }

    /// How to cut a matrix into bins for these hyperparameters.
    pub fn binning(&self) -> &Binning {
        &self.binning
    }

    /// Fits to a matrix that is in bins already, and may be shared by many fits.
    ///
    /// Where the matrix is not exact, nodes are split between bins only.
    ///
    /// # Errors
    /// [`Error::RowCount`], [`Error::Target`], [`Error::Weight`]; [`Error::Hyperparameter`] with the exact splitter, which
    /// needs the values.
    pub fn fit_binned(
        &self,
        matrix: &Binned,
        targets: ArrayView1<'_, f64>,
        weights: Option<&[f32]>,
    ) -> Result<DecisionTree, Error> {
        let holds = self.splitter == Splitter::Histogram;
        require(holds, "splitter", "exact", "histogram for a matrix in bins")?;
        let targets = contiguous(targets);
        check_targets(matrix.rows(), &targets, weights)?;
        let share = self.max_features.share(matrix.features());
        let tree = match weights {
            None => self.grow(Histograms::<Packed>::exact(matrix, share), &targets, None),
            Some(_) => self.grow(Histograms::<Wide>::exact(matrix, share), &targets, weights),
        };
        Ok(model(tree, matrix.kinds()))
    }

    fn fit_records(
        &self,
        records: ArrayView2<'_, f64>,
        targets: ArrayView1<'_, f64>,
        weights: Option<&[f32]>,
    ) -> Result<DecisionTree, Error> {
        if self.splitter == Splitter::Histogram {
            return self.fit_binned(&Binned::new(records, &self.binning)?, targets, weights);
        }
        let matrix = Ranked::new(records)?;
        let targets = contiguous(targets);
        check_targets(matrix.rows(), &targets, weights)?;
        let tree = match weights {
            None => self.grow(Sorted::<Packed>::new(&matrix), &targets, None),
            Some(_) => self.grow(Sorted::<Wide>::new(&matrix), &targets, weights),
        };
        Ok(model(tree, vec![FeatureKind::Numeric; records.ncols()]))
    }

    fn grow<C: Cell, F: Finder<C>>(
        &self,
        finder: F,
        targets: &[f64],
        weights: Option<&[f32]>,
    ) -> Tree {
        let growth = Growth {
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
                by_node: self.max_features.share(finder.features()),
                insist: true,
                ..ColumnRates::default()
            },
            ..Growth::default()
        };
        let rows = rows_with_weight(targets.len(), weights);
        let times = vec![1; rows.len()];
        let mut grower = Grower::new(&growth, finder);
        grow_on_targets(
            &mut grower,
            Drawn {
                rows: &rows,
                times: &times,
            },
            targets,
            weights,
            self.seed,
        )
    }
}

/// A tree as a model.
fn model(tree: Tree, features: Vec<FeatureKind>) -> DecisionTree {
    DecisionTree {
        ensemble: Ensemble {
            features,
            precision: Precision::Single,
            base: 0.0,
            aggregation: Aggregation::Sum,
            trees: vec![tree],
        },
    }
}

/// Checks the limits that trees of all kinds have.
pub(crate) fn check_limits(
    max_depth: Option<u32>,
    min_samples_split: u32,
    min_samples_leaf: u32,
    max_leaf_nodes: Option<usize>,
) -> Result<(), Error> {
    require(max_depth != Some(0), "max_depth", 0, "at least 1, or none")?;
    require(
        min_samples_split >= 2,
        "min_samples_split",
        min_samples_split,
        "at least 2",
    )?;
    require(
        min_samples_leaf >= 1,
        "min_samples_leaf",
        min_samples_leaf,
        "at least 1",
    )?;
    let leaves = max_leaf_nodes.unwrap_or(2);
    require(leaves >= 2, "max_leaf_nodes", leaves, "at least 2, or none")
}

/// The rows that count: those whose weight is not 0.
pub(crate) fn rows_with_weight(rows: usize, weights: Option<&[f32]>) -> Vec<u32> {
    let counts = |&row: &u32| weights.is_none_or(|weights| weights[row as usize] > 0.0);
    (0..rows as u32).filter(counts).collect()
}

/// Rows of a tree, ascending, and how often each was drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) times: &'a [u32],
}

/// Grows a tree whose leaves predict the mean target of their rows.
pub(crate) fn grow_on_targets<C: Cell, F: Finder<C>>(
    grower: &mut Grower<'_, C, F>,
    drawn: Drawn<'_>,
    targets: &[f64],
    weights: Option<&[f32]>,
    seed: u64,
) -> Tree {
    let center = mean(targets, weights);
    let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    let points = drawn.rows.iter().zip(drawn.times).map(|(&row, &times)| {
        let row = row as usize;
        Point {
            gradient: (center - targets[row]) * weight(row),
            hessian: weight(row),
            times,
        }
    });
    let unit = C::unit(points.clone());
    let cells: Vec<C> = points.map(|point| C::pack(point, &unit)).collect();
    let mut tree = grower.grow(drawn.rows, &cells, unit, seed);
    let mut counts = vec![0.0; targets.len()];
    for (&row, &times) in drawn.rows.iter().zip(drawn.times) {
        counts[row as usize] = weight(row as usize) * f64::from(times);
    }
    for leaf in grower.leaves() {
        // from the targets themselves: exact when they are all the same
        let rows = &grower.rows()[leaf.rows.clone()];
        let first = targets[rows[0] as usize];
        let (mut sum, mut total) = (0.0, 0.0);
        for &row in rows {
            sum += (targets[row as usize] - first) * counts[row as usize];
            total += counts[row as usize];
        }
        tree.set_value(leaf.place, first + sum / total);
    }
    tree
}

guard!(DecisionTreeParams, DecisionTreeValidParams, DecisionTree);
predict!(DecisionTree);
