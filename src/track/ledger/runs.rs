//! Runs: begun, changed, tagged, deleted and restored.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::{LedgerError, Result};
use super::values::{Lifecycle, Pair, Run, RunInfo};
use super::{Change, Records, limits, new_id, run_names};

/// The tag that mirrors a run's name.
pub(crate) const RUN_NAME: &str = "mlflow.runName";

/// A run to be begun.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// Its experiment.
    pub experiment: i64,
    /// Its name; without one, and without the tag `mlflow.runName`, it is given one.
    pub name: Option<String>,
    /// Who begins it.
    pub user: String,
    /// When it began.
    pub start_time: i64,
    /// Its first tags.
    pub tags: Vec<Pair>,
}

/// What changes of a run; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: Option<String>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Its name.
    pub name: Option<String>,
}

/// A run's number in the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunNumber(pub(crate) i64);

const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

pub(crate) const COLUMNS: &str = "r.number, r.id, r.experiment, r.name, r.user, r.status, r.start_time, r.end_time, \
     r.artifact_uri, r.is_deleted";

/// Reads a row of [`COLUMNS`].
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<(RunNumber, RunInfo)> {
    let info = RunInfo {
        id: row.get(1)?,
        experiment: row.get(2)?,
        name: row.get(3)?,
        user: row.get(4)?,
        status: row.get(5)?,
        start_time: row.get(6)?,
        end_time: row.get(7)?,
        artifact_uri: row.get(8)?,
        lifecycle: Lifecycle::of(row.get(9)?),
    };
    Ok((RunNumber(row.get(0)?), info))
}

fn not_found(id: &str) -> LedgerError {
    LedgerError::missing(format!("Run with id={id} not found"))
}

impl Records<'_> {
    /// The run with this id, deleted ones too.
    ///
    /// # Errors
    /// When there is none.
    pub fn run(&self, id: &str) -> Result<Run> {
        let (number, info) = self.run_row(id)?;
        self.whole_run(number, info)
    }

    /// What is known of the run from its beginning.
    ///
    /// # Errors
    /// When there is none.
    pub fn run_info(&self, id: &str) -> Result<RunInfo> {
        Ok(self.run_row(id)?.1)
    }

    fn run_row(&self, id: &str) -> Result<(RunNumber, RunInfo)> {
        let sql = format!("SELECT {COLUMNS} FROM runs r WHERE r.id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row([id], from_row).optional()?;
        found.ok_or_else(|| not_found(id))
    }

    /// Adds to a run's row what it logged, read and made.
    pub(crate) fn whole_run(&self, number: RunNumber, info: RunInfo) -> Result<Run> {
        let mut runs = self.whole_runs(vec![(number, info)])?;
        Ok(runs.swap_remove(0))
    }

    /// The number of a run.
    pub(crate) fn run_number(&self, id: &str) -> Result<RunNumber> {
        Ok(self.run_state(id)?.0)
    }

    /// The number and the experiment of a run that is not deleted.
    pub(crate) fn active_run(&self, id: &str) -> Result<(RunNumber, i64)> {
        let (number, experiment, lifecycle) = self.run_state(id)?;
        match lifecycle {
            Lifecycle::Active => Ok((number, experiment)),
            Lifecycle::Deleted => Err(LedgerError::invalid(format!(
                "The run {id} must be in the 'active' state. Current state is deleted."
            ))),
        }
    }

    fn run_state(&self, id: &str) -> Result<(RunNumber, i64, Lifecycle)> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, experiment, is_deleted FROM runs WHERE id = ?1")?;
        let state = |row: &Row<'_>| {
            Ok((
                RunNumber(row.get(0)?),
                row.get(1)?,
                Lifecycle::of(row.get(2)?),
            ))
        };
        let found = statement.query_row([id], state).optional()?;
        found.ok_or_else(|| not_found(id))
    }
}

impl Change<'_> {
    /// Begins a run.
    ///
    /// # Errors
    /// When the experiment is deleted or does not exist, or name and tag disagree.
    pub fn create_run(&self, new: NewRun) -> Result<Run> {
        let experiment = self.experiment_for_new(new.experiment)?;
        for (index, tag) in new.tags.iter().enumerate() {
            limits::tag(tag, &format!("tags[{index}]"))?;
        }
        let id = new_id()?;
        let name = chosen_name(&new, &id)?;
        let info = RunInfo {
            artifact_uri: format!("{}/{id}/artifacts", experiment.artifact_location),
            id,
            experiment: experiment.id,
            name,
            user: new.user,
            status: "RUNNING".to_owned(),
            start_time: Some(new.start_time),
            end_time: None,
            lifecycle: Lifecycle::Active,
        };
        let number = self.insert_run(&info)?;
        for tag in new.tags.iter().filter(|tag| tag.key != RUN_NAME) {
            self.put_tag(number, tag)?;
        }
        self.put_tag(number, &Pair::new(RUN_NAME, info.name.as_str()))?;
        self.whole_run(number, info)
    }

    fn insert_run(&self, info: &RunInfo) -> Result<RunNumber> {
        let sql = "INSERT INTO runs (id, experiment, name, user, status, start_time, artifact_uri)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql)?.execute(params![
            info.id,
            info.experiment,
            info.name,
            info.user,
            info.status,
            info.start_time,
            info.artifact_uri
        ])?;
        Ok(RunNumber(self.connection.last_insert_rowid()))
    }

    /// Changes status, end or name of a run.
    ///
    /// # Errors
    /// When the run is deleted or does not exist, or the status is none.
    pub fn update_run(&self, id: &str, update: &RunUpdate) -> Result<RunInfo> {
        let (number, _) = self.active_run(id)?;
        if let Some(status) = update.status.as_deref()
            && !STATUSES.contains(&status)
        {
            return Err(LedgerError::invalid(format!(
                "Could not get run status corresponding to string {status}. Valid run status strings: {STATUSES:?}"
            )));
        }
        let name = update.name.as_deref().filter(|name| !name.is_empty());
        self.connection
            .prepare_cached(
                "UPDATE runs SET status = coalesce(?2, status), end_time = coalesce(?3, end_time),
                 name = coalesce(?4, name) WHERE number = ?1",
            )?
            .execute(params![number.0, update.status, update.end_time, name])?;
        if let Some(name) = name {
            self.put_tag(number, &Pair::new(RUN_NAME, name))?;
        }
        self.run_info(id)
    }

    /// Deletes a run, which can be restored; one that is deleted stays so.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete_run(&self, id: &str) -> Result<()> {
        self.mark_run(id, Some(self.now))
    }

    /// Restores a deleted run.
    ///
    /// # Errors
    /// When there is none.
    pub fn restore_run(&self, id: &str) -> Result<()> {
        self.mark_run(id, None)
    }

    fn mark_run(&self, id: &str, deleted: Option<i64>) -> Result<()> {
        let number = self.run_number(id)?;
        self.connection
            .prepare_cached("UPDATE runs SET is_deleted = ?2, deleted = ?3 WHERE number = ?1")?
            .execute(params![number.0, deleted.is_some(), deleted])?;
        Ok(())
    }

    /// Removes a deleted run for good, with all it logged; what its artifacts held goes with
    /// [`Ledger::remove_artifacts`](super::Ledger::remove_artifacts).
    ///
    /// # Errors
    /// When there is none, or it is not deleted.
    pub fn purge_run(&self, id: &str) -> Result<()> {
        let (number, _, lifecycle) = self.run_state(id)?;
        if lifecycle == Lifecycle::Active {
            return Err(LedgerError::state(format!("The run {id} is not deleted.")));
        }
        self.connection
            .prepare_cached("DELETE FROM runs WHERE number = ?1")?
            .execute([number.0])?;
        Ok(())
    }

    /// Sets a tag of a run; `mlflow.runName` renames it.
    ///
    /// # Errors
    /// When the run is deleted or does not exist, or something is wrong with the tag.
    pub fn set_tag(&self, id: &str, tag: &Pair) -> Result<()> {
        limits::tag(tag, "")?;
        let (number, _) = self.active_run(id)?;
        self.put_run_tag(number, tag)
    }

    /// Removes a tag of a run.
    ///
    /// # Errors
    /// When run or tag do not exist, or the run is deleted.
    pub fn delete_tag(&self, id: &str, key: &str) -> Result<()> {
        let (number, _) = self.active_run(id)?;
        let removed = self
            .connection
            .prepare_cached("DELETE FROM run_tags WHERE run = ?1 AND key = ?2")?
            .execute(params![number.0, key])?;
        if removed == 0 {
            return Err(LedgerError::missing(format!(
                "No tag with name: {key} in run with id {id}"
            )));
        }
        Ok(())
    }

    /// Sets a tag, and with `mlflow.runName` the name.
    pub(crate) fn put_run_tag(&self, run: RunNumber, tag: &Pair) -> Result<()> {
        if tag.key == RUN_NAME && !tag.value.is_empty() {
            self.connection
                .prepare_cached("UPDATE runs SET name = ?2 WHERE number = ?1")?
                .execute(params![run.0, tag.value])?;
        }
        self.put_tag(run, tag)
    }

    fn put_tag(&self, run: RunNumber, tag: &Pair) -> Result<()> {
        let sql = "INSERT INTO run_tags (run, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection
            .prepare_cached(sql)?
            .execute(params![run.0, tag.key, tag.value])?;
        Ok(())
    }
}

/// The name asked for, by word or by tag, or else one made of the id.
fn chosen_name(new: &NewRun, id: &str) -> Result<String> {
    let asked = new.name.as_deref().filter(|name| !name.is_empty());
    let tag = new.tags.iter().find(|tag| tag.key == RUN_NAME);
    let tag = tag.map(|tag| tag.value.as_str()).filter(|n| !n.is_empty());
    match (asked, tag) {
        (Some(name), Some(tag)) if name != tag => Err(LedgerError::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
             (run_name='{name}', mlflow.runName='{tag}')."
        ))),
        (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => Ok(run_names::name_of(id)),
    }
}
