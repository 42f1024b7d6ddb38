//! Several versions at once: shares of requests, always the same for the same key; and one that sees and is not heard.

use std::collections::BTreeSet;

use hpipe_serve::{Canary, Options, Setup};
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::ModelReference;
use serde_json::json;

use crate::support::{Served, promote, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;

fn reference(text: &str) -> ModelReference {
    ModelReference::parse(text).unwrap()
}

fn canary(text: &str, share: &str) -> Canary {
    Canary {
        model: reference(text),
        share: share.parse().unwrap(),
    }
}

fn sticky() -> Options {
    Options {
        sticky: Some("x-user-id".into()),
        ..Options::default()
    }
}

/// The version that answers a user, whose prediction must be that version's.
fn version_for(served: &Served, user: &str) -> String {
    let header = format!("X-User-Id: {user}\r\n");
    let answer = served.raw(&request(
        "/predict",
        "application/json",
        &header,
        ROW.as_bytes(),
    ));
    let version = answer.headers["x-model-version"].clone();
    let factor = match version.as_str() {
        "1" => 2.0,
        "2" => 3.0,
        "3" => 4.0,
        other => panic!("no version {other}"),
    };
    assert_eq!(answer.predictions(), [factor], "{user}");
    version
}

#[test]
fn a_canary_answers_its_share_and_always_the_same_users() {
    let arrange = |setup: &mut Setup| {
        setup.canaries = vec![canary("house/2", "30%"), canary("house/3", "10%")]
    };
    let served = Served::arranged(sticky(), arrange);
    let users: Vec<String> = (0..400).map(|user| format!("user-{user}")).collect();
    let ask = || {
        users
            .iter()
            .map(|user| version_for(&served, user))
            .collect::<Vec<_>>()
    };
    let first = ask();
    let count = |version: &str| first.iter().filter(|found| *found == version).count();
    let counts = ["1", "2", "3"].map(count);
    assert!(
        (200..280).contains(&counts[0])
            && (80..160).contains(&counts[1])
            && (20..65).contains(&counts[2]),
        "{counts:?}"
    );
    assert_eq!(ask(), first, "who is asked by a version stays with it");
    let other = Served::arranged(sticky(), |setup| {
        setup.canaries = vec![canary("house/2", "40%")]
    });
    let kept = users
        .iter()
        .zip(&first)
        .filter(|(_, version)| *version == "2");
    assert!(
        kept.clone()
            .all(|(user, _)| version_for(&other, user) == "2"),
        "also where the share grows"
    );
    // without a key each request is its own
    let answers: BTreeSet<String> = (0..100)
        .map(|_| served.predict(ROW).headers["x-model-version"].clone())
        .collect();
    assert!(answers.len() >= 2, "{answers:?}");
}

#[test]
fn versions_of_a_lineup_are_told_and_asked_by_their_numbers() {
    let arrange = |setup: &mut Setup| {
        setup.canaries = vec![canary("house/2", "25%")];
        setup.shadow = Some(reference("house/3"));
    };
    let served = Served::arranged(sticky(), arrange);
    let models = served.get("/models").json();
    let roles = models["models"].as_array().unwrap().iter();
    let roles: Vec<_> = roles
        .map(|model| json!([model["version"], model["role"], model["share"]]))
        .collect();
    assert_eq!(
        json!(roles),
        json!([
            ["1", "primary", 0.75],
            ["2", "canary", 0.25],
            ["3", "shadow", 0.0]
        ])
    );
    assert_eq!(
        served.get("/v2/models/house").json()["versions"],
        json!(["1", "2"])
    );
    let tensors = br#"{"inputs": [{"name": "rooms", "shape": [1], "datatype": "FP64", "data": [1]},
        {"name": "ocean", "shape": [1], "datatype": "BYTES", "data": ["INLAND"]}]}"#;
    let infer = |version: &str| {
        let path = format!("/v2/models/house/versions/{version}/infer");
        served.post(&path, "application/json", tensors)
    };
    assert_eq!(infer("2").json()["outputs"][0]["data"], json!([3.0]));
    let shadow = infer("3");
    assert_eq!(shadow.status, 404, "nobody hears a shadow: {shadow:?}");
    assert_eq!(
        shadow.json()["error"],
        "there is no model house, version 3 here; house/1, house/2 are served"
    );
    let text = served.get("/metrics").body;
    assert!(text.contains("role=\"canary\"} 0.25\n"), "{text}");
}

#[test]
fn a_shadow_is_logged_and_not_heard() {
    let mut served = Served::arranged(Options::default(), |setup| {
        setup.shadow = Some(reference("house/3"))
    });
    let own = "X-Request-Id: order-7\r\n";
    let rows = format!("[{ROW}, {ROW}]");
    let answer = served.raw(&request(
        "/predict",
        "application/json",
        own,
        rows.as_bytes(),
    ));
    assert_eq!(
        (
            answer.predictions(),
            answer.headers["x-model-version"].as_str()
        ),
        (vec![2.0, 2.0], "1")
    );
    assert_eq!(served.predict("{}").status, 422);
    let models = served.root().join("models");
    served.stop();
    let log = PredictionLog::open(&models).unwrap();
    let shadowed = log.shadowed("order-7").unwrap();
    assert_eq!(
        shadowed,
        [
            ("house".to_owned(), 3, Some(4.0)),
            ("house".to_owned(), 3, Some(4.0))
        ]
    );
    assert_eq!(log.shadowed("").unwrap(), []);
}

#[test]
fn each_of_a_lineup_is_exchanged() {
    let arrange = |setup: &mut Setup| {
        setup.canaries = vec![canary("house@latest", "100%")];
        setup.shadow = Some(reference("house@latest"));
    };
    let served = Served::arranged(Options::default(), arrange);
    assert_eq!(
        served.predict(ROW).predictions(),
        [4.0],
        "a canary may answer all"
    );
    crate::support::register(served.ledger(), "5");
    assert_eq!(served.told(), "house/3 -> house/4");
    assert_eq!(served.told(), "house/3 -> house/4", "the shadow, too");
    assert_eq!(served.predict(ROW).predictions(), [5.0]);
    promote(served.ledger(), 2);
    assert_eq!(served.told(), "house/1 -> house/2");
    crate::support::register(served.ledger(), "no weight");
    let told = served.told();
    assert!(
        told.starts_with("house/4 answers on: failed to load house/5: "),
        "{told}"
    );
    assert_eq!(served.predict(ROW).predictions(), [5.0]);
}

/// How long answers took is told when the server ends, and before that from time to time.
#[test]
fn latencies_are_told() {
    let options = Options {
        tell_latencies: Some(std::time::Duration::from_millis(1)),
        ..Options::default()
    };
    let served = Served::start(options);
    served.predict(ROW);
    assert_eq!(served.told(), "house/1 /predict 1");
    let mut last = Served::start(Options::default());
    last.predict(ROW);
    last.predict(ROW);
    last.stop();
    assert_eq!(last.told(), "house/1 /predict 2");
}
