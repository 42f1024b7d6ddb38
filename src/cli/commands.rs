//! The commands, one file each. Each turns its arguments into one call of a library and prints the answer.

mod add;
mod cache;
mod checkout;
mod commit;
mod compare;
mod completions;
mod config;
mod dag;
mod edited;
mod exec_stage;
mod freeze;
mod gc;
mod init;
mod logs;
mod man;
mod models;
mod monitor;
mod plots;
mod predict;
mod predictions;
mod reading;
mod repro;
mod root;
mod runs;
mod schema;
mod serve;
mod server;
mod show;
mod stage;
mod status;
mod tune;
mod watch;
mod why;

pub(crate) use exec_stage::exec_stage;
pub(crate) use runs::Compared;

use std::collections::BTreeSet;

use hpipe_core::Outcome;
use hpipe_engine::{Surveyed, Workspace};

use crate::args::{Cache, Command, Metrics, Params, Plots, Stage};
use crate::error::{Error, Exit};
use crate::recording;
use crate::session::Session;
use crate::state::State;
use crate::ui::StageReport;

use reading::Kind;

/// Carries out a command.
pub(crate) fn run(session: &Session, command: &Command) -> Result<Exit, Error> {
    match command {
        Command::Repro(arguments) => repro::repro(session, arguments),
        Command::Status(arguments) => status::status(session, arguments),
        Command::Why(arguments) => why::why(session, arguments),
        Command::Dag(arguments) => dag::dag(session, arguments),
        Command::Watch(arguments) => repro::repro(session, &arguments.as_repro()),
        Command::Tune(arguments) => tune::tune(session, arguments),
        Command::Logs(arguments) => logs::logs(session, arguments),
        Command::Metrics(Metrics::Show(arguments)) => show::show(session, arguments, Kind::Metrics),
        Command::Metrics(Metrics::Diff(arguments)) => {
            compare::diff(session, arguments, Kind::Metrics)
        }
        Command::Params(Params::Show(arguments)) => {
            let deps = arguments.deps;
            show::show(session, &arguments.show, Kind::Params { deps })
        }
        Command::Params(Params::Diff(arguments)) => {
            let deps = arguments.deps;
            compare::diff(session, &arguments.compare, Kind::Params { deps })
        }
        Command::Plots(Plots::Show(arguments)) => plots::show(session, arguments),
        Command::Plots(Plots::Diff(arguments)) => plots::diff(session, arguments),
        Command::Cache(Cache::Restore(arguments)) => cache::restore(session, arguments),
        Command::Cache(Cache::Verify(arguments)) => cache::verify(session, arguments),
        Command::Gc(arguments) => gc::gc(session, arguments),
        Command::Stage(Stage::Add(arguments)) => stage::add(session, arguments),
        Command::Stage(Stage::List(arguments)) => stage::list(session, arguments),
        Command::Freeze(arguments) => freeze::freeze(session, arguments, true),
        Command::Unfreeze(arguments) => freeze::freeze(session, arguments, false),
        Command::Root(arguments) => root::root(session, arguments),
        Command::Completions(arguments) => completions::completions(session, arguments),
        Command::Man(arguments) => man::man(session, arguments),
        Command::Add(arguments) => add::add(session, arguments),
        Command::Commit(arguments) => commit::commit(session, arguments),
        Command::Checkout(arguments) => checkout::checkout(session, arguments),
        Command::Config(arguments) => config::config(session, arguments),
        Command::Init(arguments) => init::init(session, arguments),
        Command::Runs(command) => runs::runs(session, command),
        Command::Predictions(command) => predictions::predictions(session, command),
        Command::Serve(arguments) => serve::serve(session, arguments),
        Command::Server(arguments) => server::server(session, arguments),
        Command::Models(arguments) => models::models(session, arguments),
        Command::Predict(arguments) => predict::predict(session, arguments),
        Command::Monitor(arguments) => monitor::monitor(session, arguments),
        Command::Schema => schema::schema(session),
    }
}

/// How stages stand, in the words of `status`; of those that are up to date, which run made what they hold.
fn reports<'a>(
    workspace: &Workspace,
    surveyed: impl Iterator<Item = &'a Surveyed>,
) -> Vec<StageReport> {
    let report = |one: &Surveyed| StageReport {
        stage: workspace.stage(one.stage).name.clone(),
        state: State::of(one.outcome),
        reasons: one.reasons.clone(),
        restorable: one.outcome == Outcome::WouldRestore,
        run: None,
    };
    let mut reports: Vec<_> = surveyed.map(report).collect();
    let stand = reports
        .iter()
        .filter(|report| report.state == State::UpToDate);
    let mut runs = recording::makers(workspace, stand.map(|report| &report.stage));
    for report in &mut reports {
        report.run = runs.remove(&report.stage);
    }
    reports
}

/// Tells what keeps stages from being decided about; what several stages suffer from, once.
fn tell_faults(session: &Session, surveyed: &[Surveyed]) {
    let mut told = BTreeSet::new();
    for faults in surveyed.iter().filter_map(|one| one.faults.as_ref()) {
        let (mut diagnostics, sources) = (faults.diagnostics.clone(), &faults.sources);
        diagnostics.retain(|fault| told.insert(fault.message.clone()));
        session.ui.diagnostics(&diagnostics, sources);
    }
}
