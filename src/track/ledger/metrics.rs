//! Metrics: every value logged, and of each metric the last.
//!
//! The last value of a metric is the greatest by step, then timestamp, then value, whenever it was logged; equal rows are
//! one. NaN counts as 0 where values are ordered, as in MLflow. Infinities stay what they are (MLflow's SQL store makes
//! them the largest finite number).

use rusqlite::{Row, params};

use super::error::Result;
use super::query::Page;
use super::runs::RunNumber;
use super::values::Metric;
use super::{Change, Records, limits};

/// A value as it is kept.
pub(crate) fn kept(value: f64) -> (f64, bool) {
    if value.is_nan() {
        (0.0, true)
    } else {
        (value, false)
    }
}

/// What was kept as a value.
pub(crate) fn value_of(value: f64, is_nan: bool) -> f64 {
    if is_nan { f64::NAN } else { value }
}

/// Reads `key, value, is_nan, timestamp, step`.
fn from_row(row: &Row<'_>) -> rusqlite::Result<Metric> {
    Ok(Metric {
        key: row.get(0)?,
        value: value_of(row.get(1)?, row.get(2)?),
        timestamp: row.get(3)?,
        step: row.get(4)?,
        ..Metric::default()
    })
}

impl Records<'_> {
    /// Every value of a metric by timestamp, step, value; from `offset` on at most `limit`.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn metric_history(
        &self,
        run: &str,
        key: &str,
        limit: Option<usize>,
        offset: usize,
    ) -> Result<Page<Metric>> {
        let number = self.run_number(run)?;
        let sql = "SELECT key, value, is_nan, timestamp, step FROM metric_history WHERE run = ?1 AND key = ?2
                   ORDER BY timestamp, step, value LIMIT ?3 OFFSET ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let wanted = limit.map_or(-1, |limit| limit as i64 + 1);
        let found = statement.query_map(params![number.0, key, wanted, offset as i64], from_row)?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Page::cut(found, limit, offset))
    }
}

impl Change<'_> {
    /// Logs one value of a metric.
    ///
    /// # Errors
    /// When the run is deleted or does not exist, or something is wrong with the metric.
    pub fn log_metric(&self, run: &str, metric: &Metric) -> Result<()> {
        limits::metric(metric, "")?;
        let (number, _) = self.active_run(run)?;
        self.put_metric(number, run, metric)
    }

    /// Logs a checked value.
    pub(crate) fn put_metric(&self, number: RunNumber, run: &str, metric: &Metric) -> Result<()> {
        let (value, is_nan) = kept(metric.value);
        let row = params![
            number.0,
            metric.key,
            metric.timestamp,
            metric.step,
            value,
            is_nan
        ];
        let history =
            "INSERT OR IGNORE INTO metric_history (run, key, timestamp, step, value, is_nan)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        if self.connection.prepare_cached(history)?.execute(row)? > 0 {
            let latest = "INSERT INTO latest_metrics AS l (run, key, timestamp, step, value, is_nan)
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp,
                          step = excluded.step, value = excluded.value, is_nan = excluded.is_nan
                          WHERE (excluded.step, excluded.timestamp, excluded.value) > (l.step, l.timestamp, l.value)";
            self.connection.prepare_cached(latest)?.execute(row)?;
        }
        match metric.model_id.as_deref() {
            Some(model) => self.put_model_metric(model, run, metric),
            None => Ok(()),
        }
    }
}
