//! `hpipe watch`: the options of `repro` hold in every round, and what changes which files and settings the project has
//! wakes it.

mod support;

use serde_json::json;

use support::{Project, Watch};

const PIPELINE: &str = "
stages:
  fail: {cmd: 'cat params.yaml; false', params: [lr], outs: [never]}
  after: {cmd: cp never more, deps: [never], outs: [more]}
  other: {cmd: cp params.yaml copy, params: [lr], outs: [copy]}
  last: {cmd: cp copy last, deps: [copy], outs: [last]}
";

fn project() -> Project {
    Project::with(&[("pipeline.yaml", PIPELINE), ("params.yaml", "lr: 1\n")])
}

#[test]
fn options_of_repro_hold_in_every_round() {
    let project = project();
    let words = [
        "repro",
        "--watch",
        "--json",
        "-j1",
        "--ignore-errors",
        "--stop-after",
        "other",
    ];
    let (mut watch, first) = Watch::start_with(&project, words);
    assert_eq!(first.executed(), ["fail", "other"]);
    let planned = |events: &[serde_json::Value]| events[0]["stages"].clone();
    assert_eq!(planned(&first.events), json!(["fail", "after", "other"]));
    project.replace("params.yaml", "lr: 2\n");
    let round = watch.round();
    assert_eq!(round.executed(), ["fail", "other"]);
    assert_eq!(planned(&round.events), json!(["fail", "after", "other"]));
    watch.interrupt();
}

#[test]
fn what_is_forced_downstream_is_so_in_every_round() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "
stages:
  same: {cmd: 'cat x > /dev/null; echo 1 > one', deps: [x], outs: [one]}
  next: {cmd: cp one two, deps: [one], outs: [two]}
",
        ),
        ("x", "1"),
    ]);
    let words = ["repro", "--watch", "--json", "--force-downstream"];
    let (mut watch, _) = Watch::start_with(&project, words);
    project.replace("x", "2");
    assert_eq!(watch.round().executed(), ["next", "same"]);
    watch.interrupt();
}

#[test]
fn a_target_that_is_none_ends_it() {
    let project = project();
    for words in [
        &["watch", "nosuch"][..],
        &["repro", "--watch", "--stop-after", "nosuch"],
        &["watch", "--glob", "x*"],
    ] {
        let ended = project
            .hpipe(words.iter().copied())
            .output()
            .expect("hpipe starts");
        assert_eq!(ended.status.code(), Some(3), "{words:?}");
    }
}

#[test]
fn pipeline_files_that_come_wake() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages:\n  root: {cmd: cat sub/one > two, deps: [sub/one], outs: [two]}\n",
        ),
        ("sub/notes", ""),
        ("out/one", "1"),
    ]);
    let (mut watch, first) = Watch::start_with(&project, ["watch", "--json", "-P"]);
    assert_eq!((first.errors(), first.executed()), (vec!["E012"], vec![]));

    project.replace(
        "sub/dvc.yaml",
        "stages: {one: {cmd: echo 1 > one, outs: [one]}}\n",
    );
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["sub/dvc.yaml"]), vec!["root", "sub/dvc.yaml:one"])
    );

    // One in a folder that is new itself, however deep.
    project.write("new/deep/notes", "");
    project.write("new/deep/pipeline.yaml", "stages: {new: {cmd: echo new}}\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (
            &json!(["new/deep/pipeline.yaml"]),
            vec!["new/deep/pipeline.yaml:new"]
        )
    );
    project.remove("new/deep/pipeline.yaml");
    assert_eq!(watch.round().woken_by, json!(["new/deep/pipeline.yaml"]));
    watch.interrupt();
}

#[test]
fn settings_that_change_hold_from_the_next_round_on() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages:\n  a: {cmd: cp x y, deps: [x], outs: [y]}\n",
        ),
        ("x", "1"),
    ]);
    let (mut watch, _) = Watch::start(&project);
    project.replace("hpipe.local.toml", "cache.folder = 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.errors()),
        (&json!(["hpipe.local.toml"]), vec!["E003"])
    );
    project.replace("hpipe.local.toml", "cache.folder = 'store'\n");
    assert_eq!(watch.round().errors(), Vec::<&str>::new());
    project.replace("x", "2");
    assert_eq!(watch.round().executed(), ["a"]);
    assert!(project.path("store/objects-v1").is_dir());

    project.replace("hpipe.toml", "jobs = 1\n");
    assert_eq!(watch.round().woken_by, json!(["hpipe.toml"]));
    watch.interrupt();
}
