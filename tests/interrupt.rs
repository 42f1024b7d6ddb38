//! What signals and other hpipe processes do to a repro: whatever happens while a stage executes, no half-made out is
//! taken for a whole one, finished stages stay finished, and no stage executes twice at once.
//!
//! Nothing sleeps: stages tell the test through a fifo that they are under way, and wait in another until it lets them
//! go on.

mod support;

use rustix::process::Signal;

use support::{FifoLines, Live, Project, make_fifo, release};

/// `first` is done at once; `slow` has half its out when it says `ready`, and the whole after it was let go.
const PIPELINE: &str = "
stages:
  first: {cmd: echo first | tee -a executions > first, outs: [first]}
  slow:
    cmd: |
      echo slow >> executions
      echo half > slow
      exec 3> told
      echo ready >&3
      read -r line < hold
      echo whole >> slow
    deps: [first]
    outs: [slow]
";

/// A project whose stage `slow` waits, and the fifo through which it tells.
fn project() -> (Project, FifoLines) {
    let project = Project::with(&[("pipeline.yaml", PIPELINE)]);
    make_fifo(&project.path("hold"));
    let told = FifoLines::listen(&project.path("told"));
    (project, told)
}

fn start(project: &Project, arguments: &[&str]) -> Live {
    Live::start(project.hpipe(["repro", "--json"]).args(arguments))
}

/// Which stages executed, in order, by their own account.
fn executions(project: &Project) -> String {
    project
        .read("executions")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_killed_hpipe_leaves_no_half_made_out() {
    let (project, told) = project();
    let killed = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    killed.kill();

    // The orphan lives on and writes into the out, so the next hpipe waits for it.
    let mut next = start(&project, &[]);
    let (before, waiting) = next.until("stage_waiting");
    assert_eq!(waiting["stage"], "slow");
    assert!(
        before.iter().any(|event| event["stage"] == "first"
                // The lock file may not have been written yet; the run cache has been.
                && (event["outcome"] == "up_to_date" || event["outcome"] == "restored")),
        "{before:?}"
    );
    let told_again = listen_again(&project);
    release(&project.path("hold"));
    assert_eq!(told.next(), None, "the orphan ends");

    // What the orphan left is not taken, however whole it looks: nobody saw it end well.
    next.until("stage_started");
    assert_eq!(told_again.next().as_deref(), Some("ready"));
    release(&project.path("hold"));
    let (status, _) = next.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(project.read("slow"), "half\nwhole\n");
    assert_eq!(executions(&project), "first slow slow");
    project.repro([]).did_nothing("after a kill");
}

/// A fifo hears nothing after its end, so the stage must find a new one; who has the old one open keeps it.
fn listen_again(project: &Project) -> FifoLines {
    project.remove("told");
    FifoLines::listen(&project.path("told"))
}

#[test]
fn ctrl_c_ends_the_running_stage_and_keeps_the_finished_one() {
    let (project, told) = project();
    let hpipe = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    hpipe.signal(Signal::INT);
    let (status, events) = hpipe.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
    assert_eq!(told.next(), None, "everything the stage started has ended");

    let failed: Vec<_> = events
        .iter()
        .filter(|event| event["outcome"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{events:#?}");
    assert_eq!(
        (&failed[0]["stage"], &failed[0]["error"]["code"]),
        (&"slow".into(), &"E104".into())
    );

    let told = listen_again(&project);
    let next = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    release(&project.path("hold"));
    let (status, _) = next.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(project.read("slow"), "half\nwhole\n");
    assert_eq!(executions(&project), "first slow slow");
}

/// Programs that catch Ctrl-C to clean up often end with code 0; what they made by then is no result.
#[test]
fn a_stage_that_was_told_to_stop_has_no_result_whatever_its_exit_code() {
    let (project, told) = project();
    project.write(
        "pipeline.yaml",
        &PIPELINE.replace("exec 3> told", "trap 'exit 0' INT; exec 3> told"),
    );
    let hpipe = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    hpipe.signal(Signal::INT);
    let (status, events) = hpipe.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
    assert!(
        events
            .iter()
            .any(|event| event["stage"] == "slow" && event["outcome"] == "failed"),
        "{events:#?}"
    );
    assert!(!project.read("pipeline.lock").contains("  slow:"));
}

#[test]
fn a_second_ctrl_c_kills_a_stage_that_ignores_the_first() {
    let (project, told) = project();
    project.write(
        "pipeline.yaml",
        "
stages:
  stubborn:
    cmd: |
      exec 3> told 4<> hold
      trap 'echo asked >&3' INT
      echo ready >&3
      while :; do read -r line <&4 || :; done
",
    );
    let hpipe = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    hpipe.signal(Signal::INT);
    assert_eq!(told.next().as_deref(), Some("asked"));
    hpipe.signal(Signal::INT);
    // Who is interrupted in the moment he starts may be asked twice; then the stage has ended.
    while let Some(line) = told.next() {
        assert_eq!(line, "asked");
    }
    assert_eq!(hpipe.finish().0.code(), Some(130));
}

#[test]
fn of_two_at_once_each_stage_executes_once() {
    let (project, told) = project();
    let one = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));
    let mut two = start(&project, &[]);
    two.until("stage_waiting");
    release(&project.path("hold"));

    let (status, _) = one.finish();
    assert_eq!(status.code(), Some(0));
    let (status, events) = two.finish();
    assert_eq!(status.code(), Some(0), "{events:#?}");
    assert!(
        events.iter().all(|event| event["event"] != "stage_started"),
        "the second executes nothing: {events:#?}"
    );
    assert!(
        events
            .iter()
            .any(|event| event["stage"] == "slow" && event["outcome"] == "up_to_date"),
        "{events:#?}"
    );
    assert_eq!(executions(&project), "first slow");
    project.repro([]).did_nothing("after two at once");
}

#[test]
fn with_no_wait_the_second_fails_at_once() {
    let (project, told) = project();
    project.repro(["first"]).done();
    let one = start(&project, &[]);
    assert_eq!(told.next().as_deref(), Some("ready"));

    let two = project.repro(["--no-wait"]);
    assert_eq!(
        (two.exit, two.errors("code"), two.errors("kind")),
        (Some(4), "E102".into(), "busy".into())
    );
    let human = project
        .hpipe(["repro", "--no-wait"])
        .output()
        .expect("hpipe starts");
    let said = String::from_utf8_lossy(&human.stderr).into_owned();
    assert!(
        said.contains("stage `slow` is being executed by another hpipe"),
        "{said}"
    );

    // Who needs another stage is not held up.
    assert_eq!(
        project
            .repro(["--no-wait", "first"])
            .done()
            .ended("up_to_date"),
        "first"
    );
    release(&project.path("hold"));
    assert_eq!(one.finish().0.code(), Some(0));
}
