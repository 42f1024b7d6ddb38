//! Fetching over HTTP, against a server in this process that can be told to misbehave.

mod harness;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use harness::Project;

/// How the server answers one request.
#[derive(Clone, Copy)]
enum Answer {
    /// All that is asked for.
    Whole,
    /// The header of all, but only so many bytes.
    Drop(usize),
    /// All, whatever range was asked for.
    IgnoreRange,
    /// Only a status.
    Status(u16),
}

/// A server of one file: its address, and the `Range` header of each request it got.
struct Server {
    url: String,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

/// Serves `body`, a request an answer; the last answer is given again and again.
fn serve(body: &'static [u8], answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/table.csv",
        listener.local_addr().expect("an address")
    );
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ranges);
    std::thread::spawn(move || {
        for (request, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(stream.try_clone().expect("a connection")).lines();
            let head: Vec<String> = lines
                .map(|line| line.expect("a line"))
                .take_while(|line| !line.is_empty())
                .collect();
            let range = head.iter().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("range: ")
                    .map(str::to_owned)
            });
            let start = range.as_ref().and_then(|range| {
                range
                    .trim_start_matches("bytes=")
                    .trim_end_matches('-')
                    .parse::<usize>()
                    .ok()
            });
            seen.lock().expect("a list").push(range);
            let answer = answers[request.min(answers.len() - 1)];
            let (status, start) = match (answer, start) {
                (Answer::Status(status), _) => (status, body.len()),
                (Answer::IgnoreRange, _) | (_, None) => (200, 0),
                (_, Some(start)) if start >= body.len() => (416, body.len()),
                (_, Some(start)) => (206, start),
            };
            let rest = &body[start..];
            let sent = match answer {
                Answer::Drop(count) => &rest[..count.min(rest.len())],
                _ => rest,
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                rest.len()
            );
            // a client that has heard enough may be gone
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(sent));
        }
    });
    Server { url, ranges }
}

const BODY: &[u8] = b"a,y\n1,2\n3,4\n5,6\n";
/// What sha256sum prints for [`BODY`].
const SHA256: &str = "sha256:840ad2f1df2128283aad4db49ad4535e5bd0886660395828291b2b0c861670de";

fn options(server: &Server, digest: &str) -> String {
    format!(r#"{{"url": "{}", "digest": "{digest}"}}"#, server.url)
}

const OUTS: [(&str, &str); 1] = [("table", "t.parquet")];

/// Fetches with the right digest; the requests the server got.
fn fetch(answers: Vec<Answer>) -> (Project, Result<(), String>, Vec<Option<String>>) {
    let server = serve(BODY, answers);
    let project = Project::default();
    let result = project.try_execute("ingest", &options(&server, SHA256), &[], &OUTS);
    let ranges = server.ranges.lock().expect("a list").clone();
    (
        project,
        result.map_err(|error| harness::describe(&error)),
        ranges,
    )
}

fn bytes(start: usize) -> Option<String> {
    Some(format!("bytes={start}-"))
}

#[test]
fn a_table_is_fetched_and_verified() {
    let (project, result, ranges) = fetch(vec![Answer::Whole]);
    assert_eq!((result, ranges), (Ok(()), vec![None]));
    assert_eq!(harness::columns(&project.path("t.parquet")), ["a", "y"]);
    assert!(
        !project.path("t.parquet.download").exists(),
        "the download is left behind"
    );
}

#[test]
fn a_dropped_connection_is_resumed() {
    let (_, result, ranges) = fetch(vec![Answer::Drop(7), Answer::Drop(4), Answer::Whole]);
    assert_eq!((result, ranges), (Ok(()), vec![None, bytes(7), bytes(11)]));
}

#[test]
fn a_server_without_ranges_is_asked_from_the_start() {
    let (_, result, ranges) = fetch(vec![Answer::Drop(7), Answer::IgnoreRange]);
    assert_eq!((result, ranges), (Ok(()), vec![None, bytes(7)]));
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let (_, result, ranges) = fetch(vec![Answer::Status(503), Answer::Whole]);
    assert_eq!((result, ranges), (Ok(()), vec![None, None]));
}

#[test]
fn a_refusal_is_final() {
    let (_, result, ranges) = fetch(vec![Answer::Status(404)]);
    let message = result.expect_err("refused");
    assert!(
        message.ends_with("the server answers 404 Not Found"),
        "{message}"
    );
    assert_eq!(ranges, [None]);
}

#[test]
fn the_next_execution_resumes() {
    let server = serve(
        BODY,
        vec![Answer::Drop(5), Answer::Status(404), Answer::Whole],
    );
    let project = Project::default();
    let with = options(&server, SHA256);
    assert!(project.try_execute("ingest", &with, &[], &OUTS).is_err());
    assert_eq!(project.read("t.parquet.download"), &BODY[..5]);
    project.execute("ingest", &with, &[], &OUTS);
    assert_eq!(
        *server.ranges.lock().expect("a list"),
        [None, bytes(5), bytes(5)]
    );
}

#[test]
fn a_complete_download_is_not_fetched_again() {
    let server = serve(BODY, vec![Answer::Whole]);
    let project = Project::default();
    let fails = |with: &str| {
        let with = with.replace('}', r#", "schema": [{"name": "z"}]}"#);
        project.fail("ingest", &with, &[], &OUTS)
    };
    let with = options(&server, SHA256);
    assert!(fails(&with).contains("schema of `z`: no such column"));
    project.execute("ingest", &with, &[], &OUTS);
    assert_eq!(server.ranges.lock().expect("a list").len(), 1);
}

#[test]
fn another_content_is_refused_and_not_kept() {
    let server = serve(BODY, vec![Answer::Whole]);
    let project = Project::default();
    let wrong = format!("sha256:{}", "0".repeat(64));
    let message = project.fail("ingest", &options(&server, &wrong), &[], &OUTS);
    assert!(
        message.contains(&format!(
            "has the digest {SHA256}, not the expected {wrong}"
        )),
        "{message}"
    );
    assert!(!project.path("t.parquet.download").exists());
    // what was there of another file is thrown away, too
    project.write(
        "t.parquet.download",
        "something longer than the whole file that the server has",
    );
    project.execute("ingest", &options(&server, SHA256), &[], &OUTS);
}

#[test]
fn a_server_that_sends_nothing_is_given_up() {
    let (_, result, ranges) = fetch(vec![Answer::Drop(0)]);
    let message = result.expect_err("given up");
    assert!(
        message.contains("cannot fetch http://127.0.0.1"),
        "{message}"
    );
    assert_eq!(ranges.len(), 4);
}
