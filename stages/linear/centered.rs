//! A dataset whose columns and target have mean 0, and the way back.

use ndarray::{Array1, Array2, Axis};

use super::LinearModel;
use crate::matrix::Dataset;
use crate::statistics;

/// A dataset to fit without an intercept.
pub(super) struct Centered {
    /// `n_rows × n_features`, column-major; of column mean 0 when an intercept is wanted.
    pub(super) records: Array2<f64>,
    /// `n_rows`; of mean 0 when an intercept is wanted.
    pub(super) targets: Array1<f64>,
    record_means: Array1<f64>,
    target_mean: f64,
}

impl Centered {
    /// Subtracts the means, or, when no intercept is wanted, nothing.
    pub(super) fn new(dataset: &Dataset, fit_intercept: bool) -> Self {
        let mean = |column: &[f64]| {
            if fit_intercept {
                statistics::mean(column)
            } else {
                0.0
            }
        };
        let mut records = dataset.records.clone();
        let mut targets = dataset.targets.clone();
        let record_means: Array1<f64> = records
            .axis_iter(Axis(1))
            .map(|column| mean(&column.to_vec()))
            .collect();
        let target_mean = mean(&targets.to_vec());
        records -= &record_means;
        targets -= target_mean;
        Self {
            records,
            targets,
            record_means,
            target_mean,
        }
    }

    /// The model of the dataset as it was, from the coefficients of the centred one.
    pub(super) fn model(&self, coefficients: Array1<f64>) -> LinearModel {
        LinearModel {
            intercept: self.target_mean - self.record_means.dot(&coefficients),
            coefficients: coefficients.to_vec(),
        }
    }
}
