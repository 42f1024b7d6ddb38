//! No client takes everything: limits, slow clients, idle connections, and the end.

use std::io::{BufReader, Read as _, Write as _};
use std::time::Duration;

use hpipe_serve::{Limits, Options};

use crate::support::{Served, read, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;

fn limited(limits: Limits) -> Served {
    Served::start(Options {
        limits,
        ..Options::default()
    })
}

#[test]
fn bodies_and_rows_are_limited() {
    let served = limited(Limits {
        body: 200,
        rows: 3,
        ..Limits::default()
    });
    let rows = |n: usize| format!("[{}]", vec![ROW; n].join(","));
    assert_eq!(served.predict(&rows(3)).predictions().len(), 3);
    let many = served.predict(&rows(4));
    assert_eq!(
        (many.status, many.json()["detail"][0]["type"].as_str()),
        (413, Some("too_many_rows"))
    );
    let columns =
        r#"{"inputs": {"rooms": [1, 2, 3, 4], "ocean": ["INLAND", "INLAND", "INLAND", "INLAND"]}}"#;
    assert_eq!(served.predict(columns).status, 413);
    assert_eq!(
        served
            .post("/predict", "text/csv", b"rooms\n1\n1\n1\n1\n")
            .status,
        413
    );
    assert_eq!(served.predict(&" ".repeat(201)).status, 413);
    // Nobody need send what is refused by its length alone.
    let huge =
        served.raw(b"POST /predict HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n");
    assert_eq!(huge.status, 413);
    let chunk = format!("64\r\n{}\r\n", " ".repeat(100)).repeat(3);
    let head = "POST /predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        served
            .raw(format!("{head}{chunk}0\r\n\r\n").as_bytes())
            .status,
        413
    );
}

#[test]
fn a_body_in_pieces_is_whole() {
    let served = limited(Limits::default());
    let pieces: String = ROW
        .as_bytes()
        .chunks(5)
        .map(|piece| {
            format!(
                "{:x}\r\n{}\r\n",
                piece.len(),
                std::str::from_utf8(piece).unwrap()
            )
        })
        .collect();
    let head = "POST /predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = served.raw(format!("{head}{pieces}0\r\n\r\n").as_bytes());
    assert_eq!(answer.predictions(), [2.0]);
}

#[test]
fn a_slow_body_is_given_up() {
    let served = limited(Limits {
        time: Duration::from_millis(100),
        ..Limits::default()
    });
    let whole = request("/predict", "application/json", "", ROW.as_bytes());
    let answer = served.raw(&whole[..whole.len() - 1]);
    assert_eq!(
        (answer.status, answer.json()["detail"][0]["type"].as_str()),
        (408, Some("timeout"))
    );
}

#[test]
fn a_slow_head_is_given_up() {
    let served = limited(Limits {
        idle: Duration::from_millis(100),
        ..Limits::default()
    });
    let mut stream = served.connect();
    stream.write_all(b"POST /predict HTTP/1.1\r\nHo").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the connection ends");
}

/// The head and the body of a request whose client waits to be asked for the body.
fn expecting(body: &str) -> (Vec<u8>, Vec<u8>) {
    let expect = "Expect: 100-continue\r\n";
    let mut head = request("/predict", "application/json", expect, body.as_bytes());
    let body = head.split_off(head.len() - body.len());
    (head, body)
}

#[test]
fn more_requests_than_permitted_are_told_to_come_again() {
    let served = limited(Limits {
        requests: 1,
        ..Limits::default()
    });
    // a small body that does not come keeps nobody out
    let (head, _) = expecting(ROW);
    let mut slow = served.connect();
    slow.write_all(&head).unwrap();
    assert_eq!(
        read(&mut BufReader::new(slow.try_clone().unwrap())).status,
        100
    );
    assert_eq!(served.predict(ROW).status, 200);
    let (head, body) = expecting(&format!("{ROW}{}", " ".repeat(9000)));
    let mut first = served.connect();
    first.write_all(&head).unwrap();
    let mut first = BufReader::new(first);
    assert_eq!(
        read(&mut first).status,
        100,
        "it is read, so it is worked on"
    );
    let second = served.predict(ROW);
    assert_eq!(
        (second.status, second.headers["retry-after"].as_str()),
        (503, "1")
    );
    assert_eq!(served.get("/readyz").status, 200);
    first.get_mut().write_all(&body).unwrap();
    assert_eq!(read(&mut first).predictions(), [2.0]);
    assert_eq!(served.predict(ROW).status, 200);
}

#[test]
fn a_thousand_idle_connections_keep_nobody_from_asking() {
    let served = limited(Limits::default());
    let mut idle: Vec<_> = (0..1000).map(|_| served.connect()).collect();
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
    let mut late = idle.pop().expect("one of them");
    late.write_all(&request("/predict", "application/json", "", ROW.as_bytes()))
        .unwrap();
    assert_eq!(read(&mut BufReader::new(late)).predictions(), [2.0]);
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let served = limited(Limits {
        requests: 1,
        ..Limits::default()
    });
    let whole = request("/predict", "application/json", "", ROW.as_bytes());
    for cut in [10, whole.len() - 3, whole.len()] {
        let mut stream = served.connect();
        stream.write_all(&whole[..cut]).unwrap();
    }
    // Each may still be worked on for a moment, but for no longer.
    let answered = (0..10_000).any(|_| served.predict(ROW).status == 200);
    assert!(answered);
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let mut served = limited(Limits::default());
    let (head, body) = expecting(ROW);
    let mut under_way = BufReader::new(served.connect());
    under_way.get_mut().write_all(&head).unwrap();
    assert_eq!(read(&mut under_way).status, 100);
    let mut idle = served.connect();
    served.begin_to_stop();
    let mut rest = Vec::new();
    // reset where nobody had accepted it yet
    match idle.read_to_end(&mut rest) {
        Ok(_) => assert_eq!(rest, b""),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    under_way.get_mut().write_all(&body).unwrap();
    let answer = read(&mut under_way);
    assert_eq!(answer.predictions(), [2.0]);
    served.stop();
}

/// Who asks and never reads fills what is between, and then must not hold the server's memory for ever.
#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let served = limited(Limits {
        idle: Duration::from_millis(200),
        ..Limits::default()
    });
    // each of a hundred warnings is longer than the row it is about
    let rows = vec![r#"{"rooms": 99, "ocean": "INLAND"}"#; 100].join(",");
    let asking = request(
        "/predict",
        "application/json",
        "",
        format!("[{rows}]").as_bytes(),
    );
    let mut deaf = served.connect();
    let watchdog = Duration::from_secs(20);
    deaf.set_write_timeout(Some(watchdog)).unwrap();
    let ended = loop {
        if let Err(error) = deaf.write_all(&asking) {
            break error.kind();
        }
    };
    let closed = [
        std::io::ErrorKind::ConnectionReset,
        std::io::ErrorKind::BrokenPipe,
    ];
    assert!(closed.contains(&ended), "{ended:?}");
    assert_eq!(served.predict(ROW).predictions(), [2.0]);
}

/// Columns of values count as rows of values do.
#[test]
fn rows_in_columns_and_tensors_are_limited() {
    let served = limited(Limits {
        rows: 2,
        ..Limits::default()
    });
    let tensor = |rows: usize| {
        let ones = vec!["1"; rows].join(",");
        format!(
            r#"{{"inputs": [{{"name": "rooms", "shape": [{rows}], "datatype": "FP64", "data": [{ones}]}}]}}"#
        )
    };
    let infer = |rows| {
        let path = "/v2/models/house/infer";
        served
            .post(path, "application/json", tensor(rows).as_bytes())
            .status
    };
    assert_eq!((infer(2), infer(3)), (400, 413));
    let late =
        r#"{"data": [[1, "INLAND"], [1, "INLAND"], [1, "INLAND"]], "columns": ["rooms", "ocean"]}"#;
    assert_eq!(served.predict(late).status, 413);
}
