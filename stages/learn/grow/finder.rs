//! How the values of a node's features are come by: what a grower asks of a matrix.

use super::cell::Cell;
use super::search::{Run, Side};
use crate::error::Error;
use crate::tree::FeatureKind;

/// The rows of a node, and the cell of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a, C> {
    pub(crate) rows: &'a [u32],
    pub(crate) cells: &'a [C],
}

/// Rows that are being divided, with room for the right side.
#[derive(Debug)]
pub(crate) struct Division<'a, C> {
    pub(crate) rows: &'a mut [u32],
    pub(crate) cells: &'a mut [C],
    pub(crate) spare_rows: &'a mut [u32],
    pub(crate) spare_cells: &'a mut [C],
}

/// How the rows of a node were divided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) split: (u32, Side, bool),
    /// Rows that went left.
    pub(crate) left: usize,
    /// Rows of the node.
    pub(crate) rows: usize,
}

/// A matrix, and how the values of a node's features are found in it.
pub(crate) trait Finder<C: Cell>: Send {
    /// What a node keeps for its children.
    type Kept: Send;

    /// Number of features.
    fn features(&self) -> usize;
    /// What a feature is.
    fn kind(&self, feature: u32) -> FeatureKind;
    /// Room for a node's values.
    fn run(&self) -> Run<C>;
    /// A tree of these features begins with these rows.
    fn begin(&mut self, features: &[u32], root: Part<'_, C>) -> Self::Kept;
    /// The children of a node; `None` for one that will not be searched.
    fn divide(
        &mut self,
        parent: Self::Kept,
        cut: Cut,
        children: [Option<Part<'_, C>>; 2],
    ) -> [Option<Self::Kept>; 2];
    /// A node is searched for these features.
    fn open(&mut self, kept: &Self::Kept, part: Part<'_, C>, features: &[u32]);
    /// The values of one of the features that were opened.
    fn find(&mut self, kept: &Self::Kept, part: Part<'_, C>, feature: u32, run: &mut Run<C>);
    /// A node will have no children.
    fn close(&mut self, kept: Self::Kept);
    /// Puts the rows that go left in front, keeping their order on both sides; their number is returned.
    fn partition(&self, split: (u32, Side, bool), division: Division<'_, C>) -> usize;
    /// A threshold between the codes `last` and `first` found in a node, and the side of it by the codes of the matrix.
    fn threshold(&self, kept: &Self::Kept, feature: u32, last: u32, first: u32) -> (Side, f32);
    /// Whether a row, which need not be one of the tree's, goes left.
    fn goes_left(&self, row: u32, split: (u32, Side, bool)) -> bool;
}

/// Puts the rows of which `goes_left` holds in front, keeping their order on both sides; their number is returned.
#[inline]
pub(crate) fn stable_partition<C: Copy>(
    division: Division<'_, C>,
    goes_left: impl Fn(u32) -> bool,
) -> usize {
    let Division {
        rows,
        cells,
        spare_rows,
        spare_cells,
    } = division;
    let (mut left, mut right) = (0, 0);
    for place in 0..rows.len() {
        let (row, cell) = (rows[place], cells[place]);
        let is_left = goes_left(row);
        // without a branch: both sides are written, one is kept
        rows[left] = row;
        cells[left] = cell;
        spare_rows[right] = row;
        spare_cells[right] = cell;
        left += usize::from(is_left);
        right += usize::from(!is_left);
    }
    rows[left..].copy_from_slice(&spare_rows[..right]);
    cells[left..].copy_from_slice(&spare_cells[..right]);
    left
}

/// Levels of a categorical feature; none of a numeric one.
pub(crate) fn levels(kind: FeatureKind) -> Option<u32> {
    match kind {
        FeatureKind::Numeric => None,
        FeatureKind::Categorical { levels } => Some(levels),
    }
}

/// Checks targets and weights of `rows` rows.
pub(crate) fn check_targets(
    rows: usize,
    targets: &[f64],
    weights: Option<&[f32]>,
) -> Result<(), Error> {
    let count = |what, found: usize| {
        if found == rows {
            return Ok(());
        }
        Err(Error::RowCount {
            what,
            expected: rows,
            found,
        })
    };
    count("targets", targets.len())?;
    if let Some(row) = targets.iter().position(|target| !target.is_finite()) {
        let value = targets[row];
        return Err(Error::Target { row, value });
    }
    let Some(weights) = weights else {
        return Ok(());
    };
    count("weights", weights.len())?;
    let is_bad = |weight: &f32| !weight.is_finite() || *weight < 0.0;
    if let Some(row) = weights.iter().position(is_bad) {
        let value = weights[row].into();
        return Err(Error::Weight { row, value });
    }
    if weights.iter().all(|weight| *weight == 0.0) {
        return Err(Error::Weight { row: 0, value: 0.0 });
    }
    Ok(())
}
