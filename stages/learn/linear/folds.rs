//! k-fold validation of a whole path of alphas for one pass over the rows.
//!
//! Moments of folds add up: what a model is fitted on are the moments of all folds but one, and its error on that one
//! follows from that fold's moments. So the folds cost the rows once, and a model costs what the features cost.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::error::LinearError;
use super::moments::Moments;
use super::params::ValidLinear;
use super::path;
use super::rows::Rows;
use super::triangle::Problem;

/// Errors of models on rows they were not fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossValidation {
    /// The penalties, as given.
    pub alphas: Vec<f64>,
    /// Mean squared errors, `n_folds × n_alphas`, in the target's unit squared.
    pub errors: Array2<f64>,
}

impl CrossValidation {
    /// The mean over folds of each alpha's error.
    pub fn means(&self) -> Array1<f64> {
        self.errors.sum_axis(ndarray::Axis(0)) / self.errors.nrows() as f64
    }

    /// The place of the alpha with the least mean error, the first among equals; none without alphas.
    pub fn best(&self) -> Option<usize> {
        let means = self.means();
        (0..means.len()).min_by(|&a, &b| means[a].total_cmp(&means[b]))
    }
}

impl ValidLinear {
    /// Validates models with each of `alphas`, fitted on all rows but those of one fold, on that fold.
    ///
    /// `folds` tells the fold of every row, from 0 on; the folds are the caller's to draw.
    ///
    /// # Errors
    /// [`LinearError::Folds`] when there are fewer than two folds, or one without rows; else as a fit.
    pub fn cross_validate(
        &self,
        records: ArrayView2<'_, f64>,
        targets: ArrayView1<'_, f64>,
        folds: &[usize],
        alphas: &[f64],
    ) -> Result<CrossValidation, LinearError> {
        let rows = Rows::new(&records, &targets)?;
        let places = places(folds, rows.len())?;
        let moments = places
            .iter()
            .map(|places| Moments::of(&rows.only(places)))
            .collect::<Result<Vec<_>, _>>()?;
        let errors = (0..places.len())
            .into_par_iter()
            .map(|fold| {
                let rest = others(&places, fold).concat();
                let known = others(&moments, fold);
                let merged = known[1..]
                    .iter()
                    .fold(known[0].clone(), |sum, moments| sum.merged(moments));
                let problem = Problem::with(rows.only(&rest), merged, self.fit_intercept());
                let fits = path(&problem, self, alphas)?;
                let error =
                    |fit: &super::FittedLinear| moments[fold].mean_squared_error(&fit.model);
                Ok(fits.iter().map(error).collect())
            })
            .collect::<Result<Vec<Vec<f64>>, LinearError>>()?;
        Ok(CrossValidation {
            alphas: alphas.to_vec(),
            errors: Array2::from_shape_fn((places.len(), alphas.len()), |(i, j)| errors[i][j]),
        })
    }
}

/// The rows of every fold.
fn places(folds: &[usize], rows: usize) -> Result<Vec<Vec<usize>>, LinearError> {
    if folds.len() != rows {
        return Err(LinearError::Folds(format!(
            "{} rows have {} folds",
            rows,
            folds.len()
        )));
    }
    let count = folds.iter().max().map_or(0, |last| last + 1);
    if count < 2 || count > rows {
        return Err(LinearError::Folds(format!(
            "{count} folds of {rows} rows; from 2 to the number of rows are needed"
        )));
    }
    let mut places = vec![Vec::new(); count];
    for (row, &fold) in folds.iter().enumerate() {
        places[fold].push(row);
    }
    match places.iter().position(Vec::is_empty) {
        Some(empty) => Err(LinearError::Folds(format!("fold {empty} has no rows"))),
        None => Ok(places),
    }
}

/// All but the one at `place`.
fn others<T: Clone>(all: &[T], place: usize) -> Vec<T> {
    let kept = all.iter().enumerate().filter(|(i, _)| *i != place);
    kept.map(|(_, one)| one.clone()).collect()
}
