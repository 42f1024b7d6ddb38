//! Ridge regression in closed form: `(XᵀX + αI) w = Xᵀy` by Cholesky, of centred columns.
//!
//! Hoerl and Kennard 1970; the solver scikit-learn takes for dense data with more rows than features. linfa 0.8 has no
//! ridge of its own, and its elastic net with `l1_ratio: 0` stops by a gap that has no meaning there.

use linfa_linalg::cholesky::{Cholesky, SolveC};
use ndarray::{Array1, Axis};

use super::centered::Centered;
use super::gram::gram;
use crate::error::Error;

/// The coefficients that minimise `‖y − Xw‖² + penalty · ‖w‖²`, for a positive penalty.
///
/// # Errors
/// [`Error::Numerical`] when the penalty is so small beside collinear columns that the system is singular in floating
/// point.
pub(super) fn solve(centered: &Centered, penalty: f64) -> Result<Array1<f64>, Error> {
    let mut system = gram(&centered.records.view());
    for diagonal in system.diag_mut() {
        *diagonal += penalty;
    }
    let moments = centered.records.t().dot(&centered.targets);
    let failed = |error| {
        Error::Numerical(format!(
            "the features are collinear and alpha is too small beside them ({error})"
        ))
    };
    let _ = system.cholesky().map_err(failed)?;
    let solution = system
        .solvec(&moments.insert_axis(Axis(1)))
        .map_err(failed)?;
    Ok(solution.index_axis_move(Axis(1), 0))
}
