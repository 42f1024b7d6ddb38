//! An exact k-d tree whose answer is one and only one.
//!
//! Neighbours are ordered by distance, equally distant ones by the number of their row, so that neither the shape of the
//! tree nor the order of the search shows in the answer. A box that is exactly as far as the farthest neighbour so far is
//! therefore left out only if all its rows come later; that is also what keeps thousands of coincident points cheap.
//!
//! Pruning is exact in floats, not only in the reals: the distance to a box and that to a point are summed over the same
//! coordinates in the same order, each difference to the box is at most that to a point inside, and rounding is monotone.
//!
//! Source of the tree: Friedman, Bentley and Finkel, *An Algorithm for Finding Best Matches in Logarithmic Expected Time*,
//! ACM TOMS 3 (1977); boxes are the tight ones of the points, as in scipy's `cKDTree`.

use std::collections::BinaryHeap;

use ndarray::ArrayView2;

/// At most so many points in a leaf: they are compared one by one.
const LEAF: usize = 12;

/// A reference row near a point. Ordered by distance, then by row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbour {
    /// The square of the Euclidean distance.
    pub(crate) squared: f64,
    /// Place of the row among the reference rows.
    pub(crate) row: usize,
}

impl Eq for Neighbour {}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_distance = self.squared.total_cmp(&other.squared);
        by_distance.then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Points in a Euclidean space, found by nearness.
#[derive(Debug, Clone)]
pub(crate) struct KdTree {
    n_columns: usize,
    /// The points with finite coordinates, row-major, in the order of the leaves.
    points: Vec<f64>,
    /// For each of them the row it came from.
    rows: Vec<usize>,
    /// Node 0 is the root; a tree of no points has none.
    nodes: Vec<Node>,
    /// For each node the lowest coordinates of its points, then the highest.
    boxes: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Node {
    /// Its points.
    start: usize,
    end: usize,
    /// The smallest row among them.
    first_row: usize,
    /// The two children; none for a leaf.
    children: Option<[usize; 2]>,
}

impl KdTree {
    /// A tree of `points` (`n_rows × n_columns`). Rows with a coordinate that is not finite are near nothing and left out.
    ///
    /// Costs `O(n log n)` comparisons a column.
    pub(crate) fn new(points: ArrayView2<'_, f64>) -> Self {
        let rows = points.rows().into_iter().enumerate();
        let rows = rows.filter(|(_, point)| point.iter().all(|x| x.is_finite()));
        let mut rows: Vec<usize> = rows.map(|(row, _)| row).collect();
        let mut tree = Self {
            n_columns: points.ncols(),
            points: Vec::with_capacity(rows.len() * points.ncols()),
            rows: Vec::new(),
            nodes: Vec::new(),
            boxes: Vec::new(),
        };
        if !rows.is_empty() {
            tree.grow(points, &mut rows, 0);
        }
        let coordinates = rows.iter().flat_map(|&row| points.row(row));
        tree.points.extend(coordinates);
        tree.rows = rows;
        tree
    }

    /// Makes the node of `rows`, which begin at place `start`, and all below it; returns its place.
    fn grow(&mut self, points: ArrayView2<'_, f64>, rows: &mut [usize], start: usize) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            start,
            end: start + rows.len(),
            first_row: rows.iter().copied().min().unwrap_or(usize::MAX),
            children: None,
        });
        let widest = self.enclose(points, rows);
        if rows.len() > LEAF {
            let key = |row: usize| widest.map_or(0.0, |column| points[[row, column]]);
            let middle = rows.len() / 2;
            rows.select_nth_unstable_by(middle, |&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
            let (low, high) = rows.split_at_mut(middle);
            let low = self.grow(points, low, start);
            let high = self.grow(points, high, start + middle);
            self.nodes[node].children = Some([low, high]);
        }
        node
    }

    /// Adds the box of `rows`; returns its widest column, if there are columns.
    fn enclose(&mut self, points: ArrayView2<'_, f64>, rows: &[usize]) -> Option<usize> {
        let at = self.boxes.len();
        self.boxes.resize(at + self.n_columns, f64::INFINITY);
        self.boxes
            .resize(at + 2 * self.n_columns, f64::NEG_INFINITY);
        let (lows, highs) = self.boxes[at..].split_at_mut(self.n_columns);
        for &row in rows {
            for (column, &x) in points.row(row).iter().enumerate() {
                lows[column] = lows[column].min(x);
                highs[column] = highs[column].max(x);
            }
        }
        let width = |&column: &usize| highs[column] - lows[column];
        (0..self.n_columns).max_by(|a, b| width(a).total_cmp(&width(b)))
    }

    /// The `k` rows nearest to `point`, nearest first, those that `is_left_out` left out; fewer when there are fewer.
    ///
    /// None for a point with a coordinate that is not finite. A squared distance too large for a float is infinite.
    pub(crate) fn nearest(
        &self,
        point: &[f64],
        k: usize,
        is_left_out: impl Fn(usize) -> bool,
    ) -> Vec<Neighbour> {
        let mut search = Search {
            tree: self,
            point,
            k,
            is_left_out,
            found: BinaryHeap::with_capacity(k.min(self.rows.len()) + 1),
        };
        if !self.nodes.is_empty() && k > 0 && point.iter().all(|x| x.is_finite()) {
            search.visit(0);
        }
        search.found.into_sorted_vec()
    }

    fn point(&self, place: usize) -> &[f64] {
        &self.points[place * self.n_columns..][..self.n_columns]
    }

    /// What no row of `node` comes before, as seen from `point`.
    fn bound(&self, node: usize, point: &[f64]) -> Neighbour {
        let limits = &self.boxes[2 * node * self.n_columns..][..2 * self.n_columns];
        let (lows, highs) = limits.split_at(self.n_columns);
        let mut squared = 0.0;
        for ((x, low), high) in point.iter().zip(lows).zip(highs) {
            let outside = (low - x).max(x - high).max(0.0);
            squared += outside * outside;
        }
        Neighbour {
            squared,
            row: self.nodes[node].first_row,
        }
    }
}

/// One search under way.
struct Search<'a, F> {
    tree: &'a KdTree,
    point: &'a [f64],
    k: usize,
    is_left_out: F,
    /// The nearest so far, the farthest of them on top.
    found: BinaryHeap<Neighbour>,
}

impl<F: Fn(usize) -> bool> Search<'_, F> {
    fn visit(&mut self, node: usize) {
        let tree = self.tree;
        let Some(children) = tree.nodes[node].children else {
            return self.compare(tree.nodes[node].start..tree.nodes[node].end);
        };
        let mut children = children.map(|child| (tree.bound(child, self.point), child));
        children.sort_by_key(|(bound, _)| *bound);
        for (bound, child) in children {
            if self.takes(bound) {
                self.visit(child);
            }
        }
    }

    fn compare(&mut self, places: std::ops::Range<usize>) {
        for place in places {
            let row = self.tree.rows[place];
            let candidate = Neighbour {
                squared: squared_distance(self.point, self.tree.point(place)),
                row,
            };
            if self.takes(candidate) && !(self.is_left_out)(row) {
                self.found.push(candidate);
                if self.found.len() > self.k {
                    self.found.pop();
                }
            }
        }
    }

    /// Whether `candidate` is among the nearest so far.
    fn takes(&self, candidate: Neighbour) -> bool {
        let full = self.found.len() == self.k;
        !full || self.found.peek().is_some_and(|last| candidate < *last)
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut squared = 0.0;
    for (x, y) in a.iter().zip(b) {
        squared += (x - y) * (x - y);
    }
    squared
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// What the tree must find, by comparing with every row.
    fn by_hand(
        points: &Array2<f64>,
        point: &[f64],
        k: usize,
        without: Option<usize>,
    ) -> Vec<Neighbour> {
        let rows = (0..points.nrows()).filter(|row| Some(*row) != without);
        let mut all: Vec<Neighbour> = rows
            .map(|row| Neighbour {
                squared: squared_distance(point, &points.row(row).to_vec()),
                row,
            })
            .filter(|neighbour| neighbour.squared.is_finite())
            .collect();
        all.sort();
        all.truncate(k);
        all
    }

    /// Points on a lattice of `levels` a column: many coincide, many are equally far.
    fn lattice(rows: usize, columns: usize, levels: u32, seed: u64) -> Array2<f64> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, columns), || {
            f64::from(random.next_u32() % levels) * 0.1
        })
    }

    #[test]
    fn finds_what_a_comparison_with_every_row_finds() {
        for (rows, columns, levels) in [
            (1, 1, 1),
            (40, 1, 5),
            (300, 2, 9),
            (500, 3, 40),
            (400, 6, 3),
        ] {
            let points = lattice(rows, columns, levels, 7);
            let tree = KdTree::new(points.view());
            let asked = lattice(50, columns, 2 * levels, 8);
            for k in [1, 2, 13, rows, rows + 5] {
                for (number, point) in asked.rows().into_iter().enumerate() {
                    let point = point.to_vec();
                    let without = (number % 2 == 0).then_some(number % rows);
                    let found = tree.nearest(&point, k, |row| Some(row) == without);
                    assert_eq!(found, by_hand(&points, &point, k, without), "{rows} {k}");
                }
            }
        }
    }

    #[test]
    fn of_coincident_points_the_first_rows_are_found() {
        let points = Array2::from_elem((5000, 2), 0.25);
        let tree = KdTree::new(points.view());
        let found = tree.nearest(&[0.25, 0.25], 3, |row| row == 1);
        let expect = [0, 2, 3].map(|row| Neighbour { squared: 0.0, row });
        assert_eq!(found, expect);
        assert!(
            tree.nodes
                .iter()
                .all(|node| node.end - node.start <= LEAF || node.children.is_some())
        );
    }

    #[test]
    fn a_coordinate_that_is_not_finite_is_near_nothing() {
        let points = array![
            [0.0, f64::NAN],
            [1.0, 1.0],
            [f64::INFINITY, 0.0],
            [5.0, 5.0]
        ];
        let tree = KdTree::new(points.view());
        let rows = |point: &[f64]| {
            let found = tree.nearest(point, 4, |_| false);
            found.iter().map(|n| n.row).collect::<Vec<_>>()
        };
        assert_eq!(rows(&[4.0, 4.0]), [3, 1]);
        assert!(rows(&[f64::NAN, 4.0]).is_empty());
        assert!(rows(&[4.0, f64::NEG_INFINITY]).is_empty());
        let none = KdTree::new(Array2::zeros((0, 2)).view());
        assert_eq!(none.nearest(&[1.0, 1.0], 2, |_| false), []);
        assert_eq!(tree.nearest(&[1.0, 1.0], 0, |_| false), []);
    }

    #[test]
    fn distances_too_large_for_a_float_are_infinite_and_ordered_by_row() {
        let points = array![[f64::MAX], [-f64::MAX], [0.0]];
        let found = KdTree::new(points.view()).nearest(&[1.0], 3, |_| false);
        let expect = [(1.0, 2), (f64::INFINITY, 0), (f64::INFINITY, 1)];
        assert_eq!(
            found,
            expect.map(|(squared, row)| Neighbour { squared, row })
        );
    }
}
