//! Linear models: ordinary least squares, ridge, lasso and elastic net.
//!
//! `alpha` and `l1_ratio` mean what they mean to scikit-learn, and coefficients agree with it (`tests/reference/`). Every
//! model is fitted on centred columns and a centred target, so that the intercept is never penalised; which solver
//! serves which model, and why, is `docs/decisions/004-linear-models.md`.

mod aliased;
mod centered;
mod gram;
mod params;
mod ridge;

pub(crate) use params::{Hyperparameters, LinearKind, ValidLinear};

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use self::centered::Centered;
use crate::error::Error;
use crate::matrix::Dataset;
use crate::table::Table;

/// A fitted linear model: the prediction is `intercept + Σ coefficient · feature`, in the target's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinearModel {
    /// The prediction where every feature is 0.
    pub(crate) intercept: f64,
    /// One a feature, in the order of the model's features.
    pub(crate) coefficients: Vec<f64>,
}

/// A fitted model and how the fit went.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) model: LinearModel,
    pub(crate) convergence: Option<Convergence>,
    /// Places of the features that are linear combinations of those before them, and so have coefficient 0.
    pub(crate) aliased: Vec<usize>,
}

/// How an iterative fit went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Convergence {
    /// Passes over all features.
    pub(crate) iterations: u32,
    /// How far the objective can still be from its minimum, in the scale of `½‖y − Xw‖²`.
    pub(crate) duality_gap: f64,
    /// Whether the gap is below `tol · ‖y‖²` of the centred target.
    pub(crate) converged: bool,
}

impl LinearModel {
    /// The prediction for every row of `table`, whose columns `features` are the model's, in its order.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::MissingValue`], [`Error::NotFinite`].
    pub(crate) fn predict(&self, table: &Table, features: &[String]) -> Result<Vec<f64>, Error> {
        let mut predictions = vec![self.intercept; table.rows()];
        for (name, coefficient) in features.iter().zip(&self.coefficients) {
            let column = table.column(name)?.finite()?;
            for (prediction, x) in predictions.iter_mut().zip(column) {
                *prediction += coefficient * x;
            }
        }
        Ok(predictions)
    }
}

/// Fits the model that `params` describe.
///
/// # Errors
/// [`Error::Numerical`] when the solver finds no solution in floating point.
pub(crate) fn fit(params: &ValidLinear, dataset: &Dataset) -> Result<Fitted, Error> {
    let centered = Centered::new(dataset, params.fit_intercept);
    match *params {
        ValidLinear { alpha: 0.0, .. } => least_squares(centered),
        // Without a penalty on absolute values the objective is ridge's, divided by twice the number of rows.
        ValidLinear {
            alpha,
            l1_ratio: 0.0,
            kind,
            ..
        } => {
            let rows = centered.records.nrows() as f64;
            let penalty = if kind == LinearKind::Ridge {
                alpha
            } else {
                alpha * rows
            };
            let coefficients = ridge::solve(&centered, penalty)?;
            Ok(Fitted {
                model: centered.model(coefficients),
                convergence: None,
                aliased: Vec::new(),
            })
        }
        _ => elastic_net(params, centered),
    }
}

/// Ordinary least squares by linfa's QR decomposition, of the features that are not combinations of others.
fn least_squares(centered: Centered) -> Result<Fitted, Error> {
    let features = centered.records.ncols();
    let aliased = aliased::columns(&centered.records);
    let kept: Vec<usize> = (0..features).filter(|i| !aliased.contains(i)).collect();
    let mut coefficients = Array1::zeros(features);
    if !kept.is_empty() {
        let records: Array2<f64> = centered.records.select(Axis(1), &kept);
        let dataset = DatasetBase::new(records, centered.targets.clone());
        let solved = LinearRegression::new()
            .with_intercept(false)
            .fit(&dataset)
            .map_err(|error| Error::Numerical(error.to_string()))?;
        for (&place, coefficient) in kept.iter().zip(solved.params()) {
            coefficients[place] = *coefficient;
        }
    }
    Ok(Fitted {
        model: centered.model(coefficients),
        convergence: None,
        aliased,
    })
}

/// Lasso and elastic net by linfa's coordinate descent, whose penalty and stopping rule are scikit-learn's.
fn elastic_net(params: &ValidLinear, centered: Centered) -> Result<Fitted, Error> {
    let scale = centered.targets.dot(&centered.targets);
    let dataset = DatasetBase::new(centered.records.view(), centered.targets.view());
    let solved = ElasticNet::params()
        .penalty(params.alpha)
        .l1_ratio(params.l1_ratio)
        .tolerance(params.tol)
        .max_iterations(params.max_iter)
        .with_intercept(false)
        .fit(&dataset)
        .map_err(|error| Error::Numerical(error.to_string()))?;
    let gap = solved.duality_gap();
    let convergence = Convergence {
        iterations: solved.n_steps(),
        duality_gap: gap,
        converged: gap <= params.tol * scale,
    };
    Ok(Fitted {
        model: centered.model(solved.hyperplane().clone()),
        convergence: Some(convergence),
        aliased: Vec::new(),
    })
}
