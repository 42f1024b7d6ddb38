//! The commands, one file each. Each turns its arguments into one call of a library and prints the answer.

mod cache;
mod dag;
mod exec_stage;
mod gc;
mod init;
mod logs;
mod metrics;
mod plots;
mod repro;
mod status;
mod tune;
mod watch;
mod why;

pub(crate) use exec_stage::exec_stage;

use hpipe_engine::{Surveyed, Workspace};

use crate::args::{Cache, Command, Metrics, Plots};
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::state::State;
use crate::ui::StageReport;

/// Carries out a command.
pub(crate) fn run(session: &Session, command: &Command) -> Result<Exit, Error> {
    match command {
        Command::Repro(arguments) => repro::repro(session, arguments),
        Command::Status(arguments) => status::status(session, arguments),
        Command::Why(arguments) => why::why(session, arguments),
        Command::Dag(arguments) => dag::dag(session, arguments),
        Command::Watch(arguments) => watch::watch(session, arguments),
        Command::Tune(arguments) => tune::tune(session, arguments),
        Command::Logs(arguments) => logs::logs(session, arguments),
        Command::Metrics(Metrics::Show(arguments)) => metrics::show(session, arguments),
        Command::Metrics(Metrics::Diff(arguments)) => metrics::diff(session, arguments),
        Command::Plots(Plots::Show(arguments)) => plots::show(session, arguments),
        Command::Plots(Plots::Diff(arguments)) => plots::diff(session, arguments),
        Command::Cache(Cache::Restore(arguments)) => cache::restore(session, arguments),
        Command::Cache(Cache::Verify(arguments)) => cache::verify(session, arguments),
        Command::Gc(arguments) => gc::gc(session, arguments),
        Command::Init(arguments) => init::init(session, arguments),
    }
}

/// How a stage stands, in the words of `status`.
fn report(workspace: &Workspace, surveyed: &Surveyed) -> StageReport {
    StageReport {
        stage: workspace.stage(surveyed.stage).name.clone(),
        state: State::of(surveyed.outcome),
        reasons: surveyed.reasons.clone(),
    }
}
