//! Ordinary least squares: the solution of least norm where there are many.
//!
//! Where the Gram matrix is well-conditioned it is solved; else the singular values of the features decide which
//! directions there are. As in scikit-learn 1.9, those below [`CUTOFF`] times the largest count for nothing; here they are
//! those of features scaled to length 1, so that a feature's unit does not decide whether it is seen.

use linfa_linalg::qr::QRInto;
use linfa_linalg::triangular::{SolveTriangularInplace, UPLO};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::error::LinearError;
use super::spectrum::Spectrum;
use super::triangle::Problem;

/// Singular values below this times the largest count for 0.
const CUTOFF: f64 = 1e-6;

/// Least-squares coefficients, and how many directions the features have.
pub(super) struct Solution {
    pub(super) coefficients: Array1<f64>,
    /// Places of the features that are linear combinations of those before them; empty at full rank.
    pub(super) collinear: Vec<usize>,
}

/// The coefficients of least norm among those that minimise `‖y − Xw‖²`.
pub(super) fn solve(problem: &Problem<'_>) -> Result<Solution, LinearError> {
    let products = problem.moments.target_products().to_owned();
    if let Some(coefficients) = problem
        .factor(0.0)
        .and_then(|factor| factor.solve(&products))
    {
        return Ok(Solution {
            coefficients,
            collinear: Vec::new(),
        });
    }
    let mut triangle = problem.reflected()?;
    let lengths = scale(&mut triangle);
    let spectrum = Spectrum::new(&triangle)?;
    let cutoff = CUTOFF * spectrum.largest();
    let kept: Vec<usize> = (0..spectrum.values.len())
        .filter(|&i| spectrum.values[i] > cutoff)
        .collect();
    let (rank, features) = (kept.len(), lengths.len());
    if rank == features {
        return Ok(Solution {
            coefficients: spectrum.solution(|s| if s > cutoff { 1.0 / s } else { 0.0 }) / lengths,

            collinear: Vec::new(),
        });
    }
    Ok(Solution {
        coefficients: least_norm(&spectrum, &kept, &lengths)?,

        collinear: collinear(&triangle.view().split_at(Axis(1), features).0, cutoff),
    })
}

/// Scales the features of a triangle to length 1 (those of length 0 stay) and returns their lengths.
fn scale(triangle: &mut Array2<f64>) -> Array1<f64> {
    let features = triangle.ncols() - 1;
    let mut lengths = Array1::ones(features);
    for (mut column, length) in triangle.columns_mut().into_iter().zip(&mut lengths) {
        let found = column.dot(&column).sqrt();
        if found > 0.0 {
            *length = found;
            column /= found;
        }
    }
    lengths
}

/// The shortest `w` with `vᵢ · (lengths ∘ w) = tᵢ / sᵢ` for every kept `i`: `Q T⁻ᵀ c` where `QT` are these rows, transposed.
fn least_norm(
    spectrum: &Spectrum,
    kept: &[usize],
    lengths: &Array1<f64>,
) -> Result<Array1<f64>, LinearError> {
    if kept.is_empty() {
        return Ok(Array1::zeros(lengths.len()));
    }
    let failed = |_| LinearError::NoConvergence;
    let rows = spectrum.vectors.select(Axis(0), kept) * lengths;
    let sides = kept
        .iter()
        .map(|&i| spectrum.targets[i] / spectrum.values[i]);
    let sides = Array1::from_iter(sides).insert_axis(Axis(1));
    let (q, t) = rows
        .reversed_axes()
        .qr_into()
        .map_err(failed)?
        .into_decomp();
    let inner = t
        .t()
        .solve_triangular_into(sides, UPLO::Lower)
        .map_err(failed)?;
    Ok(q.dot(&inner.index_axis_move(Axis(1), 0)))
}

/// Places of the columns of which no more than `cutoff` is left after those before them are taken out.
///
/// Gram-Schmidt, twice, for the first pass leaves rounding errors along the basis.
fn collinear(columns: &ArrayView2<'_, f64>, cutoff: f64) -> Vec<usize> {
    let mut basis: Vec<Array1<f64>> = Vec::new();
    let mut found = Vec::new();
    for (place, column) in columns.columns().into_iter().enumerate() {
        let mut rest = column.to_owned();
        for direction in basis.iter().chain(&basis) {
            rest.scaled_add(-direction.dot(&rest), direction);
        }
        let length = rest.dot(&rest).sqrt();
        if length <= cutoff {
            found.push(place);
        } else {
            basis.push(rest / length);
        }
    }
    found
}
