//! `hpipe checkout`: outs become what the lock files say, without executing anything.

use hpipe_core::ProjectPath;
use hpipe_engine::{CheckedOut, DataState, Tracked, Untargeted, Workspace};
use hpipe_store::DATA_FILE_ENDING;

use crate::args::{Checkout, Choosing};
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{Mode, PlainSink, count};

/// Checks the targets out and says what was put in place.
pub(super) fn checkout(session: &Session, arguments: &Checkout) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let (choosing, relink) = (&arguments.choosing, arguments.relink);
    let (of_data, others) = split(&workspace, choosing);
    let sink = PlainSink::new(session.ui.clone(), Mode::Repro);
    let done = match others.targets.is_empty() && !of_data.is_empty() {
        true => Vec::new(),
        false => {
            let selection = others.selection(workspace.location(), Untargeted::Known);
            hpipe_engine::checkout(&workspace, &selection, relink, &sink)?
        }
    };
    let data = match (choosing.is_empty(), of_data.is_empty()) {
        (true, _) => hpipe_engine::checkout_data(&workspace, None, relink, &sink)?,
        (false, false) => hpipe_engine::checkout_data(&workspace, Some(&of_data), relink, &sink)?,
        (false, true) => Vec::new(),
    };
    session.tell_warnings(&workspace);
    for (tracked, state) in &data {
        tell_data(session, tracked, *state);
    }
    for one in &done {
        tell(session, &workspace, one);
    }
    let number = |outs: fn(&CheckedOut) -> usize| done.iter().map(outs).sum::<usize>();
    let in_data = |wanted| data.iter().filter(|(_, state)| *state == wanted).count();
    let restored = number(|one| one.restored.len()) + in_data(DataState::Restored);
    let missing = number(|one| one.missing.len()) + in_data(DataState::Missing);
    session
        .ui
        .note(&format!("{} restored", count(restored, "path")));
    match missing == 0 || arguments.allow_missing {
        true => Ok(Exit::Done),
        false => Err(Error::Lost { missing }),
    }
}

/// The targets that name data under control, or the file beside it, or a folder around it; and the choice without those
/// that name nothing else.
fn split(workspace: &Workspace, choosing: &Choosing) -> (Vec<ProjectPath>, Choosing) {
    let folder = &workspace.location().folder;
    let tracked: Vec<_> = workspace.tracked_paths().collect();
    let (mut data, mut others) = (Vec::new(), choosing.clone());
    others.targets.retain(|target| {
        let path = target.strip_suffix(DATA_FILE_ENDING).unwrap_or(target);
        let path = folder.join(path);
        let names_data = |one: &ProjectPath| one.is_within(&path) || path.is_within(one);
        let is_data = tracked.iter().any(names_data);
        if is_data {
            data.push(path.clone());
        }
        !is_data || workspace.graph().makers(&path).next().is_some()
    });
    (data, others)
}

fn tell_data(session: &Session, tracked: &Tracked, state: DataState) {
    let (path, digest) = (&tracked.path, tracked.content.digest);
    match state {
        DataState::Unchanged => {}
        DataState::Restored => session.ui.note(&format!("restored   {path}")),
        DataState::Missing => session
            .ui
            .warning(&format!("{path} is not in the cache: {digest}")),
    }
}

fn tell(session: &Session, workspace: &Workspace, one: &CheckedOut) {
    let name = &workspace.stage(one.stage).name;
    for out in &one.restored {
        session
            .ui
            .note(&format!("restored   {} of {name}", out.path));
    }
    for out in &one.missing {
        let digest = out.content.digest;
        session.ui.warning(&format!(
            "{} of {name} is not in the cache: {digest}",
            out.path
        ));
    }
}
