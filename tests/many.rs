//! Several hpipe processes at once on overlapping targets: every stage executes once, no update is lost, nobody waits for
//! ever, and nobody fails because another is at work, be that one that removes from the cache.
//!
//! Stages tell that they execute by a line at the end of a file that all append to.

mod support;

use std::fmt::Write as _;
use std::process::{Child, Stdio};

use support::{Project, Trace};

/// Stages in each layer; each needs two of the layer before.
const WIDTH: usize = 4;
const LAYERS: usize = 4;

fn name(layer: usize, place: usize) -> String {
    format!("s{layer}{place}")
}

fn names() -> impl Iterator<Item = String> {
    (0..LAYERS).flat_map(|layer| (0..WIDTH).map(move |place| name(layer, place)))
}

/// Layers of stages that overlap: whatever targets are named, they share what they need.
fn project() -> Project {
    let mut text = String::from("stages:\n");
    for layer in 0..LAYERS {
        for place in 0..WIDTH {
            let own = name(layer, place);
            let deps = match layer {
                0 => vec!["raw".to_owned()],
                _ => [place, (place + 1) % WIDTH]
                    .map(|at| name(layer - 1, at))
                    .into(),
            };
            let _ = write!(
                text,
                "  {own}:\n    cmd: echo {own} >> executions; cat {} params.yaml > {own}\n    \
                 deps: [{}]\n    params: [n]\n    outs: [{own}]\n",
                deps.join(" "),
                deps.join(", "),
            );
        }
    }
    Project::in_memory_with(&[
        ("pipeline.yaml", &text),
        ("params.yaml", "n: 0\n"),
        ("raw", "raw\n"),
    ])
}

fn start(project: &Project, arguments: &[String]) -> Child {
    let words = arguments.iter().map(String::as_str);
    let mut command = project.hpipe(words);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("hpipe starts")
}

/// Which stages executed, sorted, by their own account; the account begins anew.
fn executions(project: &Project) -> Vec<String> {
    let text = project.read("executions");
    project.remove("executions");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Each process has targets of its own, the first all of them.
fn repro(process: usize) -> Vec<String> {
    let mut words: Vec<String> = ["repro", "--json", "-j", "2"].map(str::to_owned).into();
    if process > 0 {
        words.push(name(LAYERS - 1, process % WIDTH));
        words.push(name(process % LAYERS, (process / 2) % WIDTH));
    }
    words
}

fn at_once(processes: usize, others: &[&[&str]]) {
    let project = project();
    let all: Vec<_> = names().collect();
    for round in 0..4 {
        project.replace("params.yaml", &format!("n: {round}\n"));
        let children: Vec<_> = (0..processes).map(|i| start(&project, &repro(i))).collect();
        let others: Vec<_> = others
            .iter()
            .map(|words| {
                words
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect::<Vec<_>>()
            })
            .map(|words| start(&project, &words))
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            Trace::from_output(&output).done();
        }
        for child in others {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(executions(&project), all, "round {round}");
        project.repro([]).did_nothing("after all of them");
        project.write("executions", "");
    }
    // What each of them published is known: one stage after the other comes back.
    all.iter().for_each(|name| project.remove(name));
    let back = project.repro([]);
    back.done();
    assert_eq!(
        (back.executed(), back.count("restored")),
        (String::new(), all.len() as u64)
    );
}

#[test]
fn two_at_once() {
    at_once(2, &[]);
}

#[test]
fn eight_at_once() {
    at_once(8, &[]);
}

#[test]
fn others_read_and_collect_garbage_meanwhile() {
    let gc: &[&str] = &["gc", "-w", "-f", "-q"];
    let verify: &[&str] = &["cache", "verify", "-q"];
    at_once(
        3,
        &[gc, verify, &["status"], gc, &["repro", "--dry"], gc, verify],
    );
}
