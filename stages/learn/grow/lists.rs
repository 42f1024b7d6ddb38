//! Values of a small node, exactly: its rows sorted by every feature.
//!
//! The rows are sorted once, where the search goes over from histograms to lists; below, every list is divided as the rows
//! are, which keeps it sorted. A pass costs by the rows alone, reads memory in order and finds every place to cut. Lists of
//! a node lie within those of its parent, so that a whole subtree lives in one block of memory.

use super::cell::Cell;
use super::finder::{Cut, Part};
use super::search::{Run, Side};
use crate::binned::{self, Binned, Codes, MISSING_STEP};

/// The most rows of a node that has lists: their places are 16 bits.
pub(crate) const MOST_ROWS: usize = 1 << 16;
/// Lists of fewer rows than this are sorted by comparing.
const FEW: usize = 64;
/// The code of a missing value: above all others.
const MISSING: u32 = MISSING_STEP as u32;

/// Where the lists of a node are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    block: usize,
    start: usize,
}

/// The lists of the nodes of a tree that have any.
pub(crate) struct Lists<'a, C> {
    matrix: &'a Binned,
    blocks: Vec<Block<C>>,
    /// Blocks that no node needs now.
    free: Vec<usize>,
    spare: Vec<u32>,
    /// The list of a node that keeps none.
    bare: Vec<u32>,
    /// Of every row of a block, by its place, whether it goes left: 1 or 0.
    goes_left: Vec<u8>,
}

/// The lists of a node and of all nodes below.
struct Block<C> {
    /// Nodes that have their lists here.
    users: usize,
    rows: usize,
    /// One list after the other, each of so many rows: the code above, the place of the row below.
    lists: Vec<u32>,
    /// The cells of the rows, by place.
    cells: Vec<C>,
}

/// The code of an entry of a list.
#[inline]
fn code(entry: u32) -> u32 {
    entry >> 16
}

/// The place of the row of an entry.
#[inline]
fn place(entry: u32) -> usize {
    entry as usize % MOST_ROWS
}

impl<'a, C: Cell> Lists<'a, C> {
    /// Lists of rows of `matrix`.
    pub(crate) fn new(matrix: &'a Binned) -> Self {
        Self {
            matrix,
            blocks: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
            bare: Vec::new(),
            goes_left: vec![0; MOST_ROWS],
        }
    }

    /// The lists of a node whose parent has none.
    pub(crate) fn sort(&mut self, part: Part<'_, C>) -> Place {
        let block = self.free.pop().unwrap_or_else(|| {
            self.blocks.push(Block {
                users: 0,
                rows: 0,
                lists: Vec::new(),
                cells: Vec::new(),
            });
            self.blocks.len() - 1
        });
        let rows = part.rows.len();
        let of = &mut self.blocks[block];
        of.users = 1;
        of.rows = rows;
        of.cells.clear();
        of.cells.extend_from_slice(part.cells);
        of.lists.clear();
        self.spare.resize(self.spare.len().max(rows), 0);
        for feature in 0..self.matrix.features() {
            gather(self.matrix.codes(feature), part.rows, &mut of.lists);
            sort(&mut of.lists[feature * rows..], &mut self.spare[..rows]);
        }
        Place { block, start: 0 }
    }

    /// The values of a feature among the rows of a node.
    pub(crate) fn read(&self, at: Place, rows: usize, feature: u32, run: &mut Run<C>) {
        let block = &self.blocks[at.block];
        read(block.list(feature, at.start, rows), &block.cells, run);
    }

    /// Divides the lists of a node; those of its children, which need them both, either or none.
    pub(crate) fn divide(&mut self, at: Place, cut: Cut, wanted: [bool; 2]) -> [Option<Place>; 2] {
        let places = [0, cut.left].map(|left| Place {
            block: at.block,
            start: at.start + left,
        });
        let block = &mut self.blocks[at.block];
        block.users += wanted.iter().filter(|&&wanted| wanted).count();
        if wanted.contains(&true) {
            let goes_left = &mut self.goes_left[..block.cells.len()];
            mark(block.list(cut.split.0, at.start, cut.rows), cut, goes_left);
            for list in block.lists.chunks_exact_mut(block.rows) {
                let list = &mut list[at.start..at.start + cut.rows];
                if !is_constant(list) {
                    part(list, goes_left, &mut self.spare);
                }
            }
        }
        self.close(at);
        [0, 1].map(|side| wanted[side].then_some(places[side]))
    }

    /// A node needs its lists no more.
    pub(crate) fn close(&mut self, at: Place) {
        let block = &mut self.blocks[at.block];
        block.users -= 1;
        if block.users == 0 {
            self.free.push(at.block);
        }
    }

    /// The values of a feature in a node that has no lists.
    pub(crate) fn find(&mut self, part: Part<'_, C>, feature: u32, run: &mut Run<C>) {
        self.bare.clear();
        let codes = self.matrix.codes(feature as usize);
        gather(codes, part.rows, &mut self.bare);
        self.spare.resize(self.spare.len().max(part.rows.len()), 0);
        sort(&mut self.bare, &mut self.spare[..part.rows.len()]);
        read(&self.bare, part.cells, run);
    }
}

impl<C> Block<C> {
    /// A part of the list of a feature.
    fn list(&self, feature: u32, start: usize, rows: usize) -> &[u32] {
        let start = feature as usize * self.rows + start;
        &self.lists[start..start + rows]
    }
}

/// Whether all rows of a sorted list have one value. No node below can be split by it, so that nobody asks for its rows.
fn is_constant(list: &[u32]) -> bool {
    let ends = list.first().zip(list.last());
    ends.is_none_or(|(&first, &last)| code(first) == code(last))
}

/// Adds the rows to `list`, as they come.
fn gather(codes: &Codes, rows: &[u32], list: &mut Vec<u32>) {
    let places = 0..rows.len() as u32;
    match codes {
        Codes::Steps(steps) => list.extend(rows.iter().zip(places).map(|(&row, place)| {
            let step = steps[row as usize];
            u32::from(step) << 16 | place
        })),
        Codes::Bins(bins) => list.extend(rows.iter().zip(places).map(|(&row, place)| {
            let bin = bins[row as usize];
            let step = if bin == binned::MISSING {
                MISSING_STEP
            } else {
                bin.into()
            };
            u32::from(step) << 16 | place
        })),
    }
}

/// Sorts entries whose places ascend by their codes: byte by byte, the lower one first, each pass keeping the order of equals.
fn sort(list: &mut [u32], spare: &mut [u32]) {
    if list.len() < FEW {
        list.sort_unstable();
        return;
    }
    for shift in [16, 24] {
        let digit = |entry: u32| (entry >> shift) as usize % 256;
        let mut ends = [0_u32; 256];
        for &entry in &*list {
            ends[digit(entry)] += 1;
        }
        if ends[digit(list[0])] as usize == list.len() {
            continue;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        for &entry in &*list {
            let end = &mut ends[digit(entry)];
            spare[*end as usize] = entry;
            *end += 1;
        }
        list.copy_from_slice(spare);
    }
}

/// Notes of every row of a node whether it goes left.
fn mark(list: &[u32], cut: Cut, goes_left: &mut [u8]) {
    let (_, side, missing_left) = cut.split;
    for &entry in list {
        let code = code(entry);
        let is_left = match side {
            _ if code == MISSING => missing_left,
            Side::UpTo { last, .. } => code <= last,
            Side::OneOf(set) => set[code as usize / 64] >> (code % 64) & 1 == 1,
            Side::Nothing => false,
        };
        goes_left[place(entry)] = is_left.into();
    }
}

/// Puts the entries that go left in front, keeping their order on both sides.
fn part(list: &mut [u32], goes_left: &[u8], spare: &mut [u32]) {
    let (mut left, mut right) = (0, 0);
    for at in 0..list.len() {
        let entry = list[at];
        let is_left = usize::from(goes_left[place(entry)]);
        // without a branch: both sides are written, one is kept
        list[left] = entry;
        spare[right] = entry;
        left += is_left;
        right += 1 - is_left;
    }
    list[left..].copy_from_slice(&spare[..right]);
}

/// The values of a sorted list.
fn read<C: Cell>(list: &[u32], cells: &[C], run: &mut Run<C>) {
    if is_constant(list) {
        run.clear();
        return;
    }
    let is_number = |entry: &u32| code(*entry) != MISSING;
    let numbers = match list.last() {
        Some(last) if is_number(last) => list.len(),
        _ => list.partition_point(is_number),
    };
    let (list, missing) = list.split_at(numbers);
    run.missing = missing
        .iter()
        .fold(C::default(), |sum, &entry| sum.plus(cells[place(entry)]));
    run.lasts.resize(numbers, 0);
    run.sums.resize(numbers, C::default());
    let mut sum = C::default();
    let mut values = 0;
    for at in 0..numbers {
        let entry = list[at];
        sum = sum.plus(cells[place(entry)]);
        // without a branch: the place of an equal value is written again
        run.lasts[values] = code(entry);
        run.sums[values] = sum;
        let is_last = list
            .get(at + 1)
            .is_none_or(|&next| code(next) != code(entry));
        values += usize::from(is_last);
    }
    run.lasts.truncate(values);
    run.sums.truncate(values);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Binning;
    use crate::grow::cell::{Packed, Point, Unit};
    use ndarray::Array2;

    /// Rows of one feature of few values, one of many, and one of codes; some are missing.
    fn records(rows: usize) -> Array2<f64> {
        let noise = |row: usize, salt: u64| (row as u64 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Array2::from_shape_fn((rows, 3), |(row, column)| match column {
            _ if noise(row, column as u64) >> 60 == 0 => f64::NAN,
            0 => (noise(row, 11) >> 61) as f64,
            1 => (noise(row, 12) >> 40) as f64,
            _ => (noise(row, 13) >> 57) as f64,
        })
    }

    fn cells(rows: usize) -> (Vec<Packed>, Unit) {
        let points: Vec<Point> = (0..rows)
            .map(|row| Point {
                gradient: (row as f64).sin(),
                hessian: 1.0,
                times: 1 + row as u32 % 2,
            })
            .collect();
        let unit = Packed::unit(points.iter().copied());
        let cells = points.iter().map(|&point| Packed::pack(point, &unit));
        (cells.collect(), unit)
    }

    fn check_node(lists: &mut Lists<'_, Packed>, at: Place, part: Part<'_, Packed>) {
        for feature in 0..3 {
            let (mut kept, mut anew) = (Run::new(0), Run::new(0));
            lists.read(at, part.rows.len(), feature, &mut kept);
            lists.find(part, feature, &mut anew);
            assert_eq!(kept.lasts, anew.lasts);
            assert_eq!(kept.sums, anew.sums);
            assert_eq!(kept.missing, anew.missing);
            assert!(kept.lasts.is_sorted_by(|a, b| a < b));
            if let Some(&sum) = kept.sums.last() {
                let whole = part
                    .cells
                    .iter()
                    .fold(Packed::default(), |sum, &cell| sum.plus(cell));
                assert_eq!(sum.plus(kept.missing), whole);
            }
        }
    }

    #[test]
    fn divided_lists_are_those_that_sorting_again_gives() {
        let (records, (cells, _)) = (records(700), cells(700));
        let binning = Binning {
            max_bin: 20,
            categorical: vec![2],
            exact: true,
        };
        let matrix = Binned::new(records.view(), &binning).expect("a matrix");
        let rows: Vec<u32> = (0..700).collect();
        let mut lists = Lists::new(&matrix);
        let part = Part {
            rows: &rows,
            cells: &cells,
        };
        let at = lists.sort(part);
        check_node(&mut lists, at, part);
        for split in [
            (0, Side::UpTo { last: 3, first: 4 }, true),
            (
                1,
                Side::UpTo {
                    last: 250,
                    first: 251,
                },
                false,
            ),
            (2, Side::OneOf([0x5555_5555_0F0F_0F0F, 7, 0, 0]), true),
        ] {
            let (feature, side, missing_left) = split;
            let codes = matrix.codes(feature as usize);
            let goes_left = |row: u32| match (codes.at(row), side) {
                (None, _) => missing_left,
                (Some(code), Side::UpTo { last, .. }) => code <= last,
                (Some(code), Side::OneOf(set)) => set[code as usize / 64] >> (code % 64) & 1 == 1,
                (Some(_), Side::Nothing) => false,
            };
            let at = lists.sort(part);
            let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| goes_left(**row));
            let cut = Cut {
                split,
                left: left.len(),
                rows: 700,
            };
            let places = lists.divide(at, cut, [true, true]);
            for (rows, at) in [left, right]
                .iter()
                .zip(places.map(|at| at.expect("wanted")))
            {
                let cells: Vec<Packed> = rows.iter().map(|&row| cells[row as usize]).collect();
                let part = Part {
                    rows,
                    cells: &cells,
                };
                check_node(&mut lists, at, part);
                lists.close(at);
            }
        }
        lists.close(at);
        assert_eq!(lists.free.len(), 2);
        assert_eq!(lists.blocks.len(), 2);
    }
}
