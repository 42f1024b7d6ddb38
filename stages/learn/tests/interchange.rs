//! Models come and go between hpipe and the real XGBoost, LightGBM, onnxruntime and safetensors: same predictions.
//!
//! `interchange.py` runs in a virtual environment of its own, made once below the target folder. Without Python or a
//! network the test says loudly that it did not run; where `CI=true` is set it must run.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test with other programs: it keeps files, asks whether it runs in CI, and says what it leaves out"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hpipe_learn::binned::Binning;
use hpipe_learn::interchange::{Columns, Imported, Rounds, lightgbm, onnx, xgboost};
use hpipe_learn::learned::{Learned, Link, Stack};
use hpipe_learn::model_file;
use hpipe_learn::random_forest::RandomForest;
use hpipe_learn::tree::Ensemble;
use hpipe_learn::{decision_tree::DecisionTree, gradient_boosting::GradientBoosting};
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use serde_json::{Value, json};

#[path = "../../../tests/support/peers.rs"]
mod peers;

/// What is installed: a line a call of pip. XGBoost alone without what it depends on, which is half a gigabyte for GPUs.
const PACKAGES: [&[&str]; 2] = [
    &[
        "lightgbm==4.7.0",
        "numpy==2.4.6",
        "onnx==1.23.2",
        "onnxruntime==1.31.1",
        "pandas==3.1.1",
        "safetensors==0.8.0",
        "scipy==1.17.1",
    ],
    &["--no-deps", "xgboost==3.2.0"],
];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interchange.py");
const HOUSING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/raw/california_housing.csv"
);
const NAMES: [&str; 9] = [
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
    "Region",
];

fn vector(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (chunks, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty());
    chunks
        .iter()
        .map(|chunk| f64::from_le_bytes(*chunk))
        .collect()
}

/// The rows in a file, `20 640 × 9`.
fn rows(folder: &Path, name: &str) -> Array2<f64> {
    let numbers = vector(&folder.join(format!("{name}.f64")));
    let rows = Array2::from_shape_vec((numbers.len() / 9, 9), numbers).expect("9 columns");
    assert_eq!(rows.nrows(), 20_640);
    rows
}

/// The largest distance between predictions, relative; below 0.1 (margins around 0) relative to 0.1.
fn apart(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(theirs);
    pairs.fold(0.0, |worst, (a, b)| {
        let distance = (a - b).abs() / b.abs().max(0.1);
        if distance.is_nan() {
            f64::INFINITY
        } else {
            worst.max(distance)
        }
    })
}

fn import(folder: &Path, case: &Value) -> Imported {
    let file = case["file"].as_str().expect("a name");
    let bytes = std::fs::read(folder.join(file)).expect("a model");
    let rounds = match case["rounds"].as_str() {
        Some("all") => Rounds::All,
        _ => Rounds::Best,
    };
    let read = match file.rsplit_once('.') {
        Some((_, "json")) => xgboost::from_json(&bytes, rounds),
        Some((_, "ubj")) => xgboost::from_ubj(&bytes, rounds),
        _ => lightgbm::from_text(&bytes),
    };
    read.unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Imports every model that the script trained, and compares all predictions.
fn check_imports(folder: &Path) {
    let cases = std::fs::read(folder.join("imports.json")).expect("cases");
    let cases: Vec<Value> = serde_json::from_slice(&cases).expect("cases");
    assert!(cases.len() > 40, "{} cases", cases.len());
    let mut far = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let records = rows(folder, case["rows"].as_str().expect("a name"));
        let expected = vector(&folder.join(format!("{name}.expected")));
        let imported = import(folder, case);
        let distance = apart(&imported.learned.predict(records.view()), &expected);
        eprintln!("{name}: {distance:.1e}");
        if distance > 1e-5 {
            far.push(format!("{name}: {distance}"));
        }
    }
    assert!(far.is_empty(), "{far:#?}");
}

/// Every tree learner on the same rows, with missing values and categories.
fn ensembles(folder: &Path) -> Vec<(&'static str, Ensemble)> {
    let records = rows(folder, "rows");
    let target = Array1::from(vector(&folder.join("target.f64")));
    let binning = Binning {
        categorical: vec![8],
        ..Binning::default()
    };
    let data = linfa::DatasetBase::new(records, target);
    let forest = RandomForest::params().n_estimators(100);
    let boosting = GradientBoosting::params().n_estimators(100);
    let second = hpipe_learn::xgboost::XgBoost::params()
        .n_estimators(300)
        .learning_rate(0.05);
    let tree = DecisionTree::params().binning(binning.clone());
    vec![
        ("tree", tree.fit(&data).expect("fitted").ensemble),
        (
            "forest",
            forest
                .binning(binning.clone())
                .fit(&data)
                .expect("fitted")
                .ensemble,
        ),
        (
            "boosting",
            boosting
                .binning(binning.clone())
                .fit(&data)
                .expect("fitted")
                .ensemble,
        ),
        (
            "second",
            second.binning(binning).fit(&data).expect("fitted").ensemble,
        ),
    ]
}

/// The rows with categories that no model knows: too large, negative, no whole number, far too large.
fn make_odd_rows(folder: &Path) {
    let mut odd = rows(folder, "rows");
    for (code, index) in odd.column_mut(8).iter_mut().zip(0_usize..) {
        *code = [40.0, -1.0, 2.5, 1e9][index % 4];
    }
    let bytes: Vec<u8> = odd.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.join("odd.f64"), bytes).expect("written");
}

/// One of everything that can be exported: a name, a model, the rows it is for, and whether XGBoost has words for it.
fn models(folder: &Path) -> Vec<(&'static str, Learned, &'static str, bool)> {
    let imported = |name: &str, file: &str| {
        let case = json!({"file": file, "name": name});
        import(folder, &case).learned
    };
    let poisson = imported("poisson", "xgboost_poisson.ubj");
    let linear = imported("gblinear", "xgboost_gblinear.json");
    let double = imported("regression", "lightgbm_regression.txt");
    let root = imported("root", "lightgbm_root.txt");
    let mut models: Vec<_> = ensembles(folder)
        .into_iter()
        .map(|(name, ensemble)| (name, Learned::Trees(ensemble), "rows", true))
        .collect();
    let [tree, forest] = [0, 1].map(|index: usize| models[index].1.clone());
    make_odd_rows(folder);
    let odd = models[..].to_vec();
    let odd = odd
        .into_iter()
        .zip(["odd_tree", "odd_forest", "odd_boosting", "odd_second"]);
    let odd = odd.map(|((_, learned, _, _), name)| (name, learned, "odd", false));
    let odd: Vec<_> = odd.collect();
    let stack = Learned::Stack(Stack {
        intercept: 3.0,
        weights: vec![0.01, 0.3, 0.4, 0.2, 0.1],
        members: vec![
            linear.clone(),
            tree,
            forest,
            poisson.clone(),
            double.clone(),
        ],
    });
    assert!(matches!(poisson, Learned::Linked(Link::Exp, _)));
    models.extend(odd);
    models.extend([
        ("poisson", poisson, "rows", true),
        ("linear", linear, "full", false),
        ("double", double, "rows", false),
        ("root", root, "rows", false),
        ("stack", stack, "full", false),
    ]);
    models
}

/// Writes every model in every format that has words for it, with our predictions.
fn export(folder: &Path) {
    let names = NAMES.map(str::to_owned);
    let words: Vec<String> = (0..40).map(|code| format!("region {code:02}")).collect();
    let levels = BTreeMap::from([("Region".to_owned(), words)]);
    let columns = Columns {
        names: &names,
        levels: Some(&levels),
    };
    let content = json!({"features": NAMES});
    let mut cases = Vec::new();
    for (name, learned, used, for_xgboost) in models(folder) {
        let predictions = learned.predict(rows(folder, used).view());
        let bytes: Vec<u8> = predictions.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.join(format!("{name}.ours")), bytes).expect("written");
        let mut files = vec![
            ("onnx", onnx::to_bytes(&learned, columns).expect(name)),
            (
                "safetensors",
                model_file::write(&content, &learned).expect(name),
            ),
        ];
        if for_xgboost {
            files.push(("json", xgboost::to_json(&learned, columns).expect(name)));
            files.push(("ubj", xgboost::to_ubj(&learned, columns).expect(name)));
        }
        for (ending, bytes) in files {
            let file = format!("ours_{name}.{ending}");
            std::fs::write(folder.join(&file), bytes).expect("written");
            cases.push(json!({"name": name, "file": file, "rows": used}));
        }
    }
    let cases = serde_json::to_vec(&cases).expect("JSON");
    std::fs::write(folder.join("exports.json"), cases).expect("written");
}

#[test]
fn real_tools_and_ours_predict_the_same() {
    let peers = peers::ready("xgboost-and-lightgbm", &PACKAGES);
    let Some(python) = peers.map(|programs| programs.join("python")) else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interchange");
    std::fs::create_dir_all(&folder).expect("a folder");
    let place = folder.to_str().expect("a path of text");
    let prepared = peers::run(Command::new(&python).args([SCRIPT, "prepare", HOUSING, place]));
    prepared.unwrap_or_else(|error| panic!("{error}"));
    check_imports(&folder);
    export(&folder);
    let checked = peers::run(Command::new(&python).args([SCRIPT, "check", place]));
    eprintln!("{}", checked.unwrap_or_else(|error| panic!("{error}")));
}
