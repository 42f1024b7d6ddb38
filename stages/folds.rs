//! Rows dealt to folds, so that every row is once measured by a model that was not fitted on it.

use crate::shuffle::Generator;

/// A fold: the rows to fit on, and those to measure on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    /// In ascending order.
    pub(crate) fit: Vec<usize>,
    /// In ascending order.
    pub(crate) measure: Vec<usize>,
}

/// The fold of each of `rows` rows, dealt to `count` folds (at least 1) whose sizes differ by one at most.
pub(crate) fn fold_of(rows: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    Generator::new(seed).shuffle(&mut order);
    let mut fold_of = vec![0; rows];
    for (place, &row) in order.iter().enumerate() {
        fold_of[row] = place % count;
    }
    fold_of
}

/// Deals `rows` rows to `count` folds, whose sizes differ by one at most; `seed` says which row goes where.
///
/// Folds without rows are left out: there are never more of them than rows.
pub(crate) fn deal(rows: usize, count: usize, seed: u64) -> Vec<Fold> {
    let fold_of = fold_of(rows, count, seed);
    let fold = |number: usize| {
        let (measure, fit) = (0..rows).partition(|&row| fold_of[row] == number);
        Fold { fit, measure }
    };
    (0..count.min(rows)).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_measured_once() {
        let folds = deal(11, 3, 7);
        let sizes: Vec<usize> = folds.iter().map(|fold| fold.measure.len()).collect();
        assert_eq!(sizes, [4, 4, 3]);
        let mut measured: Vec<usize> = folds.iter().flat_map(|f| f.measure.clone()).collect();
        measured.sort_unstable();
        assert_eq!(measured, (0..11).collect::<Vec<_>>());
        for fold in &folds {
            assert_eq!(fold.fit.len() + fold.measure.len(), 11);
            assert!(fold.fit.iter().all(|row| !fold.measure.contains(row)));
        }
        assert_eq!(folds, deal(11, 3, 7));
        assert_ne!(folds, deal(11, 3, 8));
        assert_eq!(deal(2, 5, 0).len(), 2);
    }
}
