//! A DVC project runs unchanged: the same sequence of edits by `dvc repro` and by `hpipe repro`, compared step by step.
//!
//! The project is `tests/dvc_project`: foreach, matrix, vars, dictionary unpacking, params in YAML, JSON, TOML and Python,
//! folders, metrics, plots, `cache: false`, `persist`, `always_changed`, `wdir`, a file of `dvc add`, a pipeline file in a
//! sub-folder. After each step the same scripts must have been executed with the same arguments and every file must have
//! the same bytes, but for the differences of `docs/dvc.md` that a step names. `dvc.yaml` and `dvc.lock` stay as they are.
//!
//! DVC is installed in a virtual environment of its own, made once below the target folder. Without Python or a network the
//! test says loudly that it did not run; where `CI=true` is set it must run.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test with another program: it asks whether it runs in CI, and says what it leaves out"
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Project, clean_environment, copy_folder, peers};

const PACKAGE: &str = "dvc==3.67.1";
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dvc_project");

/// A change of the project, and what is run afterwards.
struct Step {
    what: &'static str,
    edit: fn(&Project),
    /// Where, and the arguments of `repro`.
    folder: &'static str,
    arguments: &'static [&'static str],
    /// Executions that only hpipe does, on purpose: words that their lines begin with.
    only_hpipe: &'static [&'static str],
}

const fn step(what: &'static str, edit: fn(&Project)) -> Step {
    Step {
        what,
        edit,
        folder: ".",
        arguments: &["-P"],
        only_hpipe: &[],
    }
}

fn steps() -> Vec<Step> {
    let mut steps = edits_of_data_and_params();
    steps.extend(edits_of_the_definition());
    steps.extend(targets());
    steps
}

fn edits_of_data_and_params() -> Vec<Step> {
    vec![
        step("the first run", |_| {}),
        step("nothing changed", |_| {}),
        step("a param in params.yaml", |project| {
            project.edit("params.yaml", "scale: 2", "scale: 3");
        }),
        step("a comment in the data, which changes no out", |project| {
            project.edit("raw/a.csv", "# a table", "# the table");
        }),
        step("an ignored file in a folder", |project| {
            project.write("raw/scratch.tmp", "changed");
        }),
        step("a param in a JSON file", |project| {
            project.edit("options.json", "\"bias\": 2", "\"bias\": 5");
        }),
        step("a param in a TOML file", |project| {
            project.edit("evaluate.toml", "digits = 3", "digits = 2");
        }),
        step("another key of the TOML file", |project| {
            project.edit("evaluate.toml", "x = 1", "x = 2");
        }),
        step("a param in a Python file", |project| {
            project.edit("settings.py", "depth = 4", "depth = 5");
        }),
        step("another name of the Python file", |project| {
            project.edit("settings.py", "width = 2", "width = 3");
        }),
        step("a whole params file", |project| {
            project.edit("thresholds.yaml", "fine: 5", "fine: 6");
        }),
        step("a param that only a command mentions", |project| {
            project.edit("params.yaml", "rate: 0.5", "rate: 0.25");
        }),
        step("a file more in a folder", |project| {
            project.write("raw/c.csv", "11,12\n13,14\n");
        }),
        step("outs deleted, which the cache has", |project| {
            for out in ["prepared", "models/mean-1.json", "scores/curve.csv"] {
                project.remove(out);
            }
        }),
        step("changed back", |project| {
            project.edit("options.json", "\"bias\": 5", "\"bias\": 2");
        }),
        step("the data of `dvc add`", |project| {
            project.edit("data/prices.csv", "plum,1", "plum,2");
        }),
    ]
}

fn edits_of_the_definition() -> Vec<Step> {
    vec![
        step("code", |project| {
            let text = project.read("code/fold.py");
            project.write("code/fold.py", &format!("{text}\n"));
        }),
        step("a command", |project| {
            project.edit("dvc.yaml", "--rows ${item.rows}", "--rows 2");
        }),
        step("a model less", |project| {
            project.edit("config.yaml", "[mean, last]", "[last]");
        }),
        step("a comment and a description", |project| {
            project.edit(
                "dvc.yaml",
                "one table a file",
                "one table for each file # so",
            );
        }),
        step("a variable in a path", |project| {
            project.edit("dvc.yaml", "release: v1", "release: v2");
        }),
        Step {
            // Difference no. 1: DVC does not notice.
            only_hpipe: &["lookup.py"],
            ..step("a dep removed", |project| {
                project.edit(
                    "dvc.yaml",
                    "[../code/lookup.py, \"${table}.txt\", ../models]",
                    "[\"${table}.txt\", ../models]",
                );
            })
        },
        step("a stage frozen, then its dep changed", |project| {
            project.edit("dvc.yaml", "  journal:\n", "  journal:\n    frozen: true\n");
            project.edit("evaluate.toml", "digits = 2", "digits = 1");
        }),
    ]
}

fn targets() -> Vec<Step> {
    let change = |project: &Project| project.edit("params.yaml", "scale: 3", "scale: 4");
    vec![
        Step {
            arguments: &["prepare", "fold"],
            ..step("a group", change)
        },
        Step {
            arguments: &["-s", "train@last-1"],
            ..step("a single item", |_| {})
        },
        Step {
            arguments: &["dvc.yaml:evaluate"],
            ..step("a stage of a file", |_| {})
        },
        Step {
            arguments: &["--glob", "named@l*"],
            ..step("a pattern", |_| {})
        },
        Step {
            folder: "reports",
            arguments: &[],
            ..step("a sub-folder's file, with what it needs", |project| {
                project.edit("reports/params.yaml", "Weekly", "Daily");
            })
        },
        Step {
            arguments: &["-R", "reports"],
            ..step("a folder", |project| {
                project.edit("reports/params.yaml", "Daily", "Hourly");
            })
        },
        Step {
            arguments: &["--downstream", "fold@1"],
            ..step("what needs a stage", |project| {
                let text = project.read("code/fold.py");
                project.write("code/fold.py", &format!("{text}\n"));
            })
        },
        Step {
            arguments: &["-p", "reports/dvc.yaml:cover"],
            ..step("whole pipelines", |_| {})
        },
        step("everything, at the end", |_| {}),
        step("and nothing again", |_| {}),
    ]
}

/// One of the two at work in a project of its own.
struct Side {
    project: Project,
    program: PathBuf,
    spent: Duration,
}

impl Side {
    /// Runs `repro` after an edit and says what was executed, sorted.
    fn take(&mut self, step: &Step) -> Vec<String> {
        (step.edit)(&self.project);
        let log = self.project.beside("executed");
        std::fs::write(&log, "").expect("a log");
        let mut command = Command::new(&self.program);
        clean_environment(&mut command);
        command
            .arg("repro")
            .args(step.arguments)
            .current_dir(self.project.path(step.folder))
            .env("EXECUTED", &log)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("DVC_NO_ANALYTICS", "1");
        let began = Instant::now();
        let done = peers::run(&mut command);
        self.spent += began.elapsed();
        done.unwrap_or_else(|said| panic!("{}: {said}", step.what));
        let text = std::fs::read_to_string(&log).expect("a log");
        let mut executed: Vec<_> = text.lines().map(str::to_owned).collect();
        executed.sort();
        executed
    }

    /// Every file but what the two keep for themselves.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = self.project.files();
        files.retain(|path, _| {
            let own = [".dvc/", "dvc.lock", "pipeline.lock", "prices.csv.dvc"];
            !own.iter().any(|own| path.contains(own))
        });
        let texts = files.into_iter();
        texts
            .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
            .collect()
    }
}

fn compare(dvc: &mut Side, hpipe: &mut Side, step: &Step) {
    let theirs = dvc.take(step);
    let mut ours = hpipe.take(step);
    let is_difference = |line: &String| step.only_hpipe.iter().any(|word| line.starts_with(word));
    let differing = ours.iter().filter(|line| is_difference(line)).count();
    assert_eq!(
        differing,
        step.only_hpipe.len(),
        "{}: the difference is not there: {ours:?}",
        step.what
    );
    ours.retain(|line| !is_difference(line));
    assert_eq!(ours, theirs, "{}: what was executed", step.what);
    assert_eq!(hpipe.files(), dvc.files(), "{}: files", step.what);
}

#[test]
fn a_dvc_project_runs_unchanged() {
    let Some(programs) = peers::ready("dvc", &[&[PACKAGE]]) else {
        return;
    };
    let program = programs.join("dvc");
    let template = Project::new();
    copy_folder(Path::new(PROJECT), template.root());
    let mut init = Command::new(&program);
    init.args(["init", "--no-scm", "-q"])
        .current_dir(template.root());
    peers::run(&mut init).expect("dvc init");
    let mut hpipe = Side {
        project: template.copy(),
        program: env!("CARGO_BIN_EXE_hpipe").into(),
        spent: Duration::ZERO,
    };
    let mut dvc = Side {
        project: template,
        program,
        spent: Duration::ZERO,
    };
    let steps = steps();
    for step in &steps {
        compare(&mut dvc, &mut hpipe, step);
    }
    let left_alone = ["dvc.lock", "reports/dvc.lock"];
    assert!(
        left_alone
            .iter()
            .all(|lock| !hpipe.project.path(lock).exists())
    );
    eprintln!(
        "{} steps: dvc {:.1} s, hpipe {:.1} s",
        steps.len(),
        dvc.spent.as_secs_f64(),
        hpipe.spent.as_secs_f64()
    );
}
