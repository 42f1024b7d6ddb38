//! What the contract tests of the learners share: golden values and the reference matrix.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod forest;

use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

/// A file of the repository, as text.
pub(crate) fn repository(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Golden values that a script of `tests/reference/` made.
pub(crate) fn golden(name: &str) -> Value {
    serde_json::from_str(&repository(&format!("tests/reference/{name}"))).expect("JSON")
}

/// A number of golden values.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

/// The matrix and target of `tests/reference/linear.py`: every fifth row of the table, standardised.
pub(crate) fn reference_matrix() -> (Array2<f64>, Array1<f64>) {
    let table = repository("data/raw/california_housing.csv");
    let rows: Vec<Vec<f64>> = table
        .lines()
        .skip(1)
        .step_by(5)
        .map(|line| {
            line.split(',')
                .map(|x| x.parse().expect("a number"))
                .collect()
        })
        .collect();
    let mut records = Array2::from_shape_fn((rows.len(), 9), |(i, j)| match j {
        8 => rows[i][3] / rows[i][2],
        _ => rows[i][j],
    });
    for mut column in records.axis_iter_mut(Axis(1)) {
        let mean = column.mean().expect("rows");
        let deviation = column.std(0.0);
        column.mapv_inplace(|x| (x - mean) / deviation);
    }
    (records, rows.iter().map(|row| row[8]).collect())
}
