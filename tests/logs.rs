//! What a stage prints: kept in the order it was printed, shown whole when the stage fails, and followed by another process
//! while it executes.

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use support::{FifoLines, Project, make_fifo, release};

/// What a stage that prints by `script` and fails is shown to have printed, by `repro --json`.
fn shown(script: &str) -> (String, Vec<u8>) {
    let project = Project::with(&[("script", script)]);
    project.write("pipeline.yaml", "stages:\n  a: {cmd: sh script; exit 1}\n");
    let trace = project.repro([]);
    let mut ends = trace.events("stage_finished");
    let finished = ends.next();
    let output = finished.expect("an end")["error"]["output"]
        .as_str()
        .expect("an output")
        .to_owned();
    let logged = project.hpipe(["logs", "a"]).output().expect("hpipe starts");
    (output, logged.stdout)
}

#[test]
fn stdout_and_stderr_keep_their_order() {
    let (output, _) = shown("for i in $(seq 500); do echo out $i; echo err $i >&2; done");
    let expect: String = (1..=500).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert_eq!(output, expect);
}

#[test]
fn large_outputs_are_shown_whole() {
    let (output, logged) = shown("seq 200000; seq 5 >&2");
    let expect: String = (1..=200_000)
        .chain(1..=5)
        .map(|i| format!("{i}\n"))
        .collect();
    assert!(
        output == expect,
        "{} of {} bytes",
        output.len(),
        expect.len()
    );
    assert_eq!(logged.len(), expect.len());
}

#[test]
fn what_is_no_text_and_what_lacks_the_end_of_its_line_is_shown() {
    let (output, logged) = shown(r"printf 'a\377b\000c\n'; printf 'no end' >&2");
    assert_eq!(output, "a\u{fffd}b\0c\nno end");
    // What would steer a terminal is left out where text is printed; the log itself keeps every byte.
    assert_eq!(logged, "a\u{fffd}bc\nno end\n".as_bytes());
}

#[test]
fn another_process_follows_what_a_stage_prints() {
    let project = Project::with(&[(
        "pipeline.yaml",
        "stages:\n  a:\n    cmd: |\n      echo one\n      printf 'half '\n      echo ready > told\n      read -r line < hold\n      \
         echo two\n      printf end >&2\n",
    )]);
    make_fifo(&project.path("hold"));
    let told = FifoLines::listen(&project.path("told"));
    let mut working = project
        .hpipe(["repro", "-q"])
        .spawn()
        .expect("hpipe starts");
    assert_eq!(told.next().as_deref(), Some("ready"));
    let mut following = project
        .hpipe(["logs", "-F", "a"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("hpipe starts");
    let mut lines = BufReader::new(following.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().map(|line| line.expect("a line"));
    // The stage cannot go on before this line was seen.
    assert_eq!(line().as_deref(), Some("one"));
    release(&project.path("hold"));
    assert_eq!(line().as_deref(), Some("half two"));
    assert_eq!(line().as_deref(), Some("end"));
    assert_eq!(line(), None);
    assert!(following.wait().expect("an end").success());
    assert!(working.wait().expect("an end").success());

    // Of one that is over it shows all, and ends.
    let over = project
        .hpipe(["logs", "-F", "a"])
        .output()
        .expect("hpipe starts");
    assert_eq!(
        String::from_utf8_lossy(&over.stdout),
        "one\nhalf two\nend\n"
    );
    let several = project
        .hpipe(["logs", "-F"])
        .output()
        .expect("hpipe starts");
    assert_eq!(several.status.code(), Some(2));
}
