//! The SQLite file: how it is opened, and how an older schema becomes today's.
//!
//! `user_version` holds the version of the schema; each migration is one transaction that ends by raising it, so that a
//! crash leaves the old schema or the new one. Documented in docs/formats/track_db.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{LedgerError, Result};

/// The steps from nothing to today's schema; version `n` is what the first `n` make. Only ever appended to.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_v1.sql"),
    include_str!("schema_v2.sql"),
    include_str!("schema_v3.sql"),
    include_str!("schema_v4.sql"),
    include_str!("schema_v5.sql"),
];

/// The version of the schema this program reads and writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Says that a file is ours: "hpip" in ASCII, in SQLite's header.
const APPLICATION: i32 = 0x6870_6970;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kibibytes of pages that a connection keeps in memory.
const WRITER_CACHE: i32 = 4096;
const READER_CACHE: i32 = 2048;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;

/// Opens the database for writing, making or migrating it if need be.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path).map_err(|e| LedgerError::of(path, e))?;
    if connection.is_readonly("main")? {
        let path = path.to_path_buf();
        return Err(LedgerError::ReadOnly { path });
    }
    set_up(&mut connection, path).map_err(|error| error.about(path))?;
    Ok(connection)
}

fn set_up(connection: &mut Connection, path: &Path) -> Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Never damaged by a loss of power; what else is synced, and when, is the writer's affair.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "case_sensitive_like", true)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    migrate(connection, path)
}

/// Opens the database for reading alone.
///
/// SQLite cannot read a database whose changes are logged beside it where it may make no files, unless it is told that nobody
/// changes it. That is what it is told where there are no such changes; the connection then sees the file as it is now.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    Ok(open_any_reader(path)?.0)
}

/// As [`open_reader`]; also whether the connection was told that nobody changes the file.
pub(crate) fn open_any_reader(path: &Path) -> Result<(Connection, bool)> {
    let refused = match reader(path, path, OpenFlags::empty()) {
        Err(error) if error.is_of_read_only() && is_settled(path) => error,
        done => return done.map(|connection| (connection, false)),
    };
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => {
                let _ = write!(uri, "%{byte:02X}"); // to a String it cannot fail
            }
        }
    }
    uri += "?immutable=1";
    let frozen = reader(Path::new(&uri), path, OpenFlags::SQLITE_OPEN_URI);
    frozen
        .map(|connection| (connection, true))
        .map_err(|_| refused)
}

/// Whether there is a database with no changes beside it that are not in it yet.
fn is_settled(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let is_logged = std::fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0);
    path.is_file() && !is_logged
}

/// Opens `file`, which is the database at `path`, for reading.
fn reader(file: &Path, path: &Path, more: OpenFlags) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let open = || {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "case_sensitive_like", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // only who reads finds out whether it can be read
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|error| LedgerError::of(path, error))
}

/// Refuses a database that is not of today's schema, where nothing may be migrated.
pub(crate) fn check_current(connection: &Connection, path: &Path) -> Result<()> {
    let found = version(connection).map_err(|error| error.about(path))?;
    check(connection, path, found).map_err(|error| error.about(path))?;
    match found == VERSION {
        true => Ok(()),
        false => Err(LedgerError::ReadOnly {
            path: path.to_path_buf(),
        }),
    }
}

/// Brings the schema to today's version.
fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let found = version(connection)?;
    check(connection, path, found)?;
    while version(connection)? < VERSION {
        // Immediate: of two processes that open an old database at once, the second waits and finds it migrated.
        let step =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let from = version(&step)?;
        if let Some(sql) = MIGRATIONS.get(from as usize) {
            step.execute_batch(sql)?;
            step.pragma_update(None, "application_id", APPLICATION)?;
            step.pragma_update(None, "user_version", from + 1)?;
        }
        step.commit()?;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Refuses a database of a newer hpipe, and one of somebody else.
fn check(connection: &Connection, path: &Path, found: u32) -> Result<()> {
    if found > VERSION {
        return Err(LedgerError::Newer {
            path: path.to_path_buf(),
            found,
            known: VERSION,
        });
    }
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Err(LedgerError::Damaged {
            path: path.to_path_buf(),
            message: "it holds tables of another program".to_owned(),
        });
    }
    Ok(())
}
