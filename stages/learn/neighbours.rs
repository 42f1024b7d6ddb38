//! What the nearest reference rows say of a point: the mean of their targets, how these scatter, how far they are.
//!
//! The reference rows are the training rows. A point asked for ([`Neighbours::of_points`]) is told of the nearest of
//! them. A reference row itself ([`Neighbours::of_reference`]) is told of the nearest *other* ones, so that no value of
//! its own, least of all its target, enters what it is told; this is leave-one-out, the out-of-fold statistic with as
//! many folds as rows. It keeps the density of neighbours what it is for new points, where a few large folds would thin
//! it out: `docs/decisions/014-neighbours.md` has the figures.
//!
//! A missing value is NaN. Every statistic is summed from the nearest row on, so that equal inputs give equal bits
//! whatever the number of threads, and a point alone is told what it is told among others.

mod statistics;
mod tree;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

pub use self::statistics::{Statistic, Weighting};
use self::tree::KdTree;

/// Fewer points than this are not worth waking other threads for.
const FEW: usize = 64;

/// What is to be told of the neighbours of a point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Of how many neighbours, each number at least 1.
    pub k: Vec<usize>,
    /// Which statistics of each value.
    pub statistics: Vec<Statistic>,
    /// How much each neighbour counts in means and deviations.
    pub weighting: Weighting,
    /// Whether also the distance of the `k`-th neighbour, in the unit of the coordinates.
    pub distance: bool,
}

/// A column of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Of how many neighbours.
    pub k: usize,
    /// The statistic and the place of the value; none for the distance.
    pub of: Option<(Statistic, usize)>,
}

impl Summary {
    /// The columns of the summary, in order: for each `k` each statistic of each of `n_values` values, then the distance.
    pub fn columns(&self, n_values: usize) -> Vec<Told> {
        let mut columns = Vec::new();
        for &k in &self.k {
            for &statistic in &self.statistics {
                columns.extend((0..n_values).map(|value| Told {
                    k,
                    of: Some((statistic, value)),
                }));
            }
            if self.distance {
                columns.push(Told { k, of: None });
            }
        }
        columns
    }
}

/// The reference rows: where they are and what is known of them.
#[derive(Debug, Clone)]
pub struct Neighbours {
    tree: KdTree,
    /// `n_rows × n_columns`.
    points: Array2<f64>,
    /// `n_rows × n_values`.
    values: Array2<f64>,
}

impl Neighbours {
    /// Reference rows at `points` (`n_rows × n_columns`, distances are Euclidean) with `values` (`n_rows × n_values`).
    ///
    /// A row with a coordinate that is not finite is nobody's neighbour. A value that is NaN is left out of the
    /// statistics of that value.
    ///
    /// # Panics
    /// If there are not as many values as points: a bug of the caller.
    pub fn new(points: Array2<f64>, values: Array2<f64>) -> Self {
        assert_eq!(points.nrows(), values.nrows(), "bug: rows without values");
        let points = points.as_standard_layout().into_owned();
        let tree = KdTree::new(points.view());
        Self {
            tree,
            points,
            values,
        }
    }

    /// Number of reference rows.
    pub fn n_rows(&self) -> usize {
        self.points.nrows()
    }

    /// What `summary` tells of `points` (`n_points × n_columns`): `n_points ×` [`Summary::columns`].
    ///
    /// Where there are fewer reference rows than `k`, all are told of. NaN where there is nothing to tell: for a point
    /// with a coordinate that is not finite, without any neighbour or any value, or where a result is too large for a
    /// float.
    ///
    /// # Panics
    /// If the points have not as many coordinates as the reference rows: a bug of the caller.
    pub fn of_points(&self, points: ArrayView2<'_, f64>, summary: &Summary) -> Array2<f64> {
        self.tell(points, summary, |_| None)
    }

    /// What `summary` tells of each reference row, from the other ones: `n_rows ×` [`Summary::columns`].
    ///
    /// As [`of_points`](Self::of_points) with the row itself left out; rows that coincide with it count.
    pub fn of_reference(&self, summary: &Summary) -> Array2<f64> {
        self.tell(self.points.view(), summary, Some)
    }

    fn tell(
        &self,
        points: ArrayView2<'_, f64>,
        summary: &Summary,
        without: impl Fn(usize) -> Option<usize> + Sync,
    ) -> Array2<f64> {
        let (expected, found) = (self.points.ncols(), points.ncols());
        assert_eq!(expected, found, "bug: points of other coordinates");
        let columns = summary.columns(self.values.ncols());
        let mut told = Array2::from_elem((points.nrows(), columns.len()), f64::NAN);
        let fill = |(row, out): (usize, ArrayViewMut1<'_, f64>)| {
            self.tell_row(points.row(row), summary, &columns, without(row), out);
        };
        let rows = told.axis_iter_mut(Axis(0));
        if points.nrows() < FEW {
            rows.into_iter().enumerate().for_each(fill);
        } else {
            rows.into_par_iter().enumerate().for_each(fill);
        }
        told
    }

    /// Fills a row of the answer, its columns being `columns`.
    fn tell_row(
        &self,
        point: ArrayView1<'_, f64>,
        summary: &Summary,
        columns: &[Told],
        without: Option<usize>,
        mut out: ArrayViewMut1<'_, f64>,
    ) {
        let most = summary.k.iter().copied().max().unwrap_or(0);
        let found = self.tree.nearest(&point.to_vec(), most, without);
        let distances: Vec<f64> = found.iter().map(|n| n.squared.sqrt()).collect();
        let weights = summary.weighting.weights(&distances);
        let near = |column: ArrayView1<'_, f64>| found.iter().map(|n| column[n.row]).collect();
        let values: Vec<Vec<f64>> = self.values.columns().into_iter().map(near).collect();
        for (told, out) in columns.iter().zip(&mut out) {
            let k = told.k.min(found.len());
            *out = match told.of {
                Some((statistic, value)) => statistic.of(&values[value][..k], &weights[..k]),
                None => distances[..k].last().map_or(f64::NAN, |d| finite(*d)),
            };
        }
    }
}

/// A number, or NaN for what was too large for one.
fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NAN }
}
