//! `hpipe watch` while stages execute: those a change overtakes end and begin anew, the others go on.
//!
//! Stages wait at gates, fifos that the test opens, so that what is at work is known without looking at a clock.

mod support;

use std::fs::OpenOptions;
use std::path::Path;

use serde_json::Value;

use support::{Live, Project, Watch, make_fifo, text};

const PIPELINE: &str = "
stages:
  slow: {cmd: [cp code slow, exec cat gate-slow], deps: [code], outs: [slow]}
  other: {cmd: ['echo ${lr} > other', exec cat gate-other], deps: [data], params: [depth], outs: [other]}
";

fn project() -> Project {
    let project = Project::with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "lr: 1\ndepth: 1\nunread: 1\n"),
        ("code", "1\n"),
        ("data", "1\n"),
    ]);
    make_fifo(&project.path("gate-slow"));
    make_fifo(&project.path("gate-other"));
    project
}

/// Starts to watch and waits until both stages are at work.
fn at_work(project: &Project) -> Live {
    let mut live = Live::start(&mut project.hpipe(["watch", "--json", "-j", "2"]));
    live.until("stage_started");
    live.until("stage_started");
    live
}

/// Lets a stage that waits at `gate` go on.
fn open_gate(gate: &Path) {
    let opened = OpenOptions::new().write(true).open(gate);
    drop(opened.expect("somebody waits at the gate"));
}

/// Reads on until the stage `name` starts; returns the notes before that.
fn until_started(live: &mut Live, name: &str) -> Vec<(String, String)> {
    let (before, started) = live.until("stage_started");
    assert_eq!(started["stage"], name, "{before:?}");
    notes(&before)
}

fn notes(events: &[Value]) -> Vec<(String, String)> {
    let notes = events.iter().filter(|event| event["event"] == "stage_note");
    let said = |event: &Value| (text(&event["stage"]).into(), text(&event["text"]).into());
    notes.map(said).collect()
}

fn note(stage: &str, what: &str) -> Vec<(String, String)> {
    let text = format!("what it reads has changed: {what}");
    vec![(stage.to_owned(), text)]
}

fn outcomes(events: &[Value]) -> Vec<(&str, &str)> {
    let ends = events
        .iter()
        .filter(|event| event["event"] == "stage_finished");
    ends.map(|end| (text(&end["stage"]), text(&end["outcome"])))
        .collect()
}

#[test]
fn a_changed_dep_begins_its_stage_anew_and_no_other() {
    let project = project();
    let mut live = at_work(&project);
    // A pipeline with a comment and one more stage: that overtakes nobody.
    let more = format!("# Slow.\n{PIPELINE}  more: {{cmd: echo > more, outs: [more]}}\n");
    project.replace("pipeline.yaml", &more);
    project.replace("code", "2\n");
    assert_eq!(
        until_started(&mut live, "slow"),
        note("slow", "begins anew")
    );
    project.replace("code", "3\n");
    assert_eq!(
        until_started(&mut live, "slow"),
        note("slow", "begins anew")
    );

    open_gate(&project.path("gate-slow"));
    open_gate(&project.path("gate-other"));
    let (events, _) = live.until("watching");
    assert!(outcomes(&events).contains(&("slow", "ran")), "{events:?}");
    assert!(outcomes(&events).contains(&("other", "ran")), "{events:?}");
    assert_eq!(project.read("slow"), "3\n");

    let mut watch = Watch::on(live);
    assert_eq!(watch.round().executed(), ["more"]);
    watch.interrupt();
    project.repro([]).did_nothing("after watching");
}

#[test]
fn a_dep_that_is_written_with_the_same_bytes_begins_its_stage_anew() {
    let project = project();
    let mut live = Live::start(&mut project.hpipe(["watch", "--json", "-j", "2", "slow"]));
    live.until("stage_started");
    // Who waits at the gate has read what is written now.
    let gate = OpenOptions::new()
        .write(true)
        .open(project.path("gate-slow"));
    project.replace("code", "1\n");
    assert_eq!(
        until_started(&mut live, "slow"),
        note("slow", "begins anew")
    );
    // The first gate is shut when the next one who waits has come.
    open_gate(&project.path("gate-slow"));
    drop(gate);
    let (events, _) = live.until("watching");
    assert_eq!(outcomes(&events), [("slow", "ran")]);
    Watch::on(live).interrupt();
}

#[test]
fn a_param_that_no_command_names_begins_its_readers_anew() {
    let project = project();
    let mut live = at_work(&project);
    project.replace("params.yaml", "lr: 1\ndepth: 1\nunread: 2\n");
    project.replace("params.yaml", "lr: 1\ndepth: 2\nunread: 2\n");
    assert_eq!(
        until_started(&mut live, "other"),
        note("other", "begins anew")
    );
    open_gate(&project.path("gate-slow"));
    open_gate(&project.path("gate-other"));
    let (events, _) = live.until("watching");
    assert_eq!(outcomes(&events).len(), 2, "{events:?}");
    let mut watch = Watch::on(live);
    assert!(watch.round().executed().is_empty());
    watch.interrupt();
}

#[test]
fn another_command_is_for_the_next_round_and_what_it_does_not_concern_goes_on() {
    let project = project();
    let mut live = at_work(&project);
    project.replace("params.yaml", "lr: 2\ndepth: 1\nunread: 1\n");
    let (mut before, noted) = live.until("stage_note");
    before.push(noted);
    assert_eq!(notes(&before), note("other", "ended"));

    open_gate(&project.path("gate-slow"));
    let (events, _) = live.until("finished");
    assert_eq!(outcomes(&events), [("slow", "ran")]);
    live.until("woke");
    until_started(&mut live, "other");
    open_gate(&project.path("gate-other"));
    let (events, _) = live.until("watching");
    let mut ends = outcomes(&events);
    ends.sort_unstable();
    assert_eq!(ends, [("other", "ran")]);
    assert_eq!(project.read("other"), "2\n");
    Watch::on(live).interrupt();
}

#[test]
fn who_changes_its_own_input_is_told_in_the_end() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages:\n  own: {cmd: [echo x >> code, exec cat gate], deps: [code], outs: [own]}\n",
        ),
        ("code", "1\n"),
    ]);
    make_fifo(&project.path("gate"));
    let mut live = Live::start(&mut project.hpipe(["watch", "--json"]));
    for _ in 0..11 {
        live.until("stage_started");
    }
    open_gate(&project.path("gate"));
    let (_, finished) = live.until("stage_finished");
    assert_eq!(finished["outcome"], "failed", "{finished}");
}
