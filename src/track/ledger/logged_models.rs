//! Logged models: what MLflow 3 keeps of a model from the moment a run logs it.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::{LedgerError, Result};
use super::metrics::{kept, value_of};
use super::values::{LoggedModel, Metric, Pair};
use super::{Change, Records, limits, new_id, run_names};

/// A logged model to be made.
#[derive(Debug, Clone, Default)]
pub struct NewLoggedModel {
    /// Its experiment.
    pub experiment: i64,
    /// Its name; without one it is given one.
    pub name: Option<String>,
    /// The run that makes it.
    pub source_run: Option<String>,
    /// What kind of model.
    pub model_type: Option<String>,
    /// Its params.
    pub params: Vec<Pair>,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// The files of a logged model are still to come.
pub(crate) const PENDING: &str = "LOGGED_MODEL_PENDING";
/// They are there.
pub(crate) const READY: &str = "LOGGED_MODEL_READY";
const STATUSES: [&str; 3] = [PENDING, READY, "LOGGED_MODEL_UPLOAD_FAILED"];

pub(crate) const COLUMNS: &str = "l.id, l.experiment, l.name, l.artifact_location, l.created, l.updated, l.status, l.status_message, \
     l.model_type, l.source_run";

/// Reads a row of [`COLUMNS`]; without params, tags and metrics.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<LoggedModel> {
    Ok(LoggedModel {
        id: row.get(0)?,
        experiment: row.get(1)?,
        name: row.get(2)?,
        artifact_location: row.get(3)?,
        created: row.get(4)?,
        updated: row.get(5)?,
        status: row.get(6)?,
        status_message: row.get(7)?,
        model_type: row.get(8)?,
        source_run: row.get(9)?,
        params: Vec::new(),
        tags: Vec::new(),
        metrics: Vec::new(),
    })
}

fn not_found(id: &str) -> LedgerError {
    LedgerError::missing(format!("Logged model with ID '{id}' not found."))
}

impl Records<'_> {
    /// A logged model that is not deleted.
    ///
    /// # Errors
    /// When there is none.
    pub fn logged_model(&self, id: &str) -> Result<LoggedModel> {
        self.logged_model_where(id, "AND NOT l.is_deleted")
    }

    /// A logged model, also a deleted one.
    ///
    /// # Errors
    /// When there is none.
    pub fn logged_model_even_deleted(&self, id: &str) -> Result<LoggedModel> {
        self.logged_model_where(id, "")
    }

    fn logged_model_where(&self, id: &str, condition: &str) -> Result<LoggedModel> {
        let sql = format!("SELECT {COLUMNS} FROM logged_models l WHERE l.id = ?1 {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row([id], from_row).optional()?;
        self.whole_logged_model(found.ok_or_else(|| not_found(id))?)
    }

    /// Adds to a logged model's row what belongs to it.
    pub(crate) fn whole_logged_model(&self, model: LoggedModel) -> Result<LoggedModel> {
        let params = "SELECT key, value FROM logged_model_params WHERE model = ?1 ORDER BY key";
        let tags = "SELECT key, value FROM logged_model_tags WHERE model = ?1 ORDER BY key";
        Ok(LoggedModel {
            params: self.pairs(params, &model.id)?,
            tags: self.pairs(tags, &model.id)?,
            metrics: self.model_metrics(&model.id)?,
            ..model
        })
    }

    fn model_metrics(&self, id: &str) -> Result<Vec<Metric>> {
        let sql = "SELECT key, value, is_nan, timestamp, step, run, dataset_name, dataset_digest
                   FROM logged_model_metrics WHERE model = ?1 ORDER BY key, timestamp, step, run";
        let mut statement = self.connection.prepare_cached(sql)?;
        let metrics = statement.query_map([id], |row| {
            Ok(Metric {
                key: row.get(0)?,
                value: value_of(row.get(1)?, row.get(2)?),
                timestamp: row.get(3)?,
                step: row.get(4)?,
                run_id: row.get(5)?,
                dataset_name: row.get(6)?,
                dataset_digest: row.get(7)?,
                model_id: Some(id.to_owned()),
            })
        })?;
        Ok(metrics.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Makes a logged model, whose files are still to come.
    ///
    /// # Errors
    /// When the experiment is deleted or does not exist, or the name is no good.
    pub fn create_logged_model(&self, new: &NewLoggedModel) -> Result<LoggedModel> {
        let name = new.name.as_deref().unwrap_or_default();
        limits::logged_model_name(name)?;
        let experiment = self.experiment_for_new(new.experiment)?;
        let digits = new_id()?;
        let id = format!("m-{digits}");
        let name = match name {
            "" => run_names::name_of(&digits),
            name => name.to_owned(),
        };
        let location = format!("{}/models/{id}/artifacts", experiment.artifact_location);
        let sql = "INSERT INTO logged_models (id, experiment, name, artifact_location, created, updated, status, model_type,
                   source_run) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            experiment.id,
            name,
            location,
            self.now,
            PENDING,
            new.model_type,
            new.source_run
        ])?;
        self.put_model_params(&id, &new.params)?;
        for tag in &new.tags {
            self.put_logged_model_tag(&id, tag)?;
        }
        self.logged_model(&id)
    }

    /// Says that a logged model's files are there, or failed to come.
    ///
    /// # Errors
    /// When there is no such model, or the status is none.
    pub fn finalize_logged_model(&self, id: &str, status: &str) -> Result<LoggedModel> {
        if !STATUSES.contains(&status) {
            return Err(LedgerError::invalid(format!(
                "Invalid value \"{status}\" for parameter 'status' supplied."
            )));
        }
        let sql = "UPDATE logged_models SET status = ?2, updated = ?3 WHERE id = ?1";
        self.change_logged_model(id, sql, &status)?;
        self.logged_model_even_deleted(id)
    }

    /// Deletes a logged model; it can still be found by its id.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn delete_logged_model(&self, id: &str) -> Result<()> {
        let sql = "UPDATE logged_models SET is_deleted = ?2, updated = ?3 WHERE id = ?1";
        self.change_logged_model(id, sql, &true)
    }

    fn change_logged_model(&self, id: &str, sql: &str, value: &dyn rusqlite::ToSql) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        match statement.execute(params![id, value, self.now])? {
            0 => Err(not_found(id)),
            _ => Ok(()),
        }
    }

    /// Adds params to a logged model; they are written once.
    ///
    /// # Errors
    /// When there is no such model, or a param has another value already.
    pub fn log_model_params(&self, id: &str, params: &[Pair]) -> Result<()> {
        self.known_logged_model(id)?;
        self.put_model_params(id, params)
    }

    fn put_model_params(&self, id: &str, params: &[Pair]) -> Result<()> {
        for param in params {
            let sql = "INSERT INTO logged_model_params (model, key, value) VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET value = value WHERE value = excluded.value";
            let row = params![id, param.key, param.value];
            if self.connection.prepare_cached(sql)?.execute(row)? == 0 {
                return Err(LedgerError::invalid(format!(
                    "Changing param values is not allowed. Param with key='{}' was already logged for the model '{id}'.",
                    param.key
                )));
            }
        }
        Ok(())
    }

    /// Sets tags of a logged model.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn set_logged_model_tags(&self, id: &str, tags: &[Pair]) -> Result<LoggedModel> {
        self.known_logged_model(id)?;
        for tag in tags {
            self.put_logged_model_tag(id, tag)?;
        }
        self.logged_model_even_deleted(id)
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// When model or tag do not exist.
    pub fn delete_logged_model_tag(&self, id: &str, key: &str) -> Result<()> {
        self.known_logged_model(id)?;
        let removed = self
            .connection
            .prepare_cached("DELETE FROM logged_model_tags WHERE model = ?1 AND key = ?2")?
            .execute(params![id, key])?;
        if removed == 0 {
            return Err(LedgerError::missing(format!(
                "No tag with key '{key}' found for model with ID '{id}'."
            )));
        }
        Ok(())
    }

    /// Notes a metric of a run as one measured on a logged model.
    pub(crate) fn put_model_metric(&self, id: &str, run: &str, metric: &Metric) -> Result<()> {
        self.known_logged_model(id)?;
        let (value, is_nan) = kept(metric.value);
        let sql = "INSERT OR IGNORE INTO logged_model_metrics (model, key, timestamp, step, run, value, is_nan,
                   dataset_name, dataset_digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            metric.key,
            metric.timestamp,
            metric.step,
            run,
            value,
            is_nan,
            metric.dataset_name,
            metric.dataset_digest
        ])?;
        Ok(())
    }

    fn put_logged_model_tag(&self, id: &str, tag: &Pair) -> Result<()> {
        let sql = "INSERT INTO logged_model_tags (model, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection
            .prepare_cached(sql)?
            .execute(params![id, tag.key, tag.value])?;
        Ok(())
    }

    fn known_logged_model(&self, id: &str) -> Result<()> {
        let known = self
            .connection
            .prepare_cached("SELECT 1 FROM logged_models WHERE id = ?1")?
            .exists([id])?;
        if known { Ok(()) } else { Err(not_found(id)) }
    }
}
