//! `hpipe watch` and `hpipe repro --watch`: makes stages up to date again whenever something changes.

mod beside;

use hpipe_core::EventSink;
use hpipe_engine::{ReproOptions, Workspace};

use crate::args::Repro;
use crate::commands::repro::opened;
use crate::error::{Error, Exit};
use crate::forwarding;
use crate::session::Session;

/// Works until the user interrupts, which is how it is meant to end. When settings change, they are read anew, and the
/// project is opened with them.
pub(super) fn watch(
    session: &Session,
    arguments: &Repro,
    (workspace, options): (Workspace, ReproOptions),
    sink: &dyn EventSink,
) -> Result<Exit, Error> {
    let as_json = arguments.working.json;
    let cancellation = session.cancellation()?;
    let report = |error: Error| error.report(&session.ui, as_json);
    let open = || opened(&session.reloaded(), arguments);
    let root = workspace.location().root.clone();
    let watch = || {
        forwarding::after_rounds(session, &root, sink, |sink| {
            hpipe_engine::watch(workspace, options, sink, &cancellation, &open, &report)
        })
    };
    match &arguments.beside {
        Some(deployed) => {
            beside::with_server(session, deployed, as_json, &cancellation, watch)?;
        }
        None => watch()?,
    }
    Ok(Exit::Interrupted)
}
