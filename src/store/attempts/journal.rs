//! The journal of one process: a line when an attempt begins, a line when it ends. Format page: `docs/formats/attempts.md`.
//!
//! `.cache/attempts-v1/<session>/journal`, only ever appended to, so an attempt that printed nothing costs two short writes
//! and no file of its own: making one costs as much as a tenth of starting a process. Beside it lie the spools, the files
//! running stages print into. A spool that stayed empty serves the next attempt; one that was printed into becomes the log
//! of its attempt.
//!
//! A line that is cut short or damaged says nothing: its attempt counts as interrupted, or as never begun.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hpipe_core::Digest;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::{Error, Store, scratch, utc};

pub(crate) const JOURNAL: &str = "journal";

/// The version in a line.
const VERSION: u32 = 2;

/// Where the attempts of one process are noted.
#[derive(Debug)]
pub(crate) struct Session {
    folder: PathBuf,
    journal: File,
    idle: Mutex<Vec<Spool>>,
    next_spool: AtomicU64,
}

/// A file that a running stage prints into; locked as long as it or a child of it is open.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) name: u64,
    pub(super) path: PathBuf,
    pub(super) file: File,
}

/// A line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) version: u32,
    pub(super) attempt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<Began>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
}

/// How an attempt began.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Began {
    pub(super) stage: String,
    /// The number of the spool it prints into.
    pub(super) spool: u64,
}

/// How an attempt ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    pub(super) outcome: String,
    pub(super) key: Digest,
    pub(super) duration_us: u64,
}

impl Line {
    pub(super) fn began(attempt: &str, stage: String, spool: u64) -> Self {
        Self {
            version: VERSION,
            attempt: attempt.to_owned(),
            began: Some(Began { stage, spool }),
            ended: None,
        }
    }

    pub(super) fn ended(attempt: &str, ended: Ended) -> Self {
        Self {
            version: VERSION,
            attempt: attempt.to_owned(),
            began: None,
            ended: Some(ended),
        }
    }
}

impl Session {
    /// A session of its own below `parent`.
    fn create(parent: &Path) -> Result<Self, Error> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let time = utc::compact(utc::now_micros());
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{time}-{}-{count}", std::process::id()));
        let path = folder.join(JOURNAL);
        let journal = loop {
            disk::create_folders(&folder)?;
            let journal = disk::create_log(&path).map_err(Error::write(&path))?;
            // Whoever asks whether we live holds the lock for an instant.
            journal.lock().map_err(Error::lock(&path))?;
            if scratch::is_still(&journal, &path) {
                break journal;
            } // removed between its creation and its locking, as that of a process that is gone
        };
        Ok(Self {
            folder,
            journal,
            idle: Mutex::default(),
            next_spool: AtomicU64::new(0),
        })
    }

    /// Appends a line.
    pub(super) fn note(&self, line: &Line) -> Result<(), Error> {
        // Texts and integers always have a JSON form.
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        // One write to a file opened for appending: lines of several threads do not mix.
        disk::write(&self.journal, text.as_bytes())
            .map_err(|error| Error::write(&self.folder.join(JOURNAL))(error))
    }

    /// An empty spool that nobody else prints into.
    pub(super) fn spool(&self) -> Result<Spool, Error> {
        if let Some(idle) = self.idle().pop() {
            return Ok(idle);
        }
        let name = self.next_spool.fetch_add(1, Ordering::Relaxed);
        let path = spool_path(&self.folder, name);
        let file = disk::create_log(&path).map_err(Error::write(&path))?;
        file.lock().map_err(Error::lock(&path))?; // whoever asks whether it is printed into holds it for an instant
        Ok(Spool { name, path, file })
    }

    /// Takes back a spool that is still empty.
    pub(super) fn give_back(&self, spool: Spool) {
        self.idle().push(spool);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Spool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for spool in self.idle().drain(..) {
            let _ = disk::remove_file(&spool.path);
        }
    }
}

impl Store {
    /// Where the attempts of this process are noted; begun with the first.
    pub(super) fn session(&self) -> Result<&Session, Error> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let parent = self.cache.attempts();
        self.cache.create_folder_of(&parent)?;
        let session = Session::create(&parent)?;
        // Of two threads that begin at once one has made a folder in vain.
        Ok(self.session.get_or_init(|| session))
    }
}

/// Where a session's spool of this name lies.
pub(super) fn spool_path(session: &Path, name: u64) -> PathBuf {
    session.join(format!("spool-{name}"))
}

/// The sessions below `parent`, and what their journals say.
pub(super) fn read_all(parent: &Path) -> io::Result<Vec<(PathBuf, Vec<Line>)>> {
    let sessions = sessions(parent)?.into_iter();
    Ok(sessions.filter_map(read).collect())
}

fn sessions(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?.collect::<io::Result<Vec<_>>>()?,
    };
    Ok(listed.into_iter().map(|entry| entry.path()).collect())
}

fn read(folder: PathBuf) -> Option<(PathBuf, Vec<Line>)> {
    let bytes = fs::read(folder.join(JOURNAL)).ok()?;
    Some((folder, lines(&bytes)))
}

/// The sessions below `parent` that are over and none of whose attempts is the latest of its stage.
pub(crate) fn outdated(parent: &Path) -> io::Result<Vec<PathBuf>> {
    // Before any is read: a journal that is over by then has all its lines.
    let over = |folder: PathBuf| (hold(&folder).is_some(), folder);
    let sessions: Vec<_> = sessions(parent)?.into_iter().map(over).collect();
    let read = |(is_over, folder)| read(folder).map(|(folder, lines)| (is_over, folder, lines));
    let sessions: Vec<_> = sessions.into_iter().filter_map(read).collect();
    let mut latest: HashMap<&str, (&str, &Path)> = HashMap::new();
    for (_, folder, lines) in &sessions {
        for line in lines {
            if let Some(began) = &line.began {
                let this = (line.attempt.as_str(), folder.as_path());
                let known = latest.entry(&began.stage).or_insert(this);
                *known = (*known).max(this);
            }
        }
    }
    let needed: HashSet<&Path> = latest.values().map(|(_, folder)| *folder).collect();
    let over = sessions.iter().filter(|(is_over, ..)| *is_over);
    let outdated = over.filter(|(_, folder, _)| !needed.contains(folder.as_path()));
    Ok(outdated.map(|(_, folder, _)| folder.clone()).collect())
}

/// The journal of a session that is over, held as long as it is kept open; none of one that is at work.
pub(crate) fn hold(session: &Path) -> Option<File> {
    let journal = File::open(session.join(JOURNAL)).ok()?;
    journal.try_lock().is_ok().then_some(journal)
}

/// The lines that can be read.
fn lines(bytes: &[u8]) -> Vec<Line> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .filter(|line| line.version == VERSION)
        .collect()
}
