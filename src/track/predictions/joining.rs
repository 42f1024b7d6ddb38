//! Truths on their way to predictions, in whichever file of the log those are.

use rusqlite::{Connection, params};

use super::part::{self, Part, writing};
use super::{Joined, PredictionLog, Truth};
use crate::ledger::{LedgerError, Result};

/// Truths on their way to predictions: nothing is added before all are there.
#[derive(Debug)]
pub struct Join<'a> {
    pub(super) log: &'a mut PredictionLog,
}

impl PredictionLog {
    /// Begins to add what became true: all of it, or nothing.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn join(&mut self) -> Result<Join<'_>> {
        // in a database of this connection alone, so that a server goes on writing meanwhile
        let sql = "DROP TABLE IF EXISTS temp.said;
            CREATE TEMP TABLE said (request TEXT NOT NULL, row INTEGER NOT NULL, value REAL NOT NULL,
                                    is_known INTEGER NOT NULL DEFAULT 0,
                                    PRIMARY KEY (request, row)) WITHOUT ROWID, STRICT;";
        let begun = self.part.connection.execute_batch(sql);
        begun.map_err(|error| self.part.failed(error))?;
        Ok(Join { log: self })
    }
}

impl Join<'_> {
    /// Adds truths.
    ///
    /// # Errors
    /// Two different ones of a row; what the machine refuses.
    pub fn add(&mut self, truths: &[Truth]) -> Result<()> {
        let part = &mut self.log.part;
        match said(&mut part.connection, truths) {
            Ok(None) => Ok(()),
            Ok(Some((truth, other))) => Err(LedgerError::invalid(format!(
                "row {} of the request `{}` has two truths: {other} and {}",
                truth.row, truth.request, truth.value
            ))),
            Err(error) => Err(part.failed(error)),
        }
    }

    /// Tells the predictions; those that know another truth keep it, unless they are to be told anew. A file of the log learns
    /// all or nothing.
    ///
    /// # Errors
    /// What the machine refuses; files before the one it is about have learned then, and saying it again does no harm.
    pub fn finish(self, replaces: bool) -> Result<Joined> {
        let PredictionLog { models, part, .. } = self.log;
        let mut joined = Joined::default();
        for number in part::numbers(models)? {
            let in_file = match number == part.number {
                true => told(&mut part.connection, "main", replaces)
                    .map_err(|error| part.failed(error))?,
                false => match Part::existing(models, number)? {
                    None => continue, // removed a moment ago
                    Some(other) => told_other(&mut part.connection, other, replaces)?,
                },
            };
            joined.matched += in_file.matched;
            joined.known += in_file.known;
            joined.conflicting += in_file.conflicting;
        }
        let unknown = "SELECT count(*) FROM temp.said WHERE NOT is_known";
        let unknown = part
            .connection
            .query_row(unknown, [], |row| row.get::<_, i64>(0));
        joined.unknown = unknown.map_err(|error| part.failed(error))? as usize;
        Ok(joined)
    }
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

/// Tells another file of the log what was said.
fn told_other(connection: &mut Connection, other: Part, replaces: bool) -> Result<Joined> {
    let path = other.path.clone();
    let text = path
        .to_str()
        .ok_or_else(|| LedgerError::state(format!("the path {} is no text", path.display())))?;
    let mut tell = || {
        connection.execute("ATTACH ?1 AS other", [text])?;
        let joined = told(connection, "other", replaces);
        connection.execute("DETACH other", [])?;
        joined
    };
    let joined = tell();
    drop(other); // as long as it is open, nobody removes it
    joined.map_err(|error| LedgerError::of(&path, error))
}

/// Tells the predictions of a file, and what shadows predicted, what was said.
fn told(connection: &mut Connection, file: &str, replaces: bool) -> rusqlite::Result<Joined> {
    let step = writing(connection)?;
    let mut joined = Joined::default();
    for table in ["predictions", "shadows"] {
        let meant = format!(
            "FROM temp.said s JOIN {file}.{table} p ON p.request = s.request AND p.row = s.row"
        );
        let count = |condition: &str| -> rusqlite::Result<usize> {
            let sql = format!("SELECT count(*) {meant} WHERE {condition}");
            let count: i64 = step.query_row(&sql, [], |row| row.get(0))?;
            Ok(count as usize)
        };
        let (known, conflicting) = (count("p.truth = s.value")?, count("p.truth <> s.value")?);
        let which = match replaces {
            true => "p.truth IS NOT s.value",
            false => "p.truth IS NULL",
        };
        let sql = format!(
            "UPDATE {file}.{table} SET truth = t.value FROM (SELECT p.number, s.value {meant} WHERE {which}) t
             WHERE {table}.number = t.number"
        );
        let told = step.execute(&sql, [])?;
        if table == "predictions" {
            joined.matched = told;
            joined.known = known;
            joined.conflicting = if replaces { 0 } else { conflicting };
            let sql = format!(
                "UPDATE temp.said SET is_known = 1 WHERE EXISTS
                 (SELECT 1 FROM {file}.predictions p WHERE p.request = said.request AND p.row = said.row)"
            );
            step.execute(&sql, [])?;
        }
    }
    step.commit()?;
    Ok(joined)
}
