//! Where commands cannot be confined they execute all the same, and the user is told once; unless he wants it otherwise.
//!
//! What a confined command may do is shown by scenarios, for it takes the program itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test lays out its project itself"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hpipe_core::{Event, EventSink, Registry, Summary};
use hpipe_engine::{
    Cancellation, Confined, Error, Location, ReproOptions, Sandboxing, Setup, Support, Workspace,
    repro,
};

const PIPELINE: &str = "stages:\n  a:\n    cmd: cat undeclared > a\n    outs: [a]\n    sandbox: true\n  \
    b:\n    cmd: echo > b\n    outs: [b]\n    sandbox: true\n  c:\n    cmd: echo > c\n    outs: [c]\n    \
    sandbox: false\n";

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl EventSink for Told {
    fn emit(&self, event: &Event) {
        if let Event::Warning { text } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

/// What `repro` of the pipeline comes to, and its warnings.
fn made(pipeline: &str, sandbox: Sandboxing) -> (Result<Summary, Error>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), pipeline).unwrap();
    std::fs::write(folder.path().join("undeclared"), "x").unwrap();
    let location = Location::find(folder.path(), None).unwrap();
    let mut setup = Setup::new(Arc::new(Registry::default()), BTreeMap::new());
    setup.sandbox = sandbox;
    let workspace = Workspace::open(location, setup.into()).unwrap();
    let options = ReproOptions {
        jobs: 2,
        ..ReproOptions::default()
    };
    let told = Told::default();
    let ended = repro(&workspace, &options, &told, &Cancellation::default());
    (ended, told.0.into_inner().unwrap())
}

fn without(reason: &str) -> Sandboxing {
    Sandboxing {
        support: Support::Missing(reason.into()),
        ..Sandboxing::default()
    }
}

#[test]
fn commands_execute_unconfined_with_one_warning() {
    let (ended, told) = made(PIPELINE, without("no Landlock"));
    assert_eq!(ended.unwrap().ran, 3);
    assert_eq!(
        told,
        ["commands execute without their sandbox: no Landlock"]
    );
}

#[test]
fn who_asks_for_no_sandbox_is_not_warned() {
    let plain = PIPELINE.replace("sandbox: true", "sandbox: false");
    let (ended, told) = made(&plain, without("no Landlock"));
    assert_eq!((ended.unwrap().ran, told.len()), (3, 0));
    for (which, warnings) in [(Confined::Unless, 0), (Confined::All, 1)] {
        let sandbox = Sandboxing {
            which,
            ..without("no Landlock")
        };
        assert_eq!(made(&plain, sandbox).1.len(), warnings);
    }
}

#[test]
fn where_it_is_required_nothing_executes() {
    let sandbox = Sandboxing {
        required: true,
        ..without("no Landlock")
    };
    let (ended, _) = made(PIPELINE, sandbox);
    assert!(matches!(ended, Err(Error::NoSandbox(reason)) if reason == "no Landlock"));
}
