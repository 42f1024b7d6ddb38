//! Params, and much of everything at once.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use super::error::{LedgerError, Result};
use super::runs::RunNumber;
use super::values::{Metric, Pair};
use super::{Change, limits};

/// What is logged to a run at once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Values of metrics.
    pub metrics: Vec<Metric>,
    /// Params, none of which may be given twice with different values.
    pub params: Vec<Pair>,
    /// Tags; of equal keys the last counts.
    pub tags: Vec<Pair>,
}

impl Change<'_> {
    /// Logs a param. Params are written once: the same value again is nothing, another one is refused.
    ///
    /// # Errors
    /// When it has another value already, the run is deleted or does not exist, or something is wrong with the param.
    pub fn log_param(&self, run: &str, param: &Pair) -> Result<()> {
        limits::param(param, "")?;
        let (number, _) = self.active_run(run)?;
        if let Some(old) = self.put_param(number, param)? {
            return Err(LedgerError::invalid(format!(
                "Changing param values is not allowed. Param with key='{}' was already logged with value='{old}' for run \
                 ID='{run}'. Attempted logging new value '{}'.",
                param.key, param.value
            )));
        }
        Ok(())
    }

    /// Logs metrics, params and tags to a run: all of them, or, when something is wrong, none.
    ///
    /// # Errors
    /// As of logging them one by one, and when there are too many.
    pub fn log_batch(&self, run: &str, batch: &Batch) -> Result<()> {
        limits::run_id(run)?;
        batch.check()?;
        let (number, _) = self.active_run(run)?;
        self.put_params(number, run, &batch.params)?;
        for metric in &batch.metrics {
            self.put_metric(number, run, metric)?;
        }
        for tag in &batch.tags {
            self.put_run_tag(number, tag)?;
        }
        Ok(())
    }

    fn put_params(&self, number: RunNumber, run: &str, params: &[Pair]) -> Result<()> {
        let mut changed = Vec::new();
        for param in params {
            if let Some(old) = self.put_param(number, param)? {
                changed.push(format!(
                    "{{'key': '{}', 'old_value': '{old}', 'new_value': '{}'}}",
                    param.key, param.value
                ));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        Err(LedgerError::invalid(format!(
            "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run}'.",
            changed.join(", ")
        )))
    }

    /// Writes a param unless it is there; the value that is there, if it is another.
    fn put_param(&self, run: RunNumber, param: &Pair) -> Result<Option<String>> {
        let sql = "INSERT OR IGNORE INTO run_params (run, key, value) VALUES (?1, ?2, ?3)";
        let row = params![run.0, param.key, param.value];
        if self.connection.prepare_cached(sql)?.execute(row)? > 0 {
            return Ok(None);
        }
        let old: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM run_params WHERE run = ?1 AND key = ?2")?
            .query_row(params![run.0, param.key], |row| row.get(0))
            .optional()?;
        Ok(old.filter(|old| *old != param.value))
    }
}

impl Batch {
    fn check(&self) -> Result<()> {
        for (index, metric) in self.metrics.iter().enumerate() {
            limits::metric(metric, &format!("metrics[{index}]"))?;
        }
        for (index, param) in self.params.iter().enumerate() {
            limits::param(param, &format!("params[{index}]"))?;
        }
        for (index, tag) in self.tags.iter().enumerate() {
            limits::tag(tag, &format!("tags[{index}]"))?;
        }
        limits::batch(self.metrics.len(), self.params.len(), self.tags.len())?;
        let mut seen = BTreeSet::new();
        let twice = self.params.iter().filter(|param| !seen.insert(&param.key));
        let twice: Vec<_> = twice.map(|param| format!("'{}'", param.key)).collect();
        if twice.is_empty() {
            return Ok(());
        }
        Err(LedgerError::invalid(format!(
            "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains only one param value \
             per param key.",
            twice.join(", ")
        )))
    }
}
