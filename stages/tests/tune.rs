//! Searches, trees, boosters and stacks through the `Stage` port, on every fifth row of the California Housing table.

mod harness;

use harness::Project;
use serde_json::{Value as Json, json};

const TARGET: &str = "MedHouseVal";

/// A project with features of three parts.
fn prepared() -> Project {
    let project = Project::default();
    let table = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../data/raw/california_housing.csv"
    );
    let table = std::fs::read_to_string(table).expect("the committed table");
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<&str> = lines.step_by(5).collect();
    project.write("raw.csv", format!("{header}\n{}\n", rows.join("\n")));
    project.execute(
        "ingest",
        "null",
        &[("table", "raw.csv")],
        &[("table", "t.parquet")],
    );
    let parts = [
        ("train", "s/train.parquet"),
        ("validation", "s/validation.parquet"),
        ("test", "s/test.parquet"),
    ];
    let fractions = r#"{"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}, "seed": 1}"#;
    project.execute("split", fractions, &[("table", "t.parquet")], &parts);
    let features = r#"{"target": "MedHouseVal", "numeric":
        ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]}"#;
    let outs = [
        ("train", "f/train.parquet"),
        ("validation", "f/validation.parquet"),
        ("test", "f/test.parquet"),
        ("transform", "transform.json"),
    ];
    project.execute("features", features, &parts, &outs);
    project
}

const PARTS: [(&str, &str); 2] = [
    ("train", "f/train.parquet"),
    ("validation", "f/validation.parquet"),
];

const OUTS: [(&str, &str); 3] = [
    ("study", "study.json"),
    ("trials", "trials.csv"),
    ("report", "study.html"),
];

fn xgboost(trials: usize, more: &str) -> String {
    format!(
        r#"{{"model": "xgboost", "target": "MedHouseVal", "trials": {trials}, "seed": 3,
            "hyperparameters": {{"n_estimators": 60, "early_stopping_rounds": 10}},
            "space": {{"max_depth": {{"int": [2, 6]}}, "learning_rate": {{"float": [0.05, 0.4], "log": true}},
                "subsample": {{"float": [0.5, 1], "when": {{"max_depth": [4, 5, 6]}}}}}} {more}}}"#
    )
}

/// How many trials the last search executed and recalled.
fn last_count(project: &Project) -> String {
    let logged = project.logged();
    let line = logged.iter().rev().find(|line| line.contains(" trials: "));
    line.expect("a line about trials").clone()
}

fn trials(project: &Project) -> Vec<Json> {
    let study = project.json("study.json");
    study["content"]["trials"]
        .as_array()
        .expect("trials")
        .clone()
}

#[test]
fn what_is_known_is_not_executed_again() {
    let project = prepared();
    project.execute("tune", &xgboost(6, ""), &PARTS, &OUTS);
    assert_eq!(last_count(&project), "6 trials: 6 executed, 0 recalled");
    let first: Vec<Vec<u8>> = OUTS.iter().map(|(_, path)| project.read(path)).collect();
    let six = trials(&project);

    project.execute("tune", &xgboost(6, ""), &PARTS, &OUTS);
    assert_eq!(last_count(&project), "6 trials: 0 executed, 6 recalled");
    let again: Vec<Vec<u8>> = OUTS.iter().map(|(_, path)| project.read(path)).collect();
    assert!(first == again, "recalled or executed, the bytes are equal");

    project.execute("tune", &xgboost(9, ""), &PARTS, &OUTS);
    assert_eq!(last_count(&project), "9 trials: 3 executed, 6 recalled");
    assert_eq!(trials(&project)[..6], six);

    // Other rows, other trials.
    let swapped = [
        ("train", "f/validation.parquet"),
        ("validation", "f/train.parquet"),
    ];
    project.execute("tune", &xgboost(6, ""), &swapped, &OUTS);
    assert_eq!(last_count(&project), "6 trials: 6 executed, 0 recalled");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let bytes = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().expect("a pool");
        pool.install(|| {
            let project = prepared();
            project.execute("tune", &xgboost(8, ""), &PARTS, &OUTS);
            let with = r#"{"model": "random_forest", "target": "MedHouseVal", "seed": 5,
                "hyperparameters": {"n_estimators": 8, "max_features": 0.5, "oob_score": true}}"#;
            project.execute("train", with, &PARTS, &[("model", "forest.safetensors")]);
            (
                project.read("study.json"),
                project.read("forest.safetensors"),
            )
        })
    };
    assert!(bytes(1) == bytes(3));
}

#[test]
fn a_pruner_may_change_and_what_it_needs_is_executed() {
    let project = prepared();
    let eager =
        r#", "pruner": {"median": {"n_startup_trials": 2, "n_warmup_steps": 3}}, "concurrency": 1"#;
    project.execute("tune", &xgboost(10, eager), &PARTS, &OUTS);
    let pruned = trials(&project)
        .iter()
        .filter(|t| t["state"] == "pruned")
        .count();
    assert!(pruned > 0, "nothing was pruned");
    // Without it, complete trials are known until the first that was pruned; what follows is another study.
    project.execute("tune", &xgboost(10, r#", "concurrency": 1"#), &PARTS, &OUTS);
    let complete = trials(&project).iter().all(|t| t["state"] == "complete");
    assert!(complete, "{}", last_count(&project));
    assert_ne!(last_count(&project), "10 trials: 0 executed, 10 recalled");
    // Now both studies are known whole.
    for more in [eager, r#", "concurrency": 1"#] {
        project.execute("tune", &xgboost(10, more), &PARTS, &OUTS);
        assert_eq!(last_count(&project), "10 trials: 0 executed, 10 recalled");
    }
}

#[test]
fn folds_are_an_objective_without_a_validation_part() {
    let project = prepared();
    let with = r#"{"model": "ridge", "target": "MedHouseVal", "trials": 5, "objective": {"metric": "r2", "folds": 4},
        "space": {"alpha": {"float": [0.001, 1000], "log": true}}}"#;
    project.execute("tune", with, &PARTS[..1], &OUTS[..1]);
    let study = project.json("study.json");
    let best = study["content"]["best"]["value"]
        .as_f64()
        .expect("a number");
    let values = trials(&project);
    let values = values
        .iter()
        .map(|t| t["value"].as_f64().expect("a number"));
    assert_eq!(values.fold(f64::MIN, f64::max), best);
    assert!((0.4..0.7).contains(&best), "{best}");
    assert_eq!(trials(&project)[0]["steps"], 4);
}

#[test]
fn a_pruner_of_folds_prunes_the_same_when_trials_are_recalled() {
    let project = prepared();
    let with = r#"{"model": "decision_tree", "target": "MedHouseVal", "trials": 12, "concurrency": 1, "seed": 2,
        "objective": {"folds": 4}, "pruner": {"median": {"n_startup_trials": 2}},
        "space": {"max_depth": {"int": [1, 12]}, "min_samples_leaf": {"int": [1, 200], "log": true}}}"#;
    project.execute("tune", with, &PARTS[..1], &OUTS);
    let first = project.read("study.json");
    assert!(trials(&project).iter().any(|t| t["state"] == "pruned"));
    project.execute("tune", with, &PARTS[..1], &OUTS);
    assert_eq!(last_count(&project), "12 trials: 0 executed, 12 recalled");
    assert!(project.read("study.json") == first);
}

#[test]
fn reports_on_the_way_are_of_the_objective() {
    let project = prepared();
    for (metric, plausible) in [("rmse", 0.3..1.2), ("r2", 0.0..0.9)] {
        let with = format!(
            r#"{{"model": "gradient_boosting", "target": "MedHouseVal", "trials": 12, "concurrency": 1,
            "objective": {{"metric": "{metric}"}}, "pruner": {{"median": {{"n_startup_trials": 2, "n_warmup_steps": 10}}}},
            "hyperparameters": {{"n_estimators": 40}}, "space": {{"learning_rate": {{"float": [0.01, 0.5], "log": true}}}}}}"#
        );
        project.execute("tune", &with, &PARTS, &OUTS);
        let all = trials(&project);
        let value = |trial: &Json| trial["value"].as_f64().expect("a number");
        assert!(
            all.iter().all(|trial| plausible.contains(&value(trial))),
            "{all:?}"
        );
        let best = project.json("study.json")["content"]["best"]["value"].clone();
        let best = best.as_f64().expect("a number");
        let pruned: Vec<_> = all.iter().filter(|t| t["state"] == "pruned").collect();
        assert!(!pruned.is_empty(), "{metric}");
        let is_worse = |x: f64| if metric == "r2" { x <= best } else { x >= best };
        assert!(pruned.iter().all(|trial| is_worse(value(trial))));
    }
}

#[test]
fn nothing_to_search_is_one_trial() {
    let project = prepared();
    let with = r#"{"model": "linear", "target": "MedHouseVal"}"#;
    project.execute("tune", with, &PARTS, &OUTS);
    assert_eq!(last_count(&project), "1 trials: 1 executed, 0 recalled");
    assert_eq!(
        project.json("study.json")["content"]["best"]["params"],
        json!({})
    );
}

#[test]
fn a_model_takes_the_best_hyperparameters_of_a_study() {
    let project = prepared();
    project.execute("tune", &xgboost(6, ""), &PARTS, &OUTS);
    let study = project.json("study.json")["content"].clone();
    let with = r#"{"model": "xgboost", "target": "MedHouseVal", "seed": 3,
        "hyperparameters": {"n_estimators": 3, "max_depth": 3}}"#;
    let deps = [PARTS[0], PARTS[1], ("study", "study.json")];
    project.execute("train", with, &deps, &[("model", "m.safetensors")]);
    let card = project.model("m.safetensors");
    for (name, value) in study["best"]["params"].as_object().expect("params") {
        assert_eq!(card["hyperparameters"][name], *value, "{name}");
    }
    assert_eq!(
        card["training"]["validation"]["rmse"],
        study["best"]["value"]
    );
    let history = &card["training"]["history"];
    let kept = history["best_iteration"].as_u64().expect("a number") as usize;
    let metric = |i: usize| history["validation"][i].as_f64().expect("a number");
    let all = history["validation"].as_array().expect("numbers").len();
    assert!(
        (0..all).all(|i| metric(kept - 1) <= metric(i)),
        "the best iteration is kept"
    );

    let other = r#"{"model": "ridge", "target": "MedHouseVal"}"#;
    let error = project.try_execute("train", other, &deps, &[("model", "r.safetensors")]);
    let error = harness::describe(&error.expect_err("a study of another model"));
    insta::assert_snapshot!(error, @"in study.json: the study and the option `model` do not fit together: it is of a model `xgboost`, not `ridge`");
}

#[test]
fn every_learner_beats_the_mean_and_a_stack_its_members() {
    let project = prepared();
    let kinds = [
        ("ridge", "{}"),
        (
            "decision_tree",
            r#"{"max_depth": 8, "min_samples_leaf": 10}"#,
        ),
        ("random_forest", r#"{"n_estimators": 20}"#),
        (
            "gradient_boosting",
            r#"{"n_estimators": 60, "loss": "huber"}"#,
        ),
        ("xgboost", r#"{"n_estimators": 60, "learning_rate": 0.2}"#),
    ];
    let mut deps = vec![PARTS[1]];
    let paths = kinds.map(|(kind, _)| format!("models/{kind}.safetensors"));
    for ((kind, hyperparameters), path) in kinds.iter().zip(&paths) {
        let with = format!(
            r#"{{"model": "{kind}", "target": "{TARGET}", "hyperparameters": {hyperparameters}}}"#
        );
        project.execute("train", &with, &PARTS, &[("model", path)]);
        let r2 = project.model(path)["training"]["validation"]["r2"].clone();
        assert!(r2.as_f64().is_some_and(|r2| r2 > 0.5), "{kind}: {r2}");
        deps.push(("models", path));
    }
    let with = r#"{"target": "MedHouseVal"}"#;
    project.execute("stack", with, &deps, &[("model", "stack.safetensors")]);
    let training = project.model("stack.safetensors")["training"].clone();
    let rmse = |scores: &Json| scores["rmse"].as_f64().expect("a number");
    let members = training["members"].as_array().expect("members").clone();
    assert_eq!(members.len(), 5);
    assert!(
        members
            .iter()
            .all(|m| m["weight"].as_f64().expect("a number") >= 0.0)
    );
    let best = members
        .iter()
        .map(|m| rmse(&m["validation"]))
        .fold(f64::MAX, f64::min);
    assert!(rmse(&training["out_of_fold"]) < best, "{training}");

    let error = project.try_execute(
        "stack",
        r#"{"target": "HouseAge"}"#,
        &deps,
        &[("model", "s")],
    );
    let error = harness::describe(&error.expect_err("another target"));
    insta::assert_snapshot!(error, @"models/ridge.safetensors and the option `target` do not fit together: it predicts `MedHouseVal`");
}

#[test]
fn trees_take_missing_values_and_words_as_they_are() {
    let project = Project::default();
    let rows: String = (0..60)
        .map(|i| match i % 3 {
            0 => format!("{i},near,{}\n", 10 + i % 2),
            1 => format!(",far,{}\n", 20 + i % 2),
            _ => format!("{i},,{}\n", 30 + i % 2),
        })
        .collect();
    project.write("raw.csv", format!("a,sea,y\n{rows}"));
    project.write("new.csv", "a,sea,y\n1,near,10\n,far,20\n2,under,30\n");
    let relaxed = r#"{"checks": {"rows": {"severity": "off"}}}"#;
    project.execute(
        "ingest",
        relaxed,
        &[("table", "raw.csv")],
        &[("table", "t.parquet")],
    );
    project.execute(
        "ingest",
        relaxed,
        &[("table", "new.csv")],
        &[("table", "new.parquet")],
    );
    let with = r#"{"target": "y", "numeric": ["a"], "impute": {"default": "keep"}, "scale": {"default": "none"},
        "categorical": [{"column": "sea", "encode": "native", "impute": "keep", "unseen": "ignore"}]}"#;
    let deps = [
        ("train", "t.parquet"),
        ("validation", "new.parquet"),
        ("test", "new.parquet"),
    ];
    let outs = [
        ("train", "f/train.parquet"),
        ("validation", "f/validation.parquet"),
        ("test", "f/test.parquet"),
        ("transform", "transform.json"),
    ];
    project.execute("features", with, &deps, &outs);
    let with = r#"{"model": "xgboost", "target": "y", "hyperparameters": {"n_estimators": 200, "reg_lambda": 0}}"#;
    project.execute("train", with, &PARTS, &[("model", "m.safetensors")]);
    let card = project.model("m.safetensors");
    assert_eq!(
        card["features"][1],
        json!({"name": "sea", "levels": ["far", "near"]})
    );
    // `under` is unseen and counts as missing, whose target is about 30
    let error = card["training"]["validation"]["max_error"]
        .as_f64()
        .expect("a number");
    assert!(error < 1.5, "{error}");

    let ordered = r#"{"model": "xgboost", "target": "y", "hyperparameters": {"monotone_constraints": {"a": 1, "sea": 1}}}"#;
    let error = project.try_execute("train", ordered, &PARTS, &[("model", "o.safetensors")]);
    let error = harness::describe(&error.expect_err("words have no order"));
    insta::assert_snapshot!(error, @"in f/train.parquet: column `sea` holds categories where numbers, for a monotone constraint, are needed");

    let linear = r#"{"model": "linear", "target": "y"}"#;
    let error = project.try_execute("train", linear, &PARTS, &[("model", "l.safetensors")]);
    let error = harness::describe(&error.expect_err("a missing value"));
    insta::assert_snapshot!(error, @"in f/train.parquet: column `a` has no value in row 2 (give `a` a rule under `impute`, or remove such rows from the raw table)");
}

#[test]
fn bad_input_of_a_search_is_told() {
    let project = prepared();
    let with =
        r#"{"model": "ridge", "target": "MedHouseVal", "space": {"alpha": {"float": [0.1, 1]}}}"#;
    let error = project.try_execute("tune", with, &PARTS[..1], &OUTS[..1]);
    let error = harness::describe(&error.expect_err("nothing to measure on"));
    insta::assert_snapshot!(error, @"there is nothing to measure trials on (add the dep `validation`, or set `objective: {folds: 5}`)");
    let with = r#"{"model": "xgboost", "target": "MedHouseVal", "trials": 2,
        "hyperparameters": {"monotone_constraints": {"Incom": 1}}, "space": {"max_depth": {"int": [2, 3]}}}"#;
    let error = project.try_execute("tune", with, &PARTS, &OUTS);
    let error = harness::describe(&error.expect_err("no such feature"));
    insta::assert_snapshot!(error, @"none of 2 trials came to an end: there is no column `Incom`");
}
