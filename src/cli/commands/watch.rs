//! `hpipe watch` and `hpipe repro --watch`: makes stages up to date again whenever something changes.

use crate::args::Working;
use crate::commands::repro::{options, set_up};
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::Mode;

/// Works until the user interrupts, which is how it is meant to end.
pub(super) fn watch(session: &Session, arguments: &Working) -> Result<Exit, Error> {
    let workspace = session.open_with(|setup| set_up(setup, arguments))?;
    let options = options(session, &workspace, arguments);
    let sink = session.sink(arguments.json, Mode::Repro);
    let cancellation = session.cancellation()?;
    let report =
        |error: hpipe_engine::Error| Error::Engine(error).report(&session.ui, arguments.json);
    hpipe_engine::watch(workspace, &options, &*sink, &cancellation, &report)?;
    Ok(Exit::Interrupted)
}
