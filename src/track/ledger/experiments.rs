//! Experiments: named sets of runs.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::{LedgerError, Result};
use super::limits;
use super::values::{Experiment, Lifecycle, Pair};
use super::{Change, Records};

/// The number of the experiment that is always there.
const DEFAULT: i64 = 0;

/// The scheme of artifacts that are read and written through the server.
pub(crate) const PROXIED: &str = "mlflow-artifacts:";

/// An experiment to be made.
#[derive(Debug, Clone, Default)]
pub struct NewExperiment {
    /// Its name, which no other may have.
    pub name: String,
    /// Where artifacts of its runs go; by default through the server into the project.
    pub artifact_location: Option<String>,
    /// Its tags.
    pub tags: Vec<Pair>,
}

pub(crate) const COLUMNS: &str =
    "e.id, e.name, e.artifact_location, e.is_deleted, e.created, e.updated";

/// Reads a row of [`COLUMNS`]; without tags.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Experiment> {
    Ok(Experiment {
        id: row.get(0)?,
        name: row.get(1)?,
        artifact_location: row.get(2)?,
        lifecycle: Lifecycle::of(row.get(3)?),
        created: row.get(4)?,
        updated: row.get(5)?,
        tags: Vec::new(),
    })
}

impl Records<'_> {
    /// The experiment with this number, deleted ones too.
    ///
    /// # Errors
    /// When there is none.
    pub fn experiment(&self, id: i64) -> Result<Experiment> {
        let found = self.experiment_where("e.id = ?1", &id)?;
        found.ok_or_else(|| LedgerError::missing(format!("No Experiment with id={id} exists")))
    }

    /// The experiment of this name, if there is one, deleted ones too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn experiment_by_name(&self, name: &str) -> Result<Option<Experiment>> {
        self.experiment_where("e.name = ?1", &name)
    }

    fn experiment_where(
        &self,
        condition: &str,
        value: &dyn rusqlite::ToSql,
    ) -> Result<Option<Experiment>> {
        let sql = format!("SELECT {COLUMNS} FROM experiments e WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row([value], from_row).optional()?;
        found
            .map(|mut experiment| {
                experiment.tags = self.experiment_tags(experiment.id)?;
                Ok(experiment)
            })
            .transpose()
    }

    /// The tags of an experiment, by key.
    pub(crate) fn experiment_tags(&self, id: i64) -> Result<Vec<Pair>> {
        self.pairs(
            "SELECT key, value FROM experiment_tags WHERE experiment = ?1 ORDER BY key",
            &id,
        )
    }

    /// The pairs that a query for one owner finds.
    pub(crate) fn pairs(&self, sql: &str, owner: &dyn rusqlite::ToSql) -> Result<Vec<Pair>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let pairs = statement.query_map([owner], |row| {
            Ok(Pair::new(
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
            ))
        })?;
        Ok(pairs.collect::<rusqlite::Result<_>>()?)
    }

    fn active_experiment(&self, id: i64) -> Result<Experiment> {
        let experiment = self.experiment(id)?;
        match experiment.lifecycle {
            Lifecycle::Active => Ok(experiment),
            Lifecycle::Deleted => Err(not_active(id)),
        }
    }
}

fn not_active(id: i64) -> LedgerError {
    LedgerError::invalid(format!(
        "The experiment {id} must be in the 'active' state. Current state is deleted."
    ))
}

impl Change<'_> {
    /// Makes the experiment "Default" with the number 0 unless it is there.
    pub(crate) fn ensure_default_experiment(&self) -> Result<()> {
        let sql = "INSERT INTO experiments (id, name, artifact_location, created, updated)
                   SELECT ?1, 'Default', ?2, ?3, ?3 WHERE NOT EXISTS (SELECT 1 FROM experiments)";
        let location = format!("{PROXIED}/{DEFAULT}");
        self.connection
            .prepare_cached(sql)?
            .execute(params![DEFAULT, location, self.now])?;
        Ok(())
    }

    /// Makes an experiment and says its number.
    ///
    /// # Errors
    /// When the name is taken, also by a deleted one, or something is wrong with the words.
    pub fn create_experiment(&self, new: &NewExperiment) -> Result<i64> {
        limits::experiment_name(&new.name)?;
        let location = new.artifact_location.as_deref().unwrap_or_default();
        limits::artifact_location(location)?;
        for tag in &new.tags {
            limits::experiment_tag(tag)?;
        }
        if self.experiment_by_name(&new.name)?.is_some() {
            return Err(name_taken(&new.name));
        }
        let sql = "INSERT INTO experiments (name, artifact_location, created, updated) VALUES (?1, ?2, ?3, ?3)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![new.name, location, self.now])?;
        let id = self.connection.last_insert_rowid();
        if location.is_empty() {
            self.connection
                .prepare_cached("UPDATE experiments SET artifact_location = ?2 WHERE id = ?1")?
                .execute(params![id, format!("{PROXIED}/{id}")])?;
        }
        for tag in &new.tags {
            self.put_experiment_tag(id, tag)?;
        }
        Ok(id)
    }

    /// Gives an experiment another name.
    ///
    /// # Errors
    /// When it is deleted or does not exist, or the name is taken.
    pub fn rename_experiment(&self, id: i64, name: &str) -> Result<()> {
        limits::experiment_name(name)?;
        if self.experiment(id)?.lifecycle == Lifecycle::Deleted {
            return Err(LedgerError::state("Cannot rename a non-active experiment."));
        }
        if self
            .experiment_by_name(name)?
            .is_some_and(|other| other.id != id)
        {
            return Err(name_taken(name));
        }
        self.connection
            .prepare_cached("UPDATE experiments SET name = ?2, updated = ?3 WHERE id = ?1")?
            .execute(params![id, name, self.now])?;
        Ok(())
    }

    /// Deletes an experiment with its runs; both can be restored.
    ///
    /// # Errors
    /// When there is none, or it is deleted already.
    pub fn delete_experiment(&self, id: i64) -> Result<()> {
        self.mark_experiment(id, Lifecycle::Deleted)
    }

    /// Restores a deleted experiment with its runs.
    ///
    /// # Errors
    /// When there is none, or it is not deleted.
    pub fn restore_experiment(&self, id: i64) -> Result<()> {
        self.mark_experiment(id, Lifecycle::Active)
    }

    fn mark_experiment(&self, id: i64, wanted: Lifecycle) -> Result<()> {
        let is_deleted = wanted == Lifecycle::Deleted;
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE experiments SET is_deleted = ?2, updated = ?3 WHERE id = ?1 AND is_deleted <> ?2",
            )?
            .execute(params![id, is_deleted, self.now])?;
        if changed == 0 {
            return Err(LedgerError::missing(format!(
                "No Experiment with id={id} exists"
            )));
        }
        self.connection
            .prepare_cached("UPDATE runs SET is_deleted = ?2, deleted = ?3 WHERE experiment = ?1")?
            .execute(params![id, is_deleted, is_deleted.then_some(self.now)])?;
        Ok(())
    }

    /// Sets a tag of an experiment.
    ///
    /// # Errors
    /// When the experiment is deleted or does not exist, or something is wrong with the tag.
    pub fn set_experiment_tag(&self, id: i64, tag: &Pair) -> Result<()> {
        limits::experiment_tag(tag)?;
        self.active_experiment(id)?;
        self.put_experiment_tag(id, tag)
    }

    /// Removes a tag of an experiment.
    ///
    /// # Errors
    /// When experiment or tag do not exist.
    pub fn delete_experiment_tag(&self, id: i64, key: &str) -> Result<()> {
        self.active_experiment(id)?;
        let removed = self
            .connection
            .prepare_cached("DELETE FROM experiment_tags WHERE experiment = ?1 AND key = ?2")?
            .execute(params![id, key])?;
        if removed == 0 {
            return Err(LedgerError::missing(format!(
                "No tag with name: {key} in experiment with id {id}"
            )));
        }
        Ok(())
    }

    fn put_experiment_tag(&self, id: i64, tag: &Pair) -> Result<()> {
        let sql = "INSERT INTO experiment_tags (experiment, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection
            .prepare_cached(sql)?
            .execute(params![id, tag.key, tag.value])?;
        Ok(())
    }

    /// An experiment in which something can be made.
    pub(crate) fn experiment_for_new(&self, id: i64) -> Result<Experiment> {
        self.active_experiment(id)
    }
}

fn name_taken(name: &str) -> LedgerError {
    LedgerError::exists(format!("Experiment(name={name}) already exists."))
}
