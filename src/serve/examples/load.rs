//! Measures serving on loopback: hpipe beside a bare axum handler that parses the same body and answers a constant.
//!
//! `cargo run --release -p hpipe-serve --example load [SECONDS]`. For benches/serve.sh it is the bare handler alone (`load bare`,
//! which says where it listens), and the client alone (`load ask HOST PATH BODY_FILE CONNECTIONS SECONDS`, which says what it
//! measured).
//! Server and clients share the machine, so that only the
//! ratios mean something; they come of one run, the two servers taking turns. The model is a sum of eight columns with
//! ranges: what is measured is serving (parsing, validation, metrics, log of predictions), not trees.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that may end with a panic"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hpipe_core::{
    Input, ModelCard, ModelFiles, ModelLoader, PredictionFault, Predictor, Profile, Table, Type,
    Values,
};
use hpipe_serve::{Options, Server, Setup};
use hpipe_track::Ledger;
use hpipe_track::ledger::{NewRegistration, StoredArtifact};
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::{ModelReference, Record, RecordedFile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const COLUMNS: [&str; 8] = [
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
];

const ROW: &str = r#"{"MedInc": 3.5214, "HouseAge": 28.0, "AveRooms": 5.4291, "AveBedrms": 1.0967, "Population": 1425.0, "AveOccup": 3.0707, "Latitude": 35.6319, "Longitude": -119.5697}"#;

struct Sum(ModelCard);

impl Predictor for Sum {
    fn card(&self) -> &ModelCard {
        &self.0
    }

    fn profile(&self) -> Option<&Profile> {
        None
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        let mut sums = vec![0.0; rows.rows()];
        for column in rows.columns() {
            let Values::Number(values) = &column.values else {
                continue;
            };
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value.unwrap_or(0.0);
            }
        }
        Ok(sums)
    }
}

struct Loader;

impl ModelLoader for Loader {
    fn load(&self, _: ModelFiles<'_>) -> Result<Arc<dyn Predictor>, String> {
        let input = |name: &&str| Input {
            name: (*name).to_owned(),
            kind: Type::Number,
            nullable: true,
            range: Some([-1e6, 1e6]),
            categories: Vec::new(),
            refuses_unseen: false,
        };
        Ok(Arc::new(Sum(ModelCard {
            kind: "sum".to_owned(),
            target: "price".to_owned(),
            inputs: COLUMNS.iter().map(input).collect(),
            features: Vec::new(),
        })))
    }
}

/// A server of ours, as `hpipe serve` starts it; says where it listens.
fn ours(folder: &std::path::Path) -> String {
    let clock: hpipe_track::ledger::Clock = Arc::new(|| 0);
    let ledger = Ledger::open(folder, clock.clone()).unwrap();
    let mut incoming = ledger.receive_artifact().unwrap();
    incoming.write(b"sum").unwrap();
    let (digest, size) = incoming.finish().unwrap();
    let file = RecordedFile {
        role: "model".to_owned(),
        path: "sum.bin".to_owned(),
        digest,
        size,
        within: None,
        executable: false,
    };
    let files = vec![(file.stored_at(), StoredArtifact { digest, size })];
    let record = Record {
        name: "sum".to_owned(),
        files: vec![file],
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
    ledger.write(move |change| change.register(&new)).unwrap();
    let setup = Setup {
        ledger: Arc::new(ledger),
        model: ModelReference::parse("sum@latest").unwrap(),
        canaries: Vec::new(),
        shadow: None,
        token: None,
        tls: None,
        loader: Arc::new(Loader),
        log: Some(PredictionLog::open(folder).unwrap()),
        options: Options::default(),
        clock,
        report: Box::new(|told| println!("{told:?}")),
    };
    let server = Server::bind(setup, "127.0.0.1", 0).unwrap();
    let host = server.address().to_string();
    std::thread::spawn(move || server.run());
    host
}

/// The limit: axum with as many threads, parsing the same body, answering a constant.
fn bare() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let handler = |body: axum::body::Bytes| async move {
                let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert!(parsed.is_object() || parsed.is_array());
                (
                    [("content-type", "application/json")],
                    r#"{"predictions":[4.2]}"#,
                )
            };
            let router = axum::Router::new().route("/predict", axum::routing::post(handler));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    host
}

/// Asks on one connection until the end, and says how long each answer took.
async fn ask(host: String, request: Arc<Vec<u8>>, end: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut took, mut buffer, mut filled) = (Vec::new(), vec![0; 1 << 20], 0);
    while Instant::now() < end {
        let began = Instant::now();
        stream.write_all(&request).await.unwrap();
        loop {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if is_whole(&buffer[..filled]) {
                break;
            }
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "refused");
        filled = 0;
        took.push(began.elapsed());
    }
    took
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
        return false;
    };
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    bytes.len() >= head + 4 + length.unwrap().parse::<usize>().unwrap()
}

/// What was measured.
struct Measured {
    count: usize,
    /// Requests per second.
    rate: f64,
    /// Microseconds.
    p50: u128,
    p99: u128,
}

fn measure(host: &str, path: &str, body: &str, connections: usize, time: Duration) -> Measured {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = Arc::new([head.as_bytes(), body.as_bytes()].concat());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let end = Instant::now() + time;
    let mut took = runtime.unwrap().block_on(async {
        let asking =
            (0..connections).map(|_| tokio::spawn(ask(host.to_owned(), request.clone(), end)));
        let asking: Vec<_> = asking.collect();
        let mut all = Vec::new();
        for one in asking {
            all.extend(one.await.unwrap());
        }
        all
    });
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_micros();
    Measured {
        count: took.len(),
        rate: took.len() as f64 / time.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare"] => {
            println!("http://{}", bare());
            loop {
                std::thread::park();
            }
        }
        ["ask", host, path, body, connections, seconds] => {
            let body = std::fs::read_to_string(body).unwrap();
            let time = Duration::from_secs(seconds.parse().unwrap());
            let Measured {
                count,
                rate,
                p50,
                p99,
            } = measure(host, path, &body, connections.parse().unwrap(), time);
            println!(r#"{{"count": {count}, "rate": {rate}, "p50": {p50}, "p99": {p99}}}"#);
        }
        [] => compare(Duration::from_secs(2)),
        [seconds] => compare(Duration::from_secs(seconds.parse().unwrap())),
        _ => panic!("load [SECONDS] | bare | ask HOST PATH BODY_FILE CONNECTIONS SECONDS"),
    }
}

/// Both servers in this process, taking turns.
fn compare(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let (ours, bare) = (ours(folder.path()), bare());
    let batch = format!("[{}]", vec![ROW; 1000].join(","));
    for (name, body, connections) in [
        ("one row, 1 connection", ROW, 1),
        ("one row, 32 connections", ROW, 32),
        ("1,000 rows, 1 connection", batch.as_str(), 1),
    ] {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let limit = measure(&bare, "/predict", body, connections, time);
            rounds.push((measure(&ours, "/predict", body, connections, time), limit));
        }
        rounds.sort_by(|(a, b), (c, d)| (a.rate / b.rate).total_cmp(&(c.rate / d.rate)));
        let (ours, limit) = &rounds[1];
        println!(
            "{name}: hpipe {:.0}/s p50 {} µs p99 {} µs; bare axum {:.0}/s p50 {} µs p99 {} µs; {:.0} %",
            ours.rate,
            ours.p50,
            ours.p99,
            limit.rate,
            limit.p50,
            limit.p99,
            100.0 * ours.rate / limit.rate
        );
    }
}
