//! `hpipe serve`: a registered model over HTTP, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use hpipe_core::ProjectPath;
use hpipe_serve::{Canary, Limits, Options, Report, Server, Setup, Share, Told, Treatment};
use hpipe_track::Ledger;
use hpipe_track::ledger::Stage;
use hpipe_track::predictions::{PredictionLog, Rotation};
use hpipe_track::registry::ModelReference;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::models::{ask, names, parse, readable_ledger, root, version};
use crate::args::{self, Serve as Arguments};
use crate::deployed;
use crate::error::{Error, Exit};
use crate::json;
use crate::registering::MODELS;
use crate::secrets;
use crate::session::Session;

/// The log of predictions.
const LOG: [&str; 4] = [
    "models/predictions.db",
    "models/predictions.db-wal",
    "models/predictions.db-shm",
    "models/predictions",
];

/// Serves a model of the project.
pub(super) fn serve(session: &Session, arguments: &Arguments) -> Result<Exit, Error> {
    let server = bound(session, arguments)?;
    let stopper = server.stopper();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::Signals)?;
    std::thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
    tell_address(session, arguments, &server);
    server.run()?;
    Ok(Exit::Done)
}

/// Says where a server listens.
pub(super) fn tell_address(session: &Session, arguments: &Arguments, server: &Server) {
    let scheme = if arguments.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    let (url, title) = (format!("{scheme}://{}", server.address()), server.title());
    let others = server.others();
    match arguments.json {
        true => session.ui.data(&json::serving_model(&url, &title, &others)),
        false => {
            let others = others.iter().map(|(title, role, share)| match *role {
                "canary" => format!(" ({title} for {} % of requests)", share * 100.0),
                _ => format!(" ({title} sees them, and is not heard)"),
            });
            let others: String = others.collect();
            session
                .ui
                .note(&format!("serving {title}{others} at {url}; Ctrl-C ends it"));
        }
    }
}

/// A server of a model of the project, that listens and does not answer yet.
pub(super) fn bound(session: &Session, arguments: &Arguments) -> Result<Server, Error> {
    let ledger = readable_ledger(session)?;
    let model = match &arguments.model {
        Some(text) => parse(text)?,
        None => only_one(&ledger)?,
    };
    ask(&ledger, |records| version(records, &model))?; // in words that help, before anything is loaded
    let (canaries, shadow) = others(&ledger, arguments, &model)?;
    let (token, tls) = (
        secrets::token(session, arguments)?,
        secrets::tls(arguments)?,
    );
    let loader = deployed::loader(session)?;
    let log = match arguments.no_log {
        true => None,
        false => log(session, arguments)?,
    };
    let setup = Setup {
        ledger: Arc::new(ledger),
        model,
        canaries,
        shadow,
        token,
        tls,
        loader,
        log,
        options: options(arguments),
        clock: Arc::new(hpipe_store::now_millis),
        report: report(session, arguments.json),
    };
    Ok(Server::bind(setup, &arguments.host, arguments.port)?)
}

/// The log of predictions, which is no content of any dep and stays out of git; none where nothing can be written, which is
/// told.
fn log(session: &Session, arguments: &Arguments) -> Result<Option<PredictionLog>, Error> {
    let root = root(session)?;
    match PredictionLog::open(&root.join(MODELS)) {
        Ok(log) => {
            keep_out_of_git(session);
            Ok(Some(log.with_rotation(rotation(arguments))))
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

/// When a new file of the log is begun, and how many are kept.
fn rotation(arguments: &Arguments) -> Rotation {
    const HOUR: i64 = 60 * 60 * 1000;
    Rotation {
        size: (arguments.log_size > 0).then(|| u64::from(arguments.log_size) << 20),
        age: arguments.log_age.map(|hours| i64::from(hours) * HOUR),
        keep: arguments.log_keep.map(|files| files as usize),
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

/// The versions that answer a share of requests, and the one that sees them: of the same model, and there.
fn others(
    ledger: &Ledger,
    arguments: &Arguments,
    model: &ModelReference,
) -> Result<(Vec<Canary>, Option<ModelReference>), Error> {
    let same = |text: &str| {
        let reference = parse(text)?;
        if reference.name != model.name {
            return Err(Error::Usage {
                message: format!("`{text}` is another model than `{}`", model.name),
                help: "only versions of one model answer for each other".to_owned(),
            });
        }
        ask(ledger, |records| version(records, &reference))?;
        Ok(reference)
    };
    let bad = |message: String| Error::Usage {
        message,
        help: "a canary is MODEL=SHARE, as `house/4=10%`; all of them answer 100 % at most"
            .to_owned(),
    };
    let canary = |text: &String| {
        let split = text.rsplit_once('=');
        let (reference, share) =
            split.ok_or_else(|| bad(format!("`{text}` says no share of requests")))?;
        Ok(Canary {
            model: same(reference)?,
            share: share.parse().map_err(bad)?,
        })
    };
    let canaries = arguments.canary.iter().map(canary);
    let canaries = canaries.collect::<Result<Vec<_>, Error>>()?;
    if !Share::fit(canaries.iter().map(|canary| canary.share)) {
        return Err(bad("the canaries answer more than all requests".to_owned()));
    }
    let shadow = arguments.shadow.as_deref().map(same).transpose()?;
    Ok((canaries, shadow))
}

fn options(arguments: &Arguments) -> Options {
    Options {
        sticky: arguments.sticky.clone(),
        tell_latencies: match arguments.tell_latency {
            0 => None,
            seconds => Some(Duration::from_secs(seconds.into())),
        },
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
        (
            Told::Latency {
                version,
                route,
                count,
                quantiles,
            },
            true,
        ) => {
            ui.data(&json::serving_latency(version, route, count, quantiles));
        }
        (
            Told::Latency {
                version,
                route,
                count,
                quantiles,
            },
            false,
        ) => {
            let [half, most, nearly] = quantiles.map(|seconds| format!("{:.3}", seconds * 1000.0));
            let answers = crate::ui::count(usize::try_from(count).unwrap_or(usize::MAX), "answer");
            ui.note(&format!(
                "{version} {route}: {answers}, p50 {half} ms, p95 {most} ms, p99 {nearly} ms"
            ));
        }
        (Told::Removed { path, rows }, true) => ui.data(&json::log_removed(path, rows)),
        (Told::Removed { path, rows }, false) => {
            let rows = crate::ui::count(usize::try_from(rows).unwrap_or(usize::MAX), "prediction");
            ui.note(&format!("{path} was removed, with {rows}"));
        }
        (Told::Warning(text), true) => ui.data(&json::serving_warning(text)),
        (Told::Warning(text), false) => ui.warning(text),
    })
}
