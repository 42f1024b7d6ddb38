//! Versions registered with a record: made once, promoted through gates, rolled back, deleted; never out of the history.

use hpipe_core::Digest;
use hpipe_track::ledger::{
    Ledger, NewModelVersion, NewRegistration, Promotion, Refusal, Registered, Result, Stage,
    StoredArtifact,
};
use hpipe_track::registry::{DataUsed, Gates, Promote, Record, RecordedFile};

use crate::support::{ledger, said};

fn record(rmse: f64) -> Record {
    let gates = r#"{"metrics": {"rmse": {"max": 1}}, "not_worse": [{"metric": "rmse"}]}"#;
    let gates: Gates = serde_json::from_str(gates).unwrap();
    Record {
        name: "house".to_owned(),
        aliases: vec!["newest".to_owned()],
        tags: [("kind".to_owned(), "tree".to_owned())].into(),
        files: vec![RecordedFile {
            role: "model".to_owned(),
            path: "models/best.bin".to_owned(),
            digest: Digest::blake3([1; 32]),
            size: 3,
            within: None,
            executable: false,
        }],
        data: vec![DataUsed {
            path: "test.csv".to_owned(),
            digest: Digest::blake3([2; 32]),
        }],
        metrics: [("rmse".to_owned(), rmse)].into(),
        promote: Some(Promote {
            stage: "Production".to_owned(),
            archives_existing: true,
        }),
        gates: [("Production".to_owned(), gates)].into(),
        ..Record::default()
    }
}

fn new(ledger: &Ledger, record: Record) -> NewRegistration {
    let mut incoming = ledger.receive_artifact().unwrap();
    incoming.write(b"abc").unwrap();
    let (digest, size) = incoming.finish().unwrap();
    NewRegistration {
        text: String::from_utf8(record.to_bytes()).unwrap(),
        files: vec![(record.files[0].stored_at(), StoredArtifact { digest, size })],
        record,
        lineage: None,
        user: Some("ann".to_owned()),
        renews: false,
    }
}

fn register(ledger: &Ledger, rmse: f64) -> Registered {
    let new = new(ledger, record(rmse));
    ledger.write(move |change| change.register(&new)).unwrap()
}

fn standing(ledger: &Ledger) -> String {
    let versions = ledger
        .read(|records| records.model_versions("house"))
        .unwrap();
    let told = versions
        .iter()
        .map(|found| format!("{} {}", found.version, found.stage));
    told.collect::<Vec<_>>().join(", ")
}

fn roll_back(ledger: &Ledger) -> Result<i64> {
    let back = |change: &hpipe_track::ledger::Change<'_>| {
        change.roll_back("house", &Stage::Production, Some("ben"), Some("slow"))
    };
    ledger.write(back).map(|done| done.version)
}

#[test]
fn a_record_is_registered_once_and_promoted_if_its_gates_pass() {
    let (_root, ledger) = ledger();
    let first = register(&ledger, 0.5);
    assert!(first.is_new && first.promoted.as_ref().unwrap().is_moved);
    let again = register(&ledger, 0.5);
    assert_eq!(
        (again.version, again.is_new, again.promoted),
        (1, false, None)
    );
    let worse = register(&ledger, 0.6).promoted.unwrap();
    assert!(!worse.is_moved && worse.archived.is_empty());
    let failed: Vec<_> = worse.checks.iter().map(|check| check.passed).collect();
    assert_eq!(failed, [true, false]);
    let better = register(&ledger, 0.4).promoted.unwrap();
    assert_eq!((better.is_moved, better.archived), (true, vec![1]));
    assert_eq!(standing(&ledger), "1 Archived, 2 None, 3 Production");
    let found = ledger
        .read(|records| records.version_by_alias("house", "newest"))
        .unwrap();
    assert_eq!((found.version, found.tags[0].value.as_str()), (3, "tree"));
    let known = ledger
        .read(|records| records.registration("house", 2))
        .unwrap()
        .unwrap();
    assert_eq!(known.record, record(0.6));
    let uri = ledger
        .read(|records| records.download_uri("house", 2))
        .unwrap();
    let folder = uri.strip_prefix("mlflow-artifacts:/").unwrap();
    let (_, size) = ledger
        .open_artifact(&format!("{folder}/hpipe/model/best.bin"))
        .unwrap();
    assert_eq!(size, 3);
}

#[test]
fn the_history_keeps_what_gates_said_also_when_they_refused() {
    let (_root, ledger) = ledger();
    register(&ledger, 0.5);
    register(&ledger, 0.6);
    let history = ledger
        .read(|records| records.model_history("house"))
        .unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|event| (event.version, event.event.as_str(), event.gates.is_some()))
        .collect();
    let expect = [
        (1, "created", false),
        (1, "moved", true),
        (2, "created", false),
        (2, "refused", true),
    ];
    assert_eq!(told, expect);
    assert!(
        history[3]
            .gates
            .as_ref()
            .unwrap()
            .contains(r#""value":0.6"#)
    );
}

#[test]
fn each_way_back_is_one_step_further() {
    let (_root, ledger) = ledger();
    for rmse in [0.5, 0.4, 0.3] {
        register(&ledger, rmse);
    }
    assert_eq!(roll_back(&ledger).unwrap(), 2);
    assert_eq!(standing(&ledger), "1 Archived, 2 Production, 3 Archived");
    assert_eq!(roll_back(&ledger).unwrap(), 1);
    assert!(said(roll_back(&ledger)).contains("no other version"));
    assert_eq!(
        standing(&ledger),
        "1 Production, 2 Archived, 3 Archived",
        "nothing is half done"
    );
    register(&ledger, 0.2);
    assert_eq!(
        roll_back(&ledger).unwrap(),
        1,
        "who was rolled back from is not come back to"
    );
    let history = ledger
        .read(|records| records.model_history("house"))
        .unwrap();
    let last = history.last().unwrap();
    let told = (
        last.event.as_str(),
        last.user.as_deref(),
        last.reason.as_deref(),
    );
    assert_eq!(told, ("rolled_back", Some("ben"), Some("slow")));
}

fn promote(ledger: &Ledger, version: i64, archives_existing: bool) {
    let promotion = Promotion {
        archives_existing,
        is_forced: true,
        reason: Some("a test".to_owned()),
        ..Promotion::new("house", version, Stage::Production)
    };
    let promoted = ledger.write(move |change| change.promote(&promotion));
    assert!(promoted.unwrap().is_moved);
}

#[test]
fn a_way_back_leaves_those_who_were_not_archived() {
    let (_root, ledger) = ledger();
    for rmse in [0.5, 0.6, 0.7, 0.8] {
        register(&ledger, rmse);
    }
    promote(&ledger, 2, false);
    promote(&ledger, 3, false);
    assert_eq!(roll_back(&ledger).unwrap(), 2, "the last that came leaves");
    assert_eq!(
        standing(&ledger),
        "1 Production, 2 Production, 3 Archived, 4 None"
    );
    promote(&ledger, 4, false);
    assert_eq!(roll_back(&ledger).unwrap(), 2, "3 was rolled back from");
    assert_eq!(roll_back(&ledger).unwrap(), 1);
    assert_eq!(
        standing(&ledger),
        "1 Production, 2 Archived, 3 Archived, 4 Archived"
    );
    assert!(said(roll_back(&ledger)).contains("no other version"));
    let tenures = ledger.read(|records| records.tenures("house")).unwrap();
    let of_first: Vec<_> = tenures
        .iter()
        .filter(|tenure| tenure.version == 1)
        .collect();
    assert_eq!(of_first.len(), 1, "it never left: {tenures:?}");
    assert_eq!(of_first[0].to, None);
}

#[test]
fn who_stands_there_again_came_last() {
    let (_root, ledger) = ledger();
    for rmse in [0.5, 0.6] {
        register(&ledger, rmse);
    }
    promote(&ledger, 2, true);
    promote(&ledger, 1, false);
    assert_eq!(standing(&ledger), "1 Production, 2 Production");
    assert_eq!(roll_back(&ledger).unwrap(), 2);
    assert_eq!(standing(&ledger), "1 Archived, 2 Production");
    assert_eq!(roll_back(&ledger).unwrap(), 1);
    assert_eq!(standing(&ledger), "1 Production, 2 Archived");
}

#[test]
fn a_way_back_passes_over_who_was_deleted() {
    let (_root, ledger) = ledger();
    for rmse in [0.5, 0.4, 0.3] {
        register(&ledger, rmse);
    }
    ledger
        .write(|change| change.delete_model_version("house", 2))
        .unwrap();
    assert_eq!(roll_back(&ledger).unwrap(), 1);
}

#[test]
fn gates_are_overruled_for_a_reason_alone() {
    let (_root, ledger) = ledger();
    register(&ledger, 0.5);
    register(&ledger, 0.6);
    let forced = Promotion {
        is_forced: true,
        ..Promotion::new("house", 2, Stage::Production)
    };
    let reasoned = Promotion {
        reason: Some("demo".to_owned()),
        ..forced.clone()
    };
    let refused = ledger
        .write(move |change| change.promote(&forced))
        .unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Invalid));
    assert!(
        ledger
            .write(move |change| change.promote(&reasoned))
            .unwrap()
            .is_moved
    );
    let history = ledger
        .read(|records| records.model_history("house"))
        .unwrap();
    assert!(history.last().unwrap().is_forced);
    assert_eq!(standing(&ledger), "1 Production, 2 Production");
}

/// A client that makes a version of the same bytes goes around no gate.
#[test]
fn what_has_no_record_passes_no_gate() {
    let (_root, ledger) = ledger();
    let made = |ledger: &Ledger| {
        let new = NewModelVersion {
            name: "house".to_owned(),
            source: "mlflow-artifacts:/registry/1/1".to_owned(),
            ..NewModelVersion::default()
        };
        let made = ledger.write(move |change| change.create_model_version(&new));
        made.unwrap().version
    };
    register(&ledger, 2.0);
    let version = made(&ledger);
    let judged = |stage: Stage| ledger.judge("house", version, &stage);
    let checks = judged(Stage::Production).unwrap();
    let told: Vec<_> = checks
        .iter()
        .map(|check| (check.passed, check.message.as_str()))
        .collect();
    assert_eq!(told, [(false, "nothing is recorded of this version")]);
    assert_eq!(judged(Stage::Staging).unwrap(), [], "there is no gate");
    let promotion = Promotion::new("house", version, Stage::Production);
    let promoted = ledger.write(move |change| change.promote(&promotion));
    assert!(!promoted.unwrap().is_moved);
    assert_eq!(standing(&ledger), "1 None, 2 None");
}

#[test]
fn who_stood_where_is_told_from_when_to_when() {
    let (_root, ledger) = ledger();
    register(&ledger, 0.5);
    register(&ledger, 0.6);
    register(&ledger, 0.4);
    let tenures = ledger.read(|records| records.tenures("house")).unwrap();
    let told = tenures.iter().map(|tenure| {
        let until = if tenure.to.is_some() { "then" } else { "now" };
        format!("{} {} until {until}", tenure.version, tenure.stage)
    });
    let told = told.collect::<Vec<_>>().join("; ");
    assert_eq!(
        told,
        "1 Production until then; 1 Archived until now; 3 Production until now"
    );
    assert_eq!(tenures[0].to, Some(tenures[1].from));
}

#[test]
fn what_was_deleted_comes_back_only_on_demand() {
    let (_root, ledger) = ledger();
    register(&ledger, 0.5);
    ledger
        .write(|change| change.delete_model_version("house", 1))
        .unwrap();
    let again = register(&ledger, 0.5);
    assert_eq!(
        (again.version, again.is_new, again.is_deleted),
        (1, false, true)
    );
    assert!(
        said(ledger.open_artifact("registry/1/1/hpipe/model/best.bin"))
            .contains("No such artifact")
    );
    let renewed = NewRegistration {
        renews: true,
        ..new(&ledger, record(0.5))
    };
    let renewed = ledger
        .write(move |change| change.register(&renewed))
        .unwrap();
    assert_eq!((renewed.version, renewed.is_new), (2, true));
    assert_eq!(register(&ledger, 0.5).version, 2);
}

#[test]
fn a_damaged_record_is_told() {
    let (root, ledger) = ledger();
    register(&ledger, 0.5);
    let raw = rusqlite::Connection::open(root.path().join("models/track.db")).unwrap();
    raw.execute("UPDATE registrations SET record = '{\"format\": \"hpi'", [])
        .unwrap();
    let error = ledger
        .read(|records| records.registration("house", 1))
        .unwrap_err();
    assert_eq!(error.code(), hpipe_core::Code::BadRecords);
    assert!(error.to_string().contains("house/1"), "{error}");
}
