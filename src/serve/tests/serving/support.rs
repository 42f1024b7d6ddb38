//! A served model of the test's own: rows are weighed by a factor, and some values make it fail on purpose.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hpipe_core::{
    Input, ModelCard, ModelFiles, ModelLoader, PredictionFault, Predictor, Profile, Table, Type,
    Values,
};
use hpipe_serve::{Options, Server, Setup, StartError, Stopper, Told};
use hpipe_track::Ledger;
use hpipe_track::ledger::{NewRegistration, Promotion, Stage, StoredArtifact};
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::{ModelReference, Record, RecordedFile};
use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for what must come.
const WATCHDOG: Duration = Duration::from_secs(20);

/// A room whose value is this makes the model panic.
pub(crate) const PANICS: f64 = 13.5;

/// A room whose value is this is refused by the model.
pub(crate) const REFUSED: f64 = 14.5;

/// Weighs rows: `factor * rooms + age`, and 100 more at the coast.
struct Weigher {
    card: ModelCard,
    factor: f64,
}

impl Predictor for Weigher {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn profile(&self) -> Option<&Profile> {
        None
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        let [rooms, age, ocean, new] = rows.columns() else {
            panic!("four columns");
        };
        let (
            Values::Number(rooms),
            Values::Integer(age),
            Values::Text(ocean),
            Values::Boolean(new),
        ) = (&rooms.values, &age.values, &ocean.values, &new.values)
        else {
            panic!("of these types: {rows:?}");
        };
        let each = 0..rows.rows();
        each.map(|row| {
            let rooms = rooms[row].unwrap();
            assert!(rooms != PANICS, "as the test wants");
            if rooms == REFUSED {
                return Err(PredictionFault {
                    message: "no such room".into(),
                    help: "build one".into(),
                    column: Some("rooms".into()),
                    row: Some(row),
                });
            }
            let coast = if ocean[row].as_deref() == Some("NEAR BAY") {
                100.0
            } else {
                0.0
            };
            let new = if new[row] == Some(true) { 0.5 } else { 0.0 };
            Ok(self.factor * rooms + age[row].unwrap_or(0) as f64 + coast + new)
        })
        .collect()
    }
}

fn input(name: &str, kind: Type, nullable: bool) -> Input {
    Input {
        name: name.into(),
        kind,
        nullable,
        range: None,
        categories: Vec::new(),
        refuses_unseen: false,
    }
}

/// Makes weighers of a number in a file.
struct Scale;

impl ModelLoader for Scale {
    fn load(&self, files: ModelFiles<'_>) -> Result<Arc<dyn Predictor>, String> {
        let text = std::str::from_utf8(files.model).map_err(|error| error.to_string())?;
        let factor = text.parse().map_err(|_| format!("`{text}` is no weight"))?;
        let card = ModelCard {
            kind: "weigher".into(),
            target: "price".into(),
            inputs: vec![
                Input {
                    range: Some([0.0, 50.0]),
                    ..input("rooms", Type::Number, false)
                },
                input("age", Type::Integer, true),
                Input {
                    categories: vec!["INLAND".into(), "NEAR BAY".into()],
                    refuses_unseen: true,
                    ..input("ocean", Type::Text, false)
                },
                input("new", Type::Boolean, true),
            ],
            features: vec!["rooms".into()],
        };
        Ok(Arc::new(Weigher { card, factor }))
    }
}

/// A server of a model called `house`.
pub(crate) struct Served {
    root: TempDir,
    ledger: Arc<Ledger>,
    host: String,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
    told: Mutex<Receiver<String>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The predictions, which must be there.
    #[track_caller]
    pub(crate) fn predictions(&self) -> Vec<f64> {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        let predictions = body["predictions"].as_array().expect("predictions");
        predictions
            .iter()
            .map(|one| one.as_f64().expect("a number"))
            .collect()
    }
}

fn clock() -> hpipe_track::ledger::Clock {
    Arc::new(|| 1_000)
}

impl Served {
    /// Starts one with a version of factor 2 in Production.
    pub(crate) fn start(options: Options) -> Self {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("models"), clock()).unwrap();
        let ledger = Arc::new(ledger);
        register(&ledger, "2");
        promote(&ledger, 1);
        Self::of(root, ledger, options, |_| {})
    }

    /// Starts one whose version 1 is of factor 2 and in Production, 2 of 3, 3 of 4, as `arrange` has it.
    pub(crate) fn arranged(options: Options, arrange: impl FnOnce(&mut Setup)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("models"), clock()).unwrap();
        let ledger = Arc::new(ledger);
        for factor in ["2", "3", "4"] {
            register(&ledger, factor);
        }
        promote(&ledger, 1);
        Self::of(root, ledger, options, arrange)
    }

    /// Shows what binding a server comes to, that `arrange` has its way with.
    pub(crate) fn try_arranged(
        arrange: impl FnOnce(&mut Setup),
        show: impl FnOnce(Result<Server, StartError>),
    ) {
        let root = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&root.path().join("models"), clock()).unwrap();
        register(&ledger, "2");
        promote(&ledger, 1);
        let mut setup = Setup {
            ledger: Arc::new(ledger),
            model: ModelReference::parse("house").unwrap(),
            canaries: Vec::new(),
            shadow: None,
            token: None,
            tls: None,
            loader: Arc::new(Scale),
            log: None,
            options: Options::default(),
            clock: clock(),
            report: Box::new(|_| {}),
        };
        arrange(&mut setup);
        show(Server::bind(setup, "127.0.0.1", 0));
    }

    fn of(
        root: TempDir,
        ledger: Arc<Ledger>,
        options: Options,
        arrange: impl FnOnce(&mut Setup),
    ) -> Self {
        let (teller, told) = channel();
        let teller = Mutex::new(teller);
        let mut setup = Setup {
            ledger: ledger.clone(),
            model: ModelReference::parse("house").unwrap(),
            canaries: Vec::new(),
            shadow: None,
            token: None,
            tls: None,
            loader: Arc::new(Scale),
            log: Some(PredictionLog::open(&root.path().join("models")).unwrap()),
            options,
            clock: clock(),
            report: Box::new(move |told| {
                let text = match told {
                    Told::Swapped { from, to } => format!("{from} -> {to}"),
                    Told::Warning(text) => text.to_owned(),
                    Told::Removed { path, rows } => format!("removed {path}: {rows}"),
                    Told::Latency {
                        version,
                        route,
                        count,
                        quantiles,
                    } => {
                        assert!(quantiles.is_sorted() && quantiles[0] > 0.0, "{quantiles:?}");
                        format!("{version} {route} {count}")
                    }
                };
                let _ = teller.lock().unwrap().send(text); // the test may be over
            }),
        };
        arrange(&mut setup);
        let server = Server::bind(setup, "127.0.0.1", 0).unwrap();
        let host = server.address().to_string();
        let stopper = server.stopper();
        let thread = std::thread::spawn(move || server.run().unwrap());
        Self {
            root,
            ledger,
            host,
            stopper,
            thread: Some(thread),
            told: Mutex::new(told),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn root(&self) -> &std::path::Path {
        self.root.path()
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// What the server says next.
    #[track_caller]
    pub(crate) fn told(&self) -> String {
        let told = self.told.lock().unwrap();
        told.recv_timeout(WATCHDOG)
            .expect("the server says something")
    }

    /// A connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        stream
    }

    /// Sends these bytes and reads an answer.
    #[track_caller]
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read(&mut BufReader::new(stream))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes())
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.raw(&request(path, media_type, "", body))
    }

    /// Asks `/predict` with JSON.
    #[track_caller]
    pub(crate) fn predict(&self, body: &str) -> Answer {
        self.post("/predict", "application/json", body.as_bytes())
    }

    /// Lets it end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Ends it without waiting.
    pub(crate) fn begin_to_stop(&self) {
        self.stopper.stop();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The bytes of a request.
pub(crate) fn request(path: &str, media_type: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: {media_type}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Reads an answer off a connection.
#[track_caller]
pub(crate) fn read(stream: &mut BufReader<impl std::io::Read>) -> Answer {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a status");
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}"));
    let status = status.parse().unwrap();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer {
        status,
        headers,
        body: String::from_utf8(body).unwrap(),
    }
}

/// Registers a version whose model is this text.
pub(crate) fn register(ledger: &Ledger, model: &str) -> i64 {
    let mut incoming = ledger.receive_artifact().unwrap();
    incoming.write(model.as_bytes()).unwrap();
    let (digest, size) = incoming.finish().unwrap();
    let file = RecordedFile {
        role: "model".into(),
        path: "models/scale.txt".into(),
        digest,
        size,
        within: None,
        executable: false,
    };
    let files = vec![(file.stored_at(), StoredArtifact { digest, size })];
    let record = Record {
        name: "house".into(),
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
    ledger
        .write(move |change| change.register(&new))
        .unwrap()
        .version
}

/// Moves a version to Production, and those that stand there to the archive.
pub(crate) fn promote(ledger: &Ledger, version: i64) {
    let promotion = Promotion {
        archives_existing: true,
        ..Promotion::new("house", version, Stage::Production)
    };
    ledger
        .write(move |change| change.promote(&promotion))
        .unwrap();
}
