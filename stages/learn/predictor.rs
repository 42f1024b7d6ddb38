//! Trees laid out for speed: many rows or many trees walk at once.
//!
//! A step of one walk waits for memory and for a comparison; eight walks side by side fill the wait. A step has no branch:
//! a leaf is a node whose left child is itself and whose question, of a place beside the features that holds 0, always
//! says left, so that a walk may go on for as many steps as the deepest needs. Sums are taken in the order of the trees:
//! predictions are those of [`Ensemble::predict_row`] to the last bit.

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::error::Error;
use crate::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Precision, Rule, Tree, is_code};

/// Walks side by side.
const LANES: usize = 8;
/// Rows that one task predicts.
const BLOCK: usize = 256;
const MISSING_LEFT: u32 = 1 << 31;
const CATEGORICAL: u32 = 1 << 30;
const FEATURE: u32 = CATEGORICAL - 1;

/// An ensemble made ready to predict.
#[derive(Debug, Clone)]
pub struct Predictor {
    features: Vec<FeatureKind>,
    base: f64,
    aggregation: Aggregation,
    layout: Layout,
}

#[derive(Debug, Clone)]
enum Layout {
    Single(Laid<f32>),
    Double(Laid<f64>),
}

/// A number of the precision in which values are compared.
pub(crate) trait Real: Copy + PartialOrd + Send + Sync {
    /// What a leaf compares.
    const ZERO: Self;
    /// What a leaf compares with.
    const ONE: Self;
    /// What a missing value is.
    const NAN: Self;
    /// Rounds.
    fn of(value: f64) -> Self;
    /// Widens.
    fn wide(self) -> f64;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NAN: Self = Self::NAN;
    fn of(value: f64) -> Self {
        value as Self
    }
    fn wide(self) -> f64 {
        self.into()
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NAN: Self = Self::NAN;
    fn of(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

/// Rows as trees see them: of their precision, NaN where a value is missing or no code, and a 0 after each row.
#[derive(Debug, Clone)]
pub(crate) struct Rows<T = f32> {
    values: Vec<T>,
    stride: usize,
}

impl<T: Real> Rows<T> {
    /// Rows of `n_rows × n_features`.
    pub(crate) fn new(records: ArrayView2<'_, f64>, kinds: &[FeatureKind]) -> Result<Self, Error> {
        check_features(records.ncols(), kinds)?;
        let mut rows = Self {
            values: Vec::with_capacity(records.nrows() * (kinds.len() + 1)),
            stride: kinds.len() + 1,
        };
        for row in records.rows() {
            rows.push(row, kinds);
        }
        Ok(rows)
    }

    fn push(&mut self, row: ArrayView1<'_, f64>, kinds: &[FeatureKind]) {
        let seen = |(&value, kind): (&f64, &FeatureKind)| match *kind {
            FeatureKind::Categorical { levels } if !is_code(value, levels) => T::NAN,
            _ => T::of(value),
        };
        self.values.extend(row.iter().zip(kinds).map(seen));
        self.values.push(T::ZERO);
    }

    /// Whether no value is missing.
    fn is_complete(&self) -> bool {
        #[allow(clippy::eq_op, reason = "whether it is NaN, of any precision")]
        self.values.iter().all(|value| value == value)
    }

    /// The values of a row.
    pub(crate) fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.stride..(row + 1) * self.stride]
    }
}

/// All trees in one vector.
#[derive(Debug, Clone)]
struct Laid<T> {
    roots: Vec<Root>,
    nodes: Vec<Node<T>>,
    /// What each node predicts if it is a leaf.
    values: Vec<f64>,
    sets: Vec<Box<[u64]>>,
}

#[derive(Debug, Clone, Copy)]
struct Root {
    place: u32,
    /// Splits on the way to the deepest leaf.
    depth: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node<T> {
    threshold: T,
    /// Feature and flags.
    feature: u32,
    /// Place of the left child; of a categorical split, the place of its set follows from `threshold`.
    left: u32,
}

impl Predictor {
    /// Lays out the trees of `ensemble`.
    ///
    /// # Panics
    /// When the trees have more than 2^32 nodes together.
    pub fn new(ensemble: &Ensemble) -> Self {
        let layout = match ensemble.precision {
            Precision::Single => Layout::Single(Laid::new(ensemble)),
            Precision::Double => Layout::Double(Laid::new(ensemble)),
        };
        Self {
            features: ensemble.features.clone(),
            base: ensemble.base,
            aggregation: ensemble.aggregation,
            layout,
        }
    }

    /// The predictions for `records` (`n_rows × n_features`, NaN where a value is missing), in the target's unit.
    ///
    /// Blocks of rows are predicted in parallel; a single one where it is asked for, and a few rows one by one.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] when the records have another number of features than the model.
    pub fn predict(&self, records: ArrayView2<'_, f64>) -> Result<Vec<f64>, Error> {
        check_features(records.ncols(), &self.features)?;
        if records.nrows() < LANES / 2 {
            let rows = records.rows().into_iter();
            return rows.map(|row| self.predict_row(row)).collect();
        }
        let mut predictions = vec![0.0; records.nrows()];
        let block = |(number, out): (usize, &mut [f64])| {
            let begin = number * BLOCK;
            let records = records.slice_axis(Axis(0), (begin..begin + out.len()).into());
            match &self.layout {
                Layout::Single(laid) => laid.add_block(records, &self.features, out),
                Layout::Double(laid) => laid.add_block(records, &self.features, out),
            }
            for prediction in out {
                *prediction = self.finish(*prediction);
            }
        };
        if records.nrows() <= BLOCK {
            block((0, &mut predictions));
        } else {
            let blocks = predictions.par_chunks_mut(BLOCK);
            blocks.enumerate().for_each(block);
        }
        Ok(predictions)
    }

    /// The prediction for one row, in the target's unit.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] when the row has another number of features than the model.
    pub fn predict_row(&self, row: ArrayView1<'_, f64>) -> Result<f64, Error> {
        check_features(row.len(), &self.features)?;
        let sum = match &self.layout {
            Layout::Single(laid) => laid.row(row, &self.features),
            Layout::Double(laid) => laid.row(row, &self.features),
        };
        Ok(self.finish(sum))
    }

    fn finish(&self, sum: f64) -> f64 {
        let trees = match &self.layout {
            Layout::Single(laid) => laid.roots.len(),
            Layout::Double(laid) => laid.roots.len(),
        };
        match self.aggregation {
            Aggregation::Sum => self.base + sum,
            Aggregation::Mean => self.base + sum / trees.max(1) as f64,
        }
    }
}

/// [`Error::FeatureCount`] unless there are as many features as the model has.
pub(crate) fn check_features(found: usize, kinds: &[FeatureKind]) -> Result<(), Error> {
    if found == kinds.len() {
        return Ok(());
    }
    Err(Error::FeatureCount {
        expected: kinds.len(),
        found,
    })
}

impl<T: Real> Laid<T> {
    fn new(ensemble: &Ensemble) -> Self {
        let nodes = ensemble.trees.iter().map(Tree::len).sum::<usize>();
        assert!(
            nodes <= u32::MAX as usize,
            "bug: {nodes} nodes have no place"
        );
        let mut laid = Self {
            roots: Vec::with_capacity(ensemble.trees.len()),
            nodes: Vec::with_capacity(nodes),
            values: Vec::with_capacity(nodes),
            sets: Vec::new(),
        };
        for tree in &ensemble.trees {
            laid.push(tree, ensemble.features.len() as u32);
        }
        laid
    }

    /// Lays out one tree; leaves ask of the place `beside` the features.
    fn push(&mut self, tree: &Tree, beside: u32) {
        let root = self.nodes.len() as u32;
        let mut depths = vec![0_u32; tree.len()];
        for place in 0..tree.len() {
            let (node, value) = match tree.node(place) {
                NodeView::Leaf { value } => {
                    let node = Node {
                        threshold: T::ONE,
                        feature: beside,
                        left: root + place as u32,
                    };
                    (node, value)
                }
                NodeView::Split(split) => {
                    depths[split.left] = depths[place] + 1;
                    depths[split.left + 1] = depths[place] + 1;
                    let missing = if split.missing_left { MISSING_LEFT } else { 0 };
                    let (threshold, categorical, value) = match split.rule {
                        Rule::Below(threshold) => (T::of(threshold), 0, 0.0),
                        Rule::OneOf(set) => {
                            self.sets.push(set.into());
                            (T::ZERO, CATEGORICAL, (self.sets.len() - 1) as f64)
                        }
                    };
                    let node = Node {
                        threshold,
                        feature: split.feature as u32 | missing | categorical,
                        left: root + split.left as u32,
                    };
                    (node, value)
                }
            };
            self.nodes.push(node);
            self.values.push(value);
        }
        let depth = depths.into_iter().max().unwrap_or(0);
        self.roots.push(Root { place: root, depth });
    }

    /// Adds the sums of the trees' leaves for a block of rows.
    fn add_block(&self, records: ArrayView2<'_, f64>, kinds: &[FeatureKind], out: &mut [f64]) {
        let Ok(rows) = Rows::<T>::new(records, kinds) else {
            return; // the number of features was checked
        };
        // Most blocks are without gaps and most models without categories: their walks need not ask for either.
        match self.sets.is_empty() && rows.is_complete() {
            true => self.add_rows::<true>(&rows, out),
            false => self.add_rows::<false>(&rows, out),
        }
    }

    /// Adds the sums for rows; `PLAIN`: no value is missing, and no split is one of categories.
    fn add_rows<const PLAIN: bool>(&self, rows: &Rows<T>, out: &mut [f64]) {
        for root in &self.roots {
            for (group, out) in out.chunks_mut(LANES).enumerate() {
                let begin = group * LANES;
                // a last group that is not full walks its first row again
                let lanes = std::array::from_fn(|lane| {
                    rows.row(begin + if lane < out.len() { lane } else { 0 })
                });
                let places = self.walk::<PLAIN>([root.place; LANES], lanes, root.depth);
                for (sum, place) in out.iter_mut().zip(places) {
                    *sum += self.values[place as usize];
                }
            }
        }
    }

    /// The sum of the trees' leaves for one row.
    fn row(&self, row: ArrayView1<'_, f64>, kinds: &[FeatureKind]) -> f64 {
        let mut rows = Rows::<T> {
            values: Vec::with_capacity(kinds.len() + 1),
            stride: kinds.len() + 1,
        };
        rows.push(row, kinds);
        match self.sets.is_empty() && rows.is_complete() {
            true => self.sum::<true>(rows.row(0)),
            false => self.sum::<false>(rows.row(0)),
        }
    }

    /// The sum for one row, as [`add_rows`](Self::add_rows) for many.
    fn sum<const PLAIN: bool>(&self, row: &[T]) -> f64 {
        let mut sum = 0.0;
        for group in self.roots.chunks(LANES) {
            let first = group[0].place;
            let begin =
                std::array::from_fn(|lane| group.get(lane).map_or(first, |root| root.place));
            let depth = group.iter().map(|root| root.depth).max().unwrap_or(0);
            let places = self.walk::<PLAIN>(begin, [row; LANES], depth);
            for &place in &places[..group.len()] {
                sum += self.values[place as usize];
            }
        }
        sum
    }

    /// Walks down from `places`, each lane with a row of its own; where the lanes end after `depth` steps.
    #[inline]
    fn walk<const PLAIN: bool>(
        &self,
        mut places: [u32; LANES],
        rows: [&[T]; LANES],
        depth: u32,
    ) -> [u32; LANES] {
        const STRIDE: u32 = 4;
        let mut left = depth;
        while left > 0 {
            let before = places;
            for _ in 0..left.min(STRIDE) {
                for lane in 0..LANES {
                    places[lane] = self.step::<PLAIN>(places[lane], rows[lane]);
                }
            }
            left -= left.min(STRIDE);
            if before == places {
                break;
            }
        }
        places
    }

    /// The child of a node to which a row goes; a leaf stays itself.
    #[inline]
    fn step<const PLAIN: bool>(&self, place: u32, row: &[T]) -> u32 {
        let node = &self.nodes[place as usize];
        if PLAIN {
            let x = row[(node.feature & FEATURE) as usize];
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "no value is NaN here")]
            return node.left + u32::from(!(x < node.threshold));
        }
        let x = row[(node.feature & FEATURE) as usize];
        #[allow(clippy::eq_op, reason = "whether it is NaN, without a branch")]
        let is_missing = x != x;
        let missing_left = is_missing & (node.feature & MISSING_LEFT != 0);
        let mut goes_left = (x < node.threshold) | missing_left;
        if !self.sets.is_empty() && node.feature & CATEGORICAL != 0 {
            let set = &self.sets[self.values[place as usize] as usize];
            goes_left = contains(set, x.wide()).unwrap_or(node.feature & MISSING_LEFT != 0);
        }
        node.left + u32::from(!goes_left)
    }
}

/// Whether a code has its bit set; none when it is missing or beyond the set.
fn contains(set: &[u64], code: f64) -> Option<bool> {
    if code.is_nan() || code < 0.0 || code.fract() != 0.0 {
        return None;
    }
    let code = code as usize;
    set.get(code / 64).map(|word| word >> (code % 64) & 1 == 1)
}
