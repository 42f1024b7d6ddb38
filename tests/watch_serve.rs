//! `hpipe watch --serve`: pipeline, server and monitor in one process, and the loop through all three.
#![cfg(feature = "ml")]

mod support;

use std::fmt::Write as _;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use support::{Live, Project, text};

/// A linear model of what is known and of what is new; each version goes to Production.
const PIPELINE: &str = "\
stages:
  join:
    cmd: '{ cat known.csv; tail -n +2 new.csv; } > all.csv'
    deps: [known.csv, new.csv]
    outs: [all.csv]
  ingest:
    uses: ingest
    with: {target: y, checks: {capped: {severity: off}}}
    deps: {table: all.csv}
    outs: {table: all.parquet}
  split:
    uses: split
    with: {fractions: {train: 0.6, validation: 0.2, test: 0.2}, seed: 1}
    deps: {table: all.parquet}
    outs: {train: train.parquet, validation: validation.parquet, test: test.parquet}
  train:
    uses: train
    with: {model: linear, target: y}
    deps: {train: train.parquet, validation: validation.parquet}
    outs: {model: model.safetensors}
  profile:
    uses: profile
    deps: {model: model.safetensors, train: train.parquet, validation: validation.parquet}
    outs: {profile: profile.json}
  register:
    uses: register
    with: {name: house, promote: Production}
    deps: {model: model.safetensors, profile: profile.json}
    outs: {record: registration.json}
  other:
    cmd: head -n 1 known.csv > names
    deps: [known.csv]
    outs: [names]
";

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// `x`, `z` and `y = 3x - z + shift` with noise.
    fn row(&mut self, shift: f64) -> [f64; 3] {
        let (x, z) = (self.unit(), self.unit());
        [
            x,
            z,
            3.0 * x - z + shift + (self.unit() + self.unit() - 1.0) / 5.0,
        ]
    }
}

fn project() -> Project {
    let mut random = Random(1);
    let mut known = "x,z,y\n".to_owned();
    for _ in 0..600 {
        let [x, z, y] = random.row(0.0);
        let _ = writeln!(known, "{x:.6},{z:.6},{y:.6}");
    }
    Project::with(&[
        ("pipeline.yaml", PIPELINE),
        ("known.csv", &known),
        ("new.csv", "x,z,y\n"),
        ("hpipe.toml", "[monitor]\nnew_rows = 'new.csv'\n"),
    ])
}

/// Posts rows under an id, and says what was predicted by which version.
fn predict(url: &str, id: &str, rows: &Value) -> (String, usize) {
    let body = rows.to_string();
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("it listens");
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {id}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let version = body["version"].to_string();
    (
        version,
        body["predictions"].as_array().expect("predictions").len(),
    )
}

/// Asks for the predictions of `count` rows of a world that has moved, and says later what became true.
fn answer_and_join(project: &Project, url: &str, count: usize) {
    let mut random = Random(2);
    let rows: Vec<_> = (0..count).map(|_| random.row(0.6)).collect();
    let asked = rows
        .iter()
        .map(|[x, z, _]| json!({"x": x, "z": z}))
        .collect();
    assert_eq!(predict(url, "a", &Value::Array(asked)).1, count);
    let mut truth = "id,row,y\n".to_owned();
    for (row, [_, _, y]) in rows.iter().enumerate() {
        let _ = writeln!(truth, "a,{row},{y:.6}");
    }
    project.write("truth.csv", &truth);
    // the log is written five times a second
    for _ in 0..500 {
        let joined = project
            .hpipe(["predictions", "join", "truth.csv", "--json"])
            .output();
        let joined = joined.expect("hpipe starts");
        let said: Value = serde_json::from_slice(&joined.stdout).unwrap_or_default();
        if said["matched"] == count {
            return;
        }
    }
    panic!("what was answered was never logged");
}

#[test]
fn drift_of_what_is_served_trains_and_exchanges_the_model() {
    let project = project();
    let words = ["watch", "--serve", "--port", "0", "--json"];
    let mut live = Live::start(&mut project.hpipe(words));
    let (_, serving) = live.until("serving");
    assert_eq!(serving["model"], "house/1", "{serving}");
    let url = text(&serving["url"]).to_owned();
    answer_and_join(&project, &url, 200);
    let (_, alerts) = live.until("alerts");
    assert_eq!(
        (&alerts["model"], &alerts["status"]),
        (&json!("house/1"), &json!("critical"))
    );
    let (before, woke) = live.until("woke");
    assert_eq!(woke["paths"], json!(["new.csv"]), "{before:?}");
    let (round, swapped) = live.until("swapped");
    assert_eq!(
        (&swapped["from"], &swapped["to"]),
        (&json!("house/1"), &json!("house/2"))
    );
    let started: Vec<_> = round
        .iter()
        .filter(|event| event["event"] == "stage_started")
        .map(|event| text(&event["stage"]))
        .collect();
    assert_eq!(
        started,
        ["join", "ingest", "split", "train", "profile", "register"]
    );
    assert_eq!(project.read("new.csv").lines().count(), 201);
    predict(&url, "b", &json!([{"x": 0.5, "z": 0.5}]));
    live.signal(Signal::INT);
    let (status, events) = live.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
    TcpStream::connect(url.trim_start_matches("http://")).expect_err("nobody listens any more");
    let listed = project
        .hpipe(["runs", "list", "--json"])
        .output()
        .expect("hpipe starts");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("house/1 what became true"), "{listed}");
}

/// Nobody waits for whom: a pipeline that fails has no server yet, and Ctrl-C ends both.
#[test]
fn without_a_version_nothing_is_served_and_the_pipeline_goes_on() {
    let project = project();
    project.edit(
        "pipeline.yaml",
        "head -n 1 known.csv > names",
        "cat nothing > names",
    );
    project.edit(
        "pipeline.yaml",
        "uses: register\n    with: {name: house, promote: Production}",
        "uses: register\n    with: {name: house}",
    );
    let words = ["watch", "--serve", "--port", "0", "--json", "-k"];
    let mut live = Live::start(&mut project.hpipe(words));
    let (before, _) = live.until("watching");
    assert!(
        !before.iter().any(|event| event["event"] == "serving"),
        "{before:?}"
    );
    let promote = project
        .hpipe(["models", "promote", "house/1", "Production"])
        .output();
    assert!(promote.expect("hpipe starts").status.success());
    let (_, serving) = live.until("serving");
    assert_eq!(serving["model"], "house/1");
    live.signal(Signal::INT);
    let (status, events) = live.finish();
    assert_eq!(status.code(), Some(130), "{events:#?}");
}

/// A port that is taken ends all at once, and says why.
#[test]
fn a_port_that_is_taken_ends_all() {
    let project = project();
    project.repro([]).done();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let ended = project
        .hpipe(["watch", "--serve", "--port", &port])
        .output()
        .expect("hpipe starts");
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("failed to listen on 127.0.0.1"), "{said}");
}

/// Reports every few hundred rows do not make the watch forget: batches are numbered on, and what was told is told again only after
/// the cooldown.
#[test]
fn a_watch_goes_on_after_each_of_its_reports() {
    let project = project();
    project.remove("hpipe.toml");
    let words = ["watch", "--serve", "--port", "0", "--json"];
    let mut live = Live::start(&mut project.hpipe(words));
    let (_, serving) = live.until("serving");
    let url = text(&serving["url"]).to_owned();
    let mut random = Random(2);
    let rows = (0..300).map(|_| random.row(0.0));
    let moved = rows
        .map(|[x, z, _]| json!({"x": x + 0.6, "z": z}))
        .collect();
    predict(&url, "a", &Value::Array(moved));
    let mut told = Vec::new();
    while told.last().is_none_or(|batch| *batch < 20) {
        told.push(live.until("batch").1["batch"].as_u64().expect("a number"));
    }
    assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
    assert!(
        told.len() < 12,
        "told again only after ten batches: {told:?}"
    );
    live.signal(Signal::INT);
    assert_eq!(live.finish().0.code(), Some(130));
    let listed = project.hpipe(["runs", "list", "--json"]).output();
    let listed = listed.expect("hpipe starts").stdout;
    let reports = String::from_utf8_lossy(&listed)
        .matches("house/1 what was answered")
        .count();
    assert!(reports > 1, "{reports} reports");
}

/// Takes messages, each answered with the next of these statuses; says how many there were, and what the last one told.
fn webhook(statuses: Vec<u16>) -> (String, std::thread::JoinHandle<Vec<Value>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("an address"));
    let heard = std::thread::spawn(move || {
        let take = |status: u16| {
            let (mut stream, _) = listener.accept().expect("a message");
            let mut reader = std::io::BufReader::new(stream.try_clone().expect("a stream"));
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                let line = line.trim().to_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("answered");
            serde_json::from_slice(&body).expect("JSON")
        };
        statuses.into_iter().map(take).collect()
    });
    (url, heard)
}

/// Whoever watches every hour is told once, and again when it gets worse, when long enough has passed, or when no message arrived.
#[test]
fn alerts_are_not_posted_again_by_the_next_command() {
    let project = project();
    project.remove("hpipe.toml");
    project.repro([]).done();
    let table = |name: &str, shift: f64| {
        let mut random = Random(3);
        let mut rows = "x,z,y\n".to_owned();
        for _ in 0..200 {
            let [x, z, y] = random.row(0.0);
            let _ = writeln!(rows, "{:.6},{z:.6},{y:.6}", x + shift);
        }
        project.write(name, &rows);
    };
    table("drifted.csv", 0.6);
    let (url, heard) = webhook(vec![404, 200, 200]);
    let monitor = |more: &[&str]| {
        let words = ["monitor", "drifted.csv", "--no-log", "--webhook", &url];
        let output = project.hpipe(words).args(more).output();
        let output = output.expect("hpipe starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let refused = monitor(&[]);
    assert!(refused.contains("no alert was posted"), "{refused}");
    assert_eq!(monitor(&[]), "", "what did not arrive is posted again");
    let again = monitor(&["--fail-on", "critical"]);
    assert!(
        again.contains("not posted again: the webhook was told less than 4h ago"),
        "{again}"
    );
    assert_eq!(monitor(&["--webhook-cooldown", "0"]), "");
    let heard = heard.join().expect("no panic");
    let alerts: Vec<_> = heard.iter().map(|message| &message["alerts"]).collect();
    assert_eq!(alerts[1], alerts[2]);
    assert_eq!(alerts[1], alerts[0]);
}
