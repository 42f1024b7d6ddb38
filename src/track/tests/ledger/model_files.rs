//! What serving asks of the records: which version a reference means, its verified bytes, and whether something changed.

use hpipe_track::ledger::{Ledger, NewRegistration, Promotion, Result, Stage, StoredArtifact};
use hpipe_track::registry::{ModelReference, Record, RecordedFile};

use crate::support::{clock, ledger, said};

/// Registers a version of these bytes.
fn register(ledger: &Ledger, model: &[u8], profile: &[u8]) -> i64 {
    let (mut recorded, mut files) = (Vec::new(), Vec::new());
    for (role, bytes) in [("model", model), ("profile", profile)] {
        let mut incoming = ledger.receive_artifact().unwrap();
        incoming.write(bytes).unwrap();
        let (digest, size) = incoming.finish().unwrap();
        let file = RecordedFile {
            role: role.to_owned(),
            path: format!("models/{role}.bin"),
            digest,
            size,
            within: None,
            executable: false,
        };
        files.push((file.stored_at(), StoredArtifact { digest, size }));
        recorded.push(file);
    }
    let record = Record {
        name: "house".to_owned(),
        aliases: vec!["newest".to_owned()],
        files: recorded,
        ..Record::default()
    };
    let new = NewRegistration {
        text: String::from_utf8(record.to_bytes()).unwrap(),
        record,
        lineage: None,
        files,
        user: None,
        renews: false,
    };
    let registered = ledger.write(move |change| change.register(&new)).unwrap();
    registered.version
}

fn promote(ledger: &Ledger, version: i64) {
    let promotion = Promotion::new("house", version, Stage::Production);
    ledger
        .write(move |change| change.promote(&promotion))
        .unwrap();
}

fn referred(ledger: &Ledger, text: &str) -> Result<i64> {
    let reference = ModelReference::parse(text).unwrap();
    ledger.read(|records| Ok(records.referred(&reference)?.version))
}

#[test]
fn a_reference_means_a_version() {
    let (_root, ledger) = ledger();
    register(&ledger, b"one", b"{}");
    register(&ledger, b"two", b"{}");
    assert_eq!(
        said(referred(&ledger, "house")),
        "no version of `house` is in Production"
    );
    promote(&ledger, 1);
    for (text, version) in [
        ("house", 1),
        ("house@production", 1),
        ("house@latest", 2),
        ("house/1", 1),
        ("house@newest", 2),
    ] {
        assert_eq!(referred(&ledger, text).unwrap(), version, "{text}");
    }
    assert_eq!(
        said(referred(&ledger, "house@best")),
        "`house` has no stage and no alias `best`"
    );
    assert_eq!(
        said(referred(&ledger, "house/3")),
        "`house` has no version 3"
    );
}

#[test]
fn bytes_that_are_not_what_was_registered_are_no_model() {
    let (root, ledger) = ledger();
    let number = register(&ledger, b"weights", b"{}");
    let version = ledger.read(|records| records.model_version("house", number));
    let version = version.unwrap();
    let files = ledger.version_files(&version).unwrap();
    assert_eq!(files.as_files().model, b"weights");
    assert_eq!(files.as_files().profile, Some(&b"{}"[..]));
    assert_eq!(files.as_files().transform, None);
    let hex = files.digest.hex();
    let object = format!("models/artifacts/objects-v1/{}/{}", &hex[..2], &hex[2..]);
    let object = root.path().join(object);
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, b"weightz").unwrap();
    let why = said(ledger.version_files(&version));
    assert!(why.contains("is missing or damaged"), "{why}");
}

#[test]
fn a_change_of_another_process_is_seen_once() {
    let (root, ledger) = ledger();
    let other = Ledger::open(&root.path().join("models"), crate::support::clock()).unwrap();
    let mut changes = ledger.changes().unwrap();
    assert!(changes.any().unwrap(), "at first, something has changed");
    assert!(!changes.any().unwrap());
    register(&other, b"one", b"{}");
    assert!(changes.any().unwrap());
    assert!(!changes.any().unwrap());
}

/// SQLite needs a file of its own beside a database; where it cannot have it, reading goes on without.
#[test]
fn where_nothing_can_be_written_the_records_are_read() {
    let (root, ledger) = ledger();
    let models = root.path().join("models");
    register(&ledger, b"one", b"{}");
    promote(&ledger, 1);
    drop(ledger);
    let blocked = models.join("track.db-shm");
    std::os::unix::fs::symlink(&blocked, &blocked).unwrap();
    let refused = Ledger::open(&models, clock()).unwrap_err();
    assert!(refused.is_of_read_only(), "{refused:?}");
    let frozen = Ledger::open_to_read(&models, clock()).unwrap();
    assert_eq!(referred(&frozen, "house").unwrap(), 1);
    let version = frozen
        .read(|records| records.model_version("house", 1))
        .unwrap();
    assert_eq!(frozen.version_files(&version).unwrap().model, b"one");
    frozen.check_files(&version).unwrap();
    let mut changes = frozen.changes().unwrap();
    assert!(changes.any().unwrap() && !changes.any().unwrap());
    let promotion = Promotion::new("house", 1, Stage::Archived);
    let refused = frozen
        .write(move |change| change.promote(&promotion))
        .unwrap_err();
    assert!(refused.is_of_read_only(), "{refused:?}");
    // somebody who can writes all the same, and is seen
    std::fs::remove_file(&blocked).unwrap();
    let writer = Ledger::open(&models, clock()).unwrap();
    register(&writer, b"two", b"{}");
    promote(&writer, 2);
    drop(writer);
    std::os::unix::fs::symlink(&blocked, &blocked).unwrap();
    assert!(changes.any().unwrap());
    assert_eq!(referred(&frozen, "house").unwrap(), 2);
}
