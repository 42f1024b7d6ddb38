//! What `server --json` prints: docs/formats/events.md.

use std::path::Path;

use serde::Serialize;

use super::{VERSION, line};

#[derive(Serialize)]
struct Serving<'a> {
    v: u32,
    event: &'static str,
    url: &'a str,
    database: &'a str,
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
