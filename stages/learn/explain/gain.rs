//! How much an ensemble uses its features, from the trees alone.

use crate::tree::{Ensemble, NodeView, Tree};

/// What counts as use. The names are XGBoost's, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportanceKind {
    /// Number of splits.
    Weight,
    /// Mean gain of a split.
    Gain,
    /// Sum of gains; as shares, `feature_importances_` of scikit-learn's gradient boosting.
    TotalGain,
    /// Mean cover of a split.
    Cover,
    /// Sum of covers.
    TotalCover,
    /// Mean over trees of a tree's shares of gain, trees without a split left out: `feature_importances_` of
    /// scikit-learn's decision tree and random forest, where gains are impurity decreases times covers.
    MeanShare,
}

/// How much `ensemble` uses each feature: `n_features` numbers, 0 for those it does not use.
///
/// In the unit of gains or covers; [`shares`] makes them add up to 1.
pub fn ensemble_importance(ensemble: &Ensemble, kind: ImportanceKind) -> Vec<f64> {
    let features = ensemble.features.len();
    if kind == ImportanceKind::MeanShare {
        return mean_share(ensemble);
    }
    let mut use_of = vec![Use::default(); features];
    for tree in &ensemble.trees {
        add(tree, &mut use_of);
    }
    use_of.iter().map(|used| used.of(kind)).collect()
}

/// Importances as shares of their sum; zeros stay zeros where nothing is used.
pub fn shares(mut importances: Vec<f64>) -> Vec<f64> {
    let sum: f64 = importances.iter().sum();
    if sum > 0.0 {
        importances.iter_mut().for_each(|x| *x /= sum);
    }
    importances
}

/// How a feature is used.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    splits: f64,
    gain: f64,
    cover: f64,
}

impl Use {
    fn of(&self, kind: ImportanceKind) -> f64 {
        let splits = self.splits.max(1.0);
        match kind {
            ImportanceKind::Weight => self.splits,
            ImportanceKind::Gain => self.gain / splits,
            ImportanceKind::Cover => self.cover / splits,
            ImportanceKind::TotalGain | ImportanceKind::MeanShare => self.gain,
            ImportanceKind::TotalCover => self.cover,
        }
    }
}

fn add(tree: &Tree, use_of: &mut [Use]) {
    for place in 0..tree.len() {
        if let NodeView::Split(split) = tree.node(place) {
            let used = &mut use_of[split.feature];
            used.splits += 1.0;
            used.gain += f64::from(split.gain);
            used.cover += f64::from(tree.cover(place));
        }
    }
}

fn mean_share(ensemble: &Ensemble) -> Vec<f64> {
    let mut sums = vec![0.0; ensemble.features.len()];
    for tree in &ensemble.trees {
        let mut use_of = vec![Use::default(); sums.len()];
        add(tree, &mut use_of);
        let gains = use_of.iter().map(|used| used.gain).collect();
        for (sum, share) in sums.iter_mut().zip(shares(gains)) {
            *sum += share;
        }
    }
    shares(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Aggregation, FeatureKind, Precision, Rule};

    #[test]
    fn counts_sums_and_means() {
        let mut large = Tree::leaf(0.0, 10.0);
        let [left, _] = large.split(0, (2, Rule::Below(0.0)), true, 6.0, [0.0; 2], [4.0, 6.0]);
        large.split(left, (0, Rule::Below(1.0)), true, 2.0, [0.0; 2], [1.0, 3.0]);
        let mut small = Tree::leaf(0.0, 10.0);
        small.split(0, (0, Rule::Below(0.0)), true, 1.0, [0.0; 2], [5.0; 2]);
        let ensemble = Ensemble {
            features: vec![FeatureKind::Numeric; 3],
            precision: Precision::Single,
            base: 0.0,
            aggregation: Aggregation::Sum,
            trees: vec![large, small, Tree::leaf(1.0, 10.0)],
        };
        let check =
            |kind, expect: [f64; 3]| assert_eq!(ensemble_importance(&ensemble, kind), expect);
        check(ImportanceKind::Weight, [2.0, 0.0, 1.0]);
        check(ImportanceKind::TotalGain, [3.0, 0.0, 6.0]);
        check(ImportanceKind::Gain, [1.5, 0.0, 6.0]);
        check(ImportanceKind::Cover, [7.0, 0.0, 10.0]);
        check(ImportanceKind::TotalCover, [14.0, 0.0, 10.0]);
        check(ImportanceKind::MeanShare, [0.625, 0.0, 0.375]);
        assert_eq!(shares(vec![3.0, 0.0, 6.0]), [1.0 / 3.0, 0.0, 2.0 / 3.0]);
        assert_eq!(shares(vec![0.0; 2]), [0.0; 2]);
    }
}
