//! `hpipe monitor`: whether a model still does what it did when it was registered.

mod log;
mod outputs;
mod record;
mod rows;
mod stream;
mod watching;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;

use hpipe_core::{PredictionFault, Predictor};
use hpipe_monitor::{Cut, Fault, Late, Need, Report, Settings, Severity};
use hpipe_track::Ledger;
use hpipe_track::ledger::ModelVersion;

pub(super) use self::log::{Pages, existing as existing_log, write_new_rows};
pub(super) use self::watching::Watching;
pub(super) use self::webhook::Poster;
use super::models;
use super::repro::repro;
use crate::amount::age;
use crate::args::{FailOn, Monitor, Repro, Working};
use crate::deployed;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui;

/// Rows read at once, unless a batch has more.
const ROWS: usize = 8_192;

/// The word for standard input.
const STREAM: &str = "-";

/// A version at work.
pub(super) struct Watched {
    pub(super) version: ModelVersion,
    /// The digest of its model's bytes.
    digest: String,
    predictor: Arc<dyn Predictor>,
}

impl Watched {
    pub(super) fn load(
        session: &Session,
        ledger: &Ledger,
        version: ModelVersion,
    ) -> Result<Self, Error> {
        let predictor = deployed::of_version(session, ledger, &version)?;
        let known = ledger.read(|records| records.registration(&version.name, version.version))?;
        let digest = known.and_then(|known| Some(known.record.model()?.digest.to_string()));
        Ok(Self {
            version,
            digest: digest.unwrap_or_default(),
            predictor,
        })
    }

    /// `house/3`
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.version.name, self.version.version)
    }
}

/// Where rows come from.
enum Source {
    File(PathBuf),
    /// Standard input, until it ends or the user ends it.
    Stream,
    /// What was answered, from a moment on (milliseconds since 1970).
    Log {
        since: i64,
    },
}

impl Source {
    /// What the command line means, and which model; checked as far as nothing is read.
    fn of(arguments: &Monitor) -> Result<(Option<String>, Self), Error> {
        let (model, input) = (arguments.model.clone(), arguments.input.clone());
        if arguments.log {
            let word = input.map(|word| word.display().to_string());
            if let (Some(_), Some(word)) = (&model, &word) {
                let message =
                    format!("with `--log` there is no file, and `{word}` is one word too many");
                return Err(unusable(
                    message,
                    "`hpipe monitor [MODEL] --log` takes the rows from the log",
                ));
            }
            let since = match &arguments.since {
                Some(text) => hpipe_store::now_millis() - (seconds(text)? * 1e3) as i64,
                None => i64::MIN,
            };
            return Ok((model.or(word), Self::Log { since }));
        }
        let input = input.unwrap_or_default();
        if input.as_os_str() == STREAM {
            return Ok((model, Self::Stream));
        }
        deployed::format_of(&input)?;
        Ok((model, Self::File(input)))
    }

    /// What people call it.
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stream => "standard input".to_owned(),
            Self::Log { .. } => "the log of predictions".to_owned(),
        }
    }

    /// What becomes of rows of windows that are over: a file can be sorted, nothing else can.
    const fn late(&self) -> Late {
        match self {
            Self::File(_) => Late::Refused,
            Self::Stream | Self::Log { .. } => Late::Joined,
        }
    }
}

/// Watches a model over what came in and says what is to be said; does what the user wants done after an alert.
pub(super) fn monitor(session: &Session, arguments: &Monitor) -> Result<Exit, Error> {
    let after = after(session, arguments)?;
    let (word, source) = Source::of(arguments)?;
    let settings = settings(arguments, &source)?;
    outputs::check(session, arguments)?;
    let poster = Poster::of(session, arguments)?;
    deployed::loader(session)?;
    let ledger = models::existing_ledger(session)?;
    let version = match &word {
        Some(model) => models::find(&ledger, model)?,
        None => models::only(&ledger)?,
    };
    let model = Watched::load(session, &ledger, version)?;
    if model.predictor.profile().is_none() {
        let name = model.name();
        session.ui.warning(&format!(
            "{name} has no profile: errors are measured, and nothing is there to judge them by; `uses: profile` makes one"
        ));
    }
    let started = hpipe_store::now_millis();
    let input = source.name();
    let watching = Watching::new(
        session,
        arguments,
        &model,
        settings,
        &input,
        poster.as_ref(),
    );
    let report = match &source {
        Source::File(path) => watched_file(session, watching, arguments, path)?,
        Source::Stream => stream::watched(session, watching)?,
        Source::Log { since } => log::watched(session, watching, &model, *since)?,
    };
    let seen = record::Seen::new(&report, &model, &input, started);
    match arguments.json {
        true => session.ui.data(&json::monitored(&seen.value)),
        false => session
            .ui
            .data(&ui::monitoring_text(&report, &model.name())),
    }
    outputs::write(session, arguments, &model, &seen)?;
    if !arguments.no_log {
        record::log(session, &ledger, &model, &seen)?;
    }
    if let Some(poster) = poster {
        poster.finish();
    }
    drop(ledger);
    conclude(session, arguments, (&report, &source, &model), &after)
}

/// Leaves a run of what was seen since a moment (milliseconds since 1970), for whoever watches what is served.
pub(super) fn leave_run(
    session: &Session,
    ledger: &Ledger,
    model: &Watched,
    (report, input, started): (&Report, &str, i64),
) -> Result<(), Error> {
    record::log(
        session,
        ledger,
        model,
        &record::Seen::new(report, model, input, started),
    )
}

/// How what is served is watched.
pub(super) fn live_settings(arguments: &Monitor) -> Settings {
    Settings {
        cut: Cut::Rows(arguments.batch_rows as usize),
        logged: Some(log::columns()),
        ..Settings::default()
    }
}

/// Reads a file to its end.
fn watched_file(
    session: &Session,
    mut watching: Watching<'_>,
    arguments: &Monitor,
    input: &std::path::Path,
) -> Result<Report, Error> {
    let rows = ROWS.max(arguments.batch_rows as usize);
    let unreadable = |message: String| Error::Table { message };
    let path = session.folder().join(input);
    let tables = deployed::tables(session)?;
    let format = deployed::format_of(input)?;
    let mut reader = tables.open(&path, format, rows).map_err(unreadable)?;
    deployed::warn_of_left_out(session, &path, &*reader);
    while let Some(part) = reader.next().map_err(unreadable)? {
        watching.push(part)?;
    }
    watching.finish()
}

fn conclude(
    session: &Session,
    arguments: &Monitor,
    (report, source, model): (&Report, &Source, &Watched),
    after: &[String],
) -> Result<Exit, Error> {
    let least = arguments.fail_on.least();
    // what makes the exit code asks for the loop, too; where nothing makes it, what is critical
    let is_real =
        |severity: Option<Severity>| severity >= Some(least.unwrap_or(Severity::Critical));
    if !after.is_empty() && is_real(report.drift_severity()) {
        if let (Source::Log { .. }, Some(log)) = (source, existing_log(session)?) {
            write_new_rows(session, &log, model)?;
        }
        match looped(session, arguments.json, after)? {
            Exit::Done => {}
            failed => return Ok(failed),
        }
    }
    Ok(match least {
        Some(_) if is_real(report.severity()) => Exit::CHANGED,
        _ => Exit::Done,
    })
}

/// The loop: makes the targets up to date, as `hpipe repro` does.
fn looped(session: &Session, as_json: bool, targets: &[String]) -> Result<Exit, Error> {
    session
        .ui
        .note(&format!("drift: hpipe repro {}", targets.join(" ")));
    let mut working = Working::on(&targets[0]);
    working.choosing.targets = targets.to_vec();
    working.json = as_json;
    let arguments = Repro {
        working,
        ..Repro::default()
    };
    repro(session, &arguments)
}

impl FailOn {
    /// The least severity that is a failure; none if nothing is.
    const fn least(self) -> Option<Severity> {
        match self {
            Self::Warning => Some(Severity::Warning),
            Self::Critical => Some(Severity::Critical),
            Self::Never => None,
        }
    }
}

/// The targets that are made up to date after an alert; none if nothing is to be done.
fn after(session: &Session, arguments: &Monitor) -> Result<Vec<String>, Error> {
    let set = session.settings()?.text("monitor.on_drift");
    let Some(text) = arguments.on_drift.as_deref().or(set) else {
        return Ok(Vec::new());
    };
    let mut words = text.split_whitespace().map(str::to_owned);
    let is_repro = words.next().is_some_and(|word| word == "repro");
    let targets: Vec<_> = words.collect();
    if !is_repro || targets.is_empty() || targets.iter().any(|target| target.starts_with('-')) {
        let message = format!("`{text}` cannot be done after an alert");
        return Err(unusable(
            message,
            "write `repro TARGET…`: the stages that train and register",
        ));
    }
    session.locate()?;
    Ok(targets)
}

fn settings(arguments: &Monitor, source: &Source) -> Result<Settings, Error> {
    let column = match source {
        Source::Log { .. } => Some(log::TIME.to_owned()),
        _ => arguments.time.clone(),
    };
    let cut = match (&arguments.window, column) {
        (Some(window), Some(column)) => Cut::Window {
            column,
            seconds: seconds(window)?,
            late: source.late(),
        },
        (Some(_), None) => {
            let message = "`--window` does not say by which column's time".to_owned();
            return Err(unusable(message, "`--time COLUMN` names it"));
        }
        (None, _) => Cut::Rows(arguments.batch_rows as usize),
    };
    Ok(Settings {
        cut,
        target: arguments.target.clone(),
        segment: arguments.segment.clone(),
        cooldown: arguments.cooldown as usize,
        logged: matches!(source, Source::Log { .. }).then(log::columns),
        ..Settings::default()
    })
}

/// A time of more than nothing, in seconds.
fn seconds(text: &str) -> Result<f64, Error> {
    let time = age(text).map(|time| time.as_secs_f64()).ok();
    time.filter(|seconds| *seconds > 0.0).ok_or_else(|| {
        unusable(
            format!("`{text}` is no time"),
            "write a number and a unit: 90s, 15m, 1h, 7d",
        )
    })
}

fn unusable(message: String, help: &str) -> Error {
    Error::Usage {
        message,
        help: help.to_owned(),
    }
}

/// That rows cannot be watched: those the model cannot take are told as in `predict`, what an option names as an option.
fn unfit(input: &str, fault: Fault) -> Error {
    let bad_rows = |fault: PredictionFault| Error::BadRows {
        path: input.into(),
        fault,
    };
    let refused = |help: &str| unusable(format!("{input} cannot be watched: {fault}"), help);
    match &fault {
        Fault::NoColumn(missing) => {
            let near = missing.near.as_ref();
            let near = near.map(|near| format!("`{near}` is there"));
            match missing.need {
                Need::Model => bad_rows(PredictionFault {
                    help: near.unwrap_or_else(|| {
                        "the model takes the columns of the table before its transform".to_owned()
                    }),
                    ..PredictionFault::of(missing.to_string())
                }),
                _ => refused(
                    near.as_deref()
                        .unwrap_or("the first line of the table names its columns"),
                ),
            }
        }
        Fault::NoTime(_) => {
            refused("`--time` names the column; `--batch-rows` counts rows instead")
        }
        Fault::OutOfOrder { column, .. } => refused(&format!(
            "sort the rows by `{column}`, or judge batches of rows with `--batch-rows`"
        )),
        Fault::Prediction(fault) => bad_rows(fault.clone()),
    }
}
