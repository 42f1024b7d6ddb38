//! The log of predictions: what was asked, what was answered, by which version, and later what was true.
//!
//! SQLite files beside the records, `predictions.db` and, once that is full or old, `predictions/2.db` and so on, so that a busy server and those who register and promote do not
//! wait for each other. Rows are only ever appended; the truth is the one thing that is added later. Documented in
//! docs/formats/predictions_db.md.

mod joining;
mod part;
mod reading;
mod row;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use hpipe_core::{Digest, Table};
use rusqlite::{Connection, OptionalExtension as _, params};

use self::part::{Part, writing};
use self::row::Rows;
use crate::ledger::{LedgerError, Result};

pub use joining::Join;
pub use reading::{Asked, LoggedRow};

/// The version of the schema.
pub const PREDICTIONS_VERSION: u32 = 3;

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

/// When a new file of the log is begun, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// Once the file has this many bytes.
    pub size: Option<u64>,
    /// Once its first row is this many milliseconds old.
    pub age: Option<i64>,
    /// This many files are kept, the newest among them; none: all.
    pub keep: Option<usize>,
}

/// A file of the log that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Where it lay.
    pub path: PathBuf,
    /// How many predictions it held.
    pub rows: u64,
}

/// The log, open for writing.
#[derive(Debug)]
pub struct PredictionLog {
    /// The folder it lies in.
    models: PathBuf,
    /// The file that is written to.
    part: Part,
    rotation: Rotation,
    /// Whether no more files are there than shall be kept.
    is_tidy: bool,
}

impl PredictionLog {
    /// Whether there is a log in the folder `models`.
    pub fn exists(models: &Path) -> bool {
        part::numbers(models).is_ok_and(|numbers| !numbers.is_empty())
    }

    /// Opens the log in the folder `models`, making it if need be.
    ///
    /// # Errors
    /// When it is something else, of a newer hpipe, or cannot be written.
    pub fn open(models: &Path) -> Result<Self> {
        Ok(Self {
            part: Part::newest(models)?,
            models: models.to_path_buf(),
            rotation: Rotation::default(),
            is_tidy: false,
        })
    }

    /// The same, in files of which new ones are begun and old ones removed.
    #[must_use]
    pub fn with_rotation(self, rotation: Rotation) -> Self {
        Self { rotation, ..self }
    }

    /// Appends answers: all of them, or none.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn append(&mut self, answers: &[Answered]) -> Result<()> {
        while !answers.is_empty() {
            if !self.part.path.exists() && !self.follow()? {
                // SQLite would go on writing to what nobody can open any more
                let path = self.part.path.display();
                return Err(LedgerError::state(format!(
                    "{path} was removed while it was in use"
                )));
            }
            let next = part::path(&self.models, self.part.number + 1);
            let done = append(&mut self.part.connection, answers, || part::is_made(&next));
            if done.map_err(|error| self.part.failed(error))? {
                break;
            }
            self.follow()?; // another server has begun a new file
        }
        Ok(())
    }

    /// Goes on with the newest file, if that is another one.
    fn follow(&mut self) -> Result<bool> {
        let newest = part::numbers(&self.models)?.pop();
        let newer = newest.filter(|newest| *newest > self.part.number);
        if let Some(newer) = newer {
            self.part = Part::open(&self.models, newer)?;
            self.is_tidy = false;
        }
        Ok(newer.is_some())
    }

    /// Begins a new file if this one is full or old, and removes the oldest beyond those that are kept; `now` in milliseconds
    /// since 1970, UTC. A file that somebody else has open is removed another time.
    ///
    /// # Errors
    /// What the machine refuses; the log goes on in the file it is in.
    pub fn rotate(&mut self, now: i64) -> Result<Vec<Removed>> {
        if self.is_due(now).map_err(|error| self.part.failed(error))? {
            self.part = Part::open(&self.models, self.part.number + 1)?;
            self.is_tidy = false;
        }
        let mut removed = Vec::new();
        let Some(keep) = self.rotation.keep.filter(|_| !self.is_tidy) else {
            return Ok(removed);
        };
        let numbers = part::numbers(&self.models)?;
        let old = &numbers[..numbers.len().saturating_sub(keep.max(1))];
        self.is_tidy = true;
        for number in old.iter().filter(|number| **number < self.part.number) {
            let Some(part) = Part::existing(&self.models, *number)? else {
                continue;
            };
            let count = || Ok(part.ends()?.0 - part.before()?.0);
            let rows: i64 = count().map_err(|error| part.failed(error))?;
            let path = part.path.clone();
            match part.remove()? {
                true => removed.push(Removed {
                    path,
                    rows: rows.unsigned_abs(),
                }),
                false => {
                    self.is_tidy = false; // somebody reads it; later ones stay, too, so that none is missing between
                    break;
                }
            }
        }
        Ok(removed)
    }

    fn is_due(&self, now: i64) -> rusqlite::Result<bool> {
        let Rotation { size, age, .. } = self.rotation;
        if size.is_none() && age.is_none() {
            return Ok(false);
        }
        let Some(began) = self.part.began()? else {
            return Ok(false); // it is empty
        };
        let is_old = age.is_some_and(|age| now.saturating_sub(began) >= age);
        let is_full = match size {
            Some(size) => self.part.size()? >= size,
            None => false,
        };
        Ok(is_old || is_full)
    }
}

/// Appends answers to a file, unless with its lock in hand another turns out to be there.
fn append(
    connection: &mut Connection,
    answers: &[Answered],
    is_over: impl FnOnce() -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    let step = writing(connection)?;
    if is_over()? {
        return Ok(false);
    }
    {
        let insert = |table: &str| {
            step.prepare_cached(&format!(
                "INSERT INTO {table} (number, request, row, time, version, latency, features, prediction)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            ))
        };
        let (mut answered, mut shadowed) = (insert("predictions")?, insert("shadows")?);
        let (mut last, mut last_shadow) = part::ends(&step)?;
        let mut features = Vec::new();
        for answer in answers {
            let (insert, last) = match answer.is_shadow {
                true => (&mut shadowed, &mut last_shadow),
                false => (&mut answered, &mut last),
            };
            let version = version(&step, answer)?;
            let latency = i64::try_from(answer.latency).unwrap_or(i64::MAX);
            let rows = Rows::of(&answer.rows);
            for (row, prediction) in answer.predictions.iter().enumerate() {
                *last += 1;
                let prediction = prediction.is_finite().then_some(*prediction);
                let values = params![
                    *last,
                    answer.request,
                    row as i64,
                    answer.time,
                    version,
                    latency,
                    rows.write(row, &mut features),
                    prediction
                ];
                insert.execute(values)?;
            }
        }
    }
    step.commit()?;
    Ok(true)
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
