//! `hpipe serve`: a registered model over HTTP, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use hpipe_core::ProjectPath;
use hpipe_serve::{Limits, Options, Report, Server, Setup, Told, Treatment};
use hpipe_track::Ledger;
use hpipe_track::ledger::Stage;
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::ModelReference;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::models::{ask, names, parse, readable_ledger, root, version};
use crate::args::{self, Serve as Arguments};
use crate::deployed;
use crate::error::{Error, Exit};
use crate::json;
use crate::registering::MODELS;
use crate::session::Session;

/// The log of predictions.
const LOG: [&str; 3] = [
    "models/predictions.db",
    "models/predictions.db-wal",
    "models/predictions.db-shm",
];

/// Serves a model of the project.
pub(super) fn serve(session: &Session, arguments: &Arguments) -> Result<Exit, Error> {
    let ledger = readable_ledger(session)?;
    let model = match &arguments.model {
        Some(text) => parse(text)?,
        None => only_one(&ledger)?,
    };
    ask(&ledger, |records| version(records, &model))?; // in words that help, before anything is loaded
    let loader = deployed::loader(session)?;
    let log = match arguments.no_log {
        true => None,
        false => log(session)?,
    };
    let setup = Setup {
        ledger: Arc::new(ledger),
        model,
        loader,
        log,
        options: options(arguments),
        clock: Arc::new(hpipe_store::now_millis),
        report: report(session, arguments.json),
    };
    let server = Server::bind(setup, &arguments.host, arguments.port)?;
    let stopper = server.stopper();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::Signals)?;
    std::thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
    let (url, title) = (format!("http://{}", server.address()), server.title());
    match arguments.json {
        true => session.ui.data(&json::serving_model(&url, &title)),
        false => session
            .ui
            .note(&format!("serving {title} at {url}; Ctrl-C ends it")),
    }
    server.run()?;
    Ok(Exit::Done)
}

/// The log of predictions, which is no content of any dep and stays out of git; none where nothing can be written, which is
/// told.
fn log(session: &Session) -> Result<Option<PredictionLog>, Error> {
    let root = root(session)?;
    match PredictionLog::open(&root.join(MODELS)) {
        Ok(log) => {
            keep_out_of_git(session);
            Ok(Some(log))
        }
        Err(error) if error.is_of_read_only() => {
            let why = hpipe_core::with_causes(&error);
            session.ui.warning(&format!(
                "predictions are not logged: failed to {why}; `--no-log` serves so without a word"
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn keep_out_of_git(session: &Session) {
    let Ok((_, store)) = session.open_store() else {
        return;
    };
    let paths = LOG.map(ProjectPath::new);
    if let Err(error) = hpipe_engine::keep_out_of_git(&store, &paths) {
        let why = hpipe_core::with_causes(&error);
        let text = format!("failed to keep the log of predictions out of git: {why}");
        session.ui.warning(&text);
    }
}

/// The model that has a version in Production, if there is only one.
fn only_one(ledger: &Ledger) -> Result<ModelReference, Error> {
    let (known, mut served) = ask(ledger, |records| {
        let known = names(records)?;
        let mut served = Vec::new();
        for name in &known {
            if !records
                .latest_versions(name, &[Stage::Production])?
                .is_empty()
            {
                served.push(name.clone());
            }
        }
        Ok((known, served))
    })?;
    let refuse = |message: String, help: String| Err(Error::Usage { message, help });
    match (served.pop(), served.first()) {
        (Some(name), None) => Ok(ModelReference { name, which: None }),
        (Some(last), Some(_)) => refuse(
            "several models have a version in Production".to_owned(),
            format!("say which: {}, {last}", served.join(", ")),
        ),
        (None, _) => refuse(
            "no model has a version in Production".to_owned(),
            match known.first() {
                Some(name) => format!(
                    "`hpipe models promote {name}/VERSION Production` promotes one, `hpipe serve {name}@latest` serves \
                     the newest as it is"
                ),
                None => "`hpipe models register FILE --name NAME` registers one".to_owned(),
            },
        ),
    }
}

fn options(arguments: &Arguments) -> Options {
    Options {
        out_of_range: match arguments.out_of_range {
            args::Treatment::Warn => Treatment::Warn,
            args::Treatment::Reject => Treatment::Reject,
            args::Treatment::Ignore => Treatment::Ignore,
        },
        unknown_columns: match arguments.unknown_columns {
            args::Unknown::Reject => Treatment::Reject,
            args::Unknown::Ignore => Treatment::Ignore,
        },
        limits: Limits {
            body: arguments.max_body as usize * 1024 * 1024,
            rows: arguments.max_rows as usize,
            time: Duration::from_secs(arguments.timeout.into()),
            requests: arguments.max_requests as usize,
            ..Limits::default()
        },
    }
}

/// Tells what the server has to say: lines for people, events for programs.
fn report(session: &Session, as_json: bool) -> Report {
    let ui = session.ui.clone();
    Box::new(move |told| match (told, as_json) {
        (Told::Swapped { from, to }, true) => ui.data(&json::swapped(from, to)),
        (Told::Swapped { from, to }, false) => ui.note(&format!("{to} answers in place of {from}")),
        (Told::Warning(text), true) => ui.data(&json::serving_warning(text)),
        (Told::Warning(text), false) => ui.warning(text),
    })
}
