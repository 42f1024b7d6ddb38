//! Our learners and explanations beside scikit-learn and shap as they are installed now: the same models, the same values.
//!
//! `scikit_learn.py` runs in a virtual environment of its own, made once below the target folder. Without Python or a
//! network the test says loudly that it did not run; where `CI=true` is set it must run. What runs everywhere are the golden
//! values of `tests/reference` (`linear.rs`, `reference.rs`, `explain.rs`), on other rows and down to the last node.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test with other programs: it keeps files, asks whether it runs in CI, and says what it leaves out"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use hpipe_learn::decision_tree::{DecisionTree, Splitter};
use hpipe_learn::explain::{ImportanceKind, PermutationParams, TreeExplainer, ensemble_importance};
use hpipe_learn::gradient_boosting::{GradientBoosting, Loss};
use hpipe_learn::interchange::xgboost;
use hpipe_learn::learned::Learned;
use hpipe_learn::linear::{LinearKind, LinearParams};
use hpipe_learn::max_features::MaxFeatures;
use hpipe_learn::random_forest::RandomForest;
use hpipe_learn::tree::Ensemble;
use hpipe_learn::xgboost::XgBoost;
use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};
use serde_json::{Value, json};
use support::{number, numbers};

#[path = "../../../tests/support/peers.rs"]
mod peers;

/// What is installed: a line a call of pip. XGBoost alone without what it depends on, which is half a gigabyte for GPUs.
const PACKAGES: [&[&str]; 2] = [
    &["numpy==2.4.6", "scikit-learn==1.9.1", "shap==0.51.0"],
    &["--no-deps", "xgboost==3.2.0"],
];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scikit_learn.py");
const HOUSING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/raw/california_housing.csv"
);
/// As in the script.
const EXPLAINED: usize = 150;
const INTERACTIONS: usize = 10;

type Data = DatasetBase<Array2<f64>, Array1<f64>>;

/// What the script made, in its folder.
struct Beside {
    folder: PathBuf,
    cases: Value,
}

impl Beside {
    fn vector(&self, name: &str) -> Vec<f64> {
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let (chunks, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty());
        chunks
            .iter()
            .map(|chunk| f64::from_le_bytes(*chunk))
            .collect()
    }

    /// All rows of a matrix, with their targets.
    fn data(&self, matrix: &str) -> Data {
        let numbers = self.vector(&format!("{matrix}.f64"));
        let records = Array2::from_shape_vec((numbers.len() / 8, 8), numbers).expect("8 columns");
        assert_eq!(records.nrows(), 20_640);
        DatasetBase::new(records, self.vector("target.f64").into())
    }

    fn cases(&self, of: &str) -> &[Value] {
        let cases = self.cases[of].as_array().expect("a list");
        assert!(!cases.is_empty());
        cases
    }
}

/// Every second row, from `first` on.
fn half(data: &Data, first: isize) -> Data {
    let every_second = Slice::new(first, None, 2);
    DatasetBase::new(
        data.records.slice_axis(Axis(0), every_second).to_owned(),
        data.targets.slice_axis(Axis(0), every_second).to_owned(),
    )
}

/// The first rows.
fn first(data: &Data, count: usize) -> ArrayView2<'_, f64> {
    data.records.slice_axis(Axis(0), Slice::from(..count))
}

/// The largest distance of two lists, relative to the largest of the numbers expected.
fn apart<'a>(ours: impl IntoIterator<Item = &'a f64>, theirs: &[f64]) -> f64 {
    let largest = theirs.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let mut count = 0;
    let pairs = ours.into_iter().zip(theirs).inspect(|_| count += 1);
    let worst = pairs.fold(0.0, |worst: f64, (a, b)| match (a - b).abs() {
        distance if distance.is_nan() => f64::INFINITY,
        distance => worst.max(distance),
    });
    assert_eq!(count, theirs.len());
    worst / largest
}

#[track_caller]
fn assert_near(distance: f64, tolerance: f64, what: &dyn std::fmt::Display) {
    eprintln!("{what}: {distance:.1e}");
    assert!(distance <= tolerance, "{what}: {distance}");
}

/// The same coefficients, after as many passes.
fn check_linear(beside: &Beside) {
    let data = beside.data("scaled");
    for case in beside.cases("linear") {
        let written = &case["hyperparameters"];
        let given = |name: &str| written[name].as_f64();
        let kind: LinearKind = serde_json::from_value(case["model"].clone()).expect("a kind");
        let mut params = LinearParams::new(kind);
        for (name, value) in written.as_object().expect("an object") {
            params = match name.as_str() {
                "alpha" => params.alpha(number(value)),
                "l1_ratio" => params.l1_ratio(number(value)),
                "tol" => params.tol(number(value)),
                _ => params.max_iter(number(value) as u32),
            };
        }
        let fitted = params.check().expect("valid").fit(&data).expect("a model");
        let what = format!("{} {written}", case["model"]);
        // who stops early is where the steps have led, to the last bits of the sums on the way
        let tolerance = if given("tol") == Some(1e-3) {
            1e-9
        } else {
            1e-8
        };
        let distance = apart(&fitted.model.coefficients, &numbers(&case["coefficients"]));
        assert_near(distance, tolerance, &what);
        assert!(
            (fitted.model.intercept - number(&case["intercept"])).abs() < 1e-10,
            "{what}"
        );
        if given("tol") == Some(1e-3) {
            let passes = fitted.convergence.map(|how| u64::from(how.iterations));
            assert_eq!(passes, case["iterations"].as_u64(), "{what}");
        }
    }
}

fn exact_tree(params: &Value, data: &Data) -> Ensemble {
    let count = |name: &str| params[name].as_u64();
    DecisionTree::params()
        .splitter(Splitter::Exact)
        .max_depth(count("max_depth").map(|depth| depth as u32))
        .min_samples_leaf(count("min_samples_leaf").unwrap_or(1) as u32)
        .min_samples_split(count("min_samples_split").unwrap_or(2) as u32)
        .max_leaf_nodes(count("max_leaf_nodes").map(|leaves| leaves as usize))
        .fit(data)
        .expect("a tree")
        .ensemble
}

fn leaves(ensemble: &Ensemble) -> f64 {
    let leaves: usize = ensemble.trees.iter().map(|tree| tree.leaves()).sum();
    leaves as f64 / ensemble.trees.len() as f64
}

/// The same trees: predictions, Shapley values, interactions and importances.
///
/// Where two features part the rows of a node alike, scikit-learn takes a random one: then rows that it was not grown on may
/// go elsewhere.
fn check_trees(beside: &Beside) {
    for case in beside.cases("trees") {
        let (matrix, params) = (case["matrix"].as_str().expect("a name"), &case["params"]);
        let data = beside.data(matrix);
        let tree = exact_tree(params, &half(&data, 0));
        assert_eq!(leaves(&tree), number(&case["leaves"]));
        let expected = beside.vector(case["expected"].as_str().expect("a name"));
        let found = tree.predict(data.records.view());
        let what = format!("tree on {matrix} {params}");
        let grown_on = |all: &[f64]| all.iter().copied().step_by(2).collect::<Vec<_>>();
        assert_near(apart(&grown_on(&found), &grown_on(&expected)), 1e-12, &what);
        let elsewhere = found
            .iter()
            .zip(&expected)
            .filter(|(a, b)| (*a - *b).abs() > 1e-12)
            .count();
        eprintln!("{what}: {elsewhere} rows elsewhere");
        assert!(elsewhere <= 5, "{what}: {elsewhere}");
        if !case["shap"].is_null() {
            check_shap(&tree, &data, &case["shap"], params);
            check_importances(&tree, &half(&data, 1), case);
        }
    }
}

/// shap knows thresholds in single precision, rounded: a row between both goes elsewhere; none of these does.
fn check_shap(tree: &Ensemble, data: &Data, theirs: &Value, params: &Value) {
    let explainer = TreeExplainer::new(tree);
    let explained = explainer.explain(first(data, EXPLAINED));
    let values: Vec<f64> = rows_of(&theirs["values"]).collect();
    let what = format!("Shapley values of a tree {params}");
    assert_near(apart(&explained.values, &values), 1e-9, &what);
    assert!((explained.expected - number(&theirs["expected"])).abs() < 1e-9);
    let found = explainer.interactions(first(data, INTERACTIONS));
    let planes = theirs["interactions"].as_array().expect("planes").iter();
    let expected: Vec<f64> = planes.flat_map(rows_of).collect();
    assert_near(
        apart(&found, &expected),
        1e-9,
        &format!("interactions, {what}"),
    );
}

fn rows_of(matrix: &Value) -> impl Iterator<Item = f64> {
    matrix.as_array().expect("rows").iter().flat_map(numbers)
}

/// `feature_importances_`, and `permutation_importance`, of which the draws are other ones.
fn check_importances(tree: &Ensemble, test: &Data, case: &Value) {
    let gain = ensemble_importance(tree, ImportanceKind::MeanShare);
    assert_near(
        apart(&gain, &numbers(&case["gain"])),
        1e-5,
        &"importance by gain",
    );
    let score = |targets: &[f64], found: &[f64]| -rmse(targets, found);
    let predict = |records: ArrayView2<'_, f64>| tree.predict(records);
    let targets = test.targets.to_vec();
    let permutation = PermutationParams::new(0)
        .repeats(20)
        .check()
        .expect("valid");
    let found = permutation
        .importance(test.records.view(), &targets, predict, score)
        .expect("as many targets as rows");
    let distance = apart(&found.means(), &numbers(&case["permutation"]));
    assert_near(distance, 0.01, &"importance by permutation");
}

fn rmse(targets: &[f64], found: &[f64]) -> f64 {
    let missed: f64 = targets
        .iter()
        .zip(found)
        .map(|(y, f)| (y - f).powi(2))
        .sum();
    (missed / found.len() as f64).sqrt()
}

/// The same predictions, where every value has a bin of its own.
fn check_boosters(beside: &Beside) {
    let data = beside.data("coarse");
    for case in beside.cases("boosters") {
        let params = &case["params"];
        let alpha = params["alpha"].as_f64().unwrap_or(0.9);
        let loss = match params["loss"].as_str() {
            Some("absolute_error") => Loss::AbsoluteError,
            Some("huber") => Loss::Huber { alpha },
            Some("quantile") => Loss::Quantile { alpha },
            _ => Loss::SquaredError,
        };
        let model = GradientBoosting::params()
            .n_estimators(40)
            .loss(loss)
            .learning_rate(params["learning_rate"].as_f64().unwrap_or(0.1))
            .max_depth(params["max_depth"].as_u64().map(|depth| depth as u32))
            .min_samples_leaf(20)
            .fit(&data)
            .expect("a model");
        let expected = beside.vector(case["expected"].as_str().expect("a name"));
        let distance = apart(&model.ensemble.predict(data.records.view()), &expected);
        assert_near(distance, 1e-9, &format!("gradient boosting {params}"));
    }
}

/// Forests draw other rows and features; how large their trees are and what they err does not depend on these.
fn check_forests(beside: &Beside) {
    let data = beside.data("apart");
    let (train, test) = (half(&data, 0), half(&data, 1));
    for case in beside.cases("forests") {
        let params = &case["params"];
        let count = |name: &str, default: u64| params[name].as_u64().unwrap_or(default) as u32;
        let share = number(&params["max_features"]);
        let forest = RandomForest::params()
            .n_estimators(40)
            .min_samples_leaf(count("min_samples_leaf", 1))
            .min_samples_split(count("min_samples_split", 2))
            .max_features(MaxFeatures::Share(share))
            .bootstrap(params["bootstrap"].as_bool().unwrap_or(true))
            .fit(&train)
            .expect("a forest");
        let predicted = forest.ensemble.predict(test.records.view());
        let errors = (
            rmse(&test.targets.to_vec(), &predicted.to_vec()),
            number(&case["rmse"]),
        );
        let sizes = (leaves(&forest.ensemble), number(&case["leaves"]));
        eprintln!("forest {params}: RMSE {errors:.4?}, leaves {sizes:.0?}");
        assert!(
            (errors.0 / errors.1 - 1.0).abs() < 0.015,
            "{params}: {errors:?}"
        );
        assert!(
            (sizes.0 / sizes.1 - 1.0).abs() < 0.01,
            "{params}: {sizes:?}"
        );
    }
}

/// Boosters of ours as XGBoost's JSON, each with what we say of its first rows.
fn export(beside: &Beside) {
    let names: Vec<String> = (0..8).map(|place| format!("f{place}")).collect();
    let mut cases = Vec::new();
    for (name, rows) in [("second", "missing"), ("first", "apart")] {
        let data = beside.data(rows);
        let ensemble = match name {
            "second" => {
                let params = XgBoost::params().n_estimators(60).max_depth(Some(5));
                params.fit(&data).expect("a model").ensemble
            }
            _ => {
                let params = GradientBoosting::params()
                    .n_estimators(40)
                    .max_depth(Some(4));
                params.fit(&data).expect("a model").ensemble
            }
        };
        let explainer = TreeExplainer::new(&ensemble);
        let explained = explainer.explain(first(&data, EXPLAINED));
        let interactions = explainer.interactions(first(&data, INTERACTIONS));
        let row = |row: ArrayView1<'_, f64>| row.to_vec();
        let plane = |plane: ArrayView2<'_, f64>| plane.rows().into_iter().map(row).collect();
        let ours = json!({
            "expected": explained.expected,
            "values": explained.values.rows().into_iter().map(row).collect::<Vec<_>>(),
            "interactions": interactions.axis_iter(Axis(0)).map(plane).collect::<Vec<Vec<_>>>(),
        });
        let (file, told) = (format!("{name}.json"), format!("{name}.explained"));
        let bytes = xgboost::to_json(&Learned::Trees(ensemble), &names).expect("JSON");
        std::fs::write(beside.folder.join(&file), bytes).expect("written");
        std::fs::write(beside.folder.join(&told), ours.to_string()).expect("written");
        cases.push(json!({"file": file, "explained": told, "rows": rows}));
    }
    let cases = Value::from(cases).to_string();
    std::fs::write(beside.folder.join("exports.json"), cases).expect("written");
}

#[test]
fn scikit_learn_and_shap_say_the_same() {
    let peers = peers::ready("scikit-learn-and-shap", &PACKAGES);
    let Some(python) = peers.map(|programs| programs.join("python")) else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scikit-learn");
    std::fs::create_dir_all(&folder).expect("a folder");
    let place = folder.to_str().expect("a path of text");
    let prepared = peers::run(Command::new(&python).args([SCRIPT, "prepare", HOUSING, place]));
    prepared.unwrap_or_else(|error| panic!("{error}"));
    let cases = std::fs::read(folder.join("cases.json")).expect("cases");
    let cases = serde_json::from_slice(&cases).expect("cases");
    let beside = Beside {
        folder: folder.clone(),
        cases,
    };
    check_linear(&beside);
    check_trees(&beside);
    check_boosters(&beside);
    check_forests(&beside);
    export(&beside);
    let checked = peers::run(Command::new(&python).args([SCRIPT, "check", place]));
    eprintln!("{}", checked.unwrap_or_else(|error| panic!("{error}")));
}
