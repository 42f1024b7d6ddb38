//! What the nearest reference rows say of a point: the mean of their targets, how these scatter, how far they are.
//!
//! The reference rows are the training rows. A point asked for ([`Neighbours::of_points`]) is told of the nearest of
//! them. A reference row itself is told of the nearest ones of other folds ([`Neighbours::of_folds`]), so that no value of
//! its own, least of all its target, enters what it is told; with as many folds as rows this is leave-one-out
//! ([`Neighbours::of_reference`]). What each choice costs and where leave-one-out tells too much:
//! `docs/decisions/014-neighbours.md`.
//!
//! A missing value is NaN. Every statistic is summed from the nearest row on, so that equal inputs give equal bits
//! whatever the number of threads, and a point alone is told what it is told among others.

mod statistics;
mod tree;

use std::collections::HashMap;

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
        self.tell(points, summary, |_, _| false)
    }

    /// What `summary` tells of each reference row, from the other ones: `n_rows ×` [`Summary::columns`].
    ///
    /// As [`of_points`](Self::of_points) with the row itself left out; rows that coincide with it count.
    pub fn of_reference(&self, summary: &Summary) -> Array2<f64> {
        self.tell(self.points.view(), summary, |row, other| row == other)
    }

    /// What `summary` tells of each reference row, from those of other folds: `n_rows ×` [`Summary::columns`].
    ///
    /// As [`of_points`](Self::of_points) with the rows of the row's own fold left out; `fold_of` has the fold of each row.
    ///
    /// # Panics
    /// If there are not as many folds as rows: a bug of the caller.
    pub fn of_folds(&self, fold_of: &[usize], summary: &Summary) -> Array2<f64> {
        assert_eq!(fold_of.len(), self.n_rows(), "bug: rows without a fold");
        self.tell(self.points.view(), summary, |row, other| {
            fold_of[row] == fold_of[other]
        })
    }

    /// For each reference row, how many rows lie exactly where it does, itself among them; 0 where a coordinate is not
    /// finite.
    pub fn coincident(&self) -> Vec<usize> {
        let place = |row: usize| -> Option<Vec<u64>> {
            let point = self.points.row(row);
            // `+ 0.0` makes one zero of two
            let bits = |x: &f64| x.is_finite().then(|| (x + 0.0).to_bits());
            point.iter().map(bits).collect()
        };
        let places: Vec<_> = (0..self.n_rows()).map(place).collect();
        let mut rows_at: HashMap<&[u64], usize> = HashMap::new();
        for place in places.iter().flatten() {
            *rows_at.entry(place).or_default() += 1;
        }
        let count =
            |place: &Option<Vec<u64>>| place.as_ref().map_or(0, |place| rows_at[&place[..]]);
        places.iter().map(count).collect()
    }

    fn tell(
        &self,
        points: ArrayView2<'_, f64>,
        summary: &Summary,
        is_left_out: impl Fn(usize, usize) -> bool + Sync,
    ) -> Array2<f64> {
        let (expected, found) = (self.points.ncols(), points.ncols());
        assert_eq!(expected, found, "bug: points of other coordinates");
        let columns = summary.columns(self.values.ncols());
        let mut told = Array2::from_elem((points.nrows(), columns.len()), f64::NAN);
        let fill = |(row, out): (usize, ArrayViewMut1<'_, f64>)| {
            let is_left_out = |other: usize| is_left_out(row, other);
            self.tell_row(points.row(row), summary, &columns, is_left_out, out);
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
        is_left_out: impl Fn(usize) -> bool,
        mut out: ArrayViewMut1<'_, f64>,
    ) {
        let most = summary.k.iter().copied().max().unwrap_or(0);
        let found = self.tree.nearest(&point.to_vec(), most, is_left_out);
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
