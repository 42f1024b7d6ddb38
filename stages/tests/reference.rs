//! Linear models against scikit-learn, on the same matrix: `tests/reference/linear.py` says which, and made the golden
//! values. Tolerances: 1e-6 relative where there is a closed form, 1e-4 where there are iterations.

mod harness;

use harness::Project;

/// A project with the reference matrix in `features.parquet`: every fifth row of the committed table, standardised.
fn reference_matrix() -> Project {
    let project = Project::default();
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../data/raw/california_housing.csv"
    );
    let table = std::fs::read_to_string(folder).expect("the committed table");
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<&str> = lines.step_by(5).collect();
    project.write("raw.csv", format!("{header}\n{}\n", rows.join("\n")));
    project.execute(
        "ingest",
        "null",
        &[("table", "raw.csv")],
        &[("table", "table.parquet")],
    );
    let with = r#"{
        "target": "MedHouseVal",
        "numeric": ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"],
        "derived": [{"name": "bedroom_ratio", "ratio": ["AveBedrms", "AveRooms"]}]
    }"#;
    let deps = ["train", "validation", "test"].map(|part| (part, "table.parquet"));
    let outs = [
        ("train", "features.parquet"),
        ("validation", "validation.parquet"),
        ("test", "test.parquet"),
        ("transform", "transform.json"),
    ];
    project.execute("features", with, &deps, &outs);
    project
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn linear_models_agree_with_scikit_learn() {
    let project = reference_matrix();
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/reference/linear.json"
    );
    let golden = std::fs::read_to_string(golden).expect("the golden values");
    let golden: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    for case in golden["cases"].as_array().expect("cases") {
        let (kind, hyperparameters) = (
            case["model"].as_str().expect("a word"),
            &case["hyperparameters"],
        );
        let with = format!(
            r#"{{"model": "{kind}", "target": "MedHouseVal", "hyperparameters": {hyperparameters}}}"#
        );
        project.execute(
            "train",
            &with,
            &[("train", "features.parquet")],
            &[("model", "model.json")],
        );
        let found = project.model("model.json");
        assert_eq!(found["training"]["rows"], golden["rows"]);
        let tolerance = if matches!(kind, "lasso" | "elastic_net") {
            1e-4
        } else {
            1e-6
        };
        let near = |what: &str, found: &serde_json::Value, expect: &serde_json::Value| {
            let (found, expect) = (number(found), number(expect));
            let difference = (found - expect).abs();
            assert!(
                difference <= tolerance * expect.abs() + 1e-12,
                "{kind} {hyperparameters}: {what} is {found}, not {expect}"
            );
        };
        let linear = &found["learned"];
        near("intercept", &linear["intercept"], &case["intercept"]);
        let coefficients = case["coefficients"].as_array().expect("numbers");
        for (i, expect) in coefficients.iter().enumerate() {
            near(
                &format!("coefficient {i}"),
                &linear["coefficients"][i],
                expect,
            );
        }
        near("rmse", &found["training"]["train"]["rmse"], &case["rmse"]);
        near("r2", &found["training"]["train"]["r2"], &case["r2"]);
        let convergence = &found["training"]["convergence"];
        assert!(
            convergence.is_null() || convergence["converged"] == true,
            "{kind}: {convergence}"
        );
    }
}
