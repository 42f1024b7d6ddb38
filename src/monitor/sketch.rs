//! A distribution as a few quantiles, and windows of numbers counted against it.
//!
//! Between two knots of a sketch nothing is known, and of a value that many rows share only that its rows span certain ranks. So
//! rows that equal a knot are given to whichever side fits best: a table of whole numbers is not taken for drift because its
//! quantiles are whole numbers, and where no two rows are equal nothing changes. What is told apart then is really apart.
//!
//! Counting takes one search in some sixty numbers a row and nothing is kept but the counts: windows of any length, in parts,
//! on several threads, added up.

use crate::kolmogorov::kolmogorov_tail;
use crate::samples::{Test, effective_rows};
use crate::shares::{jensen_shannon, psi, psi_critical, psi_p};

/// Bins of the stability index, of equal share in the reference.
const BINS: usize = 8;

/// Quantiles at equal steps of rank, the extremes among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    quantiles: Vec<f64>,
    /// Just below and just above each different quantile.
    edges: Vec<f64>,
    /// The different quantiles with the first and the last of their places.
    knots: Vec<Knot>,
    /// Where among the edges to begin to look.
    index: Index,
}

/// Steps of equal width between the first edge and the last, and how many edges come before each: of the few that lie in one
/// step a value passes one or none, where a search in all of them guesses wrong half of six times.
#[derive(Debug, Clone, PartialEq, Default)]
struct Index {
    least: f64,
    per_unit: f64,
    /// Empty where the edges are too close to be in order, or too far apart for a number.
    before: Vec<u16>,
}

/// Steps of an index.
const STEPS: usize = 512;

impl Index {
    fn of(edges: &[f64]) -> Self {
        let (least, largest) = (edges[0], edges[edges.len() - 1]);
        let per_unit = (STEPS - 1) as f64 / (largest - least);
        let is_usable =
            edges.is_sorted() && per_unit.is_normal() && edges.len() < usize::from(u16::MAX);
        let mut index = Self {
            least,
            per_unit,
            before: Vec::new(),
        };
        if is_usable {
            let steps: Vec<_> = edges.iter().map(|edge| index.step(*edge)).collect();
            let before = |step| steps.partition_point(|other| *other < step) as u16;
            index.before = (0..STEPS).map(before).collect();
        }
        index
    }

    /// Never smaller for a larger value, so that edges of an earlier step are smaller than the value.
    fn step(&self, x: f64) -> usize {
        (((x - self.least) * self.per_unit) as usize).min(STEPS - 1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    value: f64,
    first: usize,
    last: usize,
}

/// How many rows of a window fell where in a sketch.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Before the first knot, at it, between it and the second, at the second, …
    cells: Vec<u64>,
    /// How far the rows beyond the extremes are beyond them, altogether.
    beyond: f64,
}

/// How a window of numbers differs from its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    /// The population stability index over bins of equal share in the reference.
    pub psi: f64,
    /// What it exceeds by chance with the probability asked for, at these numbers of rows.
    pub psi_critical: f64,
    /// The probability of such an index by chance.
    pub psi_p: f64,
    /// Kolmogorov and Smirnov's test (numbers), or Pearson's (words).
    pub test: Test,
    /// In the unit of the column; none of words.
    pub wasserstein: Option<f64>,
    /// Jensen and Shannon's distance over the same bins.
    pub jensen_shannon: f64,
}

impl Sketch {
    /// The sketch of quantiles; none of fewer than two, or if one of them is not a finite number or out of order.
    pub fn new(quantiles: &[f64]) -> Option<Self> {
        let is_ordered = quantiles.windows(2).all(|pair| pair[0] <= pair[1]);
        if quantiles.len() < 2 || !is_ordered || !quantiles.iter().all(|x| x.is_finite()) {
            return None;
        }
        let mut knots: Vec<Knot> = Vec::new();
        for (place, value) in quantiles.iter().copied().enumerate() {
            match knots.last_mut() {
                Some(knot) if knot.value == value => knot.last = place,
                _ => knots.push(Knot {
                    value,
                    first: place,
                    last: place,
                }),
            }
        }
        let edges = knots.iter().flat_map(|knot| {
            let half = half_a_digit(knot.value);
            [knot.value - half, knot.value + half]
        });
        let edges: Vec<f64> = edges.collect();
        Some(Self {
            quantiles: quantiles.to_vec(),
            index: Index::of(&edges),
            edges,
            knots,
        })
    }

    /// The sketch of a sample, with as many quantiles; none of fewer than two finite numbers.
    pub fn of_sample(sample: &[f64], quantiles: usize) -> Option<Self> {
        let mut sorted: Vec<f64> = sample.iter().copied().filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)? as f64;
        let at = |step: usize| {
            let place = last * step as f64 / (quantiles - 1) as f64;
            let (low, share) = (place.floor() as usize, place.fract());
            let next = sorted[(low + 1).min(sorted.len() - 1)];
            sorted[low] + (next - sorted[low]) * share
        };
        Self::new(&(0..quantiles.max(2)).map(at).collect::<Vec<_>>())
    }

    /// The quantiles.
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }

    /// The share of the reference below `x`, straight between knots; of rows that equal a knot half count as below.
    pub fn below(&self, x: f64) -> f64 {
        let cell = self.cell(x);
        let knot = |place: usize| self.knots[place];
        let steps = (self.quantiles.len() - 1) as f64;
        if cell == 0 {
            return 0.0;
        }
        if cell == 2 * self.knots.len() {
            return 1.0;
        }
        let low = knot((cell - 1) / 2);
        if cell % 2 == 1 {
            return f64::midpoint(low.first as f64, low.last as f64) / steps;
        }
        let high = knot(cell / 2);
        let share = (x - low.value) / (high.value - low.value);
        (low.last as f64 + share * (high.first - low.last) as f64) / steps
    }

    /// Which cell a value falls into.
    fn cell(&self, x: f64) -> usize {
        let Some(before) = self.index.before.get(self.index.step(x)) else {
            return self.edges.partition_point(|edge| *edge < x);
        };
        let mut cell = usize::from(*before);
        while self.edges.get(cell).is_some_and(|edge| *edge < x) {
            cell += 1;
        }
        cell
    }

    /// No rows yet.
    pub fn counts(&self) -> Counts {
        Counts {
            cells: vec![0; 2 * self.knots.len() + 1],
            beyond: 0.0,
        }
    }

    /// Counts finite numbers; others are passed over.
    pub fn count(&self, counts: &mut Counts, values: impl Iterator<Item = f64>) {
        let (least, largest) = (self.quantiles[0], self.quantiles[self.quantiles.len() - 1]);
        for x in values.filter(|x| x.is_finite()) {
            counts.cells[self.cell(x)] += 1;
            if x < least || x > largest {
                counts.beyond += (least - x).max(x - largest);
            }
        }
    }

    /// The share of a window below each quantile, where rows that equal it are given to whichever side fits best.
    fn shares_below(&self, counts: &Counts) -> Vec<f64> {
        let rows = counts.rows() as f64;
        let steps = (self.quantiles.len() - 1) as f64;
        let mut shares = Vec::with_capacity(self.quantiles.len());
        let mut below = 0;
        for (knot, pair) in self.knots.iter().zip(counts.cells.chunks(2)) {
            below += pair[0];
            let with = below + pair[1];
            let (low, high) = (below as f64 / rows, with as f64 / rows);
            shares.extend(
                (knot.first..=knot.last).map(|place| (place as f64 / steps).clamp(low, high)),
            );
            below = with;
        }
        shares
    }

    /// How a window differs from the reference, of which the quantiles are of `reference_rows` rows; none of too few rows.
    pub fn distances(
        &self,
        counts: &Counts,
        reference_rows: usize,
        alpha: f64,
    ) -> Option<Distances> {
        let rows = counts.rows() as usize;
        let bins = BINS.min(self.quantiles.len() - 1);
        if rows < 5 * bins || reference_rows < 5 * bins {
            return None;
        }
        let shares = self.shares_below(counts);
        let steps = shares.len() - 1;
        let off = |place: usize| (shares[place] - place as f64 / steps as f64).abs();
        let statistic = (0..=steps).map(off).fold(0.0, f64::max);
        let (expected, actual) = binned(&shares, bins, rows);
        let index = psi(&expected, &actual);
        Some(Distances {
            psi: index,
            psi_critical: psi_critical(bins, rows, reference_rows, alpha),
            psi_p: psi_p(index, bins, rows, reference_rows),
            test: Test {
                statistic,
                p: kolmogorov_tail(effective_rows(rows, reference_rows), statistic),
            },
            wasserstein: Some(self.moved(&shares) + counts.beyond / rows as f64),
            jensen_shannon: jensen_shannon(&expected, &actual),
        })
    }

    /// How far rows must move between the knots.
    fn moved(&self, shares: &[f64]) -> f64 {
        let steps = (shares.len() - 1) as f64;
        let off = |place: usize| shares[place] - place as f64 / steps;
        let between = |pair: &[Knot]| {
            let width = pair[1].value - pair[0].value;
            width * mean_distance(off(pair[0].last), off(pair[1].first))
        };
        self.knots.windows(2).map(between).sum()
    }
}

/// The mean of |x| on the straight way from `a` to `b`.
fn mean_distance(a: f64, b: f64) -> f64 {
    match a * b < 0.0 {
        true => (a * a + b * b) / (2.0 * (a.abs() + b.abs())),
        false => f64::midpoint(a.abs(), b.abs()),
    }
}

/// Half of the last of the seven digits that a sketch keeps of a number: rows that near it are equal to it.
fn half_a_digit(x: f64) -> f64 {
    match x == 0.0 {
        true => f64::MIN_POSITIVE,
        false => 5e-7 * libm::pow(10.0, libm::log10(x.abs()).floor()),
    }
}

/// The shares of bins in the reference and in the window, from what is below the quantiles.
///
/// An empty bin would make the index infinite: half a row is added to every one then.
fn binned(shares: &[f64], bins: usize, rows: usize) -> (Vec<f64>, Vec<f64>) {
    let steps = shares.len() - 1;
    let place = |bin: usize| (bin * steps + bins / 2) / bins;
    let expected = |bin: usize| (place(bin + 1) - place(bin)) as f64 / steps as f64;
    let inner = |bin: usize| match bin {
        0 => 0.0,
        bin if bin == bins => 1.0,
        bin => shares[place(bin)],
    };
    let mut actual: Vec<_> = (0..bins).map(|bin| inner(bin + 1) - inner(bin)).collect();
    if actual.iter().any(|share| *share <= 0.0) {
        let rows = rows as f64;
        let whole = rows + bins as f64 / 2.0;
        actual
            .iter_mut()
            .for_each(|share| *share = (*share * rows + 0.5) / whole);
    }
    ((0..bins).map(expected).collect(), actual)
}

impl Counts {
    /// How many rows were counted.
    pub fn rows(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// Adds the rows of another window of the same sketch.
    pub fn merge(&mut self, other: &Self) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
        self.beyond += other.beyond;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_finds_what_a_search_finds() {
        let skewed: Vec<f64> = (0..33).map(|i| f64::from(i).powi(4) / 1e3).collect();
        let whole: Vec<f64> = (0..33).map(|i| f64::from(i / 4)).collect();
        let far = vec![-1e300, 0.0, 1e-300, 2e-300, 1e300];
        let close = vec![1.0, 1.0 + 1e-12, 1.0 + 2e-12];
        for quantiles in [skewed, whole, far, close, vec![0.0, 0.0], vec![-3.0, 7.0]] {
            let sketch = Sketch::new(&quantiles).expect("a sketch");
            let around = |x: f64| [x, x.next_down(), x.next_up(), x * 1.5 + 0.1, -x];
            let ends = [f64::MIN, f64::MAX, 0.0, -0.0];
            for x in sketch
                .edges
                .clone()
                .into_iter()
                .chain(quantiles)
                .flat_map(around)
                .chain(ends)
            {
                let searched = sketch.edges.partition_point(|edge| *edge < x);
                assert_eq!(sketch.cell(x), searched, "{x} in {:?}", sketch.edges);
            }
        }
    }
}
