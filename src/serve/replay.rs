//! Rows asked over HTTP of a version that nobody serves yet: whether they are answered with the bits that it predicts.
//!
//! The version is served as `hpipe serve` does, on a free port of the loopback, and asked by a client of our own: each row
//! alone, then all of them together. What it is held against is the same model asked for the whole table at once, without
//! HTTP or JSON.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use hpipe_core::{Column, Input, ModelCard, ModelLoader, Table, Values, predict_valid};
use hpipe_track::ledger::VersionFiles;
use hpipe_track::registry::Replayed;
use serde_json::{Map, Value, json};

use crate::listen::{Server, Stopper};
use crate::options::{Limits, Options, Treatment};
use crate::source::Loaded;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows that are asked together.
const TOGETHER: usize = 1000;

/// Serves a version and asks it for every row of a table that has the model's columns, and maybe others.
///
/// # Errors
/// Why that cannot be done: one lowercase fragment. A model that panics is told, too: whoever promotes may be a server.
pub fn replay(
    loader: &Arc<dyn ModelLoader>,
    files: &VersionFiles,
    rows: &Table,
) -> Result<Replayed, String> {
    let replay = std::panic::AssertUnwindSafe(|| replayed(loader, files, rows));
    std::panic::catch_unwind(replay)
        .unwrap_or_else(|_| Err("the model panicked: this is a bug in hpipe".to_owned()))
}

fn replayed(
    loader: &Arc<dyn ModelLoader>,
    files: &VersionFiles,
    rows: &Table,
) -> Result<Replayed, String> {
    let predictor = Loaded::new(files, &**loader)?.predictor;
    let rows = &typed(predictor.card(), rows)?;
    let scored = predict_valid(&*predictor, rows).map_err(|fault| fault.message)?;
    let server = Server::of_files(files, loader, options())
        .map_err(|error| hpipe_core::with_causes(&error))?;
    let (address, ending) = (server.address(), Ending(server.stopper()));
    std::thread::scope(|scope| {
        let ending = ending; // also of who panics: the threads of a scope are waited for
        let serving = scope.spawn(|| server.run());
        let asked = TcpStream::connect(address)
            .map_err(|error| error.to_string())
            .and_then(|stream| Client::new(stream)?.compare(&records(rows), &scored.predictions));
        drop(ending);
        let ended = serving.join();
        match ended {
            Ok(Ok(())) => asked,
            Ok(Err(error)) => Err(hpipe_core::with_causes(&error)),
            Err(_) => Err("the server panicked: this is a bug in hpipe".to_owned()),
        }
    })
}

/// Stops a server, however it is left.
struct Ending(Stopper);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn options() -> Options {
    let limits = Limits {
        body: usize::MAX, // the client is our own, and a model may have columns by the thousand
        ..Limits::default()
    };
    Options {
        limits,
        out_of_range: Treatment::Ignore,
        tell_latencies: None,
        ..Options::default()
    }
}

/// The columns that a model takes, of their types; what is of none is missing, and so is infinity, which JSON cannot say.
fn typed(card: &ModelCard, rows: &Table) -> Result<Table, String> {
    let column = |input: &Input| {
        let column = rows.get(&input.name);
        let column = column.ok_or_else(|| format!("the rows have no column `{}`", input.name))?;
        let (mut values, _) = column.values.cast(input.kind);
        if let Values::Number(values) = &mut values {
            let is_said = |value: &f64| value.is_finite();
            values
                .iter_mut()
                .for_each(|value| *value = value.filter(is_said));
        }
        let name = input.name.clone();
        Ok::<_, String>(Column { name, values })
    };
    let columns = card.inputs.iter().map(column);
    Table::new(columns.collect::<Result<_, _>>()?).map_err(|error| error.to_string())
}

/// The rows as JSON.
fn records(rows: &Table) -> Vec<Value> {
    let record = |row: usize| {
        let cells = rows.columns().iter().map(|column| {
            let value = match &column.values {
                Values::Number(values) => json!(values[row]),
                Values::Integer(values) => json!(values[row]),
                Values::Text(values) => json!(values[row]),
                Values::Boolean(values) => json!(values[row]),
            };
            (column.name.clone(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    };
    (0..rows.rows()).map(record).collect()
}

/// One connection, kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(stream: TcpStream) -> Result<Self, String> {
        let patient = stream.set_read_timeout(Some(PATIENCE));
        let patient = patient.and_then(|()| stream.set_nodelay(true));
        patient.map_err(|error| error.to_string())?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks for each row alone, and for those that are predicted together.
    fn compare(&mut self, records: &[Value], expected: &[Option<f64>]) -> Result<Replayed, String> {
        let mut replayed = Replayed {
            rows: records.len(),
            ..Replayed::default()
        };
        let mut differs = vec![false; records.len()];
        let mut note = |row: usize, how: &str, found: Option<f64>| {
            if bits(found) == bits(expected[row]) {
                return;
            }
            differs[row] = true;
            let told = |value: Option<f64>| {
                value.map_or_else(|| "no prediction".to_owned(), |value| format!("{value:?}"))
            };
            let (found, expected) = (told(found), told(expected[row]));
            let words = || format!("row {}, {how}, is {found} and not {expected}", row + 1);
            replayed.first.get_or_insert_with(words);
        };
        for (row, record) in records.iter().enumerate() {
            let answer = self.ask(record)?;
            note(
                row,
                "asked alone",
                answer.and_then(|answer| answer.first().copied()),
            );
        }
        let valid: Vec<usize> = (0..records.len())
            .filter(|row| expected[*row].is_some())
            .collect();
        for part in valid.chunks(TOGETHER) {
            let body: Vec<&Value> = part.iter().map(|row| &records[*row]).collect();
            let answers = self.ask(&json!(body))?.unwrap_or_default();
            for (place, row) in part.iter().enumerate() {
                note(*row, "asked among others", answers.get(place).copied());
            }
        }
        replayed.differing = differs.iter().filter(|differs| **differs).count();
        Ok(replayed)
    }

    /// What a body is answered; none where it is refused.
    fn ask(&mut self, body: &Value) -> Result<Option<Vec<f64>>, String> {
        let (status, answer) = self
            .exchange(&body.to_string())
            .map_err(|error| error.to_string())?;
        match status.as_str() {
            "200" => {
                let answer: Value =
                    serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
                let predictions = answer["predictions"].as_array().into_iter().flatten();
                Ok(Some(
                    predictions
                        .map(|one| one.as_f64().unwrap_or(f64::NAN))
                        .collect(),
                ))
            }
            "422" => Ok(None),
            status => Err(format!("the server answered with status {status}")),
        }
    }

    /// Sends a request; the status and the body of its answer.
    fn exchange(&mut self, body: &str) -> std::io::Result<(String, Vec<u8>)> {
        let length = body.len();
        let head = format!(
            "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all((head + body).as_bytes())?;
        let (mut line, mut status, mut length) = (String::new(), None, 0);
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let text = line.trim_end();
            match (&status, text.split_once(": ")) {
                (None, _) => status = Some(text.split(' ').nth(1).unwrap_or_default().to_owned()),
                (_, Some((name, value))) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap_or(0);
                }
                (_, Some(_)) => {}
                (_, None) => break, // the end of the head, or of the connection
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer)?;
        Ok((status.unwrap_or_default(), answer))
    }
}

/// The bits of a prediction; all that are no finite number are alike, for JSON has no word for them.
fn bits(prediction: Option<f64>) -> Option<u64> {
    prediction.map(|value| {
        if value.is_finite() {
            value.to_bits()
        } else {
            f64::NAN.to_bits()
        }
    })
}
