//! A started `hpipe serve`, and the project whose models it serves.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::Project;
use crate::support::serving::ask;

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

/// A started `hpipe serve`; killed when the test drops it.
pub(crate) struct Serving {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(project: &Project) -> Self {
        Self::start_as(project, &["serve", "--port", "0", "--json"])
    }

    pub(crate) fn start_as(project: &Project, words: &[&str]) -> Self {
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
    pub(crate) fn says(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(crate) fn predict(&self, body: &str) -> Vec<f64> {
        let (status, answer) = ask(&self.url, "POST", "/predict", body).expect("answered");
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let predictions = answer["predictions"].as_array().expect("predictions");
        predictions
            .iter()
            .map(|one| one.as_f64().expect("a number"))
            .collect()
    }

    /// Ends it, and says what else it wrote.
    pub(crate) fn last_words(mut self) -> Vec<Value> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        let lines = self
            .lines
            .by_ref()
            .lines()
            .map(|line| line.expect("a line"));
        let said = lines.map(|line| serde_json::from_str(&line).expect("JSON"));
        let said = said.collect();
        assert!(self.child.wait().expect("it ends").success());
        said
    }

    pub(crate) fn stop(mut self) -> ExitStatus {
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

pub(crate) fn done(command: &mut Command) {
    let output = command.output().expect("hpipe starts");
    assert!(output.status.success(), "{output:?}");
}

/// Registers both models, the linear one in Production.
pub(crate) fn registered() -> Project {
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

/// A row, and what the linear model says of it.
pub(crate) const ROW: &str = r#"{"income": 10.0, "age": 3}"#;

/// An answer, as curl shows it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }
}

/// Asks with curl.
pub(crate) fn curl(words: &[&str]) -> Answer {
    let mut curl = Command::new("curl");
    let output = curl
        .args(["-sS", "-i"])
        .args(words)
        .output()
        .expect("curl starts");
    let text = String::from_utf8(output.stdout).expect("a text");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
