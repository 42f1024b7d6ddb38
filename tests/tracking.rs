//! Executions become runs: whatever ends hpipe in between, each is recorded once, with what it came to.
//!
//! The steps at which hpipe is ended are those of `tests/crash.rs`, which only debug builds have.
#![allow(clippy::disallowed_methods, reason = "accidents do not ask the store")]

mod support;

use std::fs::{self, File};
use std::process::{Child, Stdio};

use serde_json::Value;
use support::serving::Serving;
use support::{Project, Watch, make_fifo, text};

/// A tracked stage between others; what it printed, its metrics and its model are kept with its run.
const PIPELINE: &str = "
stages:
  clean: {cmd: sort raw > clean, deps: [raw], outs: [clean]}
  fit:
    track: true
    cmd: |
      echo fitting
      echo model of $(cat clean) > model.pkl
      echo '{\"rmse\": 0.5}' > metrics.json
    deps: [clean]
    params: [n]
    outs: [model.pkl]
    metrics: [metrics.json: {cache: false}]
  report: {cmd: cat metrics.json > report, deps: [metrics.json], outs: [report]}
";

fn project() -> Project {
    Project::in_memory_with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "n: 1\n"),
        ("raw", "b\na\n"),
    ])
}

/// What `hpipe runs` says.
fn asked(project: &Project, words: &[&str]) -> Value {
    let output = project.hpipe(["runs"]).args(words).arg("--json").output();
    let output = output.expect("hpipe starts");
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    support::parse_event(stdout.trim_end())
}

fn runs(project: &Project) -> Vec<Value> {
    let listed = asked(project, &["list", "-n", "1000"]);
    listed["runs"].as_array().expect("a list").clone()
}

fn statuses(project: &Project) -> Vec<String> {
    let runs = runs(project);
    let mut statuses: Vec<_> = runs
        .iter()
        .map(|run| text(&run["status"]).to_owned())
        .collect();
    statuses.sort();
    statuses
}

/// Fails unless the last run of `fit` holds everything.
#[track_caller]
fn is_whole(project: &Project, place: &str) {
    let run = asked(project, &["show", "fit"]);
    assert_eq!(run["status"], "FINISHED", "{place}: {run}");
    assert_eq!(run["metrics"]["rmse"], 0.5, "{place}: {run}");
    assert_eq!(run["params"]["n"], "1", "{place}: {run}");
    assert_eq!(run["data"][0]["name"], "clean", "{place}: {run}");
    let artifacts = run["artifacts"].as_array().expect("a list");
    let paths: Vec<_> = artifacts.iter().map(|file| text(&file["path"])).collect();
    assert_eq!(
        paths,
        ["metrics.json", "model.pkl", "output.log"],
        "{place}"
    );
}

#[test]
fn an_execution_is_a_run_and_nothing_else_is() {
    let project = project();
    assert_eq!(project.repro([]).done().executed(), "clean fit report");
    is_whole(&project, "at once");
    project.repro([]).did_nothing("up to date");
    project.remove("model.pkl");
    assert_eq!(project.repro([]).done().ended("restored"), "fit");
    assert_eq!(runs(&project).len(), 1);
    project.write("params.yaml", "n: 2\n");
    assert_eq!(project.repro([]).done().executed(), "fit");
    project.write("params.yaml", "n: 1\n");
    assert_eq!(project.repro([]).done().ended("restored"), "fit");
    assert_eq!(runs(&project).len(), 2, "what is restored has its run");
    assert_eq!(project.repro(["-s", "-f", "fit"]).done().executed(), "fit");
    assert_eq!(runs(&project).len(), 3);
}

#[test]
fn a_project_that_tracks_nothing_has_no_records() {
    let project = project();
    project.edit("pipeline.yaml", "track: true", "track: false");
    project.repro([]).done();
    assert!(!project.path("models").exists());
    let listed = project
        .hpipe(["runs", "list"])
        .output()
        .expect("hpipe starts");
    assert!(listed.status.success());
    project.edit("pipeline.yaml", "track: false", "track: true");
    project.repro([]).did_nothing("tracking is no input");
    let run = asked(&project, &["show", "fit"]);
    assert_eq!(run["tags"]["hpipe.recorded"], "later");
    is_whole(&project, "tracked from now on");
    project.repro([]).did_nothing("recorded once");
    assert_eq!(runs(&project).len(), 1);
}

/// The digits of the run after `made by run`, in what a command prints of `fit`.
fn made_by(project: &Project, words: &[&str]) -> String {
    let output = project.hpipe(words.iter().copied()).output();
    let stdout = String::from_utf8_lossy(&output.expect("hpipe starts").stdout).into_owned();
    let line = stdout
        .lines()
        .find_map(|line| line.split_once("made by run "));
    line.map_or_else(String::new, |(_, run)| run.to_owned())
}

#[test]
fn a_restored_stage_names_the_run_that_made_it() {
    let project = project();
    project.repro([]).done();
    let first = text(&asked(&project, &["show", "fit"])["run"]).to_owned();
    project.write("params.yaml", "n: 2\n");
    project.repro([]).done();
    let second = text(&asked(&project, &["show", "fit"])["run"]).to_owned();
    assert_eq!(made_by(&project, &["why", "fit"]), second);
    project.write("params.yaml", "n: 1\n");
    assert_eq!(made_by(&project, &["why", "fit"]), "", "it is stale");
    assert_eq!(project.repro([]).done().ended("restored"), "fit");
    assert_eq!(made_by(&project, &["why", "fit"]), first);
    assert_eq!(made_by(&project, &["status", "-v"]), first);
    let status = project.hpipe(["status", "--json"]).output();
    let status = String::from_utf8(status.expect("hpipe starts").stdout).expect("a text");
    let status = support::parse_event(status.trim_end());
    assert_eq!(status["stages"]["fit"]["run"], first.as_str());
    assert_eq!(status["stages"]["clean"]["run"], Value::Null);
    let shown = project.hpipe(["runs", "show", &second]).output();
    let shown = String::from_utf8(shown.expect("hpipe starts").stdout).expect("a text");
    let expect = format!("`fit` holds what run {first} made");
    assert!(shown.contains(&expect), "{shown}");
}

/// A run that failed with the same stage key says nothing about a result that came from elsewhere.
#[test]
fn what_failed_here_and_was_made_elsewhere_is_recorded() {
    let shared = tempfile::tempdir().expect("a folder");
    let elsewhere = project();
    let here = project();
    let settings = format!("[cache]\nfolder = '{}'\n", shared.path().display());
    for project in [&elsewhere, &here] {
        project.write("hpipe.toml", &settings);
        let fails = "test ! -e fails";
        project.edit("pipeline.yaml", "echo fitting", fails);
    }
    here.write("fails", "");
    assert_eq!(here.repro([]).exit, Some(1));
    assert_eq!(statuses(&here), ["FAILED"]);
    elsewhere.repro([]).done();
    assert_eq!(here.repro([]).done().ended("restored"), "fit report");
    assert_eq!(statuses(&here), ["FAILED", "FINISHED"]);
    here.repro([]).did_nothing("recorded once");
    assert_eq!(runs(&here).len(), 2);
    asked(&here, &["delete", "fit"]);
    here.repro([]).did_nothing("what was deleted stays so");
    assert_eq!(statuses(&here), ["FAILED"]);
}

#[test]
fn a_file_too_large_to_keep_is_named_and_a_file_that_changed_is_not_kept() {
    let project = project();
    project.edit(
        "pipeline.yaml",
        "echo fitting",
        "truncate -s 1025M whole.onnx",
    );
    project.edit(
        "pipeline.yaml",
        "outs: [model.pkl]",
        "outs: [model.pkl, whole.onnx: {cache: false}]",
    );
    project.repro([]).done();
    let run = asked(&project, &["show", "fit"]);
    assert_eq!(run["tags"]["hpipe.not_kept"], "whole.onnx");
    let objects = project.path("models/artifacts/objects-v1");
    let kept = fs::read_dir(objects).expect("objects").count();
    assert!(kept <= 3, "metrics, model and log: {kept}");
}

/// Whoever makes the records first keeps them out of git.
#[test]
fn records_stay_out_of_git_whoever_makes_them() {
    for words in [
        &["models", "register", "raw", "--name", "raw"][..],
        &["server", "--port", "0"],
    ] {
        let project = project();
        let made = std::process::Command::new("git")
            .args(["init", "-q"])
            .current_dir(project.root())
            .status();
        assert!(made.expect("git starts").success());
        match words[0] {
            "server" => drop(Serving::start(project.root())),
            _ => assert!(
                project
                    .hpipe(words.iter().copied())
                    .status()
                    .expect("hpipe starts")
                    .success()
            ),
        }
        let ignored = project.read("models/.gitignore");
        assert!(ignored.contains("/track.db\n"), "{words:?}: {ignored}");
        assert!(ignored.contains("/artifacts\n"), "{words:?}: {ignored}");
    }
}

#[test]
fn a_failed_execution_is_a_failed_run() {
    let project = project();
    project.edit("pipeline.yaml", "echo fitting", "echo no luck; exit 3");
    assert_eq!(project.repro([]).exit, Some(1));
    let run = asked(&project, &["show", "fit"]);
    assert_eq!(run["status"], "FAILED");
    assert_eq!(run["tags"]["hpipe.failure"], "exited with code 3");
    assert_eq!(run["artifacts"][0]["path"], "output.log");
    project.repro([]);
    assert_eq!(statuses(&project), ["FAILED", "FAILED"]);
}

#[test]
fn records_that_cannot_be_written_fail_no_stage_and_are_completed() {
    let project = project();
    project.write("models/track.db", "nonsense");
    let trace = project.repro([]);
    assert_eq!(trace.done().executed(), "clean fit report");
    let warnings: Vec<_> = trace.events("warning").collect();
    assert_eq!(warnings.len(), 0, "{trace:#?}");
    assert!(
        trace.stderr.contains("failed to open the records"),
        "{trace:#?}"
    );
    project.remove("models");
    project.repro([]).did_nothing("nothing is stale");
    is_whole(&project, "the database was mended");
}

#[test]
fn a_tracked_command_knows_its_run() {
    let project = project();
    let told = "echo $MLFLOW_RUN_ID; echo $MLFLOW_TRACKING_URI | cut -d: -f1-2";
    project.edit("pipeline.yaml", "echo fitting", told);
    project.edit(
        "pipeline.yaml",
        "cat metrics.json > report",
        "env | grep -c MLFLOW > report || true",
    );
    assert_eq!(project.repro([]).done().executed(), "clean fit report");
    let run = asked(&project, &["show", "fit"]);
    let copied = project
        .hpipe(["runs", "export", "fit", "--artifacts", "kept"])
        .output();
    assert!(copied.expect("hpipe starts").status.success());
    let id = text(&run["run"]);
    let log = project.read(&format!("kept/{id}/output.log"));
    assert_eq!(log, format!("{id}\nhttp://127.0.0.1\n"));
    assert_eq!(
        project.read("report"),
        "0\n",
        "a stage that is not tracked is told nothing"
    );
    project.repro([]).did_nothing("what is told is no input");
}

#[test]
fn the_records_are_content_of_no_out() {
    let pipeline = "
stages:
  fit: {track: true, cmd: mkdir -p models && cat params.yaml > models/model.pkl, params: [n], outs: [models]}
  score: {cmd: ls models > score, deps: [models], outs: [score]}
";
    let files = [("pipeline.yaml", pipeline), ("params.yaml", "n: 1\n")];
    let project = Project::in_memory_with(&files);
    assert_eq!(project.repro([]).done().executed(), "fit score");
    project.repro([]).did_nothing("the database is no content");
    project.write("params.yaml", "n: 2\n");
    assert_eq!(project.repro([]).done().executed(), "fit score");
    project.repro([]).did_nothing("nor a change");
    assert_eq!(statuses(&project), ["FINISHED", "FINISHED"]);
    project.write("params.yaml", "n: 1\n");
    assert_eq!(project.repro([]).done().ended("restored"), "fit score");
    assert_eq!(runs(&project).len(), 2);
}

/// Repro with one job, ended at the step `step`; whether it came so far.
#[cfg(debug_assertions)]
fn ended_at(project: &Project, step: u64) -> bool {
    let mut command = project.hpipe(["repro", "--json", "-j", "1"]);
    command.env("HPIPE_FAIL_AT", step.to_string());
    !command.output().expect("hpipe starts").status.success()
}

#[test]
#[cfg(debug_assertions)]
fn killed_at_any_step_each_execution_is_recorded_once() {
    let finished = (1..).find(|step| {
        let project = project();
        let came_so_far = ended_at(&project, *step);
        let place = format!("step {step}");
        project.repro(["-j", "1"]).done();
        is_whole(&project, &place);
        let (runs, statuses) = (runs(&project), statuses(&project));
        let attempts: std::collections::BTreeSet<_> = runs
            .iter()
            .map(|run| text(&run["tags"]["hpipe.attempt"]))
            .collect();
        assert_eq!(attempts.len(), runs.len(), "{place}: {runs:#?}");
        assert!(
            !statuses.contains(&"RUNNING".to_owned()),
            "{place}: {runs:#?}"
        );
        let finished = statuses
            .iter()
            .filter(|status| *status == "FINISHED")
            .count();
        let executed = finished_executions(&project);
        assert_eq!(finished, executed, "{place}: {runs:#?}");
        !came_so_far
    });
    assert!(finished.is_some_and(|steps| steps > 20), "{finished:?}");
}

/// How many executions of `fit` came to a good end, as the logs say.
#[cfg(debug_assertions)]
fn finished_executions(project: &Project) -> usize {
    let logs = project.hpipe(["logs", "fit", "--all", "--json"]).output();
    let logs = logs.expect("hpipe starts");
    let text = String::from_utf8_lossy(&logs.stdout).into_owned();
    text.matches("\"outcome\":\"ran\"").count()
}

#[test]
fn deleted_runs_go_for_good_and_do_not_come_back() {
    let project = project();
    project.repro([]).done();
    let objects = project.path("models/artifacts/objects-v1");
    asked(&project, &["delete", "fit"]);
    assert!(runs(&project).is_empty());
    let deleted = asked(&project, &["list", "--deleted"]);
    let id = text(&deleted["runs"][0]["run"]).to_owned();
    asked(&project, &["restore", &id[..6]]);
    assert_eq!(runs(&project).len(), 1);
    asked(&project, &["delete", &id]);
    let later = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    for fan in fs::read_dir(&objects).expect("objects") {
        for file in fs::read_dir(fan.expect("a folder").path()).expect("objects") {
            let file = fs::File::open(file.expect("an object").path()).expect("it opens");
            file.set_modified(later).expect("it is ours");
        }
    }
    let would = asked(&project, &["gc", "--dry"]);
    assert_eq!(
        (&would["artifacts"], &would["runs"][0]),
        (&Value::from(3), &Value::from(id.as_str()))
    );
    let young = asked(&project, &["gc", "--older-than", "1d"]);
    assert_eq!(young["runs"], Value::Array(Vec::new()));
    assert_eq!(asked(&project, &["gc"])["artifacts"], 3);
    project.remove("model.pkl");
    assert_eq!(project.repro([]).done().ended("restored"), "fit");
    assert!(runs(&project).is_empty(), "its execution was recorded once");
}

/// What the records will never take is told once, and keeps nothing else from being recorded.
#[test]
fn a_run_deleted_while_it_executes_blocks_no_other() {
    let project = Project::with(&[]);
    let hpipe = env!("CARGO_BIN_EXE_hpipe");
    let outside = project.root().join("outside.json");
    let outside = outside.display();
    project.write(
        "pipeline.yaml",
        &format!(
            "stages:\n  \
            gone: {{cmd: '{hpipe} runs delete $MLFLOW_RUN_ID > gone', outs: [gone], track: true}}\n  \
            kept: {{cmd: 'echo ''{{\"loss\": 2}}'' > {outside}; echo x > kept', deps: [gone], outs: [kept], track: true,\n    \
            metrics: [{outside}: {{cache: false}}]}}\n"
        ),
    );
    let told = |words: &[&str]| {
        let output = project.hpipe(words.iter().copied()).output();
        let output = output.expect("hpipe starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    told(&["repro"]);
    assert_eq!(asked(&project, &["show", "kept"])["metrics"]["loss"], 2.0);
    let not_recorded = "an execution of stage `gone` is not recorded";
    let again = [told(&["repro"]), told(&["repro"]), told(&["repro"])].concat();
    assert!(again.matches(not_recorded).count() <= 1, "{again}");
    assert!(!again.contains("tries again"), "{again}");
}

#[test]
fn watch_records_what_it_executes() {
    let project = project();
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(first.executed(), ["clean", "fit", "report"]);
    is_whole(&project, "the first round");
    project.replace("params.yaml", "n: 2\n");
    assert_eq!(watch.round().executed(), ["fit"]);
    project.replace("params.yaml", "n: 1\n");
    assert_eq!(watch.round().executed(), Vec::<&str>::new());
    assert_eq!(statuses(&project), ["FINISHED", "FINISHED"]);
    watch.interrupt();
    project.repro([]).did_nothing("up to date");
    assert_eq!(runs(&project).len(), 2);
}

/// A search whose first trial has begun to execute `fit`, and goes on once the file returned is closed.
fn searching(project: &Project) -> (Child, File) {
    let hold = project.beside("hold");
    make_fifo(&hold);
    let pipeline = PIPELINE.replace(
        "echo fitting",
        &format!(
            "if mkdir '{0}.met' 2>/dev/null; then cat '{0}'; fi",
            hold.display()
        ),
    );
    project.write("pipeline.yaml", &pipeline);
    let words = "tune -m metrics.json:rmse -p n=int(5,6) --sampler grid -j 1";
    let mut command = project.hpipe(words.split(' '));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("hpipe starts");
    // Opened as soon as the command reads from it.
    let hold = File::options().write(true).open(hold);
    (child, hold.expect("a fifo"))
}

/// The statuses of runs, also of those within others, sorted.
fn all_statuses(project: &Project) -> Vec<String> {
    let listed = asked(project, &["list", "-n", "1000", "--children"]);
    let runs = listed["runs"].as_array().expect("a list");
    let mut told: Vec<_> = runs
        .iter()
        .map(|run| format!("{} {}", text(&run["name"]), text(&run["status"])))
        .collect();
    told.sort();
    told
}

/// Executions in trials happen elsewhere: another hpipe must neither take them for left behind nor, once they are, for alive.
#[test]
fn trials_are_under_way_as_long_as_their_search_is() {
    let project = project();
    let (mut search, hold) = searching(&project);
    project.repro(["clean"]).done();
    assert_eq!(all_statuses(&project), ["fit RUNNING", "tune RUNNING"]);
    search.kill().expect("it lives");
    search.wait().expect("it has ended");
    drop(hold);
    project.repro(["clean"]).done();
    assert_eq!(all_statuses(&project), ["fit KILLED", "tune KILLED"]);
}

#[test]
fn a_search_that_another_hpipe_watched_is_recorded_whole() {
    let project = project();
    let (mut search, hold) = searching(&project);
    project.repro(["clean"]).done();
    drop(hold);
    assert!(search.wait().expect("it has ended").success());
    assert_eq!(
        all_statuses(&project),
        [
            "fit FINISHED",
            "fit FINISHED",
            "trial 0 FINISHED",
            "trial 1 FINISHED",
            "tune FINISHED"
        ]
    );
}
