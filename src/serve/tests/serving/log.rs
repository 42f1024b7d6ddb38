//! What was answered is in the log once the server has ended, whoever asked how.

use hpipe_serve::Options;
use hpipe_track::predictions::{Joined, PredictionLog, Truth};

use crate::support::{Served, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;

#[test]
fn every_answered_row_is_logged_and_no_other() {
    let mut served = Served::start(Options::default());
    let own = "X-Request-Id: order-7\r\n";
    let three = format!("[{ROW}, {ROW}, {ROW}]");
    served
        .raw(&request(
            "/predict",
            "application/json",
            own,
            three.as_bytes(),
        ))
        .predictions();
    let id = served.predict(ROW).headers["x-request-id"].clone();
    assert_eq!(served.predict("{}").status, 422);
    let models = served.root().join("models");
    served.stop();
    let mut log = PredictionLog::open(&models).unwrap();
    assert_eq!(log.target().unwrap().as_deref(), Some("price"));
    let truth = |request: &str, row| Truth {
        request: request.to_owned(),
        row,
        value: 3.0,
    };
    let truths = [
        truth("order-7", 0),
        truth("order-7", 2),
        truth("order-7", 3),
        truth(&id, 0),
    ];
    let expect = Joined {
        matched: 3,
        unknown: 1,
        ..Joined::default()
    };
    let mut join = log.join().unwrap();
    join.add(&truths).unwrap();
    assert_eq!(join.finish(false).unwrap(), expect);
}
