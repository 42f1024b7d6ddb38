//! Promotions and rollbacks exchange the version that answers; no request fails, and no answer is of two versions.

use std::io::{BufReader, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use hpipe_serve::Options;
use hpipe_track::ledger::{Promotion, Stage};

use crate::support::{Served, promote, read, register, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;

#[test]
fn a_promotion_and_a_rollback_exchange_the_version() {
    let served = Served::start(Options::default());
    register(served.ledger(), "3");
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
    promote(served.ledger(), 2);
    assert_eq!(served.told(), "house/1 -> house/2");
    let answer = served.predict(ROW);
    assert_eq!(
        (
            answer.predictions(),
            answer.headers["x-model-version"].as_str()
        ),
        (vec![3.0], "2")
    );
    promote(served.ledger(), 1);
    assert_eq!(served.told(), "house/2 -> house/1");
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
    let text = served.get("/metrics").body;
    assert!(text.contains("\nhpipe_swaps_total 2\n"), "{text}");
    assert!(
        text.contains("hpipe_rows_total{model=\"house\",version=\"1\"} 2\n"),
        "{text}"
    );
}

/// Numbers are given anew once a model is deleted.
#[test]
fn another_model_of_the_same_number_takes_the_place_of_the_one_that_was_deleted() {
    let served = Served::start(Options::default());
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
    let deleted = served
        .ledger()
        .write(|change| change.delete_registered_model("house"));
    deleted.unwrap();
    assert!(served.told().starts_with("house/1 answers on: "));
    assert_eq!(register(served.ledger(), "5"), 1);
    promote(served.ledger(), 1);
    assert!(
        served.told().starts_with("house/1 "),
        "of the moment before, or exchanged"
    );
    while served.predict(ROW).predictions() != [5.0] {}
}

#[test]
fn a_version_that_cannot_be_loaded_leaves_the_one_before() {
    let served = Served::start(Options::default());
    register(served.ledger(), "no weight at all");
    promote(served.ledger(), 2);
    assert_eq!(
        served.told(),
        "house/1 answers on: failed to load house/2: `no weight at all` is no weight"
    );
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
    assert!(
        served
            .get("/metrics")
            .body
            .contains("\nhpipe_failed_swaps_total 1\n")
    );
    register(served.ledger(), "4");
    promote(served.ledger(), 3);
    assert_eq!(served.told(), "house/1 -> house/3");
    assert_eq!(served.predict(ROW).predictions(), [4.0]);
}

#[test]
fn a_model_damaged_on_disk_is_never_served() {
    let served = Served::start(Options::default());
    register(served.ledger(), "5");
    let objects = served.root().join("models/artifacts/objects-v1");
    for fan in std::fs::read_dir(objects).unwrap() {
        for object in std::fs::read_dir(fan.unwrap().path()).unwrap() {
            let object = object.unwrap().path();
            if std::fs::read(&object).unwrap() == b"5" {
                std::fs::remove_file(&object).unwrap();
                std::fs::write(&object, "6").unwrap();
            }
        }
    }
    promote(served.ledger(), 2);
    let told = served.told();
    assert!(told.contains("is missing or damaged"), "{told}");
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
}

#[test]
fn without_a_version_in_production_the_last_answers_on() {
    let served = Served::start(Options::default());
    let archive = Promotion::new("house", 1, Stage::Archived);
    let archived = served
        .ledger()
        .write(move |change| change.promote(&archive));
    assert!(archived.unwrap().is_moved);
    assert_eq!(
        served.told(),
        "house/1 answers on: no version of `house` is in Production"
    );
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
}

/// Asks until told to stop; every answer must be the one its version gives, for all rows.
fn ask_until(served: &Served, done: &AtomicBool) -> usize {
    let mut stream = BufReader::new(served.connect());
    let body = format!("[{}]", vec![ROW; 20].join(","));
    let whole = request("/predict", "application/json", "", body.as_bytes());
    let mut asked = 0;
    while !done.load(Ordering::Acquire) {
        stream.get_mut().write_all(&whole).unwrap();
        let answer = read(&mut stream);
        let factor = match answer.headers["x-model-version"].as_str() {
            "1" => 2.0,
            "2" => 3.0,
            other => panic!("no version {other}"),
        };
        assert_eq!(answer.predictions(), vec![factor; 20]);
        asked += 1;
    }
    asked
}

#[test]
fn no_request_fails_and_no_answer_is_of_two_versions() {
    let served = Served::start(Options::default());
    register(served.ledger(), "3");
    let done = AtomicBool::new(false);
    let asked: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| ask_until(&served, &done)))
            .collect();
        for round in 0..10 {
            promote(served.ledger(), 2 - round % 2);
            served.told();
        }
        done.store(true, Ordering::Release);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    assert!(asked > 10, "{asked}");
}
