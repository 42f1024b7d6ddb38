//! The gate of latency: what is measured, when, and what becomes of a version that nobody could measure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hpipe_track::ledger::{
    Gauge, Ledger, NewRegistration, Promotion, Registered, Stage, StoredArtifact, VersionFiles,
};
use hpipe_track::registry::{Gates, Latency, Promote, Record, RecordedFile, Replay, Replayed};

use crate::support::ledger;

/// Says what it was told to say, and counts how often.
struct Told {
    answer: Result<f64, String>,
    asked: AtomicUsize,
}

impl Gauge for Told {
    fn latency(&self, files: &VersionFiles) -> Result<Latency, String> {
        assert_eq!(files.model, b"abc");
        self.asked.fetch_add(1, Ordering::Relaxed);
        let p99_ms = self.answer.clone()?;
        Ok(Latency {
            predictions: 1000,
            p50_ms: p99_ms / 2.0,
            p99_ms,
        })
    }

    fn replay(&self, _: &VersionFiles, _: &Record, _: Replay) -> Result<Replayed, String> {
        panic!("no gate asks for it");
    }
}

fn gauge(answer: Result<f64, &str>) -> Arc<Told> {
    Arc::new(Told {
        answer: answer.map_err(str::to_owned),
        asked: AtomicUsize::new(0),
    })
}

fn new(ledger: &Ledger, promote: Option<&str>, description: &str) -> NewRegistration {
    let mut incoming = ledger.receive_artifact().unwrap();
    incoming.write(b"abc").unwrap();
    let (digest, size) = incoming.finish().unwrap();
    let gates: Gates = serde_json::from_str(r#"{"latency": {"p99_ms": 5}}"#).unwrap();
    let record = Record {
        name: "house".to_owned(),
        description: Some(description.to_owned()),
        files: vec![RecordedFile {
            role: "model".to_owned(),
            path: "models/best.bin".to_owned(),
            digest,
            size,
            within: None,
            executable: false,
        }],
        promote: promote.map(|stage| Promote {
            stage: stage.to_owned(),
            archives_existing: true,
        }),
        gates: [("Production".to_owned(), gates)].into(),
        ..Record::default()
    };
    NewRegistration {
        text: String::from_utf8(record.to_bytes()).unwrap(),
        files: vec![(record.files[0].stored_at(), StoredArtifact { digest, size })],
        record,
        lineage: None,
        user: None,
        renews: false,
    }
}

fn told(registered: &Registered) -> (bool, String) {
    let promoted = registered.promoted.as_ref().expect("to be promoted");
    let messages = promoted.checks.iter().map(|check| check.message.as_str());
    (promoted.is_moved, messages.collect::<Vec<_>>().join("; "))
}

#[test]
fn a_version_within_its_budget_is_promoted_and_the_history_has_the_figures() {
    let (_root, ledger) = ledger();
    let gauge = gauge(Ok(0.25));
    let ledger = ledger.with_gauge(gauge.clone());
    let registered = ledger
        .register(new(&ledger, Some("Production"), "a"))
        .unwrap();
    let message = "p99 of one row 0.25 ms is at most 5 ms (1000 predictions)";
    assert_eq!(told(&registered), (true, message.to_owned()));
    let history = ledger.read(|records| records.model_history("house"));
    let moved = history.unwrap().pop().unwrap();
    let gates: serde_json::Value = serde_json::from_str(&moved.gates.unwrap()).unwrap();
    assert_eq!(
        gates[0],
        serde_json::json!({
            "gate": "latency", "what": "p99_ms", "value": 0.25, "bound": 5.0, "passed": true, "message": message
        })
    );
    // What has its version already is not measured again.
    ledger
        .register(new(&ledger, Some("Production"), "a"))
        .unwrap();
    assert_eq!(gauge.asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_version_that_is_too_slow_or_was_not_measured_stays_where_it_is() {
    for (answer, expect) in [
        (
            Some(Ok(7.5)),
            "p99 of one row 7.5 ms is above 5 ms (1000 predictions)",
        ),
        (
            Some(Err("it is no model")),
            "the latency of one row was not measured: it is no model",
        ),
        (
            None,
            "the latency of one row was not measured: nobody here can load models",
        ),
    ] {
        let (_root, ledger) = ledger();
        let ledger = match answer {
            Some(answer) => ledger.with_gauge(gauge(answer)),
            None => ledger,
        };
        let registered = ledger
            .register(new(&ledger, Some("Production"), "a"))
            .unwrap();
        assert_eq!(told(&registered), (false, expect.to_owned()));
        let forced = Promotion {
            is_forced: true,
            reason: Some("demo".to_owned()),
            ..Promotion::new("house", 1, Stage::Production)
        };
        assert!(ledger.promote(forced).unwrap().is_moved);
    }
}

/// Only gates of the stage that a version shall come into cost a measurement.
#[test]
fn nothing_is_measured_that_no_gate_asks_for() {
    let (_root, ledger) = ledger();
    let gauge = gauge(Ok(1.0));
    let ledger = ledger.with_gauge(gauge.clone());
    ledger.register(new(&ledger, None, "a")).unwrap();
    let to = |stage| ledger.promote(Promotion::new("house", 1, stage)).unwrap();
    assert!(to(Stage::Staging).is_moved);
    assert_eq!(gauge.asked.load(Ordering::Relaxed), 0);
    assert!(to(Stage::Production).is_moved);
    assert_eq!(gauge.asked.load(Ordering::Relaxed), 1);
}
