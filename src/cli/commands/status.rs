//! `hpipe status`: which stages are stale, and why.

use hpipe_engine::{Untargeted, survey};

use super::{reports, tell_faults};
use crate::args::Status;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::state::State;
use crate::ui::{Verbosity, status_text};

/// Surveys the targets; with `-q`, only the exit code tells.
pub(super) fn status(session: &Session, arguments: &Status) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = arguments
        .choosing
        .selection(workspace.location(), Untargeted::Known);
    let surveyed = survey(&workspace, &selection, false)?;
    let reports = reports(&workspace, surveyed.iter());
    workspace.store().flush();
    tell_faults(session, &surveyed);
    session.tell_warnings(&workspace);
    if arguments.json {
        session.ui.data(&json::status(&reports));
    } else if session.ui.verbosity() > Verbosity::Quiet {
        session.ui.data(&status_text(
            &reports,
            session.ui.verbosity() == Verbosity::Verbose,
        ));
    }
    let is_stale = reports
        .iter()
        .any(|report| matches!(report.state, State::Stale | State::MayBeStale));
    let asks = session.ui.verbosity() == Verbosity::Quiet;
    Ok(if asks && is_stale {
        Exit::StageFailed
    } else {
        Exit::Done
    })
}
