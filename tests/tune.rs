//! What signals do to a search: whatever happens to it, the same command goes on from there, no trial that ended executes
//! again, and nothing is left behind.
//!
//! Nothing sleeps: a trial tells the test through a fifo that it is under way, and waits in another until it is let go.
//! Both lie in the project itself, beside the copies in which trials execute.

mod support;

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use support::{FifoLines, Live, Project, make_fifo, release};

const PARAMS: &str = "lr: 1\n";

/// Trials 1 and 2 execute; the one of `lr: 2` says `ready` and waits.
fn project() -> (Project, FifoLines) {
    let project = Project::with(&[("params.yaml", PARAMS)]);
    let root = project.root().display().to_string();
    project.write(
        "pipeline.yaml",
        &format!(
            "
stages:
  train:
    cmd: |
      echo ${{lr}} >> {root}/executions
      if [ ${{lr}} = 2 ]; then
        exec 3> {root}/told
        echo ready >&3
        read -r line < {root}/hold
      fi
      echo '{{\"loss\": ${{lr}}}}' > m.json
    params: [lr]
    metrics: [m.json: {{cache: false}}]
"
        ),
    );
    make_fifo(&project.path("hold"));
    let told = FifoLines::listen(&project.path("told"));
    (project, told)
}

fn tune(project: &Project) -> Command {
    project.hpipe([
        "tune",
        "--json",
        "-j",
        "1",
        "-m",
        "m.json:loss",
        "-p",
        "lr=int(1, 3)",
        "--sampler",
        "grid",
        "--direction",
        "maximize",
    ])
}

fn start(project: &Project) -> Live {
    Live::start(&mut tune(project))
}

/// The study that a command printed.
fn study(events: &[Value]) -> &Value {
    events.last().unwrap_or(&Value::Null)
}

/// The values of `lr` that executed, in order, by their own account.
fn executions(project: &Project) -> String {
    let text = project.read("executions");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The copies of the project that are still there.
fn left(project: &Project) -> Vec<std::fs::DirEntry> {
    let entries = std::fs::read_dir(project.path(".cache/tmp")).expect("the folder");
    entries.map(|entry| entry.expect("an entry")).collect()
}

fn listen_again(project: &Project) -> FifoLines {
    project.remove("told");
    FifoLines::listen(&project.path("told"))
}

#[test]
fn after_ctrl_c_the_same_command_goes_on() {
    let (project, told) = project();
    let hpipe = start(&project);
    assert_eq!(told.next().as_deref(), Some("ready"));
    hpipe.signal(Signal::INT);
    let (status, events) = hpipe.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
    assert_eq!(told.next(), None, "everything the trial started has ended");
    let stopped = study(&events);
    assert_eq!(stopped["stopped"], "interrupted");
    assert_eq!(
        (&stopped["ran"], &stopped["best"]["trial"]),
        (&1.into(), &0.into())
    );
    assert!(left(&project).is_empty());

    let told = listen_again(&project);
    let next = start(&project);
    assert_eq!(told.next().as_deref(), Some("ready"));
    release(&project.path("hold"));
    let (status, events) = next.finish();
    assert_eq!(status.code(), Some(0), "{events:#?}");
    let found = study(&events);
    assert_eq!((&found["ran"], &found["restored"]), (&2.into(), &1.into()));
    assert_eq!(found["best"]["params"]["lr"], 3);
    assert_eq!(executions(&project), "1 2 2 3");
}

#[test]
fn after_kill_the_next_command_resumes_and_sweeps() {
    let (project, told) = project();
    let killed = start(&project);
    assert_eq!(told.next().as_deref(), Some("ready"));
    killed.kill();
    assert!(!left(&project).is_empty(), "a copy is left behind");

    // The orphan lives on, so its work is waited for; but nobody saw it end, so it is done again.
    let told_again = listen_again(&project);
    let next = start(&project);
    release(&project.path("hold"));
    assert_eq!(told.next(), None, "the orphan ends");
    assert_eq!(told_again.next().as_deref(), Some("ready"));
    release(&project.path("hold"));
    let (status, events) = next.finish();
    assert_eq!(status.code(), Some(0), "{events:#?}");
    let found = study(&events);
    assert_eq!((&found["ran"], &found["restored"]), (&2.into(), &1.into()));
    assert_eq!(executions(&project), "1 2 2 3");
    assert!(left(&project).is_empty());
    assert_eq!(project.read("params.yaml"), PARAMS);
}

/// A pipeline of a shared stage and one that is searched.
const SMALL: &str = "
stages:
  clean: {cmd: sort raw > clean, deps: [raw], outs: [clean]}
  train:
    cmd: |
      cat clean params.yaml > model
      echo '{\"loss\": ${lr}}' > m.json
    deps: [clean]
    params: [lr]
    outs: [model]
    metrics: [m.json]
";

fn small() -> Project {
    Project::with(&[
        ("pipeline.yaml", SMALL),
        ("params.yaml", PARAMS),
        ("raw", "b\na\n"),
    ])
}

/// What is the same however a search came to its end: its trials without their times.
fn trials(output: &Output) -> String {
    let mut study: Value = serde_json::from_slice(&output.stdout).expect("a study");
    let trials = study["trials"].as_array_mut().expect("trials");
    for trial in trials.iter_mut() {
        trial["seconds"] = Value::Null;
        trial["executed"] = Value::Null;
    }
    format!("{}{}", study["best"], study["trials"])
}

/// Ends a search at every step that changes the disk: the next one finds the same and leaves nothing behind.
#[cfg(debug_assertions)]
#[test]
fn killed_at_every_step() {
    let whole = small();
    let count = whole.beside("steps");
    let output = tune(&whole)
        .env("HPIPE_FAIL_COUNT_FILE", &count)
        .output()
        .expect("hpipe");
    let expect = trials(&output);
    let counted = std::fs::read_to_string(&count).expect("the counter");
    let steps: u64 = counted.trim().parse().expect("a number");
    assert!(steps > 60, "only {steps} steps were counted");
    let next = std::sync::atomic::AtomicU64::new(1);
    let try_steps = || {
        let steps =
            std::iter::repeat_with(|| next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                .take_while(|step| *step <= steps);
        for step in steps {
            let project = small();
            let killed = tune(&project)
                .env("HPIPE_FAIL_AT", step.to_string())
                .output()
                .expect("hpipe");
            let again = tune(&project).output().expect("hpipe");
            assert_eq!(
                again.status.code(),
                Some(0),
                "step {step}: {again:?} after {killed:?}"
            );
            assert_eq!(trials(&again), expect, "step {step}");
            assert!(
                left(&project).is_empty(),
                "step {step}: {:?}",
                left(&project)
            );
            assert_eq!(
                project.files(),
                small().files(),
                "step {step}: the project is touched"
            );
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(try_steps);
        }
    });
}

/// A search of two trials on a machine with these GPUs. A trial takes one of them, tells which, and does what `then` says.
fn on_gpus(gpus: &str, then: &str) -> (Project, Command) {
    let project = Project::with(&[("params.yaml", PARAMS)]);
    let root = project.root().display();
    project.write(
        "pipeline.yaml",
        &format!(
            "
stages:
  train:
    cmd: |
      root={root}
      exec 3>> $root/told
      echo $CUDA_VISIBLE_DEVICES >&3
      {then}
      echo '{{\"loss\": ${{lr}}}}' > m.json
    params: [lr]
    metrics: [m.json: {{cache: false}}]
    resources: {{gpus: 1}}
"
        ),
    );
    let mut command = project.hpipe(["tune", "--json", "-m", "m.json:loss", "-p", "lr=int(1, 2)"]);
    command
        .args(["-j", "4", "--sampler", "grid"])
        .env("CUDA_VISIBLE_DEVICES", gpus);
    (project, command)
}

#[test]
fn no_two_trials_at_once_have_the_same_gpu() {
    let (project, mut command) = on_gpus("4,7", "read -r line < $root/hold$CUDA_VISIBLE_DEVICES");
    let holds = ["hold4", "hold7"].map(|name| project.path(name));
    holds.iter().for_each(|hold| make_fifo(hold));
    let told = FifoLines::listen(&project.path("told"));
    let hpipe = Live::start(&mut command);
    let mut gpus = [told.next(), told.next()];
    gpus.sort();
    assert_eq!(gpus, [Some("4".to_owned()), Some("7".to_owned())]);
    holds.iter().for_each(|hold| release(hold));
    let (status, events) = hpipe.finish();
    assert_eq!(status.code(), Some(0), "{events:#?}");
    assert_eq!(study(&events)["ran"], 2);
}

#[test]
fn trials_for_which_there_is_no_room_wait() {
    // Another trial at work would have made the folder.
    let (project, mut command) = on_gpus(
        "4",
        "mkdir $root/alone; echo x > $root/alone/x; rm -r $root/alone",
    );
    let output = command.output().expect("hpipe starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let note = "note: one trial at a time, not 2: stage `train` asks for that much of the machine";
    assert!(told.contains(note), "{told}");
    assert_eq!(project.read("told"), "4\n4\n");
}
