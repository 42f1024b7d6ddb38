//! `hpipe predict`: the predictions of a model for the rows of a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hpipe_core::{
    Keep, Predictor, ROWS_AT_ONCE, ScoredFile, ScoringError, ScoringOptions, TableFormat,
    score_file,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::models::{ask, parse, readable_ledger, version};
use crate::args::{Predict as Arguments, TableKind};
use crate::deployed;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::count;

/// Predicts the rows of a file into another.
pub(super) fn predict(session: &Session, arguments: &Arguments) -> Result<Exit, Error> {
    let tables = deployed::tables(session)?;
    let (title, predictor) = model(session, arguments)?;
    let failed = |message: String| Error::Table { message };
    let input = match arguments.format {
        Some(TableKind::Csv) => TableFormat::Csv,
        Some(TableKind::Parquet) => TableFormat::Parquet,
        None => deployed::format_of(&arguments.input)?,
    };
    let (from, to) = (&arguments.input, &arguments.out);
    refuse_same(from, to)?;
    let mut reader = tables.open(from, input, ROWS_AT_ONCE).map_err(failed)?;
    deployed::warn_of_left_out(session, from, &*reader);
    let output = output_format(to)?;
    let writer = tables.create(to, output).map_err(failed)?;
    let interrupted = interruption()?;
    let bar = session.ui.bar(&format!("predicting {}", from.display()));
    let mut progress = |done: f64| {
        bar.to(done);
        !interrupted.load(Ordering::Relaxed)
    };
    let scored = score_file(
        &*predictor,
        &mut *reader,
        writer,
        &options(arguments),
        &mut progress,
    );
    bar.end();
    match scored {
        Ok(scored) => {
            tell(session, arguments, &title, &scored);
            Ok(Exit::Done)
        }
        Err(_) if interrupted.load(Ordering::Relaxed) => Ok(Exit::Interrupted),
        Err(ScoringError::Table(message)) => Err(failed(message)),
        Err(ScoringError::Rows(fault)) => Err(Error::BadRows {
            path: from.clone(),
            fault,
        }),
    }
}

/// The rows are read while predictions are written, and nobody wants the only copy of the rows replaced.
fn refuse_same(from: &Path, to: &Path) -> Result<(), Error> {
    let (Ok(one), Ok(other)) = (from.canonicalize(), to.canonicalize()) else {
        return Ok(());
    };
    if one != other || !one.is_file() {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("{} holds the rows to predict", to.display()),
        help: "name another file after `--out`: it gets the rows with their predictions".to_owned(),
    })
}

/// What the ending says; CSV where there is none to say it: a pipe, a terminal.
fn output_format(path: &Path) -> Result<TableFormat, Error> {
    let is_file = |found: std::fs::Metadata| found.is_file() || found.is_dir();
    let is_stream = || match path.to_str() {
        Some("-" | "/dev/stdout") => true,
        _ => std::fs::metadata(path).is_ok_and(|found| !is_file(found)),
    };
    match TableFormat::of_path(path) {
        None if is_stream() => Ok(TableFormat::Csv),
        _ => deployed::format_of(path),
    }
}

/// A registered version, or, where there is a file of that name, that file.
fn model(session: &Session, arguments: &Arguments) -> Result<(String, Arc<dyn Predictor>), Error> {
    let (word, transform) = (&arguments.model, arguments.transform.as_deref());
    if Path::new(word).is_file() {
        return Ok((
            word.clone(),
            deployed::of_files(session, Path::new(word), transform)?,
        ));
    }
    if transform.is_some() {
        return Err(Error::Usage {
            message: format!("there is no file {word}"),
            help: "a registered version has its transform with it; leave `--transform` out"
                .to_owned(),
        });
    }
    let ledger = readable_ledger(session)?;
    let reference = parse(word)?;
    let version = ask(&ledger, |records| version(records, &reference))?;
    let predictor = deployed::of_version(session, &ledger, &version)?;
    Ok((format!("{}/{}", version.name, version.version), predictor))
}

fn options(arguments: &Arguments) -> ScoringOptions {
    let named = arguments.keep.iter().filter(|name| !name.is_empty());
    ScoringOptions {
        column: arguments.column.clone(),
        keep: match arguments.keep.is_empty() {
            true => Keep::All,
            false => Keep::Only(named.cloned().collect()),
        },
        skip_bad_rows: arguments.skip_bad_rows,
    }
}

/// Becomes true when somebody wants it to end; what was written so far is removed then.
fn interruption() -> Result<Arc<AtomicBool>, Error> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).map_err(Error::Signals)?;
    }
    Ok(interrupted)
}

fn tell(session: &Session, arguments: &Arguments, title: &str, scored: &ScoredFile) {
    let out = arguments.out.display().to_string();
    if arguments.json {
        session.ui.data(&json::predicted(title, &out, scored));
        return;
    }
    if let Some(fault) = &scored.fault {
        session.ui.warning(&format!(
            "{} without a prediction; the first: {fault}",
            count(scored.unpredicted, "row")
        ));
    }
    let rows = count(scored.rows, "row");
    session
        .ui
        .note(&format!("{rows} predicted by {title} into {out}"));
}
