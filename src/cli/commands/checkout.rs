//! `hpipe checkout`: outs become what the lock files say, without executing anything.

use hpipe_engine::{CheckedOut, DataState, Tracked, Untargeted, Workspace};

use crate::args::Checkout;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{Mode, PlainSink, count};

/// Checks the targets out and says what was put in place.
pub(super) fn checkout(session: &Session, arguments: &Checkout) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = arguments.choosing.selection(&workspace, Untargeted::Known);
    let sink = PlainSink::new(session.ui.clone(), Mode::Repro);
    let done = hpipe_engine::checkout(&workspace, &selection, &sink)?;
    session.tell_warnings(&workspace);
    let data = match arguments.choosing.is_empty() {
        true => hpipe_engine::checkout_data(&workspace, &sink)?,
        false => Vec::new(),
    };
    for (tracked, state) in &data {
        tell_data(session, tracked, *state);
    }
    for one in &done {
        tell(session, &workspace, one);
    }
    let number = |outs: fn(&CheckedOut) -> usize| done.iter().map(outs).sum::<usize>();
    let of_data = |wanted| data.iter().filter(|(_, state)| *state == wanted).count();
    let restored = number(|one| one.restored.len()) + of_data(DataState::Restored);
    let missing = number(|one| one.missing.len()) + of_data(DataState::Missing);
    session
        .ui
        .note(&format!("{} restored", count(restored, "path")));
    match missing == 0 || arguments.allow_missing {
        true => Ok(Exit::Done),
        false => Err(Error::Lost { missing }),
    }
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
