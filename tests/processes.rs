//! No process of a stage outlives it, and no other process is touched: checked by looking at all processes of the machine.

#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "tests play the user")]

mod support;

use std::process::Command;

use rustix::process::Signal;

use support::{FifoLines, Live, Project, Trace, make_fifo, release};

/// What every process of a test bears, and nobody else.
const MARK: &str = "HPIPE_TEST_TREE";

/// Leaves a process in the group of the stage, one in a session of its own, and one whose parent is gone in a third; none
/// of them listens to who asks.
const LEAVE: &str = "
trap '' HUP INT TERM
sleep 1000 &
setsid sleep 1000 &
setsid sh -c 'sleep 1000 & setsid sleep 1000 &'
trap - HUP INT TERM
";

/// A project whose one stage leaves processes behind and then does what `then` says.
fn leaving(then: &str, keys: &str) -> Project {
    let script = format!("{LEAVE}{then}\n");
    let lines: String = script
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let pipeline = format!("stages:\n  leave:\n    cmd: |\n{lines}    outs: [out]\n{keys}");
    Project::with(&[("pipeline.yaml", &pipeline)])
}

fn marked(project: &Project) -> Command {
    let mut command = project.hpipe(["repro", "--json"]);
    command.env(MARK, project.root());
    command
}

/// The processes that bear the mark of the project, by their names.
fn left(project: &Project) -> Vec<String> {
    let mark = format!("{MARK}={}", project.root().display());
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let bears = |path: &std::path::PathBuf| {
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    };
    let found = processes.map(|entry| entry.path()).filter(bears);
    found
        .map(|path| std::fs::read_to_string(path.join("comm")).unwrap_or_default())
        .collect()
}

#[test]
fn nothing_of_a_stage_outlives_it_however_it_ends() {
    for (then, keys, outcome) in [
        ("echo > out", "", "ran"),
        ("exit 3", "", "failed"),
        ("exit 3", "    retry: 2\n", "failed"),
        ("sleep 1000", "    timeout: 200ms\n", "failed"),
    ] {
        let project = leaving(then, keys);
        let trace = Trace::of(&mut marked(&project));
        assert_eq!(trace.ended(outcome), "leave", "{then} {keys}: {trace:#?}");
        assert_eq!(left(&project), [""; 0], "{then} {keys}");
    }
}

#[test]
fn nothing_of_a_stage_outlives_an_interruption() {
    for stubborn in [false, true] {
        let then = match stubborn {
            // Without `exec`, the shell could have started `sleep` but not yet given it its own way with INT.
            false => "exec 3> told; echo ready >&3; exec sleep 1000",
            true => {
                "exec 3> told 4<> hold; trap 'echo asked >&3' INT; echo ready >&3; while :; do read -r line <&4 || :; done"
            }
        };
        let project = leaving(then, "");
        make_fifo(&project.path("hold"));
        let told = FifoLines::listen(&project.path("told"));
        let hpipe = Live::start(&mut marked(&project));
        assert_eq!(told.next().as_deref(), Some("ready"));
        assert!(left(&project).len() > 4, "the test sees what there is");
        hpipe.signal(Signal::INT);
        if stubborn {
            assert_eq!(told.next().as_deref(), Some("asked"));
            hpipe.signal(Signal::INT);
        }
        assert_eq!(hpipe.finish().0.code(), Some(130));
        assert_eq!(left(&project), [""; 0], "stubborn: {stubborn}");
    }
}

/// What a stage left is ended with it, though another stage still runs.
#[test]
fn what_a_stage_left_does_not_wait_for_other_stages() {
    let project = Project::with(&[(
        "pipeline.yaml",
        "stages:\n  \
        a: {cmd: 'setsid sh -c \"exec 3> held; echo here >&3; read -r line < never\" & read -r line < go; echo > a', outs: [a]}\n  \
        b: {cmd: 'exec 3> told; echo ready >&3; read -r line < hold; echo > b', outs: [b]}\n",
    )]);
    for fifo in ["never", "go", "hold"] {
        make_fifo(&project.path(fifo));
    }
    let (held, told) = (
        FifoLines::listen(&project.path("held")),
        FifoLines::listen(&project.path("told")),
    );
    let mut hpipe = Live::start(marked(&project).args(["-j", "2"]));
    assert_eq!(told.next().as_deref(), Some("ready"));
    assert_eq!(held.next().as_deref(), Some("here"));
    release(&project.path("go"));
    assert_eq!(held.next(), None, "it ended before `b` did");
    let (_, note) = hpipe.until("stage_note");
    assert_eq!(note["stage"], "a");
    assert_eq!(note["text"], "ended `sh`, which it left running");
    release(&project.path("hold"));
    assert_eq!(hpipe.finish().0.code(), Some(0));
}

/// A child that hpipe has and did not start, as of a wrapper that became it, is none of its business.
#[test]
fn children_that_are_no_stages_are_left_alone() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages: {a: {cmd: 'setsid sleep 1000 & echo > a', outs: [a]}}",
        ),
        (
            "wrap",
            "setsid sh -c 'exec 3> told; echo here >&3; read -r line < hold; echo still >&3' > beside 2>&1 &\nread -r line < go\nexec \"$@\"\n",
        ),
    ]);
    for fifo in ["go", "hold"] {
        make_fifo(&project.path(fifo));
    }
    let told = FifoLines::listen(&project.path("told"));
    let mut wrapped = Command::new("sh");
    wrapped
        .args(["wrap", env!("CARGO_BIN_EXE_hpipe"), "repro", "--json"])
        .current_dir(project.root());
    support::clean_environment(&mut wrapped);
    let hpipe = Live::start(&mut wrapped);
    assert_eq!(told.next().as_deref(), Some("here"));
    release(&project.path("go"));
    let (status, events) = hpipe.finish();
    assert_eq!(status.code(), Some(0), "{events:#?}");
    release(&project.path("hold"));
    assert_eq!(told.next().as_deref(), Some("still"));
    assert_eq!(told.next(), None);
}

/// In a container whose first process hpipe is: it is given every orphan there, and the leaders of its own group and session
/// are outside, where it cannot see them.
#[test]
fn a_container_is_no_different() {
    let project = leaving("echo > out", "");
    let mut marked = marked(&project);
    let mut contained = Command::new("unshare");
    contained
        .args([
            "--user",
            "--map-root-user",
            "--pid",
            "--fork",
            "--mount-proc",
        ])
        .arg(marked.get_program());
    contained
        .args(marked.get_args())
        .current_dir(project.root());
    support::clean_environment(&mut contained);
    contained.env(MARK, project.root());
    let output = contained.output();
    let refused = match &output {
        Ok(output) => String::from_utf8_lossy(&output.stderr).starts_with("unshare: "),
        Err(_) => true,
    };
    if refused {
        // Some machines let nobody make one.
        support::say_skipped(
            "hpipe as the first process of a container",
            &format!("{output:?}"),
        );
        let trace = Trace::of(&mut marked);
        assert_eq!(trace.ended("ran"), "leave", "{trace:#?}");
        return;
    }
    let trace = Trace::from_output(&output.expect("it was started"));
    assert_eq!(trace.ended("ran"), "leave", "{trace:#?}");
    let notes = trace.events("stage_note").map(|note| note["text"].clone());
    let ended = notes.filter(|text| *text == "ended `sleep`, which it left running");
    assert!(ended.count() > 0, "{trace:#?}");
    assert_eq!(left(&project), [""; 0]);
}
