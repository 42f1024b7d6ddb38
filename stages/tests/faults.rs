//! Bad input: a clear error, or behaviour that is defined, for each.

mod harness;

use harness::Project;
use hpipe_core::Registry;

/// Ingests a CSV with options.
fn ingest(csv: &str, with: &str) -> Result<Project, String> {
    let project = Project::default();
    project.write("raw.csv", csv);
    let outs = [
        ("table", "t.parquet"),
        ("quality", "q.json"),
        ("report", "q.md"),
    ];
    match project.try_execute("ingest", with, &[("table", "raw.csv")], &outs) {
        Ok(()) => Ok(project),
        Err(error) => Err(harness::describe(&error)),
    }
}

/// A project with a table under the name of every part.
fn parts(csv: &str) -> Project {
    ingest(csv, r#"{"checks": {"rows": {"severity": "off"}}}"#).expect("a table")
}

const OUTS: [(&str, &str); 4] = [
    ("train", "f/train.parquet"),
    ("validation", "f/validation.parquet"),
    ("test", "f/test.parquet"),
    ("transform", "f/transform.json"),
];

/// Makes features of a table that serves as every part.
fn features(csv: &str, with: &str) -> Result<Project, String> {
    let project = parts(csv);
    let deps = ["train", "validation", "test"].map(|part| (part, "t.parquet"));
    match project.try_execute("features", with, &deps, &OUTS) {
        Ok(()) => Ok(project),
        Err(error) => Err(harness::describe(&error)),
    }
}

/// Trains on the features of a table.
fn train(csv: &str, with: &str) -> Result<Project, String> {
    let project = features(csv, r#"{"target": "y", "numeric": ["a", "b"]}"#)?;
    let deps = [
        ("train", "f/train.parquet"),
        ("validation", "f/validation.parquet"),
    ];
    match project.try_execute("train", with, &deps, &[("model", "m.json")]) {
        Ok(()) => Ok(project),
        Err(error) => Err(harness::describe(&error)),
    }
}

fn error<T>(result: Result<T, String>) -> String {
    result.err().expect("it should fail")
}

#[test]
fn tables_that_break_a_training_fail_ingest() {
    insta::assert_snapshot!(error(ingest("a,y\n", "null")), @"1 data-quality check failed: rows: 0 rows (threshold 1) (mend the data, or change the check's `severity` or `threshold` under `checks`)");
    insta::assert_snapshot!(error(ingest("a,y\n1,2\n3,six\n4,7\n", r#"{"target": "y"}"#)), @"1 data-quality check failed: target of `y`: not numbers to predict: row 2 says `six` (threshold 0.00 %) (mend the data, or change the check's `severity` or `threshold` under `checks`)");
    insta::assert_snapshot!(error(ingest("a,y\n1,2\n3,\n4,inf\n", r#"{"target": "y"}"#)), @"1 data-quality check failed: target of `y`: 2 rows without a finite value to predict (threshold 0.00 %) (mend the data, or change the check's `severity` or `threshold` under `checks`)");
    insta::assert_snapshot!(
        error(ingest("a,Y\n1,2\nx,3\n", r#"{"schema": [{"name": "a", "type": "number"}, {"name": "y"}, {"name": "Y", "max": 2}]}"#)),
        @"3 data-quality checks failed: schema of `a`: declared number, but 1 row is not: row 2 says `x` (threshold 0); schema of `y`: no such column; there is `Y` (threshold 0); range of `Y`: 1 value above 2, such as 3 (threshold 0.00 %) (mend the data, or change the check's `severity` or `threshold` under `checks`)"
    );
    insta::assert_snapshot!(
        error(ingest("w\nb\nc\nc\n", r#"{"schema": [{"name": "w", "categories": ["a", "b"]}]}"#)),
        @"1 data-quality check failed: categories of `w`: 2 values not among the declared words, such as `c` (threshold 0.00 %) (mend the data, or change the check's `severity` or `threshold` under `checks`)"
    );
    insta::assert_snapshot!(error(ingest("", "null")), @"raw.csv is not a table: the file is empty");
    insta::assert_snapshot!(error(ingest("a\n1\n", r#"{"rename": {"b": "c"}}"#)), @"in raw.csv: there is no column `b` (known columns: `a`)");
}

#[test]
fn severity_and_threshold_decide() {
    let csv = "a,y\n1,2\n,3\n1,2\n4,5\n";
    let with = |missing: &str| {
        format!(
            r#"{{"checks": {{"missing": {missing}, "duplicates": {{"severity": "warning"}}}}}}"#
        )
    };
    assert!(ingest(csv, &with(r#"{"severity": "error", "threshold": 0.25}"#)).is_ok());
    insta::assert_snapshot!(error(ingest(csv, &with(r#"{"severity": "error", "threshold": 0.2}"#))), @"1 data-quality check failed: missing of `a`: 1 value missing (25.00 %) (threshold 20.00 %) (mend the data, or change the check's `severity` or `threshold` under `checks`)");
    let project = ingest(csv, &with(r#"{"severity": "off"}"#)).expect("off");
    assert_eq!(
        project.logged(),
        [
            "warning: duplicates: 1 row equal to an earlier one (threshold 0.00 %)",
            "1 data-quality warning: duplicates: 1 row equal to an earlier one (threshold 0.00 %)"
        ]
    );
    let quality = project.json("q.json");
    assert_eq!(quality["verdict"], "warnings");
    assert_eq!(quality["profile"]["columns"][0]["missing"], 1);
}

#[test]
fn a_dep_that_is_no_table_is_told() {
    let project = Project::default();
    project.write("t.parquet", "PAR1 but not really");
    let split = r#"{"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}}"#;
    let outs = [("train", "a"), ("validation", "b"), ("test", "c")];
    let message = project.fail("split", split, &[("table", "t.parquet")], &outs);
    assert!(
        message.starts_with("cannot read t.parquet as parquet: "),
        "{message}"
    );
    let message = project.fail("split", split, &[("table", "none.parquet")], &outs);
    assert!(
        message.starts_with("cannot read none.parquet: No such file"),
        "{message}"
    );
    insta::assert_snapshot!(project.fail("ingest", "null", &[], &[("table", "t.parquet")]), @"there is neither a dep `table` nor a `url` (add `deps: {table: PATH}`, or the options `url` and `digest`)");
}

#[test]
fn too_few_rows_to_split_are_told() {
    let project = parts("y\n1\n");
    let outs = [("train", "a"), ("validation", "b"), ("test", "c")];
    let split = |with: &str| project.fail("split", with, &[("table", "t.parquet")], &outs);
    let fractions = r#""fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}"#;
    insta::assert_snapshot!(split(&format!("{{{fractions}}}")), @"the table has too few rows (1) to give validation any (give the part a larger fraction, or split more rows)");
    insta::assert_snapshot!(split(&format!(r#"{{{fractions}, "stratify": {{"column": "Y"}}}}"#)), @"in t.parquet: there is no column `Y` (did you mean `y`?)");
    insta::assert_snapshot!(split(r#"{"column": "y"}"#), @"in t.parquet: column `y` says `1` in row 1, which is none of train, validation and test");
}

#[test]
fn features_refuse_what_they_were_not_told_to_handle() {
    let numeric = |columns: &str| format!(r#"{{"target": "y", "numeric": {columns}}}"#);
    insta::assert_snapshot!(error(features("a,y\n", &numeric(r#"["a"]"#))), @"t.parquet has no rows");
    insta::assert_snapshot!(error(features("a,y\n1,2\n", &numeric(r#"["b"]"#))), @"in t.parquet: there is no column `b` (known columns: `a`, `y`)");
    insta::assert_snapshot!(error(features("a,y\nx,2\n", &numeric(r#"["a"]"#))), @"in t.parquet: column `a` holds texts where numbers are needed (name `a` under `categorical` of the stage `features`, which makes numbers of words, or leave it out)");
    insta::assert_snapshot!(error(features("a,y\n1,2\n,3\n", &numeric(r#"["a"]"#))), @"in t.parquet: column `a` has no value in row 2 (give `a` a rule under `impute`, or remove such rows from the raw table)");
    insta::assert_snapshot!(error(features("a,y\n1,2\ninf,3\n", &numeric(r#"["a"]"#))), @"in t.parquet: column `a` is inf in row 2 (bound such values with `clip`, or mend the raw table)");
    insta::assert_snapshot!(error(features("a,y\n1,2\n3,\n", &numeric(r#"["a"]"#))), @"in t.parquet: the target `y` has no finite value in row 2 (leave such rows out of the raw table: there is nothing to learn from them)");
    let all_missing = r#"{"target": "y", "numeric": ["a"], "impute": {"default": "median"}}"#;
    insta::assert_snapshot!(error(features("a,y\n,2\n,3\n", all_missing)), @"in t.parquet: column `a` has no value at all in the training part to learn its median from (impute `a` by a constant, or leave the column out)");
    let ratio = r#"{"target": "y", "numeric": ["a", "b"], "derived": [{"name": "r", "ratio": ["a", "b"]}]}"#;
    insta::assert_snapshot!(error(features("a,b,y\n1,0,2\n", ratio)), @"in t.parquet: the derived column `r` is undefined in row 1 (give `r` a rule under `impute` for where its recipe has no value (a division by zero, say))");
}

#[test]
fn features_handle_what_they_were_told_to() {
    let with = r#"{
        "target": "y", "numeric": ["a", "b"],
        "derived": [{"name": "r", "ratio": ["a", "b"]}],
        "clip": {"b": {"bounds": [0, 10]}},
        "impute": {"default": "mean", "columns": {"a": {"constant": 6}}},
        "scale": {"default": "none"}
    }"#;
    let project = features("a,b,y\n4,2,1\n,2,1\n1,0,1\n1,inf,1\n", with).expect("features");
    let column = |name| harness::numbers(&project.path("f/test.parquet"), name);
    assert_eq!(column("a"), [4.0, 6.0, 1.0, 1.0]);
    assert_eq!(column("b"), [2.0, 2.0, 0.0, 10.0]);
    // 1 / 0 is missing, and becomes the mean of 2, 3 and 0.1
    assert_eq!(column("r"), [2.0, 3.0, 1.7, 0.1]);
    let one = features("a,y\n5,2\n", r#"{"target": "y", "numeric": ["a"]}"#).expect("one row");
    assert_eq!(harness::numbers(&one.path("f/train.parquet"), "a"), [0.0]);
    let logged = one.logged();
    assert_eq!(
        logged.last().map(String::as_str),
        Some("`a` is constant in train and tells a model nothing")
    );
}

#[test]
fn an_unseen_category_is_handled_as_configured() {
    let project = parts("c,y\nINLAND,1\nBAY,2\n");
    project.write("other.csv", "c,y\nISLAND,1\n");
    project.execute(
        "ingest",
        "null",
        &[("table", "other.csv")],
        &[("table", "o.parquet")],
    );
    let deps = [
        ("train", "t.parquet"),
        ("validation", "o.parquet"),
        ("test", "t.parquet"),
    ];
    let with = |unseen: &str| {
        format!(r#"{{"target": "y", "categorical": [{{"column": "c", "unseen": {unseen}}}]}}"#)
    };
    insta::assert_snapshot!(project.fail("features", &with(r#""error""#), &deps, &OUTS), @"in o.parquet: column `c` says `ISLAND` in row 1, a category that is not known (known are `BAY`, `INLAND`; declare it under `categories`, or set `unseen` to `ignore` or `{as: …}`)");
    project.execute("features", &with(r#""ignore""#), &deps, &OUTS);
    let inland = || harness::numbers(&project.path("f/validation.parquet"), "c=INLAND");
    assert_eq!(inland(), [0.0]);
    let logged = project.logged();
    assert_eq!(
        logged.last().map(String::as_str),
        Some("validation: 1 row with a category of `c` that train does not know")
    );
    project.execute("features", &with(r#"{"as": "INLAND"}"#), &deps, &OUTS);
    assert_eq!(inland(), [1.0]);
    insta::assert_snapshot!(project.fail("features", &with(r#"{"as": "INLND"}"#), &deps, &OUTS), @"in t.parquet: `INLND` is not among the categories of column `c` in the training part (did you mean `INLAND`?)");
}

#[test]
fn models_of_odd_tables_are_defined() {
    let linear = r#"{"model": "linear", "target": "y"}"#;
    // b is twice a, and scaled they are equal: each gets half of the slope, and the log says so
    let project = train("a,b,y\n1,2,1\n2,4,3\n3,6,5\n", linear).expect("a model");
    let model = project.model("m.json");
    assert_eq!(model["training"]["collinear"], serde_json::json!(["b"]));
    for i in 0..2 {
        let found = &model["learned"]["coefficients"][i];
        let half = (2.0_f64 / 3.0).sqrt();
        assert!((found.as_f64().expect("a number") - half).abs() < 1e-12);
    }
    assert!(
        model["training"]["train"]["rmse"]
            .as_f64()
            .expect("a score")
            < 1e-12
    );
    // one row: nothing but an intercept
    let project = train("a,b,y\n1,2,7\n", linear).expect("a model");
    assert_eq!(project.model("m.json")["learned"]["intercept"], 7.0);
    // a constant target: coefficients 0, for every model
    for (kind, hyperparameters) in [("ridge", "{}"), ("lasso", "{}"), ("elastic_net", "{}")] {
        let with = format!(
            r#"{{"model": "{kind}", "target": "y", "hyperparameters": {hyperparameters}}}"#
        );
        let project = train("a,b,y\n1,5,7\n2,3,7\n3,9,7\n", &with).expect("a model");
        let model = project.model("m.json");
        assert_eq!(
            model["learned"],
            serde_json::json!({"intercept": 7.0, "coefficients": [0.0, 0.0]}),
            "{kind}"
        );
        assert!(model["training"]["train"]["r2"].is_null());
        let convergence = &model["training"]["convergence"];
        assert!(
            convergence.is_null() || convergence["converged"] == true,
            "{kind}: {convergence}"
        );
    }
}

#[test]
fn trees_of_odd_tables_are_defined() {
    for kind in [
        "decision_tree",
        "random_forest",
        "gradient_boosting",
        "xgboost",
    ] {
        let with = format!(
            r#"{{"model": "{kind}", "target": "y", "hyperparameters": {{"max_depth": 3}}}}"#
        );
        // one row, a constant column, a constant target: the constant is predicted
        for csv in ["a,b,y\n1,2,7\n", "a,b,y\n1,5,7\n2,5,7\n3,5,7\n"] {
            let project = train(csv, &with).expect("a model");
            let training = project.model("m.json")["training"].clone();
            let error = training["train"]["max_error"].as_f64().expect("a number");
            assert!(error < 1e-9, "{kind}: {training}");
        }
        let far = train("a,b,y\n1,5,7\n2,5,inf\n", &with)
            .err()
            .expect("no target");
        assert!(
            far.contains("the target `y` has no finite value in row 2"),
            "{far}"
        );
    }
}

#[test]
fn a_fit_that_did_not_converge_says_so() {
    let with = r#"{"model": "lasso", "target": "y", "hyperparameters": {"alpha": 1e-9, "tol": 1e-15, "max_iter": 2}}"#;
    let project = train("a,b,y\n1,2,1\n2,3.9,3\n3,6.1,5\n4,8,2\n", with).expect("a model");
    assert_eq!(
        project.model("m.json")["training"]["convergence"]["converged"],
        false
    );
    let logged = project.logged();
    assert!(
        logged[1].starts_with("not converged after 2 iterations"),
        "{logged:?}"
    );
}

#[test]
fn a_part_without_rows_is_told_by_its_name() {
    let project = parts("a,y\n1,2\n2,3\n");
    project.write("none.csv", "a,y\n");
    let with = r#"{"checks": {"rows": {"severity": "off"}}}"#;
    project.execute(
        "ingest",
        with,
        &[("table", "none.csv")],
        &[("table", "none.parquet")],
    );
    let deps = [("train", "t.parquet"), ("validation", "none.parquet")];
    for model in ["linear", "xgboost"] {
        let with = format!(r#"{{"model": "{model}", "target": "y"}}"#);
        let told = project.fail("train", &with, &deps, &[("model", "m")]);
        assert_eq!(told, "none.parquet has no rows");
        let told = project.fail("tune", &with, &deps, &[("study", "s")]);
        assert_eq!(told, "none.parquet has no rows");
    }
}

#[test]
fn a_booster_that_diverged_says_so() {
    for kind in ["gradient_boosting", "xgboost"] {
        let with = format!(
            r#"{{"model": "{kind}", "target": "y", "hyperparameters": {{"learning_rate": 5, "n_estimators": 20}}}}"#
        );
        let project = train("a,b,y\n1,2,1\n2,3.9,3\n3,6.1,5\n4,8,2\n", &with).expect("a model");
        let logged = project.logged();
        let last = logged.last().expect("a warning");
        assert!(
            last.starts_with("worse on the train rows than their mean would be (R² -")
                && last.ends_with("): lower `learning_rate`"),
            "{logged:?}"
        );
    }
}

#[test]
fn a_constant_column_is_called_constant() {
    let linear = r#"{"model": "linear", "target": "y"}"#;
    let project = train("a,b,y\n1,5,7\n2,5,8\n3,5,4\n", linear).expect("a model");
    let training = &project.model("m.json")["training"];
    assert_eq!(training["constant"], serde_json::json!(["b"]));
    assert!(training["collinear"].is_null());
    assert_eq!(
        project.logged().last().map(String::as_str),
        Some(
            "constant in train, so that the model cannot tell what they are worth (coefficient 0): `b`"
        )
    );
}

#[test]
fn words_are_told_to_whom_they_are_no_numbers_or_unseen() {
    let project = parts("c,y\nBAY,1\nINLAND,2\nINLAND,3\n");
    let linear = r#"{"model": "linear", "target": "y"}"#;
    insta::assert_snapshot!(project.fail("train", linear, &[("train", "t.parquet")], &[("model", "m")]), @"in t.parquet: column `c` holds texts where numbers are needed (name `c` under `categorical` of the stage `features`, which makes numbers of words, or leave it out)");
    project.write("other.csv", "c,y\nISLAND,1\nBAY,2\n");
    project.execute(
        "ingest",
        "null",
        &[("table", "other.csv")],
        &[("table", "o.parquet")],
    );
    let tree = r#"{"model": "decision_tree", "target": "y"}"#;
    let deps = [("train", "t.parquet"), ("validation", "o.parquet")];
    project.execute("train", tree, &deps, &[("model", "tree")]);
    let told = "o.parquet: 1 row with a word of `c` that training did not see, such as `ISLAND`; it counts as missing";
    let times = || project.logged().iter().filter(|line| *line == told).count();
    assert_eq!(times(), 1, "{:?}", project.logged());
    let parts = [
        ("train", "t.parquet"),
        ("validation", "t.parquet"),
        ("test", "o.parquet"),
        ("models", "tree"),
    ];
    project.execute(
        "evaluate",
        r#"{"target": "y"}"#,
        &parts,
        &[("metrics", "e.json")],
    );
    assert_eq!(times(), 2);
}

#[test]
fn a_model_of_another_format_is_told_what_it_looks_like() {
    let project = Project::default();
    project.write("m", "tree\nversion=v4\n");
    let fail = |format: &str| {
        let with = format!(r#"{{"format": "{format}", "target": "y"}}"#);
        project.fail("import", &with, &[("model", "m")], &[("model", "o")])
    };
    let told = fail("xgboost_json");
    assert!(
        told.ends_with("(it looks like `format: lightgbm`)"),
        "{told}"
    );
    project.write("m", "{ \"learner\": {}}");
    let told = fail("lightgbm");
    assert!(
        told.ends_with("(it looks like `format: xgboost_json`)"),
        "{told}"
    );
    project.write("m", b"{L\x00");
    let told = fail("xgboost_json");
    assert!(
        told.ends_with("(it looks like `format: xgboost_ubj`)"),
        "{told}"
    );
    project.write("m", b"\x80\x04\x95");
    assert!(fail("lightgbm").contains("Python pickle"));
    project.write("m", "nothing known");
    assert!(!fail("lightgbm").contains("looks like"));
}

#[test]
fn evaluate_tells_what_does_not_fit() {
    let csv = "a,b,y\n1,2,1\n2,3,3\n3,7,4\n";
    let project = train(csv, r#"{"model": "ridge", "target": "y"}"#).expect("a model");
    let parts = [
        ("train", "f/train.parquet"),
        ("validation", "f/validation.parquet"),
        ("test", "f/test.parquet"),
    ];
    let evaluate = |with: &str, more: &[(&str, &str)]| {
        project.fail(
            "evaluate",
            with,
            &[&parts[..], more].concat(),
            &[("metrics", "e.json")],
        )
    };
    let model = [("models", "m.json")];
    let strict =
        r#"{"target": "y", "thresholds": {"test": {"rmse": {"max": 0.001}, "r2": {"min": 2}}}}"#;
    insta::assert_snapshot!(evaluate(strict, &model), @"2 thresholds are not met: m: test rmse 0.4111 is above 0.001; m: test r2 0.8913 is below 2 (relax the thresholds, or set `on_failure: warn` to record the verdict and go on)");
    insta::assert_snapshot!(evaluate(r#"{"target": "a"}"#, &model), @"m.json and the option `target` do not fit together: it predicts `y`, not `a`");
    insta::assert_snapshot!(evaluate(r#"{"target": "y", "regions": {"column": "a"}}"#, &model), @"there is an option `regions`, but no dep `regions` to take them from (add the test part before `features` as the dep `regions`)");
    insta::assert_snapshot!(evaluate(r#"{"target": "y"}"#, &[("models", "f/transform.json")]), @"f/transform.json is not a model: it is no safetensors file: header too large");
    insta::assert_snapshot!(evaluate(r#"{"target": "y"}"#, &[("models", "t.parquet")]), @"t.parquet is not a model: it is no safetensors file: header too large");
    let other = [
        ("train", "t.parquet"),
        ("validation", "t.parquet"),
        ("test", "o.parquet"),
        ("models", "m.json"),
    ];
    project.write("other.csv", "a,y\n1,2\n");
    project.execute(
        "ingest",
        "null",
        &[("table", "other.csv")],
        &[("table", "o.parquet")],
    );
    insta::assert_snapshot!(project.fail("evaluate", r#"{"target": "y"}"#, &other, &[("metrics", "e.json")]), @"in o.parquet, for m.json: there is no column `b` (known columns: `a`, `y`)");
    // the same thresholds as a warning: recorded, not failed
    let warn = strict.replace("{\"target\"", "{\"on_failure\": \"warn\", \"target\"");
    project.execute(
        "evaluate",
        &warn,
        &[&parts[..], &model].concat(),
        &[("metrics", "e.json")],
    );
    assert_eq!(project.json("e.json")["passed"], false);
}

#[test]
fn every_stage_has_its_ports_documented() {
    let mut registry = Registry::default();
    hpipe_stages::register(&mut registry);
    let names: Vec<_> = registry.iter().map(|stage| stage.name()).collect();
    let expect = "evaluate explain export features import ingest monitor predict profile split stack train tune";
    assert_eq!(names.join(" "), expect);
    for stage in registry.iter() {
        assert!(stage.version() > 0 && !stage.summary().is_empty());
        assert!(
            stage.ports().iter().all(|port| !port.doc.is_empty()),
            "{}",
            stage.name()
        );
    }
}

#[test]
fn what_a_dep_is_missing_for_is_told_before_anything_executes() {
    let project = Project::default();
    let told = |stage, with, roles: &[&str]| project.told_before(stage, with, roles);
    let search = r#"{"model": "ridge", "target": "y", "space": {"alpha": {"float": [0.1, 1]}}}"#;
    insta::assert_snapshot!(told("tune", search, &["train"]), @"objective: there is nothing to measure trials on (add the dep `validation`, or set `objective: {folds: 5}`)");
    assert_eq!(told("tune", search, &["train", "validation"]), "");
    let folds = r#"{"model": "ridge", "target": "y", "objective": {"folds": 3}}"#;
    assert_eq!(told("tune", folds, &["train"]), "");
    let early =
        r#"{"model": "xgboost", "target": "y", "hyperparameters": {"early_stopping_rounds": 5}}"#;
    insta::assert_snapshot!(told("train", early, &["train"]), @"hyperparameters.early_stopping_rounds: there are no rows to measure on, so that it could never stop (add the dep `validation`, or leave this out)");
    assert_eq!(told("train", early, &["train", "validation"]), "");
    let early = r#"{"model": "gradient_boosting", "target": "y", "hyperparameters": {"n_iter_no_change": 5}}"#;
    insta::assert_snapshot!(told("train", early, &["train"]), @"hyperparameters.n_iter_no_change: there are no rows to measure on, so that it could never stop (add the dep `validation`, or leave this out)");
    let regions = r#"{"target": "y", "regions": {"column": "county"}}"#;
    insta::assert_snapshot!(told("evaluate", regions, &["train"]), @"regions: there is an option `regions`, but no dep `regions` to take them from (add the test part before `features` as the dep `regions`)");
    insta::assert_snapshot!(told("evaluate", r#"{"target": "y"}"#, &["regions"]), @"regions: there is a dep `regions`, but no option `regions` (say which columns make a region: `regions: {columns: [X, Y], cell: 1}`, or `{column: NAME}`)");
    insta::assert_snapshot!(told("ingest", "null", &[]), @": there is neither a dep `table` nor a `url` (add `deps: {table: PATH}`, or the options `url` and `digest`)");
    assert_eq!(told("ingest", "null", &["table"]), "");
}

#[test]
fn a_stack_of_models_that_tell_nothing_is_the_mean() {
    let project = parts("a,y\n1,7\n2,7\n3,7\n4,7\n5,7\n6,7\n");
    let train = [("train", "t.parquet")];
    for model in ["linear", "decision_tree"] {
        let with = format!(r#"{{"model": "{model}", "target": "y"}}"#);
        project.execute("train", &with, &train, &[("model", model)]);
    }
    let deps = [
        ("validation", "t.parquet"),
        ("models", "linear"),
        ("models", "decision_tree"),
    ];
    project.execute("stack", r#"{"target": "y"}"#, &deps, &[("model", "stack")]);
    let told = "no member tells anything about the target: the stack predicts the mean of the validation part";
    assert!(
        project.logged().iter().any(|line| line == told),
        "{:?}",
        project.logged()
    );
    let with = r#"{"target": "y"}"#;
    let parts = ["train", "validation", "test"].map(|part| (part, "t.parquet"));
    let deps = [&parts[..], &[("models", "stack")]].concat();
    project.execute("evaluate", with, &deps, &[("metrics", "metrics.json")]);
    let scores = &project.json("metrics.json")["models"]["stack"]["scores"]["test"];
    assert_eq!(scores["rmse"], 0.0, "{scores}");
}

#[test]
fn another_separator_is_guessed_and_told() {
    let told = |csv: &str, with: &str| {
        let project = Project::default();
        project.write("raw.csv", csv);
        let outs = [("table", "t.parquet")];
        let _ = project.try_execute("ingest", with, &[("table", "raw.csv")], &outs);
        project.logged().first().cloned().unwrap_or_default()
    };
    insta::assert_snapshot!(told("a;b\n1;2\n", "null"), @r#"raw.csv has one column by its first line, which `separator: ";"` would divide"#);
    insta::assert_snapshot!(told("a\tb\n1,5\t2\n", "null"), @r#"raw.csv has one column by its first line, which `separator: "\t"` would divide"#);
    insta::assert_snapshot!(told("a,b\n1,2\n", r#"{"separator": ";"}"#), @r#"raw.csv has one column by its first line, which `separator: ","` would divide"#);
    assert!(!told("a\n1\n", "null").contains("separator"));
}
