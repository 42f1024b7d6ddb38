//! `hpipe root`: where the project is, as seen from here.

use std::path::{Component, Path, PathBuf};

use hpipe_engine::Location;

use crate::args::Root;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;

/// Prints the way up to the project's root, `.` in the root itself.
pub(super) fn root(session: &Session, arguments: &Root) -> Result<Exit, Error> {
    let location = session.locate()?;
    let path = match std::env::current_dir().and_then(|here| here.canonicalize()) {
        Ok(here) => way(&here, &location),
        Err(_) => location.root.clone(),
    };
    let (seen, whole) = (path.to_string_lossy(), location.root.to_string_lossy());
    match arguments.json {
        true => session.ui.data(&json::root(&seen, &whole)),
        false => session.ui.data(&seen),
    }
    Ok(Exit::Done)
}

/// The way to the root; the root's absolute path where it is neither here nor above.
fn way(here: &Path, location: &Location) -> PathBuf {
    let Ok(below) = here.strip_prefix(&location.root) else {
        return match location.root.strip_prefix(here) {
            Ok(down) => down.to_owned(),
            Err(_) => location.root.clone(),
        };
    };
    let up: PathBuf = below.components().map(|_| Component::ParentDir).collect();
    match up.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => up,
    }
}
