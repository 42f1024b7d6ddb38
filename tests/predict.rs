//! `hpipe predict` and the stage `predict`: files of rows become files with predictions, or a fault that names its row.
#![cfg(feature = "ml")]

mod support;

use support::Project;

const PIPELINE: &str = "stages:
  ingest:
    uses: ingest
    with: {checks: {rows: {severity: 'off'}}}
    deps: {table: houses.csv}
    outs: {table: houses.parquet}
  features:
    uses: features
    with: {target: price, numeric: [rooms, age], scale: {default: standard}}
    deps: {train: houses.parquet, validation: houses.parquet, test: houses.parquet}
    outs: {train: f/train.parquet, validation: f/validation.parquet, test: f/test.parquet, transform: transform.json}
  train:
    uses: train
    with: {model: linear, target: price}
    deps: {train: f/train.parquet, validation: f/validation.parquet}
    outs: {model: model.safetensors}
  register:
    uses: register
    with: {name: house, promote: Production}
    deps: {model: model.safetensors, transform: transform.json}
    outs: {record: registration.json}
  predict:
    uses: predict
    with: {keep: [id]}
    deps: {model: model.safetensors, transform: transform.json, data: rows.csv}
    outs: {predictions: out/predictions.csv}
";

/// A price is ten times the rooms less the age.
fn project() -> Project {
    let price = |i: u32| (i, (i * 7) % 10, 10 * i - (i * 7) % 10);
    let rows: String = (1..30)
        .map(|i| {
            let (rooms, age, price) = price(i);
            format!("{rooms},{age},{price}\n")
        })
        .collect();
    let houses = format!("rooms,age,price\n{rows}");
    Project::with(&[
        ("pipeline.yaml", PIPELINE),
        ("houses.csv", houses.as_str()),
        ("rows.csv", "id,age,rooms,note\na,1,2,\"x, y\"\nb,3,4,\n"),
    ])
}

fn predict(project: &Project, words: &[&str]) -> (Option<i32>, String) {
    let words = ["predict"].iter().chain(words).copied();
    let output = project.hpipe(words).output().expect("hpipe starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), told)
}

/// The last column of CSV.
fn last_column(text: &str) -> Vec<f64> {
    let last = |line: &str| {
        let field = line.rsplit(',').next().expect("a field");
        field.parse().unwrap_or(f64::NAN)
    };
    text.lines().skip(1).map(last).collect()
}

#[test]
fn rows_come_out_with_their_predictions() {
    let project = project();
    let trace = project.repro([]);
    assert_eq!(
        trace.done().executed(),
        "features ingest predict register train"
    );
    let made = project.read("out/predictions.csv");
    assert!(made.starts_with("id,prediction\na,"), "{made}");
    let expect = [19.0, 37.0];
    let near = |found: &[f64]| found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near(&last_column(&made)), "{made}");
    project
        .repro([])
        .did_nothing("the same rows and the same model");

    let done = predict(&project, &["house", "rows.csv", "-o", "all.csv"]);
    assert_eq!(
        done,
        (
            Some(0),
            "2 rows predicted by house/1 into all.csv\n".to_owned()
        )
    );
    let all = project.read("all.csv");
    assert!(
        all.starts_with("id,age,rooms,note,prediction\na,1,2,\"x, y\","),
        "{all}"
    );
    assert_eq!(last_column(&all), last_column(&made), "bit for bit");

    let through = [
        &[
            "model.safetensors",
            "rows.csv",
            "-o",
            "p.parquet",
            "--transform",
            "transform.json",
        ][..],
        &[
            "house@latest",
            "p.parquet",
            "-o",
            "again.csv",
            "--column",
            "again",
            "--keep",
            "prediction",
        ],
    ];
    for words in through {
        assert_eq!(predict(&project, words).0, Some(0), "{words:?}");
    }
    for line in project.read("again.csv").lines().skip(1) {
        let (one, other) = line.split_once(',').expect("two fields");
        assert_eq!(one, other, "parquet keeps every bit");
    }
}

#[test]
fn a_row_at_fault_is_named_and_leaves_what_was_there() {
    let project = project();
    project.repro([]).done();
    project.write("bad.csv", "rooms,age\n1,2\n2,NA\n3,old\n");
    project.write("out.csv", "before");
    let (code, told) = predict(&project, &["house", "bad.csv", "-o", "out.csv"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("error[E112]: cannot predict bad.csv: column `age` "),
        "{told}"
    );
    assert!(told.contains("in row 2"), "{told}");
    assert_eq!(project.read("out.csv"), "before");

    let words = [
        "house",
        "bad.csv",
        "-o",
        "out.csv",
        "--skip-bad-rows",
        "--json",
    ];
    let output = project
        .hpipe(["predict"].iter().chain(&words).copied())
        .output();
    let event = support::parse_event(
        String::from_utf8_lossy(&output.expect("hpipe starts").stdout).trim_end(),
    );
    assert_eq!(
        (&event["rows"], &event["unpredicted"]),
        (&3.into(), &2.into())
    );
    assert_eq!(event["fault"]["row"], 2);
    let predictions = last_column(&project.read("out.csv"));
    assert!(
        (predictions[0] - 8.0).abs() < 1e-9 && predictions[1].is_nan() && predictions[2].is_nan()
    );

    let check = |words: &[&str], exit: i32, expect: &str| {
        let (code, told) = predict(&project, words);
        assert_eq!(code, Some(exit), "{told}");
        assert!(told.contains(expect), "{told}");
    };
    project.write("less.csv", "rooms,aged\n1,2\n");
    check(
        &["house", "less.csv", "-o", "o.csv"],
        1,
        "there is no column `age`\nhelp: `aged` is there",
    );
    check(
        &["house", "none.csv", "-o", "o.csv"],
        4,
        "cannot read none.csv",
    );
    check(
        &["house", "rows.csv", "-o", "o.txt"],
        2,
        "tables are .csv or .parquet",
    );
    check(
        &["house/7", "rows.csv", "-o", "o.csv"],
        2,
        "`house` has no version 7",
    );
    check(
        &["house", "rows.csv", "-o", "o.csv", "--column", "age"],
        1,
        "there is a column `age` already",
    );
    check(
        &["rows.csv", "rows.csv", "-o", "o.csv"],
        2,
        "rows.csv cannot be loaded: ",
    );
    assert!(!project.path("o.csv").exists());
}
