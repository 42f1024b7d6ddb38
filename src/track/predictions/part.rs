//! One file of the log: where it lies, its schema, and the numbers of its rows.
//!
//! Rows are numbered through all files. A file that is begun knows how many rows were before it; so that nobody adds one to
//! the file before meanwhile, that file is locked until the new one has its tables, and whoever appends looks, with the lock in
//! hand, whether there is one that has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::PREDICTIONS_VERSION;
use crate::ledger::{LedgerError, Result};

/// The first file, in the folder of models.
const FIRST: &str = "predictions.db";

/// The folder of those that follow: `2.db`, `3.db`, …
const FOLDER: &str = "predictions";

/// Says that a file is ours: "hpip" in ASCII, in SQLite's header.
pub(super) const APPLICATION: i32 = 0x6870_6970;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const SCHEMA: &str = "
CREATE TABLE versions (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    target TEXT NOT NULL,
    UNIQUE (name, version, digest)
) STRICT;
CREATE TABLE predictions (
    number INTEGER PRIMARY KEY,
    request TEXT NOT NULL,
    row INTEGER NOT NULL,
    time INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES versions (number),
    latency INTEGER NOT NULL,
    features TEXT NOT NULL,
    prediction REAL,
    truth REAL
) STRICT;
CREATE INDEX predictions_by_request ON predictions (request, row);
";

/// What version 2 adds: what shadows said, apart from what was answered, so that nobody takes one for the other.
const SHADOWS: &str = "
CREATE TABLE shadows (
    number INTEGER PRIMARY KEY,
    request TEXT NOT NULL,
    row INTEGER NOT NULL,
    time INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES versions (number),
    latency INTEGER NOT NULL,
    features TEXT NOT NULL,
    prediction REAL,
    truth REAL
) STRICT;
CREATE INDEX shadows_by_request ON shadows (request, row);
";

/// What version 3 adds: how many rows were in the files before this one.
const BEFORE: &str = "
CREATE TABLE before (
    predictions INTEGER NOT NULL,
    shadows INTEGER NOT NULL
) STRICT;
";

/// A file, open for writing.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
}

/// Numbers of rows: of predictions, of what shadows said.
pub(super) type Ends = (i64, i64);

/// Where a file of the log lies.
pub(super) fn path(models: &Path, number: u32) -> PathBuf {
    match number {
        1 => models.join(FIRST),
        number => models.join(FOLDER).join(format!("{number}.db")),
    }
}

/// The files that are there, the oldest first.
pub(super) fn numbers(models: &Path) -> Result<Vec<u32>> {
    let folder = models.join(FOLDER);
    let mut numbers: Vec<u32> = path(models, 1).exists().then_some(1).into_iter().collect();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(numbers),
        Err(error) => return Err(unreadable(&folder, &error)),
    };
    for entry in entries {
        let name = entry
            .map_err(|error| unreadable(&folder, &error))?
            .file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".db"));
        let number = number.and_then(|number| number.parse().ok());
        // `02.db` is none of ours
        let is_ours = |number: &u32| *number > 1 && path(models, *number).ends_with(&name);
        numbers.extend(number.filter(is_ours));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::Unwritten {
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}

impl Part {
    /// Opens the newest file, making the first if there is none.
    pub(super) fn newest(models: &Path) -> Result<Self> {
        let newest = numbers(models)?.pop();
        Self::open(models, newest.unwrap_or(1))
    }

    /// Opens a file, making it if need be.
    pub(super) fn open(models: &Path, number: u32) -> Result<Self> {
        Self::with(models, number, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens a file that is there; none if it was removed meanwhile.
    pub(super) fn existing(models: &Path, number: u32) -> Result<Option<Self>> {
        match Self::with(models, number, OpenFlags::empty()) {
            Ok(part) => Ok(Some(part)),
            Err(_) if !path(models, number).exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn with(models: &Path, number: u32, create: OpenFlags) -> Result<Self> {
        let path = path(models, number);
        if number > 1 && create == OpenFlags::SQLITE_OPEN_CREATE {
            let folder = models.join(FOLDER);
            let made = std::fs::create_dir_all(&folder);
            made.map_err(|error| unreadable(&folder, &error))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let opened = || -> Result<Connection> {
            let mut connection = Connection::open_with_flags(&path, flags)?;
            prepare(&connection, &path)?;
            upgrade(&mut connection, models, number)?;
            Ok(connection)
        };
        let connection = opened().map_err(|error| error.about(&path))?;
        Ok(Self {
            number,
            path,
            connection,
        })
    }

    /// What SQLite said about this file.
    pub(super) fn failed(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::of(&self.path, source)
    }

    /// How many rows were in the files before this one.
    pub(super) fn before(&self) -> rusqlite::Result<Ends> {
        let sql = "SELECT predictions, shadows FROM before";
        self.connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The numbers of its newest rows; of the newest before it, where it has none.
    pub(super) fn ends(&self) -> rusqlite::Result<Ends> {
        ends(&self.connection)
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> rusqlite::Result<u64> {
        let number = |name| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        Ok((number("page_count")? * number("page_size")?).unsigned_abs())
    }

    /// When its first row was logged, in milliseconds since 1970, UTC.
    pub(super) fn began(&self) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT (SELECT time FROM predictions ORDER BY number LIMIT 1)";
        self.connection.query_row(sql, [], |row| row.get(0))
    }

    /// Removes the file, if nobody else has it open.
    pub(super) fn remove(self) -> Result<bool> {
        let Self {
            path, connection, ..
        } = self;
        // Out of WAL mode comes who is alone: then nothing is left beside the file, and nobody's rows are lost with it.
        let alone = connection.busy_timeout(Duration::ZERO).and_then(|()| {
            connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| {
                row.get::<_, String>(0)
            })
        });
        if alone.is_ok_and(|mode| mode == "delete") {
            drop(connection);
            #[expect(
                clippy::disallowed_methods,
                reason = "the log's own file, as whoever runs the server asked"
            )]
            let removed = std::fs::remove_file(&path);
            return removed
                .map(|()| true)
                .map_err(|error| unreadable(&path, &error));
        }
        Ok(false)
    }
}

/// The settings of a connection.
fn prepare(connection: &Connection, path: &Path) -> Result<()> {
    if connection.is_readonly("main")? {
        let path = path.to_path_buf();
        return Err(LedgerError::ReadOnly { path });
    }
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may cost the last answers, never the file: an audit does not make every client wait for the disk.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // A fifth of a second of a busy server is some megabytes: with less, pages are written and read again meanwhile.
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", 8 * 1024)?;
    Ok(())
}

/// Gives a file the tables of this version.
fn upgrade(connection: &mut Connection, models: &Path, number: u32) -> Result<()> {
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
    };
    let found = version(connection)?;
    if found > PREDICTIONS_VERSION {
        return Err(LedgerError::Newer {
            path: path(models, number),
            found,
            known: PREDICTIONS_VERSION,
        });
    }
    if found == PREDICTIONS_VERSION {
        return Ok(());
    }
    // The file before this one is locked as long as this one is made: nobody adds a row to it that is not counted here.
    let mut previous = match number > 1 {
        true => Part::existing(models, number - 1)?,
        false => None,
    };
    let locked = previous
        .as_mut()
        .map(|part| writing(&mut part.connection))
        .transpose()?;
    let before = locked.as_deref().map(ends).transpose()?.unwrap_or_default();
    let step = writing(connection)?; // of two servers that begin at once, the second finds it made
    let found = version(&step)?;
    let tables: i64 = step.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == 0 && tables > 0 {
        return Err(LedgerError::Damaged {
            path: path(models, number),
            message: "it holds tables of another program".to_owned(),
        });
    }
    if found == 0 {
        step.execute_batch(SCHEMA)?;
        step.pragma_update(None, "application_id", APPLICATION)?;
    }
    if found < 2 {
        step.execute_batch(SHADOWS)?;
    }
    if found < 3 {
        step.execute_batch(BEFORE)?;
        step.execute("INSERT INTO before VALUES (?1, ?2)", before)?;
    }
    step.pragma_update(None, "user_version", PREDICTIONS_VERSION)?;
    Ok(step.commit()?)
}

/// Whether a file is there and has its tables, which are made with the file before it locked: one that could only be begun,
/// on a full disk, say, holds nothing yet.
pub(super) fn is_made(path: &Path) -> rusqlite::Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let found: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(found == APPLICATION)
}

/// The numbers of the newest rows of a file; of the newest before it, where it has none.
pub(super) fn ends(connection: &Connection) -> rusqlite::Result<Ends> {
    let sql = "SELECT coalesce((SELECT max(number) FROM predictions), predictions),
                      coalesce((SELECT max(number) FROM shadows), shadows) FROM before";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Begins to write. At once: a transaction that reads first and another overtakes is refused without having waited.
pub(super) fn writing(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}
