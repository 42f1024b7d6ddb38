//! The split of every node is the best there is: all splits are tried by brute force, on random small matrices.

use hpipe_learn::binned::Binning;
use hpipe_learn::decision_tree::{DecisionTree, Splitter};
use hpipe_learn::tree::{NodeView, Tree};
use hpipe_learn::xgboost::XgBoost;
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use proptest::prelude::*;

/// Records of few distinct values, some missing, codes in the last column, and targets.
fn data() -> impl Strategy<Value = DatasetBase<Array2<f64>, Array1<f64>>> {
    let value = prop_oneof![8 => (0..9_i32).prop_map(f64::from), 1 => Just(f64::NAN)];
    let row = (value.clone(), value.clone(), value, -20..20_i32);
    prop::collection::vec(row, 2..40).prop_map(|rows| {
        let records = Array2::from_shape_fn((rows.len(), 3), |(row, column)| {
            [rows[row].0, rows[row].1 / 8.0, rows[row].2][column]
        });
        DatasetBase::new(records, rows.iter().map(|row| f64::from(row.3)).collect())
    })
}

/// The same data, its targets moved apart by less than a half, so that no two codes have one mean.
///
/// Codes of equal means stand in any order, and where a side must have so many rows the order decides what can be cut.
fn apart(mut data: DatasetBase<Array2<f64>, Array1<f64>>) -> DatasetBase<Array2<f64>, Array1<f64>> {
    for (row, target) in data.targets.iter_mut().enumerate() {
        *target += (row as f64).powi(2).sin() / 4.0;
    }
    data
}

/// How rows are scored: `G² / (H + λ)`, on targets less their mean.
struct Scored {
    centered: Vec<f64>,
    lambda: f64,
    least: usize,
}

impl Scored {
    fn score(&self, rows: &[usize]) -> f64 {
        let sum: f64 = rows.iter().map(|&row| self.centered[row]).sum();
        sum * sum / (rows.len() as f64 + self.lambda)
    }

    fn gain(&self, rows: &[usize], left: &dyn Fn(usize) -> bool) -> f64 {
        let (a, b): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| left(row));
        if a.len() < self.least || b.len() < self.least {
            return f64::NEG_INFINITY;
        }
        self.score(&a) + self.score(&b) - self.score(rows)
    }

    /// The best gain of all thresholds and, in the last column, all sets of codes that are contiguous by mean.
    fn best(&self, records: &Array2<f64>, rows: &[usize], categorical: bool) -> f64 {
        let mut best = f64::NEG_INFINITY;
        for feature in 0..records.ncols() {
            let value = |row: usize| records[[row, feature]];
            let mut values: Vec<f64> = rows
                .iter()
                .map(|&row| value(row))
                .filter(|x| !x.is_nan())
                .collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            if categorical && feature == 2 {
                let mean = |code: f64| {
                    let of: Vec<usize> = rows
                        .iter()
                        .copied()
                        .filter(|&row| value(row) == code)
                        .collect();
                    of.iter().map(|&row| self.centered[row]).sum::<f64>()
                        / (of.len() as f64 + self.lambda)
                };
                values.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
            }
            for last in 0..values.len() {
                let left = &values[..=last];
                for missing_left in [false, true] {
                    let goes_left = |row: usize| {
                        if value(row).is_nan() {
                            missing_left
                        } else {
                            left.contains(&value(row))
                        }
                    };
                    best = best.max(self.gain(rows, &goes_left));
                }
            }
        }
        best
    }
}

/// Checks every node below `place`: its split gains what it says, no other gains more, and no leaf could be split.
fn check(
    tree: &Tree,
    place: usize,
    records: &Array2<f64>,
    rows: &[usize],
    scored: &Scored,
    categorical: bool,
) {
    let best = scored.best(records, rows, categorical);
    let tolerance = 1e-9 * (1.0 + best.abs());
    match tree.node(place) {
        NodeView::Leaf { .. } => assert!(best <= tolerance, "a leaf of {rows:?} could gain {best}"),
        NodeView::Split(split) => {
            let left =
                |row: usize| split.goes_left(f64::from(records[[row, split.feature]] as f32));
            let gain = scored.gain(rows, &left);
            assert!(
                (gain - best).abs() <= tolerance,
                "{gain} is not the best gain, {best}"
            );
            assert!(
                (gain - f64::from(split.gain)).abs() <= 1e-5 * (1.0 + gain),
                "{gain} is said to be {}",
                split.gain
            );
            assert_eq!(tree.cover(place), rows.len() as f32);
            let (a, b): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| left(row));
            check(tree, split.left, records, &a, scored, categorical);
            check(tree, split.left + 1, records, &b, scored, categorical);
        }
    }
}

fn scored(data: &DatasetBase<Array2<f64>, Array1<f64>>, lambda: f64, least: usize) -> Scored {
    let mean = data.targets.mean().expect("rows");
    Scored {
        centered: data.targets.iter().map(|y| y - mean).collect(),
        lambda,
        least,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn trees_take_the_best_split_everywhere(data in data(), least in 1..4_usize, exact in any::<bool>(), codes in any::<bool>()) {
        let categorical = codes && !exact;
        let data = if categorical && least > 1 { apart(data) } else { data };
        let params = DecisionTree::params()
            .splitter(if exact { Splitter::Exact } else { Splitter::Histogram })
            .min_samples_leaf(least as u32)
            .binning(Binning { categorical: if categorical { vec![2] } else { vec![] }, ..Binning::default() });
        let tree = params.fit(&data).expect("a tree").ensemble.trees.remove(0);
        let rows: Vec<usize> = (0..data.records.nrows()).collect();
        // fewer than four codes are tried one by one, which is not what this test tries
        let codes = data.records.column(2).iter().copied().fold(0.0, f64::max);
        prop_assume!(!categorical || codes >= 4.0);
        check(&tree, 0, &data.records, &rows, &scored(&data, 0.0, least), categorical);
    }

    #[test]
    fn boosters_take_the_best_split_everywhere(data in data(), lambda in 0.0..5.0_f64) {
        let params = XgBoost::params().n_estimators(1).max_depth(None).reg_lambda(lambda);
        let tree = params.fit(&data).expect("a model").ensemble.trees.remove(0);
        let rows: Vec<usize> = (0..data.records.nrows()).collect();
        check(&tree, 0, &data.records, &rows, &scored(&data, lambda, 1), false);
    }

    #[test]
    fn the_gain_decides_which_leaves_a_limited_tree_has(data in data(), leaves in 2..6_usize) {
        // best first: no leaf of the tree could gain more than the least split that was made on its way
        let params = DecisionTree::params().max_leaf_nodes(Some(leaves));
        let tree = params.fit(&data).expect("a tree").ensemble.trees.remove(0);
        prop_assert!(tree.leaves() <= leaves);
        let more = DecisionTree::params().max_leaf_nodes(Some(leaves + 1)).fit(&data).expect("a tree");
        let more = more.ensemble.trees[0].clone();
        let gains = |tree: &Tree| -> Vec<f32> {
            (0..tree.len()).filter_map(|place| match tree.node(place) {
                NodeView::Split(split) => Some(split.gain),
                NodeView::Leaf { .. } => None,
            }).collect()
        };
        let (few, many) = (gains(&tree), gains(&more));
        let mut rest = many.clone();
        for gain in &few {
            let place = rest.iter().position(|other| other == gain);
            prop_assert!(place.is_some(), "{few:?} are not among {many:?}");
            rest.remove(place.expect("checked"));
        }
        prop_assert!(rest.len() <= 1);
    }
}
