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
    seen: Option<Seen>,
}

/// Which file it was, and how far it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    file: (u64, u64),
    count: i64,
}

impl Changes {
    /// Watches a database.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            connection: database::open_reader(path)?,
            seen: None,
        })
    }

    /// Whether something may have changed since this was asked last; at first, something has.
    ///
    /// # Errors
    /// When the database is gone or cannot be read.
    pub fn any(&mut self) -> Result<bool> {
        let file = std::fs::metadata(&self.path).map_err(|error| LedgerError::Damaged {
            path: self.path.clone(),
            message: error.to_string(),
        })?;
        let file = (file.dev(), file.ino());
        if self.seen.is_some_and(|seen| seen.file != file) {
            self.connection = database::open_reader(&self.path)?;
        }
        let count = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|error| LedgerError::of(&self.path, error))?;
        let now = Some(Seen { file, count });
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }
}
