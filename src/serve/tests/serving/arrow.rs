//! Rows and predictions in Arrow: as real clients write and read them, and whatever happens to the bytes on the way.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use hpipe_serve::{Options, Treatment};

use crate::peers;
use crate::support::{Answer, Served, read, request};

const STREAM: &str = "application/vnd.apache.arrow.stream";
const PACKAGES: &[&[&str]] = &[&["pyarrow", "pandas", "polars", "requests"]];

/// Bodies that pyarrow wrote (`arrow.py FOLDER`): a stream with a dictionary and columns that no model takes, one with texts
/// as views, a file.
const UNLIKE: &[u8] = include_bytes!("arrow/unlike.arrows");
const VIEWS: &[u8] = include_bytes!("arrow/views.arrows");
const FILE: &[u8] = include_bytes!("arrow/plain.arrow");

#[test]
fn real_clients_write_and_read_arrow() {
    let Some(programs) = peers::ready("serving-arrow", PACKAGES) else {
        return;
    };
    let served = Served::start(Options::default());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serving/arrow.py");
    let mut python = Command::new(programs.join("python"));
    let said = peers::run(python.arg(script).arg(served.url())).unwrap();
    assert_eq!(said.lines().count(), 4, "{said}");
}

fn lenient() -> Served {
    Served::start(Options {
        unknown_columns: Treatment::Ignore,
        ..Options::default()
    })
}

#[test]
fn a_table_in_arrow_is_its_rows() {
    let served = lenient();
    for body in [UNLIKE, VIEWS, FILE] {
        let answer = served.post("/predict", STREAM, body);
        assert_eq!(answer.predictions(), [2.0, 109.0, 7.5]);
    }
    let strict = Served::start(Options::default());
    let answer = strict.post("/v1/models/house:predict", STREAM, UNLIKE);
    assert_eq!(answer.status, 400, "{answer:?}");
    let said = answer.json()["error"].to_string();
    assert!(said.contains("takes no such column"), "{said}");
}

/// Asks on a kept connection: thousands of them would use up the machine's ports.
fn ask(connection: &mut BufReader<TcpStream>, body: &[u8]) -> Answer {
    let request = request("/predict", STREAM, "", body);
    connection.get_mut().write_all(&request).unwrap();
    read(connection)
}

/// Cut at every byte: refused in words, but where a stream ends between two messages.
#[test]
fn what_is_cut_short_is_refused() {
    let served = lenient();
    let mut connection = BufReader::new(served.connect());
    for (body, whole) in [(UNLIKE, "stream"), (FILE, "file")] {
        let mut answered = 0;
        for end in 0..body.len() {
            let answer = ask(&mut connection, &body[..end]);
            match answer.status {
                200 => answered += 1,
                status => assert_eq!(status, 422, "{whole} to {end}: {answer:?}"),
            }
        }
        assert!(answered <= 4, "{whole}: {answered} of {}", body.len());
    }
}

/// Whatever byte is another: rows or words, and no bug.
#[test]
fn damaged_bytes_are_answered() {
    let served = lenient();
    let mut connection = BufReader::new(served.connect());
    for body in [UNLIKE, VIEWS, FILE] {
        for place in 0..body.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = body.to_vec();
                damaged[place] ^= change;
                let status = ask(&mut connection, &damaged).status;
                assert!(
                    matches!(status, 200 | 413 | 422),
                    "{status}: {place} ^ {change}"
                );
            }
        }
    }
    let text = served.get("/metrics").body;
    assert!(text.contains("\nhpipe_panics_total 0\n"), "{text}");
}
