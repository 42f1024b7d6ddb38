//! What `server --json` and `serve --json` print: docs/formats/events.md.

use std::path::Path;

use hpipe_track::predictions::Joined;
use serde::Serialize;

use super::{VERSION, line};

#[derive(Serialize)]
struct Serving<'a> {
    v: u32,
    event: &'static str,
    url: &'a str,
    database: &'a str,
}

#[derive(Serialize)]
struct ServingModel<'a> {
    v: u32,
    event: &'static str,
    url: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other<'a>>,
}

#[derive(Serialize)]
struct Other<'a> {
    model: &'a str,
    role: &'a str,
    share: f64,
}

#[derive(Serialize)]
struct Latency<'a> {
    v: u32,
    event: &'static str,
    model: &'a str,
    route: &'a str,
    answers: u64,
    p50: f64,
    p95: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Swapped<'a> {
    v: u32,
    event: &'static str,
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
struct Warning<'a> {
    v: u32,
    event: &'static str,
    message: &'a str,
}

/// Encodes where a server listens, and what it serves.
pub(crate) fn serving(url: &str, database: &Path) -> String {
    line(&Serving {
        v: VERSION,
        event: "serving",
        url,
        database: &database.to_string_lossy(),
    })
}

/// Encodes where a model is served.
pub(crate) fn serving_model(url: &str, model: &str, others: &[(String, &str, f64)]) -> String {
    let others = others.iter();
    line(&ServingModel {
        others: others
            .map(|(model, role, share)| Other {
                model,
                role,
                share: *share,
            })
            .collect(),
        v: VERSION,
        event: "serving",
        url,
        model,
    })
}

/// Encodes how long answers took, in seconds.
pub(crate) fn serving_latency(
    model: &str,
    route: &str,
    answers: u64,
    [p50, p95, p99]: [f64; 3],
) -> String {
    line(&Latency {
        v: VERSION,
        event: "latency",
        model,
        route,
        answers,
        p50,
        p95,
        p99,
    })
}

/// Encodes that another version answers from now on.
pub(crate) fn swapped(from: &str, to: &str) -> String {
    line(&Swapped {
        v: VERSION,
        event: "swapped",
        from,
        to,
    })
}

#[derive(Serialize)]
struct LogRemoved<'a> {
    v: u32,
    event: &'a str,
    path: &'a str,
    rows: u64,
}

/// Encodes that an old file of the log of predictions was removed.
pub(crate) fn log_removed(path: &str, rows: u64) -> String {
    line(&LogRemoved {
        v: VERSION,
        event: "log_removed",
        path,
        rows,
    })
}

#[derive(Serialize)]
struct Truths {
    v: u32,
    matched: usize,
    known: usize,
    conflicting: usize,
    unknown: usize,
}

/// Encodes how many predictions know their truth now, knew it, keep another, and how many truths belong to none.
pub(crate) fn joined(joined: &Joined) -> String {
    line(&Truths {
        v: VERSION,
        matched: joined.matched,
        known: joined.known,
        conflicting: joined.conflicting,
        unknown: joined.unknown,
    })
}

/// Encodes that something is wrong with what is served.
pub(crate) fn serving_warning(message: &str) -> String {
    line(&Warning {
        v: VERSION,
        event: "warning",
        message,
    })
}
