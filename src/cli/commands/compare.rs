//! `hpipe metrics diff` and `hpipe params diff`: how values changed from one time to another.

use hpipe_core::{ProjectPath, Value};
use hpipe_engine::{Snapshot, Workspace};
use hpipe_track::{Change, changes, changes_of_all, fits};

use super::reading::{Kind, Reading, named};
use crate::args::Compare;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{DifferenceTable, FileChanges};
use crate::unread;

/// Compares the values of two revisions, or of one with the workspace.
pub(super) fn diff(session: &Session, arguments: &Compare, kind: Kind) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let times = [&arguments.old, &arguments.new].map(|name| Snapshot::at(&workspace, name));
    let [old, new] = times;
    let (old, new) = (old?, new?);
    for text in old.warnings().iter().chain(new.warnings()) {
        session.ui.warning(text);
    }
    let (old, new) = readings(&workspace, arguments, kind, [&old, &new])?;
    let mut unread = old.unread.clone();
    unread.extend(new.unread.iter().cloned());
    session.tell_warnings(&workspace);
    unread::warn(&session.ui, &unread);

    let files = differences(&old, &new, arguments, kind);
    let changed = files
        .iter()
        .flat_map(|file| &file.changes)
        .any(Change::is_change);
    print(session, arguments, kind, &files, &unread);
    Ok(
        match arguments.exit_code && (changed || !unread.is_empty()) {
            true => Exit::CHANGED,
            false => Exit::Done,
        },
    )
}

/// What the files say at both times: the named ones, or those that the pipeline declares at each. A revision whose
/// pipeline cannot be read is taken to declare what the other does, lest all of it looks new.
fn readings(
    workspace: &Workspace,
    arguments: &Compare,
    kind: Kind,
    [old, new]: [&Snapshot<'_>; 2],
) -> Result<(Reading, Reading), Error> {
    if arguments.targets.is_empty() {
        let paths = |at: &Snapshot<'_>, other: &Snapshot<'_>| match at.warnings().is_empty() {
            true => kind.declared(at),
            false => kind.declared(if at.pipeline().is_some() { at } else { other }),
        };
        return Ok((
            Reading::of(kind, old, &paths(old, new))?,
            Reading::of(kind, new, &paths(new, old))?,
        ));
    }
    let paths = named(workspace, &arguments.targets);
    let readings = (
        Reading::of(kind, old, &paths)?,
        Reading::of(kind, new, &paths)?,
    );
    let known = |path: &ProjectPath| {
        let both = [&readings.0, &readings.1];
        both.iter().any(|reading| {
            let files = reading.files.iter().map(|(file, _)| file);
            let unread = reading.unread.iter().map(|unread| &unread.file);
            files.chain(unread).any(|file| file.is_within(path))
        })
    };
    match paths.iter().find(|path| !known(path)) {
        Some(path) => Err(Error::Usage {
            message: format!(
                "`{path}` is neither in {} nor in {}",
                old.name(),
                new.name()
            ),
            help: format!("name a {}s file, or a folder of them", kind.word()),
        }),
        None => Ok(readings),
    }
}

/// What changed in each file, those of the new time first; a file that could not be read at one of them is left out.
fn differences(old: &Reading, new: &Reading, arguments: &Compare, kind: Kind) -> Vec<FileChanges> {
    let only_old = old
        .files
        .iter()
        .filter(|(file, _)| new.files.iter().all(|(known, _)| known != file));
    let files = new.files.iter().chain(only_old).map(|(file, _)| file);
    let comparable = files.filter(|file| !old.lacks(file) && !new.lacks(file));
    let wanted = |change: &Change| {
        let fits = |pattern: &String| fits(&change.metric, pattern);
        (arguments.all || change.is_change())
            && (arguments.keys.is_empty() || arguments.keys.iter().any(fits))
    };
    comparable
        .map(|file| {
            let (before, after): (Value, Value) = (old.get(file), new.get(file));
            let mut changes = match kind {
                Kind::Metrics => changes(&before, &after),
                Kind::Params { .. } => changes_of_all(&before, &after),
            };
            changes.retain(wanted);
            FileChanges {
                file: file.to_string(),
                changes,
            }
        })
        .filter(|file| !file.changes.is_empty())
        .collect()
}

fn print(
    session: &Session,
    arguments: &Compare,
    kind: Kind,
    files: &[FileChanges],
    unread: &[unread::Unread],
) {
    let ui = &session.ui;
    let times = [arguments.old.as_str(), arguments.new.as_str()];
    if arguments.json {
        return ui.data(&json::values_diff(kind.word(), times, files, unread));
    }
    let word = kind.word();
    let table = DifferenceTable {
        word,
        times,
        files,
        precision: arguments.precision.map(usize::from),
        with_files: !arguments.no_path,
    };
    if arguments.md {
        ui.data(&table.markdown());
    } else if files.is_empty() {
        let [old, new] = times;
        let other = if unread.is_empty() { "" } else { "other " };
        ui.note(&format!("no {other}{word} differs between {old} and {new}"));
    } else {
        ui.data(&table.text(ui.columns().unwrap_or(100)));
    }
}
