//! Every execution is an attempt with an id of its own, and a folder `.cache/logs/<stage>/<id>/` as soon as there is
//! something to keep there. Format page: `docs/formats/attempts.md`.
//!
//! How an attempt ended is known from its own record alone, a line in the journal of the process that executed it
//! (`journal`), never from a file that appeared: one without it is running if somebody still holds the lock on the file it
//! prints into, else it was interrupted, be it by `kill -9`.
//!
//! What a stage prints goes into a spool; when the attempt has ended, a spool that holds something is renamed to
//! `output.log` in the attempt's folder. One that printed nothing has none: most stages of a large pipeline are of that
//! kind, and files are what an execution costs.
//!
//! Ids begin with the time (UTC), so that they sort by it; process id and a counter make them unique.

pub(crate) mod journal;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hpipe_core::{Digest, StageName};

use crate::disk;
use crate::{Error, Store, utc};
use journal::{Ended, Line, Spool};

pub(crate) use journal::Session;

const LOG: &str = "output.log";

/// An execution that is under way.
#[derive(Debug)]
pub struct Attempt {
    id: String,
    stage: StageName,
    started_us: u64,
    /// What it prints into; none once it has ended.
    spool: Option<Spool>,
    /// Where that was put, and its bytes.
    log: Option<(PathBuf, u64)>,
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
    /// What the stage printed. It need not exist: then the stage printed nothing.
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

impl AttemptSummary {
    /// When it began: milliseconds since 1970-01-01T00:00:00Z.
    pub fn started(&self) -> Option<u64> {
        utc::read_compact(&self.id)
    }
}

impl Attempt {
    /// Its id: a file name that sorts by time.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file that holds what the stage printed and its bytes; none while it runs, and when it printed nothing.
    pub fn log(&self) -> Option<(&Path, u64)> {
        self.log
            .as_ref()
            .map(|(path, size)| (path.as_path(), *size))
    }

    /// What the stage has printed so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn printed(&self) -> io::Result<Vec<u8>> {
        match (&self.spool, &self.log) {
            (Some(spool), _) => fs::read(&spool.path),
            (None, Some((path, _))) => fs::read(path),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// When it began: milliseconds since 1970-01-01T00:00:00Z.
    pub const fn started(&self) -> u64 {
        self.started_us / 1_000
    }

    /// A handle to the open log, appending. Several may be written to at once and given to child processes; as long as
    /// one of them is open and the attempt is not finished, it counts as running.
    ///
    /// # Errors
    /// [`Error::Write`] when the process has no file descriptor left, or the attempt has ended.
    pub fn log_file(&self) -> Result<File, Error> {
        match &self.spool {
            Some(spool) => spool.file.try_clone().map_err(Error::write(&spool.path)),
            None => Err(Error::write(Path::new(&self.id))(
                std::io::ErrorKind::BrokenPipe.into(),
            )),
        }
    }
}

impl Store {
    /// Begins an attempt.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn begin_attempt(&self, stage: &StageName) -> Result<Attempt, Error> {
        let session = self.session()?;
        let started_us = utc::now_micros();
        let id = new_id(started_us);
        let spool = session.spool()?;
        session.note(&Line::began(&id, stage.to_string(), spool.name))?;
        Ok(Attempt {
            id,
            stage: stage.clone(),
            started_us,
            spool: Some(spool),
            log: None,
        })
    }

    /// Writes down how an attempt ended, and puts what it printed into its folder.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Place`].
    pub fn finish_attempt(&self, attempt: &mut Attempt, end: &AttemptEnd) -> Result<(), Error> {
        let Some(spool) = attempt.spool.take() else {
            return Ok(()); // it has ended before
        };
        let session = self.session()?;
        let size = spool
            .file
            .metadata()
            .map_err(Error::read(&spool.path))?
            .len();
        if size == 0 {
            session.give_back(spool);
        } else {
            attempt.log = Some((spool.path.clone(), size)); // where it stays if it cannot be put into its place
            let path = self.cache.logs(&attempt.stage).join(&attempt.id).join(LOG);
            self.cache.create_folder_of(&path)?;
            disk::rename(&spool.path, &path).map_err(Error::place(&path))?;
            let _ = spool.file.unlock();
            attempt.log = Some((path, size));
        }
        let ended = Ended {
            outcome: end.outcome.clone(),
            key: end.key,
            duration_us: (end.seconds * 1e6).round() as u64,
        };
        session.note(&Line::ended(&attempt.id, ended))
    }

    /// The attempts of a stage, the newest first.
    ///
    /// # Errors
    /// [`Error::Read`] when the journals cannot be listed.
    pub fn attempts(&self, stage: &StageName) -> Result<Vec<AttemptSummary>, Error> {
        let parent = self.cache.attempts();
        let sessions = journal::read_all(&parent).map_err(Error::read(&parent))?;
        let mut attempts = Vec::new();
        for (folder, lines) in sessions {
            let mut ends: HashMap<String, Ended> = HashMap::new();
            let mut begun = Vec::new();
            for line in lines {
                if let Some(ended) = line.ended {
                    ends.insert(line.attempt.clone(), ended);
                }
                if let Some(began) = line.began.filter(|began| began.stage == stage.as_str()) {
                    begun.push((line.attempt, journal::spool_path(&folder, began.spool)));
                }
            }
            attempts.extend(begun.into_iter().map(|(id, spool)| {
                let ended = ends.remove(&id);
                self.summary(stage, id, spool, ended)
            }));
        }
        attempts.sort_by(|a, b| b.id.cmp(&a.id));
        attempts.dedup_by(|a, b| a.id == b.id); // a damaged journal may say a thing twice
        Ok(attempts)
    }

    fn summary(
        &self,
        stage: &StageName,
        id: String,
        spool: PathBuf,
        ended: Option<Ended>,
    ) -> AttemptSummary {
        let kept = self.cache.logs(stage).join(&id).join(LOG);
        let state = match ended {
            Some(ended) => AttemptState::Finished(AttemptEnd {
                outcome: ended.outcome,
                key: ended.key,
                seconds: ended.duration_us as f64 / 1e6,
            }),
            None if is_held(&spool) => AttemptState::Running,
            None => AttemptState::Interrupted,
        };
        let is_kept = matches!(state, AttemptState::Finished(_)) || kept.exists();
        AttemptSummary {
            id,
            log_path: if is_kept { kept } else { spool },
            state,
        }
    }
}

/// Whether somebody prints into the spool, or may.
fn is_held(spool: &Path) -> bool {
    let tried = File::open(spool).map(|file| file.try_lock_shared());
    matches!(tried, Ok(Err(fs::TryLockError::WouldBlock)))
}

/// Unique among all processes of a machine, and for all practical purposes among machines that share a cache.
fn new_id(now_us: u64) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let time = utc::compact(now_us);
    format!("{time}-{}-{count}", std::process::id())
}
