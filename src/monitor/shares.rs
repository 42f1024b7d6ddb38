//! Shares of bins and counts of categories: how far apart, and whether that can be chance.

use crate::distribution::{chi_squared_quantile_of_tail, chi_squared_tail};
use crate::samples::Test;

/// The population stability index of two distributions over the same bins: Σ (p − q) ln(p/q), natural logarithm.
///
/// Infinite where one share is zero and the other is not; bins that are empty in both add nothing.
pub fn psi(expected: &[f64], actual: &[f64]) -> f64 {
    let terms = expected.iter().zip(actual).map(|(p, q)| match p == q {
        true => 0.0,
        false => (q - p) * libm::log(q / p),
    });
    terms.sum()
}

/// How large an index is by chance with the probability `alpha`, for samples of `n` and `m` rows over `bins` bins.
///
/// Without drift the index times `nm/(n + m)` is chi-squared with one degree of freedom less than bins (Yurdakul 2018, section 3):
/// the rules of thumb 0.1 and 0.25 mean something else at every size.
pub fn psi_critical(bins: usize, n: usize, m: usize, alpha: f64) -> f64 {
    psi_scale(n, m) * chi_squared_quantile_of_tail(alpha, bins.saturating_sub(1).max(1) as f64)
}

/// The probability of an index at least as large by chance.
pub fn psi_p(index: f64, bins: usize, n: usize, m: usize) -> f64 {
    chi_squared_tail(
        index / psi_scale(n, m),
        bins.saturating_sub(1).max(1) as f64,
    )
}

fn psi_scale(n: usize, m: usize) -> f64 {
    1.0 / n as f64 + 1.0 / m as f64
}

/// Jensen and Shannon's distance of two distributions over the same bins, natural logarithm: from 0 to √(ln 2).
pub fn jensen_shannon(one: &[f64], other: &[f64]) -> f64 {
    let towards = |p: f64, middle: f64| match p > 0.0 {
        true => p * libm::log(p / middle),
        false => 0.0,
    };
    let terms = one.iter().zip(other).map(|(p, q)| {
        let middle = f64::midpoint(*p, *q);
        towards(*p, middle) + towards(*q, middle)
    });
    (terms.sum::<f64>() / 2.0).max(0.0).sqrt()
}

/// Pearson's test that two rows of counts have the same shares, without Yates's correction.
///
/// Categories that are empty in both are left out. Trustworthy where five or more are expected of each count; pool the rare ones.
pub fn chi_squared(one: &[f64], other: &[f64]) -> Test {
    let (n, m) = (one.iter().sum::<f64>(), other.iter().sum::<f64>());
    let (mut statistic, mut categories) = (0.0, 0_usize);
    for (a, b) in one.iter().zip(other).filter(|(a, b)| **a + **b > 0.0) {
        let share = (a + b) / (n + m);
        let term = |count: f64, rows: f64| (count - share * rows).powi(2) / (share * rows);
        if n > 0.0 && m > 0.0 {
            statistic += term(*a, n) + term(*b, m);
        }
        categories += 1;
    }
    let freedom = categories.saturating_sub(1);
    Test {
        statistic,
        p: if freedom == 0 {
            1.0
        } else {
            chi_squared_tail(statistic, freedom as f64)
        },
    }
}

/// p-values corrected for having asked several questions (Benjamini and Hochberg 1995): of what is rejected at `alpha`, a share
/// of `alpha` at most is rejected wrongly, on average.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|one, other| p[*other].total_cmp(&p[*one]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (step, index) in order.into_iter().enumerate() {
        let rank = p.len() - step;
        least = least.min(p[index] * p.len() as f64 / rank as f64);
        adjusted[index] = least;
    }
    adjusted
}
