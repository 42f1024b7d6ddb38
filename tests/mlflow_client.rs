//! MLflow's own client, unmodified, works against `hpipe server`: `mlflow_client.py` asserts every call by reading back.
//!
//! The newest MLflow is installed in a virtual environment of its own, made once below the target folder. Without Python or a
//! network the test says loudly that it did not run; where `CI=true` is set it must run.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test with another program: it keeps files, asks whether it runs in CI, and says what it leaves out"
)]

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::serving::Serving;
use support::{Project, peers};

/// What is installed; XGBoost as built for machines without a GPU, which is smaller by gigabytes.
const PACKAGES: [&str; 3] = ["mlflow", "scikit-learn", "xgboost-cpu"];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mlflow_client.py");

/// The interpreter; none where it cannot be had, which has been said.
fn ready_python() -> Option<PathBuf> {
    peers::ready("mlflow", &[&PACKAGES]).map(|programs| programs.join("python"))
}

/// Logs as a program that knows nothing of hpipe; the param is one that hpipe records as well.
const FIT: &str = r#"
import mlflow
mlflow.log_params({"depth": 3, "lr": 0.1})
for step in range(3):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
with open("model.txt", "w") as file:
    file.write("a model")
mlflow.log_artifact("model.txt", "kept")
"#;

#[test]
fn a_tracked_command_logs_to_its_run_unchanged() {
    let Some(python) = ready_python() else { return };
    let place = python.to_str().expect("a path of text");
    let pipeline = format!(
        "stages:\n  fit: {{track: true, cmd: \"'{place}' fit.py\", params: [lr], deps: [fit.py], outs: [model.txt]}}\n"
    );
    let files = [
        ("pipeline.yaml", pipeline.as_str()),
        ("params.yaml", "lr: 0.1\n"),
        ("fit.py", FIT),
    ];
    let project = Project::with(&files);
    assert_eq!(project.repro([]).done().executed(), "fit");
    let shown = project.hpipe(["runs", "show", "fit", "--json"]).output();
    let shown = String::from_utf8(shown.expect("hpipe starts").stdout).expect("a text");
    let run = support::parse_event(shown.trim_end());
    assert_eq!(run["status"], "FINISHED");
    assert_eq!(
        (&run["params"]["depth"], &run["params"]["lr"]),
        (&"3".into(), &"0.1".into())
    );
    assert!((run["metrics"]["loss"].as_f64().expect("a number") - 1.0 / 3.0).abs() < 1e-12);
    let files = run["artifacts"].as_array().expect("a list");
    assert!(
        files.iter().any(|file| file["path"] == "kept/model.txt"),
        "{run}"
    );
    project
        .repro([])
        .did_nothing("what is told to a command is no input");
}

/// What hpipe recorded is sent to MLflow's own server, and its client reads it back.
#[test]
fn a_real_server_gets_what_is_recorded() {
    let Some(python) = ready_python() else { return };
    let fit = "
stages:
  fit:
    track: {experiment: prices, tags: {team: blue}}
    cmd: |
      echo model $(cat raw) > model.pkl
      printf 'step,loss\\n0,2.5\\n1,0.5\\n' > curve.csv
      echo '{\"rmse\": 0.5, \"odd\": NaN}' > metrics.json
    deps: [raw]
    params: [n]
    outs: [model.pkl]
    metrics: [metrics.json: {cache: false}]
    plots: [curve.csv: {cache: false}]
";
    let files = [
        ("pipeline.yaml", fit),
        ("params.yaml", "n: 1\n"),
        ("raw", "b\na\n"),
    ];
    let project = Project::with(&files);
    assert_eq!(project.repro([]).done().executed(), "fit");
    for words in [
        "register model.pkl --name house --tag team=blue",
        "register raw --name by-hand",
        "promote house/1 Production",
        "alias house/1 champion",
    ] {
        let words = ["models"].into_iter().chain(words.split(' '));
        let done = project.hpipe(words).status().expect("hpipe starts");
        assert!(done.success());
    }
    let folder = project.root().join("server");
    std::fs::create_dir(&folder).expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mlflow_push.py");
    let mut command = Command::new(python);
    command.args([script, env!("CARGO_BIN_EXE_hpipe")]);
    command.args([project.root(), &folder]);
    let done = peers::run(&mut command);
    eprintln!("{}", done.unwrap_or_else(|error| panic!("{error}")));
}

/// A small pipeline that trains, packages and registers a model.
const TRAINING: &str = "
stages:
  ingest:
    uses: ingest
    with: {target: y}
    deps: {table: data.csv}
    outs: {table: table.parquet, report: quality.md}
    metrics: {quality: quality.json}
  split:
    uses: split
    with: {fractions: {train: 0.6, validation: 0.2, test: 0.2}, seed: 42}
    deps: {table: table.parquet}
    outs: {train: train.parquet, validation: validation.parquet, test: test.parquet}
  train:
    uses: train
    with: {model: xgboost, target: y, hyperparameters: {n_estimators: 20}, seed: 42}
    deps: {train: train.parquet, validation: validation.parquet}
    outs: {model: model.safetensors}
  package:
    uses: export
    with: {format: mlflow}
    deps: {model: model.safetensors}
    outs: {model: package}
  register:
    uses: register
    with: {name: house, promote: Production, aliases: [champion]}
    deps: {model: model.safetensors, package: package}
    outs: {record: registration.json}
";

/// What hpipe trained loads with `mlflow.pyfunc` from its server, and predicts what hpipe predicts.
#[test]
fn a_model_of_hpipe_predicts_the_same_in_mlflow() {
    if !cfg!(feature = "ml") {
        return; // nothing is trained without the machine-learning stages
    }
    let packages = [&PACKAGES[..], &["onnx", "onnxruntime", "pandas"]].concat();
    let Some(programs) = peers::ready("MLflow and ONNX", &[&packages]) else {
        return;
    };
    let rows = (0..200_u32).map(|row| {
        let (a, b) = (f64::from(row % 17), f64::from(row * 7 % 23));
        let (place, more) = [("sea", 9.0), ("land", 0.0), ("bay", 4.0)][row as usize % 3];
        format!("{a},{b},{place},{}\n", 2.0 * a - b * b / 5.0 + more)
    });
    let table = format!("a,b,place,y\n{}", rows.collect::<String>());
    let project = Project::with(&[("pipeline.yaml", TRAINING), ("data.csv", &table)]);
    let said = |words: &[&str]| {
        let output = project.hpipe(words.iter().copied()).output();
        let output = output.expect("hpipe starts");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("a text")
    };
    said(&["repro"]);
    said(&["predict", "house", "data.csv", "-o", "predicted.csv"]);
    said(&[
        "models", "export", "house/1", "--format", "mlflow", "-o", "exported",
    ]);
    said(&["models", "register", "model.safetensors", "--name", "bare"]);
    said(&[
        "models", "export", "bare/1", "--format", "mlflow", "-o", "bare",
    ]);
    let run = support::parse_event(said(&["runs", "show", "train", "--json"]).trim_end());
    let server = Serving::start(project.root());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mlflow_models.py");
    let mut command = Command::new(programs.join("python"));
    command.args([script, &server.url, support::text(&run["run"])]);
    command.args(["predicted.csv", "exported", "bare"].map(|path| project.path(path)));
    let done = peers::run(&mut command);
    eprintln!("{}", done.unwrap_or_else(|error| panic!("{error}")));
    assert!(server.stop().success());
}

#[test]
fn the_real_client_reads_back_what_it_wrote() {
    let Some(python) = ready_python() else { return };
    let project = Project::new();
    let server = Serving::start(project.root());
    let folder = project.root().join("client");
    std::fs::create_dir(&folder).expect("a folder");
    let place = folder.to_str().expect("a path of text");
    let done = peers::run(Command::new(python).args([SCRIPT, &server.url, place]));
    eprintln!("{}", done.unwrap_or_else(|error| panic!("{error}")));
    assert!(server.stop().success());
}
