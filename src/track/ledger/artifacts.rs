//! Artifacts: paths, and the digests of what lies there. Equal bytes are kept once.
//!
//! The path of an artifact is what follows `mlflow-artifacts:/` in its URI: `0/RUN/artifacts/model/MLmodel`. Folders are
//! not written down; there is one wherever a path leads through it. Bytes are safe before a path refers to them.

use std::collections::BTreeMap;
use std::fs::File;

use hpipe_core::Digest;
use hpipe_store::Incoming;
use rusqlite::{OptionalExtension as _, params};

use super::error::{LedgerError, Result};
use super::{Change, Ledger, Records};

/// One entry of a folder of artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// Its name within the folder.
    pub name: String,
    /// The size of a file in bytes; none of a folder.
    pub size: Option<u64>,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArtifact {
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

/// Refuses a path that leads out of its folder or is not written plainly.
fn check(path: &str) -> Result<()> {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    let absolute = path.starts_with('/') || path.contains(['\\', '\0']);
    match !absolute && path.split('/').all(is_plain) {
        true => Ok(()),
        false => Err(LedgerError::invalid(format!("Invalid path: {path}"))),
    }
}

/// The paths below a folder lie between these; `0` is what follows `/`.
fn range(folder: &str) -> (String, String) {
    (format!("{folder}/"), format!("{folder}0"))
}

impl Ledger {
    /// Begins to take in the bytes of an artifact; [`place_artifact`](Change::place_artifact) gives them a path.
    ///
    /// # Errors
    /// When the folder of artifacts cannot be written.
    pub fn receive_artifact(&self) -> Result<Incoming> {
        Ok(self.keep.receive()?)
    }

    /// Stores bytes as the artifact at `path`.
    ///
    /// # Errors
    /// When the path is no good, or the machine refuses.
    pub fn put_artifact(&self, path: &str, bytes: &[u8]) -> Result<StoredArtifact> {
        let mut incoming = self.receive_artifact()?;
        incoming.write(bytes)?;
        let (digest, size) = incoming.finish()?;
        let (path, stored) = (path.to_owned(), StoredArtifact { digest, size });
        let placed = stored.clone();
        self.write(move |change| change.place_artifact(&path, &placed))?;
        Ok(stored)
    }

    /// Opens the artifact at `path`; its bytes are verified first.
    ///
    /// # Errors
    /// When there is none, or its bytes are not what they were.
    pub fn open_artifact(&self, path: &str) -> Result<(File, u64)> {
        let stored = self.read(|records| records.artifact(path))?;
        Ok((self.open_stored(&stored, path)?, stored.size))
    }

    /// Opens bytes that were taken in, to be read as `path`; they are verified first.
    ///
    /// # Errors
    /// When they are not what they were.
    pub fn open_stored(&self, stored: &StoredArtifact, path: &str) -> Result<File> {
        match self.keep.open(&stored.digest, stored.size)? {
            Some(file) => Ok(file),
            None => Err(LedgerError::DamagedArtifact {
                path: path.to_owned(),
                digest: stored.digest,
            }),
        }
    }

    /// Removes the artifact at `path`, or all below it, and says how many there were. Their bytes stay,
    /// for others may refer to them.
    ///
    /// # Errors
    /// When the path is no good.
    pub fn remove_artifacts(&self, path: &str) -> Result<usize> {
        let path = path.to_owned();
        self.write(move |change| change.forget_artifacts(&path))
    }
}

impl Records<'_> {
    /// What lies at `path`.
    ///
    /// # Errors
    /// When nothing does.
    pub fn artifact(&self, path: &str) -> Result<StoredArtifact> {
        check(path)?;
        let stored = self
            .connection
            .prepare_cached("SELECT digest, size FROM artifacts WHERE path = ?1")?
            .query_row([path], |row| {
                Ok(StoredArtifact {
                    digest: Digest::blake3(row.get(0)?),
                    size: row.get::<_, i64>(1)?.unsigned_abs(),
                })
            })
            .optional()?;
        stored.ok_or_else(|| LedgerError::missing(format!("No such artifact: {path}")))
    }

    /// Whether some path leads to bytes of this digest.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_artifact(&self, digest: &Digest) -> Result<bool> {
        let sql = "SELECT 1 FROM artifacts WHERE digest = ?1";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .exists([digest.as_bytes()])?)
    }

    /// What lies in a folder of artifacts, by name; nothing where there is no folder. The root is the empty path.
    ///
    /// # Errors
    /// When the path is no good.
    pub fn list_artifacts(&self, folder: &str) -> Result<Vec<ArtifactEntry>> {
        let (from, to) = match folder {
            "" => (String::new(), "\u{10ffff}".to_owned()),
            folder => {
                check(folder)?;
                range(folder)
            }
        };
        let sql = "SELECT path, size FROM artifacts WHERE path > ?1 AND path < ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([&from, &to])?;
        let mut entries: BTreeMap<String, Option<u64>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let path = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            match path[from.len()..].split_once('/') {
                Some((name, _)) => drop(entries.entry(name.to_owned()).or_default()),
                None => {
                    let size = row.get::<_, i64>(1)?.unsigned_abs();
                    entries.insert(path[from.len()..].to_owned(), Some(size));
                }
            }
        }
        let entries = entries.into_iter();
        Ok(entries
            .map(|(name, size)| ArtifactEntry { name, size })
            .collect())
    }
}

impl Change<'_> {
    /// Lets `path` refer to bytes that were taken in, whatever it referred to before.
    ///
    /// # Errors
    /// When the path is no good, or leads through a file, or to a folder.
    pub fn place_artifact(&self, path: &str, stored: &StoredArtifact) -> Result<()> {
        check(path)?;
        self.check_room(path)?;
        let sql = "INSERT INTO artifacts (path, digest, size, created) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET digest = excluded.digest, size = excluded.size, created = excluded.created";
        let size = i64::try_from(stored.size).unwrap_or(i64::MAX);
        self.connection.prepare_cached(sql)?.execute(params![
            path,
            stored.digest.as_bytes(),
            size,
            self.now
        ])?;
        Ok(())
    }

    /// Refuses a file where a folder is, and a folder where a file is.
    fn check_room(&self, path: &str) -> Result<()> {
        let (from, to) = range(path);
        let is_folder = self
            .connection
            .prepare_cached("SELECT 1 FROM artifacts WHERE path > ?1 AND path < ?2")?
            .exists([&from, &to])?;
        let mut above = path;
        let mut leads_through_file = false;
        while let Some((parent, _)) = above.rsplit_once('/') {
            let sql = "SELECT 1 FROM artifacts WHERE path = ?1";
            leads_through_file |= self.connection.prepare_cached(sql)?.exists([parent])?;
            above = parent;
        }
        match (is_folder, leads_through_file) {
            (true, _) => Err(LedgerError::invalid(format!(
                "Invalid path: {path} is a folder"
            ))),
            (_, true) => Err(LedgerError::invalid(format!(
                "Invalid path: {path} leads through a file"
            ))),
            (false, false) => Ok(()),
        }
    }

    /// Removes the artifact at `path`, or all below it, and says how many there were.
    ///
    /// # Errors
    /// When the path is no good.
    pub fn forget_artifacts(&self, path: &str) -> Result<usize> {
        check(path)?;
        let (from, to) = range(path);
        let sql = "DELETE FROM artifacts WHERE path = ?1 OR (path > ?2 AND path < ?3)";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .execute([path, &from, &to])?)
    }
}
