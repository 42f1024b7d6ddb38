//! `hpipe repro`: makes stages up to date.

use std::sync::Arc;

use hpipe_core::{EventSink, Summary};
use hpipe_engine::{
    Cancellation, Confined, Handing, Location, Observing, Opening, ReproOptions, Selection, Setup,
    Untargeted, Workspace,
};

use crate::args::{Repro, Working};
use crate::commands::watch::watch;
use crate::error::{Error, Exit};
use crate::forwarding;
use crate::recording::{Outcomes, Recorder};
use crate::registering::Registrar;
use crate::session::Session;
use crate::ui::Mode;

/// Makes the targets up to date and says how that went.
pub(super) fn repro(session: &Session, arguments: &Repro) -> Result<Exit, Error> {
    let (mut opening, mut options) = opening(session, arguments)?;
    let registrar = handing(session, arguments, &opening, &mut options);
    if arguments.pull {
        session.ui.warning(
            "no remote is set, so nothing is pulled; what the local cache has is restored",
        );
    }
    let mode = match arguments.dry {
        true => Mode::Dry,
        false => Mode::Repro,
    };
    let sink = match arguments.interactive {
        true => session.plain_sink(mode),
        false => session.sink(arguments.working.json, mode),
    };
    if arguments.watch {
        let workspace = session.read_for(opening, arguments.working.json)?;
        return watch(session, arguments, (workspace, options), &*sink);
    }
    if opening.recall(&options, &*sink).is_some() {
        return Ok(Exit::Done);
    }
    let cancellation = session.cancellation()?;
    let workspace = session.read_for(opening, arguments.working.json)?;
    let summary = recorded(session, &workspace, options, &*sink, &cancellation)?;
    if let Some(error) = registrar.failure() {
        return Err(error);
    }
    Ok(match exit(&summary, &cancellation) {
        Exit::StageFailed if arguments.ignore_errors => Exit::Done,
        exit => exit,
    })
}

/// Makes the project up to date, and records what is executed.
fn recorded(
    session: &Session,
    workspace: &Workspace,
    options: ReproOptions,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
) -> Result<Summary, Error> {
    if options.dry {
        return Ok(hpipe_engine::repro(
            workspace,
            &options,
            sink,
            cancellation,
        )?);
    }
    let recorder = Recorder::new(session, workspace.location());
    recorder.prepare(workspace);
    let options = ReproOptions {
        observing: Some(Observing::new(recorder.clone())),
        ..options
    };
    let outcomes = Outcomes::on(sink);
    let done = hpipe_engine::repro(workspace, &options, &outcomes, cancellation);
    // After a failure too: what came to its end before is to be found in the records.
    recorder.settle(workspace, &outcomes.into_heard());
    forwarding::forward(session, &workspace.location().root);
    Ok(done?)
}

/// The project as the command line wants it opened, and how it is to be made up to date.
pub(super) fn opened(
    session: &Session,
    arguments: &Repro,
) -> Result<(Workspace, ReproOptions), Error> {
    let (opening, mut options) = opening(session, arguments)?;
    handing(session, arguments, &opening, &mut options);
    let workspace = session.read_for(opening, arguments.working.json)?;
    if !options.dry {
        let recorder = Recorder::new(session, workspace.location());
        recorder.prepare(&workspace);
        recorder.settle(&workspace, &[]); // what a killed process left open
        options.observing = Some(Observing::new(recorder));
    }
    Ok((workspace, options))
}

/// Has results handed on to a registrar.
fn handing(
    session: &Session,
    arguments: &Repro,
    opening: &Opening,
    options: &mut ReproOptions,
) -> Arc<Registrar> {
    let (root, as_json) = (&opening.location().root, arguments.working.json);
    let registrar = Arc::new(Registrar::new(session, as_json, root, arguments.watch));
    options.handing = (!arguments.dry).then(|| Handing::to(registrar.clone()));
    registrar
}

/// The project found, but not read.
fn opening(session: &Session, arguments: &Repro) -> Result<(Opening, ReproOptions), Error> {
    let opening = session.find_with(|setup| set_up(setup, &arguments.working))?;
    if let Some(name) = &arguments.executor {
        hpipe_engine::check_executor(name)?;
    }
    let options = ReproOptions {
        dry: arguments.dry,
        stop_after: arguments.stop_after.clone(),
        ignore_errors: arguments.ignore_errors,
        force_downstream: arguments.force_downstream,
        confirm: arguments.interactive.then(|| session.confirm()),
        ..options(session, opening.location(), &arguments.working)
    };
    Ok((opening, options))
}

fn exit(summary: &Summary, cancellation: &Cancellation) -> Exit {
    // What was not wanted (`-i`) is not up to date either.
    match (
        cancellation.is_requested(),
        summary.failed + summary.not_started,
    ) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, _) => Exit::StageFailed,
    }
}

/// What the command line says about how the project is opened: commands confined, files reread.
fn set_up(setup: &mut Setup, arguments: &Working) {
    setup.rereads |= arguments.verify;
    if arguments.sandbox {
        setup.sandbox.which = Confined::All;
    }
}

/// The options that `watch` has too.
fn options(session: &Session, location: &Location, arguments: &Working) -> ReproOptions {
    ReproOptions {
        selection: Selection {
            single_item: arguments.single_item,
            downstream: arguments.downstream,
            ..arguments.choosing.selection(location, Untargeted::Nearest)
        },
        force: arguments.force,
        keep_going: arguments.keep_going,
        jobs: arguments.jobs.map_or_else(|| session.jobs(), usize::from),
        run_cache: !arguments.no_run_cache,
        wait: !arguments.no_wait,
        commit: !arguments.no_commit,
        allow_missing: arguments.allow_missing,
        ..ReproOptions::default()
    }
}
