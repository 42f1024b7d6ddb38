//! Permutation importance: how a score falls when a feature's values are shuffled among the rows (Breiman 2001).
//!
//! Defined as in scikit-learn. The shuffles are drawn once and are the same for every feature; a thread has one copy of
//! the records, in which it shuffles a column, scores, and puts the column back.

use linfa::ParamGuard;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;

use crate::random::{Draws, Purpose};

/// How to shuffle, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct PermutationParams(ValidPermutation);

/// How to shuffle, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidPermutation {
    repeats: usize,
    seed: u64,
}

/// How scores fall.
#[derive(Debug, Clone, PartialEq)]
pub struct PermutationImportance {
    /// The score of the records as they are.
    pub baseline: f64,
    /// The baseline less the score after each shuffle, `n_features × n_repeats`.
    pub falls: Array2<f64>,
}

/// Why there is no importance.
#[derive(Debug, thiserror::Error)]
pub enum PermutationError {
    /// Without repeats there is no mean.
    #[error("the number of repeats must be at least 1")]
    NoRepeats,
    /// As many targets as rows are needed.
    #[error("there are {rows} rows and {targets} targets")]
    Shapes {
        /// Rows of the records.
        rows: usize,
        /// Number of targets.
        targets: usize,
    },
}

impl PermutationParams {
    /// Five repeats, as scikit-learn.
    pub fn new(seed: u64) -> Self {
        Self(ValidPermutation { repeats: 5, seed })
    }

    /// Sets how often each feature is shuffled.
    pub fn repeats(mut self, repeats: usize) -> Self {
        self.0.repeats = repeats;
        self
    }
}

impl ParamGuard for PermutationParams {
    type Checked = ValidPermutation;
    type Error = PermutationError;

    fn check_ref(&self) -> Result<&ValidPermutation, PermutationError> {
        if self.0.repeats == 0 {
            return Err(PermutationError::NoRepeats);
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<ValidPermutation, PermutationError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl ValidPermutation {
    /// The importance of each feature of `records` (`n_rows × n_features`) for predicting `targets`.
    ///
    /// `predict` gives a prediction a row; `score` of targets and predictions is greater where they agree better (give an
    /// error with a minus). Predicts `n_features · n_repeats + 1` times, on all cores; equal seeds give equal bits,
    /// whatever their number.
    ///
    /// # Errors
    /// [`PermutationError::Shapes`].
    pub fn importance(
        &self,
        records: ArrayView2<'_, f64>,
        targets: &[f64],
        predict: impl Fn(ArrayView2<'_, f64>) -> Vec<f64> + Sync,
        score: impl Fn(&[f64], &[f64]) -> f64 + Sync,
    ) -> Result<PermutationImportance, PermutationError> {
        let (rows, features) = records.dim();
        if rows != targets.len() {
            let targets = targets.len();
            return Err(PermutationError::Shapes { rows, targets });
        }
        let shuffles = self.shuffles(rows);
        let baseline = score(targets, &predict(records));
        let mut falls = Array2::zeros((features, self.repeats));
        let share = features.div_ceil(rayon::current_num_threads()).max(1);
        falls
            .axis_chunks_iter_mut(Axis(0), share)
            .into_par_iter()
            .enumerate()
            .for_each(|(chunk, mut falls)| {
                let mut shuffled = records.to_owned();
                for (place, mut falls) in falls.rows_mut().into_iter().enumerate() {
                    let feature = chunk * share + place;
                    for (fall, shuffle) in falls.iter_mut().zip(&shuffles) {
                        assign(&mut shuffled, &records, feature, shuffle);
                        *fall = baseline - score(targets, &predict(shuffled.view()));
                    }
                    shuffled
                        .column_mut(feature)
                        .assign(&records.column(feature));
                }
            });
        Ok(PermutationImportance { baseline, falls })
    }

    /// Orders of the rows (Fisher and Yates).
    fn shuffles(&self, rows: usize) -> Vec<Vec<u32>> {
        let shuffle = |repeat| {
            let mut order: Vec<u32> = (0..rows as u32).collect();
            Draws::new(self.seed, Purpose::Shuffle, repeat).bring_forward(&mut order, rows);
            order
        };
        (0..self.repeats as u64).map(shuffle).collect()
    }
}

impl PermutationImportance {
    /// The mean fall of each feature.
    pub fn means(&self) -> Array1<f64> {
        self.falls.sum_axis(Axis(1)) / self.falls.ncols() as f64
    }

    /// The standard deviation of each feature's falls, divided by the number of repeats.
    pub fn deviations(&self) -> Array1<f64> {
        self.falls.std_axis(Axis(1), 0.0)
    }
}

/// Puts the values of a column of `from` into `to`, in another order.
fn assign(to: &mut Array2<f64>, from: &ArrayView2<'_, f64>, feature: usize, order: &[u32]) {
    let from = from.column(feature);
    for (to, &row) in to.column_mut(feature).iter_mut().zip(order) {
        *to = from[row as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn importance(threads: usize, seed: u64) -> PermutationImportance {
        let records = Array2::from_shape_fn((200, 3), |(i, j)| ((i * (j + 2)) as f64).sin());
        let predict = |records: ArrayView2<'_, f64>| {
            let rows = records.rows().into_iter();
            rows.map(|row| 3.0 * row[0] + row[2]).collect::<Vec<_>>()
        };
        let targets = predict(records.view());
        let score = |actual: &[f64], predicted: &[f64]| {
            let squares = actual.iter().zip(predicted).map(|(a, p)| (a - p).powi(2));
            -squares.sum::<f64>() / actual.len() as f64
        };
        let params = PermutationParams::new(seed)
            .repeats(20)
            .check()
            .expect("valid");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads")
            .install(|| params.importance(records.view(), &targets, predict, score))
            .expect("importances")
    }

    #[test]
    fn the_mean_fall_is_twice_the_variance_of_what_a_feature_adds() {
        let found = importance(1, 7);
        assert_eq!(found.baseline, 0.0);
        // for the mean squared error the expected fall is 2 · variance · coefficient²; a sine's variance is ½
        let means = found.means();
        assert!(
            (means[0] - 9.0).abs() < 0.6 && (means[2] - 1.0).abs() < 0.1,
            "{means}"
        );
        assert_eq!((means[1], found.deviations()[1]), (0.0, 0.0));
        assert!(found.deviations()[0] > 0.1 && found.deviations()[0] < 1.0);
    }

    #[test]
    fn equal_seeds_give_equal_bits_whatever_the_threads() {
        assert_eq!(importance(1, 1), importance(3, 1));
        assert_ne!(importance(1, 1), importance(1, 2));
    }

    #[test]
    fn nothing_to_shuffle_is_refused() {
        let error = PermutationParams::new(0)
            .repeats(0)
            .check()
            .expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the number of repeats must be at least 1"
        );
        let records = Array2::zeros((2, 1));
        let valid = PermutationParams::new(0).check().expect("valid");
        let found = valid.importance(records.view(), &[1.0], |_| vec![], |_, _| 0.0);
        assert_eq!(
            found.expect_err("refused").to_string(),
            "there are 2 rows and 1 targets"
        );
    }
}
