//! Damaged files: told, never believed.

use std::fs;
use std::path::Path;

use hpipe_track::ledger::{Ledger, LedgerError};

use crate::support::{clock, ledger, log_metric, metric, run};

fn objects(folder: &Path) -> Vec<std::path::PathBuf> {
    let fans = fs::read_dir(folder.join("objects-v1")).unwrap();
    fans.flat_map(|fan| fs::read_dir(fan.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn what_is_no_database_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::write(
        root.path().join("track.db"),
        "not a database, but long enough to be taken for one".repeat(40),
    )
    .unwrap();
    let error = Ledger::open(root.path(), clock()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("track.db: it is damaged or no database of hpipe"),
        "{error}"
    );
}

#[test]
fn a_damaged_page_is_told_with_the_name_of_the_file() {
    let (root, ledger) = ledger();
    let id = run(&ledger, 1);
    for step in 0..2000 {
        log_metric(&ledger, &id, metric("loss", 1.0, 1, step));
    }
    drop(ledger);
    let path = root.path().join("models/track.db");
    let mut bytes = fs::read(&path).unwrap();
    let from = bytes.len() / 2;
    bytes[from..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let reopened = Ledger::open(&root.path().join("models"), clock());
    let error = match reopened {
        Ok(ledger) => ledger
            .read(|r| r.metric_history(&id, "loss", None, 0))
            .unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(&error, LedgerError::Damaged { path, .. } if path.ends_with("track.db")),
        "{error:?}"
    );
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("track.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(raw);
    let error = Ledger::open(root.path(), clock()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it holds tables of another program"),
        "{error}"
    );
}

#[test]
fn a_damaged_artifact_is_not_handed_out() {
    let (root, ledger) = ledger();
    ledger.put_artifact("0/a/model", b"weights").unwrap();
    let object = objects(&root.path().join("models/artifacts")).remove(0);
    fs::remove_file(&object).unwrap();
    fs::write(&object, b"weightz").unwrap();
    let error = ledger.open_artifact("0/a/model").unwrap_err();
    assert!(
        matches!(error, LedgerError::DamagedArtifact { .. }),
        "{error}"
    );
    fs::remove_file(&object).unwrap();
    let error = ledger.open_artifact("0/a/model").unwrap_err();
    assert!(
        error.to_string().contains("`0/a/model`: its object"),
        "{error}"
    );
    ledger.put_artifact("0/a/again", b"weights").unwrap();
    ledger.open_artifact("0/a/model").unwrap();
}

#[test]
fn equal_artifacts_are_kept_once() {
    let (root, ledger) = ledger();
    for path in ["0/a/x", "0/b/x", "1/c/y"] {
        ledger.put_artifact(path, b"same").unwrap();
    }
    assert_eq!(objects(&root.path().join("models/artifacts")).len(), 1);
}
