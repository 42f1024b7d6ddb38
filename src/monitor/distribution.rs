//! Tail probabilities: normal, chi-squared, hypergeometric.
//!
//! Tails are computed as tails and not as what is left to 1, so that small probabilities have their digits.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The probability that a standard normal variable exceeds `x`.
pub fn normal_tail(x: f64) -> f64 {
    0.5 * libm::erfc(x * FRAC_1_SQRT_2)
}

/// The place that a standard normal variable exceeds with the probability `p`, `0 < p < 1`.
///
/// A rational first guess (Abramowitz and Stegun 1964, 26.2.23, error 4.5e-4) and Halley's method on the relative error.
pub fn normal_quantile_of_tail(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile_of_tail(1.0 - p);
    }
    if p <= 0.0 {
        return f64::INFINITY;
    }
    let t = (-2.0 * libm::log(p)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = t - numerator / denominator;
    for _ in 0..3 {
        let density = libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt();
        let newton = (normal_tail(x) - p) / density;
        x += newton / (1.0 + 0.5 * x * newton);
    }
    x
}

/// The probability that a chi-squared variable with `freedom` degrees of freedom exceeds `x`.
pub fn chi_squared_tail(x: f64, freedom: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    gamma_tail(freedom / 2.0, x / 2.0)
}

/// The place that a chi-squared variable exceeds with the probability `p`, `0 < p < 1`.
///
/// Wilson and Hilferty's cube (1931) as a first guess, then bisection of what encloses the place.
pub fn chi_squared_quantile_of_tail(p: f64, freedom: f64) -> f64 {
    let ninth = 2.0 / (9.0 * freedom);
    let cube = 1.0 - ninth + normal_quantile_of_tail(p) * ninth.sqrt();
    let guess = freedom * (cube * cube * cube).max(1e-3);
    let (mut low, mut high) = (0.0, guess.max(1.0));
    while chi_squared_tail(high, freedom) > p {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        match chi_squared_tail(middle, freedom) > p {
            true => low = middle,
            false => high = middle,
        }
    }
    f64::midpoint(low, high)
}

/// The regularised upper incomplete gamma function, Q(a, x).
///
/// The series of P below the mean, Legendre's continued fraction by Lentz's method above it (Gil, Segura and Temme 2007, chapters
/// 4 and 6).
fn gamma_tail(a: f64, x: f64) -> f64 {
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    match x < a + 1.0 {
        true => 1.0 - front * gamma_series(a, x),
        false => front * gamma_fraction(a, x),
    }
}

/// How many terms may be needed: about five standard deviations of the variable.
fn most_terms(a: f64) -> usize {
    500 + (20.0 * a.sqrt()) as usize
}

fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for step in 1..most_terms(a) {
        term *= x / (a + step as f64);
        sum += term;
        if term < sum * f64::EPSILON * 0.1 {
            break;
        }
    }
    sum
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..most_terms(a) {
        let i = step as f64;
        let numerator = -i * (i - a);
        b += 2.0;
        d = away_from_zero(numerator * d + b, TINY).recip();
        c = away_from_zero(b + numerator / c, TINY);
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

fn away_from_zero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

/// The logarithm of a binomial coefficient.
pub(crate) fn log_choose(n: f64, k: f64) -> f64 {
    libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
}

/// Fisher's exact test, two-sided, of the table `[[a, b], [c, d]]`: the probability of all tables with the same margins that are
/// no more probable than this one.
///
/// Cost: as many terms as the smallest margin.
pub fn fisher_exact(a: u64, b: u64, c: u64, d: u64) -> f64 {
    let (row, other, column) = ((a + b) as f64, (c + d) as f64, a + c);
    let all = log_choose(row + other, column as f64);
    let of = |k: u64| {
        let k = k as f64;
        libm::exp(log_choose(row, k) + log_choose(other, column as f64 - k) - all)
    };
    let observed = of(a) * (1.0 + 1e-7); // what is as probable but for rounding counts
    let (least, most) = (column.saturating_sub(c + d), column.min(a + b));
    let tail = (least..=most).map(of).filter(|p| *p <= observed);
    tail.sum::<f64>().min(1.0)
}
