//! Every execution is an attempt with an id and a folder of its own: `.cache/logs/<stage>/<id>/`. Format page:
//! `docs/formats/attempts.md`.
//!
//! The folder holds what the stage printed (`output.log`) and, once it has ended, how (`record.json`). How an attempt
//! ended is known from its own record alone, never from a file that appeared: one without a record is running if somebody
//! still holds the lock on its log, else it was interrupted, be it by `kill -9`.
//!
//! Ids begin with the time (UTC), so that they sort by it; process id and a counter make them unique.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hpipe_core::{Digest, StageName};
use serde::{Deserialize, Serialize};

use crate::disk::{self, Durability};
use crate::scratch::Temporary;
use crate::{Error, Store, utc};

const LOG: &str = "output.log";
const RECORD: &str = "record.json";

/// The version in a record.
const VERSION: u32 = 1;

/// An execution that is under way.
#[derive(Debug)]
pub struct Attempt {
    id: String,
    stage: StageName,
    started_us: u64,
    record_path: PathBuf,
    log_path: PathBuf,
    log: File,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptEnd {
    /// One word or a few: `ran`, `failed`.
    pub outcome: String,
    /// The stage key.
    pub key: Digest,
    /// How long it took, in seconds; kept to the microsecond.
    pub seconds: f64,
}

/// What is known of a past or present attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptSummary {
    /// Its id, which begins with the time it began: `20261122T101530.123456Z-…`.
    pub id: String,
    /// What the stage printed.
    pub log_path: PathBuf,
    /// How it stands.
    pub state: AttemptState,
}

/// How an attempt stands.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptState {
    /// It has not ended, or its children have not.
    Running,
    /// It ended without a record: hpipe was killed, or the machine went down.
    Interrupted,
    /// It ended.
    Finished(AttemptEnd),
}

impl Attempt {
    /// Its id: a file name that sorts by time.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file that takes what the stage prints.
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// When it began: milliseconds since 1970-01-01T00:00:00Z.
    pub const fn started(&self) -> u64 {
        self.started_us / 1_000
    }

    /// A handle to the open log, appending. Several may be written to at once and given to child processes; as long as
    /// one of them is open and the attempt is not finished, it counts as running.
    ///
    /// # Errors
    /// [`Error::Write`] when the process has no file descriptor left.
    pub fn log_file(&self) -> Result<File, Error> {
        self.log.try_clone().map_err(Error::write(&self.log_path))
    }

    /// Writes down how it ended.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Place`].
    pub fn finish(&mut self, end: &AttemptEnd) -> Result<(), Error> {
        let written = Written {
            version: VERSION,
            stage: self.stage.to_string(),
            outcome: end.outcome.clone(),
            key: end.key,
            duration_us: (end.seconds * 1e6).round() as u64,
        };
        // Texts and integers always have a JSON form.
        let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
        text.push('\n');
        let temporary = Temporary::at(self.record_path.with_extension("tmp"));
        disk::write_whole(
            temporary,
            &self.record_path,
            text.as_bytes(),
            Durability::Cached,
        )?;
        let _ = self.log.unlock();
        Ok(())
    }
}

impl Store {
    /// Begins an attempt: makes its folder and its empty log.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn begin_attempt(&self, stage: &StageName) -> Result<Attempt, Error> {
        let started_us = utc::now_micros();
        let id = new_id(started_us);
        let folder = self.cache.logs(stage).join(&id);
        let log_path = folder.join(LOG);
        self.cache.create_folder_of(&log_path)?;
        let log = disk::create_log(&log_path).map_err(Error::write(&log_path))?;
        log.try_lock()
            .map_err(|error| Error::lock(&log_path)(error.into()))?;
        Ok(Attempt {
            id,
            stage: stage.clone(),
            started_us,
            record_path: folder.join(RECORD),
            log_path,
            log,
        })
    }

    /// The attempts of a stage, the newest first.
    ///
    /// # Errors
    /// [`Error::Read`] when their folder cannot be listed.
    pub fn attempts(&self, stage: &StageName) -> Result<Vec<AttemptSummary>, Error> {
        let parent = self.cache.logs(stage);
        let listed = match fs::read_dir(&parent) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let mut attempts: Vec<_> = listed
            .map_err(Error::read(&parent))?
            .into_iter()
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
            .map(|(id, folder)| AttemptSummary {
                id,
                log_path: folder.join(LOG),
                state: self.attempt_state(&folder),
            })
            .collect();
        attempts.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(attempts)
    }

    pub(crate) fn attempt_state(&self, folder: &Path) -> AttemptState {
        let path = folder.join(RECORD);
        if let Ok(bytes) = fs::read(&path) {
            if let Some(end) = decode(&bytes) {
                return AttemptState::Finished(end);
            }
            self.warnings.add(format!(
                "the record {} is damaged; the attempt counts as interrupted",
                path.display()
            ));
            return AttemptState::Interrupted;
        }
        match File::open(folder.join(LOG)).map(|log| log.try_lock_shared()) {
            Ok(Err(fs::TryLockError::WouldBlock)) => AttemptState::Running,
            _ => AttemptState::Interrupted,
        }
    }
}

/// Unique among all processes of a machine, and for all practical purposes among machines that share a cache.
fn new_id(now_us: u64) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let time = utc::compact(now_us);
    format!("{time}-{}-{count}", std::process::id())
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    stage: String,
    outcome: String,
    key: Digest,
    duration_us: u64,
}

fn decode(bytes: &[u8]) -> Option<AttemptEnd> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    (written.version == VERSION).then(|| AttemptEnd {
        outcome: written.outcome,
        key: written.key,
        seconds: written.duration_us as f64 / 1e6,
    })
}
