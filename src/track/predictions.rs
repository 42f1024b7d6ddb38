//! The log of predictions: what was asked, what was answered, by which version, and later what was true.
//!
//! One SQLite file beside the records, `predictions.db`, so that a busy server and those who register and promote do not
//! wait for each other. Rows are only ever appended; the truth is the one thing that is added later. Documented in
//! docs/formats/predictions_db.md.

mod reading;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hpipe_core::{Digest, Table, Values};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::ledger::{LedgerError, Result};

pub use reading::{Asked, LoggedRow};

/// The database's name in the folder of models.
const DATABASE: &str = "predictions.db";

/// The version of the schema.
pub const PREDICTIONS_VERSION: u32 = 2;

/// Says that a file is ours: "hpip" in ASCII, in SQLite's header.
const APPLICATION: i32 = 0x6870_6970;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

const SCHEMA: &str = "
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

/// A request that was answered, or that a shadow saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// Its id.
    pub request: String,
    /// When, in milliseconds since 1970, UTC.
    pub time: i64,
    /// The registered model.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// The digest of the model's bytes.
    pub digest: Digest,
    /// The column it predicts.
    pub target: String,
    /// Whether nobody was told these predictions: a shadow made them.
    pub is_shadow: bool,
    /// Microseconds from the head of the request to its predictions; of a shadow those it took to predict.
    pub latency: u64,
    /// The rows, as the model took them.
    pub rows: Table,
    /// What was predicted, a number a row.
    pub predictions: Vec<f64>,
}

/// What became true of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The id of the request.
    pub request: String,
    /// Which row of it, from 0.
    pub row: i64,
    /// The target's value.
    pub value: f64,
}

/// What came of adding truths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Joined {
    /// Predictions that know their truth now and did not before, or knew another.
    pub matched: usize,
    /// Predictions that knew it already.
    pub known: usize,
    /// Predictions that knew another truth, and keep it.
    pub conflicting: usize,
    /// Truths of rows that nobody asked for.
    pub unknown: usize,
}

/// Truths on their way to predictions: nothing is added before all are there.
#[derive(Debug)]
pub struct Join<'a> {
    log: &'a mut PredictionLog,
}

/// The log, open for writing.
#[derive(Debug)]
pub struct PredictionLog {
    path: PathBuf,
    connection: Connection,
}

impl PredictionLog {
    /// The log in the folder `models`.
    pub fn path_in(models: &Path) -> PathBuf {
        models.join(DATABASE)
    }

    /// Opens the log in the folder `models`, making it if need be.
    ///
    /// # Errors
    /// When it is something else, of a newer hpipe, or cannot be written.
    pub fn open(models: &Path) -> Result<Self> {
        let path = Self::path_in(models);
        let connection = open(&path).map_err(|error| error.about(&path))?;
        Ok(Self { path, connection })
    }

    /// Appends answers: all of them, or none.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn append(&mut self, answers: &[Answered]) -> Result<()> {
        if !answers.is_empty() && !self.path.exists() {
            // SQLite would go on writing to what nobody can open any more
            let path = self.path.display();
            return Err(LedgerError::state(format!(
                "{path} was removed while it was in use"
            )));
        }
        append(&mut self.connection, answers).map_err(|error| LedgerError::of(&self.path, error))
    }

    /// Begins to add what became true: all of it, or nothing.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn join(&mut self) -> Result<Join<'_>> {
        // in a database of this connection alone, so that a server goes on writing meanwhile
        let sql = "DROP TABLE IF EXISTS temp.said;
            CREATE TEMP TABLE said (request TEXT NOT NULL, row INTEGER NOT NULL, value REAL NOT NULL,
                                    PRIMARY KEY (request, row)) WITHOUT ROWID, STRICT;";
        let begun = self.connection.execute_batch(sql);
        begun.map_err(|error| LedgerError::of(&self.path, error))?;
        Ok(Join { log: self })
    }

    /// What shadows predicted for a request, in the order of its rows: name, version, prediction.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn shadowed(&self, request: &str) -> Result<Vec<(String, i64, Option<f64>)>> {
        let sql = "SELECT v.name, v.version, s.prediction FROM shadows s JOIN versions v ON v.number = s.version
                   WHERE s.request = ?1 ORDER BY s.row, s.number";
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement
                .query_map([request], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| LedgerError::of(&self.path, error))
    }

    /// The column that the last version predicts; none while nothing was logged.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn target(&self) -> Result<Option<String>> {
        let sql = "SELECT target FROM versions ORDER BY number DESC LIMIT 1";
        let target = self.connection.query_row(sql, [], |row| row.get(0));
        target
            .optional()
            .map_err(|error| LedgerError::of(&self.path, error))
    }
}

impl Join<'_> {
    /// Adds truths.
    ///
    /// # Errors
    /// Two different ones of a row; what the machine refuses.
    pub fn add(&mut self, truths: &[Truth]) -> Result<()> {
        let path = &self.log.path;
        match said(&mut self.log.connection, truths) {
            Ok(None) => Ok(()),
            Ok(Some((truth, other))) => Err(LedgerError::invalid(format!(
                "row {} of the request `{}` has two truths: {other} and {}",
                truth.row, truth.request, truth.value
            ))),
            Err(error) => Err(LedgerError::of(path, error)),
        }
    }

    /// Tells the predictions; those that know another truth keep it, unless they are to be told anew.
    ///
    /// # Errors
    /// What the machine refuses; nothing was added then.
    pub fn finish(self, replaces: bool) -> Result<Joined> {
        let path = &self.log.path;
        join(&mut self.log.connection, replaces).map_err(|error| LedgerError::of(path, error))
    }
}

fn open(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    if connection.is_readonly("main")? {
        let path = path.to_path_buf();
        return Err(LedgerError::ReadOnly { path });
    }
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may cost the last answers, never the file: an audit does not make every client wait for the disk.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > PREDICTIONS_VERSION {
        return Err(LedgerError::Newer {
            path: path.to_path_buf(),
            found,
            known: PREDICTIONS_VERSION,
        });
    }
    if found < PREDICTIONS_VERSION {
        let step = writing(&mut connection)?; // of two servers that begin at once, the second finds it made
        let found: u32 = step.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables: i64 =
            step.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if found == 0 && tables > 0 {
            return Err(LedgerError::Damaged {
                path: path.to_path_buf(),
                message: "it holds tables of another program".to_owned(),
            });
        }
        if found == 0 {
            step.execute_batch(SCHEMA)?;
            step.pragma_update(None, "application_id", APPLICATION)?;
        }
        if found < PREDICTIONS_VERSION {
            step.execute_batch(SHADOWS)?;
            step.pragma_update(None, "user_version", PREDICTIONS_VERSION)?;
        }
        step.commit()?;
    }
    Ok(connection)
}

/// Begins to write. At once: a transaction that reads first and another overtakes is refused without having waited.
fn writing(connection: &mut Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
}

fn append(connection: &mut Connection, answers: &[Answered]) -> rusqlite::Result<()> {
    let step = writing(connection)?;
    {
        let insert = |table: &str| {
            step.prepare_cached(&format!(
                "INSERT INTO {table} (request, row, time, version, latency, features, prediction)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))
        };
        let (mut answered, mut shadowed) = (insert("predictions")?, insert("shadows")?);
        let mut features = String::new();
        for answer in answers {
            let insert = match answer.is_shadow {
                true => &mut shadowed,
                false => &mut answered,
            };
            let version = version(&step, answer)?;
            let latency = i64::try_from(answer.latency).unwrap_or(i64::MAX);
            for (row, prediction) in answer.predictions.iter().enumerate() {
                features.clear();
                write_row(&mut features, &answer.rows, row);
                let (time, prediction) =
                    (answer.time, prediction.is_finite().then_some(*prediction));
                let values = params![
                    answer.request,
                    row as i64,
                    time,
                    version,
                    latency,
                    features,
                    prediction
                ];
                insert.execute(values)?;
            }
        }
    }
    step.commit()
}

/// The number of a version in the log.
fn version(step: &Connection, answer: &Answered) -> rusqlite::Result<i64> {
    let digest = answer.digest.to_string();
    let known = "SELECT number FROM versions WHERE name = ?1 AND version = ?2 AND digest = ?3";
    let found = step
        .prepare_cached(known)?
        .query_row(params![answer.name, answer.version, digest], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(number) = found {
        return Ok(number);
    }
    let new = "INSERT INTO versions (name, version, digest, target) VALUES (?1, ?2, ?3, ?4)";
    let values = params![answer.name, answer.version, digest, answer.target];
    step.prepare_cached(new)?.execute(values)?;
    Ok(step.last_insert_rowid())
}

/// Notes what became true; a truth that contradicts one before it, and that one.
fn said<'t>(
    connection: &mut Connection,
    truths: &'t [Truth],
) -> rusqlite::Result<Option<(&'t Truth, f64)>> {
    let step = connection.transaction()?;
    {
        let new = "INSERT INTO temp.said (request, row, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let mut new = step.prepare_cached(new)?;
        let before = "SELECT value FROM temp.said WHERE request = ?1 AND row = ?2";
        let mut before = step.prepare_cached(before)?;
        for truth in truths {
            if new.execute(params![truth.request, truth.row, truth.value])? > 0 {
                continue;
            }
            let other: f64 =
                before.query_row(params![truth.request, truth.row], |row| row.get(0))?;
            if other != truth.value {
                return Ok(Some((truth, other)));
            }
        }
    }
    step.commit()?;
    Ok(None)
}

/// Tells predictions, and what shadows predicted, what was said.
fn join(connection: &mut Connection, replaces: bool) -> rusqlite::Result<Joined> {
    let step = writing(connection)?;
    let mut joined = Joined::default();
    for table in ["predictions", "shadows"] {
        let count = |condition: &str| -> rusqlite::Result<usize> {
            let sql = format!(
                "SELECT count(*) FROM temp.said s JOIN {table} p ON p.request = s.request AND p.row = s.row
                 WHERE {condition}"
            );
            let count: i64 = step.query_row(&sql, [], |row| row.get(0))?;
            Ok(count as usize)
        };
        let (known, conflicting) = (count("p.truth = s.value")?, count("p.truth <> s.value")?);
        let which = if replaces {
            "p.truth IS NOT s.value"
        } else {
            "p.truth IS NULL"
        };
        let sql = format!(
            "UPDATE {table} SET truth = t.value FROM
                 (SELECT p.number, s.value FROM temp.said s JOIN {table} p ON p.request = s.request AND p.row = s.row
                  WHERE {which}) t
             WHERE {table}.number = t.number"
        );
        let told = step.execute(&sql, [])?;
        if table == "predictions" {
            joined.matched = told;
            joined.known = known;
            joined.conflicting = if replaces { 0 } else { conflicting };
        }
    }
    let unknown = "SELECT count(*) FROM temp.said s WHERE NOT EXISTS
                   (SELECT 1 FROM predictions p WHERE p.request = s.request AND p.row = s.row)";
    let unknown: i64 = step.query_row(unknown, [], |row| row.get(0))?;
    joined.unknown = unknown as usize;
    step.commit()?;
    Ok(joined)
}

/// A row as a JSON object.
fn write_row(text: &mut String, rows: &Table, row: usize) {
    text.push('{');
    for (i, column) in rows.columns().iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        quote(text, &column.name);
        text.push(':');
        // Writing to a String cannot fail.
        let _ = match &column.values {
            Values::Number(values) => match values[row] {
                Some(value) if value.is_finite() => write!(text, "{value:?}"),
                _ => write!(text, "null"),
            },
            Values::Integer(values) => match values[row] {
                Some(value) => write!(text, "{value}"),
                None => write!(text, "null"),
            },
            Values::Boolean(values) => match values[row] {
                Some(value) => write!(text, "{value}"),
                None => write!(text, "null"),
            },
            Values::Text(values) => match &values[row] {
                Some(value) => {
                    quote(text, value);
                    Ok(())
                }
                None => write!(text, "null"),
            },
        };
    }
    text.push('}');
}

fn quote(text: &mut String, word: &str) {
    match serde_json::to_string(word) {
        Ok(quoted) => *text += &quoted,
        Err(error) => panic!("bug: a text is no JSON: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use hpipe_core::Column;

    use super::*;

    fn answered(request: &str, prices: &[f64]) -> Answered {
        let rows = Table::new(vec![
            Column::number("rooms", prices.iter().map(|p| Some(p / 2.0)).collect()),
            Column {
                name: "oc\"ean".to_owned(),
                values: Values::Text(prices.iter().map(|_| None).collect()),
            },
        ]);
        Answered {
            request: request.to_owned(),
            time: 7,
            name: "house".to_owned(),
            version: 2,
            digest: Digest::blake3([3; 32]),
            target: "price".to_owned(),
            is_shadow: false,
            latency: 41,
            rows: rows.expect("a table"),
            predictions: prices.to_vec(),
        }
    }

    /// What the log holds, a line a prediction.
    fn shown(log: &PredictionLog) -> Vec<String> {
        let sql = "SELECT request || ' ' || row || ' ' || p.time || ' ' || name || '/' || v.version || ' ' || latency || ' '
                   || features || ' ' || prediction || ' ' || coalesce(truth, '?')
                   FROM predictions p JOIN versions v ON v.number = p.version ORDER BY p.number";
        let mut statement = log.connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a text")).collect()
    }

    #[test]
    fn a_log_that_was_removed_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = PredictionLog::open(folder.path()).expect("opened");
        log.append(&[answered("a", &[1.0])]).expect("appended");
        folder.close().expect("removed");
        log.append(&[]).expect("nothing is lost");
        let told = log.append(&[answered("b", &[5.0])]).expect_err("lost");
        assert!(
            told.to_string()
                .ends_with("was removed while it was in use"),
            "{told}"
        );
    }

    /// Who reads first and is overtaken is refused at once, however patient it is; so nobody reads first.
    #[test]
    fn whoever_writes_waits_for_who_was_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = PredictionLog::open(folder.path()).expect("opened");
        log.append(&[answered("a", &[1.0])]).expect("appended");
        let mut other = PredictionLog::open(folder.path()).expect("opened");
        let first = writing(&mut other.connection).expect("alone");
        first
            .execute("UPDATE predictions SET truth = 2", [])
            .expect("changed");
        let (begun, has_begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let late = scope.spawn(|| {
                begun.send(()).expect("somebody waits");
                log.append(&[answered("b", &[5.0])])
            });
            has_begun.recv().expect("it begins");
            for _ in 0..1000 {
                first
                    .execute("UPDATE predictions SET truth = truth + 1", [])
                    .expect("changed");
            }
            first.commit().expect("committed");
            late.join().expect("no panic").expect("appended, late");
        });
        assert_eq!(shown(&log).len(), 2);
    }

    #[test]
    fn answers_are_appended_and_truths_added() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = PredictionLog::open(folder.path()).expect("opened");
        assert_eq!(log.target().expect("read"), None);
        log.append(&[answered("a", &[1.0, 3.0]), answered("b", &[5.0])])
            .expect("appended");
        let truth = |request: &str, row, value| Truth {
            request: request.to_owned(),
            row,
            value,
        };
        let join = |log: &mut PredictionLog, truths: &[Truth], replaces| {
            let mut join = log.join().expect("begun");
            join.add(truths).expect("added");
            let joined = join.finish(replaces).expect("joined");
            (
                joined.matched,
                joined.known,
                joined.conflicting,
                joined.unknown,
            )
        };
        let truths = [truth("a", 1, 2.5), truth("a", 2, 9.0), truth("c", 0, 9.0)];
        assert_eq!(join(&mut log, &truths, false), (1, 0, 0, 2));
        // said again, it is known; said otherwise, it is kept unless it shall be replaced; said twice, it counts once
        assert_eq!(join(&mut log, &truths[..1], false), (0, 1, 0, 0));
        let other = [truth("a", 1, 2.0), truth("a", 1, 2.0)];
        assert_eq!(join(&mut log, &other, false), (0, 0, 1, 0));
        assert_eq!(join(&mut log, &other, true), (1, 0, 0, 0));
        assert_eq!(join(&mut log, &truths[..1], true), (1, 0, 0, 0));
        let twice = log
            .join()
            .expect("begun")
            .add(&[truth("b", 0, 1.0), truth("b", 0, 2.0)]);
        let told = twice.expect_err("a contradiction").to_string();
        assert_eq!(told, "row 0 of the request `b` has two truths: 1 and 2");
        let log = PredictionLog::open(folder.path()).expect("opened again");
        assert_eq!(log.target().expect("read").as_deref(), Some("price"));
        assert_eq!(
            shown(&log),
            [
                r#"a 0 7 house/2 41 {"rooms":0.5,"oc\"ean":null} 1.0 ?"#,
                r#"a 1 7 house/2 41 {"rooms":1.5,"oc\"ean":null} 3.0 2.5"#,
                r#"b 0 7 house/2 41 {"rooms":2.5,"oc\"ean":null} 5.0 ?"#,
            ]
        );
    }

    #[test]
    fn what_a_shadow_said_is_apart_and_learns_the_truth_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = PredictionLog::path_in(folder.path());
        let old = Connection::open(&path).expect("opened");
        old.execute_batch(SCHEMA).expect("made"); // of version 1
        old.pragma_update(None, "application_id", APPLICATION)
            .expect("set");
        old.pragma_update(None, "user_version", 1).expect("set");
        drop(old);
        let mut log = PredictionLog::open(folder.path()).expect("opened");
        let shadow = Answered {
            is_shadow: true,
            version: 3,
            ..answered("a", &[7.0])
        };
        log.append(&[answered("a", &[1.0]), shadow])
            .expect("appended");
        assert_eq!(shown(&log).len(), 1);
        let mut join = log.join().expect("begun");
        let truth = Truth {
            request: "a".to_owned(),
            row: 0,
            value: 5.0,
        };
        join.add(&[truth]).expect("added");
        assert_eq!(join.finish(false).expect("joined").matched, 1);
        let sql = "SELECT v.version, p.prediction, p.truth FROM shadows p JOIN versions v ON v.number = p.version";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let said: (i64, f64, f64) = log.connection.query_row(sql, [], read).expect("a row");
        assert_eq!(said, (3, 7.0, 5.0));
    }

    #[test]
    fn a_newer_log_and_another_file_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = PredictionLog::open(folder.path()).expect("opened");
        log.connection
            .pragma_update(None, "user_version", 9)
            .expect("set");
        let error = PredictionLog::open(folder.path())
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("its schema has version 9, this hpipe knows 2"),
            "{error}"
        );
    }
}
