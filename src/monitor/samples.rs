//! Two samples, or a sample and a distribution: how far apart, and whether that can be chance.

use crate::kolmogorov::kolmogorov_tail;

/// A statistic and its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// The probability of one at least as large where nothing has changed.
    pub p: f64,
}

/// Rows of either sample up to which the two-sample test counts paths instead of asking the limit.
const EXACT: usize = 1000;

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// The test of Kolmogorov and Smirnov of one sample against a continuous distribution function, two-sided.
///
/// No p-value but 1 without rows. Infinite values count at the ends; NaN must not be there.
pub fn ks_one_sample(sample: &[f64], below: impl Fn(f64) -> f64) -> Test {
    let sorted = sorted(sample);
    let n = sorted.len() as f64;
    let far = sorted.iter().enumerate().map(|(i, x)| {
        let p = below(*x);
        ((i + 1) as f64 / n - p).max(p - i as f64 / n)
    });
    let statistic = far.fold(0.0, f64::max);
    Test {
        statistic,
        p: kolmogorov_tail(sorted.len(), statistic),
    }
}

/// The test of Kolmogorov and Smirnov of two samples, two-sided.
///
/// Exact for up to 1,000 rows in each sample (paths on a lattice, Hodges 1958; conservative where values are tied), else by the
/// distribution for `nm/(n + m)` rows, as scipy's `asymp`.
pub fn ks_two_samples(one: &[f64], other: &[f64]) -> Test {
    let statistic = largest_gap(&sorted(one), &sorted(other));
    let (n, m) = (one.len(), other.len());
    let p = match (n, m) {
        (0, _) | (_, 0) => 1.0,
        _ if n.max(m) <= EXACT => paths_outside(n, m, statistic),
        _ => kolmogorov_tail(effective_rows(n, m), statistic),
    };
    Test { statistic, p }
}

/// The rows of one sample that tells as much as the two of `n` and `m` rows do of each other.
pub fn effective_rows(n: usize, m: usize) -> usize {
    let (n, m) = (n as f64, m as f64);
    (n * m / (n + m)).round_ties_even() as usize
}

/// The largest distance between two empirical distribution functions.
fn largest_gap(one: &[f64], other: &[f64]) -> f64 {
    let mut largest: f64 = 0.0;
    walk(one, other, |_, _, p, q| {
        largest = largest.max((p - q).abs())
    });
    largest
}

/// Calls `visit` with each interval between neighbouring values and the two distribution functions there.
fn walk(one: &[f64], other: &[f64], mut visit: impl FnMut(f64, f64, f64, f64)) {
    let (mut i, mut j) = (0, 0);
    while i < one.len() || j < other.len() {
        let next = |i: usize, j: usize| match (one.get(i), other.get(j)) {
            (Some(x), Some(y)) => Some(x.min(*y)),
            (Some(x), None) => Some(*x),
            (None, y) => y.copied(),
        };
        let Some(at) = next(i, j) else { break };
        i += one[i..].iter().take_while(|x| **x <= at).count();
        j += other[j..].iter().take_while(|y| **y <= at).count();
        let to = next(i, j).unwrap_or(at);
        let share = |k: usize, rows: usize| {
            if rows == 0 {
                0.0
            } else {
                k as f64 / rows as f64
            }
        };
        visit(at, to, share(i, one.len()), share(j, other.len()));
    }
}

/// The probability that a random path through a lattice of `n` by `m` steps strays at least `d` from the diagonal.
fn paths_outside(n: usize, m: usize, d: f64) -> f64 {
    let (rows, columns) = (n as f64, m as f64);
    let step = rows * columns; // distances are multiples of 1/(nm)
    let limit = (d * step).round() - 0.5;
    let strays = |i: usize, j: usize| (i as f64 * columns - j as f64 * rows).abs() > limit;
    // the probability that a path through (i, j) has strayed on its way there
    let mut row: Vec<f64> = vec![0.0; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            row[j] = match (i, j) {
                _ if strays(i, j) => 1.0,
                (0, 0) => 0.0,
                (0, _) => row[j - 1],
                (_, 0) => row[0],
                // of the paths to (i, j) this share comes from above
                _ => {
                    let (i, j_) = (i as f64, j as f64);
                    (i * row[j] + j_ * row[j - 1]) / (i + j_)
                }
            };
        }
    }
    row[m]
}

/// Wasserstein's distance of order 1 between two samples: how far rows must move for one to become the other, in their unit.
///
/// None without rows on both sides.
pub fn wasserstein(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let mut sum = 0.0;
    walk(&sorted(one), &sorted(other), |from, to, p, q| {
        sum += (p - q).abs() * (to - from)
    });
    Some(sum)
}
