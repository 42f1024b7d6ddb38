//! Values of a node by sorting: every distinct value is a place to cut, as in scikit-learn's trees.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::cell::Cell;
use super::finder::{Cut, Division, Finder, Part, stable_partition};
use super::search::{Run, Side};
use crate::binned::{Binning, check_shape, single};
use crate::error::Error;
use crate::tree::FeatureKind;

/// The rank of a missing value.
const MISSING: u32 = u32::MAX;
/// Values no further apart than this count as one: `FEATURE_THRESHOLD` of scikit-learn's splitter.
const TOGETHER: f32 = 1e-7;

/// Records (`n_rows × n_features`) as ranks among the distinct values of each column.
#[derive(Debug, Clone)]
pub(crate) struct Ranked {
    rows: usize,
    columns: Vec<RankedColumn>,
}

/// The distinct values of a column, ascending, and the place among them of each row's.
#[derive(Debug, Clone)]
struct RankedColumn {
    values: Vec<f32>,
    ranks: Vec<u32>,
}

impl Ranked {
    /// Ranks the values of `records`, NaN where a value is missing.
    pub(crate) fn new(records: ArrayView2<'_, f64>) -> Result<Self, Error> {
        let (rows, features) = check_shape(records, &Binning::default().categorical)?;
        let columns = (0..features)
            .into_par_iter()
            .map(|feature| {
                let values = records.column(feature);
                let values: Vec<f32> = values
                    .iter()
                    .enumerate()
                    .map(|(row, &value)| single(feature, row, value))
                    .collect::<Result<_, _>>()?;
                Ok(rank(&values))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { rows, columns })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// The ranks of a column.
fn rank(values: &[f32]) -> RankedColumn {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.retain(|&row| !values[row as usize].is_nan());
    order.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
    let mut distinct: Vec<f32> = Vec::new();
    let mut ranks = vec![MISSING; values.len()];
    for row in order {
        let value = values[row as usize];
        if distinct.last() != Some(&value) {
            distinct.push(value);
        }
        ranks[row as usize] = distinct.len() as u32 - 1;
    }
    RankedColumn {
        values: distinct,
        ranks,
    }
}

/// Finds values in a [`Ranked`] matrix.
pub(crate) struct Sorted<'a, C> {
    matrix: &'a Ranked,
    keys: Vec<(u32, C)>,
}

impl<'a, C: Cell> Sorted<'a, C> {
    /// A finder in `matrix`.
    pub(crate) fn new(matrix: &'a Ranked) -> Self {
        Self {
            matrix,
            keys: Vec::with_capacity(matrix.rows),
        }
    }
}

impl<C: Cell> Finder<C> for Sorted<'_, C> {
    type Kept = ();

    fn features(&self) -> usize {
        self.matrix.columns.len()
    }

    fn kind(&self, _: u32) -> FeatureKind {
        FeatureKind::Numeric
    }

    fn run(&self) -> Run<C> {
        Run::new(self.matrix.rows)
    }

    fn begin(&mut self, _: &[u32], _: Part<'_, C>) {}

    fn divide(&mut self, (): (), _: Cut, children: [Option<Part<'_, C>>; 2]) -> [Option<()>; 2] {
        children.map(|part| part.map(|_| ()))
    }

    fn open(&mut self, (): &(), _: Part<'_, C>, _: &[u32]) {}

    fn find(&mut self, (): &(), part: Part<'_, C>, feature: u32, run: &mut Run<C>) {
        let column = &self.matrix.columns[feature as usize];
        self.keys.clear();
        let ranks = part.rows.iter().map(|&row| column.ranks[row as usize]);
        self.keys.extend(ranks.zip(part.cells.iter().copied()));
        self.keys.sort_unstable_by_key(|key| key.0);
        run.clear();
        let mut sum = C::default();
        for &(rank, cell) in &self.keys {
            if rank == MISSING {
                run.missing = run.missing.plus(cell);
                continue;
            }
            sum = sum.plus(cell);
            let value = column.values[rank as usize];
            match (run.lasts.last_mut(), run.sums.last_mut()) {
                (Some(last), Some(total)) if value <= column.values[*last as usize] + TOGETHER => {
                    *last = rank;
                    *total = sum;
                }
                _ => {
                    run.firsts.push(rank);
                    run.lasts.push(rank);
                    run.sums.push(sum);
                }
            }
        }
    }

    fn close(&mut self, (): ()) {}

    fn partition(&self, split: (u32, Side, bool), division: Division<'_, C>) -> usize {
        stable_partition(division, |row| Finder::<C>::goes_left(self, row, split))
    }

    /// The least number of single precision above scikit-learn's threshold, up to which values go left there.
    fn threshold(&self, (): &(), feature: u32, last: u32, first: u32) -> (Side, f32) {
        let values = &self.matrix.columns[feature as usize].values;
        if first <= last {
            return (Side::UpTo { last, first }, f32::MAX);
        }
        let (left, right) = (values[last as usize], values[first as usize]);
        let middle = f64::from(left) / 2.0 + f64::from(right) / 2.0;
        let rounded = middle as f32;
        let above = if f64::from(rounded) > middle {
            rounded
        } else {
            rounded.next_up()
        };
        (Side::UpTo { last, first }, above)
    }

    #[inline]
    fn goes_left(&self, row: u32, (feature, side, missing_left): (u32, Side, bool)) -> bool {
        let rank = self.matrix.columns[feature as usize].ranks[row as usize];
        match side {
            _ if rank == MISSING => missing_left,
            Side::UpTo { last, .. } => rank <= last,
            Side::OneOf(_) | Side::Nothing => false,
        }
    }
}
