//! Learns to tell rows of two kinds apart, for whoever watches a model: a random forest of shallow trees.
//!
//! A forest takes columns as they are, whatever their scale, finds what only several of them say together, and knows which of
//! them told. Leaves of five rows and a depth of eight keep it from learning single rows by heart.

use hpipe_core::{Discriminated, Discriminator};
use hpipe_learn::error::Error;
use hpipe_learn::explain::{ImportanceKind, ensemble_importance, shares};
use hpipe_learn::history::Monitor;
use hpipe_learn::max_features::MaxFeatures;
use hpipe_learn::random_forest::RandomForest;
use linfa::ParamGuard;
use ndarray::{Array1, Array2};

/// Trees of the forest: a thousand rows take milliseconds, and its scores have few ties.
const TREES: usize = 60;

/// The forest behind the port.
pub struct Forest;

impl Discriminator for Forest {
    /// Nothing is said of rows that no forest can be grown on, such as those without columns.
    fn discriminate(
        &self,
        learned: &[Vec<f64>],
        is_second: &[bool],
        asked: &[Vec<f64>],
        seed: u64,
    ) -> Discriminated {
        told_apart(learned, is_second, asked, seed).unwrap_or_default()
    }
}

fn told_apart(
    learned: &[Vec<f64>],
    is_second: &[bool],
    asked: &[Vec<f64>],
    seed: u64,
) -> Result<Discriminated, Error> {
    let params = RandomForest::params()
        .n_estimators(TREES)
        .max_depth(Some(8))
        .min_samples_leaf(5)
        .max_features(MaxFeatures::Sqrt)
        .seed(seed)
        .check()?;
    let targets: Array1<f64> = is_second
        .iter()
        .map(|is_second| if *is_second { 1.0 } else { 0.0 })
        .collect();
    let records = matrix(learned);
    let forest = params.fit_watched(records.view(), targets.view(), None, Monitor::default())?;
    let importance = ensemble_importance(&forest.ensemble, ImportanceKind::Gain);
    Ok(Discriminated {
        scores: forest.try_predict(matrix(asked).view())?,
        importance: shares(importance),
    })
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    Array2::from_shape_fn((rows.len(), columns), |(row, column)| rows[row][column])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns, each uniform; of the second kind they agree, of the first they do not.
    #[test]
    fn what_only_two_columns_together_say_is_found() {
        let mut state = 3_u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 11) as f64 * 2.0_f64.powi(-53)
        };
        let mut row = |is_second: bool| {
            let (x, noise) = (unit(), unit());
            vec![x, if is_second { x } else { 1.0 - x }, noise]
        };
        let kinds: Vec<bool> = (0..400).map(|row| row % 2 == 0).collect();
        let learned: Vec<_> = kinds.iter().map(|kind| row(*kind)).collect();
        let asked: Vec<_> = kinds.iter().map(|kind| row(*kind)).collect();
        let told = Forest.discriminate(&learned, &kinds, &asked, 1);
        let right = kinds
            .iter()
            .zip(&told.scores)
            .filter(|(kind, score)| **kind == (**score > 0.5));
        assert!(right.count() > 340, "{told:?}");
        assert!(told.importance[2] < 0.2, "{:?}", told.importance);
        assert_eq!(told, Forest.discriminate(&learned, &kinds, &asked, 1));
        assert_eq!(
            Forest.discriminate(&[], &[], &[], 1),
            Discriminated::default()
        );
    }
}
