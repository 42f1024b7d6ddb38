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
