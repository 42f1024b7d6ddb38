//! Rows from the log of predictions, with what was answered and how long it took.

use hpipe_core::{Column, Table, Values};
use hpipe_monitor::{Logged, Report};
use hpipe_track::predictions::{Asked, LoggedRow, PredictionLog};
use serde_json::{Map, Value};

use super::rows::Objects;
use super::{ROWS, Watched, Watching, unusable};
use crate::commands::models;
use crate::deployed;
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
) -> Result<Report, Error> {
    let log = existing(session)?.ok_or_else(|| {
        let message = "no predictions are logged here".to_owned();
        unusable(message, "`hpipe serve` logs what it answers")
    })?;
    let who = (model.version.name.as_str(), model.version.version);
    for (other, rows) in log.answered_by_others(who, since)? {
        let rows = count(rows, "row");
        session.ui.note(&format!(
            "{rows} that {other} answered: `hpipe monitor {other} --log`"
        ));
    }
    let removed = usize::try_from(log.removed()?).unwrap_or(usize::MAX);
    if removed > 0 {
        let rows = count(removed, "row");
        session.ui.note(&format!(
            "{rows} before these were removed with old files of the log"
        ));
    }
    let mut pages = Pages::new(model, since, 0);
    while let Some(rows) = pages.next(&log)? {
        watching.push(rows)?;
    }
    watching.finish()
}

/// The log of a project that has one.
pub(in crate::commands) fn existing(session: &Session) -> Result<Option<PredictionLog>, Error> {
    let models = models::root(session)?.join(MODELS);
    match PredictionLog::exists(&models) {
        true => Ok(Some(PredictionLog::open(&models)?)),
        false => Ok(None),
    }
}

/// Writes all rows whose truth is known, whichever version answered them, to the file that the setting `monitor.new_rows` names, as
/// a pipeline learns from them; returns that file, none where none is set or no truth is known.
pub(in crate::commands) fn write_new_rows(
    session: &Session,
    log: &PredictionLog,
    model: &Watched,
) -> Result<Option<String>, Error> {
    let Some(name) = session.settings()?.text("monitor.new_rows") else {
        return Ok(None);
    };
    let asked = Asked {
        name: &model.version.name,
        version: None,
        since: i64::MIN,
        labelled: true,
    };
    if log.truths(asked, 0)? == 0 {
        let text = format!(
            "{name} is left as it is: what became true is known of no row, `hpipe predictions join` says it"
        );
        session.ui.warning(&text);
        return Ok(None);
    }
    let failed = |message: String| Error::Table { message };
    let path = models::root(session)?.join(name);
    let format = deployed::format_of(&path)?;
    let mut file = deployed::tables(session)?
        .create(&path, format)
        .map_err(failed)?;
    let mut pages = Pages {
        version: None,
        ..Pages::new(model, i64::MIN, 0).labelled()
    };
    while let Some(rows) = pages.next(log)? {
        file.write(&pages.to_learn_from(&rows)).map_err(failed)?;
    }
    file.finish().map_err(failed)?;
    Ok(Some(name.to_owned()))
}

/// The rows of a version, some at once.
pub(in crate::commands) struct Pages {
    name: String,
    version: Option<i64>,
    inputs: Vec<String>,
    labelled: bool,
    target: String,
    since: i64,
    after: i64,
    objects: Objects,
}

impl Pages {
    /// From a moment on, and after a row of the log.
    pub(in crate::commands) fn new(model: &Watched, since: i64, after: i64) -> Self {
        let inputs = model.predictor.card().inputs.iter();
        Self {
            name: model.version.name.clone(),
            version: Some(model.version.version),
            inputs: inputs.map(|input| input.name.clone()).collect(),
            labelled: false,
            target: model.predictor.card().target.clone(),
            since,
            after,
            objects: Objects::default(),
        }
    }

    /// Of them, only those whose truth is known.
    pub(in crate::commands) fn labelled(self) -> Self {
        Self {
            labelled: true,
            ..self
        }
    }

    /// The columns that the model takes, and the target.
    fn to_learn_from(&self, rows: &Table) -> Table {
        let empty = || Values::Text(vec![None; rows.rows()]);
        let columns = self.inputs.iter().chain([&self.target]).map(|name| Column {
            name: name.clone(),
            values: rows
                .get(name)
                .map_or_else(empty, |column| column.values.clone()),
        });
        match Table::new(columns.collect()) {
            Ok(table) => table,
            Err(error) => panic!("bug: {error}"),
        }
    }

    /// The next rows; none where there are no more by now.
    pub(in crate::commands) fn next(
        &mut self,
        log: &PredictionLog,
    ) -> Result<Option<Table>, Error> {
        let asked = Asked {
            name: &self.name,
            version: self.version,
            since: self.since,
            labelled: self.labelled,
        };
        let rows = log.answered(asked, self.after, ROWS)?;
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
