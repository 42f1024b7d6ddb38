//! `hpipe watch`: what a change of params, data or pipeline wakes, and that it wakes nothing else.
//!
//! The test reads what hpipe writes and edits only while hpipe says that it watches, so nothing depends on time.

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};
use serde_json::json;

use support::{Live, Project, Round, WATCHDOG, Watch, make_fifo, text};

const PIPELINE: &str = "
stages:
  clean: {cmd: sort data/raw > clean, deps: [data], outs: [clean]}
  train: {cmd: cat params.yaml clean > model, deps: [clean], params: [lr], outs: [model]}
  evaluate: {cmd: wc -c < model > score, deps: [model], outs: [score]}
  report: {cmd: cp clean report, deps: [clean], outs: [report]}
";

fn project() -> Project {
    Project::with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "lr: 1\nother: 1\n"),
        ("data/raw", "b\na\n"),
    ])
}

#[test]
fn a_change_executes_what_depends_on_it() {
    let project = project();
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(first.executed(), ["clean", "evaluate", "report", "train"]);

    project.replace("params.yaml", "lr: 2\nother: 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec!["evaluate", "train"])
    );
    assert_eq!(project.read("model"), "lr: 2\nother: 1\na\nb\n");

    project.replace("data/raw", "b\na\nc\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (
            &json!(["data/raw"]),
            vec!["clean", "evaluate", "report", "train"]
        )
    );

    project.replace(
        "pipeline.yaml",
        &PIPELINE.replace("cp clean", "cat clean >"),
    );
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["pipeline.yaml"]), vec!["report"])
    );
    watch.interrupt();
    project.repro([]).did_nothing("after watching");
}

#[test]
fn repro_goes_on_watching_if_told() {
    let project = project();
    let (mut watch, _) = Watch::start_with(&project, ["repro", "--watch", "--json", "train"]);
    project.replace("params.yaml", "lr: 2\nother: 1\n");
    assert_eq!(watch.round().executed(), ["train"]);
    watch.interrupt();
}

#[test]
fn a_change_of_no_consequence_executes_nothing() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("params.yaml", "other: 2\nlr: 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec![])
    );

    let raw = File::options()
        .write(true)
        .open(project.path("data/raw"))
        .expect("open");
    raw.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .expect("touch");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/raw"]), vec![])
    );

    // A file that nobody reads and an out that somebody edits wake nobody: the next to wake it is the param.
    project.replace("notes", "x\n");
    project.replace("score", "x\n");
    project.replace("params.yaml", "lr: 2\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["params.yaml"]), vec!["evaluate", "train"])
    );
    watch.interrupt();
}

#[test]
fn files_come_and_go_in_a_watched_folder() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("data/more", "1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/more"]), vec!["clean"])
    );
    project.remove("data/more");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/more"]), vec![])
    );
    assert!(
        round
            .events
            .iter()
            .any(|event| event["stage"] == "clean" && event["outcome"] == "restored")
    );
    watch.interrupt();
}

#[test]
fn a_fault_is_told_and_the_next_change_mends_it() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("pipeline.yaml", "stages: [\n");
    let round = watch.round();
    assert_eq!((round.errors(), round.executed()), (vec!["E001"], vec![]));

    project.replace("pipeline.yaml", &PIPELINE.replace("lr", "learning_rate"));
    let round = watch.round();
    assert_eq!((round.errors(), round.executed()), (vec!["E009"], vec![]));

    project.replace("params.yaml", "learning_rate: 1\n");
    let round = watch.round();
    assert_eq!(
        (round.errors(), round.executed()),
        (vec![], vec!["evaluate", "train"])
    );

    // A stage that fails is told as in `repro`, and tried again after the next change.
    project.replace(
        "pipeline.yaml",
        &PIPELINE
            .replace("lr", "learning_rate")
            .replace("cp clean", "false;"),
    );
    let round = watch.round();
    assert_eq!(round.executed(), ["report"]);
    assert!(
        round
            .events
            .iter()
            .any(|event| event["stage"] == "report" && event["outcome"] == "failed")
    );
    project.replace("params.yaml", "learning_rate: 1 # the same\n");
    assert_eq!(watch.round().executed(), ["report"]);
    watch.interrupt();
}

#[test]
fn sources_in_a_folder_around_an_out_wake_and_the_out_does_not() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "
stages:
  clean: {cmd: sort data/raw > data/clean, deps: [data/raw], outs: [data/clean]}
  split: {cmd: mkdir -p data/split && cp data/raw data/split/a, deps: [data/raw], outs: [data/split]}
  count: {cmd: cat data/clean data/notes > count, deps: [data], outs: [count]}
",
        ),
        ("data/raw", "b\na\n"),
        ("data/notes", "x\n"),
    ]);
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(first.executed(), ["clean", "count", "split"]);

    project.replace("data/notes", "y\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/notes"]), vec!["count"])
    );
    project.replace("data/raw", "c\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!(["data/raw"]), vec!["clean", "count", "split"])
    );

    // Neither what the stages just wrote nor what somebody else writes there.
    project.replace("data/clean", "edited\n");
    project.replace("data/split/b", "edited\n");
    project.replace("data/notes", "z\n");
    let round = watch.round();
    assert_eq!(round.woken_by, json!(["data/notes"]));
    assert_eq!(project.read("count"), "c\nz\n");
    watch.interrupt();
}

#[test]
fn a_queue_that_ran_over_wakes_as_if_everything_had_changed() {
    let project = project();
    project.write(
        "pipeline.yaml",
        &format!("{PIPELINE}  pid: {{cmd: echo $PPID > pid, outs: [pid]}}\n"),
    );
    let (mut watch, _) = Watch::start(&project);
    let pid = project.read("pid").trim().parse().ok();
    let pid = pid.and_then(Pid::from_raw).expect("the id of hpipe");
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a limit");
    let limit: usize = limit.trim().parse().expect("a number");

    watch.live.signal(Signal::STOP);
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED)
        .expect("a child")
        .expect("a state");
    assert!(status.stopped());
    for _ in 0..=limit / 2 {
        project.write("noise", "");
        project.remove("noise");
    }
    project.replace("params.yaml", "lr: 2\n");
    watch.live.signal(Signal::CONT);

    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (
            &json!(["data", "params.yaml", "pipeline.yaml"]),
            vec!["evaluate", "train"]
        )
    );
    watch.interrupt();
}

#[test]
fn links_are_followed_to_where_the_data_lies() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "
stages:
  file: {cmd: cat raw > file, deps: [raw], outs: [file]}
  inner: {cmd: cat data/* > inner, deps: [data], outs: [inner]}
  folder: {cmd: cat corpus/* > folder, deps: [corpus], outs: [folder]}
",
        ),
        ("data/own", "own\n"),
        ("../else/raw", "raw\n"),
        ("../else/more", "more\n"),
        ("../else/v1/text", "1\n"),
        ("../else/v2/text", "2\n"),
    ]);
    let link = |to: &str, at: &str| symlink(to, project.path(at)).expect("a link");
    link("../else/current", "raw");
    link("raw", "../else/current");
    link("../../else/more", "data/more");
    link("../else/v1", "corpus");
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(first.executed(), ["file", "folder", "inner"]);

    let mut expect = |changed: &str, executed: &str| {
        let round = watch.round();
        assert_eq!(
            (&round.woken_by, round.executed()),
            (&json!([changed]), vec![executed])
        );
    };
    project.replace("../else/raw", "raw 2\n");
    expect("raw", "file");
    project.replace("../else/more", "more 2\n");
    expect("data/more", "inner");
    project.replace("../else/v1/text", "1b\n");
    expect("corpus/text", "folder");

    // Links are set anew: one that is the dep, and one on the way.
    let relink = |to: &str, at: &str| {
        link(to, "../draft");
        rustix::fs::rename(project.path("../draft"), project.path(at)).expect("replace a link");
    };
    relink("../else/v2", "corpus");
    expect("corpus", "folder");
    project.replace("../else/v2/text", "2b\n");
    expect("corpus/text", "folder");
    relink("more", "../else/current");
    expect("raw", "file");
    watch.interrupt();
    assert_eq!(project.read("file"), "more 2\n");
    assert_eq!(project.read("folder"), "2b\n");
}

#[test]
fn a_source_folder_is_replaced_by_another() {
    let project = project();
    project.write("../other/raw", "other\n");
    let (mut watch, _) = Watch::start(&project);

    let (data, other) = (project.path("data"), project.path("../other"));
    renameat_with(CWD, &data, CWD, &other, RenameFlags::EXCHANGE).expect("exchange the folders");
    let round = watch.round();
    assert_eq!(round.woken_by, json!(["data"]));
    assert_eq!(project.read("clean"), "other\n");

    project.replace("data/raw", "more\n");
    let round = watch.round();
    assert_eq!(round.woken_by, json!(["data/raw"]));
    assert_eq!(project.read("clean"), "more\n");
    watch.interrupt();
}

#[test]
fn what_changes_between_reading_and_watching_is_not_lost() {
    let project = Project::new();
    let pipeline = |word| {
        format!("vars: [slow.yaml]\nstages:\n  say: {{cmd: echo {word} > said, outs: [said]}}\n")
    };
    project.write("pipeline.yaml", &pipeline("early"));
    let fifo = project.path("slow.yaml");
    make_fifo(&fifo);
    let live = Live::start(&mut project.hpipe(["watch", "--json"]));

    // hpipe has read the pipeline file and waits for the vars file; whoever reads that again finds a plain one.
    let mut slow = open_when_read(&fifo);
    project.replace("slow.yaml", "x: 1\n");
    project.replace("pipeline.yaml", &pipeline("late"));
    slow.write_all(b"x: 1\n").expect("write the fifo");
    drop(slow);

    let mut watch = Watch::on(live);
    watch.live.until("watching");
    assert_eq!(project.read("said"), "late\n");
    watch.interrupt();
}

/// Opens a fifo for writing, which waits until somebody reads from it.
fn open_when_read(fifo: &Path) -> File {
    let fifo = fifo.to_owned();
    let (sender, opened) = channel();
    std::thread::spawn(move || sender.send(OpenOptions::new().write(true).open(fifo)));
    opened
        .recv_timeout(WATCHDOG)
        .expect("somebody reads from the fifo")
        .expect("open the fifo")
}

#[test]
fn ignore_rules_wake() {
    let project = project();
    project.write("data/skip", "z\n");
    let (mut watch, _) = Watch::start(&project);

    project.replace(".hpipeignore", "skip\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!([".hpipeignore"]), vec!["clean"])
    );
    project.replace(".dvcignore", "nothing\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.executed()),
        (&json!([".dvcignore"]), vec![])
    );
    watch.interrupt();
}

#[test]
fn a_file_that_a_faulty_pipeline_lacks_is_waited_for() {
    let project = project();
    let (mut watch, _) = Watch::start(&project);

    project.replace("pipeline.yaml", &format!("vars: [new.yaml]\n{PIPELINE}"));
    let round = watch.round();
    assert_eq!((round.errors().len(), round.executed()), (1, vec![]));
    project.replace("new.yaml", "x: 1\n");
    let round = watch.round();
    assert_eq!(
        (&round.woken_by, round.errors()),
        (&json!(["new.yaml"]), vec![])
    );
    watch.interrupt();
}

/// The stages that a round looked at, sorted.
fn planned(round: &Round) -> Vec<&str> {
    let mut plans = round.events.iter().filter(|event| event["event"] == "plan");
    let stages = plans.next().map(|plan| plan["stages"].as_array());
    let stages = stages.flatten().expect("a plan");
    let mut names: Vec<_> = stages.iter().map(text).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_saved_dep_has_only_those_looked_at_that_it_reaches_unless_others_must_be() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "
stages:
  clean: {cmd: sort raw > clean, deps: [raw], outs: [clean]}
  train: {cmd: cat extra clean > model, deps: [clean, extra], outs: [model]}
  score: {cmd: wc -c < model > score, deps: [model], outs: [score]}
  other: {cmd: cp raw other, deps: [raw], outs: [other]}
",
        ),
        ("raw", "b\na\n"),
        ("extra", "1\n"),
    ]);
    let (mut watch, first) = Watch::start(&project);
    assert_eq!(planned(&first), ["clean", "other", "score", "train"]);

    // Replaced, and written in place.
    project.replace("extra", "2\n");
    let round = watch.round();
    assert_eq!(planned(&round), ["score", "train"]);
    assert_eq!(round.executed(), ["score", "train"]);
    project.write("extra", "22\n");
    let round = watch.round();
    assert_eq!(planned(&round), ["score", "train"]);
    assert_eq!(project.read("model"), "22\na\nb\n");

    // What it gets of others is no longer as recorded: they are looked at too.
    project.replace("clean", "edited\n");
    project.replace("extra", "3\n");
    let round = watch.round();
    assert_eq!(planned(&round), ["clean", "other", "score", "train"]);
    assert_eq!(project.read("model"), "3\na\nb\n");

    // A dep that goes, and comes back, is no saved file.
    project.remove("extra");
    assert_eq!(watch.round().errors(), ["E012"]);
    project.replace("extra", "4\n");
    let round = watch.round();
    assert_eq!(planned(&round), ["clean", "other", "score", "train"]);
    assert_eq!(round.executed(), ["score", "train"]);
    watch.interrupt();
    project.repro([]).did_nothing("after short rounds");
}
