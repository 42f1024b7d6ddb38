//! Fits one learner to a matrix and prints what it took: one JSON object. `benches/learners.py` runs it.
//!
//! `bench MATRIX LEARNER [NAME=VALUE…]`: the matrix is three numbers (training rows, test rows, features) as `u64`, then
//! training records row by row, training targets, test records, test targets as `f64`, all little-endian. Values are JSON.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints, and stops at the first fault"
)]
#![allow(clippy::disallowed_methods, reason = "a bench looks at the clock")]

use std::time::Instant;

use hpipe_learn::decision_tree::{DecisionTree, Splitter};
use hpipe_learn::gradient_boosting::GradientBoosting;
use hpipe_learn::predictor::Predictor;
use hpipe_learn::random_forest::RandomForest;
use hpipe_learn::tree::Ensemble;
use hpipe_learn::xgboost::{GrowPolicy, XgBoost};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// Records and targets to fit to and to measure on.
struct Matrix {
    train: DatasetBase<Array2<f64>, Array1<f64>>,
    test: DatasetBase<Array2<f64>, Array1<f64>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, learner, options @ ..] = &arguments[..] else {
        panic!("bench MATRIX LEARNER [NAME=VALUE…]");
    };
    let matrix = read(path);
    let options: Map<String, Value> = options
        .iter()
        .map(|option| {
            let (name, value) = option.split_once('=').unwrap();
            (name.to_owned(), serde_json::from_str(value).unwrap())
        })
        .collect();
    let before = memory("VmRSS:");
    let (wall, cpu) = (Instant::now(), cpu());
    let ensemble = fit(learner, &options, &matrix.train);
    let fit_cpu = self::cpu() - cpu;
    let fit_wall = wall.elapsed().as_secs_f64();
    let mut report = json!({
        "fit_cpu": fit_cpu, "fit_wall": fit_wall, "memory": memory("VmHWM:").saturating_sub(before),
        "leaves": ensemble.trees.iter().map(|tree| tree.leaves()).sum::<usize>(),
    });
    predict(&ensemble, &matrix, report.as_object_mut().unwrap());
    println!("{report}");
}

/// Times predictions of the test rows, and measures them.
fn predict(ensemble: &Ensemble, matrix: &Matrix, report: &mut Map<String, Value>) {
    let began = Instant::now();
    let predictor = Predictor::new(ensemble);
    report.insert("compile".into(), began.elapsed().as_secs_f64().into());
    let began = cpu();
    let predictions = predictor.predict(matrix.test.records.view()).unwrap();
    report.insert("predict_all".into(), (cpu() - began).into());
    let mut calls: Vec<f64> = (0..500)
        .map(|call| {
            let row = matrix.test.records.row(call % matrix.test.records.nrows());
            let began = Instant::now();
            std::hint::black_box(predictor.predict_row(row).unwrap());
            began.elapsed().as_secs_f64()
        })
        .collect();
    calls.sort_by(f64::total_cmp);
    report.insert("predict_one".into(), calls[250].into());
    let pairs = predictions.iter().zip(&matrix.test.targets);
    let missed: f64 = pairs.map(|(f, y)| (f - y).powi(2)).sum();
    report.insert(
        "rmse".into(),
        (missed / predictions.len() as f64).sqrt().into(),
    );
}

fn fit(
    learner: &str,
    options: &Map<String, Value>,
    train: &DatasetBase<Array2<f64>, Array1<f64>>,
) -> Ensemble {
    let number = |name: &str, default: f64| {
        options
            .get(name)
            .map_or(default, |value| value.as_f64().unwrap())
    };
    let count = |name: &str| options.get(name).and_then(Value::as_u64);
    let depth = |default: Option<u32>| match options.get("max_depth") {
        Some(value) => value.as_u64().map(|depth| depth as u32),
        None => default,
    };
    let trees = count("n_estimators").unwrap_or(100) as usize;
    let leaf = count("min_samples_leaf").unwrap_or(1) as u32;
    match learner {
        "decision_tree" => {
            let exact = options.get("splitter").is_some_and(|name| name == "exact");
            let params = DecisionTree::params()
                .max_depth(depth(None))
                .min_samples_leaf(leaf)
                .splitter(if exact {
                    Splitter::Exact
                } else {
                    Splitter::Histogram
                });
            params.fit(train).unwrap().ensemble
        }
        "random_forest" => {
            let params = RandomForest::params()
                .n_estimators(trees)
                .max_depth(depth(None))
                .min_samples_leaf(leaf);
            params.fit(train).unwrap().ensemble
        }
        "gradient_boosting" => {
            let params = GradientBoosting::params()
                .n_estimators(trees)
                .max_depth(depth(Some(3)))
                .learning_rate(number("learning_rate", 0.1))
                .subsample(number("subsample", 1.0))
                .min_samples_leaf(leaf);
            params.fit(train).unwrap().ensemble
        }
        "xgboost" => {
            let max_leaves = count("max_leaves").map(|leaves| leaves as usize);
            let params = XgBoost::params()
                .n_estimators(trees)
                .max_depth(depth(Some(6)))
                .max_leaves(max_leaves)
                .grow_policy(if max_leaves.is_some() {
                    GrowPolicy::Lossguide
                } else {
                    GrowPolicy::Depthwise
                })
                .learning_rate(number("learning_rate", 0.3))
                .subsample(number("subsample", 1.0))
                .colsample_bytree(number("colsample_bytree", 1.0))
                .reg_lambda(number("reg_lambda", 1.0))
                .min_child_weight(number("min_child_weight", 1.0));
            params.fit(train).unwrap().ensemble
        }
        other => panic!("no learner is called {other}"),
    }
}

fn read(path: &str) -> Matrix {
    let bytes = std::fs::read(path).unwrap();
    let word = |place: usize| <[u8; 8]>::try_from(&bytes[place * 8..place * 8 + 8]).unwrap();
    let [train, test, features] = [0, 1, 2].map(|place| u64::from_le_bytes(word(place)) as usize);
    let mut place = 3;
    let mut part = |rows: usize| {
        let mut take = |count: usize| -> Vec<f64> {
            place += count;
            (place - count..place)
                .map(|place| f64::from_le_bytes(word(place)))
                .collect()
        };
        let records = Array2::from_shape_vec((rows, features), take(rows * features)).unwrap();
        DatasetBase::new(records, Array1::from(take(rows)))
    };
    let (train, test) = (part(train), part(test));
    Matrix { train, test }
}

/// CPU seconds of all threads so far.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A figure of the process's memory, in bytes.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
