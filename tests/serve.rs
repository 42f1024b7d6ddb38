//! `hpipe serve` as a process: it answers with what was registered, exchanges it, and ends when it is told to.
#![cfg(feature = "ml")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::Project;
use support::serving::ask;

/// Districts whose price is twice their income, and what depends on nothing; two models of them.
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
  train:
    matrix: {model: [linear, decision_tree]}
    uses: train
    with: {model: '${item.model}', target: price, seed: 1}
    deps: {train: train.parquet}
    outs: {model: '${item.model}.safetensors'}
  profile:
    matrix: {model: [linear, decision_tree]}
    uses: profile
    deps: {model: '${item.model}.safetensors', train: train.parquet, validation: validation.parquet}
    outs: {profile: '${item.model}.json'}
";

struct Serving {
    child: Child,
    lines: BufReader<ChildStdout>,
    url: String,
}

impl Serving {
    fn start(project: &Project) -> Self {
        Self::start_as(project, &["serve", "--port", "0", "--json"])
    }

    fn start_as(project: &Project, words: &[&str]) -> Self {
        let mut child = project
            .hpipe(words.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hpipe starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut serving = Self {
            child,
            lines,
            url: String::new(),
        };
        let said = serving.says();
        assert_eq!(said["event"], "serving", "{said}");
        serving.url = said["url"].as_str().expect("an address").to_owned();
        serving
    }

    /// The next line it writes.
    fn says(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn predict(&self, body: &str) -> Vec<f64> {
        let (status, answer) = ask(&self.url, "POST", "/predict", body).expect("answered");
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let predictions = answer["predictions"].as_array().expect("predictions");
        predictions
            .iter()
            .map(|one| one.as_f64().expect("a number"))
            .collect()
    }

    fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn done(command: &mut Command) {
    let output = command.output().expect("hpipe starts");
    assert!(output.status.success(), "{output:?}");
}

/// Registers both models, the linear one in Production.
fn registered() -> Project {
    let rows: String = (0..200)
        .map(|i| {
            format!(
                "{},{},{}\n",
                f64::from(i) / 7.0,
                i % 13,
                f64::from(i) * 2.0 / 7.0
            )
        })
        .collect();
    let data = format!("income,age,price\n{rows}");
    let project = Project::with(&[("pipeline.yaml", PIPELINE), ("data.csv", &data)]);
    project.repro([]).done();
    for model in ["linear", "decision_tree"] {
        let (file, profile) = (format!("{model}.safetensors"), format!("{model}.json"));
        let words = [
            "models",
            "register",
            &file,
            "--name",
            "house",
            "--profile",
            &profile,
        ];
        done(&mut project.hpipe(words));
    }
    done(&mut project.hpipe(["models", "promote", "house/1", "Production"]));
    project
}

#[test]
fn a_promotion_and_a_rollback_reach_the_server() {
    let project = registered();
    let mut serving = Serving::start(&project);
    let row = r#"{"income": 10.0, "age": 3}"#;
    let linear = serving.predict(row);
    assert!((linear[0] - 20.0).abs() < 1e-6, "{linear:?}");
    let promote = [
        "models",
        "promote",
        "house/2",
        "Production",
        "--archive-existing",
    ];
    done(&mut project.hpipe(promote));
    let said = serving.says();
    assert_eq!(
        (&said["event"], &said["to"]),
        (&"swapped".into(), &"house/2".into()),
        "{said}"
    );
    let tree = serving.predict(row);
    assert_ne!(tree, linear);
    done(&mut project.hpipe(["models", "rollback", "house"]));
    assert_eq!(serving.says()["to"], "house/1");
    assert_eq!(serving.predict(row), linear);
    assert!(serving.stop().success());
}

/// One row and all rows, JSON and CSV: the same bits.
#[test]
fn a_row_means_the_same_however_it_is_asked() {
    let project = registered();
    done(&mut project.hpipe([
        "models",
        "promote",
        "house/2",
        "Production",
        "--archive-existing",
    ]));
    let serving = Serving::start(&project);
    let data = project.read("data.csv");
    let records: Vec<_> = data
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            format!(r#"{{"income": {}, "age": {}}}"#, cells[0], cells[1])
        })
        .collect();
    let all = serving.predict(&format!("[{}]", records.join(",")));
    for (i, record) in records.iter().enumerate().step_by(17) {
        assert_eq!(
            serving.predict(record)[0].to_bits(),
            all[i].to_bits(),
            "{record}"
        );
    }
    assert!(serving.stop().success());
}

/// What was answered is in the log when the server has ended; what became true is added by the request's id.
#[test]
fn truths_join_what_was_answered() {
    let project = registered();
    project.write(".git/HEAD", "ref: refs/heads/main\n"); // what git shall ignore is told where git is
    let serving = Serving::start(&project);
    let rows = r#"{"inputs": [{"income": 1.0, "age": 3}, {"income": 2.0, "age": 3}]}"#;
    let url = serving.url.clone();
    let asked = |id: &str| {
        let header = format!("X-Request-Id: {id}");
        let mut curl = Command::new("curl");
        curl.args(["-sSf", "-H", &header, "-d", rows, &format!("{url}/predict")]);
        done(&mut curl);
    };
    asked("order-7");
    asked("order-8");
    assert!(serving.stop().success());
    let ignored = project.read("models/.gitignore");
    assert!(ignored.contains("/predictions.db\n"), "{ignored}");
    project.write("sold.csv", "order,row,price\nnobody,0,5.0\n");
    let words = ["predictions", "join", "sold.csv", "--on", "order", "--json"];
    let joined = project.hpipe(words).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&joined.stdout).into_owned();
    assert_eq!(
        said, "{\"v\":1,\"matched\":0,\"known\":0,\"conflicting\":0,\"unknown\":1}\n",
        "{joined:?}"
    );
    for (rows, more, code, expect) in [
        (
            "order-7,0,5.0\norder-7,1,6.0\norder-7,0,5.0\n",
            "",
            0,
            "2 predictions know their truth now\n",
        ),
        (
            "order-7,0,5.0\norder-8,0,6.0\nnobody,0,1\n",
            "",
            0,
            "1 prediction knows its truth now; 1 prediction knew it before; 1 row belongs to none\n",
        ),
        (
            "order-8,1,1\norder-7,0,7.0\n",
            "",
            0,
            "1 prediction knows its truth now\nwarning: 1 prediction knew another truth, and kept it; `--replace` puts the new \
             one in its place\n",
        ),
        (
            "order-7,0,7.0\n",
            "--replace",
            0,
            "1 prediction knows its truth now\n",
        ),
        (
            "order-9,0,1\norder-9,0,2\n",
            "",
            2,
            "error[E106]: row 0 of the request `order-9` has two truths: 1 and 2\nhelp: nothing was added; a column `row`, \
             from 0, tells the rows of one request apart\n",
        ),
        (
            "order-7,0,1\norder-7,1,inf\n",
            "",
            2,
            "error[E106]: column `price`, row 2, is not finite\nhelp: nothing was added; leave the value out where nobody \
             knows it\n",
        ),
    ] {
        project.write("sold.csv", &format!("order,row,price\n{rows}"));
        let words = ["predictions", "join", "sold.csv", "--on", "order", more];
        let words = words.into_iter().filter(|word| !word.is_empty());
        let joined = project.hpipe(words).output().expect("hpipe starts");
        let said = [joined.stdout, joined.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(
            (joined.status.code(), said.as_str()),
            (Some(code), expect),
            "{rows}"
        );
    }
    let wrong = ["predictions", "join", "sold.csv"];
    let wrong = project.hpipe(wrong).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("the file has no column `id`"), "{said}");
}

/// Where SQLite can make no file beside a database, as on a read-only disk, what is registered is served, and not logged.
#[test]
fn a_project_that_cannot_be_written_is_served_without_a_log() {
    let project = registered();
    for name in ["track.db-shm", "predictions.db"] {
        let path = project.root().join("models").join(name);
        std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
    }
    let mut serving = Serving::start_as(&project, &["serve", "--port", "0", "--json"]);
    assert_eq!(serving.predict(r#"{"income": 10.0, "age": 3}"#).len(), 1);
    kill_process(Pid::from_child(&serving.child), Signal::TERM).expect("it runs");
    let mut said = String::new();
    let stderr = serving.child.stderr.take().expect("a pipe");
    BufReader::new(stderr)
        .read_to_string(&mut said)
        .expect("a text");
    let begins = "warning: predictions are not logged: failed to use ";
    assert!(
        said.contains(begins) && said.contains("`--no-log`"),
        "{said}"
    );
    project.write("rows.csv", "income,age\n10,3\n");
    done(&mut project.hpipe(["predict", "house", "rows.csv", "-o", "out.csv"]));
    assert!(
        project
            .read("out.csv")
            .starts_with("income,age,prediction\n10,3,")
    );
}
