//! Scores of predictions against the truth, as scikit-learn defines them.

use serde::{Deserialize, Serialize};

use crate::statistics::{self, Sorted};

/// The scores of one model on one set of rows. Errors are in the target's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scores {
    /// Number of rows.
    pub(crate) rows: usize,
    /// Root of the mean squared error.
    pub(crate) rmse: f64,
    /// Mean absolute error.
    pub(crate) mae: f64,
    /// The fraction of the target's variance that is explained; none where the target is constant.
    pub(crate) r2: Option<f64>,
    /// Mean of |error| / |target|, a fraction; none where a target is 0.
    pub(crate) mape: Option<f64>,
    /// The largest absolute error.
    pub(crate) max_error: f64,
    /// The median absolute error.
    pub(crate) median_absolute_error: f64,
}

/// The names of the scores, as options and reports know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Score {
    /// [`Scores::rmse`].
    Rmse,
    /// [`Scores::mae`].
    Mae,
    /// [`Scores::r2`].
    R2,
    /// [`Scores::mape`].
    Mape,
    /// [`Scores::max_error`].
    MaxError,
    /// [`Scores::median_absolute_error`].
    MedianAbsoluteError,
}

impl Score {
    /// Every score, in the order of tables.
    pub(crate) const ALL: [Self; 6] = [
        Self::Rmse,
        Self::Mae,
        Self::R2,
        Self::Mape,
        Self::MaxError,
        Self::MedianAbsoluteError,
    ];

    /// The word for this score.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::R2 => "r2",
            Self::Mape => "mape",
            Self::MaxError => "max_error",
            Self::MedianAbsoluteError => "median_absolute_error",
        }
    }

    /// Whether it is in the target's unit.
    pub(crate) const fn has_unit(self) -> bool {
        !matches!(self, Self::R2 | Self::Mape)
    }

    /// The score itself, or its negative: greater where predictions are better.
    pub(crate) fn goodness(self, value: f64) -> f64 {
        if self.larger_is_better() {
            value
        } else {
            -value
        }
    }

    /// Whether a larger one is a better one.
    pub(crate) const fn larger_is_better(self) -> bool {
        matches!(self, Self::R2)
    }
}

impl Scores {
    /// The scores of `predicted` against `actual`, row by row; all 0 of no rows.
    pub(crate) fn new(actual: &[f64], predicted: &[f64]) -> Self {
        let errors: Vec<f64> = actual.iter().zip(predicted).map(|(y, p)| y - p).collect();
        let squares: Vec<f64> = errors.iter().map(|e| e * e).collect();
        let absolute: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        let (_, deviation) = statistics::mean_and_deviation(actual);
        let mean_square = statistics::mean(&squares);
        let relative: Vec<f64> = absolute
            .iter()
            .zip(actual)
            .map(|(e, y)| e / y.abs())
            .collect();
        let no_zero = actual.iter().all(|y| *y != 0.0);
        let mean_absolute = statistics::mean(&absolute);
        let sorted = Sorted::new(absolute);
        Self {
            rows: actual.len(),
            rmse: mean_square.sqrt(),
            mae: mean_absolute,
            r2: (deviation > 0.0).then(|| 1.0 - mean_square / (deviation * deviation)),
            mape: no_zero.then(|| statistics::mean(&relative)),
            max_error: sorted.max().unwrap_or(0.0),
            median_absolute_error: sorted.median().unwrap_or(0.0),
        }
    }

    /// The score called `score`.
    pub(crate) const fn get(&self, score: Score) -> Option<f64> {
        match score {
            Score::Rmse => Some(self.rmse),
            Score::Mae => Some(self.mae),
            Score::R2 => self.r2,
            Score::Mape => self.mape,
            Score::MaxError => Some(self.max_error),
            Score::MedianAbsoluteError => Some(self.median_absolute_error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scikit_learn() {
        // sklearn.metrics 1.9.1 on y = [3, -0.5, 2, 7], p = [2.5, 0, 2, 8]
        let scores = Scores::new(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]);
        let expect = [
            (Score::Rmse, 0.612_372_435_695_794_5),
            (Score::Mae, 0.5),
            (Score::R2, 0.948_608_137_044_967_9),
            (Score::Mape, 0.327_380_952_380_952_4),
            (Score::MaxError, 1.0),
            (Score::MedianAbsoluteError, 0.5),
        ];
        for (score, expect) in expect {
            let found = scores.get(score).expect("defined");
            assert!((found - expect).abs() < 1e-14, "{score:?} {found}");
        }
    }

    #[test]
    fn what_is_undefined_is_none() {
        let one = Scores::new(&[2.0], &[1.5]);
        assert_eq!((one.rows, one.r2, one.mape), (1, None, Some(0.25)));
        assert_eq!(Scores::new(&[0.0, 1.0], &[0.0, 1.0]).mape, None);
        assert_eq!(Scores::new(&[], &[]).rmse, 0.0);
    }
}
