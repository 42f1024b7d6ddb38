//! Values of a node by histogram: one cell a bin and feature.
//!
//! Of two children the smaller is counted and the larger is what is left of their parent. A node of fewer rows than a
//! histogram has bins gets none: its few rows are counted in a scratch histogram whose used bins a bitmap remembers, so
//! that finding and emptying them costs by the rows, not by the bins. Where nodes shall be split exactly, small nodes have
//! sorted lists instead, and nodes are small up to 65,536 rows. That is what makes deep trees fast.

use rayon::prelude::*;

use super::cell::Cell;
use super::finder::{Cut, Division, Finder, Part, stable_partition};
use super::lists::{self, Lists, Place};
use super::search::{Run, Side};
use crate::binned::{Binned, Codes, MISSING, MISSING_STEP, STRIP, Strip};
use crate::tree::FeatureKind;

/// Nodes of fewer rows have no histogram of their own.
const SMALL: usize = 256;
/// Where nodes are searched for less than this share of the features, sorting those again costs less than dividing lists
/// of all.
const LEAST_SHARE: f64 = 0.15;
/// Fewer rows than this are counted by one thread.
const ROWS_A_THREAD: usize = 1 << 14;

/// Rows whose codes are gathered before they are counted.
const GATHERED: usize = 64;

/// The cells of one feature, by code.
type Bins<C> = [C; 256];

/// The histograms of a node, one a feature, with room up to whole strips.
pub(crate) struct Histogram<C>(Vec<Bins<C>>);

/// What a node keeps.
pub(crate) enum Kept<C> {
    /// Its histograms.
    Counted(Histogram<C>),
    /// Its rows, sorted by every feature.
    Listed(Place),
    /// Nothing: it is counted or sorted whenever it is searched.
    Bare,
}

/// How nodes without histograms are searched.
enum Small<'a, C> {
    Counted(Scratch<C>),
    Listed(Lists<'a, C>),
}

/// Finds values in a [`Binned`] matrix.
pub(crate) struct Histograms<'a, C> {
    matrix: &'a Binned,
    /// The slots of each strip that hold a feature of the tree.
    slots: Vec<Vec<u8>>,
    /// Histograms that no node needs now.
    pool: Vec<Vec<Bins<C>>>,
    small: Small<'a, C>,
    /// Nodes of fewer rows have no histograms.
    least_counted: usize,
    /// Whether nodes without histograms keep their lists; else those that are asked for are sorted at every node.
    keeps_lists: bool,
}

/// The histogram of a small node: empty but for the bins whose bit is set.
struct Scratch<C> {
    bins: Vec<Bins<C>>,
    used: Vec<[u64; 4]>,
}

impl<'a, C: Cell> Histograms<'a, C> {
    /// A finder in `matrix` that counts every node.
    pub(crate) fn new(matrix: &'a Binned) -> Self {
        let room = matrix.strips().len() * STRIP;
        let scratch = Scratch {
            bins: vec![[C::default(); 256]; room],
            used: vec![[0; 4]; room],
        };
        Self {
            matrix,
            slots: Vec::new(),
            pool: Vec::new(),
            small: Small::Counted(scratch),
            least_counted: SMALL,
            keeps_lists: false,
        }
    }

    /// A finder that sorts nodes of up to 65,536 rows, where the matrix says in which order the values of a bin are.
    ///
    /// A node will be searched for `share` of the features.
    pub(crate) fn exact(matrix: &'a Binned, share: f64) -> Self {
        if !matrix.is_exact() {
            return Self::new(matrix);
        }
        Self {
            matrix,
            slots: Vec::new(),
            pool: Vec::new(),
            small: Small::Listed(Lists::new(matrix)),
            least_counted: lists::MOST_ROWS + 1,
            keeps_lists: share >= LEAST_SHARE,
        }
    }

    /// What a node keeps whose parent has no lists.
    fn keep(&mut self, part: Part<'_, C>) -> Kept<C> {
        if part.rows.len() >= self.least_counted {
            return Kept::Counted(self.count(part));
        }
        match &mut self.small {
            Small::Listed(lists) if self.keeps_lists => Kept::Listed(lists.sort(part)),
            _ => Kept::Bare,
        }
    }

    /// What the children of a node with histograms keep.
    fn keep_children(
        &mut self,
        parent: Histogram<C>,
        [left, right]: [Part<'_, C>; 2],
    ) -> [Kept<C>; 2] {
        let left_is_smaller = left.rows.len() <= right.rows.len();
        let (smaller, larger) = if left_is_smaller {
            (left, right)
        } else {
            (right, left)
        };
        let kept = self.keep(smaller);
        let rest = if larger.rows.len() >= self.least_counted {
            let counted = match &kept {
                Kept::Counted(counted) => Some(counted),
                _ => None,
            };
            Kept::Counted(self.rest(parent, smaller, counted))
        } else {
            self.pool.push(parent.0);
            self.keep(larger)
        };
        if left_is_smaller {
            [kept, rest]
        } else {
            [rest, kept]
        }
    }

    /// An empty histogram.
    fn empty(&mut self) -> Vec<Bins<C>> {
        let room = self.matrix.strips().len() * STRIP;
        match self.pool.pop() {
            Some(mut bins) => {
                bins.fill([C::default(); 256]);
                bins
            }
            None => vec![[C::default(); 256]; room],
        }
    }

    /// The histogram of some rows.
    fn count(&mut self, part: Part<'_, C>) -> Histogram<C> {
        let mut bins = self.empty();
        self.add(&mut bins, part);
        Histogram(bins)
    }

    /// Adds rows to a histogram, strip by strip, in parallel when there are many.
    fn add(&self, bins: &mut [Bins<C>], part: Part<'_, C>) {
        let strips = self.matrix.strips();
        let threads = rayon::current_num_threads();
        let count = |(number, bins): (usize, &mut [Bins<C>])| {
            let parts = (part.rows.len() / ROWS_A_THREAD).min(threads / strips.len());
            add_strip(bins, &strips[number], &self.slots[number], part, parts);
        };
        if part.rows.len() >= ROWS_A_THREAD && threads > 1 {
            bins.par_chunks_mut(STRIP).enumerate().for_each(count);
        } else {
            bins.chunks_mut(STRIP).enumerate().for_each(count);
        }
    }

    /// What is left of a histogram without some rows.
    fn remove(&self, bins: &mut [Bins<C>], part: Part<'_, C>) {
        for (number, bins) in bins.chunks_mut(STRIP).enumerate() {
            let strip = &self.matrix.strips()[number];
            for_rows(bins, strip, &self.slots[number], part, |bin, cell| {
                *bin = bin.minus(cell);
            });
        }
    }

    /// The histogram of the larger child: the parent's without the smaller child's rows.
    fn rest(
        &mut self,
        parent: Histogram<C>,
        smaller: Part<'_, C>,
        counted: Option<&Histogram<C>>,
    ) -> Histogram<C> {
        let mut bins = parent.0;
        match counted {
            Some(counted) => {
                for (bins, counted) in bins.iter_mut().zip(&counted.0) {
                    for (bin, counted) in bins.iter_mut().zip(counted) {
                        *bin = bin.minus(*counted);
                    }
                }
            }
            None => self.remove(&mut bins, smaller),
        }
        Histogram(bins)
    }
}

/// Adds rows to the histograms of a strip, in `parts` parts at once: sums are exact, so that it does not matter how many.
fn add_strip<C: Cell>(
    bins: &mut [Bins<C>],
    strip: &Strip,
    slots: &[u8],
    part: Part<'_, C>,
    parts: usize,
) {
    if parts < 2 {
        for_rows(bins, strip, slots, part, |bin, cell| *bin = bin.plus(cell));
        return;
    }
    let (here, there) = part.rows.split_at(part.rows.len() / parts);
    let (here_cells, there_cells) = part.cells.split_at(here.len());
    let mut others = vec![[C::default(); 256]; bins.len()];
    let here = Part {
        rows: here,
        cells: here_cells,
    };
    let there = Part {
        rows: there,
        cells: there_cells,
    };
    rayon::join(
        || add_strip(bins, strip, slots, here, 1),
        || add_strip(&mut others, strip, slots, there, parts - 1),
    );
    for (bins, others) in bins.iter_mut().zip(&others) {
        for (bin, other) in bins.iter_mut().zip(others) {
            *bin = bin.plus(*other);
        }
    }
}

/// Calls `change` with the bin and the cell of every row and slot.
///
/// Codes of some rows are gathered before any is counted: so many loads wait for memory at once, where a matrix is larger
/// than the caches. With two million rows this, and dividing rows by codes column by column, took a fit of 15 trees from 6.1 to
/// 2.7 CPU seconds.
#[inline]
fn for_rows<C: Cell>(
    bins: &mut [Bins<C>],
    strip: &Strip,
    slots: &[u8],
    part: Part<'_, C>,
    change: impl Fn(&mut C, C),
) {
    let whole: Option<&mut [Bins<C>; STRIP]> = bins.first_chunk_mut();
    let Some(bins) = whole else { return };
    let mut gathered = [[0; STRIP]; GATHERED];
    let blocks = part.rows.chunks(GATHERED);
    for (rows, cells) in blocks.zip(part.cells.chunks(GATHERED)) {
        for (codes, &row) in gathered.iter_mut().zip(rows) {
            *codes = strip[row as usize];
        }
        let rows = gathered.iter().zip(cells);
        if slots.len() == STRIP {
            for (codes, &cell) in rows {
                for slot in 0..STRIP {
                    change(&mut bins[slot][codes[slot] as usize], cell);
                }
            }
        } else {
            for (codes, &cell) in rows {
                for &slot in slots {
                    let slot = slot as usize % STRIP;
                    change(&mut bins[slot][codes[slot] as usize], cell);
                }
            }
        }
    }
}

impl<C: Cell> Finder<C> for Histograms<'_, C> {
    type Kept = Kept<C>;

    fn features(&self) -> usize {
        self.matrix.features()
    }

    fn kind(&self, feature: u32) -> FeatureKind {
        self.matrix.column(feature as usize).kind
    }

    fn run(&self) -> Run<C> {
        Run::new(256)
    }

    fn begin(&mut self, features: &[u32], root: Part<'_, C>) -> Self::Kept {
        self.slots = vec![Vec::new(); self.matrix.strips().len()];
        for &feature in features {
            let feature = feature as usize;
            self.slots[feature / STRIP].push((feature % STRIP) as u8);
        }
        self.keep(root)
    }

    fn divide(
        &mut self,
        parent: Self::Kept,
        cut: Cut,
        children: [Option<Part<'_, C>>; 2],
    ) -> [Option<Self::Kept>; 2] {
        match (parent, &mut self.small) {
            (Kept::Counted(parent), _) => match children {
                [Some(left), Some(right)] => self.keep_children(parent, [left, right]).map(Some),
                only => {
                    self.pool.push(parent.0);
                    only.map(|part| part.map(|part| self.keep(part)))
                }
            },
            (Kept::Listed(place), Small::Listed(lists)) => {
                let wanted = children.map(|part| part.is_some());
                lists
                    .divide(place, cut, wanted)
                    .map(|place| place.map(Kept::Listed))
            }
            _ => children.map(|part| part.map(|_| Kept::Bare)),
        }
    }

    fn open(&mut self, kept: &Self::Kept, part: Part<'_, C>, features: &[u32]) {
        if let (Kept::Bare, Small::Counted(scratch)) = (kept, &mut self.small) {
            scratch.count(self.matrix, part, features);
        }
    }

    fn find(&mut self, kept: &Self::Kept, part: Part<'_, C>, feature: u32, run: &mut Run<C>) {
        match (kept, &mut self.small) {
            (Kept::Counted(histogram), _) => histogram.read(feature, run),
            (_, Small::Counted(scratch)) => scratch.take(feature, run),
            (Kept::Listed(at), Small::Listed(lists)) => {
                lists.read(*at, part.rows.len(), feature, run);
            }
            (Kept::Bare, Small::Listed(lists)) => lists.find(part, feature, run),
        }
    }

    fn close(&mut self, kept: Self::Kept) {
        match (kept, &mut self.small) {
            (Kept::Counted(histogram), _) => self.pool.push(histogram.0),
            (Kept::Listed(at), Small::Listed(lists)) => lists.close(at),
            _ => {}
        }
    }

    fn partition(
        &self,
        (feature, side, missing_left): (u32, Side, bool),
        division: Division<'_, C>,
    ) -> usize {
        match (self.matrix.codes(feature as usize), side) {
            (Codes::Bins(bins), _) => {
                let left = lefts(side, missing_left);
                stable_partition(division, |row| left[bins[row as usize] as usize])
            }
            (Codes::Steps(steps), Side::UpTo { last, .. }) => stable_partition(division, |row| {
                let step = steps[row as usize];
                (u32::from(step) <= last) | (missing_left & (step == MISSING_STEP))
            }),
            (Codes::Steps(steps), Side::Nothing) => stable_partition(division, |row| {
                missing_left & (steps[row as usize] == MISSING_STEP)
            }),
            (Codes::Steps(_), Side::OneOf(_)) => {
                unreachable!("bug: categories have no steps")
            }
        }
    }

    fn threshold(&self, kept: &Self::Kept, feature: u32, last: u32, first: u32) -> (Side, f32) {
        let column = self.matrix.column(feature as usize);
        let is_step = matches!(
            (kept, &self.small),
            (Kept::Listed(_) | Kept::Bare, Small::Listed(_))
        );
        let (last, first) = if is_step {
            (last, first)
        } else {
            column.steps(last, first)
        };
        let (last, first, threshold) = column.between(last, first);
        (Side::UpTo { last, first }, threshold)
    }

    fn goes_left(&self, row: u32, (feature, side, missing_left): (u32, Side, bool)) -> bool {
        let Some(code) = self.matrix.codes(feature as usize).at(row) else {
            return missing_left;
        };
        match side {
            Side::UpTo { last, first } => {
                let column = self.matrix.column(feature as usize);
                column.is_below(code, last, first)
            }
            Side::OneOf(set) => set[code as usize / 64] >> (code % 64) & 1 == 1,
            Side::Nothing => false,
        }
    }
}

/// Of every code, whether it goes left.
fn lefts(side: Side, missing_left: bool) -> [bool; 256] {
    let mut left = match side {
        Side::UpTo { last, .. } => std::array::from_fn(|code| code as u32 <= last),
        Side::OneOf(set) => std::array::from_fn(|code| set[code / 64] >> (code % 64) & 1 == 1),
        Side::Nothing => [false; 256],
    };
    left[MISSING as usize] = missing_left;
    left
}

impl<C: Cell> Histogram<C> {
    /// The values of a feature: bins that hold a row.
    fn read(&self, feature: u32, run: &mut Run<C>) {
        let bins = &self.0[feature as usize];
        run.lasts.resize(256, 0);
        run.sums.resize(256, C::default());
        let (lasts, sums) = (&mut run.lasts[..256], &mut run.sums[..256]);
        let mut sum = C::default();
        let mut values = 0;
        for (code, &bin) in bins[..MISSING as usize].iter().enumerate() {
            sum = sum.plus(bin);
            // without a branch: an empty bin's place is written again
            lasts[values & 255] = code as u32;
            sums[values & 255] = sum;
            values += usize::from(!bin.is_empty());
        }
        run.lasts.truncate(values);
        run.sums.truncate(values);
        run.missing = bins[MISSING as usize];
    }
}

impl<C: Cell> Scratch<C> {
    /// Counts the rows of a small node for some features; fastest when they ascend.
    fn count(&mut self, matrix: &Binned, part: Part<'_, C>, features: &[u32]) {
        for group in features.chunk_by(|a, b| *a as usize / STRIP == *b as usize / STRIP) {
            let number = group[0] as usize / STRIP;
            let strip = &matrix.strips()[number];
            let range = number * STRIP..(number + 1) * STRIP;
            let bins = self.bins[range.clone()].first_chunk_mut::<STRIP>();
            let used = self.used[range].first_chunk_mut::<STRIP>();
            let (Some(bins), Some(used)) = (bins, used) else {
                continue;
            };
            for (&row, &cell) in part.rows.iter().zip(part.cells) {
                let codes = &strip[row as usize];
                for &feature in group {
                    let slot = feature as usize % STRIP;
                    let code = codes[slot];
                    let bin = &mut bins[slot][code as usize];
                    *bin = bin.plus(cell);
                    used[slot][code as usize / 64] |= 1 << (code % 64);
                }
            }
        }
    }

    /// The values of a feature, which is left empty.
    fn take(&mut self, feature: u32, run: &mut Run<C>) {
        let bins = &mut self.bins[feature as usize];
        let used = std::mem::take(&mut self.used[feature as usize]);
        run.clear();
        let mut sum = C::default();
        for (word, mut bits) in used.into_iter().enumerate() {
            while bits != 0 {
                let code = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let bin = std::mem::take(&mut bins[code & 255]);
                if code == MISSING as usize {
                    run.missing = bin;
                } else {
                    sum = sum.plus(bin);
                    run.lasts.push(code as u32);
                    run.sums.push(sum);
                }
            }
        }
    }
}
