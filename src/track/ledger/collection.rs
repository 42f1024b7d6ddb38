//! What may go for good: runs that were deleted, with their models and artifacts, and objects that nothing refers to.
//!
//! What a version of a registered model was made from stays, whatever else is deleted.

use std::collections::HashSet;
use std::time::Duration;

use hpipe_core::Digest;
use hpipe_store::Keep;
use rusqlite::params;

use super::error::{LedgerError, Result};
use super::runs::{self, RunNumber};
use super::values::RunInfo;
use super::{Change, Ledger, Records};

/// Objects younger than this stay: somebody may be about to refer to them.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// What follows this in an artifact's URI is its path.
const PROXIED: &str = "mlflow-artifacts:/";

/// Deleted runs that may go for good, and those that may not.
#[derive(Debug, Clone, Default)]
pub struct Garbage {
    /// Those that may.
    pub runs: Vec<RunInfo>,
    /// Those that a model version needs, with the model and the version.
    pub needed: Vec<(RunInfo, String, i64)>,
}

/// Objects that went, or would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Records<'_> {
    /// The runs that were deleted at or before `until`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn garbage(&self, until: i64) -> Result<Garbage> {
        let sql = format!(
            "SELECT {} FROM runs r WHERE r.is_deleted AND coalesce(r.deleted, 0) <= ?1 ORDER BY r.number",
            runs::COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([until], runs::from_row)?;
        let mut garbage = Garbage::default();
        for found in found {
            let (_, info) = found?;
            match self.version_of(&info)? {
                Some((model, version)) => garbage.needed.push((info, model, version)),
                None => garbage.runs.push(info),
            }
        }
        Ok(garbage)
    }

    /// A model version that was made from a run, or from a model it logged.
    fn version_of(&self, run: &RunInfo) -> Result<Option<(String, i64)>> {
        let sql = "SELECT m.name, v.version FROM model_versions v JOIN registered_models m ON m.number = v.model
                   WHERE NOT v.is_deleted AND (v.run = ?1
                     OR v.logged_model IN (SELECT id FROM logged_models WHERE source_run = ?1)
                     OR v.storage_location = ?2 OR substr(v.storage_location, 1, length(?2) + 1) = ?2 || '/'
                     OR EXISTS (SELECT 1 FROM logged_models l WHERE l.source_run = ?1 AND
                       (v.storage_location = l.artifact_location OR
                        substr(v.storage_location, 1, length(l.artifact_location) + 1) = l.artifact_location || '/')))
                   ORDER BY v.number LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![run.id, run.artifact_uri])?;
        match rows.next()? {
            Some(row) => Ok(Some((row.get(0)?, row.get(1)?))),
            None => Ok(None),
        }
    }

    /// Digests of everything that lies somewhere.
    fn referenced(&self) -> Result<HashSet<Digest>> {
        let sql = "SELECT DISTINCT digest FROM artifacts";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([], |row| Ok(Digest::blake3(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The models that a run logged, deleted ones too, with the place of their files.
    fn models_of(&self, run: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT id, artifact_location FROM logged_models WHERE source_run = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Removes deleted runs for good, with the models they logged and the paths of their artifacts; one that was restored,
    /// or that a model version needs by now, stays. Says which went.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn purge_garbage(&self, until: i64) -> Result<Garbage> {
        let garbage = self.garbage(until)?;
        for run in &garbage.runs {
            for (model, location) in self.models_of(&run.id)? {
                self.forget_below(&location)?;
                self.connection
                    .prepare_cached("DELETE FROM logged_models WHERE id = ?1")?
                    .execute([&model])?;
            }
            self.forget_below(&run.artifact_uri)?;
            self.purge_run(&run.id)?;
        }
        Ok(garbage)
    }

    fn forget_below(&self, uri: &str) -> Result<()> {
        match uri.strip_prefix(PROXIED) {
            Some(path) => self.forget_artifacts(path).map(drop),
            None => Ok(()),
        }
    }
}

impl Ledger {
    /// Removes for good the runs that were deleted at or before `until`, and then the objects that no artifact refers to,
    /// but for young ones. Nothing is recorded while objects go, so that nobody refers to them.
    ///
    /// # Errors
    /// When the records cannot be written, or an object not be removed.
    pub fn collect(&self, until: i64) -> Result<(Garbage, Swept)> {
        // On their own: were the objects to go first, and this not be written, they would be missed.
        let garbage = self.write(move |change| change.purge_garbage(until))?;
        let keep = self.keep.again();
        let swept = self.write(move |change| change.sweep(&keep, false))?;
        Ok((garbage, swept))
    }

    /// What [`collect`](Self::collect) would remove.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn collectable(&self, until: i64) -> Result<(Garbage, Swept)> {
        let keep = self.keep.again();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let undone = self.write(move |change| {
            let garbage = change.purge_garbage(until)?;
            let swept = change.sweep(&keep, true)?;
            let _ = tell.send((garbage, swept)); // whoever asked waits for it
            Err::<(), _>(LedgerError::state("only looked, so nothing is changed"))
        });
        match (told.try_recv(), undone) {
            (Ok(told), _) => Ok(told),
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(())) => Err(LedgerError::Closed),
        }
    }
}

impl Change<'_> {
    fn sweep(&self, keep: &Keep, dry: bool) -> Result<Swept> {
        let referenced = self.referenced()?;
        let swept = keep.sweep(&|digest| referenced.contains(digest), GRACE, dry)?;
        Ok(Swept {
            objects: swept.len(),
            bytes: swept.iter().map(|(_, size)| size).sum(),
        })
    }
}

impl Records<'_> {
    /// Ids of runs that begin like this, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs_beginning(&self, digits: &str, limit: usize) -> Result<Vec<String>> {
        let sql = "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map(params![digits, limit as i64], |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The metrics of a run, each with how many values it has.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn metric_keys(&self, run: &str) -> Result<Vec<(String, usize)>> {
        let RunNumber(number) = self.run_number(run)?;
        let sql =
            "SELECT key, count(*) FROM metric_history WHERE run = ?1 GROUP BY key ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([number], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}
