//! Test errors on the California table, which never change: they are figures of this code on this data, not of a reference.
//!
//! Rows whose place (from 0) is a multiple of 5 are learnt from, those two places further are measured on: 4,128 each. A
//! change of a figure is a change of every model; who makes one says in the commit why errors became better or no worse.
//! For orientation, scikit-learn 1.9.1 and XGBoost 3.2.0 on the same rows with the same hyperparameters: tree 0.8053,
//! forest 0.5654, gradient boosting 0.5380, XGBoost 0.4975.

use hpipe_learn::decision_tree::DecisionTree;
use hpipe_learn::gradient_boosting::GradientBoosting;
use hpipe_learn::random_forest::RandomForest;
use hpipe_learn::tree::Ensemble;
use hpipe_learn::xgboost::XgBoost;
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

type Data = DatasetBase<Array2<f64>, Array1<f64>>;

fn rows(first: usize) -> Data {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/raw/california_housing.csv"
    );
    let text = std::fs::read_to_string(path).expect("the committed table");
    let lines = text.lines().skip(1 + first).step_by(5);
    let cells = |line: &str| -> Vec<f64> {
        let numbers = line.split(',').map(|cell| cell.parse().expect("a number"));
        numbers.collect()
    };
    let rows: Vec<Vec<f64>> = lines.map(cells).collect();
    let records = Array2::from_shape_fn((rows.len(), 8), |(row, column)| rows[row][column]);
    DatasetBase::new(records, rows.iter().map(|row| row[8]).collect())
}

fn error(model: &Ensemble, test: &Data) -> f64 {
    let predictions = model.predict(test.records.view());
    let missed: f64 = predictions
        .iter()
        .zip(&test.targets)
        .map(|(f, y)| (f - y).powi(2))
        .sum();
    (missed / predictions.len() as f64).sqrt()
}

#[test]
fn errors_on_the_california_table_are_what_they_were() {
    let (train, test) = (rows(0), rows(2));
    let tree = DecisionTree::params().fit(&train).expect("a tree");
    let forest = RandomForest::params()
        .n_estimators(50)
        .fit(&train)
        .expect("a forest");
    let boosting = GradientBoosting::params().fit(&train).expect("a model");
    let xgboost = XgBoost::params()
        .learning_rate(0.1)
        .n_estimators(150)
        .fit(&train)
        .expect("a model");
    let found = [
        tree.ensemble,
        forest.ensemble,
        boosting.ensemble,
        xgboost.ensemble,
    ]
    .map(|model| error(&model, &test));
    let expected = [
        0.814_320_349_421_781_9,
        0.566_424_048_246_905_8,
        0.533_917_203_739_162_7,
        0.496_270_967_121_496_65,
    ];
    for (found_one, expected) in found.iter().zip(expected) {
        assert!((found_one - expected).abs() < 1e-9, "{found:?}");
    }
}
