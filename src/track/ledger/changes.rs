//! Whether something was recorded since somebody looked last, by whichever process.
//!
//! SQLite counts the changes of a database; asking costs a look at shared memory, not a query, so that it may be asked ten
//! times a second. A database that was put in another's place counts as a change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::database;
use super::error::{LedgerError, Result};

/// Watches the records for one who wants to know of changes.
#[derive(Debug)]
pub struct Changes {
    path: PathBuf,
    connection: Connection,
    /// Whether the connection knows of no changes: then the file itself is looked at.
    is_frozen: bool,
    seen: Option<Seen>,
}

/// Which file it was, and how far it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    file: (u64, u64),
    /// Its length and when it was changed, where the connection counts nothing.
    written: (u64, i64, i64),
    count: i64,
}

impl Changes {
    /// Watches a database.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let (connection, is_frozen) = database::open_any_reader(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            connection,
            is_frozen,
            seen: None,
        })
    }

    /// Whether something may have changed since this was asked last; at first, something has.
    ///
    /// # Errors
    /// When the database is gone or cannot be read.
    pub fn any(&mut self) -> Result<bool> {
        let found = std::fs::metadata(&self.path).map_err(|error| LedgerError::Damaged {
            path: self.path.clone(),
            message: error.to_string(),
        })?;
        let file = (found.dev(), found.ino());
        let written = (found.len(), found.mtime(), found.mtime_nsec());
        let is_other =
            |seen: Seen| seen.file != file || (self.is_frozen && seen.written != written);
        if self.seen.is_some_and(is_other) {
            (self.connection, self.is_frozen) = database::open_any_reader(&self.path)?;
        }
        let (written, count) = match self.is_frozen {
            true => (written, 0),
            false => ((0, 0, 0), self.count()?),
        };
        let now = Some(Seen {
            file,
            written,
            count,
        });
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }

    /// How often others have changed the database, as the connection counts.
    fn count(&self) -> Result<i64> {
        self.connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|error| LedgerError::of(&self.path, error))
    }
}
