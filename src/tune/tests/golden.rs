//! Importance and pruning against Optuna 5.0, whose answers `tests/reference/tune.py` wrote down.

use hpipe_core::{Mapping, Value};
use hpipe_tune::{Definition, ImportanceOptions, Outcome, Series, Study};

fn golden() -> Value {
    let text = include_str!("../../../tests/reference/tune.json");
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
        Value::Null => f64::NAN,
        other => panic!("{other:?} is no number"),
    }
}

fn given<'a>(value: &'a Value, path: &str) -> &'a Value {
    value.lookup(path).unwrap_or_else(|| panic!("no {path}"))
}

fn study(entries: Vec<(&str, Value)>) -> Study {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    let definition = Value::Map(entries.collect::<Mapping>());
    Study::new(Definition::parse(&definition).unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// The study whose trials are written down: they are its initial points.
fn replay(case: &Value) -> Study {
    let trials = list(case, "trials");
    let points = trials.iter().map(|trial| given(trial, "params").clone());
    let mut study = study(vec![
        ("space", given(case, "space").clone()),
        ("direction", given(case, "direction").clone()),
        ("initial", Value::List(points.collect())),
        ("trials", Value::Int(trials.len() as i128)),
    ]);
    for trial in trials {
        let ask = study.ask().expect("one for each");
        assert_eq!(Value::Map(ask.params), *given(trial, "params"));
        let outcome = Outcome::Complete(number(given(trial, "value")));
        study
            .tell(ask.number, outcome, Series::default())
            .expect("asked");
    }
    study
}

#[test]
fn importance_is_that_of_optuna() {
    let golden = golden();
    for (number_of, case) in list(&golden, "importances").iter().enumerate() {
        let option = |name: &str| number(given(case, &format!("options.{name}")));
        let options = ImportanceOptions {
            target_quantile: option("target_quantile"),
            region_quantile: option("region_quantile"),
            evaluate_on_local: *given(case, "options.evaluate_on_local") == Value::Bool(true),
        };
        let found = replay(case).importance(&options);
        let divergences = given(case, "divergence").as_map().expect("by parameter");
        assert_eq!(found.len(), divergences.len(), "case {number_of}");
        for importance in &found {
            let expected = number(
                divergences
                    .get(&importance.param)
                    .expect("the same parameters"),
            );
            let error = (importance.divergence - expected).abs();
            assert!(
                error <= 1e-9 * expected,
                "case {number_of}: {importance:?}, not {expected}"
            );
            let share = number(given(case, &format!("share.{}", importance.param)));
            let error = (importance.share - share).abs();
            assert!(
                error < 1e-9,
                "case {number_of}: {importance:?}, not {share}"
            );
        }
        assert!(found.is_sorted_by(|a, b| a.divergence >= b.divergence));
    }
}

#[test]
fn trials_are_given_up_where_optuna_gives_them_up() {
    let golden = golden();
    for (number_of, case) in list(&golden, "prunings").iter().enumerate() {
        let space = serde_json::from_str(r#"{"x": {"float": [0, 1]}}"#).expect("JSON");
        let mut study = study(vec![
            ("space", space),
            ("sampler", "random".into()),
            ("direction", given(case, "direction").clone()),
            ("pruner", given(case, "pruner").clone()),
            ("concurrency", Value::Int(1)),
        ]);
        for trial in list(case, "trials") {
            let number_asked = study.ask().expect("one for each").number;
            let (mut series, mut given_up) = (Series::default(), None);
            for report in list(trial, "series") {
                let [step, value] = list(report, "") else {
                    panic!("a step and a value");
                };
                series.push(number(step) as u64, number(value));
                if study.should_prune(number_asked, &series) {
                    given_up = series.last();
                    break;
                }
            }
            let expected = trial.lookup("given_up").and_then(Value::whole);
            let found = given_up.map(|(step, _)| i128::from(step));
            assert_eq!(found, expected, "case {number_of}, trial {number_asked}");
            let outcome = match (given_up, series.last()) {
                (Some((step, value)), _) => Outcome::Pruned { step, value },
                (None, Some((_, value))) if !value.is_nan() => Outcome::Complete(value),
                _ => Outcome::Complete(0.0),
            };
            study.tell(number_asked, outcome, series).expect("asked");
        }
    }
}
