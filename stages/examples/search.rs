//! Executes the stage `tune` again and again, for `benches/tune_pipeline.py` to set our search beside another on the same
//! models and rows.
//!
//! `search TRAIN VALIDATION`: each line of stdin holds the options of the stage as JSON; the answer is a line with the
//! objective of every trial as a JSON list, null where the trial failed. One trial with `initial` is the objective at a point.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints, and stops at the first fault"
)]

use std::io::BufRead as _;
use std::path::PathBuf;

use hpipe_core::{Execution, NoMemo, PortPath, Progress, ProjectPath, Registry, Stage, Value};
use serde_json::Value as Json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, validation] = &arguments[..] else {
        panic!("search TRAIN VALIDATION");
    };
    let mut registry = Registry::default();
    hpipe_stages::register(&mut registry);
    let stage = registry.get("tune").unwrap();
    let deps = [port("train", train), port("validation", validation)];
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.json");
    let outs = [port("study", study.to_str().unwrap())];
    for line in std::io::stdin().lock().lines() {
        let with: Value = serde_json::from_str(&line.unwrap()).unwrap();
        println!("{}", search(stage, &with, &deps, &outs));
    }
}

fn port(role: &str, path: &str) -> PortPath {
    PortPath {
        role: role.to_owned(),
        declared: ProjectPath::new(path),
        path: PathBuf::from(path),
    }
}

/// The values of a search with these options.
fn search(stage: &dyn Stage, with: &Value, deps: &[PortPath], outs: &[PortPath]) -> Json {
    if let Err(faults) = stage.check(with) {
        panic!("{faults:?}");
    }
    let execution = Execution {
        with,
        deps,
        outs,
        progress: &Silent,
        memo: &NoMemo,
    };
    stage.execute(&execution).unwrap();
    let bytes = std::fs::read(&outs[0].path).unwrap();
    std::fs::remove_file(&outs[0].path).unwrap();
    let study: Json = serde_json::from_slice(&bytes).unwrap();
    let trials = study["content"]["trials"].as_array().unwrap();
    trials.iter().map(|trial| trial["value"].clone()).collect()
}

/// Nobody watches.
struct Silent;

impl Progress for Silent {
    fn report(&self, _done: u64, _total: Option<u64>, _message: &str) {}
    fn log(&self, _line: &str) {}
    fn warn(&self, _text: &str) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}
