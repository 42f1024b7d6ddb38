//! `hpipe metrics`: the numbers that stages wrote.

use hpipe_core::{ProjectPath, Value};
use hpipe_engine::Workspace;
use hpipe_spec::OutKind;

use crate::args::MetricsShow;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::metrics_table;

/// Shows the metrics files of the pipeline that exist, or the named ones.
pub(super) fn show(session: &Session, arguments: &MetricsShow) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let mut files = Vec::new();
    for path in wanted(&workspace, arguments) {
        if let Some(value) = read(&workspace, &path, !arguments.files.is_empty())? {
            files.push((path.to_string(), value));
        }
    }
    if arguments.json {
        session.ui.data(&json::metrics(&files));
    } else if files.is_empty() {
        session.ui.note("no metrics yet: `hpipe repro` makes them");
    } else {
        session.ui.data(&metrics_table(
            &files,
            columns(session),
            session.ui.verbosity(),
        ));
    }
    Ok(Exit::Done)
}

fn wanted(workspace: &Workspace, arguments: &MetricsShow) -> Vec<ProjectPath> {
    if !arguments.files.is_empty() {
        let folder = &workspace.location().folder;
        return arguments
            .files
            .iter()
            .map(|file| folder.join(file))
            .collect();
    }
    let outs = workspace
        .pipeline()
        .stages
        .iter()
        .flat_map(|stage| &stage.outs);
    outs.filter(|out| out.kind == OutKind::Metric)
        .map(|out| out.path.clone())
        .collect()
}

/// Columns for the tables; a pipe takes what a wide terminal would.
fn columns(session: &Session) -> usize {
    session.ui.columns().unwrap_or(100)
}

/// The metrics in a file; none when it does not exist and nobody named it.
fn read(workspace: &Workspace, path: &ProjectPath, named: bool) -> Result<Option<Value>, Error> {
    let on_disk = path.on_disk(&workspace.location().root);
    match std::fs::read_to_string(&on_disk) {
        Ok(text) => Ok(Some(hpipe_track::read_metrics(path, &text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(None),
        Err(source) => Err(Error::File {
            attempt: "read",
            path: on_disk,
            source,
        }),
    }
}
