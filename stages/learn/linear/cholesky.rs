//! The Cholesky factor of a Gram matrix, if it is one to be trusted.
//!
//! A Gram matrix has the square of the features' condition number. With features scaled to length 1 it has a diagonal of
//! ones, and the inverse has the features' variance inflation factors on its own: their sum bounds the condition number.
//! The trace of the matrix is `n_features`, so no eigenvalue is above that, and none is below one over the trace of the
//! inverse. Beyond [`LARGEST_CONDITION`] the factor is not used, and the rows themselves are decomposed
//! (`triangle.rs`).

use linfa_linalg::cholesky::CholeskyInplace;
use linfa_linalg::triangular::{SolveTriangularInplace, UPLO};
use ndarray::{Array1, Array2, Axis};

/// The largest bound of the scaled Gram matrix' condition number: half of the digits of a double are left then.
const LARGEST_CONDITION: f64 = 1e8;

/// `G = D L Lᵀ D` with `D` the square root of the diagonal.
pub(super) struct Factor {
    scale: Array1<f64>,
    lower: Array2<f64>,
}

impl Factor {
    /// Factors a Gram matrix (`n_features²`, symmetric); none when it is singular or ill-conditioned.
    pub(super) fn new(mut gram: Array2<f64>) -> Option<Self> {
        let features = gram.nrows();
        let scale = gram.diag().mapv(f64::sqrt);
        if !scale.iter().all(|&length| length > 0.0) {
            return None;
        }
        for ((i, j), product) in gram.indexed_iter_mut() {
            *product /= scale[i] * scale[j];
        }
        let lower = gram.cholesky_into().ok()?;
        let inverse = lower
            .view()
            .solve_triangular_into(Array2::eye(features), UPLO::Lower)
            .ok()?;
        let inflation: f64 = inverse.iter().map(|x| x * x).sum();
        (features as f64 * inflation <= LARGEST_CONDITION).then_some(Self { scale, lower })
    }

    /// `L⁻¹ D⁻¹ v`.
    pub(super) fn forward(&self, v: &Array1<f64>) -> Option<Array1<f64>> {
        let scaled = (v / &self.scale).insert_axis(Axis(1));
        let solved = self.lower.view().solve_triangular_into(scaled, UPLO::Lower);
        Some(solved.ok()?.index_axis_move(Axis(1), 0))
    }

    /// `G⁻¹ v`.
    pub(super) fn solve(&self, v: &Array1<f64>) -> Option<Array1<f64>> {
        let half = self.forward(v)?.insert_axis(Axis(1));
        let solved = self.lower.t().solve_triangular_into(half, UPLO::Upper);
        Some(solved.ok()?.index_axis_move(Axis(1), 0) / &self.scale)
    }

    /// `Lᵀ D`: as the triangle of a QR decomposition of the features.
    pub(super) fn upper(&self) -> Array2<f64> {
        &self.lower.t() * &self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn solves_whatever_the_scale() {
        let gram = array![[4e12, 2e6, 0.0], [2e6, 9.0, 1e-6], [0.0, 1e-6, 1e-12]];
        let factor = Factor::new(gram.clone()).expect("well-conditioned");
        let product = factor.upper().t().dot(&factor.upper());
        let solved = factor
            .solve(&gram.dot(&array![1.0, 2.0, 3e6]))
            .expect("solved");
        for ((found, expect), scale) in solved.iter().zip([1.0, 2.0, 3e6]).zip([1.0, 1.0, 1e6]) {
            assert!((found - expect).abs() < 1e-9 * scale, "{solved}");
        }
        for (found, expect) in product.iter().zip(&gram) {
            assert!(
                (found - expect).abs() <= 1e-12 * expect.abs().max(1e-12),
                "{product}"
            );
        }
    }

    #[test]
    fn does_not_trust_what_is_nearly_singular() {
        let nearly = |rest: f64| Factor::new(array![[1.0, 1.0 - rest], [1.0 - rest, 1.0]]);
        assert!(nearly(1e-6).is_some());
        assert!(nearly(1e-9).is_none());
        assert!(nearly(0.0).is_none());
        assert!(Factor::new(array![[0.0]]).is_none());
    }
}
