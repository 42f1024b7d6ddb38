//! What runs read and made: datasets, and logged models.

use rusqlite::{OptionalExtension as _, params};

use super::error::{LedgerError, Result};
use super::runs::RunNumber;
use super::values::{Dataset, DatasetInput, DatasetUse, ModelOutput, Pair};
use super::{Change, Records, limits};

/// The tag that says what data was used for.
const CONTEXT: &str = "mlflow.data.context";

impl Records<'_> {
    /// The distinct datasets of experiments, and what they were used for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn datasets(&self, experiments: &[i64]) -> Result<Vec<DatasetUse>> {
        let sql = "SELECT DISTINCT d.experiment, d.name, d.digest, t.value FROM datasets d
                   JOIN run_datasets i ON i.dataset = d.id
                   LEFT JOIN run_dataset_tags t ON t.input = i.id AND t.key = ?2
                   WHERE d.experiment = ?1 ORDER BY d.name, d.digest LIMIT 1000";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut all = Vec::new();
        for experiment in experiments {
            let found = statement.query_map(params![experiment, CONTEXT], |row| {
                Ok(DatasetUse {
                    experiment: row.get(0)?,
                    name: row.get(1)?,
                    digest: row.get(2)?,
                    context: row.get(3)?,
                })
            })?;
            all.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(all)
    }
}

impl Change<'_> {
    /// Notes data and logged models that a run reads. Data of one name and digest is kept once for an experiment.
    ///
    /// # Errors
    /// When the run is deleted or does not exist, or something is wrong with the data.
    pub fn log_inputs(&self, run: &str, data: &[DatasetInput], models: &[String]) -> Result<()> {
        limits::run_id(run)?;
        limits::dataset_count(data.len())?;
        for input in data {
            limits::dataset(input)?;
            if input.dataset.name.is_empty() || input.dataset.digest.is_empty() {
                return Err(LedgerError::invalid(
                    "Dataset input must have a dataset with a name and a digest.",
                ));
            }
        }
        let (number, experiment) = self.active_run(run)?;
        for input in data {
            let dataset = self.put_dataset(experiment, &input.dataset)?;
            self.put_input(number, dataset, &input.tags)?;
        }
        for model in models {
            self.put_run_model(number, model, None)?;
        }
        Ok(())
    }

    /// Notes logged models that a run made.
    ///
    /// # Errors
    /// When the run is deleted or does not exist.
    pub fn log_outputs(&self, run: &str, models: &[ModelOutput]) -> Result<()> {
        let (number, _) = self.active_run(run)?;
        for model in models {
            self.put_run_model(number, &model.model_id, Some(model.step))?;
        }
        Ok(())
    }

    fn put_dataset(&self, experiment: i64, data: &Dataset) -> Result<i64> {
        let known = "SELECT id FROM datasets WHERE experiment = ?1 AND name = ?2 AND digest = ?3";
        let known = self
            .connection
            .prepare_cached(known)?
            .query_row(params![experiment, data.name, data.digest], |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        let sql =
            "INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql)?.execute(params![
            experiment,
            data.name,
            data.digest,
            data.source_type,
            data.source,
            data.schema,
            data.profile
        ])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn put_input(&self, run: RunNumber, dataset: i64, tags: &[Pair]) -> Result<()> {
        let added = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO run_datasets (run, dataset) VALUES (?1, ?2)")?
            .execute(params![run.0, dataset])?;
        if added == 0 {
            return Ok(()); // the first use counts, with its tags
        }
        let input = self.connection.last_insert_rowid();
        for tag in tags {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO run_dataset_tags (input, key, value) VALUES (?1, ?2, ?3)")?
                .execute(params![input, tag.key, tag.value])?;
        }
        Ok(())
    }

    fn put_run_model(&self, run: RunNumber, model: &str, step: Option<i64>) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO run_models (run, is_output, model, step) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![
            run.0,
            step.is_some(),
            model,
            step
        ])?;
        Ok(())
    }
}
