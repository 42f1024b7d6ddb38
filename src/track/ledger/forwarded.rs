//! What of the records another server of MLflow has, and what it is called there.
//!
//! Written by whoever sends it (`hpipe-forward`): first what it is called, once it is begun there; the state once all of it is there.

use rusqlite::{OptionalExtension as _, params};

use super::error::Result;
use super::values::ModelVersion;
use super::{Change, Records};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardKind {
    /// A run.
    Run,
    /// A logged model.
    Model,
    /// A version of a registered model.
    Version,
}

/// What is known of something that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardRecord {
    /// What it is called there.
    pub remote: String,
    /// The state the server was told; none while something of it is still to be sent.
    pub state: Option<String>,
}

impl ForwardKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Model => "model",
            Self::Version => "version",
        }
    }
}

impl Records<'_> {
    /// What the server calls something; none if it was never sent there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn forwarded(
        &self,
        server: &str,
        kind: ForwardKind,
        local: &str,
    ) -> Result<Option<ForwardRecord>> {
        let sql =
            "SELECT remote, state FROM forwarded WHERE server = ?1 AND kind = ?2 AND local = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row([server, kind.name(), local], |row| {
            Ok(ForwardRecord {
                remote: row.get(0)?,
                state: row.get(1)?,
            })
        });
        Ok(found.optional()?)
    }

    /// The runs that have ended and that the server does not have whole, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs_to_forward(&self, server: &str) -> Result<Vec<String>> {
        let sql = "SELECT r.id FROM runs r WHERE NOT r.is_deleted AND r.status NOT IN ('RUNNING', 'SCHEDULED')
                   AND NOT EXISTS (SELECT 1 FROM forwarded f WHERE f.server = ?1 AND f.kind = 'run' AND f.local = r.id
                   AND f.state IS NOT NULL)
                   AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.run = r.id AND e.is_open) ORDER BY r.number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([server], |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Every version of every registered model that is not deleted, by the order in which they were made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn all_versions(&self) -> Result<Vec<ModelVersion>> {
        self.every_version()
    }

    /// The paths of all artifacts below a folder, seen from it, sorted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn artifact_paths(&self, folder: &str) -> Result<Vec<String>> {
        let (from, to) = (format!("{folder}/"), format!("{folder}0"));
        let sql = "SELECT path FROM artifacts WHERE path > ?1 AND path < ?2 ORDER BY path";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([&from, &to], |row| {
            Ok(row.get_ref(0)?.as_str()?[from.len()..].to_owned())
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Notes what the server calls something, and, once it has all of it, the state it was told.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_forwarded(
        &self,
        server: &str,
        kind: ForwardKind,
        local: &str,
        remote: &str,
        state: Option<&str>,
    ) -> Result<()> {
        let sql =
            "INSERT INTO forwarded (server, kind, local, remote, state) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO UPDATE SET remote = excluded.remote, state = excluded.state";
        self.connection.prepare_cached(sql)?.execute(params![
            server,
            kind.name(),
            local,
            remote,
            state
        ])?;
        Ok(())
    }
}
