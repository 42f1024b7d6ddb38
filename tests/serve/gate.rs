//! The gate of replay: a version is promoted when `hpipe serve` would answer with the bits that training predicts.

use crate::support::Project;

const PIPELINE: &str = "\
stages:
  ingest:
    uses: ingest
    with: {target: price}
    deps: {table: data.csv}
    outs: {table: table.parquet}
  split:
    uses: split
    with: {fractions: {train: 0.6, validation: 0.2, test: 0.2}, seed: 1}
    deps: {table: table.parquet}
    outs: {train: train.parquet, validation: validation.parquet, test: test.parquet}
  features:
    uses: features
    with: {target: price, numeric: [income, age], categorical: [{column: place}], scale: {default: standard}}
    deps: {train: train.parquet, validation: validation.parquet, test: test.parquet}
    outs: {train: f/train.parquet, validation: f/validation.parquet, test: f/test.parquet, transform: transform.json}
  train:
    uses: train
    with: {model: random_forest, target: price, seed: 1, hyperparameters: {n_estimators: 20}}
    deps: {train: f/train.parquet}
    outs: {model: model.safetensors}
  register:
    uses: register
    with:
      name: house
      promote: Production
      gates: {Production: {replay: {rows: 50}}}
    deps: {model: model.safetensors, transform: transform.json, data: [test.parquet]}
    outs: {record: registration.json}
";

fn project() -> Project {
    let row = |i: u32| {
        let (income, place) = (f64::from(i) / 7.0, ["sea", "land", "hill"][i as usize % 3]);
        format!(
            "{income},{},{place},{}\n",
            i % 13,
            income * 2.0 + f64::from(i % 3)
        )
    };
    let rows: String = (0..200).map(row).collect();
    let data = format!("income,age,place,price\n{rows}");
    Project::with(&[("pipeline.yaml", PIPELINE), ("data.csv", &data)])
}

fn dry(project: &Project) -> (Option<i32>, String) {
    let words = ["models", "promote", "house/1", "Production", "--dry"];
    let output = project.hpipe(words).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_version_that_answers_as_it_predicts_is_promoted() {
    let project = project();
    project.repro([]).done();
    let shown = project
        .hpipe(["models", "show", "house/1"])
        .output()
        .expect("hpipe starts");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.starts_with("house/1  Production\n"), "{shown}");
    let (code, said) = dry(&project);
    assert_eq!(code, Some(0), "{said}");
    let expect = "  pass  40 rows asked over HTTP are answered with the same bits";
    assert!(said.contains(expect), "{said}");
}

#[test]
fn rows_that_nobody_has_are_not_replayed() {
    let project = project();
    project.repro([]).done();
    project.write("test.parquet", "something else");
    let (code, said) = dry(&project);
    assert_eq!(code, Some(1), "{said}");
    let expect = "no rows were asked over HTTP: test.parquet is not what the metrics were measured on any more";
    assert!(said.contains(expect), "{said}");
}
