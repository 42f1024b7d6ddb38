//! What all tree learners have in common: bad input, small input, missing values, categories, seeds, early stopping.

use std::ops::ControlFlow;

use hpipe_learn::binned::{Binned, Binning};
use hpipe_learn::decision_tree::{DecisionTree, Splitter};
use hpipe_learn::error::Error;
use hpipe_learn::gradient_boosting::{GradientBoosting, Loss};
use hpipe_learn::history::{Iteration, Monitor, Validation};
use hpipe_learn::max_features::MaxFeatures;
use hpipe_learn::predictor::Predictor;
use hpipe_learn::random_forest::RandomForest;
use hpipe_learn::tree::{Ensemble, NodeView};
use hpipe_learn::xgboost::XgBoost;
use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, ArrayView1, Axis};

type Data = DatasetBase<Array2<f64>, Array1<f64>>;

/// A number below 1 that looks random.
fn noise(row: usize, column: usize) -> f64 {
    let mixed = (row as u64 * 40 + column as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// `rows × 5`: a curve of the first three features, with missing values in the second and noise.
fn curve(rows: usize) -> Data {
    let mut records = Array2::from_shape_fn((rows, 5), |(row, column)| noise(row, column) * 4.0);
    let target =
        |row: ArrayView1<'_, f64>| (row[0] * 2.0).sin() * 3.0 + row[1] * row[2] + row[4] / 10.0;
    let targets: Array1<f64> = records.rows().into_iter().map(target).collect();
    for row in (0..rows).step_by(7) {
        records[[row, 1]] = f64::NAN;
    }
    DatasetBase::new(records, targets)
}

/// Fits every learner, some of its draws switched on.
fn fit_all(
    data: &Data,
    binning: &Binning,
    seed: u64,
) -> Result<Vec<(&'static str, Ensemble)>, Error> {
    let tree = DecisionTree::params()
        .min_samples_leaf(2)
        .max_features(MaxFeatures::Count(3));
    let forest = RandomForest::params()
        .n_estimators(7)
        .max_features(MaxFeatures::Share(0.5));
    let boosting = GradientBoosting::params()
        .n_estimators(9)
        .learning_rate(0.4)
        .subsample(0.7)
        .loss(Loss::Huber { alpha: 0.9 });
    let xgboost = XgBoost::params()
        .n_estimators(9)
        .subsample(0.7)
        .colsample_bytree(0.8)
        .colsample_bynode(0.8);
    Ok(vec![
        (
            "tree",
            tree.binning(binning.clone()).seed(seed).fit(data)?.ensemble,
        ),
        (
            "forest",
            forest
                .binning(binning.clone())
                .seed(seed)
                .fit(data)?
                .ensemble,
        ),
        (
            "boosting",
            boosting
                .binning(binning.clone())
                .seed(seed)
                .fit(data)?
                .ensemble,
        ),
        (
            "xgboost",
            xgboost
                .binning(binning.clone())
                .seed(seed)
                .fit(data)?
                .ensemble,
        ),
    ])
}

fn mean_squared_error(model: &Ensemble, data: &Data) -> f64 {
    let predictions = model.predict(data.records.view());
    let missed: f64 = predictions
        .iter()
        .zip(&data.targets)
        .map(|(f, y)| (f - y).powi(2))
        .sum();
    missed / predictions.len() as f64
}

fn variance(data: &Data) -> f64 {
    data.targets.var(0.0)
}

#[test]
fn every_learner_learns_with_missing_values() {
    let (train, test) = (curve(2000), curve(3000));
    for (name, model) in fit_all(&train, &Binning::default(), 1).unwrap() {
        let share = mean_squared_error(&model, &test) / variance(&test);
        assert!(share < 0.25, "{name}: {share} of the variance is left");
    }
}

#[test]
fn equal_seeds_give_equal_models_on_any_number_of_threads() {
    // large enough for histograms to be counted in parallel
    let data = curve(40_000);
    let fit = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| fit_all(&data, &Binning::default(), seed).unwrap())
    };
    let one = fit(1, 5);
    assert_eq!(one, fit(2, 5));
    assert_eq!(one, fit(3, 5));
    assert!(one.iter().zip(fit(1, 6)).all(|(a, b)| *a != b));
}

#[test]
fn predictors_agree_with_the_definition_to_the_last_bit() {
    let data = curve(1500);
    for (name, model) in fit_all(&data, &Binning::default(), 2).unwrap() {
        let predictor = Predictor::new(&model);
        let batch = predictor.predict(data.records.view()).unwrap();
        for (row, prediction) in data.records.rows().into_iter().zip(batch) {
            assert_eq!(model.predict_row(row), prediction, "{name}");
            assert_eq!(predictor.predict_row(row).unwrap(), prediction, "{name}");
        }
    }
}

#[test]
fn the_layout_of_the_matrix_does_not_matter() {
    let data = curve(300);
    let columns = data
        .records
        .t()
        .as_standard_layout()
        .to_owned()
        .reversed_axes();
    assert!(!columns.is_standard_layout());
    let columns = DatasetBase::new(columns, data.targets.clone());
    let binning = Binning::default();
    assert_eq!(fit_all(&data, &binning, 3), fit_all(&columns, &binning, 3));
}

#[test]
fn a_single_row_or_constant_columns_give_one_leaf() {
    let one = DatasetBase::new(Array2::from_elem((1, 3), 2.0), Array1::from_elem(1, 7.5));
    let constant = DatasetBase::new(Array2::from_elem((50, 3), 2.0), Array1::from_elem(50, 7.5));
    let missing = DatasetBase::new(
        Array2::from_elem((50, 3), f64::NAN),
        Array1::from_elem(50, 7.5),
    );
    for data in [one, constant, missing] {
        for (name, model) in fit_all(&data, &Binning::default(), 0).unwrap() {
            assert!(model.trees.iter().all(|tree| tree.len() == 1), "{name}");
            assert_eq!(model.predict(data.records.view())[0], 7.5, "{name}");
        }
    }
}

#[test]
fn a_constant_target_is_predicted_as_it_is() {
    let mut data = curve(500);
    data.targets.fill(0.1);
    for (name, model) in fit_all(&data, &Binning::default(), 0).unwrap() {
        assert!(model.trees.iter().all(|tree| tree.len() == 1), "{name}");
        assert!(
            model
                .predict(data.records.view())
                .iter()
                .all(|f| (f - 0.1).abs() < 1e-15),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_learnt_from_is_an_error() {
    let fails = |change: &dyn Fn(&mut Data)| {
        let mut data = curve(20);
        change(&mut data);
        fit_all(&data, &Binning::default(), 0)
            .unwrap_err()
            .to_string()
    };
    let shown = |change: &dyn Fn(&mut Data), message: &str| assert_eq!(fails(change), message);
    shown(
        &|data| data.targets[3] = f64::NAN,
        "learn from the target of row 3, which is NaN",
    );
    shown(
        &|data| data.targets[4] = f64::INFINITY,
        "learn from the target of row 4, which is inf",
    );
    shown(
        &|data| data.records[[2, 1]] = f64::NEG_INFINITY,
        "use feature 1 of row 2, which is -inf, in single precision",
    );
    shown(
        &|data| data.records[[2, 1]] = 1e39,
        "use feature 1 of row 2, which is 1000000000000000000000000000000000000000, in single precision",
    );
    shown(
        &|data| data.records = Array2::zeros((0, 5)),
        "fit a model to no rows",
    );
    shown(
        &|data| data.records = Array2::zeros((20, 0)),
        "fit a model to no features",
    );
    shown(
        &|data| data.targets = Array1::zeros(19),
        "use 19 targets with 20 rows",
    );
    shown(
        &|data| data.weights = Array1::from_elem(20, -1.0),
        "use the weight of row 0, which is -1",
    );
    shown(
        &|data| data.weights = Array1::zeros(20),
        "use the weight of row 0, which is 0",
    );
    let binning = Binning {
        categorical: vec![0],
        ..Binning::default()
    };
    let error = fit_all(&curve(20), &binning, 0).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Code {
                feature: 0,
                row: 0,
                most: 254,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn hyperparameters_out_of_range_are_errors() {
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    let xgboost =
        |params: hpipe_learn::xgboost::XgBoostParams| message(params.check_ref().map(|_| ()));
    assert_eq!(
        xgboost(XgBoost::params().learning_rate(0.0)),
        "use learning_rate = 0: it must be above 0"
    );
    assert_eq!(
        xgboost(XgBoost::params().subsample(1.5)),
        "use subsample = 1.5: it must be above 0 and at most 1"
    );
    assert_eq!(
        xgboost(XgBoost::params().gamma(f64::NAN)),
        "use gamma = NaN: it must be 0 or more"
    );
    assert_eq!(
        xgboost(XgBoost::params().max_depth(Some(0))),
        "use max_depth = 0: it must be at least 1, or none"
    );
    let short = XgBoost::params()
        .monotone_constraints(vec![1])
        .fit(&curve(9));
    assert_eq!(
        message(short.map(|_| ())),
        "use monotone_constraints = 1: it must be one number a feature, or none"
    );
    let early = XgBoost::params()
        .early_stopping_rounds(Some(3))
        .fit(&curve(9));
    assert_eq!(
        message(early.map(|_| ())),
        "stop early without validation rows"
    );
    let oob = RandomForest::params().bootstrap(false).oob_score(true);
    assert_eq!(
        message(oob.check_ref().map(|_| ())),
        "use oob_score = true: it must be false without a bootstrap"
    );
    let loss = GradientBoosting::params().loss(Loss::Quantile { alpha: 1.0 });
    assert_eq!(
        message(loss.check_ref().map(|_| ())),
        "use alpha = 1: it must be between 0 and 1"
    );
    let tree = DecisionTree::params().max_leaf_nodes(Some(1));
    assert_eq!(
        message(tree.check_ref().map(|_| ())),
        "use max_leaf_nodes = 1: it must be at least 2, or none"
    );
}

#[test]
fn a_missing_column_at_prediction_is_an_error() {
    let model = DecisionTree::params().fit(&curve(50)).unwrap();
    let short = Array2::zeros((4, 4));
    let error = model.try_predict(short.view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "predict from 4 features with a model of 5"
    );
    assert_eq!(model.predict(&curve(50).records).len(), 50);
}

#[test]
fn categories_are_split_by_sets_and_an_unseen_code_is_missing() {
    let rows = 1200;
    let records = Array2::from_shape_fn((rows, 2), |(row, column)| match column {
        0 if row % 50 == 49 => f64::NAN,
        0 => (noise(row, 0) * 9.0).floor(),
        _ => noise(row, 1),
    });
    // odd codes are high, missing ones as well: no threshold parts them
    let high = |code: f64| f64::from(u8::from(code.is_nan() || code % 2.0 == 1.0)) * 10.0;
    let targets: Array1<f64> = records.column(0).iter().map(|&code| high(code)).collect();
    let binning = Binning {
        categorical: vec![0],
        ..Binning::default()
    };
    let data = DatasetBase::new(records, targets);
    let tree = DecisionTree::params()
        .binning(binning)
        .max_depth(Some(1))
        .fit(&data)
        .unwrap();
    assert!(mean_squared_error(&tree.ensemble, &data) < 1e-20);
    let asked = ndarray::array![
        [3.0, 0.5],
        [4.0, 0.5],
        [77.0, 0.5],
        [2.5, 0.5],
        [-1.0, 0.5],
        [f64::NAN, 0.5]
    ];
    assert_eq!(
        tree.try_predict(asked.view()).unwrap(),
        [10.0, 0.0, 10.0, 10.0, 10.0, 10.0]
    );
}

/// A stump on codes of which 0 and 1 are worth 0, 2, 3 and 5 are worth 10, and 4 does not occur; missing values are worth
/// what is given, if there are any. What it predicts for code 4.
fn worth_of_an_absent_code(low: usize, high: usize, missing: Option<f64>) -> f64 {
    let mut codes: Vec<(f64, f64)> = Vec::new();
    for (code, worth) in [
        (0.0, 0.0),
        (1.0, 0.0),
        (2.0, 10.0),
        (3.0, 10.0),
        (5.0, 10.0),
    ] {
        let times = if worth == 0.0 { low } else { high };
        codes.extend(std::iter::repeat_n((code, worth), times));
    }
    codes.extend(missing.map(|worth| (f64::NAN, worth)));
    let records: Vec<f64> = codes.iter().map(|(code, _)| *code).collect();
    let records = Array2::from_shape_vec((codes.len(), 1), records).expect("one column");
    let targets: Array1<f64> = codes.iter().map(|(_, worth)| *worth).collect();
    let binning = Binning {
        categorical: vec![0],
        ..Binning::default()
    };
    let tree = DecisionTree::params()
        .binning(binning)
        .max_depth(Some(1))
        .fit(&DatasetBase::new(records, targets))
        .expect("a tree");
    tree.try_predict(ndarray::array![[4.0]].view())
        .expect("a prediction")[0]
}

#[test]
fn a_code_that_a_node_never_saw_goes_where_missing_values_go() {
    assert_eq!(worth_of_an_absent_code(100, 10, None), 0.0);
    assert_eq!(worth_of_an_absent_code(10, 100, None), 10.0);
    assert_eq!(worth_of_an_absent_code(100, 10, Some(10.0)), 10.0);
    assert_eq!(worth_of_an_absent_code(10, 100, Some(0.0)), 0.0);
}

#[test]
fn rows_of_weight_zero_do_not_count_and_weights_are_repetitions() {
    // no more rows than bins: how often a row occurs then moves no threshold
    let data = curve(240);
    let weight = |row: usize| (row % 3) as f32;
    let weighted = DatasetBase::new(data.records.clone(), data.targets.clone())
        .with_weights((0..240).map(weight).collect());
    let rows: Vec<usize> = (0..240).flat_map(|row| vec![row; row % 3]).collect();
    let repeated = DatasetBase::new(
        data.records.select(Axis(0), &rows),
        data.targets.select(Axis(0), &rows),
    );
    let close = |a: &Ensemble, b: &Ensemble| {
        let (a, b) = (
            a.predict(data.records.view()),
            b.predict(data.records.view()),
        );
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
    };
    let xgboost = XgBoost::params().n_estimators(20);
    assert!(close(
        &xgboost.fit(&weighted).unwrap().ensemble,
        &xgboost.fit(&repeated).unwrap().ensemble
    ));
    let tree = DecisionTree::params().max_depth(Some(5));
    assert!(close(
        &tree.fit(&weighted).unwrap().ensemble,
        &tree.fit(&repeated).unwrap().ensemble
    ));
    for loss in [Loss::SquaredError, Loss::Huber { alpha: 0.8 }] {
        let boosting = GradientBoosting::params().n_estimators(10).loss(loss);
        let (a, b) = (
            boosting.fit(&weighted).unwrap(),
            boosting.fit(&repeated).unwrap(),
        );
        // the start of Huber's loss is interpolated without weights only
        assert!(close(&a.ensemble, &b.ensemble) || loss != Loss::SquaredError);
    }
}

#[test]
fn early_stopping_keeps_the_best_iteration() {
    let (train, validation) = (curve(200), curve(260));
    let watched = || Monitor {
        validation: Some(Validation {
            records: validation.records.view(),
            targets: validation.targets.view(),
        }),
        observe: None,
    };
    let params = XgBoost::params()
        .n_estimators(400)
        .early_stopping_rounds(Some(10))
        .check()
        .unwrap();
    let (records, targets) = (train.records.view(), train.targets.view());
    let model = params
        .fit_watched(records, targets, None, watched())
        .unwrap();
    let history = &model.history;
    let least = history
        .validation
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    assert_eq!(history.validation[history.best_iteration - 1], least);
    assert_eq!(model.ensemble.trees.len(), history.best_iteration);
    assert!(history.validation.len() < 400);
    assert_eq!(history.validation.len(), history.best_iteration + 10);
    let found = mean_squared_error(&model.ensemble, &validation).sqrt();
    assert!((found - least).abs() < 1e-12);
}

#[test]
fn an_observer_hears_of_every_tree_and_may_end_the_fit() {
    let data = curve(300);
    let mut heard = Vec::new();
    let mut observe = |iteration: &Iteration| {
        heard.push(iteration.number);
        if iteration.number == 5 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let (records, targets) = (data.records.view(), data.targets.view());
    let monitor = Monitor {
        validation: None,
        observe: Some(&mut observe),
    };
    let forest = RandomForest::params().n_estimators(50).check().unwrap();
    let ended = forest.fit_watched(records, targets, None, monitor).unwrap();
    assert_eq!(heard, [1, 2, 3, 4, 5]);
    let whole = forest
        .fit_watched(records, targets, None, Monitor::default())
        .unwrap();
    assert_eq!(ended.ensemble.trees, whole.ensemble.trees[..5]);
}

#[test]
fn one_matrix_serves_many_fits() {
    let data = curve(500);
    let matrix = Binned::new(data.records.view(), &Binning::default()).unwrap();
    let params = XgBoost::params().n_estimators(5).check().unwrap();
    let shared = params
        .fit_binned(&matrix, data.targets.view(), None, Monitor::default())
        .unwrap();
    assert_eq!(shared, params.fit(&data).unwrap());
}

#[test]
fn monotone_constraints_hold_everywhere() {
    let data = curve(3000);
    for direction in [-1, 1] {
        let params = XgBoost::params()
            .n_estimators(40)
            .monotone_constraints(vec![direction, 0, 0, 0, 0]);
        let model = params.fit(&data).unwrap().ensemble;
        let splits = model
            .trees
            .iter()
            .flat_map(|tree| (0..tree.len()).map(|place| tree.node(place)));
        assert!(
            splits
                .into_iter()
                .any(|node| matches!(node, NodeView::Split(split) if split.feature == 0))
        );
        for row in data.records.rows().into_iter().take(200) {
            let mut row = row.to_owned();
            let predictions: Vec<f64> = (0..60)
                .map(|step| {
                    row[0] = f64::from(step) / 15.0;
                    model.predict_row(row.view())
                })
                .collect();
            for pair in predictions.windows(2) {
                assert!(
                    (pair[1] - pair[0]) * f64::from(direction) >= 0.0,
                    "{pair:?}"
                );
            }
        }
    }
}

#[test]
fn out_of_bag_rows_were_never_in_the_bag() {
    // a forest of whole trees knows its own rows by heart: had a tree seen a row, its prediction would be the target
    let data = curve(300);
    let forest = RandomForest::params()
        .n_estimators(1)
        .oob_score(true)
        .fit(&data)
        .unwrap();
    let found = forest.out_of_bag.unwrap();
    let by_heart = forest.ensemble.predict(data.records.view());
    let unseen: Vec<usize> = (0..300)
        .filter(|&row| !found.predictions[row].is_nan())
        .collect();
    // the share is 1 / e
    assert!((80..140).contains(&unseen.len()), "{}", unseen.len());
    for (row, &known) in by_heart.iter().enumerate() {
        if unseen.contains(&row) {
            assert_eq!(found.predictions[row], known);
        } else {
            assert_eq!(data.targets[row], known);
        }
    }
    let many = RandomForest::params()
        .n_estimators(60)
        .oob_score(true)
        .fit(&data)
        .unwrap();
    let score = many.out_of_bag.unwrap().score;
    assert!((0.6..0.95).contains(&score), "{score}");
}

/// `rows × 3` of which no two agree, with missing values in the second column, and targets that look random.
fn scattered(rows: usize) -> Data {
    let mut records = Array2::from_shape_fn((rows, 3), |(row, column)| noise(row, column));
    for row in (0..rows).step_by(5) {
        records[[row, 1]] = f64::NAN;
    }
    let targets = (0..rows).map(|row| noise(row, 7)).collect();
    DatasetBase::new(records, targets)
}

#[test]
fn small_matrices_are_split_between_any_two_values() {
    // far more values than bins; sorting every node anew is the oracle
    let data = scattered(3000);
    for params in [
        DecisionTree::params(),
        DecisionTree::params().max_leaf_nodes(Some(200)),
        DecisionTree::params()
            .min_samples_leaf(4)
            .max_depth(Some(9)),
    ] {
        let sorted = params.clone().splitter(Splitter::Exact).fit(&data).unwrap();
        let binned = params
            .binning(Binning {
                max_bin: 7,
                ..Binning::default()
            })
            .fit(&data)
            .unwrap();
        assert_eq!(
            binned.ensemble.predict(data.records.view()),
            sorted.ensemble.predict(data.records.view())
        );
    }
}

#[test]
fn large_matrices_are_split_to_the_last_row() {
    // bins above 65,536 rows, lists below, and more values than there are codes
    let data = scattered(70_000);
    let forest = RandomForest::params()
        .n_estimators(1)
        .bootstrap(false)
        .fit(&data)
        .unwrap();
    let tree = DecisionTree::params().fit(&data).unwrap();
    for model in [&forest.ensemble, &tree.ensemble] {
        let predictions = model.predict(data.records.view());
        let missed = predictions.iter().zip(&data.targets);
        assert_eq!(missed.filter(|(f, y)| f != y).count(), 0);
    }
    let bagged = RandomForest::params()
        .n_estimators(1)
        .oob_score(true)
        .fit(&data)
        .unwrap();
    // rows that the tree has not seen end in the same leaf by codes and by values
    let by_value = bagged.ensemble.predict(data.records.view());
    let by_code = bagged.out_of_bag.unwrap().predictions;
    let unseen = by_code.iter().zip(&by_value).filter(|(f, _)| !f.is_nan());
    assert!(unseen.clone().count() > 20_000);
    assert_eq!(unseen.filter(|(a, b)| a != b).count(), 0);
}

#[test]
fn nodes_that_try_few_features_are_split_to_the_last_row_too() {
    let mut data = scattered(500);
    data.records = Array2::from_shape_fn((500, 40), |(row, column)| noise(row, column));
    let forest = RandomForest::params()
        .n_estimators(3)
        .bootstrap(false)
        .max_features(MaxFeatures::Count(2))
        .fit(&data)
        .unwrap();
    for tree in &forest.ensemble.trees {
        let own = Ensemble {
            trees: vec![tree.clone()],
            ..forest.ensemble.clone()
        };
        assert!(mean_squared_error(&own, &data) < 1e-20);
    }
    assert_ne!(forest.ensemble.trees[0], forest.ensemble.trees[1]);
}

#[test]
fn of_equal_splits_a_forest_takes_a_random_one_and_a_tree_the_first() {
    // the same column six times
    let one = curve(400);
    let records = Array2::from_shape_fn((400, 6), |(row, _)| one.records[[row, 0]]);
    let data = DatasetBase::new(records, one.targets);
    let features = |model: &Ensemble| -> std::collections::BTreeSet<usize> {
        let tree = &model.trees[0];
        (0..tree.len())
            .filter_map(|place| match tree.node(place) {
                NodeView::Split(split) => Some(split.feature),
                NodeView::Leaf { .. } => None,
            })
            .collect()
    };
    let tree = DecisionTree::params().fit(&data).unwrap().ensemble;
    assert_eq!(features(&tree).into_iter().collect::<Vec<_>>(), [0]);
    let forest = RandomForest::params().n_estimators(1).fit(&data).unwrap();
    assert_eq!(features(&forest.ensemble).len(), 6);
}

/// Rows whose value is missing have the lowest targets: with a direction upwards they belong on the left, alone.
#[test]
fn missing_values_alone_go_left_of_a_feature_with_a_direction() {
    let n = 400;
    let is_missing = |row: usize| row.is_multiple_of(2);
    let value = |row: usize| {
        if is_missing(row) {
            f64::NAN
        } else {
            row as f64
        }
    };
    let target = |row: usize| {
        let level = if is_missing(row) { 0.0 } else { 10.0 };
        level + 0.2 * (noise(row, 0) - 0.5)
    };
    let records = Array2::from_shape_fn((n, 1), |(row, _)| value(row));
    let targets = Array1::from_shape_fn(n, target);
    for direction in [1, 0, -1] {
        for exact in [true, false] {
            let params = XgBoost::params()
                .n_estimators(30)
                .monotone_constraints(vec![direction])
                .binning(Binning {
                    exact,
                    ..Binning::default()
                });
            let dataset = DatasetBase::new(records.view(), targets.view());
            let model = params.fit(&dataset).unwrap();
            let predicted = model.try_predict(records.view()).unwrap();
            let squares = predicted.iter().zip(&targets).map(|(f, y)| (f - y).powi(2));
            let rmse = (squares.sum::<f64>() / n as f64).sqrt();
            assert!(rmse < 0.12, "{direction} {exact}: {rmse}");
        }
    }
}
