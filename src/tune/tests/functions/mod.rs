//! Functions whose minimum is known, as studies: what samplers are tried on, in the tests and in `benches/tune.py`.
//!
//! The formulas are those of the usual collections (Surjanovic and Bingham, "Virtual library of simulation
//! experiments"); `benches/tune.py` holds the same in Python.

use hpipe_core::{Mapping, Value};
use hpipe_tune::{Definition, Outcome, Series, Study};

/// A function and the space it is searched in.
pub(crate) struct Function {
    /// As the bench calls it.
    pub(crate) name: &'static str,
    /// The space, as JSON.
    pub(crate) space: &'static str,
    /// The value of a trial.
    pub(crate) value: fn(&Mapping) -> f64,
}

/// Every function.
pub(crate) const FUNCTIONS: [Function; 4] = [
    Function {
        name: "branin",
        space: r#"{"x": {"float": [-5, 10]}, "y": {"float": [0, 15]}}"#,
        value: |params| branin(number(params, "x"), number(params, "y")),
    },
    Function {
        name: "hartmann6",
        space: r#"{"x0": {"float": [0, 1]}, "x1": {"float": [0, 1]}, "x2": {"float": [0, 1]},
                   "x3": {"float": [0, 1]}, "x4": {"float": [0, 1]}, "x5": {"float": [0, 1]}}"#,
        value: |params| hartmann6(&["x0", "x1", "x2", "x3", "x4", "x5"].map(|x| number(params, x))),
    },
    Function {
        name: "sphere5",
        space: r#"{"x0": {"float": [-5, 5]}, "x1": {"float": [-5, 5]}, "x2": {"float": [-5, 5]},
                   "x3": {"float": [-5, 5]}, "x4": {"float": [-5, 5]}}"#,
        value: |params| {
            let squares = ["x0", "x1", "x2", "x3", "x4"].map(|x| number(params, x).powi(2));
            squares.iter().sum()
        },
    },
    Function {
        name: "conditional",
        space: r#"{"model": {"categorical": ["branin", "bowl"]},
                   "x": {"float": [-5, 10], "when": {"model": "branin"}},
                   "y": {"float": [0, 15], "when": {"model": "branin"}},
                   "u": {"float": [-5, 5], "when": {"model": "bowl"}},
                   "v": {"float": [0.001, 10], "log": true, "when": {"model": "bowl"}},
                   "k": {"int": [1, 10], "when": {"model": "bowl"}}}"#,
        value: |params| match params.get("model").and_then(Value::as_text) {
            Some("branin") => branin(number(params, "x"), number(params, "y")),
            _ => {
                let (u, v, k) = (
                    number(params, "u"),
                    number(params, "v"),
                    number(params, "k"),
                );
                u * u + v.log10().powi(2) + 0.1 * (k - 4.0).powi(2)
            }
        },
    },
];

fn branin(x: f64, y: f64) -> f64 {
    use std::f64::consts::PI;
    let bend = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    bend * bend + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn hartmann6(x: &[f64; 6]) -> f64 {
    const HEIGHT: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const SHARPNESS: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRE: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    -(0..4)
        .map(|i| {
            let distance: f64 = (0..6)
                .map(|j| SHARPNESS[i][j] * (x[j] - CENTRE[i][j]).powi(2))
                .sum();
            HEIGHT[i] * (-distance).exp()
        })
        .sum::<f64>()
}

/// The value of a numeric parameter that is active.
pub(crate) fn number(params: &Mapping, name: &str) -> f64 {
    match params.get(name) {
        Some(Value::Float(x)) => *x,
        Some(Value::Int(n)) => *n as f64,
        other => panic!("`{name}` is {other:?}"),
    }
}

/// A definition from JSON.
pub(crate) fn define(json: &str) -> Definition {
    let value: Value = serde_json::from_str(json).expect("JSON of a test");
    Definition::parse(&value).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The values of a study of a function, trial by trial; executed one at a time, as soon as each may be asked.
pub(crate) fn values(function: &Function, settings: &str) -> Vec<f64> {
    let space = function.space;
    let mut study = Study::new(define(&format!(r#"{{"space": {space}, {settings}}}"#)));
    while let Some(ask) = study.ask() {
        let outcome = Outcome::Complete((function.value)(&ask.params));
        study
            .tell(ask.number, outcome, Series::default())
            .expect("asked");
    }
    let complete = study
        .trials()
        .iter()
        .map(|trial| trial.value().expect("complete"));
    complete.collect()
}

/// The best of the first `trials` values.
pub(crate) fn best(values: &[f64], trials: usize) -> f64 {
    values[..trials]
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min)
}
