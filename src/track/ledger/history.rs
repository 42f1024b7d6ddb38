//! The history of model versions: appended to, never changed; the database refuses anything else.

use rusqlite::{Row, params};

use super::error::Result;
use super::stages::Stage;
use super::{Change, Records};

/// One thing that happened to a model version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEvent {
    /// The registered model's name at that time.
    pub name: String,
    /// The version.
    pub version: i64,
    /// `created`, `moved` (from one stage to another), `rolled_back` (the same, as a step back), `refused` (its gates did not
    /// let it move) or `deleted`.
    pub event: String,
    /// The stage it left.
    pub from_stage: Option<String>,
    /// The stage it came to.
    pub to_stage: Option<String>,
    /// When: milliseconds since 1970, UTC.
    pub at: i64,
    /// Who did it, if that is known.
    pub user: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// JSON of what the gates said, if some were asked.
    pub gates: Option<String>,
    /// Whether it happened against the gates.
    pub is_forced: bool,
}

/// How a version comes into another stage.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: i64,
    /// Where it goes.
    pub stage: Stage,
    /// Whether those that stand there go to the archive.
    pub archives_existing: bool,
    /// Who does it.
    pub user: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// JSON of what the gates said.
    pub gates: Option<String>,
    /// Whether it happens against the gates.
    pub is_forced: bool,
}

impl Transition {
    /// Moves a version to a stage, with nothing more to say about it.
    pub fn new(name: &str, version: i64, stage: Stage) -> Self {
        Self {
            name: name.to_owned(),
            version,
            stage,
            archives_existing: false,
            user: None,
            reason: None,
            gates: None,
            is_forced: false,
        }
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<HistoryEvent> {
    Ok(HistoryEvent {
        name: row.get(0)?,
        version: row.get(1)?,
        event: row.get(2)?,
        from_stage: row.get(3)?,
        to_stage: row.get(4)?,
        at: row.get(5)?,
        user: row.get(6)?,
        reason: row.get(7)?,
        gates: row.get(8)?,
        is_forced: row.get(9)?,
    })
}

impl Records<'_> {
    /// What happened to the versions of a registered model, the oldest first; also of one that is deleted by now, then
    /// under the name it had last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn model_history(&self, name: &str) -> Result<Vec<HistoryEvent>> {
        // A name may have been given again after its model was deleted: all its bearers are told.
        let sql = "SELECT name, version, event, from_stage, to_stage, at, user, reason, gates, is_forced
                   FROM model_history WHERE model IN (SELECT number FROM registered_models WHERE name = ?1
                   UNION SELECT model FROM model_history WHERE name = ?1) ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let events = statement.query_map([name], from_row)?;
        Ok(events.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Writes down what happened to a version of the model with this number.
    pub(crate) fn append_history(&self, model: i64, event: &HistoryEvent) -> Result<()> {
        let sql = "INSERT INTO model_history (model, name, version, event, from_stage, to_stage, at, user, reason, gates,
                   is_forced) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.connection.prepare_cached(sql)?.execute(params![
            model,
            event.name,
            event.version,
            event.event,
            event.from_stage,
            event.to_stage,
            event.at,
            event.user,
            event.reason,
            event.gates,
            event.is_forced
        ])?;
        Ok(())
    }

    /// The bare event, at this moment.
    pub(crate) fn event(&self, name: &str, version: i64, event: &str) -> HistoryEvent {
        HistoryEvent {
            name: name.to_owned(),
            version,
            event: event.to_owned(),
            from_stage: None,
            to_stage: None,
            at: self.now,
            user: None,
            reason: None,
            gates: None,
            is_forced: false,
        }
    }
}
