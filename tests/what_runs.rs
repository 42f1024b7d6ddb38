//! When a stage executes, row by row of the two tables that decide it: every input of the stage key and everything left out
//! (`src/engine/fingerprint.rs`), and what is done about a key (`src/engine/decide.rs`). Asserted is what executed.
//!
//! The same rows are tried without execution in the unit tests of `fingerprint`, and those of built-in stages there alone.

#![allow(clippy::disallowed_methods, reason = "tests play the user")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use support::{Project, Trace, copy_folder};

const PIPELINE: &str = "
stages:
  make:
    cmd: [cat dep other folder/* > made, 'echo x,y > figure']
    env: {SEED: '1'}
    deps: [dep, other, folder]
    params: [lr, layers]
    outs: [made]
    plots: [figure]
";

const PARAMS: &str = "lr: 0.1\nlayers: 3\nunused: 1\n";

fn project() -> Project {
    Project::in_memory_with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", PARAMS),
        ("other.yaml", PARAMS),
        ("dep", "dep\n"),
        ("other", "other\n"),
        ("folder/a", "a\n"),
        ("folder/b", "b\n"),
        ("sub/keep", ""),
    ])
}

/// A change, and what it is.
type Row = (&'static str, fn(&Project));

/// Changes the text of the pipeline.
fn edit(project: &Project, from: &str, to: &str) {
    project.edit("pipeline.yaml", from, to);
}

/// Every input of the key.
const INPUTS: &[Row] = &[
    ("command: its text", |p| {
        edit(p, "cat dep other", "cat  dep other")
    }),
    ("command: an item more", |p| {
        edit(p, "figure']", "figure', 'true']")
    }),
    ("command: the order of items", |p| {
        edit(
            p,
            "[cat dep other folder/* > made, 'echo x,y > figure']",
            "['echo x,y > figure', cat dep other folder/* > made]",
        );
    }),
    ("command: a script instead of a list", |p| {
        edit(
            p,
            "[cat dep other folder/* > made, 'echo x,y > figure']",
            "cat dep other folder/* > made; echo x,y > figure",
        );
    }),
    ("working folder", |p| {
        edit(p, "    env:", "    wdir: folder\n    env:");
        edit(p, "[dep, other, folder]", "[../dep, ../other, .]");
        edit(p, "outs: [made]", "outs: [../made]");
        edit(p, "plots: [figure]", "plots: [../figure]");
        edit(p, "[lr, layers]", "[../params.yaml: [lr, layers]]");
        edit(
            p,
            "cat dep other folder/* > made, 'echo x,y > figure'",
            "cat ../dep ../other * > ../made, 'echo x,y > ../figure'",
        );
    }),
    ("environment: the value", |p| {
        edit(p, "SEED: '1'", "SEED: '2'")
    }),
    ("environment: one more", |p| {
        edit(p, "SEED: '1'", "SEED: '1', MORE: ''")
    }),
    ("environment: none", |p| {
        edit(p, "    env: {SEED: '1'}\n", "")
    }),
    ("environment: passed, and not set", |p| {
        edit(p, "{SEED: '1'}", "[SEED]")
    }),
    ("dep: content of equal size", |p| p.write("dep", "DEP\n")),
    ("dep: executable", |p| chmod(p, "dep", 0o755)),
    ("dep: one more", |p| {
        edit(p, "[dep, other, folder]", "[dep, other, folder, sub/keep]")
    }),
    ("dep: one less", |p| {
        edit(p, "[dep, other, folder]", "[dep, other]")
    }),
    ("dep: a file of a folder", |p| p.write("folder/b", "B\n")),
    ("dep: a file more in a folder", |p| p.write("folder/c", "")),
    ("dep: another name in a folder", |p| {
        fs::rename(p.path("folder/b"), p.path("folder/c")).expect("rename");
    }),
    ("dep: a file of a folder executable", |p| {
        chmod(p, "folder/b", 0o755)
    }),
    ("param: the value", |p| p.edit("params.yaml", "0.1", "0.2")),
    ("param: its type", |p| {
        p.edit("params.yaml", "layers: 3", "layers: '3'")
    }),
    ("param: one more", |p| {
        edit(p, "[lr, layers]", "[lr, layers, unused]")
    }),
    ("param: one less", |p| edit(p, "[lr, layers]", "[lr]")),
    ("param: of another file", |p| {
        edit(p, "[lr, layers]", "[lr, other.yaml: [layers]]");
    }),
    ("out: one more", |p| {
        edit(
            p,
            "outs: [made]",
            "outs: [made, dep2]\n    # made by nobody",
        )
    }),
    ("out: one less", |p| edit(p, "    plots: [figure]\n", "")),
    ("out: another section", |p| edit(p, "plots:", "metrics:")),
    ("out: persist", |p| {
        edit(p, "[made]", "[made: {persist: true}]")
    }),
];

/// Everything that is left out of it.
const LEFT_OUT: &[Row] = &[
    ("the name", |p| edit(p, "  make:", "  forge:")),
    ("desc and meta", |p| {
        edit(
            p,
            "    env:",
            "    desc: text\n    meta: {a: [1]}\n    env:",
        );
    }),
    ("plot keys", |p| {
        edit(p, "[figure]", "[figure: {x: x, y: y, title: T}]")
    }),
    ("comments and layout", |p| {
        edit(
            p,
            "    deps: [dep, other, folder]",
            "    # why\n    deps:\n      - dep\n      - other # that\n      - folder",
        );
    }),
    ("the order of deps", |p| {
        edit(p, "[dep, other, folder]", "[folder, other, dep]")
    }),
    ("the order of params", |p| {
        edit(p, "[lr, layers]", "[layers, lr]")
    }),
    ("another spelling of a path", |p| {
        edit(p, "[dep, other", "[./dep, sub/../other")
    }),
    ("a param that is not declared", |p| {
        p.edit("params.yaml", "unused: 1", "unused: 2")
    }),
    ("a whole number or a fraction", |p| {
        p.edit("params.yaml", "layers: 3", "layers: 3.0")
    }),
    ("cache", |p| edit(p, "[made]", "[made: {cache: false}]")),
    ("flags of remotes", |p| {
        edit(
            p,
            "[made]",
            "[made: {push: false, desc: d, type: t, labels: [l]}]",
        );
    }),
    ("frozen", |p| {
        edit(p, "    env:", "    frozen: true\n    env:")
    }),
    ("times of deps and outs", |p| {
        for path in [
            "dep",
            "folder/a",
            "made",
            "pipeline.yaml",
            "params.yaml",
            "pipeline.lock",
        ] {
            let file = fs::File::options().append(true).open(p.path(path));
            let time = std::time::SystemTime::UNIX_EPOCH;
            file.and_then(|file| file.set_modified(time))
                .expect("touch");
        }
    }),
    ("inodes", |p| {
        for (path, bytes) in p.files() {
            p.replace(&path, &String::from_utf8_lossy(&bytes));
        }
    }),
    ("permissions of others", |p| chmod(p, "dep", 0o600)),
    ("files that nobody declares", |p| p.write("sub/new", "new")),
];

fn chmod(project: &Project, path: &str, mode: u32) {
    let set = fs::set_permissions(project.path(path), Permissions::from_mode(mode));
    set.unwrap_or_else(|error| panic!("chmod {path}: {error}"));
}

#[test]
fn each_input_of_the_key_makes_the_stage_execute_and_nothing_else_does() {
    for (what, change) in INPUTS {
        let project = project();
        project.repro([]).done();
        change(&project);
        let trace = project.repro([]);
        assert_eq!(trace.executed(), "make", "{what}: {trace:#?}");
        if trace.exit == Some(0) {
            project.repro([]).did_nothing(what);
        }
    }
    for (what, change) in LEFT_OUT {
        let project = project();
        project.repro([]).done();
        change(&project);
        let trace = project.repro([]);
        trace.done();
        assert_eq!(trace.executed(), "", "{what}: {trace:#?}");
        project.repro([]).did_nothing(what);
    }
}

/// What the time of a dep, or of the out, becomes after an edit of equal size, by what it was before.
type Jump = (&'static str, fn(SystemTime) -> SystemTime);

const TIMES: &[Jump] = &[
    ("as they were", |before| before),
    ("an hour ahead", |_| SystemTime::now() + HOUR),
    ("an hour back", |_| SystemTime::now() - HOUR),
    ("the beginning of time", |_| SystemTime::UNIX_EPOCH),
];

const HOUR: Duration = Duration::from_secs(3_600);

fn set_modified(project: &Project, path: &str, time: SystemTime) {
    let file = fs::File::options().append(true).open(project.path(path));
    file.and_then(|file| file.set_modified(time))
        .expect("touch");
}

/// Edits of equal size within a tick of the clock, restored times, a clock that jumps: never a wrong hit.
#[test]
fn no_time_hides_an_edit() {
    let project = project();
    let modified = |path: &str| {
        let found = fs::metadata(project.path(path)).and_then(|found| found.modified());
        found.expect("a time")
    };
    let rows = TIMES
        .iter()
        .flat_map(|before| TIMES.iter().map(move |after| (before, after)));
    for (number, ((was, before), (what, after))) in rows.enumerate() {
        let row = format!("{what} after {was}");
        set_modified(&project, "dep", before(modified("dep")));
        project.repro([]).done();

        let (text, time) = (format!("{number:03}\n"), after(modified("dep")));
        project.write("dep", &text);
        set_modified(&project, "dep", time);
        assert_eq!(project.repro([]).executed(), "make", "{row}");
        let made = project.read("made");
        assert!(made.starts_with(&text), "{row}");

        let time = after(modified("made"));
        project.write("made", &made.replace('o', "0"));
        set_modified(&project, "made", time);
        assert_eq!(project.repro([]).ended("restored"), "make", "{row}");
        assert_eq!(project.read("made"), made, "{row}");
    }
}

#[test]
fn where_by_whom_and_how_it_is_started_makes_no_difference() {
    let project = project();
    project.repro([]).done();
    for (name, value) in [
        ("USER", "somebody"),
        ("HOME", "/nowhere"),
        ("HOSTNAME", "elsewhere"),
        ("TZ", "Asia/Tokyo"),
        ("LC_ALL", "C.UTF-8"),
        ("SEED", "7"), // the declared value wins
        ("UNDECLARED", "1"),
        ("HPIPE_UNKNOWN", "1"),
    ] {
        let mut command = project.hpipe(["repro", "--json"]);
        Trace::of(command.env(name, value)).did_nothing(name);
    }
    project.repro(["-j", "7"]).did_nothing("jobs");
    let elsewhere = Project::new();
    copy_folder(project.root(), elsewhere.root());
    elsewhere.repro([]).did_nothing("another folder");
    // A declared variable that is passed on is an input with its value.
    project.edit("pipeline.yaml", "{SEED: '1'}", "[SEED]");
    let with_seed = |seed: &str| Trace::of(project.hpipe(["repro", "--json"]).env("SEED", seed));
    assert_eq!(
        with_seed("1").executed(),
        "",
        "the same value, set elsewhere"
    );
    assert_eq!(with_seed("2").executed(), "make");
    assert_eq!(with_seed("1").executed(), "", "the run cache knows it");
}

/// `always_changed` is no input: it makes the stage execute, and when it is gone the result is the same as ever.
#[test]
fn always_changed_executes_but_is_no_input() {
    let project = project();
    project.repro([]).done();
    edit(&project, "    env:", "    always_changed: true\n    env:");
    assert_eq!(project.repro([]).executed(), "make");
    assert_eq!(project.repro([]).executed(), "make");
    edit(&project, "    always_changed: true\n", "");
    project.repro([]).did_nothing("as it was");
}

/// What lies where the out should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InPlace {
    Right,
    Missing,
    Edited,
}

/// A state of lock file, workspace and cache.
#[derive(Debug, Clone, Copy)]
struct State {
    /// Whether the lock file has the key; else another one, from a run before.
    key: bool,
    out: InPlace,
    object: bool,
    record: bool,
    run_cache: bool,
}

/// The table of design section 2, in its order.
fn verdict(state: State) -> &'static str {
    match state {
        State {
            key: true,
            out: InPlace::Right,
            ..
        } => "up_to_date",
        State {
            key: true,
            object: true,
            ..
        } => "restored",
        State { key: true, .. } => "ran",
        State { record: false, .. }
        | State {
            run_cache: false, ..
        } => "ran",
        State {
            out: InPlace::Right,
            ..
        }
        | State { object: true, .. } => "restored",
        _ => "ran",
    }
}

fn states() -> impl Iterator<Item = State> {
    let outs = [InPlace::Right, InPlace::Missing, InPlace::Edited];
    (0..48_usize).map(move |i| State {
        key: i & 1 == 0,
        object: i & 2 == 0,
        record: i & 4 == 0,
        run_cache: i & 8 == 0,
        out: outs[i / 16],
    })
}

#[test]
fn each_state_of_lock_file_outs_and_cache_has_its_verdict() {
    let start = Project::in_memory_with(&[
        (
            "pipeline.yaml",
            "stages: {s: {cmd: cat n > out, deps: [n], outs: [out]}}",
        ),
        ("n", "one\n"),
    ]);
    start.repro([]).done();
    start.write("n", "two\n");
    start.repro([]).done();
    for state in states() {
        let project = start.copy();
        let right = if state.key { "two\n" } else { "one\n" };
        project.write("n", right);
        match state.out {
            InPlace::Right => project.write("out", right),
            InPlace::Missing => project.remove("out"),
            InPlace::Edited => project.write("out", "edited\n"),
        }
        if !state.object {
            project.remove(".cache/objects-v1");
        }
        if !state.record {
            project.remove(".cache/runs-v1");
        }
        let flags: &[&str] = if state.run_cache {
            &[]
        } else {
            &["--no-run-cache"]
        };
        let trace = project.repro(flags.iter().copied());
        trace.done();
        assert_eq!(trace.ended(verdict(state)), "s", "{state:?}: {trace:#?}");
        assert_eq!(project.read("out"), right, "{state:?}");
        project.repro([]).did_nothing(format_args!("{state:?}"));
    }
}
