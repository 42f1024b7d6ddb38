//! What runs read and made: datasets, and logged models.

use rusqlite::{OptionalExtension as _, params};

use super::error::{LedgerError, Result};
use super::runs::RunNumber;
use super::values::{Dataset, DatasetInput, DatasetUse, ModelOutput, Pair};
use super::{Change, Records, limits};

/// The tag that says what data was used for.
const CONTEXT: &str = "mlflow.data.context";

impl Records<'_> {
    /// The data a run read, in the order it was logged.
    pub(crate) fn dataset_inputs(&self, run: RunNumber) -> Result<Vec<DatasetInput>> {
        let sql = "SELECT i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
                   FROM run_datasets i JOIN datasets d ON d.id = i.dataset WHERE i.run = ?1 ORDER BY i.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([run.0], |row| {
            let dataset = Dataset {
                name: row.get(1)?,
                digest: row.get(2)?,
                source_type: row.get(3)?,
                source: row.get(4)?,
                schema: row.get(5)?,
                profile: row.get(6)?,
            };
            Ok((row.get::<_, i64>(0)?, dataset))
        })?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        let tagged = found.into_iter().map(|(id, dataset)| {
            let tags = "SELECT key, value FROM run_dataset_tags WHERE input = ?1 ORDER BY key";
            self.pairs(tags, &id)
                .map(|tags| DatasetInput { dataset, tags })
        });
        tagged.collect()
    }

    /// The logged models a run read.
    pub(crate) fn run_models(&self, run: RunNumber) -> Result<Vec<String>> {
        let sql = "SELECT model FROM run_models WHERE run = ?1 AND is_output = 0 ORDER BY model";
        let mut statement = self.connection.prepare_cached(sql)?;
        let models = statement.query_map([run.0], |row| row.get(0))?;
        Ok(models.collect::<rusqlite::Result<_>>()?)
    }

    /// The logged models a run made.
    pub(crate) fn run_outputs(&self, run: RunNumber) -> Result<Vec<ModelOutput>> {
        let sql = "SELECT model, step FROM run_models WHERE run = ?1 AND is_output = 1 ORDER BY step, model";
        let mut statement = self.connection.prepare_cached(sql)?;
        let outputs = statement.query_map([run.0], |row| {
            Ok(ModelOutput {
                model_id: row.get(0)?,
                step: row.get::<_, Option<i64>>(1)?.unwrap_or_default(),
            })
        })?;
        Ok(outputs.collect::<rusqlite::Result<_>>()?)
    }

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
