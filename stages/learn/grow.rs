//! Grows one regression tree from gradients: the core that all tree learners share.
//!
//! A node is searched as soon as it comes to be, and split when its turn comes: the deepest first, level by level, or the
//! one with the best gain first. Rows of a node lie side by side, with their gradients, so that every pass over a node
//! reads memory in order. It knows neither losses nor learners; predictions of leaves can be set anew by who grew them.

pub(crate) mod cell;
pub(crate) mod columns;
pub(crate) mod finder;
mod frontier;
pub(crate) mod histogram;
mod lists;
pub(crate) mod score;
pub(crate) mod search;
pub(crate) mod sorted;

use std::ops::Range;

use self::cell::{Cell, Sums, Unit};
use self::columns::{ColumnRates, Columns};
use self::finder::{Cut, Division, Finder, Part, levels};
pub(crate) use self::frontier::Order;
use self::frontier::{Candidate, Frontier};
use self::score::{Bounds, Penalty, Score, UNBOUND};
use self::search::{Found, Least, Levels, Run, Side, Whole};
use crate::tree::{Rule, Tree};

/// How trees are grown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Growth {
    pub(crate) order: Order,
    /// Splits on the way to a leaf, at most.
    pub(crate) max_depth: u32,
    /// Leaves, at most.
    pub(crate) max_leaves: usize,
    /// Rows that a node must have to be split.
    pub(crate) rows_to_split: u32,
    /// Rows of a leaf, at least.
    pub(crate) rows_in_leaf: u32,
    /// Sum of hessians of a leaf, at least.
    pub(crate) hessian_in_leaf: f64,
    /// What a split must gain, at least; it must gain more than nothing anyway.
    pub(crate) min_gain: f64,
    pub(crate) penalty: Penalty,
    pub(crate) columns: ColumnRates,
    /// Below how many codes a categorical feature is split one code against the rest.
    pub(crate) one_hot: u32,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            order: Order::DepthFirst,
            max_depth: u32::MAX,
            max_leaves: usize::MAX,
            rows_to_split: 2,
            rows_in_leaf: 1,
            hessian_in_leaf: 0.0,
            min_gain: 0.0,
            penalty: Penalty::default(),
            columns: ColumnRates::default(),
            one_hot: 4,
        }
    }
}

/// A leaf of the tree grown last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// Its place in the tree.
    pub(crate) place: usize,
    /// The places of its rows in [`Grower::rows`].
    pub(crate) rows: Range<usize>,
}

/// Grows trees on one matrix, one after the other, and keeps its memory between them.
pub(crate) struct Grower<'a, C, F: Finder<C>>
where
    C: Cell,
{
    growth: &'a Growth,
    finder: F,
    run: Run<C>,
    order: Vec<u32>,
    rows: Vec<u32>,
    cells: Vec<C>,
    spare_rows: Vec<u32>,
    spare_cells: Vec<C>,
    leaves: Vec<Leaf>,
    /// The split of every node that has one, by place.
    splits: Vec<Option<(u32, Side, bool)>>,
}

/// A node that is not searched yet.
struct Node {
    place: usize,
    rows: Range<usize>,
    depth: u32,
    sums: Sums,
    bounds: Bounds,
}

impl<'a, C: Cell, F: Finder<C>> Grower<'a, C, F> {
    /// A grower of such trees on the matrix of `finder`.
    pub(crate) fn new(growth: &'a Growth, finder: F) -> Self {
        Self {
            growth,
            run: finder.run(),
            finder,
            order: Vec::new(),
            rows: Vec::new(),
            cells: Vec::new(),
            spare_rows: Vec::new(),
            spare_cells: Vec::new(),
            leaves: Vec::new(),
            splits: Vec::new(),
        }
    }

    /// Grows a tree on `rows`, ascending, with a cell each; features are drawn by `seed`.
    ///
    /// Its leaves predict the best weight, `-G / (H + λ)`.
    pub(crate) fn grow(&mut self, rows: &[u32], cells: &[C], unit: Unit, seed: u64) -> Tree {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.cells.clear();
        self.cells.extend_from_slice(cells);
        self.spare_rows.resize(rows.len(), 0);
        self.spare_cells.resize(rows.len(), C::default());
        self.leaves.clear();
        self.splits.clear();
        let mut columns = Columns::new(self.growth.columns, self.finder.features(), seed);
        let sum = cells.iter().fold(C::default(), |sum, &cell| sum.plus(cell));
        let root = Node {
            place: 0,
            rows: 0..rows.len(),
            depth: 0,
            sums: sum.open(unit.bits),
            bounds: UNBOUND,
        };
        let mut growing = Growing {
            tree: Tree::leaf(
                self.growth.penalty.weight(root.sums, &unit, UNBOUND),
                (root.sums.hessian * unit.hessian) as f32,
            ),
            unit,
            leaves: 1,
            frontier: Frontier::new(self.growth.order),
        };
        if self.may_split(&root) {
            let whole = part(&self.rows, &self.cells, &root.rows);
            let kept = self.finder.begin(columns.tree(), whole);
            self.search(root, kept, &mut columns, &mut growing);
        } else {
            self.finish(root.place, root.rows);
        }
        while let Some(candidate) = growing.frontier.pop() {
            if growing.leaves >= self.growth.max_leaves {
                self.finder.close(candidate.kept);
                self.finish(candidate.place, candidate.rows);
            } else {
                self.split(candidate, &mut columns, &mut growing);
            }
        }
        growing.tree
    }

    /// The leaves of the tree grown last.
    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The rows of the tree grown last, those of a leaf side by side, ascending.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The place of the leaf of the tree grown last where a row of the matrix ends, whether or not the tree has seen it.
    pub(crate) fn leaf_of(&self, tree: &Tree, row: u32) -> usize {
        let mut place = 0;
        while let Some(Some(split)) = self.splits.get(place) {
            place = tree.left(place) + usize::from(!self.finder.goes_left(row, *split));
        }
        place
    }

    /// Whether a node may have children.
    fn may_split(&self, node: &Node) -> bool {
        let growth = self.growth;
        let twice = growth.rows_in_leaf.saturating_mul(2);
        let rows = growth.rows_to_split.max(twice).max(2) as usize;
        node.depth < growth.max_depth && node.rows.len() >= rows
    }

    /// Splits a node and searches its children.
    fn split(
        &mut self,
        candidate: Candidate<F::Kept>,
        columns: &mut Columns,
        growing: &mut Growing<F::Kept>,
    ) {
        let (found, rows) = (candidate.found, candidate.rows.clone());
        let right_sums = candidate.sums.without(found.left);
        let missing_left = if found.saw_missing {
            found.missing_left
        } else {
            search::is_heavier(found.left, right_sums)
        };
        let (side, threshold) = match found.side {
            Side::UpTo { last, first } => {
                self.finder
                    .threshold(&candidate.kept, found.feature, last, first)
            }
            side @ Side::OneOf(_) => (side, 0.0),
            Side::Nothing => (Side::Nothing, f32::MIN),
        };
        let split = (found.feature, side, missing_left);
        let left_rows = self.finder.partition(
            split,
            Division {
                rows: &mut self.rows[rows.clone()],
                cells: &mut self.cells[rows.clone()],
                spare_rows: &mut self.spare_rows,
                spare_cells: &mut self.spare_cells,
            },
        );
        let middle = rows.start + left_rows;
        let all_bounds = self.bounds(&candidate, right_sums, &growing.unit);
        let children = [(found.left, all_bounds[0]), (right_sums, all_bounds[1])];
        let places = self.record(&candidate, split, threshold, children, growing);
        growing.leaves += 1;
        let child = |side: usize, rows, sums| Node {
            place: places[side],
            rows,
            depth: candidate.depth + 1,
            sums,
            bounds: all_bounds[side],
        };
        let nodes = [
            child(0, rows.start..middle, found.left),
            child(1, middle..rows.end, right_sums),
        ];
        let may_split = [&nodes[0], &nodes[1]].map(|node| self.may_split(node));
        let (rows, cells) = (&self.rows, &self.cells);
        let parts =
            [0, 1].map(|side| may_split[side].then(|| part(rows, cells, &nodes[side].rows)));
        let cut = Cut {
            split,
            left: left_rows,
            rows: candidate.rows.len(),
        };
        let kept = self.finder.divide(candidate.kept, cut, parts);
        let [left_node, right_node] = nodes;
        let [left_kept, right_kept] = kept;
        let mut children = [(left_node, left_kept), (right_node, right_kept)];
        if matches!(growing.frontier, Frontier::Stack(_)) {
            // the right child first: the left one is then on top
            children.reverse();
        }
        for (node, kept) in children {
            match kept {
                Some(kept) => self.search(node, kept, columns, growing),
                None => self.finish(node.place, node.rows),
            }
        }
    }

    /// Writes a split into the tree; the places of the children.
    fn record(
        &mut self,
        candidate: &Candidate<F::Kept>,
        split: (u32, Side, bool),
        threshold: f32,
        children: [(Sums, Bounds); 2],
        growing: &mut Growing<F::Kept>,
    ) -> [usize; 2] {
        let (feature, side, missing_left) = split;
        let unit = &growing.unit;
        let weights = children.map(|(sums, bounds)| self.growth.penalty.weight(sums, unit, bounds));
        let covers = children.map(|(sums, _)| (sums.hessian * unit.hessian) as f32);
        let set;
        let rule = match side {
            Side::UpTo { .. } | Side::Nothing => Rule::Below(threshold.into()),
            Side::OneOf(codes) => {
                let count = levels(self.finder.kind(feature)).unwrap_or(0);
                set = codes;
                Rule::OneOf(&set[..count.div_ceil(64) as usize])
            }
        };
        let gain = candidate.gain as f32;
        let rule = (feature as usize, rule);
        let place = candidate.place;
        let places = growing
            .tree
            .split(place, rule, missing_left, gain, weights, covers);
        self.splits.resize(places[1] + 1, None);
        self.splits[place] = Some(split);
        places
    }

    /// The bounds of both children: a constrained split parts them in the middle between their weights.
    fn bounds(&self, candidate: &Candidate<F::Kept>, right: Sums, unit: &Unit) -> [Bounds; 2] {
        let penalty = &self.growth.penalty;
        let bounds = candidate.bounds;
        let direction = penalty.monotone.get(candidate.found.feature as usize);
        let Some(&direction @ (-1 | 1)) = direction else {
            return [bounds; 2];
        };
        let weights = [candidate.found.left, right].map(|sums| penalty.weight(sums, unit, bounds));
        let middle = (weights[0] + weights[1]) / 2.0;
        let [below, above] = [[bounds[0], middle], [middle, bounds[1]]];
        if direction > 0 {
            [below, above]
        } else {
            [above, below]
        }
    }

    /// Finds the best split of a node and queues it, or makes the node a leaf.
    fn search(
        &mut self,
        node: Node,
        kept: F::Kept,
        columns: &mut Columns,
        growing: &mut Growing<F::Kept>,
    ) {
        let found = if self.growth.penalty.is_plain() {
            let score = self.growth.penalty.plain(&growing.unit);
            self.best(&node, &kept, columns, &growing.unit, |_| score)
        } else {
            let (penalty, unit, bounds) = (&self.growth.penalty, growing.unit, node.bounds);
            self.best(&node, &kept, columns, &unit, |feature| {
                penalty.bounded(&unit, bounds, Some(feature))
            })
        };
        match found {
            Some((found, gain)) => growing.frontier.push(Candidate {
                place: node.place,
                rows: node.rows,
                depth: node.depth,
                sums: node.sums,
                bounds: node.bounds,
                gain,
                found,
                kept,
            }),
            None => {
                self.finder.close(kept);
                self.finish(node.place, node.rows);
            }
        }
    }

    /// The best split of a node and its gain, in the loss's unit.
    fn best<S: Score>(
        &mut self,
        node: &Node,
        kept: &F::Kept,
        columns: &mut Columns,
        unit: &Unit,
        score: impl Fn(u32) -> S,
    ) -> Option<(Found, f64)> {
        let count = columns.node(node.depth, node.place as u32, &mut self.order);
        let part = part(&self.rows, &self.cells, &node.rows);
        let whole = Whole {
            sums: node.sums,
            least: Least {
                rows: f64::from(self.growth.rows_in_leaf.max(1)),
                // a leaf of no weight has no mean
                hessian: (self.growth.hessian_in_leaf / unit.hessian).max(1.0),
            },
            unit: *unit,
        };
        let accept = |found: Found, score: &S| {
            let gain = score.gain(found.left, whole.sums.without(found.left));
            let gain = gain * (unit.gradient * unit.gradient / unit.hessian);
            (gain > 0.0 && gain >= self.growth.min_gain).then_some((found, gain))
        };
        let (first, others) = self.order.split_at(count);
        // two rows part in one way only: the first feature that parts them is the best
        let at_once = if node.rows.len() == 2 { 1 } else { count };
        for features in first.chunks(at_once).chain(others.chunks(1)) {
            let mut best = None;
            self.finder.open(kept, part, features);
            for &feature in features {
                self.finder.find(kept, part, feature, &mut self.run);
                let score = score(feature);
                match levels(self.finder.kind(feature)) {
                    None => search::numeric(&self.run, feature, &whole, &score, &mut best),
                    Some(levels) => {
                        let levels = Levels {
                            feature,
                            levels,
                            one_hot: self.growth.one_hot,
                        };
                        let lambda = self.growth.penalty.lambda / unit.hessian;
                        search::categorical(&self.run, levels, &whole, &score, lambda, &mut best);
                    }
                }
            }
            if let Some(found) = best.and_then(|found| accept(found, &score(found.feature))) {
                return Some(found);
            }
        }
        None
    }

    /// Makes a node a leaf for good.
    fn finish(&mut self, place: usize, rows: Range<usize>) {
        self.leaves.push(Leaf { place, rows });
    }
}

/// Some of the rows.
fn part<'b, C>(rows: &'b [u32], cells: &'b [C], range: &Range<usize>) -> Part<'b, C> {
    Part {
        rows: &rows[range.clone()],
        cells: &cells[range.clone()],
    }
}

/// A tree that is being grown.
struct Growing<K> {
    tree: Tree,
    unit: Unit,
    leaves: usize,
    frontier: Frontier<K>,
}
