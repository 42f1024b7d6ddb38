//! Rows from the log of predictions, with what was answered and how long it took.

use hpipe_core::{Column, Table, Values};
use hpipe_monitor::Logged;
use hpipe_track::predictions::{LoggedRow, PredictionLog};
use serde_json::{Map, Value};

use super::rows::Objects;
use super::watching::Ended;
use super::{ROWS, Watched, Watching, unusable};
use crate::commands::models;
use crate::error::Error;
use crate::registering::MODELS;
use crate::session::Session;
use crate::ui::count;

/// Columns of ours beside the model's.
pub(super) const TIME: &str = "hpipe:time";
const PREDICTION: &str = "hpipe:prediction";
const LATENCY: &str = "hpipe:latency";

/// Which columns say what was answered.
pub(super) fn columns() -> Logged {
    Logged {
        prediction: PREDICTION.to_owned(),
        latency: LATENCY.to_owned(),
    }
}

/// Reads what the version answered, from a moment on, to the end of the log.
pub(super) fn watched(
    session: &Session,
    mut watching: Watching<'_>,
    model: &Watched,
    since: i64,
) -> Result<Ended, Error> {
    let log = existing(session)?;
    let who = (model.version.name.as_str(), model.version.version);
    for (other, rows) in log.answered_by_others(who, since)? {
        let rows = count(rows, "row");
        session.ui.note(&format!(
            "{rows} that {other} answered: `hpipe monitor {other} --log`"
        ));
    }
    let mut pages = Pages::new(model, since, 0);
    while let Some(rows) = pages.next(&log)? {
        watching.push(rows)?;
    }
    watching.finish()
}

/// The log of a project that has one.
pub(super) fn existing(session: &Session) -> Result<PredictionLog, Error> {
    let models = models::root(session)?.join(MODELS);
    if !PredictionLog::path_in(&models).exists() {
        let message = "no predictions are logged here".to_owned();
        return Err(unusable(message, "`hpipe serve` logs what it answers"));
    }
    Ok(PredictionLog::open(&models)?)
}

/// The rows of a version, some at once.
pub(super) struct Pages {
    name: String,
    version: i64,
    target: String,
    since: i64,
    after: i64,
    objects: Objects,
}

impl Pages {
    /// From a moment on, and after a row of the log.
    pub(super) fn new(model: &Watched, since: i64, after: i64) -> Self {
        Self {
            name: model.version.name.clone(),
            version: model.version.version,
            target: model.predictor.card().target.clone(),
            since,
            after,
            objects: Objects::default(),
        }
    }

    /// The next rows; none where there are no more by now.
    pub(super) fn next(&mut self, log: &PredictionLog) -> Result<Option<Table>, Error> {
        let rows = log.answered_by((&self.name, self.version), self.since, self.after, ROWS)?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        self.after = last.number;
        let objects = rows.iter().map(features).collect::<Result<_, _>>()?;
        let mut columns = self.objects.table(objects).into_columns();
        let mut add = |name: &str, of: fn(&LoggedRow) -> Option<f64>| {
            let values = Values::Number(rows.iter().map(of).collect());
            let name = name.to_owned();
            columns.push(Column { name, values });
        };
        add(TIME, |row| Some(row.time as f64));
        add(PREDICTION, |row| row.prediction);
        add(LATENCY, |row| Some(row.latency as f64 / 1e6));
        if rows.iter().any(|row| row.truth.is_some()) {
            add(&self.target, |row| row.truth);
        }
        let table = Table::new(columns).map_err(|twice| damaged(&twice.to_string()))?;
        Ok(Some(table))
    }
}

fn features(row: &LoggedRow) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(&row.features)
        .map_err(|error| damaged(&format!("row {}: {error}", row.number)))
}

fn damaged(why: &str) -> Error {
    Error::Table {
        message: format!("read the log of predictions: {why}"),
    }
}
