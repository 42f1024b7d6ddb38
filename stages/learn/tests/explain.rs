//! Shapley values of trees against their definition, XGBoost and shap (`tests/reference/tree_shap.py` made the golden
//! values).

mod support;

use fastrand::Rng;
use hpipe_learn::explain::{ImportanceKind, TreeExplainer, ensemble_importance};
use hpipe_learn::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Precision, Tree};
use ndarray::{Array2, ArrayView1, Axis};
use serde_json::Value;
use support::forest::{random_ensemble, random_records, xgboost};
use support::{golden, number, numbers};

/// What a tree predicts when only the features of `known` are: the rest goes both ways, by covers.
fn value(tree: &Tree, place: usize, row: &[f64], known: usize) -> f64 {
    let split = match tree.node(place) {
        NodeView::Leaf { value } => return value,
        NodeView::Split(split) => split,
    };
    if known >> split.feature & 1 == 1 {
        let side = usize::from(!split.goes_left(row[split.feature]));
        return value(tree, split.left + side, row, known);
    }
    let covers = [0, 1].map(|side| f64::from(tree.cover(split.left + side)));
    let sides = [0, 1].map(|side| covers[side] * value(tree, split.left + side, row, known));
    (sides[0] + sides[1]) / (covers[0] + covers[1])
}

/// The same of an ensemble.
fn worth(ensemble: &Ensemble, row: &[f64], known: usize) -> f64 {
    let sum: f64 = ensemble
        .trees
        .iter()
        .map(|tree| value(tree, 0, row, known))
        .sum();
    match ensemble.aggregation {
        Aggregation::Sum => ensemble.base + sum,
        Aggregation::Mean => ensemble.base + sum / ensemble.trees.len() as f64,
    }
}

/// A row as the ensemble compares it.
fn compared(ensemble: &Ensemble, row: ArrayView1<'_, f64>) -> Vec<f64> {
    let single = ensemble.precision == Precision::Single;
    let values = row
        .iter()
        .map(|&x| if single { f64::from(x as f32) } else { x });
    values.collect()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

/// Shapley's definition: the mean over coalitions of what a feature adds.
fn shapley(ensemble: &Ensemble, row: &[f64], feature: usize) -> f64 {
    let n = row.len();
    let without = (0..1_usize << n).filter(|known| known >> feature & 1 == 0);
    let parts = without.map(|known| {
        let size = known.count_ones() as usize;
        let weight = factorial(size) * factorial(n - 1 - size) / factorial(n);
        weight * (worth(ensemble, row, known | 1 << feature) - worth(ensemble, row, known))
    });
    parts.sum()
}

/// The interaction index of two features, half of it.
fn interaction(ensemble: &Ensemble, row: &[f64], i: usize, j: usize) -> f64 {
    let n = row.len();
    let both = 1 << i | 1 << j;
    let without = (0..1_usize << n).filter(|known| known & both == 0);
    let parts = without.map(|known| {
        let size = known.count_ones() as usize;
        let weight = factorial(size) * factorial(n - 2 - size) / factorial(n - 1) / 2.0;
        let worth = |more: usize| worth(ensemble, row, known | more);
        weight * (worth(both) - worth(1 << i) - worth(1 << j) + worth(0))
    });
    parts.sum()
}

#[test]
fn values_are_those_of_the_definition() {
    for seed in 0..60 {
        let mut random = Rng::with_seed(seed);
        let features = 2 + random.usize(..5);
        let splits = random.usize(..16);
        let ensemble = random_ensemble(&mut random, features, 3, splits);
        let records = random_records(&mut random, 4, features);
        let explainer = TreeExplainer::new(&ensemble);
        let explained = explainer.explain(records.view());
        let interactions = explainer.interactions(records.view());
        for (place, row) in records.rows().into_iter().enumerate() {
            let row = compared(&ensemble, row);
            let nothing = worth(&ensemble, &row, 0);
            assert!((explained.expected - nothing).abs() < 1e-12, "seed {seed}");
            for i in 0..features {
                let (found, expect) = (explained.values[[place, i]], shapley(&ensemble, &row, i));
                assert!(
                    (found - expect).abs() < 1e-12,
                    "seed {seed}: {i} gives {found}, not {expect}"
                );
                for j in (0..features).filter(|&j| j != i) {
                    let found = interactions[[place, i, j]];
                    let expect = interaction(&ensemble, &row, i, j);
                    assert!(
                        (found - expect).abs() < 1e-12,
                        "seed {seed}: {i} {j} {found} {expect}"
                    );
                }
            }
        }
        let sums = interactions.sum_axis(Axis(2)) - &explained.values;
        assert!(
            sums.iter().all(|off| off.abs() < 1e-12),
            "seed {seed}: {sums}"
        );
    }
}

#[test]
fn values_add_up_to_predictions() {
    for seed in 0..40 {
        let mut random = Rng::with_seed(seed);
        let features = 1 + random.usize(..40);
        let splits = random.usize(..600);
        let ensemble = random_ensemble(&mut random, features, 5, splits);
        let records = random_records(&mut random, 70, features);
        let explained = TreeExplainer::new(&ensemble).explain(records.view());
        let sums = explained.values.sum_axis(Axis(1)) + explained.expected;
        for (sum, expect) in sums.iter().zip(ensemble.predict(records.view())) {
            assert!(
                (sum - expect).abs() <= 1e-9 * expect.abs().max(0.1),
                "seed {seed}: {sum} {expect}"
            );
        }
    }
}

#[test]
fn threads_and_neighbours_do_not_change_a_bit() {
    let mut random = Rng::with_seed(3);
    let ensemble = random_ensemble(&mut random, 7, 10, 40);
    let records = random_records(&mut random, 700, 7);
    let explainer = TreeExplainer::new(&ensemble);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads")
            .install(|| explainer.explain(records.view()).values)
    };
    let all = with(1);
    assert_eq!(all, with(3));
    let (_, some) = records.view().split_at(Axis(0), 333);
    let (_, expect) = all.view().split_at(Axis(0), 333);
    assert_eq!(explainer.explain(some).values, expect);
}

#[test]
fn a_forest_too_large_to_keep_its_programs_is_explained() {
    let mut random = Rng::with_seed(11);
    let mut forest = random_ensemble(&mut random, 5, 3, 90_000);
    forest.aggregation = Aggregation::Sum;
    let records = random_records(&mut random, 3, 5);
    let mut rest = TreeExplainer::new(&forest).explain(records.view()).values;
    let predictions = forest.predict(records.view());
    let expected = TreeExplainer::new(&forest).expected();
    for (sum, expect) in (rest.sum_axis(Axis(1)) + expected).iter().zip(predictions) {
        assert!((sum - expect).abs() <= 1e-9, "{sum} {expect}");
    }
    // one tree's program is kept
    for tree in &forest.trees {
        let trees = vec![tree.clone()];
        let one = Ensemble {
            trees,
            ..forest.clone()
        };
        rest -= &TreeExplainer::new(&one).explain(records.view()).values;
    }
    assert!(rest.iter().all(|off| off.abs() < 1e-12), "{rest}");
}

#[test]
fn trees_without_splits_or_covers_are_explained() {
    let mut bare = Tree::leaf(0.0, 0.0);
    let rule = hpipe_learn::tree::Rule::Below(0.5);
    let [left, _] = bare.split(0, (0, rule), true, 0.0, [1.0, 3.0], [0.0; 2]);
    bare.split(left, (0, rule), true, 0.0, [1.0, 8.0], [0.0; 2]);
    let ensemble = Ensemble {
        features: vec![FeatureKind::Numeric; 2],
        precision: Precision::Double,
        base: 1.0,
        aggregation: Aggregation::Sum,
        trees: vec![Tree::leaf(2.0, 1.0), bare],
    };
    let records = Array2::zeros((1, 2));
    let explained = TreeExplainer::new(&ensemble).explain(records.view());
    // halves: ½ · 3 + ¼ · 1 + ¼ · 8
    assert_eq!(explained.expected, 1.0 + 2.0 + 3.75);
    assert_eq!(explained.values, ndarray::array![[1.0 - 3.75, 0.0]]);
    let nothing = TreeExplainer::new(&ensemble).explain(Array2::zeros((0, 2)).view());
    assert_eq!(nothing.values.dim(), (0, 2));
}

const NUMERIC: FeatureKind = FeatureKind::Numeric;

fn golden_records(golden: &Value, features: usize) -> Array2<f64> {
    let rows = golden["rows"].as_array().expect("rows");
    Array2::from_shape_fn((rows.len(), features), |(i, j)| {
        rows[i][j].as_f64().unwrap_or(f64::NAN)
    })
}

/// The largest difference of what was found and a golden list.
fn off<'a>(found: impl IntoIterator<Item = &'a f64>, expect: &Value) -> f64 {
    let expect = numbers(expect);
    let off = found.into_iter().zip(&expect).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max)
}

#[test]
fn values_agree_with_xgboost() {
    let golden = golden("tree_shap.json");
    let expect = &golden["xgboost"];
    let records = golden_records(&golden, 6);
    let codes = FeatureKind::Categorical { levels: 70 };
    let ensemble = xgboost(
        expect,
        &[NUMERIC, NUMERIC, NUMERIC, NUMERIC, NUMERIC, codes],
    );
    // XGBoost computes in single precision
    let predicted = off(&ensemble.predict(records.view()), &expect["predictions"]);
    assert!(predicted < 2e-6, "{predicted}");
    let explainer = TreeExplainer::new(&ensemble);
    let explained = explainer.explain(records.view());
    let interactions = explainer.interactions(records.view());
    for (row, contributions) in expect["contributions"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        let found = off(explained.values.row(row), contributions);
        assert!(found < 4e-6, "row {row}: {found}");
        assert!((explained.expected - number(&contributions[6])).abs() < 4e-6);
    }
    for (row, planes) in expect["interactions"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        for i in 0..6 {
            let found = interactions.index_axis(Axis(0), row);
            let found = off(found.row(i), &planes[i]);
            assert!(found < 1e-5, "row {row}, feature {i}: {found}");
        }
    }
}

#[test]
fn importances_agree_with_xgboost() {
    let golden = golden("tree_shap.json");
    let expect = &golden["xgboost"];
    let ensemble = xgboost(expect, &[NUMERIC; 6]);
    for (name, kind) in [
        ("weight", ImportanceKind::Weight),
        ("gain", ImportanceKind::Gain),
        ("total_gain", ImportanceKind::TotalGain),
        ("cover", ImportanceKind::Cover),
        ("total_cover", ImportanceKind::TotalCover),
    ] {
        let found = ensemble_importance(&ensemble, kind);
        for (found, expect) in found.iter().zip(numbers(&expect["importance"][name])) {
            assert!(
                (found - expect).abs() <= 1e-5 * expect,
                "{name}: {found}, not {expect}"
            );
        }
    }
}

#[test]
fn values_agree_with_shap() {
    let golden = golden("tree_shap.json");
    let expect = &golden["shap"];
    let records = golden_records(&golden, 5);
    let ensemble = xgboost(expect, &[NUMERIC; 5]);
    let explainer = TreeExplainer::new(&ensemble);
    let explained = explainer.explain(records.view());
    let interactions = explainer.interactions(records.view());
    for (row, contributions) in expect["contributions"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        let found = off(explained.values.row(row), contributions);
        // covers of children add up to their parent's in single precision only; shap divides by the parent's
        assert!(found < 2e-6, "row {row}: {found}");
    }
    for (row, planes) in expect["interactions"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        for i in 0..5 {
            let found = interactions.index_axis(Axis(0), row);
            let found = off(found.row(i), &planes[i]);
            assert!(found < 2e-6, "row {row}, feature {i}: {found}");
        }
    }
}
