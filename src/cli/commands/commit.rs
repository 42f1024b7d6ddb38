//! `hpipe commit`: records outs as they are as the result of their stages.

use hpipe_engine::{Committed, Untargeted};

use crate::args::Commit;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{Mode, PlainSink, brief, count};

/// Commits the targets and says which changed anything.
pub(super) fn commit(session: &Session, arguments: &Commit) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = arguments
        .choosing
        .selection(workspace.location(), Untargeted::Known);
    let sink = PlainSink::new(session.ui.clone(), Mode::Repro);
    let committed = hpipe_engine::commit(&workspace, &selection, arguments.force, &sink)?;
    session.tell_warnings(&workspace);
    let is_new = |one: &&Committed| one.stored || !one.reasons.is_empty();
    for one in committed.iter().filter(is_new) {
        let name = &workspace.stage(one.stage).name;
        let why = match one.reasons.is_empty() {
            true => " (stored)".to_owned(),
            false => format!(" ({})", brief(&one.reasons)),
        };
        session.ui.note(&format!("committed  {name}{why}"));
    }
    let changed = committed.iter().filter(is_new).count();
    session.ui.note(&format!(
        "{}: {changed} committed, {} unchanged",
        count(committed.len(), "stage"),
        committed.len() - changed
    ));
    Ok(Exit::Done)
}
