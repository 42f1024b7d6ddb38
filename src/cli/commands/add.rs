//! `hpipe add`: puts data that no stage makes under control.

use crate::args::Add;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{Mode, PlainSink};

/// Stores the paths and says which small files stand for them.
pub(super) fn add(session: &Session, arguments: &Add) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let folder = &workspace.location().folder;
    let paths: Vec<_> = arguments
        .paths
        .iter()
        .map(|path| folder.join(path))
        .collect();
    let sink = PlainSink::new(session.ui.clone(), Mode::Repro);
    let added = hpipe_engine::add(&workspace, &paths, &sink)?;
    session.tell_warnings(&workspace);
    for one in &added {
        let text = format!("added      {0}; keep {0}.hpipe in git", one.path);
        session.ui.note(&text);
    }
    Ok(Exit::Done)
}
