//! `hpipe watch`: makes stages up to date again whenever something changes.

use crate::args::Watch;
use crate::commands::repro::{confine, options};
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::Mode;

/// Works until the user interrupts, which is how it is meant to end.
pub(super) fn watch(session: &Session, arguments: &Watch) -> Result<Exit, Error> {
    let workspace = session.open_with(|setup| confine(setup, &arguments.working))?;
    let options = options(&workspace, &arguments.working);
    let sink = session.sink(arguments.working.json, Mode::Repro);
    let cancellation = session.cancellation()?;
    let report = |error: hpipe_engine::Error| {
        Error::Engine(error).report(&session.ui, arguments.working.json)
    };
    hpipe_engine::watch(workspace, &options, &*sink, &cancellation, &report)?;
    Ok(Exit::Interrupted)
}
