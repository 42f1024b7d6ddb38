//! `hpipe runs delete`, `restore` and `gc`: what goes, what comes back, and what goes for good.

use hpipe_track::ledger::{Garbage, Lifecycle, Run};

use super::columns::SHORT;
use super::{find, needed};
use crate::amount::bytes;
use crate::args::{RunsDelete, RunsGc};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::count;

/// Deletes runs.
pub(super) fn delete(session: &Session, arguments: &RunsDelete) -> Result<Exit, Error> {
    mark(session, arguments, Lifecycle::Deleted)
}

/// Brings deleted runs back.
pub(super) fn restore(session: &Session, arguments: &RunsDelete) -> Result<Exit, Error> {
    mark(session, arguments, Lifecycle::Active)
}

fn mark(session: &Session, arguments: &RunsDelete, wanted: Lifecycle) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let runs = arguments.runs.iter().map(|word| find::find(&ledger, word));
    let runs = runs.collect::<Result<Vec<Run>, _>>()?;
    let ids: Vec<_> = runs.iter().map(|run| run.info.id.clone()).collect();
    ledger.write(move |change| {
        for id in &ids {
            match wanted {
                Lifecycle::Deleted => change.delete_run(id)?,
                Lifecycle::Active => change.restore_run(id)?,
            }
        }
        Ok(())
    })?;
    if arguments.json {
        let ids: Vec<_> = runs.iter().map(|run| run.info.id.as_str()).collect();
        session.ui.data(&json::runs_marked(wanted.name(), &ids));
        return Ok(Exit::Done);
    }
    for run in &runs {
        let verb = match wanted {
            Lifecycle::Deleted => "deleted",
            Lifecycle::Active => "restored",
        };
        let id = &run.info.id[..SHORT.min(run.info.id.len())];
        session
            .ui
            .note(&format!("{verb} run {id} of {}", run.info.name));
    }
    Ok(Exit::Done)
}

/// Removes deleted runs for good, and artifacts that nothing refers to.
pub(super) fn gc(session: &Session, arguments: &RunsGc) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let age = arguments.older_than.unwrap_or_default().as_millis();
    let age = i64::try_from(age).unwrap_or(i64::MAX);
    let until = hpipe_store::now_millis().saturating_sub(age);
    let dry = arguments.dry;
    let (garbage, swept) = match dry {
        true => ledger.collectable(until)?,
        false => ledger.collect(until)?,
    };
    if arguments.json {
        session.ui.data(&json::runs_gc(&garbage, swept, dry));
        return Ok(Exit::Done);
    }
    tell_needed(session, &garbage);
    let verb = if dry { "would remove" } else { "removed" };
    let runs = count(garbage.runs.len(), "run");
    let objects = count(swept.objects, "artifact");
    let size = bytes(swept.bytes);
    session
        .ui
        .note(&format!("{verb} {runs}, {objects} ({size})"));
    Ok(Exit::Done)
}

fn tell_needed(session: &Session, garbage: &Garbage) {
    for (run, model, version) in &garbage.needed {
        let id = &run.id[..SHORT.min(run.id.len())];
        session.ui.note(&format!(
            "kept run {id} of {}: version {version} of the model {model} was made from it",
            run.name
        ));
    }
}
