//! Points and weights of Gauss and Legendre on the interval from 0 to 1.

/// Where to evaluate an integrand, and what to multiply its values by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quadrature {
    /// Between 0 and 1, ascending.
    pub(super) points: Vec<f64>,
    /// Positive; their sum is 1.
    pub(super) weights: Vec<f64>,
}

impl Quadrature {
    /// The rule of `n` points, exact for polynomials up to degree `2n − 1`.
    ///
    /// Newton's method from Tricomi's approximation of the roots of the Legendre polynomial.
    pub(super) fn new(n: usize) -> Self {
        let (mut points, mut weights) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for i in (0..n).rev() {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (value, derivative) = legendre(n, x);
                slope = derivative;
                let step = value / derivative;
                x -= step;
                if step.abs() <= 1e-15 {
                    slope = legendre(n, x).1;
                    break;
                }
            }
            points.push((1.0 + x) / 2.0);
            weights.push(1.0 / ((1.0 - x * x) * slope * slope));
        }
        Self { points, weights }
    }
}

/// The Legendre polynomial of degree `n` at `x`, and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        let next = ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k;
        (before, value) = (value, next);
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrates_polynomials_exactly() {
        for n in 1..40 {
            let rule = Quadrature::new(n);
            for degree in [0, 1, n, 2 * n - 2, 2 * n - 1] {
                let values = rule.points.iter().map(|t| t.powi(degree as i32));
                let integral: f64 = values.zip(&rule.weights).map(|(v, w)| v * w).sum();
                let expect = 1.0 / (degree as f64 + 1.0);
                assert!(
                    (integral / expect - 1.0).abs() < 1e-12,
                    "{n}: t^{degree} gives {integral}"
                );
            }
        }
    }
}
