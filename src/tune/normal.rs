//! The standard normal distribution, where it is cut off too: what Parzen kernels are made of.
//!
//! Everything rests on `erfc`, which is accurate in relative terms far into the tail, and works in the lower tail, where
//! probabilities are small numbers and not nearly 1.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The density of an interval narrower than this is taken as constant but for its curvature: subtracting two values of
/// the distribution function would leave only noise.
const NARROW: f64 = 1e-3;

/// The probability below `x`.
pub(crate) fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The density at `x`.
fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// The logarithm of the density at `x`.
pub(crate) fn log_density(x: f64) -> f64 {
    const LOG_ROOT_TWO_PI: f64 = 0.918_938_533_204_672_8;
    -0.5 * x * x - LOG_ROOT_TWO_PI
}

/// The probability between `a` and `b`, `a <= b`.
///
/// Relative error below 1e-11 while the result is above 1e-300; 0 beyond.
pub(crate) fn between(a: f64, b: f64) -> f64 {
    let width = b - a;
    if width < NARROW && width * a.abs().max(b.abs()) < 0.1 {
        let middle = f64::midpoint(a, b);
        // the integral of the density's Taylor series about the middle, to the fourth order
        let (m2, w2) = (middle * middle, width * width);
        let second = (m2 - 1.0) * w2 / 24.0;
        let fourth = (m2 * m2 - 6.0 * m2 + 3.0) * w2 * w2 / 1920.0;
        return width * density(middle) * (1.0 + second + fourth);
    }
    if a > 0.0 {
        below(-a) - below(-b)
    } else {
        below(b) - below(a)
    }
}

/// The place at the fraction `q` of the probability between `a` and `b`; `a <= 0 <= b`, so that neither tail is far away.
pub(crate) fn quantile_between(q: f64, a: f64, b: f64) -> f64 {
    let mass = between(a, b);
    let (lower, upper) = (below(a) + q * mass, below(-b) + (1.0 - q) * mass);
    let x = if lower <= upper {
        quantile(lower)
    } else {
        -quantile(upper)
    };
    x.clamp(a, b)
}

/// The place below which the probability `p` lies, for `p` up to one half; negative infinity for 0.
///
/// A rational first guess (Abramowitz and Stegun 1964, 26.2.23, error 4.5e-4) and two steps of Halley's method on the
/// relative error, which bring it to the precision of `erfc`.
fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let t = (-2.0 * libm::log(p)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = numerator / denominator - t;
    for _ in 0..2 {
        let newton = (below(x) - p) / density(x);
        x -= newton / (1.0 + 0.5 * x * newton);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, relative: f64) {
        let error = (found - expected).abs() / expected.abs();
        assert!(
            error <= relative,
            "{found} instead of {expected}: {error:e}"
        );
    }

    /// `norm.cdf` and `norm.ppf` of scipy 1.17, which loses digits in the far tail itself.
    #[test]
    fn agrees_with_scipy() {
        close(below(1.0), 0.841_344_746_068_542_9, 1e-15);
        close(below(-8.0), 6.220_960_574_271_74e-16, 1e-13);
        close(below(-30.0), 4.906_713_927_147_908e-198, 1e-12);
        close(quantile(0.3), -0.524_400_512_708_040_9, 1e-14);
        close(quantile(1e-10), -6.361_340_902_404_056, 1e-14);
        close(quantile(1e-300), -37.047_096_299_361_2, 1e-13);
    }

    #[test]
    fn narrow_intervals_keep_their_digits() {
        for middle in [0.0_f64, 0.7, 3.0, 12.0] {
            // both ways of computing at the width where they meet
            let width = 0.999 * NARROW;
            let (a, b) = (middle - width / 2.0, middle + width / 2.0);
            let parts: f64 = (0..8)
                .map(|k| {
                    let left = a + width * f64::from(k) / 8.0;
                    between(left, left + width / 8.0)
                })
                .sum();
            close(between(a, b), parts, 1e-11);
            close(below(-a) - below(-b), parts, 1e-9);
        }
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        for (a, b) in [
            (-100.0, 100.0),
            (-1.0, 2.0),
            (0.0, 5.0),
            (-7.0, 0.0),
            (-0.01, 0.02),
        ] {
            assert!((a..=b).contains(&quantile_between(0.0, a, b)));
            for q in [0.001, 0.25, 0.5, 0.75, 0.999] {
                let x = quantile_between(q, a, b);
                close(between(a, x) / between(a, b), q, 1e-9);
            }
        }
    }
}
