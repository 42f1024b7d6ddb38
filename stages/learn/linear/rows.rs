//! Rows of records and targets, walked in blocks on all cores: sums have the same bits whatever the number of threads.

use std::ops::Range;

use ndarray::{
    Array1, Array2, ArrayBase, ArrayView1, ArrayView2, ArrayViewMut2, Axis, Data, Ix1, Ix2,
    ShapeBuilder, Zip,
};
use rayon::prelude::*;

use super::error::LinearError;

/// Rows of a block: with some twenty features it fits into a core's second cache.
const BLOCK: usize = 1024;

/// Blocks one thread adds up. Like [`BLOCK`] part of the result's bits: sums of groups are added in order.
const GROUP: usize = 8;

/// Some rows of records and targets.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    records: ArrayView2<'a, f64>,
    targets: ArrayView1<'a, f64>,
    /// Which rows; all of them if none.
    chosen: Option<&'a [usize]>,
}

impl<'a> Rows<'a> {
    /// All rows of `records` (`n_rows × n_features`) and `targets` (`n_rows`).
    ///
    /// # Errors
    /// [`LinearError::NoRows`], [`LinearError::Shapes`].
    pub(super) fn new(
        records: &'a ArrayBase<impl Data<Elem = f64>, Ix2>,
        targets: &'a ArrayBase<impl Data<Elem = f64>, Ix1>,
    ) -> Result<Self, LinearError> {
        let (rows, targets_len) = (records.nrows(), targets.len());
        if rows != targets_len {
            return Err(LinearError::Shapes {
                rows,
                targets: targets_len,
            });
        }
        if rows == 0 {
            return Err(LinearError::NoRows);
        }
        Ok(Self {
            records: records.view(),
            targets: targets.view(),
            chosen: None,
        })
    }

    /// Only the rows `chosen`.
    pub(super) fn only<'b>(&'b self, chosen: &'b [usize]) -> Rows<'b> {
        Rows {
            records: self.records.view(),
            targets: self.targets.view(),
            chosen: Some(chosen),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.chosen.map_or(self.records.nrows(), <[usize]>::len)
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.records.ncols()
    }

    /// The first row, its target last; zeros where there is none.
    pub(super) fn first(&self) -> Array1<f64> {
        if self.len() == 0 {
            return Array1::zeros(self.features() + 1);
        }
        let place = self.chosen.map_or(0, |chosen| chosen[0]);
        let row = self.records.row(place);
        row.iter().copied().chain([self.targets[place]]).collect()
    }

    /// Adds up what `add` makes of every block, whose columns are the features and the target less `shift`.
    pub(super) fn sum(
        &self,
        shift: &Array1<f64>,
        shape: (usize, usize),
        add: impl Fn(&ArrayView2<'_, f64>, &mut Array2<f64>) + Sync,
    ) -> Array2<f64> {
        let sums: Vec<Array2<f64>> = self
            .ranges(BLOCK * GROUP)
            .into_par_iter()
            .map(|group| {
                let mut sum = Array2::zeros(shape);
                let mut buffer = Array2::zeros((BLOCK, self.features() + 1).f());
                for start in group.clone().step_by(BLOCK) {
                    let range = start..(start + BLOCK).min(group.end);
                    let block = buffer.view_mut().split_at(Axis(0), range.len()).0;
                    add(&self.fill(range, shift, block).view(), &mut sum);
                }
                sum
            })
            .collect();
        sums.into_iter()
            .fold(Array2::zeros(shape), |sum, group| sum + group)
    }

    /// The rows of `range` (places among these rows) less `shift`, with their target as the last column; column-major.
    pub(super) fn block(&self, range: Range<usize>, shift: &Array1<f64>) -> Array2<f64> {
        let mut block = Array2::zeros((range.len(), self.features() + 1).f());
        self.fill(range, shift, block.view_mut());
        block
    }

    /// Ranges of at most `length` rows that cover all of them.
    pub(super) fn ranges(&self, length: usize) -> Vec<Range<usize>> {
        let rows = self.len();
        (0..rows)
            .step_by(length)
            .map(|start| start..(start + length).min(rows))
            .collect()
    }

    fn fill<'b>(
        &self,
        range: Range<usize>,
        shift: &Array1<f64>,
        mut block: ArrayViewMut2<'b, f64>,
    ) -> ArrayViewMut2<'b, f64> {
        let columns = self
            .records
            .columns()
            .into_iter()
            .chain([self.targets.view()]);
        for ((source, mut filled), &shift) in columns.zip(block.columns_mut()).zip(shift) {
            match self.chosen {
                None => Zip::from(&mut filled)
                    .and(&source.slice_axis(Axis(0), range.clone().into()))
                    .for_each(|to, &from| *to = from - shift),
                Some(chosen) => {
                    for (to, &row) in filled.iter_mut().zip(&chosen[range.clone()]) {
                        *to = source[row] - shift;
                    }
                }
            }
        }
        block
    }

    /// The first value that is not finite, for whom a sum was not.
    pub(super) fn fault(&self) -> LinearError {
        for (row, value) in self.targets.iter().copied().enumerate() {
            if !value.is_finite() {
                return LinearError::BadTarget { row, value };
            }
        }
        for (row, values) in self.records.axis_iter(Axis(0)).enumerate() {
            for (feature, value) in values.iter().copied().enumerate() {
                if !value.is_finite() {
                    return LinearError::NotFinite {
                        row,
                        feature,
                        value,
                    };
                }
            }
        }
        LinearError::TooLarge
    }
}
