//! Features and target as a triangle: a few rows that are to least squares what all rows are.
//!
//! `[X y] = Q [R z]` with orthonormal columns in `Q`, so that `‖y − Xw‖² = ‖z − Rw‖²`. From the Gram matrix where that is
//! well-conditioned (`cholesky.rs`), else by Householder reflections of blocks of rows and then of their triangles
//! (TSQR: Demmel, Grigori, Hoemmen and Langou 2012), which keeps the digits that the Gram matrix loses.

use linfa_linalg::qr::QRInto;
use ndarray::{Array1, Array2, Axis, ShapeBuilder, concatenate};
use rayon::prelude::*;

use super::cholesky::Factor;
use super::error::LinearError;
use super::moments::Moments;
use super::rows::Rows;

/// Rows reflected at a time, at least. Part of the result's bits.
const BLOCK: usize = 1024;

/// Triangles reflected at a time.
const TRIANGLES: usize = 4;

/// What is to be solved: rows, and their moments about the means or, without an intercept, about 0.
pub(super) struct Problem<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) moments: Moments,
}

impl<'a> Problem<'a> {
    /// Reads the rows once for their means and once for their products.
    pub(super) fn new(rows: Rows<'a>, fit_intercept: bool) -> Result<Self, LinearError> {
        Ok(Self::with(rows, Moments::of(&rows)?, fit_intercept))
    }

    /// The same of rows whose moments are known.
    pub(super) fn with(rows: Rows<'a>, moments: Moments, fit_intercept: bool) -> Self {
        let moments = if fit_intercept {
            moments
        } else {
            moments.about_zero()
        };
        Self { rows, moments }
    }

    /// The factor of the Gram matrix with `penalty` on its diagonal, if it can be trusted.
    pub(super) fn factor(&self, penalty: f64) -> Option<Factor> {
        if penalty == 0.0 && self.moments.rows() <= self.moments.features() {
            return None;
        }
        let mut gram = self.moments.gram().to_owned();
        gram.diag_mut().map_inplace(|square| *square += penalty);
        Factor::new(gram)
    }

    /// `[R z]`: `n_features + 1` columns, and as many rows at most.
    pub(super) fn triangle(&self) -> Result<Array2<f64>, LinearError> {
        if let Some(factor) = self.factor(0.0)
            && let Some(z) = factor.forward(&self.moments.target_products().to_owned())
        {
            return Ok(joined(&[factor.upper(), z.insert_axis(Axis(1))], Axis(1)));
        }
        self.reflected()
    }

    /// `[R z]` by reflections, for whom the Gram matrix is known to be ill-conditioned.
    pub(super) fn reflected(&self) -> Result<Array2<f64>, LinearError> {
        reflected(&self.rows, self.moments.all_means())
    }
}

/// `[R z]` of rows less `shift`.
fn reflected(rows: &Rows<'_>, shift: &Array1<f64>) -> Result<Array2<f64>, LinearError> {
    let length = BLOCK.max(TRIANGLES * (rows.features() + 1));
    let mut parts = rows
        .ranges(length)
        .into_par_iter()
        .map(|range| upper(rows.block(range, shift)))
        .collect::<Result<Vec<_>, _>>()?;
    while parts.len() > 1 {
        parts = parts
            .par_chunks(TRIANGLES)
            .map(|triangles| upper(joined(triangles, Axis(0))))
            .collect::<Result<_, _>>()?;
    }
    Ok(parts.pop().unwrap_or_default())
}

/// The upper triangle of a QR decomposition; the matrix itself when it has fewer rows than columns.
fn upper(matrix: Array2<f64>) -> Result<Array2<f64>, LinearError> {
    if matrix.nrows() < matrix.ncols() {
        return Ok(matrix.as_standard_layout().into_owned());
    }
    let columns = matrix.ncols();
    let triangle = matrix.qr_into().map_err(|_| LinearError::NoConvergence)?;
    let triangle = triangle.into_r();
    // A copy, for the triangle still holds the memory of all its rows.
    Ok(Array2::from_shape_fn((columns, columns), |place| {
        triangle[place]
    }))
}

fn joined(parts: &[Array2<f64>], axis: Axis) -> Array2<f64> {
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    let joined = concatenate(axis, &views).expect("bug: parts of a triangle fit together");
    // Reflections walk along columns.
    let mut columns = Array2::zeros(joined.dim().f());
    columns.assign(&joined);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same_products() {
        for rows in [3, 6, 7, 40, 9000] {
            let records =
                Array2::from_shape_fn((rows, 6), |(i, j)| ((i * 6 + j * j) as f64 * 0.7).sin());
            let targets = Array1::from_shape_fn(rows, |i| (i as f64).cos() + 3.0);
            let rows = Rows::new(&records, &targets).expect("rows");
            let problem = Problem::new(rows, true).expect("moments");
            let check = |triangle: Array2<f64>| {
                let products = triangle.t().dot(&triangle);
                let left = problem.moments.gram();
                let off = &products
                    .view()
                    .split_at(Axis(0), 6)
                    .0
                    .split_at(Axis(1), 6)
                    .0
                    - &left;
                assert!(off.iter().all(|x| x.abs() < 1e-10), "{off}");
                let off =
                    &products.column(6).split_at(Axis(0), 6).0 - &problem.moments.target_products();
                assert!(off.iter().all(|x| x.abs() < 1e-10), "{off}");
            };
            check(problem.triangle().expect("a triangle"));
            check(problem.reflected().expect("a triangle"));
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let records = Array2::from_shape_fn((10_000, 5), |(i, j)| ((i * 5 + j) as f64).sin());
        let targets = Array1::from_shape_fn(10_000, |i| (i as f64).cos());
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let rows = Rows::new(&records, &targets).expect("rows");
            let triangle = || reflected(&rows, &Array1::zeros(6)).expect("a triangle");
            pool.expect("threads").install(triangle)
        };
        assert_eq!(with(1), with(4));
    }
}
