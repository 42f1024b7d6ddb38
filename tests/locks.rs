//! What is held while a stage works, and by whom: neither too little, so that two would write one out, nor too much, so that
//! somebody waits for nothing.

#![allow(clippy::disallowed_methods, reason = "tests play the user")]

mod support;

use std::path::Path;

use hpipe_core::StageName;
use hpipe_store::{LockName, StageLock, Store};
use rustix::process::Signal;

use support::{FifoLines, Live, Project, Trace, make_fifo, release};

/// The lock of a stage, as another hpipe would hold it.
fn held_by_another(project: &Project, stage: &str) -> StageLock {
    let store = Store::open(project.root(), Path::new(".cache")).expect("the store");
    let lock = LockName::Stage(StageName::known(stage));
    store.lock(&lock).expect("nobody has it")
}

/// Two pipelines that do not know each other declare one path: their stages make it one after the other.
#[test]
fn an_out_is_made_by_one_whatever_the_stage_is_called() {
    let stage = |name: &str| {
        format!(
            "stages:\n  {name}:\n    cmd: 'exec 3> told-{name}; echo ready >&3; read -r line < hold; echo {name} > made'\n    outs: [made]\n"
        )
    };
    let project = Project::with(&[("pipeline.yaml", &stage("one")), ("ci.yaml", &stage("two"))]);
    make_fifo(&project.path("hold"));
    let one_told = FifoLines::listen(&project.path("told-one"));
    let two_told = FifoLines::listen(&project.path("told-two"));
    let one = Live::start(&mut project.hpipe(["repro", "--json"]));
    assert_eq!(one_told.next().as_deref(), Some("ready"));
    let mut two = Live::start(&mut project.hpipe(["-f", "ci.yaml", "repro", "--json"]));
    assert_eq!(two.until("stage_waiting").1["stage"], "two");
    let refused = Trace::of(&mut project.hpipe(["-f", "ci.yaml", "repro", "--json", "--no-wait"]));
    assert_eq!(
        (refused.exit, refused.errors("kind")),
        (Some(4), "busy".into())
    );
    release(&project.path("hold"));
    assert_eq!(one.finish().0.code(), Some(0));
    assert_eq!(two_told.next().as_deref(), Some("ready"));
    release(&project.path("hold"));
    assert_eq!(two.finish().0.code(), Some(0));
    assert_eq!(project.read("made"), "two\n");
}

/// One stage, asked for by two names, executes once.
#[test]
fn a_stage_has_one_lock_by_whatever_name_it_is_called() {
    let project = Project::with(&[
        ("pipeline.yaml", ""),
        ("sub/pipeline.yaml", "stages: {s: {cmd: echo}}"),
        ("sub/ci.yaml", "stages: {s: {cmd: echo}}"),
    ]);
    let no_wait = |file: &str| {
        let mut command = project.hpipe(["-f", file, "repro", "--json", "--no-wait"]);
        Trace::of(&mut command).errors("kind")
    };
    let held = held_by_another(&project, "sub/pipeline.yaml:s");
    assert_eq!(no_wait("sub/pipeline.yaml"), "busy");
    assert_eq!(no_wait("sub/ci.yaml"), "");
    drop(held);
    let _held = held_by_another(&project, "sub/ci.yaml:s");
    assert_eq!(no_wait("sub/pipeline.yaml"), "");
}

/// A stage that waits to be tried again holds no mutex: with `--no-wait` the next that wants it goes on.
#[test]
fn who_waits_to_be_tried_again_hinders_nobody() {
    let project = Project::with(&[(
        "pipeline.yaml",
        "stages:\n  flaky: {cmd: 'test -e other', mutex: [m], retry: {times: 1, delay: 300ms}}\n  \
        other: {cmd: echo > other, outs: [other], mutex: [m]}\n",
    )]);
    let trace = project.repro(["--no-wait", "-j", "2"]);
    assert_eq!(trace.done().ended("ran"), "flaky other", "{trace:#?}");
}

/// What is frozen and gone is brought back under its lock, by who has patience.
#[test]
fn who_brings_back_what_is_frozen_waits_as_asked() {
    let stages = |frozen: &str| {
        format!(
            "stages:\n  a: {{cmd: echo a > a, outs: [a]{frozen}}}\n  b: {{cmd: cat a, deps: [a]}}\n"
        )
    };
    let project = Project::with(&[("pipeline.yaml", &stages(""))]);
    project.repro([]).done();
    project.write("pipeline.yaml", &stages(", frozen: true"));
    project.remove("a");
    let held = held_by_another(&project, "a");
    let refused = project.repro(["--no-wait"]);
    assert_eq!(
        (refused.exit, refused.errors("kind")),
        (Some(4), "busy".into())
    );

    let mut waiting = Live::start(&mut project.hpipe(["repro", "--json"]));
    assert_eq!(waiting.until("stage_waiting").1["stage"], "a");
    waiting.signal(Signal::INT);
    let (status, events) = waiting.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
    drop(held);
    assert_eq!(project.repro([]).done().ended("frozen"), "a");
    assert_eq!(project.read("a"), "a\n");
}
