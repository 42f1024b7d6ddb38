//! What proves, without reading a byte, that a path still holds what it was found to hold: the states of the files and
//! folders that were looked at on the way.
//!
//! A state of a file (`FileStat`) is believed for its content exactly when the stat cache believes it. A state of a folder
//! is believed for its listing by the same rule of the clock (`clock`): taken before the listing and again after, both
//! equal, and older than a reading of the clock taken before. Files with ignore rules count like files of the folder, and
//! where there is none above the folder, that is noted too. What cannot be proved spoils the whole witness: then the path
//! is looked at again the next time.
//!
//! A witness never expires: it says what a state means, not which state there is now.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hpipe_core::{Content, ProjectPath};

use crate::content::{Manner, Survey};
use crate::file_stat::FileStat;
use crate::ignore_rules::RULES_FILES;
use crate::{Error, Store};

/// A path in one state: relative to the project, in bytes.
pub(crate) type Seen = (Vec<u8>, State);

/// The state of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A file or folder with this stat, links followed.
    Stat(FileStat),
    /// Nothing lies there.
    Absent,
}

/// What lies at a path, and the states that prove it.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) content: Content,
    pub(crate) states: Vec<Seen>,
}

/// The witnesses gathered by one command.
#[derive(Debug, Default)]
pub(crate) struct Witnesses(Mutex<HashMap<ProjectPath, Witness>>);

impl Witnesses {
    /// What proves that `content` lies at `path`.
    pub(crate) fn of(&self, path: &ProjectPath, content: &Content) -> Option<Witness> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = known.get(path)?;
        witness.content.same(content).then(|| witness.clone())
    }

    fn add(&self, path: &ProjectPath, witness: Witness) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.clone(), witness);
    }
}

/// Takes down the states met on a walk; none any more once something could not be proved.
#[derive(Debug)]
pub(crate) struct Record(Mutex<Option<Vec<Seen>>>);

impl Record {
    fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Notes a state that proves what was found.
    pub(crate) fn note(&self, key: &[u8], state: State) {
        if let Some(states) = self.hold().as_mut() {
            states.push((key.to_vec(), state));
        }
    }

    /// Something was found that no state proves.
    pub(crate) fn spoil(&self) {
        *self.hold() = None;
    }

    fn hold(&self) -> MutexGuard<'_, Option<Vec<Seen>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// As [`content`](Self::content), and keeps what proves the answer for a seal (`seal`).
    ///
    /// # Errors
    /// Those of [`content`](Self::content).
    pub fn witnessed_content(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        let record = Record::new();
        let survey = Survey::new(self, Manner::Trusting).recording(&record);
        let content = survey.at(path)?;
        if let (Some(content), Some(states)) = (content, record.hold().take()) {
            self.witnesses.add(path, Witness { content, states });
        }
        Ok(content)
    }
}

impl Survey<'_> {
    /// Notes the files with ignore rules above `folder`, before they are read.
    pub(crate) fn note_rules_above(self, record: &Record, folder: &Path) {
        let root = self.store.root();
        let Ok(below) = folder.strip_prefix(root) else {
            return;
        };
        let mut ancestor = PathBuf::new();
        for name in below {
            self.note_rules(record, &ancestor, true);
            ancestor.push(name);
        }
    }

    /// Notes the files with ignore rules in a folder, before they are read; `absent`: also that there are none.
    pub(crate) fn note_rules(self, record: &Record, folder: &Path, absent: bool) {
        for name in RULES_FILES {
            let path = folder.join(name);
            match fs::metadata(self.store.root().join(&path)) {
                Ok(found) => self.note_if_proved(
                    record,
                    path.into_os_string().into_vec(),
                    &FileStat::new(&found),
                ),
                Err(_) if absent => record.note(path.as_os_str().as_bytes(), State::Absent),
                Err(_) => {}
            }
        }
    }

    /// Notes the state of something about to be read, if a later change of it must show.
    pub(crate) fn note_if_proved(self, record: &Record, key: Vec<u8>, stat: &FileStat) {
        let reading = self.store.clock.read_for(&self.store.cache, stat);
        match reading.is_some_and(|reading| reading.is_after(stat)) {
            true => record.note(&key, State::Stat(*stat)),
            false => record.spoil(),
        }
    }

    /// Notes that the listing of a folder was read in this state, which it was in before and is in after.
    pub(crate) fn note_listed(
        self,
        record: &Record,
        key: &[u8],
        path: &Path,
        before: &FileStat,
        left_out: &[PathBuf],
    ) {
        let same = fs::metadata(path).is_ok_and(|after| FileStat::new(&after) == *before);
        // Whether a link is left out may depend on what it leads to, which no state here tells.
        let links = left_out.iter().any(|path| path.is_symlink());
        if !same || links {
            return record.spoil();
        }
        let key = if key.is_empty() { b"." } else { key };
        record.note(key, State::Stat(*before));
    }
}

/// The path a key stands for, relative to the project.
pub(crate) fn key_path(key: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(key))
}
