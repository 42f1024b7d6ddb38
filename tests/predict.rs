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

/// The standard output takes predictions by whatever name, also behind what is there already; endings are read in any case.
#[test]
fn predictions_go_to_the_standard_output() {
    let project = project();
    project.repro([]).done();
    project.write("ROWS.CSV", "id,age,rooms\na,1,2\n");
    for out in ["/dev/stdout", "-"] {
        project.write("all.txt", "before\n");
        let all = std::fs::OpenOptions::new()
            .append(true)
            .open(project.root().join("all.txt"))
            .expect("opened");
        let status = project
            .hpipe(["predict", "house", "ROWS.CSV", "-o", out, "--keep", "id"])
            .stdout(all)
            .status();
        assert!(status.expect("hpipe starts").success(), "{out}");
        let all = project.read("all.txt");
        assert!(
            all.starts_with("before\nid,prediction\na,1"),
            "{out}: {all}"
        );
    }
}

/// What a killed process left goes when the next one writes there; what somebody writes still stays.
#[test]
fn what_a_killed_process_left_goes() {
    let project = project();
    project.repro([]).done();
    for name in [
        ".all.csv.77.part",
        ".all.csv.78.part",
        ".other.csv.77.part",
        ".all.csv.part",
    ] {
        project.write(name, "half");
    }
    let alive = std::fs::File::open(project.root().join(".all.csv.78.part")).expect("opened");
    alive.lock().expect("locked");
    assert_eq!(
        predict(&project, &["house", "rows.csv", "-o", "all.csv"]).0,
        Some(0)
    );
    let left = |name: &str| project.root().join(name).exists();
    let found = [
        ".all.csv.77.part",
        ".all.csv.78.part",
        ".other.csv.77.part",
        ".all.csv.part",
    ]
    .map(left);
    assert_eq!(found, [false, true, true, true]);
}

/// One rule for columns of integers, wherever rows come from: `5.0` is one, `20.5` is none.
#[test]
fn integers_are_whole_numbers_everywhere() {
    let project = project();
    let mut pipeline = project.read("pipeline.yaml").replace(
        "deps: {model: model.safetensors, transform: transform.json}\n",
        "deps: {model: model.safetensors, transform: transform.json, profile: profile.json}\n",
    );
    pipeline = pipeline.replace("data: rows.csv", "profile: profile.json, data: rows.csv");
    pipeline += "  profile:
    uses: profile
    deps: {model: model.safetensors, transform: transform.json, train: houses.parquet, validation: houses.parquet}
    outs: {profile: profile.json}
";
    project.write("pipeline.yaml", &pipeline);
    project.write("rows.csv", "id,age,rooms\na,1,2.0\n");
    project.repro([]).done();
    let by_stage = last_column(&project.read("out/predictions.csv"));
    assert_eq!(
        predict(&project, &["house", "rows.csv", "-o", "all.csv"]).0,
        Some(0)
    );
    assert_eq!(by_stage, last_column(&project.read("all.csv")));
    project.write("rows.csv", "id,age,rooms\na,1,20.5\n");
    let fault = "column `rooms` says `20.5` in row 1, where an integer is needed";
    let (code, told) = predict(&project, &["house", "rows.csv", "-o", "all.csv"]);
    assert!(code == Some(1) && told.contains(fault), "{told}");
    let output = project
        .hpipe(["repro", "predict"])
        .output()
        .expect("hpipe starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains(fault), "{told}");
}
