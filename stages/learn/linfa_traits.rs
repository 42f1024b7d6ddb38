//! linfa's traits for the fitted models of this crate: each is an [`Ensemble`](crate::tree::Ensemble) and how it came to be.

/// Implements `PredictInplace` for a model with a field `ensemble`, and its fallible twin.
macro_rules! predict {
    ($model:ty) => {
        impl $model {
            /// The predictions for `records` (`n_rows × n_features`, NaN where a value is missing), in the target's unit.
            ///
            /// # Errors
            /// [`Error::FeatureCount`](crate::error::Error::FeatureCount) when a feature is missing or one too many.
            pub fn try_predict(
                &self,
                records: ndarray::ArrayView2<'_, f64>,
            ) -> Result<Vec<f64>, crate::error::Error> {
                crate::predictor::Predictor::new(&self.ensemble).predict(records)
            }
        }

        impl<D: ndarray::Data<Elem = f64>>
            linfa::traits::PredictInplace<ndarray::ArrayBase<D, ndarray::Ix2>, ndarray::Array1<f64>>
            for $model
        {
            /// # Panics
            /// When the numbers of features or rows do not agree, as all models of linfa.
            fn predict_inplace(
                &self,
                records: &ndarray::ArrayBase<D, ndarray::Ix2>,
                targets: &mut ndarray::Array1<f64>,
            ) {
                match self.try_predict(records.view()) {
                    Ok(predictions) => targets.assign(&ndarray::Array1::from(predictions)),
                    Err(error) => panic!("failed to {error}"),
                }
            }

            fn default_target(
                &self,
                records: &ndarray::ArrayBase<D, ndarray::Ix2>,
            ) -> ndarray::Array1<f64> {
                ndarray::Array1::zeros(records.nrows())
            }
        }
    };
}

/// Implements linfa's `ParamGuard` for `Params(Valid)` whose `Valid` has a `check_ranges`, and `Fit` for `Valid`.
macro_rules! guard {
    ($params:ident, $valid:ident, $model:ident) => {
        impl linfa::ParamGuard for $params {
            type Checked = $valid;
            type Error = crate::error::Error;

            fn check_ref(&self) -> Result<&$valid, Self::Error> {
                self.0.check_ranges()?;
                Ok(&self.0)
            }

            fn check(self) -> Result<$valid, Self::Error> {
                self.check_ref()?;
                Ok(self.0)
            }
        }

        impl<D, T>
            linfa::traits::Fit<
                ndarray::ArrayBase<D, ndarray::Ix2>,
                ndarray::ArrayBase<T, ndarray::Ix1>,
                crate::error::Error,
            > for $valid
        where
            D: ndarray::Data<Elem = f64>,
            T: ndarray::Data<Elem = f64>,
        {
            type Object = $model;

            /// Fits to `n_rows × n_features` records and `n_rows` targets; weights of the dataset count if it has any.
            fn fit(
                &self,
                dataset: &linfa::DatasetBase<
                    ndarray::ArrayBase<D, ndarray::Ix2>,
                    ndarray::ArrayBase<T, ndarray::Ix1>,
                >,
            ) -> Result<$model, crate::error::Error> {
                let targets = dataset.targets.view();
                self.fit_records(dataset.records.view(), targets, dataset.weights())
            }
        }
    };
}

/// Implements the ways to a fit of trees that can be watched, for a `Valid` with a field `binning` and a `fit_binned`.
macro_rules! watched {
    ($valid:ident, $model:ident) => {
        impl $valid {
            /// How to cut a matrix into bins for these hyperparameters.
            pub fn binning(&self) -> &crate::binned::Binning {
                &self.binning
            }

            /// Fits to records (`n_rows × n_features`), watched by `monitor`.
            ///
            /// # Errors
            /// Those of [`Binned::new`](crate::binned::Binned::new) and [`Self::fit_binned`].
            pub fn fit_watched(
                &self,
                records: ndarray::ArrayView2<'_, f64>,
                targets: ndarray::ArrayView1<'_, f64>,
                weights: Option<&[f32]>,
                monitor: crate::history::Monitor<'_>,
            ) -> Result<$model, crate::error::Error> {
                let matrix = crate::binned::Binned::new(records, &self.binning)?;
                self.fit_binned(&matrix, targets, weights, monitor)
            }

            fn fit_records(
                &self,
                records: ndarray::ArrayView2<'_, f64>,
                targets: ndarray::ArrayView1<'_, f64>,
                weights: Option<&[f32]>,
            ) -> Result<$model, crate::error::Error> {
                let nobody = crate::history::Monitor::default();
                self.fit_watched(records, targets, weights, nobody)
            }
        }
    };
}

/// Writes setters of hyperparameters, which linfa's custom has on the unchecked ones.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $kind) -> Self {
                self.0.$name = $name;
                self
            }
        )*
    };
}

pub(crate) use {guard, predict, setters, watched};
