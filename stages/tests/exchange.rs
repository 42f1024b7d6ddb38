//! `export` and `import` through the `Stage` port: what is written for XGBoost is read back and predicts the same. That the
//! real programs read and write the same is shown by `stages/learn/tests/interchange.rs`.

mod harness;

use harness::Project;

fn trained(kind: &str) -> Project {
    let project = Project::default();
    let rows: String = (0..80)
        .map(|i| format!("{},{},{}\n", i, (i * 7) % 11, i % 9))
        .collect();
    project.write("raw.csv", format!("a,b,y\n{rows}"));
    let relaxed = r#"{"checks": {"rows": {"severity": "off"}}}"#;
    project.execute(
        "ingest",
        relaxed,
        &[("table", "raw.csv")],
        &[("table", "t.parquet")],
    );
    let with = format!(r#"{{"model": "{kind}", "target": "y"}}"#);
    project.execute("train", &with, &DEPS, &[("model", "m.safetensors")]);
    project
}

const DEPS: [(&str, &str); 2] = [("train", "t.parquet"), ("validation", "t.parquet")];

#[test]
fn what_is_exported_is_imported_again() {
    for kind in ["decision_tree", "random_forest", "xgboost"] {
        let project = trained(kind);
        let scores = project.model("m.safetensors")["training"]["validation"]["rmse"].clone();
        for format in ["xgboost_json", "xgboost_ubj"] {
            let with = format!(r#"{{"format": "{format}"}}"#);
            project.execute(
                "export",
                &with,
                &[("model", "m.safetensors")],
                &[("model", "m.other")],
            );
            let with = format!(r#"{{"format": "{format}", "target": "y"}}"#);
            let deps = [("model", "m.other"), ("validation", "t.parquet")];
            project.execute("import", &with, &deps, &[("model", "again.safetensors")]);
            let again = project.model("again.safetensors");
            assert_eq!(again["kind"], "imported");
            assert_eq!(
                again["features"],
                serde_json::json!([{"name": "a"}, {"name": "b"}])
            );
            let rmse = |value: &serde_json::Value| value.as_f64().expect("a number");
            let difference = rmse(&again["training"]["validation"]["rmse"]) - rmse(&scores);
            assert!(difference.abs() < 1e-5, "{kind} {format}: {difference}");
        }
        let onnx = r#"{"format": "onnx"}"#;
        project.execute(
            "export",
            onnx,
            &[("model", "m.safetensors")],
            &[("model", "m.onnx")],
        );
        assert!(!project.read("m.onnx").is_empty());
    }
}

#[test]
fn what_cannot_be_said_or_read_is_told() {
    let project = trained("linear");
    let with = r#"{"format": "xgboost_json"}"#;
    let error = project.fail(
        "export",
        with,
        &[("model", "m.safetensors")],
        &[("model", "m.j")],
    );
    assert!(
        error.starts_with("cannot export m.safetensors: "),
        "{error}"
    );
    let with = r#"{"format": "lightgbm", "target": "y"}"#;
    let error = project.fail("import", with, &[("model", "raw.csv")], &[("model", "n")]);
    assert!(error.starts_with("cannot import raw.csv: "), "{error}");
}

#[test]
fn no_set_of_categories_is_empty() {
    // XGBoost refuses a file with one; a split of known words against missing ones made it.
    let project = Project::default();
    let word = |i: usize| ["", "near", "far"][i % 3];
    let rows: String = (0..90)
        .map(|i| {
            format!(
                "{},{}\n",
                word(i),
                if i % 3 == 0 { 9 + i % 2 } else { i % 2 }
            )
        })
        .collect();
    project.write("raw.csv", format!("sea,y\n{rows}"));
    let relaxed = r#"{"checks": {"rows": {"severity": "off"}, "missing": {"severity": "off"}}}"#;
    let ports = ([("table", "raw.csv")], [("table", "t.parquet")]);
    project.execute("ingest", relaxed, &ports.0, &ports.1);
    let with = r#"{"model": "decision_tree", "target": "y", "hyperparameters": {"max_depth": 1}}"#;
    project.execute("train", with, &DEPS, &[("model", "m.safetensors")]);
    let with = r#"{"format": "xgboost_json"}"#;
    let model = [("model", "m.safetensors")];
    project.execute("export", with, &model, &[("model", "m.json")]);
    let tree = project.json("m.json")["learner"]["gradient_booster"]["model"]["trees"][0].clone();
    assert_eq!(tree["split_type"][0], 1, "a categorical split: {tree}");
    assert_eq!(tree["categories_sizes"], serde_json::json!([1]));
    let attributes = project.json("m.json")["learner"]["attributes"].clone();
    assert_eq!(attributes["hpipe.levels"], r#"{"sea":["far","near"]}"#);
    let with = r#"{"format": "mlflow"}"#;
    project.execute("export", with, &model, &[("model", "mlflow")]);
    let described = String::from_utf8(project.read("mlflow/MLmodel")).expect("a text");
    assert!(
        described.contains(r#""hpipe.levels":{"sea":["far","near"]}"#),
        "{described}"
    );
}

#[test]
fn names_that_are_there_twice_are_told() {
    let project = trained("decision_tree");
    let model = [("model", "m.safetensors")];
    project.execute(
        "export",
        r#"{"format": "xgboost_json"}"#,
        &model,
        &[("model", "m.json")],
    );
    let text = String::from_utf8(project.read("m.json")).expect("JSON");
    let twice = text.replace(
        r#""feature_names":["a","b"]"#,
        r#""feature_names":["a","a"]"#,
    );
    assert_ne!(text, twice);
    project.write("m.json", twice);
    let with = r#"{"format": "xgboost_json", "target": "y"}"#;
    let error = project.fail("import", with, &[("model", "m.json")], &[("model", "n")]);
    assert_eq!(
        error,
        "m.json and a table do not fit together: two features are called `a`; the option `features` can say other names"
    );
    let with = r#"{"format": "xgboost_json", "target": "y", "features": ["a", "b"]}"#;
    project.execute("import", with, &[("model", "m.json")], &[("model", "n")]);
}
