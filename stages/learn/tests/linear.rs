//! Linear models against scikit-learn on the same matrix (`tests/reference/linear.py` says which, and made the golden
//! values), and against linfa's solvers where those are right.

mod support;

use hpipe_learn::linear::{FittedLinear, LinearKind, LinearParams, Moments, ValidLinear};
use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, Axis, concatenate};
use serde_json::Value;
use support::{golden, number, numbers, reference_matrix};

fn valid(params: LinearParams) -> ValidLinear {
    params.check().expect("valid")
}

fn elastic_net(alpha: f64, l1_ratio: f64, tol: f64) -> ValidLinear {
    let params = LinearParams::new(LinearKind::ElasticNet).alpha(alpha);
    valid(params.l1_ratio(l1_ratio).tol(tol).max_iter(100_000))
}

fn fit(params: &ValidLinear, records: &Array2<f64>, targets: &Array1<f64>) -> FittedLinear {
    let dataset = DatasetBase::new(records.view(), targets.view());
    params.fit(&dataset).expect("a model")
}

/// Asserts that coefficients agree, relative to the largest of them where one is near 0.
fn near(what: &str, found: &[f64], expect: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expect.len(), "{what}");
    let largest = expect.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    for (i, (found, expect)) in found.iter().zip(expect).enumerate() {
        assert!(
            (found - expect).abs() <= tolerance * (expect.abs() + 1e-3 * largest),
            "{what}: number {i} is {found}, not {expect}"
        );
    }
}

fn of_case(case: &Value) -> ValidLinear {
    let kind: LinearKind = serde_json::from_value(case["model"].clone()).expect("a kind");
    let mut params = LinearParams::new(kind);
    for (name, value) in case["hyperparameters"].as_object().expect("an object") {
        params = match name.as_str() {
            "alpha" => params.alpha(number(value)),
            "l1_ratio" => params.l1_ratio(number(value)),
            "tol" => params.tol(number(value)),
            "max_iter" => params.max_iter(number(value) as u32),
            _ => params.fit_intercept(value.as_bool().expect("a bool")),
        };
    }
    valid(params)
}

#[test]
fn models_agree_with_scikit_learn() {
    let (records, targets) = reference_matrix();
    for case in golden("linear.json")["cases"].as_array().expect("cases") {
        let params = of_case(case);
        let fitted = fit(&params, &records, &targets);
        let what = format!("{params:?}");
        near(
            &what,
            &fitted.model.coefficients,
            &numbers(&case["coefficients"]),
            1e-6,
        );
        assert!(
            (fitted.model.intercept - number(&case["intercept"])).abs() < 1e-10,
            "{what}"
        );
        assert!(fitted.convergence.is_none_or(|how| how.converged), "{what}");
        let predicted = fitted.model.predict(&records);
        let error = (&predicted - &targets)
            .mapv(|e| e * e)
            .mean()
            .expect("rows")
            .sqrt();
        assert!(
            (error - number(&case["rmse"])).abs() < 1e-9,
            "{what}: {error}"
        );
    }
}

#[test]
fn descent_takes_the_steps_of_scikit_learn() {
    let (records, targets) = reference_matrix();
    let square = Moments::new(records.view(), targets.view())
        .expect("moments")
        .target_square();
    for step in golden("linear.json")["steps"].as_array().expect("steps") {
        let [alpha, l1_ratio, tol] = ["alpha", "l1_ratio", "tol"].map(|name| number(&step[name]));
        let fitted = fit(&elastic_net(alpha, l1_ratio, tol), &records, &targets);
        let how = fitted.convergence.expect("iterations");
        let what = format!("alpha {alpha} l1_ratio {l1_ratio} tol {tol}");
        assert_eq!(u64::from(how.iterations), step["iterations"], "{what}");
        assert!(
            how.converged && how.duality_gap <= tol * square,
            "{what}: {how:?}"
        );
        let gap = number(&step["duality_gap"]);
        assert!(
            (how.duality_gap - gap).abs() < 1e-6 * gap + 1e-10 * square,
            "{what}: {how:?}"
        );
        near(
            &what,
            &fitted.model.coefficients,
            &numbers(&step["coefficients"]),
            1e-8,
        );
    }
}

#[test]
fn ambiguous_least_squares_is_that_of_least_norm() {
    let (records, targets) = reference_matrix();
    let golden = &golden("linear.json")["ambiguous"];
    let column = |i: usize| records.column(i).to_owned();
    let with = |columns: &[Array1<f64>]| {
        let extra: Vec<_> = columns
            .iter()
            .map(|c| c.view().insert_axis(Axis(1)))
            .collect();
        let views: Vec<_> = [records.view()].into_iter().chain(extra).collect();
        concatenate(Axis(1), &views).expect("a matrix")
    };
    let combination = &column(0) * 2.0 - &column(3);
    let collinear = with(&[combination, Array1::from_elem(4128, 7.0), column(1) / 2.0]);
    let least_squares = valid(LinearParams::new(LinearKind::Linear));
    let fitted = fit(&least_squares, &collinear, &targets);
    near(
        "collinear",
        &fitted.model.coefficients,
        &numbers(&golden["collinear"]["coefficients"]),
        1e-6,
    );
    assert_eq!(fitted.collinear, [9, 10, 11]);
    let waves = Array1::from_shape_fn(4128, |i| 1e-4 * (i as f64).sin());
    let fitted = fit(&least_squares, &with(&[column(0) + waves]), &targets);
    near(
        "nearly",
        &fitted.model.coefficients,
        &numbers(&golden["nearly"]["coefficients"]),
        1e-6,
    );
    assert!(fitted.collinear.is_empty());
}

#[test]
fn a_unit_does_not_decide_whether_a_feature_is_seen() {
    let (records, targets) = reference_matrix();
    let scale = Array1::from_shape_fn(9, |j| 10.0_f64.powi(3 * j as i32 - 12));
    let least_squares = valid(LinearParams::new(LinearKind::Linear));
    let expect = fit(&least_squares, &records, &targets).model.coefficients;
    let scaled = fit(&least_squares, &(&records * &scale), &targets);
    let found = &Array1::from(scaled.model.coefficients) * &scale;
    near("units", &found.to_vec(), &expect, 1e-9);
}

#[test]
fn paths_agree_with_scikit_learn() {
    let (records, targets) = reference_matrix();
    let golden = &golden("linear.json")["path"];
    let alphas = numbers(&golden["alphas"]);
    let params = elastic_net(1.0, 0.5, number(&golden["tol"]));
    let fits = params
        .path(records.view(), targets.view(), &alphas)
        .expect("a path");
    let iterations = numbers(&golden["iterations"]);
    for (i, fitted) in fits.iter().enumerate() {
        let how = fitted.convergence.as_ref().expect("iterations");
        assert_eq!(
            f64::from(how.iterations),
            iterations[i],
            "alpha {}",
            alphas[i]
        );
        near(
            "path",
            &fitted.model.coefficients,
            &numbers(&golden["coefficients"][i]),
            1e-8,
        );
    }
    let ridge = valid(LinearParams::new(LinearKind::Ridge));
    let penalties = numbers(&golden["ridge_alphas"]);
    let fits = ridge
        .path(records.view(), targets.view(), &penalties)
        .expect("a path");
    for (i, fitted) in fits.iter().enumerate() {
        near(
            "ridge",
            &fitted.model.coefficients,
            &numbers(&golden["ridge_coefficients"][i]),
            1e-9,
        );
    }
    let moments = Moments::new(records.view(), targets.view()).expect("moments");
    let grid = valid(LinearParams::new(LinearKind::Lasso)).alpha_grid(&moments, 10, 1e-3);
    near("grid", &grid, &numbers(&golden["grid"]), 1e-12);
}

#[test]
fn the_order_of_a_path_is_the_callers() {
    let (records, targets) = reference_matrix();
    for params in [
        elastic_net(1.0, 0.5, 1e-4),
        valid(LinearParams::new(LinearKind::Ridge)),
    ] {
        let path = |alphas: &[f64]| {
            let fits = params.path(records.view(), targets.view(), alphas);
            fits.expect("a path")
        };
        let (down, up) = (path(&[0.3, 0.1, 0.01]), path(&[0.01, 0.1, 0.3]));
        assert!(down.iter().eq(up.iter().rev()));
        assert!(path(&[]).is_empty());
    }
    let ridge = valid(LinearParams::new(LinearKind::Ridge));
    let fits = ridge
        .path(records.view(), targets.view(), &[0.0, 1e-9, 0.0])
        .expect("a path");
    assert_eq!(fits[0], fits[2]);
    near(
        "no penalty",
        &fits[1].model.coefficients,
        &fits[0].model.coefficients,
        1e-9,
    );
    let wrong = elastic_net(1.0, 0.5, 1e-4).path(records.view(), targets.view(), &[1.0, -1.0]);
    assert!(
        wrong
            .expect_err("a negative alpha")
            .to_string()
            .contains("alpha must be more than 0")
    );
}

#[test]
fn validation_agrees_with_scikit_learn() {
    let (records, targets) = reference_matrix();
    let golden = golden("linear.json");
    let count = golden["validation"]["folds"].as_u64().expect("a count") as usize;
    // KFold: contiguous, the first ones a row longer
    let (rows, longer) = (targets.len(), targets.len() % count);
    let sizes = (0..count).map(|fold| rows / count + usize::from(fold < longer));
    let folds: Vec<usize> = sizes
        .enumerate()
        .flat_map(|(fold, size)| vec![fold; size])
        .collect();
    let check = |name: &str, params: ValidLinear, alphas: &Value| {
        let alphas = numbers(alphas);
        let found = params
            .cross_validate(records.view(), targets.view(), &folds, &alphas)
            .expect("errors");
        for (fold, errors) in golden["validation"][name]
            .as_array()
            .expect("folds")
            .iter()
            .enumerate()
        {
            near(
                name,
                &found.errors.row(fold).to_vec(),
                &numbers(errors),
                1e-7,
            );
        }
        assert_eq!(found.means().len(), alphas.len());
        found.best().expect("alphas")
    };
    let path = &golden["path"];
    assert_eq!(
        check("elastic_net", elastic_net(1.0, 0.5, 1e-10), &path["alphas"]),
        5
    );
    check(
        "ridge",
        valid(LinearParams::new(LinearKind::Ridge)),
        &path["ridge_alphas"],
    );
}

#[test]
fn folds_that_cannot_be_validated_are_refused() {
    let records = Array2::from_shape_fn((4, 1), |(i, _)| i as f64);
    let targets = Array1::from_shape_fn(4, |i| i as f64);
    let ridge = valid(LinearParams::new(LinearKind::Ridge));
    let refused = |folds: &[usize]| {
        let found = ridge.cross_validate(records.view(), targets.view(), folds, &[1.0]);
        found.expect_err("refused").to_string()
    };
    assert_eq!(
        refused(&[0, 1]),
        "the folds cannot be used: 4 rows have 2 folds"
    );
    assert_eq!(
        refused(&[0, 0, 2, 2]),
        "the folds cannot be used: fold 1 has no rows"
    );
    let few =
        "the folds cannot be used: 1 folds of 4 rows; from 2 to the number of rows are needed";
    assert_eq!(refused(&[0; 4]), few);
    assert!(refused(&[0, 1, 2, usize::MAX - 1]).contains("folds of 4 rows"));
}

#[test]
fn linfa_agrees_where_it_is_right() {
    let (records, targets) = reference_matrix();
    let centred = &records - &records.mean_axis(Axis(0)).expect("rows");
    let dataset = DatasetBase::new(centred.clone(), targets.clone());
    let ours = fit(
        &valid(LinearParams::new(LinearKind::Linear)),
        &records,
        &targets,
    );
    let linfa = linfa_linear::LinearRegression::new()
        .fit(&dataset)
        .expect("a model");
    near(
        "least squares",
        &ours.model.coefficients,
        linfa.params().as_slice().expect("contiguous"),
        1e-9,
    );
    for (alpha, l1_ratio) in [(0.1, 1.0), (0.001, 1.0), (0.01, 0.5), (0.2, 0.9)] {
        let ours = fit(&elastic_net(alpha, l1_ratio, 1e-12), &records, &targets);
        let linfa = linfa_elasticnet::ElasticNet::params()
            .penalty(alpha)
            .l1_ratio(l1_ratio)
            .tolerance(1e-12)
            .max_iterations(100_000)
            .fit(&dataset)
            .expect("a model");
        let expect = linfa.hyperplane().to_vec();
        near(
            &format!("alpha {alpha} l1_ratio {l1_ratio}"),
            &ours.model.coefficients,
            &expect,
            1e-6,
        );
    }
}

#[test]
fn few_rows_and_no_features_have_models() {
    let fitted = |rows: usize, features: usize, kind| {
        let records = Array2::from_shape_fn((rows, features), |(i, j)| {
            ((i * i + 3) as f64 * (j + 1) as f64).sin()
        });
        let targets = Array1::from_shape_fn(rows, |i| 1.0 + i as f64);
        let fitted = fit(
            &valid(LinearParams::new(kind).alpha(1e-6)),
            &records,
            &targets,
        );
        let off = (fitted.model.predict(&records) - &targets).mapv(f64::abs);
        (fitted, off.iter().fold(0.0_f64, |max, x| max.max(*x)))
    };
    for kind in [LinearKind::Linear, LinearKind::Ridge, LinearKind::Lasso] {
        let (one_row, off) = fitted(1, 3, kind);
        assert_eq!(
            (one_row.model.coefficients, off),
            (vec![0.0; 3], 0.0),
            "{kind}"
        );
        let (constant, _) = fitted(5, 0, kind);
        assert_eq!(
            (constant.model.intercept, constant.model.coefficients),
            (3.0, vec![]),
            "{kind}"
        );
        let (_, off) = fitted(6, 40, kind);
        assert!(off < 1e-3, "{kind}: {off}");
    }
    let none = Array2::<f64>::zeros((0, 2));
    let dataset = DatasetBase::new(none, Array1::<f64>::zeros(0));
    let refused = valid(LinearParams::new(LinearKind::Ridge)).fit(&dataset);
    assert_eq!(
        refused.expect_err("no rows").to_string(),
        "there are no rows to fit a model on"
    );
}
