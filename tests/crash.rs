//! Ends hpipe at every single step that changes the disk, and lets the disk run full there: the next command must work,
//! agree with a clean build byte for byte, and have lost nothing.
//!
//! The steps are counted and failed by `src/store/failpoint.rs`, which only debug builds have. What other processes and
//! signals do: `tests/interrupt.rs`.
#![cfg(debug_assertions)]
#![allow(clippy::disallowed_methods, reason = "accidents do not ask the store")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use support::{Project, Trace, parse_event, remove};

/// A file, a folder and an out that is not cached; `n` is a param of the second stage.
const PIPELINE: &str = "
stages:
  clean: {cmd: sort raw > clean, deps: [raw], outs: [clean]}
  parts:
    cmd: mkdir -p parts/deep; cp clean parts/a; cat params.yaml > parts/deep/b
    deps: [clean]
    params: [n]
    outs: [parts]
  sum:
    cmd: cat parts/a parts/deep/b > sum; wc -l < sum > lines
    deps: [parts]
    outs: [sum, lines: {cache: false}]
";

/// What somebody wrote over an out; it must never be lost.
const PRECIOUS: &str = "written by hand\n";

/// The command that is failed in most situations. It works on a stage at a time, so that equal steps do equal things.
const REPRO: &[&str] = &["repro", "--json", "-j", "1"];

/// Where a command begins.
struct Situation {
    name: &'static str,
    command: &'static [&'static str],
    /// Makes it out of a finished project; none for a project that never ran.
    change: Option<fn(&Project)>,
}

const SITUATIONS: [Situation; 7] = [
    Situation {
        name: "first run",
        command: REPRO,
        change: None,
    },
    Situation {
        name: "a param changed",
        command: REPRO,
        change: Some(|project| project.write("params.yaml", "n: 2\n")),
    },
    Situation {
        name: "back to a known param",
        command: REPRO,
        change: Some(|project| {
            project.write("params.yaml", "n: 2\n");
            project.repro([]).done();
            project.write("params.yaml", "n: 1\n");
        }),
    },
    Situation {
        name: "outs deleted",
        command: REPRO,
        change: Some(|project| {
            ["clean", "parts", "sum"]
                .iter()
                .for_each(|out| project.remove(out));
        }),
    },
    Situation {
        name: "outs edited",
        command: REPRO,
        change: Some(|project| {
            project.write("clean", PRECIOUS);
            project.write("parts/deep/more", PRECIOUS);
            project.write("sum", PRECIOUS);
        }),
    },
    Situation {
        name: "gc",
        command: &["gc", "-w", "-f", "--json"],
        change: Some(|project| {
            project.write("params.yaml", "n: 2\n");
            project.repro([]).done();
            // Of what the workspace needs, nothing is there but in the cache.
            ["clean", "parts", "sum"]
                .iter()
                .for_each(|out| project.remove(out));
        }),
    },
    Situation {
        name: "repair",
        command: &["cache", "verify", "--repair", "--json"],
        change: Some(|project| {
            for object in files_below(&project.path(".cache/objects-v1")) {
                remove(&object);
                fs::write(&object, "damage").expect("write");
            }
            for record in files_below(&project.path(".cache/runs-v1")) {
                fs::write(&record, "damage").expect("write");
            }
        }),
    },
];

fn sources() -> Project {
    Project::in_memory_with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "n: 1\n"),
        ("raw", "b\na\n"),
    ])
}

#[test]
fn killed_at_every_step() {
    for situation in &SITUATIONS {
        at_every_step(situation, "abort", |trace, step| {
            assert_eq!(
                trace.exit, None,
                "{}, step {step}: hpipe outlived its end: {trace:#?}",
                situation.name
            );
        });
    }
}

#[test]
fn disk_full_at_every_step() {
    for situation in &SITUATIONS {
        at_every_step(situation, "enospc", |trace, step| {
            let text = format!("{trace:?}");
            match trace.exit {
                Some(4) => {
                    let told =
                        trace.errors("code") == "E105" && text.contains("No space left on device");
                    assert!(told, "{}, step {step}: {text}", situation.name);
                }
                // What only spares time (stat cache, durations) may stay unwritten, and rubbish may stay.
                Some(0) => {}
                other => panic!("{}, step {step}: exit {other:?}: {text}", situation.name),
            }
        });
    }
}

/// Fails each step in turn in a fresh copy of the situation; `look` judges the failed command, we judge the next one.
fn at_every_step(situation: &Situation, how: &str, look: impl Fn(&Trace, u64) + Sync) {
    let start = sources();
    if let Some(change) = situation.change {
        start.repro([]).done();
        change(&start);
    }
    let clean = sources();
    clean.write("params.yaml", &start.read("params.yaml"));
    clean.repro([]).done();

    let steps = count_steps(situation, &start.copy());
    assert!(
        steps > 10,
        "{}: only {steps} steps were counted",
        situation.name
    );
    let next = AtomicU64::new(1);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(|| {
                for step in std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
                    .take_while(|k| *k <= steps)
                {
                    let project = start.copy();
                    // A panic shows itself; the others go on, so that one run tells all steps that fail.
                    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        if let Some(trace) = failing(situation, &project, step, how) {
                            look(&trace, step);
                        }
                        recovers(&project, &clean, situation, step);
                    }));
                    if judged.is_err() {
                        failures.lock().expect("nobody panics here").push(step);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics there");
    assert!(
        failures.is_empty(),
        "{}: {how} at steps {failures:?} of {steps}",
        situation.name
    );
}

/// Runs hpipe so that it fails at `step`; none when it came to its end before, for what it publishes together depends on
/// time.
fn failing(situation: &Situation, project: &Project, step: u64, how: &str) -> Option<Trace> {
    let mut command = counting(situation, project);
    command
        .env("HPIPE_FAIL_AT", step.to_string())
        .env("HPIPE_FAIL_HOW", how);
    let trace = Trace::of(&mut command);
    (counted(project) >= step).then_some(trace)
}

fn count_steps(situation: &Situation, project: &Project) -> u64 {
    Trace::of(&mut counting(situation, project)).done();
    counted(project)
}

/// The command of a situation, counting its steps.
fn counting(situation: &Situation, project: &Project) -> Command {
    let mut command = project.hpipe(situation.command.iter().copied());
    command.env("HPIPE_FAIL_COUNT_FILE", project.beside("steps"));
    command
}

fn counted(project: &Project) -> u64 {
    let text = fs::read_to_string(project.beside("steps")).expect("the counter");
    text.trim().parse().expect("a number")
}

/// The next command works, agrees with a clean build, and leaves nothing to do; nothing is lost.
fn recovers(project: &Project, clean: &Project, situation: &Situation, step: u64) {
    let place = || format!("{}, step {step}", situation.name);
    if situation.name == "gc" {
        assert_eq!(missing(project), "[]", "{}: needed, and gone", place());
    }
    let trace = project.repro([]);
    if situation.name == "gc" {
        assert_eq!(trace.executed(), "", "{}: needed, and gone", place());
    }
    assert_eq!(
        trace.exit,
        Some(0),
        "{}: the next command fails: {trace:#?}",
        place()
    );
    assert!(
        project.files() == clean.files(),
        "{}: differs from a clean build",
        place()
    );
    project.repro([]).did_nothing(place());
    if situation.name == "outs edited" {
        assert!(
            holds(&project.path(".cache/objects-v1"), PRECIOUS),
            "{}: an edited out is lost",
            place()
        );
    }
}

/// What the lock file needs and the cache does not have, as JSON.
fn missing(project: &Project) -> String {
    let verified = project.hpipe(["cache", "verify", "--json"]).output();
    let stdout = verified.expect("hpipe starts").stdout;
    parse_event(&String::from_utf8_lossy(&stdout))["missing"].to_string()
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("list");
    let paths = entries.map(|entry| entry.expect("list").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        })
        .collect()
}

/// Whether a file below `folder` holds exactly `text`.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder)
        .expect("list")
        .map(|entry| entry.expect("list").path())
        .any(|path| {
            if path.is_dir() {
                holds(&path, text)
            } else {
                fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes())
            }
        })
}
