//! The files a report goes to. Whether they can be written is asked before anything is read.

use std::path::Path;

use super::record::Seen;
use super::{Watched, record, unusable};
use crate::args::Monitor;
use crate::commands::models;
use crate::error::Error;
use crate::session::Session;

/// Refuses files of no format of ours, and those whose folder is not there.
pub(super) fn check(session: &Session, arguments: &Monitor) -> Result<(), Error> {
    for path in &arguments.report {
        if !matches!(ending(path), "html" | "json") {
            let message = format!(
                "the ending of {} names no format of reports",
                path.display()
            );
            return Err(unusable(
                message,
                "reports are .html, for people, or .json, for programs",
            ));
        }
    }
    for path in arguments.report.iter().chain(&arguments.metrics) {
        let whole = session.folder().join(path);
        if whole.is_dir() {
            let message = format!("{} is a folder", path.display());
            return Err(unusable(message, "name a file in it"));
        }
        models::folder_of(&whole)?;
    }
    Ok(())
}

fn ending(path: &Path) -> &str {
    path.extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
}

/// Writes them.
pub(super) fn write(
    session: &Session,
    arguments: &Monitor,
    model: &Watched,
    seen: &Seen<'_>,
) -> Result<(), Error> {
    for path in &arguments.report {
        let text = match ending(path) {
            "html" => &seen.page,
            _ => &seen.file,
        };
        models::write_at(&session.folder().join(path), text.as_bytes())?;
    }
    if let Some(path) = &arguments.metrics {
        let text = record::prometheus(seen.report, model, seen.started / 1000);
        models::write_at(&session.folder().join(path), text.as_bytes())?;
    }
    Ok(())
}
