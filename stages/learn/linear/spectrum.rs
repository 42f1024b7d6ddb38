//! Singular values and right vectors of a triangle, by one-sided Jacobi rotations (Hestenes 1958).
//!
//! Rotating pairs of rows of `[R z]` until the rows of `R` are orthogonal leaves `[S Vᵀ, Uᵀz]` where they stood: all that
//! least squares and ridge need, for `Σ` over rows of `vᵢ tᵢ / sᵢ` is the least-squares solution. Applied to a triangle,
//! even small singular values come out to nearly full precision (Drmač and Veselić 2008); what is no more than the rounding
//! error of the largest counts for 0.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::error::LinearError;

/// Sweeps over all pairs; ten are usual.
const MAX_SWEEPS: usize = 100;

/// `R = U S Vᵀ`, and a target in the same coordinates.
pub(super) struct Spectrum {
    /// Singular values, in no order; `n_rows` of the triangle.
    pub(super) values: Array1<f64>,
    /// Rows are right singular vectors; zeros where the value is 0.
    pub(super) vectors: Array2<f64>,
    /// `Uᵀ z`.
    pub(super) targets: Array1<f64>,
}

impl Spectrum {
    /// Decomposes `[R z]`.
    ///
    /// # Errors
    /// [`LinearError::NoConvergence`] after a hundred sweeps; not seen with finite values.
    pub(super) fn new(triangle: &Array2<f64>) -> Result<Self, LinearError> {
        let features = triangle.ncols() - 1;
        let mut rows: Vec<f64> = triangle.iter().copied().collect();
        let tolerance = f64::EPSILON * features.max(8) as f64;
        let nothing = f64::EPSILON * triangle.iter().map(|x| x * x).sum::<f64>().sqrt();
        let mut sweeps = 0;
        while sweep(&mut rows, features, tolerance, nothing) {
            sweeps += 1;
            if sweeps == MAX_SWEEPS {
                return Err(LinearError::NoConvergence);
            }
        }
        let shape = (triangle.nrows(), features);
        let mut vectors = Array2::from_shape_fn(shape, |(i, j)| rows[i * (features + 1) + j]);
        let targets = rows.chunks(features + 1).map(|row| row[features]).collect();
        let mut values = vectors.map_axis(Axis(1), |row| row.dot(&row).sqrt());
        for (mut vector, value) in vectors.rows_mut().into_iter().zip(&mut values) {
            if *value > nothing {
                vector /= *value;
            } else {
                *value = 0.0;
                vector.fill(0.0);
            }
        }
        Ok(Self {
            values,
            vectors,
            targets,
        })
    }

    /// The largest singular value.
    pub(super) fn largest(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    /// `Σ vᵢ · factor(sᵢ) · tᵢ`: `1/s` gives least squares, `s/(s² + penalty)` ridge.
    pub(super) fn solution(&self, factor: impl Fn(f64) -> f64) -> Array1<f64> {
        let weights = &self.values.mapv(factor) * &self.targets;
        self.vectors.t().dot(&weights)
    }
}

/// Rotates every pair of rows of `features + 1` places once; whether any was not orthogonal.
fn sweep(rows: &mut [f64], features: usize, tolerance: f64, nothing: f64) -> bool {
    let (width, mut rotated) = (features + 1, false);
    for j in 1..rows.len() / width {
        let (before, row) = rows.split_at_mut(j * width);
        for other in before.chunks_mut(width) {
            rotated |= rotate(other, &mut row[..width], tolerance, nothing);
        }
    }
    rotated
}

/// Makes two rows orthogonal but for their last places, which are targets; whether they were not. A row no longer than
/// `nothing` is orthogonal to all.
fn rotate(a: &mut [f64], b: &mut [f64], tolerance: f64, nothing: f64) -> bool {
    let features = a.len() - 1;
    let (x, y) = (
        ArrayView1::from(&a[..features]),
        ArrayView1::from(&b[..features]),
    );
    let (xx, yy, xy) = (x.dot(&x), y.dot(&y), x.dot(&y));
    let (longer, shorter) = (xx.max(yy).sqrt(), xx.min(yy).sqrt());
    if shorter <= nothing || xy.abs() <= tolerance * longer * shorter {
        return false;
    }
    let half = (yy - xx) / (2.0 * xy);
    let tangent = half.signum() / (half.abs() + half.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn puts_a_triangle_together_again() {
        let triangle = array![
            [4.0, 1.0, -2.0, 1.0],
            [0.0, 3.0, 5.0, 2.0],
            [0.0, 0.0, 1e-9, 3.0],
            [0.0, 0.0, 0.0, 4.0]
        ];
        let spectrum = Spectrum::new(&triangle).expect("converges");
        let scaled = &spectrum.vectors * &spectrum.values.view().insert_axis(Axis(1));
        let r = triangle.view().split_at(Axis(1), 3).0;
        let off = scaled.t().dot(&scaled) - r.t().dot(&r);
        assert!(off.iter().all(|x| x.abs() < 1e-13), "{off}");
        // determinant: the product of singular values, to full precision in spite of the small one
        let product: f64 = spectrum.values.iter().filter(|&&s| s > 0.0).product();
        assert!((product / 12e-9 - 1.0).abs() < 1e-12, "{product}");
        let solved = spectrum.solution(|s| if s > 0.0 { 1.0 / s } else { 0.0 });
        let off = r.dot(&solved) - array![1.0, 2.0, 3.0, 0.0];
        assert!(off.iter().all(|x| x.abs() < 1e-5), "{off}");
    }
}
