//! Locks between processes: one for each stage, each of its outs, each mutex of a pipeline, and one for publishing into a
//! lock file.
//!
//! A lock is an advisory lock of the operating system (`flock`) on an empty file under `.cache/locks-v1/`, named by the
//! digest of what it stands for. The system lets go of it when the last handle to the open file is closed, however the
//! process ended, so there are no stale locks to clean up. The files themselves stay until `gc` removes those it can lock:
//! so whoever has locked a file looks whether it still has its name, for else two processes could hold "the same" lock on
//! two files.
//!
//! **Orphans.** The engine gives [`StageLock::handle`] to the processes it starts, as their standard input: the file is
//! empty, so they read end-of-file, and they share the open file. If hpipe is killed while such a child lives on, the
//! child still holds the lock, and the next hpipe waits for it to end instead of executing the stage beside it. An hpipe
//! that ends in order unlocks explicitly, which frees the lock whatever handles are still open.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::{Digest, ProjectPath, StageName};

use crate::{Error, Store, disk, scratch};

/// What a [`LockName`] stands for is ours, until this is dropped.
#[derive(Debug)]
pub struct StageLock(Guard);

impl StageLock {
    /// Another handle to the locked file, open for reading at its end: for the standard input of child processes.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn handle(&self) -> io::Result<File> {
        self.0.file.try_clone()
    }
}

/// A held lock.
#[derive(Debug)]
pub(crate) struct Guard {
    file: File,
}

impl Guard {
    /// Takes over a file that was just locked; none if the file at `path` is another by now.
    fn of(file: File, path: &Path) -> Option<Self> {
        let found = scratch::still_named(&file, path)?;
        // A child may have written into its standard input; the next one is to read end-of-file again.
        if found.len() > 0 {
            let _ = file.set_len(0);
        }
        Some(Self { file })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.file.unlock(); // closing the last handle does the same
    }
}

/// What a lock stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockName {
    /// The executions of a stage.
    Stage(StageName),
    /// All executions with one stage key: replicas execute stages of one name beside each other, but not the same work.
    Key(Digest),
    /// A mutex of a pipeline, which no two executions hold at once.
    Mutex(String),
    /// What lies at an out's path: pipelines that do not know each other may declare the same.
    Out(ProjectPath),
}

impl LockName {
    fn key(&self) -> String {
        match self {
            Self::Stage(name) => format!("stage {name}"),
            Self::Key(key) => format!("stage key {key}"),
            Self::Mutex(name) => format!("mutex {name}"),
            Self::Out(path) => format!("out {path}"),
        }
    }
}

impl Store {
    /// Takes a lock if nobody holds it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating its file fails with.
    pub fn try_lock(&self, name: &LockName) -> Result<Option<StageLock>, Error> {
        let path = self.cache.lock(&name.key());
        if let Some(lock) = self.try_once(&path)? {
            return Ok(Some(lock));
        }
        // A removal holds each lock for an instant, to see whether somebody does; none does now.
        let _gate = self.publishing()?;
        self.try_once(&path)
    }

    /// Takes a lock, waiting for whoever holds it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating its file fails with.
    pub fn lock(&self, name: &LockName) -> Result<StageLock, Error> {
        self.hold(&name.key()).map(StageLock)
    }

    /// What [`lock`](Self::lock) does, for another thread to do: the returned function borrows nothing.
    ///
    /// Call it after [`try_lock`](Self::try_lock) said that somebody holds the lock.
    pub fn waiter(
        &self,
        name: &LockName,
    ) -> impl FnOnce() -> Result<StageLock, Error> + Send + use<> {
        let path = self.cache.lock(&name.key());
        move || wait_for(path).map(StageLock)
    }

    /// Takes the lock under which the lock file at `path` is replaced, waiting for whoever holds it.
    pub(crate) fn lock_publication(&self, path: &str) -> Result<Guard, Error> {
        self.hold(&format!("publish {path}"))
    }

    fn hold(&self, key: &str) -> Result<Guard, Error> {
        let path = self.cache.lock(key);
        self.cache.create_folder_of(&path)?;
        wait_for(path)
    }

    fn try_once(&self, path: &Path) -> Result<Option<StageLock>, Error> {
        loop {
            let file = self.cache.open_or_create(path)?;
            match file.try_lock() {
                Ok(()) => {
                    if let Some(guard) = Guard::of(file, path) {
                        return Ok(Some(StageLock(guard)));
                    } // else it was removed between its opening and its locking
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(Error::lock(path)(source)),
            }
        }
    }
}

fn wait_for(path: PathBuf) -> Result<Guard, Error> {
    loop {
        let file = disk::open_or_create(&path).map_err(Error::write(&path))?;
        match file.lock() {
            Ok(()) => {
                if let Some(guard) = Guard::of(file, &path) {
                    return Ok(guard);
                } // else it was removed while we waited for it
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Lock { path, source }),
        }
    }
}
