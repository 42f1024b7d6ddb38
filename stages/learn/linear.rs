//! Linear models: ordinary least squares, ridge, lasso and elastic net.
//!
//! `alpha` and `l1_ratio` mean what they mean to scikit-learn, and coefficients agree with it (`tests/reference/`). Every
//! model is fitted on centred columns and a centred target, so that the intercept is never penalised; which solver
//! serves which model, and why, is `docs/decisions/004-linear-models.md`.
//!
//! | to | take |
//! |---|---|
//! | fit one model | linfa's [`Fit`] of [`ValidLinear`] |
//! | fit a path of alphas at little more than the cost of one | [`ValidLinear::path`] |
//! | choose an alpha by k-fold validation | [`ValidLinear::cross_validate`] |
//! | predict | linfa's [`Predict`](linfa::traits::Predict) of [`LinearModel`] |

mod cholesky;
mod descent;
mod error;
mod folds;
mod least_squares;
mod moments;
mod params;
mod ridge;
mod rows;
mod spectrum;
mod triangle;

pub use error::LinearError;
pub use folds::CrossValidation;
pub use moments::Moments;
pub use params::{LinearKind, LinearParams, ParamFault, ValidLinear};

use linfa::DatasetBase;
use linfa::dataset::AsSingleTargets;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, ArrayView1, ArrayView2, Data, Ix2};
use serde::{Deserialize, Serialize};

use self::descent::{Limits, Penalty};
use self::rows::Rows;
use self::triangle::Problem;

/// A fitted linear model: the prediction is `intercept + Σ coefficient · feature`, in the target's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    /// The prediction where every feature is 0.
    pub intercept: f64,
    /// One a feature, in the order of the model's features.
    pub coefficients: Vec<f64>,
}

/// A fitted model and how the fit went.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLinear {
    /// What predicts.
    pub model: LinearModel,
    /// How iterations ended; none for a model in closed form.
    pub convergence: Option<Convergence>,
    /// Places of the features that are linear combinations of those before them. Only least squares looks for them: of
    /// all its solutions it gives the one of least norm then.
    pub collinear: Vec<usize>,
}

/// How an iterative fit went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// Passes over all features; 0 when the start was good enough.
    pub iterations: u32,
    /// How far the objective can still be from its minimum, in the scale of `½‖y − Xw‖²`.
    pub duality_gap: f64,
    /// Whether the gap is at most `tol · ‖y‖²` of the centred target.
    pub converged: bool,
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for LinearModel {
    /// Predicts for `x` (`n_rows × n_features`), adding features in their order; NaN gives NaN.
    ///
    /// # Panics
    /// When `x` has another number of features, or `y` another length.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<f64>) {
        assert_eq!(x.ncols(), self.coefficients.len(), "bug: other features");
        assert_eq!(x.nrows(), y.len(), "bug: as many predictions as rows");
        y.fill(self.intercept);
        for (column, &coefficient) in x.columns().into_iter().zip(&self.coefficients) {
            y.scaled_add(coefficient, &column);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f64> {
        Array1::zeros(x.nrows())
    }
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, LinearError> for ValidLinear
where
    D: Data<Elem = f64>,
    T: AsSingleTargets<Elem = f64>,
{
    type Object = FittedLinear;

    /// Fits the model to records (`n_rows × n_features`) and targets (`n_rows`).
    ///
    /// # Errors
    /// [`LinearError::NoRows`], [`LinearError::NotFinite`], [`LinearError::BadTarget`], [`LinearError::TooLarge`].
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<FittedLinear, LinearError> {
        let targets = dataset.as_single_targets();
        let mut fits = self.path(dataset.records.view(), targets, &[self.alpha()])?;
        Ok(fits.swap_remove(0))
    }
}

impl ValidLinear {
    /// Fits a model for each of `alphas` in place of its own, in their order.
    ///
    /// Ridge decomposes once for all of them; lasso and elastic net go from the largest to the smallest, each starting
    /// where the one before ended.
    ///
    /// # Errors
    /// [`LinearError::Params`] when an alpha is out of range; else as a fit.
    pub fn path(
        &self,
        records: ArrayView2<'_, f64>,
        targets: ArrayView1<'_, f64>,
        alphas: &[f64],
    ) -> Result<Vec<FittedLinear>, LinearError> {
        let problem = Problem::new(Rows::new(&records, &targets)?, self.fit_intercept())?;
        path(&problem, self, alphas)
    }

    /// `n` alphas for a path of lasso or elastic net, evenly spaced by their logarithm, from the least that makes every
    /// coefficient 0 down to `ratio` of it (scikit-learn's grid); none without an absolute penalty.
    pub fn alpha_grid(&self, moments: &Moments, n: usize, ratio: f64) -> Vec<f64> {
        if self.l1_ratio() == 0.0 {
            return Vec::new();
        }
        let moments = if self.fit_intercept() {
            moments.clone()
        } else {
            moments.about_zero()
        };
        let products = moments.target_products();
        let largest = products.iter().fold(0.0_f64, |max, c| max.max(c.abs()))
            / (moments.rows() as f64 * self.l1_ratio());
        let step = |i: usize| ratio.powf(i as f64 / (n.max(2) - 1) as f64);
        (0..n).map(|i| largest * step(i)).collect()
    }
}

/// The models of `alphas`, in their order.
fn path(
    problem: &Problem<'_>,
    params: &ValidLinear,
    alphas: &[f64],
) -> Result<Vec<FittedLinear>, LinearError> {
    params.check_alphas(alphas)?;
    if params.l1_ratio() == 0.0 {
        closed_form(problem, params, alphas)
    } else {
        Ok(descent_path(problem, params, alphas))
    }
}

/// Least squares and ridge; elastic net without an absolute penalty is ridge, divided by twice the number of rows.
fn closed_form(
    problem: &Problem<'_>,
    params: &ValidLinear,
    alphas: &[f64],
) -> Result<Vec<FittedLinear>, LinearError> {
    let rows = match params.kind() {
        LinearKind::ElasticNet => problem.moments.rows() as f64,
        _ => 1.0,
    };
    let penalties: Vec<f64> = alphas.iter().map(|alpha| alpha * rows).collect();
    let fitted = |coefficients, collinear| FittedLinear {
        model: problem.moments.model(coefficients),
        convergence: None,
        collinear,
    };
    let positive: Vec<f64> = penalties.iter().copied().filter(|p| *p > 0.0).collect();
    let mut ridges = ridge::path(problem, &positive)?.into_iter();
    let fit = |&penalty: &f64| match (penalty > 0.0).then(|| ridges.next()).flatten() {
        Some(coefficients) => Ok(fitted(coefficients, Vec::new())),
        None => least_squares::solve(problem)
            .map(|solution| fitted(solution.coefficients, solution.collinear)),
    };
    penalties.iter().map(fit).collect()
}

/// Lasso and elastic net, from the largest alpha to the smallest.
fn descent_path(problem: &Problem<'_>, params: &ValidLinear, alphas: &[f64]) -> Vec<FittedLinear> {
    let limits = Limits {
        tol: params.tol(),
        max_iter: params.max_iter(),
    };
    let mut order: Vec<usize> = (0..alphas.len()).collect();
    order.sort_by(|&a, &b| alphas[b].total_cmp(&alphas[a]));
    let mut start = Array1::zeros(problem.moments.features());
    let mut fits: Vec<(usize, FittedLinear)> = Vec::new();
    for place in order {
        let strength = alphas[place] * problem.moments.rows() as f64;
        let penalty = Penalty {
            absolute: strength * params.l1_ratio(),
            square: strength * (1.0 - params.l1_ratio()),
        };
        let (weights, convergence) = descent::descend(&problem.moments, penalty, limits, start);
        start = weights.clone();
        fits.push((
            place,
            FittedLinear {
                model: problem.moments.model(weights),
                convergence: Some(convergence),
                collinear: Vec::new(),
            },
        ));
    }
    fits.sort_by_key(|(place, _)| *place);
    fits.into_iter().map(|(_, fit)| fit).collect()
}
