//! `hpipe monitor`: whether a model still does what it did when it was registered.

mod record;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hpipe_core::Predictor;
use hpipe_monitor::{BatchReport, Cut, Fault, Report, Settings, Severity, Watch};

use hpipe_track::Ledger;
use hpipe_track::ledger::ModelVersion;

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

/// A version at work.
struct Watched {
    version: ModelVersion,
    /// The digest of its model's bytes.
    digest: String,
    predictor: Arc<dyn Predictor>,
}

impl Watched {
    fn load(session: &Session, ledger: &Ledger, version: ModelVersion) -> Result<Self, Error> {
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
    fn name(&self) -> String {
        format!("{}/{}", self.version.name, self.version.version)
    }
}

/// Watches a model over a file and says what is to be said; does what the user wants done after an alert.
pub(super) fn monitor(session: &Session, arguments: &Monitor) -> Result<Exit, Error> {
    let after = after(session, arguments)?;
    let settings = settings(arguments)?;
    deployed::format_of(&arguments.input)?;
    deployed::tables(session)?;
    let ledger = models::existing_ledger(session)?;
    let version = match &arguments.model {
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
    let report = watched(session, arguments, settings, &model)?;
    let value = report.to_value(&model.name());
    let page = report.to_html(&model.name(), &arguments.input.display().to_string());
    match arguments.json {
        true => session.ui.data(&json::monitored(&value)),
        false => session
            .ui
            .data(&ui::monitoring_text(&report, &model.name())),
    }
    let file = json::monitoring_file(&value);
    for path in &arguments.report {
        let is_page = path.extension().is_some_and(|ending| ending == "html");
        models::write_at(
            &session.folder().join(path),
            if is_page { &page } else { &file }.as_bytes(),
        )?;
    }
    if let Some(path) = &arguments.metrics {
        let text = record::prometheus(&report, &model, started / 1000);
        models::write_at(&session.folder().join(path), text.as_bytes())?;
    }
    if !arguments.no_log {
        let input = arguments.input.display().to_string();
        record::log(
            session,
            &ledger,
            &model,
            &record::Seen {
                report: &report,
                input: &input,
                started,
                file,
                page,
            },
        )?;
    }
    drop(ledger);
    conclude(session, arguments, &report, &after)
}

/// Reads the input to its end.
fn watched(
    session: &Session,
    arguments: &Monitor,
    settings: Settings,
    model: &Watched,
) -> Result<Report, Error> {
    let tables = deployed::tables(session)?;
    let rows = ROWS.max(arguments.batch_rows as usize);
    let format = deployed::format_of(&arguments.input)?;
    let unreadable =
        |message: String| unusable(message, "the file is to be a table with a line of names");
    let path = session.folder().join(&arguments.input);
    let mut reader = tables.open(&path, format, rows).map_err(unreadable)?;
    deployed::warn_of_left_out(session, &path, &*reader);
    let mut watch = Watch::new(model.predictor.clone(), settings);
    let begun = Instant::now();
    let clock = || begun.elapsed().as_secs_f64();
    while let Some(part) = reader.next().map_err(unreadable)? {
        let batches = watch
            .push(part, Some(&clock))
            .map_err(|fault| unfit(&arguments.input, &fault))?;
        tell(session, arguments, batches);
    }
    watch
        .finish(Some(&clock))
        .map_err(|fault| unfit(&arguments.input, &fault))
}

/// Says of batches what is to be told, as soon as it is known.
fn tell(session: &Session, arguments: &Monitor, batches: &[BatchReport]) {
    for batch in batches
        .iter()
        .filter(|batch| arguments.json && !batch.alerts.is_empty())
    {
        session.ui.data(&json::batch(&batch.to_value()));
    }
}

fn conclude(
    session: &Session,
    arguments: &Monitor,
    report: &Report,
    after: &[String],
) -> Result<Exit, Error> {
    let least = match arguments.fail_on {
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Critical => Some(Severity::Critical),
        FailOn::Never => None,
    };
    // what makes the exit code asks for the loop, too; where nothing makes it, what is critical
    let is_real = report.severity() >= Some(least.unwrap_or(Severity::Critical));
    if !is_real {
        return Ok(Exit::Done);
    }
    if !after.is_empty() {
        session
            .ui
            .note(&format!("drift: hpipe repro {}", after.join(" ")));
        let mut working = Working::on(&after[0]);
        working.choosing.targets = after.to_vec();
        working.json = arguments.json;
        let repro_arguments = Repro {
            working,
            ..Repro::default()
        };
        match repro(session, &repro_arguments)? {
            Exit::Done => {}
            failed => return Ok(failed),
        }
    }
    Ok(match least {
        Some(_) => Exit::CHANGED,
        None => Exit::Done,
    })
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

fn settings(arguments: &Monitor) -> Result<Settings, Error> {
    let cut = match (&arguments.window, &arguments.time) {
        (Some(window), Some(column)) => Cut::Window {
            column: column.clone(),
            seconds: age(window)
                .map(|time| time.as_secs_f64())
                .ok()
                .filter(|seconds| *seconds > 0.0)
                .ok_or_else(|| {
                    unusable(
                        format!("`{window}` is no time"),
                        "write a number and a unit: 90s, 15m, 1h, 7d",
                    )
                })?,
        },
        _ => Cut::Rows(arguments.batch_rows as usize),
    };
    Ok(Settings {
        cut,
        target: arguments.target.clone(),
        segment: arguments.segment.clone(),
        cooldown: arguments.cooldown as usize,
        ..Settings::default()
    })
}

fn unusable(message: String, help: &str) -> Error {
    Error::Usage {
        message,
        help: help.to_owned(),
    }
}

fn unfit(input: &Path, fault: &Fault) -> Error {
    let help = match fault {
        Fault::NoColumn(fault) => match &fault.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the model takes the columns of the table before its transform".to_owned(),
        },
        Fault::NoTime(_) => {
            "`--time` names the column; `--batch-rows` counts rows instead".to_owned()
        }
        Fault::Prediction(fault) => fault.help.clone(),
    };
    let help = if help.is_empty() {
        "the model takes the columns of the table before its transform"
    } else {
        &help
    };
    unusable(
        format!("{} cannot be watched: {fault}", input.display()),
        help,
    )
}
