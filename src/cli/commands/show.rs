//! `hpipe metrics show` and `hpipe params show`: files of values, now or at revisions.

use hpipe_core::{Code, Diagnostic, ProjectPath, Sources, Value};
use hpipe_engine::{Found, Snapshot, Workspace};

use super::reading::{self, Kind, Reading, named};
use crate::args::Show;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::metrics_table;
use crate::unread;

/// Shows the files of the pipeline that exist, or the named ones.
pub(super) fn show(session: &Session, arguments: &Show, kind: Kind) -> Result<Exit, Error> {
    let workspace = session.open()?;
    if !arguments.revisions.is_empty() {
        return at_revisions(session, &workspace, arguments, kind);
    }
    let now = Snapshot::now(&workspace);
    let files = match arguments.files.is_empty() {
        true => kind.declared(&now),
        false => named(&workspace, &arguments.files),
    };
    let mut found = Vec::new();
    for path in files {
        read(
            &workspace,
            kind,
            &path,
            !arguments.files.is_empty(),
            &mut found,
        )?;
    }
    if arguments.json {
        session.ui.data(&json::values(kind.word(), &found));
    } else if found.is_empty() {
        session.ui.note(match kind {
            Kind::Metrics => "no metrics yet: `hpipe repro` makes them",
            Kind::Params { .. } => "no params: no stage reads any, and there is no params.yaml",
        });
    } else {
        table(session, kind, found);
    }
    Ok(Exit::Done)
}

fn table(session: &Session, kind: Kind, files: Vec<(String, Value)>) {
    let files: Vec<_> = match kind {
        Kind::Metrics => files,
        Kind::Params { .. } => {
            let files = files.into_iter();
            files
                .map(|(file, content)| (file, legible(content)))
                .collect()
        }
    };
    // A pipe takes what a wide terminal would.
    let columns = session.ui.columns().unwrap_or(100);
    let text = metrics_table(&files, columns, session.ui.verbosity());
    session.ui.data(&text);
}

/// Params with lists and nulls as texts, which a table of metrics leaves out.
fn legible(content: Value) -> Value {
    match content {
        Value::Map(map) if !map.is_empty() => {
            let entries = map.iter();
            let entries = entries.map(|(key, value)| (key.to_owned(), legible(value.clone())));
            Value::Map(entries.collect())
        }
        Value::List(_) | Value::Null | Value::Map(_) => Value::Text(content.to_string()),
        other => other,
    }
}

/// Reads a file, or all of a folder. In the workspace one that cannot be read stops the command, for it can be mended;
/// one that is not there does if somebody named it.
fn read(
    workspace: &Workspace,
    kind: Kind,
    path: &ProjectPath,
    named: bool,
    into: &mut Vec<(String, Value)>,
) -> Result<(), Error> {
    let now = Snapshot::now(workspace);
    match now.find(path)? {
        Found::File(bytes) => {
            let content = reading::read(kind, &now, path, bytes)?;
            into.extend(content.map(|content| (path.to_string(), content)));
        }
        Found::Folder(_) => {
            let reading = Reading::of(kind, &now, std::slice::from_ref(path))?;
            let files = reading.files.into_iter();
            into.extend(files.map(|(path, value)| (path.to_string(), value)));
        }
        Found::Absent | Found::Lost { .. } if named => return Err(absent(kind, path)),
        Found::Absent | Found::Lost { .. } => {}
    }
    Ok(())
}

fn absent(kind: Kind, path: &ProjectPath) -> Error {
    let word = kind.word();
    Error::Usage {
        message: format!("there is no file `{path}`"),
        help: format!(
            "name a {word}s file, or a folder of them; `hpipe {word}s show` shows all there are"
        ),
    }
}

/// Shows them as they were; what cannot be read of a revision is left out and told.
fn at_revisions(
    session: &Session,
    workspace: &Workspace,
    arguments: &Show,
    kind: Kind,
) -> Result<Exit, Error> {
    let mut revisions = Vec::new();
    for revision in &arguments.revisions {
        let at = Snapshot::at(workspace, revision)?;
        at.warnings()
            .iter()
            .for_each(|text| session.ui.warning(text));
        let paths = match arguments.files.is_empty() {
            true => kind.declared(&at),
            false => named(workspace, &arguments.files),
        };
        let reading = Reading::of(kind, &at, &paths)?;
        unread::warn(&session.ui, &reading.unread);
        revisions.push((revision.clone(), reading));
    }
    session.tell_warnings(workspace);
    if arguments.json {
        session.ui.data(&json::values_at(&by_revision(revisions)));
        return Ok(Exit::Done);
    }
    let files: Vec<_> = revisions
        .into_iter()
        .flat_map(|(revision, reading)| {
            let files = reading.files.into_iter();
            files.map(move |(path, value)| (format!("{revision}:{path}"), value))
        })
        .collect();
    if files.is_empty() {
        let nothing = format!("no {}s at these revisions", kind.word());
        let told = Diagnostic::warning(Code::MissingOut, nothing);
        session.ui.diagnostics(&[told], &Sources::default());
    } else {
        table(session, kind, files);
    }
    Ok(Exit::Done)
}

fn by_revision(revisions: Vec<(String, Reading)>) -> Vec<(String, Vec<(String, Value)>)> {
    let text = |(path, value): (ProjectPath, Value)| (path.to_string(), value);
    revisions
        .into_iter()
        .map(|(revision, reading)| (revision, reading.files.into_iter().map(text).collect()))
        .collect()
}
