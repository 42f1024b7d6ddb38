//! Which run records which execution of a stage.
//!
//! An execution is known by the id of its attempt, which is unique and sorts by time. Its row is written with the run,
//! when the execution begins, and closed with the last of its results: an open one whose process is gone tells that there
//! is something left to write down. Rows stay when their run is removed for good.

use rusqlite::{OptionalExtension as _, Row, params};

use super::artifacts::StoredArtifact;
use super::batch::Batch;
use super::error::Result;
use super::logged_models::{NewLoggedModel, PENDING, READY};
use super::runs::{NewRun, RunUpdate};
use super::values::{LoggedModel, Metric, ModelOutput, Pair};
use super::{Change, Records};

/// An execution that a run records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// The id of the attempt.
    pub attempt: String,
    /// The stage.
    pub stage: String,
    /// The stage key, in hexadecimal digits.
    pub stage_key: String,
    /// The run; it may have been removed since.
    pub run: String,
    /// Whether something of it is still to be written down.
    pub is_open: bool,
}

/// What an execution came to.
#[derive(Debug, Clone, Default)]
pub struct ExecutionEnd {
    /// What it came to itself.
    pub results: RunResults,
    /// Files, by path below the run's own folder.
    pub artifacts: Vec<(String, StoredArtifact)>,
    /// Logged models that it made.
    pub models: Vec<MadeModel>,
    /// Runs within it, as the trials of a search are.
    pub children: Vec<(String, RunResults)>,
}

/// A logged model that was begun, and its files.
#[derive(Debug, Clone)]
pub struct MadeModel {
    /// Its id.
    pub id: String,
    /// Its files, by path below its own folder.
    pub files: Vec<(String, StoredArtifact)>,
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct RunResults {
    /// `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// When it ended.
    pub end_time: i64,
    /// Params; one that is there already stays as it is.
    pub params: Vec<Pair>,
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// The tag that names the run a run is within.
const PARENT: &str = "mlflow.parentRunId";

/// Metrics and pairs logged at once; what a batch may hold.
const BATCH: usize = 100;

/// What follows this in an artifact's URI is its path here.
const PROXIED: &str = "mlflow-artifacts:/";

const COLUMNS: &str = "attempt, stage, stage_key, run, is_open";

fn from_row(row: &Row<'_>) -> rusqlite::Result<ExecutionRecord> {
    Ok(ExecutionRecord {
        attempt: row.get(0)?,
        stage: row.get(1)?,
        stage_key: row.get(2)?,
        run: row.get(3)?,
        is_open: row.get(4)?,
    })
}

impl Records<'_> {
    /// The record of an attempt, if there is one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn execution(&self, attempt: &str) -> Result<Option<ExecutionRecord>> {
        Ok(self.executions("attempt = ?1", attempt)?.pop())
    }

    /// Executions of a stage, the youngest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn executions_of(&self, stage: &str) -> Result<Vec<ExecutionRecord>> {
        self.executions("stage = ?1", stage)
    }

    /// The youngest run of an execution with a stage key that came to a good end and is not deleted: what stands under that
    /// key, it made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run_that_made(&self, key: &str) -> Result<Option<String>> {
        let sql = "SELECT r.id FROM executions e JOIN runs r ON r.id = e.run
                   WHERE e.stage_key = ?1 AND r.status = 'FINISHED' AND NOT r.is_deleted
                   ORDER BY e.attempt DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The execution that a run records, if it records one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn execution_of_run(&self, run: &str) -> Result<Option<ExecutionRecord>> {
        Ok(self.executions("run = ?1", run)?.pop())
    }

    /// Executions that are under way, or were when their process ended.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_executions(&self) -> Result<Vec<ExecutionRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM executions WHERE is_open ORDER BY attempt");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([], from_row)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn executions(&self, condition: &str, value: &str) -> Result<Vec<ExecutionRecord>> {
        let sql =
            format!("SELECT {COLUMNS} FROM executions WHERE {condition} ORDER BY attempt DESC");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([value], from_row)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Begins the run of an execution, or says which one it is if it has begun before; and the experiment it is in.
    ///
    /// # Errors
    /// As of [`create_run`](Change::create_run).
    pub fn begin_execution(
        &self,
        attempt: &str,
        (stage, stage_key): (&str, &str),
        new: NewRun,
    ) -> Result<ExecutionRecord> {
        if let Some(known) = self.execution(attempt)? {
            return Ok(known);
        }
        let run = self.create_run(new)?.info.id;
        let sql = "INSERT INTO executions (attempt, stage, stage_key, run) VALUES (?1, ?2, ?3, ?4)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![attempt, stage, stage_key, run])?;
        Ok(ExecutionRecord {
            attempt: attempt.to_owned(),
            stage: stage.to_owned(),
            stage_key: stage_key.to_owned(),
            run,
            is_open: true,
        })
    }

    /// Writes down what an execution came to, and closes it; one that is closed stays as it is.
    ///
    /// # Errors
    /// When its run is deleted or does not exist, or something is wrong with the results.
    pub fn end_execution(&self, attempt: &str, end: &ExecutionEnd) -> Result<()> {
        let Some(known) = self.execution(attempt)?.filter(|known| known.is_open) else {
            return Ok(());
        };
        let info = self.run_info(&known.run)?;
        self.put_results(&known.run, &end.results)?;
        self.place_below(&info.artifact_uri, &end.artifacts)?;
        for model in &end.models {
            let location = self.logged_model(&model.id)?.artifact_location;
            self.place_below(&location, &model.files)?;
            self.finalize_logged_model(&model.id, READY)?;
        }
        let outputs = end.models.iter().map(|model| ModelOutput {
            model_id: model.id.clone(),
            step: 0,
        });
        self.log_outputs(&known.run, &outputs.collect::<Vec<_>>())?;
        for (name, results) in &end.children {
            let new = NewRun {
                experiment: info.experiment,
                name: Some(name.clone()),
                user: info.user.clone(),
                start_time: info.start_time.unwrap_or_default(),
                tags: vec![Pair::new(PARENT, known.run.as_str())],
            };
            let child = self.create_run(new)?.info.id;
            self.put_results(&child, results)?;
        }
        self.close_execution(attempt)
    }

    /// Places files below a URI; one that leads elsewhere is somebody else's to fill.
    fn place_below(&self, uri: &str, files: &[(String, StoredArtifact)]) -> Result<()> {
        let Some(folder) = uri.strip_prefix(PROXIED) else {
            return Ok(());
        };
        for (path, stored) in files {
            self.place_artifact(&format!("{folder}/{path}"), stored)?;
        }
        Ok(())
    }

    /// Begins a logged model of a run. One that the run began before and never finished goes.
    ///
    /// # Errors
    /// As of [`create_logged_model`](Change::create_logged_model).
    pub fn begin_model_of(&self, run: &str, new: NewLoggedModel) -> Result<LoggedModel> {
        let sql =
            "SELECT id FROM logged_models WHERE source_run = ?1 AND status = ?2 AND NOT is_deleted";
        let mut statement = self.connection.prepare_cached(sql)?;
        let left = statement.query_map([run, PENDING], |row| row.get::<_, String>(0))?;
        for left in left.collect::<rusqlite::Result<Vec<_>>>()? {
            self.delete_logged_model(&left)?;
        }
        self.create_logged_model(&NewLoggedModel {
            experiment: self.run_info(run)?.experiment,
            source_run: Some(run.to_owned()),
            ..new
        })
    }

    fn put_results(&self, run: &str, results: &RunResults) -> Result<()> {
        let known = self.run(run)?.data.params;
        let is_new = |param: &&Pair| known.iter().all(|known| known.key != param.key);
        let params: Vec<_> = results.params.iter().filter(is_new).cloned().collect();
        self.log_much(run, &params, &results.metrics, &results.tags)?;
        let update = RunUpdate {
            status: Some(results.status.clone()),
            end_time: Some(results.end_time),
            name: None,
        };
        self.update_run(run, &update).map(drop)
    }

    /// Logs more than fits into one batch.
    ///
    /// # Errors
    /// As of [`log_batch`](Change::log_batch).
    pub fn log_much(
        &self,
        run: &str,
        params: &[Pair],
        metrics: &[Metric],
        tags: &[Pair],
    ) -> Result<()> {
        let params = params.chunks(BATCH).map(|params| Batch {
            params: params.to_vec(),
            ..Batch::default()
        });
        let metrics = metrics.chunks(BATCH).map(|metrics| Batch {
            metrics: metrics.to_vec(),
            ..Batch::default()
        });
        let tags = tags.chunks(BATCH).map(|tags| Batch {
            tags: tags.to_vec(),
            ..Batch::default()
        });
        for batch in params.chain(metrics).chain(tags) {
            self.log_batch(run, &batch)?;
        }
        Ok(())
    }

    /// Says that everything of an execution is written down.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn close_execution(&self, attempt: &str) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE executions SET is_open = 0 WHERE attempt = ?1")?
            .execute([attempt])?;
        Ok(())
    }

    /// The number of the experiment of this name, which is made if there is none, and restored if it was deleted.
    ///
    /// # Errors
    /// When the name is no good.
    pub fn ensure_experiment(&self, name: &str) -> Result<i64> {
        let known = self
            .connection
            .prepare_cached("SELECT id, is_deleted FROM experiments WHERE name = ?1")?
            .query_row([name], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
            })
            .optional()?;
        match known {
            Some((id, false)) => Ok(id),
            Some((id, true)) => {
                self.restore_experiment_alone(id)?;
                Ok(id)
            }
            None => self.create_experiment(&super::NewExperiment {
                name: name.to_owned(),
                ..super::NewExperiment::default()
            }),
        }
    }

    /// Restores an experiment, but none of the runs that were deleted with it.
    fn restore_experiment_alone(&self, id: i64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE experiments SET is_deleted = 0, updated = ?2 WHERE id = ?1")?
            .execute(params![id, self.now])?;
        Ok(())
    }
}
