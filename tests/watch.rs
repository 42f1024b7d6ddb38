//! `hpipe watch`: what a change of params, data or pipeline wakes, and that it wakes nothing else.
//!
//! The test reads what hpipe writes and edits only while hpipe says that it watches, so nothing depends on time.

mod support;

use std::fs::File;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::{Value, json};

use support::{Live, Project, text};

const PIPELINE: &str = "
stages:
  clean: {cmd: sort data/raw > clean, deps: [data], outs: [clean]}
  train: {cmd: cat params.yaml clean > model, deps: [clean], params: [lr], outs: [model]}
  evaluate: {cmd: wc -c < model > score, deps: [model], outs: [score]}
  report: {cmd: cp clean report, deps: [clean], outs: [report]}
";

fn project() -> Project {
    Project::with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "lr: 1\nother: 1\n"),
        ("data/raw", "b\na\n"),
    ])
}

/// A watching hpipe, and what it has to say of its rounds.
struct Watch(Live);

impl Watch {
    /// Starts to watch and waits for the end of the first round.
    fn start(project: &Project) -> (Self, Round) {
        let mut watch = Self(Live::start(&mut project.hpipe(["watch", "--json"])));
        let (events, watching) = watch.0.until("watching");
        assert!(watching["paths"].as_u64() > Some(0), "{watching}");
        (
            watch,
            Round {
                woken_by: Value::Null,
                events,
            },
        )
    }

    /// Waits until a change wakes it and the round that follows is over.
    fn round(&mut self) -> Round {
        let (before, woke) = self.0.until("woke");
        assert!(
            before.is_empty(),
            "nothing happens before something changes: {before:?}"
        );
        let (events, _) = self.0.until("watching");
        Round {
            woken_by: woke["paths"].clone(),
            events,
        }
    }

    /// Ends it as a user does.
    fn interrupt(self) {
        self.0.signal(Signal::INT);
        let (status, events) = self.0.finish();
        assert_eq!(status.code(), Some(130), "{events:#?}");
    }
}

/// What happened between two times of watching.
struct Round {
    woken_by: Value,
    events: Vec<Value>,
}

impl Round {
    /// The stages that executed, sorted.
    fn executed(&self) -> Vec<&str> {
        let started = self
            .events
            .iter()
            .filter(|event| event["event"] == "stage_started");
        let mut names: Vec<_> = started.map(|event| text(&event["stage"])).collect();
        names.sort_unstable();
        names
    }

    /// The codes of the errors.
    fn errors(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter(|event| event["event"] == "error")
            .map(|event| text(&event["code"]))
            .collect()
    }
}

#[test]
fn a_change_executes_what_depends_on_it() {
    let project = project();
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(first.executed(), ["clean", "evaluate", "report", "train"]);

    project.replace("params.yaml", "lr: 2\nother: 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec!["evaluate", "train"])
    );
    assert_eq!(project.read("model"), "lr: 2\nother: 1\na\nb\n");

    project.replace("data/raw", "b\na\nc\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (
            &json!(["data/raw"]),
            vec!["clean", "evaluate", "report", "train"]
        )
    );

    project.replace(
        "pipeline.yaml",
        &PIPELINE.replace("cp clean", "cat clean >"),
    );
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["pipeline.yaml"]), vec!["report"])
    );
    watch.interrupt();
    project.repro([]).did_nothing("after watching");
}

#[test]
fn a_change_of_no_consequence_executes_nothing() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("params.yaml", "other: 2\nlr: 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec![])
    );

    let raw = File::options()
        .write(true)
        .open(project.path("data/raw"))
        .expect("open");
    raw.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .expect("touch");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/raw"]), vec![])
    );

    // A file that nobody reads and an out that somebody edits wake nobody: the next to wake it is the param.
    project.replace("notes", "x\n");
    project.replace("score", "x\n");
    project.replace("params.yaml", "lr: 2\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec!["evaluate", "train"])
    );
    watch.interrupt();
}

#[test]
fn files_come_and_go_in_a_watched_folder() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("data/more", "1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/more"]), vec!["clean"])
    );
    project.remove("data/more");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/more"]), vec![])
    );
    assert!(
        round
            .events
            .iter()
            .any(|event| event["stage"] == "clean" && event["outcome"] == "restored")
    );
    watch.interrupt();
}

#[test]
fn a_fault_is_told_and_the_next_change_mends_it() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("pipeline.yaml", "stages: [\n");
    let round = watch.round();
    assert_eq!((round.errors(), round.executed()), (vec!["E001"], vec![]));

    project.replace("pipeline.yaml", &PIPELINE.replace("lr", "learning_rate"));
    let round = watch.round();
    assert_eq!((round.errors(), round.executed()), (vec!["E009"], vec![]));

    project.replace("params.yaml", "learning_rate: 1\n");
    let round = watch.round();
    assert_eq!(
        (round.errors(), round.executed()),
        (vec![], vec!["evaluate", "train"])
    );

    // A stage that fails is told as in `repro`, and tried again after the next change.
    project.replace(
        "pipeline.yaml",
        &PIPELINE
            .replace("lr", "learning_rate")
            .replace("cp clean", "false;"),
    );
    let round = watch.round();
    assert_eq!(round.executed(), ["report"]);
    assert!(
        round
            .events
            .iter()
            .any(|event| event["stage"] == "report" && event["outcome"] == "failed")
    );
    project.replace("params.yaml", "learning_rate: 1 # the same\n");
    assert_eq!(watch.round().executed(), ["report"]);
    watch.interrupt();
}
