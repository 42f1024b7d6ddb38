//! Arguments, commands, printing and exit codes of hpipe.
//!
//! [`main`] is the whole program but for the built-in stages, which the caller registers. `args` holds the words of the
//! command line, `complete` what shells make of them, `commands` one file for each command, `ui` everything that prints for people, `json` everything that
//! prints for programs, `recording` makes runs of executions, `registering` what sees to it that the ledger has what `register` stages made, `dag` the drawings, `tune` the driver of a search, `deployed` registered versions as predictors, `error` the exit codes.
//!
//! Deliberately holds no logic of pipelines: a command makes one call of a library and prints the answer.

mod amount;
mod args;
mod commands;
mod complete;
mod dag;
mod deployed;
mod diagnostic;
mod error;
mod forwarding;
mod gallery;
mod gauge;
mod json;
mod latency;
mod recording;
mod registering;
mod secrets;
mod session;
mod settings;
mod state;
mod tune;
mod ui;
mod unread;
mod usage;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use hpipe_core::Registry;

use args::Asked;
use error::Exit;
use session::Session;

/// Runs the program with the process's arguments.
pub fn main(mut registry: Registry) -> ExitCode {
    if let Some(words) = args::of_exec_stage() {
        return ExitCode::from(commands::exec_stage(words) as u8);
    }
    if complete::is_asked() {
        registry.add(hpipe_track::registry::Register::default());
        return complete::answer(Arc::new(registry));
    }
    let Asked { arguments, as_json } = match args::read() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let session = Session::new(&arguments.global, registry);
    let work = || {
        fall_over_if_told();
        commands::run(&session, &arguments.command).and_then(|exit| session.finish(exit))
    };
    let exit = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            error.report(&session.ui, as_json);
            error.exit()
        }
        // The panic has printed what and where.
        Err(_) => {
            error::report_bug(&session.ui, as_json);
            Exit::Bug
        }
    };
    ExitCode::from(exit as u8)
}

/// Says what clap has to say: help and version on stdout, a mistake on stderr, or on stdout where JSON is wanted.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A stream that cannot be written has no reader to tell.
        let _ = error.print();
        return ExitCode::from(Exit::Done as u8);
    }
    let ui = ui::Ui::new(ui::Verbosity::Normal, ui::ColorChoice::Auto);
    let better = usage::better(error);
    match usage::asks_for_json(std::env::args_os()) {
        true => error::report_usage(&ui, true, better.unwrap_or_else(|| usage::plain(error))),
        false => match better {
            Some(better) => error::report_usage(&ui, false, better),
            None => drop(error.print()),
        },
    }
    ExitCode::from(Exit::Usage as u8)
}

/// Debug builds fall over where `HPIPE_FAIL_HOW` is `panic`, so that a test sees what a fault of ours looks like.
fn fall_over_if_told() {
    let told = cfg!(debug_assertions)
        && std::env::var_os("HPIPE_FAIL_HOW").is_some_and(|how| how == "panic");
    assert!(!told, "bug: HPIPE_FAIL_HOW told hpipe to fall over");
}
