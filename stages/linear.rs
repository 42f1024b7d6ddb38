//! Linear models of tables: what the options say of them, and predictions column by column.
//!
//! The models and their solvers are `hpipe_learn::linear`.

mod params;

pub(crate) use hpipe_learn::linear::{
    Convergence, FittedLinear, LinearError, LinearKind, LinearModel, ValidLinear,
};
pub(crate) use params::{Hyperparameters, hyperparameters};

use linfa::traits::Fit;

use crate::error::Error;
use crate::matrix::Dataset;
use crate::table::Table;

/// Fits the model that `params` describe.
///
/// # Errors
/// [`Error::NothingToFit`] without rows; [`Error::Numerical`] when the solver finds no solution in floating point.
pub(crate) fn fit(params: &ValidLinear, dataset: &Dataset) -> Result<FittedLinear, Error> {
    params.fit(dataset).map_err(|error| match error {
        LinearError::NoRows => Error::NothingToFit("rows"),
        other => Error::Numerical(other.to_string()),
    })
}

/// The prediction for every row of `table`, whose columns `features` are the model's, in its order.
///
/// # Errors
/// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::MissingValue`], [`Error::NotFinite`].
pub(crate) fn predict(
    model: &LinearModel,
    table: &Table,
    features: &[String],
) -> Result<Vec<f64>, Error> {
    let mut predictions = vec![model.intercept; table.rows()];
    for (name, coefficient) in features.iter().zip(&model.coefficients) {
        let column = table.column(name)?.finite()?;
        for (prediction, x) in predictions.iter_mut().zip(column) {
            *prediction += coefficient * x;
        }
    }
    Ok(predictions)
}
