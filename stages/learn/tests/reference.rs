//! Tree learners against scikit-learn and XGBoost: `tests/reference/trees.py` says on what, and made the golden values.
//!
//! Tolerances: a threshold must part single-precision numbers as scikit-learn's does, to the last one; values of leaves 1e-12
//! relative; predictions of first-order boosting 1e-9; of XGBoost, which computes in single precision, 1e-5.

use hpipe_learn::binned::Binning;
use hpipe_learn::decision_tree::{DecisionTree, Splitter};
use hpipe_learn::gradient_boosting::{GradientBoosting, Loss};
use hpipe_learn::tree::{NodeView, Rule, Tree};
use hpipe_learn::xgboost::{GrowPolicy, XgBoost};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

type Data = DatasetBase<Array2<f64>, Array1<f64>>;

fn golden() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/trees.json"
    );
    let text = std::fs::read_to_string(path).expect("the golden values");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

/// The matrix of a case.
fn matrix(golden: &Value, case: &Value) -> Data {
    let name = case["matrix"].as_str().expect("a name");
    if name == "housing" {
        return housing();
    }
    let matrix = &golden["matrices"][name];
    let rows: Vec<Vec<f64>> = matrix["records"]
        .as_array()
        .expect("rows")
        .iter()
        .map(numbers)
        .collect();
    let records = Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| {
        rows[row][column]
    });
    DatasetBase::new(records, Array1::from(numbers(&matrix["targets"])))
}

/// Every twentieth row of the committed table.
fn housing() -> Data {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/raw/california_housing.csv"
    );
    let text = std::fs::read_to_string(path).expect("the committed table");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .step_by(20)
        .map(|line| {
            line.split(',')
                .map(|cell| cell.parse().expect("a number"))
                .collect()
        })
        .collect();
    let records = Array2::from_shape_fn((rows.len(), 8), |(row, column)| rows[row][column]);
    DatasetBase::new(records, rows.iter().map(|row| row[8]).collect())
}

fn tree(params: &Value, data: &Data, splitter: Splitter) -> Tree {
    let count = |name: &str| params[name].as_u64();
    let params = DecisionTree::params()
        .splitter(splitter)
        .max_depth(count("max_depth").map(|depth| depth as u32))
        .min_samples_leaf(count("min_samples_leaf").unwrap_or(1) as u32)
        .min_samples_split(count("min_samples_split").unwrap_or(2) as u32)
        .max_leaf_nodes(count("max_leaf_nodes").map(|leaves| leaves as usize));
    params.fit(data).expect("a tree").ensemble.trees.remove(0)
}

fn predictions(tree: &Tree, data: &Data) -> Vec<f64> {
    let rows = data.records.rows().into_iter();
    rows.map(|row| tree.value(tree.leaf_of(|feature| f64::from(row[feature] as f32))))
        .collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &Value) {
    assert_eq!(found.len(), expected.len());
    for (row, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * b.abs().max(1.0),
            "row {row} of {what}: {a} is not {b}"
        );
    }
}

/// Walks down both trees at once with the rows that come by: they must part in the same way everywhere.
///
/// Where several features part them in that way scikit-learn takes a random one, perhaps with the sides swapped; so
/// the features may differ. Where they do not, the thresholds must agree.
fn assert_same(
    tree: &Tree,
    place: usize,
    golden: &Value,
    node: usize,
    data: &Data,
    rows: &[usize],
) -> usize {
    let number = |name: &str| golden[name][node].as_f64().expect("a number");
    let split = match tree.node(place) {
        NodeView::Leaf { value } => {
            assert_eq!(number("left"), -1.0, "node {node} is no leaf there");
            let expected = number("value");
            assert!(
                (value - expected).abs() <= 1e-12 * expected.abs().max(1.0),
                "{value} is not {expected}"
            );
            return 1;
        }
        NodeView::Split(split) => split,
    };
    let seen = |row: usize, feature: usize| data.records[[row, feature]] as f32;
    let (feature, threshold) = (number("feature") as usize, number("threshold"));
    let missing_left = golden["missing_left"][node].as_bool().expect("a truth");
    let (left, right): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|&&row| split.goes_left(seen(row, split.feature).into()));
    let golden_left = rows.iter().filter(|&&row| {
        let value = seen(row, feature);
        if value.is_nan() {
            missing_left
        } else {
            f64::from(value) <= threshold
        }
    });
    let golden_left: Vec<usize> = golden_left.copied().collect();
    let is_swapped = golden_left == right;
    assert!(
        golden_left == left || is_swapped,
        "the rows of node {node} part differently"
    );
    if feature == split.feature {
        let Rule::Below(ours) = split.rule else {
            panic!("a set of codes")
        };
        // `x <= threshold` there is `x < ours` here
        let ours = ours as f32;
        let agrees = f64::from(ours) > threshold && f64::from(ours.next_down()) <= threshold;
        // above all values there is infinity there
        assert!(
            agrees || (threshold.is_infinite() && ours == f32::MAX),
            "node {node}: {ours} is not {threshold}"
        );
    }
    let [first, second] = if is_swapped {
        ["right", "left"]
    } else {
        ["left", "right"]
    };
    1 + assert_same(
        tree,
        split.left,
        golden,
        number(first) as usize,
        data,
        &left,
    ) + assert_same(
        tree,
        split.left + 1,
        golden,
        number(second) as usize,
        data,
        &right,
    )
}

#[test]
fn exact_trees_are_scikit_learns() {
    let golden = golden();
    for case in golden["trees"].as_array().expect("cases") {
        let data = matrix(&golden, case);
        let tree = tree(&case["params"], &data, Splitter::Exact);
        assert_close(
            &predictions(&tree, &data),
            &numbers(&case["predictions"]),
            1e-12,
            &case["params"],
        );
        let rows: Vec<usize> = (0..data.records.nrows()).collect();
        let nodes = assert_same(&tree, 0, case, 0, &data, &rows);
        assert_eq!(nodes, case["feature"].as_array().expect("nodes").len());
    }
}

#[test]
fn histogram_trees_are_exact_trees_where_every_value_has_a_bin() {
    let golden = golden();
    for name in ["plain", "missing"] {
        let data = matrix(&golden, &serde_json::json!({ "matrix": name }));
        for params in [
            serde_json::json!({}),
            serde_json::json!({"max_depth": 3}),
            serde_json::json!({"max_leaf_nodes": 17, "min_samples_leaf": 2}),
        ] {
            let exact = tree(&params, &data, Splitter::Exact);
            let histogram = tree(&params, &data, Splitter::Histogram);
            assert_eq!(exact.len(), histogram.len(), "{name} {params}");
            for place in 0..exact.len() {
                assert_eq!(exact.cover(place), histogram.cover(place));
                match (exact.node(place), histogram.node(place)) {
                    (NodeView::Split(a), NodeView::Split(b)) => {
                        assert_eq!(
                            (a.feature, a.missing_left, a.gain),
                            (b.feature, b.missing_left, b.gain)
                        );
                    }
                    (a, b) => assert_eq!(a, b),
                }
            }
            assert_eq!(predictions(&exact, &data), predictions(&histogram, &data));
        }
    }
}

#[test]
fn first_order_boosting_is_scikit_learns() {
    let golden = golden();
    for case in golden["boosters"].as_array().expect("cases") {
        let mut data = matrix(&golden, case);
        let params = &case["params"];
        if let Some(features) = params["features"].as_u64() {
            data.records = data
                .records
                .select(Axis(1), &(0..features as usize).collect::<Vec<_>>());
        }
        let alpha = params["alpha"].as_f64().unwrap_or(0.9);
        let loss = match params["loss"].as_str() {
            Some("absolute_error") => Loss::AbsoluteError,
            Some("huber") => Loss::Huber { alpha },
            Some("quantile") => Loss::Quantile { alpha },
            _ => Loss::SquaredError,
        };
        let leaves = params["max_leaf_nodes"]
            .as_u64()
            .map(|leaves| leaves as usize);
        let model = GradientBoosting::params()
            .n_estimators(25)
            .loss(loss)
            .max_leaf_nodes(leaves)
            .max_depth(if leaves.is_some() { None } else { Some(3) })
            .min_samples_leaf(params["min_samples_leaf"].as_u64().unwrap_or(1) as u32)
            .fit(&data)
            .expect("a model");
        let found = model.try_predict(data.records.view()).expect("predictions");
        assert_close(&found, &numbers(&case["predictions"]), 1e-9, params);
        assert_close(
            &model.history.train,
            &numbers(&case["train_score"]),
            1e-9,
            params,
        );
    }
}

#[test]
fn second_order_boosting_is_xgboosts() {
    let golden = golden();
    for case in golden["xgboost"].as_array().expect("cases") {
        let data = matrix(&golden, case);
        let params = &case["params"];
        let number = |name: &str, default: f64| params[name].as_f64().unwrap_or(default);
        let is_guided = params["grow_policy"] == "lossguide";
        let constraints = params["monotone_constraints"].as_array();
        let categorical = if case["matrix"] == "categories" {
            vec![0, 1]
        } else {
            Vec::new()
        };
        let model = XgBoost::params()
            .n_estimators(10)
            .max_depth(match params["max_depth"].as_u64() {
                Some(0) => None,
                depth => Some(depth.unwrap_or(6) as u32),
            })
            .max_leaves(params["max_leaves"].as_u64().map(|leaves| leaves as usize))
            .grow_policy(if is_guided {
                GrowPolicy::Lossguide
            } else {
                GrowPolicy::Depthwise
            })
            .reg_lambda(number("reg_lambda", 1.0))
            .reg_alpha(number("reg_alpha", 0.0))
            .gamma(number("gamma", 0.0))
            .min_child_weight(number("min_child_weight", 1.0))
            .base_score(params["base_score"].as_f64())
            .monotone_constraints(constraints.map_or(Vec::new(), |list| {
                list.iter()
                    .map(|value| value.as_i64().expect("-1, 0 or 1") as i8)
                    .collect()
            }))
            .binning(Binning {
                categorical,
                ..Binning::default()
            })
            .fit(&data)
            .expect("a model");
        let found = model.try_predict(data.records.view()).expect("predictions");
        assert_close(&found, &numbers(&case["predictions"]), 1e-5, params);
    }
}
