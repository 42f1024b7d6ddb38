//! The lock file: whatever is written is read back exactly, and what is no lock file is refused with its place.

use hpipe_core::{Mapping, Value};
use hpipe_store::{Error, LockAction, LockFile, LockParams};
use proptest::prelude::*;

use crate::support::{Project, bare_entry, full_entry, path, stage};

const LOCK: &str = "pipeline.lock";

/// Texts that YAML could mistake for something else.
const NASTY: &[&str] = &[
    "",
    " ",
    "  leading",
    "trailing ",
    "yes",
    "No",
    "on",
    "y",
    "true",
    "null",
    "~",
    "1",
    "1.0",
    "017",
    "1_000",
    "0x1f",
    "1e5",
    ".inf",
    ".nan",
    "-",
    "- a",
    "a: b",
    "a:",
    ":",
    "#",
    "a #b",
    "a#b",
    "'",
    "\"",
    "\\",
    "\\n",
    "a\nb",
    "a\n",
    "\n",
    "\n\n",
    "a\n\nb\n",
    "a\n\n",
    " a\nb",
    "a \nb",
    "a\n  b\nc",
    "\ta\nb",
    "a\r\nb",
    "\r",
    "\0",
    "\u{7f}",
    "\u{85}",
    "a\u{85}\nb",
    "\u{2028}",
    "\u{feff}",
    "\u{feff}a\nb",
    "größe",
    "🦀",
    "a\n🦀",
    "{",
    "}",
    "[a]",
    "a, b",
    "&a",
    "*a",
    "!a",
    "!int",
    "!!int",
    "|",
    ">",
    "%",
    "@",
    "`",
    "---",
    "...",
    "--- a\nb",
    "<<",
    "<<<<<<< HEAD\nx",
    "=======",
    "=",
    "2026-11-22",
    "12:30:45",
    "blake3:00",
    "a/b.c",
    "../x",
    "key: |\n  x",
    "a\tb",
    "\u{202e}abc",
    "\u{10ffff}",
];

fn nasty_text() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(NASTY).prop_map(str::to_owned);
    prop_oneof![3 => known, 1 => any::<String>(), 1 => "[a-z :#\n\t'\"-]{0,20}"]
}

fn float() -> impl Strategy<Value = f64> {
    let special = [
        0.0,
        -0.0,
        0.1,
        1e16,
        1e300,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    prop_oneof![
        proptest::sample::select(special.to_vec()).boxed(),
        any::<f64>().boxed()
    ]
}

fn integer() -> impl Strategy<Value = i128> {
    let edges = [
        0,
        -1,
        i64::MIN.into(),
        i128::from(i64::MIN) - 1,
        u64::MAX.into(),
        i128::from(u64::MAX) + 1,
        i128::MIN,
        i128::MAX,
    ];
    prop_oneof![
        proptest::sample::select(edges.to_vec()),
        any::<i64>().prop_map(i128::from),
        any::<i128>()
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integer().prop_map(Value::Int),
        float().prop_map(Value::Float),
        nasty_text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entries = proptest::collection::vec((nasty_text(), inner.clone()), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::List),
            entries.prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// Equality to the bit: unlike that of values, 1 is not 1.0 here.
fn exactly(value: &Value) -> String {
    match value {
        Value::Float(x) if x.is_nan() => "nan".to_owned(),
        Value::Float(x) => format!("{:x}", x.to_bits()),
        Value::List(items) => format!("{:?}", items.iter().map(exactly).collect::<Vec<_>>()),
        Value::Map(map) => format!(
            "{:?}",
            map.iter().map(|(k, v)| (k, exactly(v))).collect::<Vec<_>>()
        ),
        other => format!("{other:?}"),
    }
}

/// Writes a lock file and reads it back without what is in memory.
fn written_and_read(project: &Project, edit: impl FnOnce(&mut LockFile)) -> (LockFile, LockFile) {
    let (written, _) = project.store.update_lock(&path(LOCK), edit).unwrap();
    let read = project.another_store().read_lock(&path(LOCK));
    let read = read.unwrap_or_else(|error| panic!("{error}\n{}", project.read(LOCK)));
    (written, read)
}

#[test]
fn an_entry_with_everything_is_read_back() {
    let project = Project::new();
    let (written, read) = written_and_read(&project, |lock| {
        lock.stages.insert(stage("a"), full_entry().into());
        lock.stages.insert(stage("b"), bare_entry("").into());
    });
    assert_eq!(written, read);
}

#[test]
fn an_empty_lock_is_read_back() {
    let project = Project::new();
    written_and_read(&project, |lock| {
        drop(lock.stages.insert(stage("a"), bare_entry("x").into()))
    });
    let (written, read) = written_and_read(&project, |lock| lock.stages.clear());
    assert_eq!(written, read);
}

#[test]
fn every_nasty_text_is_read_back_wherever_it_stands() {
    let project = Project::new();
    for text in NASTY {
        let mut entry = full_entry();
        entry.env = [((*text).to_owned(), Some((*text).to_owned()))].into();
        entry.deps[0].role = Some((*text).to_owned());
        entry.outs[0].kind = (*text).to_owned();
        entry.params[0].values = vec![((*text).to_owned(), Value::from(*text))];
        let list = Value::List(vec![Value::from(*text), Value::Int(1), Value::from(*text)]);
        let with: Mapping = [("list".to_owned(), list), ((*text).to_owned(), Value::Null)]
            .into_iter()
            .collect();
        entry.action = LockAction::Builtin {
            name: (*text).to_owned(),
            version: 1,
            with,
        };
        let mut command = bare_entry(text);
        command.action =
            LockAction::Cmd(vec![(*text).to_owned(), "b".to_owned(), (*text).to_owned()]);
        let (written, read) = written_and_read(&project, |lock| {
            lock.stages = [
                (stage(&format!("{text}1")), entry.into()),
                (stage(&format!("{text}2")), command.into()),
            ]
            .into();
        });
        assert_eq!(written, read, "{}", project.read(LOCK));
    }
}

#[test]
fn a_very_long_name_is_read_back() {
    let project = Project::new();
    let (written, read) = written_and_read(&project, |lock| {
        lock.stages
            .insert(stage(&"train-".repeat(2_000)), bare_entry("x").into());
    });
    assert_eq!(written, read);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_value_is_read_back_to_the_bit(value in value(), name in nasty_text(), command in nasty_text()) {
        thread_local!(static PROJECT: Project = Project::new());
        PROJECT.with(|project| {
            let mut entry = bare_entry(&command);
            entry.params = vec![LockParams { file: path("params.yaml"), values: vec![(name, value.clone())] }];
            let (written, read) = written_and_read(project, |lock| drop(lock.stages.insert(stage("a"), entry.into())));
            let found = &read.stages["a"].params[0].values[0].1;
            assert_eq!(exactly(found), exactly(&value), "{}", project.read(LOCK));
            assert_eq!(written, read);
        });
    }
}

#[test]
fn an_unchanged_lock_file_is_not_written() {
    let project = Project::new();
    let lock = path(LOCK);
    project.store.update_lock(&lock, |_| {}).unwrap();
    assert!(!project.at(LOCK).exists());
    project
        .store
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("a"), bare_entry("x").into()))
        })
        .unwrap();
    let by_hand = project.read(LOCK).replace("# Written", "# Edited. Written");
    project.write(LOCK, &by_hand);
    project
        .store
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("a"), bare_entry("x").into()))
        })
        .unwrap();
    assert_eq!(project.read(LOCK), by_hand);
}

#[test]
fn what_another_wrote_meanwhile_is_kept() {
    let project = Project::new();
    let lock = path(LOCK);
    project
        .store
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("a"), bare_entry("x").into()))
        })
        .unwrap();
    let other = project.another_store();
    other
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("b"), bare_entry("y").into()))
        })
        .unwrap();
    let (merged, _) = project
        .store
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("c"), bare_entry("z").into()))
        })
        .unwrap();
    assert_eq!(merged.stages.len(), 3);
}

#[test]
fn an_empty_lock_file_is_a_warning_and_counts_as_none() {
    let project = Project::new();
    for text in ["", "\n\n", "  "] {
        project.write(LOCK, text);
        assert_eq!(
            project.store.read_lock(&path(LOCK)).unwrap(),
            LockFile::default()
        );
        assert_eq!(project.store.take_warnings().len(), 1);
    }
}

/// Reads a text as lock file and says why it is refused.
fn refused(text: &str) -> Error {
    LockFile::parse(text.as_bytes(), std::path::Path::new(LOCK)).unwrap_err()
}

#[test]
fn merge_conflicts_are_found() {
    let error =
        refused("schema: hpipe/1\nstages:\n<<<<<<< HEAD\n  a:\n=======\n  b:\n>>>>>>> other\n");
    assert!(
        matches!(error, Error::LockConflict { line: 3, .. }),
        "{error}"
    );
}

#[test]
fn a_newer_schema_is_refused_whatever_it_holds() {
    let error = refused("# comment\nschema: hpipe/2\nstages: [what, ever\n");
    assert!(
        matches!(&error, Error::NewerLock { schema, .. } if schema == "hpipe/2"),
        "{error}"
    );
}

#[test]
fn what_is_no_lock_file_is_refused_with_its_line() {
    let key = "blake3:".to_owned() + &"0".repeat(64);
    for (text, expect) in [
        ("a: b\n".to_owned(), 1),
        ("schema: hpipe/1\nstages: [\n".to_owned(), 2),
        (
            "schema: hpipe/1\nstages:\n  a:\n    key: nonsense\n".to_owned(),
            4,
        ),
        (
            format!("schema: hpipe/1\nstages:\n  a:\n    key: {key}\n    cmd: [x]\n    what: 1\n"),
            6,
        ),
        (
            format!(
                "schema: hpipe/1\nstages:\n  a:\n    key: {key}\n    cmd: [x]\n  a:\n    key: {key}\n    cmd: [x]\n"
            ),
            6,
        ),
    ] {
        match refused(&text) {
            Error::BadLock { line, message, .. } => {
                assert!(line.abs_diff(expect) <= 1, "line {line}: {message}\n{text}");
                assert!(!message.is_empty() && !message.contains('\n'));
            }
            other => panic!("{other}"),
        }
    }
    let action = refused(&format!("schema: hpipe/1\nstages:\n  a:\n    key: {key}\n"));
    assert!(action.to_string().contains("stage `a`"), "{action}");
    let bytes = b"schema: hpipe/1\n\xff";
    let error = LockFile::parse(bytes, std::path::Path::new(LOCK)).unwrap_err();
    assert!(matches!(error, Error::BadLock { line: 2, .. }), "{error}");
}

#[test]
fn a_lock_file_cut_short_is_refused_or_a_prefix() {
    let project = Project::new();
    let (whole, _) = project
        .store
        .update_lock(&path(LOCK), |lock| {
            lock.stages.insert(stage("a"), full_entry().into());
            lock.stages.insert(stage("b"), bare_entry("x").into());
        })
        .unwrap();
    let text = project.read(LOCK);
    for length in 0..text.len() {
        project.write(LOCK, &text[..length]);
        if let Ok(lock) = project.another_store().read_lock(&path(LOCK)) {
            // Nothing tells a file of fewer stages from one that lost some, nor a shorter list from one cut short; but
            // whatever is read must keep its key, so that the stage's outs are compared with it.
            for (name, entry) in &lock.stages {
                assert_eq!(
                    entry.key,
                    whole.stages[name.as_str()].key,
                    "cut to {length}"
                );
            }
        }
    }
}

#[test]
fn a_stamp_is_that_of_the_returned_lock_file() {
    let project = Project::new();
    let lock = path(LOCK);
    let absent = project.store.lock_stamp(&lock);
    let (_, unwritten) = project.store.update_lock(&lock, |_| {}).unwrap();
    assert_eq!(unwritten, absent);

    let update = |store: &hpipe_store::Store, name: &str| {
        let edit =
            |lock: &mut LockFile| drop(lock.stages.insert(stage(name), bare_entry("x").into()));
        store.update_lock(&lock, edit).unwrap()
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let worker = |worker: usize| {
            let store = project.another_store();
            move || {
                let name = |i| format!("{worker}-{i}");
                (0..20)
                    .map(|i| update(&store, &name(i)))
                    .collect::<Vec<_>>()
            }
        };
        let workers: Vec<_> = (0..4).map(|i| scope.spawn(worker(i))).collect();
        let results = workers.into_iter().map(|worker| worker.join().unwrap());
        results.flatten().collect()
    });
    let stamps: std::collections::HashSet<_> = results.iter().map(|(_, stamp)| *stamp).collect();
    assert_eq!(stamps.len(), results.len(), "the file grew each time");
    let now = project.store.lock_stamp(&lock);
    let (last, _) = results.iter().find(|(_, stamp)| *stamp == now).unwrap();
    assert_eq!(*last, project.store.read_lock(&lock).unwrap());
    let (same, stamp) = update(&project.store, "0-0");
    assert_eq!((same, stamp), (last.clone(), now), "nothing was written");
}
