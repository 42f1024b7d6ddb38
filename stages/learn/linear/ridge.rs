//! Ridge regression in closed form: `(XᵀX + penalty I) w = Xᵀy` (Hoerl and Kennard 1970).
//!
//! One penalty: Cholesky, as scikit-learn does. Several, or a system that is ill-conditioned: the singular values of the
//! features, from which every further penalty costs `n_features²`.

use ndarray::Array1;

use super::error::LinearError;
use super::spectrum::Spectrum;
use super::triangle::Problem;

/// The coefficients that minimise `‖y − Xw‖² + penalty · ‖w‖²`, for each positive penalty.
pub(super) fn path(
    problem: &Problem<'_>,
    penalties: &[f64],
) -> Result<Vec<Array1<f64>>, LinearError> {
    if let [penalty] = penalties
        && let Some(coefficients) = cholesky(problem, *penalty)
    {
        return Ok(vec![coefficients]);
    }
    if penalties.is_empty() {
        return Ok(Vec::new());
    }
    let spectrum = Spectrum::new(&problem.triangle()?)?;
    let solution = |&penalty: &f64| spectrum.solution(|s| s / (s * s + penalty));
    Ok(penalties.iter().map(solution).collect())
}

fn cholesky(problem: &Problem<'_>, penalty: f64) -> Option<Array1<f64>> {
    let factor = problem.factor(penalty)?;
    factor.solve(&problem.moments.target_products().to_owned())
}
