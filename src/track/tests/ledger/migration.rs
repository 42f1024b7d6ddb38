//! An old database becomes today's, with all that is in it; a newer one is refused.

use std::fs;

use hpipe_track::ledger::{ForwardKind, Ledger, LedgerError};

use crate::support::{clock, get};

/// The first schema, as it was released; never to be edited.
const FIRST: &str = include_str!("schema_v1.sql");

const CONTENT: &str = "
    INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 0, 1, 1);
    INSERT INTO runs VALUES (7, 'abc', 0, 'old', 'ann', 'FINISHED', 1, 2, 'mlflow-artifacts:/0/abc/artifacts', 0, NULL);
    INSERT INTO run_params VALUES (7, 'lr', '0.1');
    INSERT INTO metric_history VALUES (7, 'loss', 1, 2, 0.5, 0);
    INSERT INTO latest_metrics VALUES (7, 'loss', 2, 1, 0.5, 0);
    INSERT INTO registered_models VALUES (3, 'house', NULL, 1, 1);
    INSERT INTO model_versions VALUES (5, 3, 1, 1, 1, NULL, NULL, 'Production', 'x', 'x', NULL, NULL, NULL, 'READY', NULL, 0);
    PRAGMA application_id = 1752197488;
    PRAGMA user_version = 1;
";

#[test]
fn the_first_schema_is_read() {
    let root = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(root.path().join("track.db")).unwrap();
    raw.execute_batch(FIRST).unwrap();
    raw.execute_batch(CONTENT).unwrap();
    drop(raw);
    let ledger = Ledger::open(root.path(), clock()).unwrap();
    let run = get(&ledger, "abc");
    assert_eq!(run.info.name, "old");
    assert_eq!(run.data.params[0].value, "0.1");
    assert_eq!(
        (run.data.metrics[0].value, run.data.metrics[0].step),
        (0.5, 2)
    );
    let known = ledger.read(|records| records.registration("house", 1));
    assert_eq!(known.unwrap(), None, "a version of before has no record");
    drop(ledger);
    let raw = rusqlite::Connection::open(root.path().join("track.db")).unwrap();
    let version: u32 = raw
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert!(version >= 1);
    let check: String = raw
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

/// The third schema, as it was released: what each step added.
const THIRD: [&str; 3] = [
    FIRST,
    include_str!("../../ledger/schema_v2.sql"),
    include_str!("../../ledger/schema_v3.sql"),
];

#[test]
fn the_third_schema_gets_notes_of_what_was_sent() {
    let root = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(root.path().join("track.db")).unwrap();
    for step in THIRD {
        raw.execute_batch(step).unwrap();
    }
    raw.execute_batch(CONTENT).unwrap();
    raw.execute_batch(
        "INSERT INTO executions VALUES ('a1', 'fit', 'k1', 'abc', 0); PRAGMA user_version = 3;",
    )
    .unwrap();
    drop(raw);
    let ledger = Ledger::open(root.path(), clock()).unwrap();
    let (server, kind) = ("http://x", ForwardKind::Run);
    let lacking = || {
        ledger
            .read(|records| records.runs_to_forward(server))
            .unwrap()
    };
    assert_eq!(lacking(), ["abc"]);
    let note = |state: Option<&'static str>| {
        ledger
            .write(move |change| change.note_forwarded(server, kind, "abc", "there", state))
            .unwrap();
    };
    note(None);
    assert_eq!(lacking(), ["abc"], "begun, but not whole");
    note(Some(""));
    assert!(lacking().is_empty());
    let known = ledger
        .read(|records| records.forwarded(server, kind, "abc"))
        .unwrap();
    assert_eq!(known.unwrap().remote, "there");
    let elsewhere = ledger
        .read(|records| records.runs_to_forward("http://y"))
        .unwrap();
    assert_eq!(elsewhere, ["abc"]);
    let made = ledger.read(|records| records.run_that_made("k1")).unwrap();
    assert_eq!(made.as_deref(), Some("abc"));
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("track.db");
    drop(Ledger::open(root.path(), clock()).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let before = fs::read(&path).unwrap();
    let error = Ledger::open(root.path(), clock()).unwrap_err();
    assert!(
        matches!(error, LedgerError::Newer { found: 99, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}
