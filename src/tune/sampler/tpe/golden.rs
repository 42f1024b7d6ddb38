//! Densities against those of Optuna 5.0, which `tests/reference/tune.py` wrote down.

use hpipe_core::Value;

use super::kernel::Kernels;
use super::parzen::Parzen;
use crate::domain::Domain;
use crate::sampler::TpeOptions;
use crate::space::Space;

fn golden() -> Value {
    let text = include_str!("../../../../tests/reference/tune.json");
    serde_json::from_str(text).expect("the golden file is JSON")
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    match value.lookup(path) {
        Some(Value::List(items)) => items,
        other => panic!("{path} is {other:?}"),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(n) => *n as f64,
        Value::Float(x) => *x,
        other => panic!("{other:?} is no number"),
    }
}

/// Rows of values as samplers see them.
fn rows(case: &Value, path: &str, domains: &[&Domain]) -> Vec<Vec<f64>> {
    let row = |row: &Value| {
        let encode = |(domain, value): (&&Domain, &Value)| domain.encode(value);
        let encoded: Option<Vec<f64>> = domains.iter().zip(list(row, "")).map(encode).collect();
        encoded.expect("values of the domain")
    };
    list(case, path).iter().map(row).collect()
}

fn options(case: &Value) -> TpeOptions {
    let is_set = |key: &str| case.lookup(key) == Some(&Value::Bool(true));
    TpeOptions {
        prior_weight: number(case.lookup("options.prior_weight").expect("given")),
        consider_magic_clip: is_set("options.consider_magic_clip"),
        consider_endpoints: is_set("options.consider_endpoints"),
        ..TpeOptions::default()
    }
}

#[test]
fn widths_are_those_of_optuna() {
    let golden = golden();
    for (number_of, case) in list(&golden, "densities").iter().enumerate() {
        let space = Space::parse(case.lookup("space").expect("given")).expect("valid");
        let domains: Vec<&Domain> = space.params().iter().map(|param| &param.domain).collect();
        let observed = rows(case, "observations", &domains);
        for (place, expected) in list(case, "widths").iter().enumerate() {
            let Value::List(expected) = expected else {
                continue; // a categorical parameter
            };
            let column: Vec<f64> = observed.iter().map(|row| row[place]).collect();
            let Kernels::Normal(_, normals) = Kernels::new(domains[place], &column, &options(case))
            else {
                panic!("case {number_of}: not a range");
            };
            assert_eq!(normals.len(), expected.len());
            for (normal, expected) in normals.iter().zip(expected) {
                let (found, expected) = (normal.width(), number(expected));
                let error = (found - expected).abs() / expected;
                assert!(error < 1e-12, "case {number_of}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn densities_are_those_of_optuna() {
    let golden = golden();
    let mut compared = 0;
    for (number_of, case) in list(&golden, "densities").iter().enumerate() {
        let space = Space::parse(case.lookup("space").expect("given")).expect("valid");
        let domains: Vec<&Domain> = space.params().iter().map(|param| &param.domain).collect();
        let observed = rows(case, "observations", &domains);
        let parzen = Parzen::new(&domains, &observed, &options(case));
        let points = rows(case, "points", &domains);
        let found = parzen.log_densities(&points);
        for (found, expected) in found.into_iter().zip(list(case, "log_density")) {
            let expected = number(expected);
            let error = (found - expected).abs();
            assert!(error < 1e-9, "case {number_of}: {found}, not {expected}");
            compared += 1;
        }
    }
    assert_eq!(compared, 16 * 6);
}
