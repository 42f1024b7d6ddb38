//! `hpipe runs`: what was recorded of executions, found, shown, compared, deleted and exported.

mod columns;
mod compare;
mod delete;
mod export;
mod find;
mod list;
mod push;
mod show;

pub(crate) use compare::Compared;

use std::path::PathBuf;
use std::sync::Arc;

use hpipe_track::Ledger;

use crate::args::Runs;
use crate::error::{Error, Exit};
use crate::recording::Recorder;
use crate::registering::MODELS;
use crate::session::Session;

/// Carries out a command about runs.
pub(super) fn runs(session: &Session, command: &Runs) -> Result<Exit, Error> {
    match command {
        Runs::List(arguments) => list::list(session, arguments),
        Runs::Show(arguments) => show::show(session, arguments),
        Runs::Diff(arguments) => compare::diff(session, arguments),
        Runs::Compare(arguments) => compare::compare(session, arguments),
        Runs::Delete(arguments) => delete::delete(session, arguments),
        Runs::Restore(arguments) => delete::restore(session, arguments),
        Runs::Gc(arguments) => delete::gc(session, arguments),
        Runs::Export(arguments) => export::export(session, arguments),
        Runs::Push(arguments) => push::push(session, arguments),
    }
}

/// The folder of the records.
fn models(session: &Session) -> Result<PathBuf, Error> {
    match session.locate() {
        Ok(location) => Ok(location.root.join(MODELS)),
        Err(error) => match session.folder().join(MODELS) {
            models if Ledger::exists(&models) => Ok(models),
            _ => Err(error),
        },
    }
}

/// The records; none where nothing was ever recorded. Executions whose process was killed are closed first.
fn records(session: &Session) -> Result<Option<Ledger>, Error> {
    let models = models(session)?;
    if !Ledger::exists(&models) {
        return Ok(None);
    }
    let ledger = Ledger::open(&models, Arc::new(hpipe_store::now_millis))?;
    let is_open = !ledger.read(|records| records.open_executions())?.is_empty();
    if is_open && let Ok(workspace) = session.open() {
        Recorder::new(session, workspace.location()).settle(&workspace, &[]);
    }
    Ok(Some(ledger))
}

/// The records, of which something is asked for.
fn needed(session: &Session) -> Result<Ledger, Error> {
    records(session)?.ok_or_else(|| Error::Usage {
        message: "nothing is recorded here yet".to_owned(),
        help: "`hpipe repro` records executions of `uses: train`, `tune` and `evaluate`, and of stages with `track: true`"
            .to_owned(),
    })
}
