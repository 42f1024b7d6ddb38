//! Locks between processes: one for each stage, one for each mutex of a pipeline, one for publishing into a lock file.
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
use std::path::PathBuf;

use hpipe_core::{Digest, StageName};

use crate::{Error, Store, disk, scratch};

/// The right to execute one stage, until dropped.
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
    /// Takes over a file that was just locked.
    fn of(file: File) -> Self {
        // A child may have written into its standard input; the next one is to read end-of-file again.
        if file.metadata().is_ok_and(|found| found.len() > 0) {
            let _ = file.set_len(0);
        }
        Self { file }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.file.unlock(); // closing the last handle does the same
    }
}

impl Store {
    /// Takes the lock of a stage if nobody holds it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating its file fails with.
    pub fn try_lock_stage(&self, name: &StageName) -> Result<Option<StageLock>, Error> {
        self.try_lock(&stage_key(name))
    }

    /// Takes the lock of all executions with one stage key, if nobody holds it: replicas execute stages of one name beside
    /// each other, but not the same work.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating its file fails with.
    pub fn try_lock_key(&self, key: &Digest) -> Result<Option<StageLock>, Error> {
        self.try_lock(&key_key(key))
    }

    fn try_lock(&self, name: &str) -> Result<Option<StageLock>, Error> {
        let path = self.cache.lock(name);
        self.cache.create_folder_of(&path)?;
        loop {
            let file = disk::open_or_create(&path).map_err(Error::write(&path))?;
            match file.try_lock() {
                Ok(()) if !scratch::is_still(&file, &path) => {} // removed between its opening and its locking
                Ok(()) => return Ok(Some(StageLock(Guard::of(file)))),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(Error::Lock { path, source }),
            }
        }
    }

    /// Takes the lock of a stage, waiting for whoever holds it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating its file fails with.
    pub fn lock_stage(&self, name: &StageName) -> Result<StageLock, Error> {
        self.lock(&stage_key(name)).map(StageLock)
    }

    /// What [`lock_stage`](Self::lock_stage) does, for another thread to do: the returned function borrows nothing.
    ///
    /// Call it after [`try_lock_stage`](Self::try_lock_stage) said that somebody holds the lock.
    pub fn stage_waiter(
        &self,
        name: &StageName,
    ) -> impl FnOnce() -> Result<StageLock, Error> + Send + 'static {
        let path = self.cache.lock(&stage_key(name));
        move || wait_for(path).map(StageLock)
    }

    /// What [`stage_waiter`](Self::stage_waiter) is, for the lock of a stage key.
    pub fn key_waiter(
        &self,
        key: &Digest,
    ) -> impl FnOnce() -> Result<StageLock, Error> + Send + 'static {
        let path = self.cache.lock(&key_key(key));
        move || wait_for(path).map(StageLock)
    }

    /// Takes the mutex `name`, which no two executions hold at once, if it is free.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn try_lock_mutex(&self, name: &str) -> Result<Option<StageLock>, Error> {
        self.try_lock(&mutex_key(name))
    }

    /// Waits for the mutex `name`, on whichever thread calls it; [`try_lock_mutex`](Self::try_lock_mutex) has said that it
    /// is held.
    pub fn mutex_waiter(
        &self,
        name: &str,
    ) -> impl FnOnce() -> Result<StageLock, Error> + Send + 'static {
        let path = self.cache.lock(&mutex_key(name));
        move || wait_for(path).map(StageLock)
    }

    /// Takes the lock under which the lock file at `path` is replaced, waiting for whoever holds it.
    pub(crate) fn lock_publication(&self, path: &str) -> Result<Guard, Error> {
        self.lock(&format!("publish {path}"))
    }

    fn lock(&self, key: &str) -> Result<Guard, Error> {
        let path = self.cache.lock(key);
        self.cache.create_folder_of(&path)?;
        wait_for(path)
    }
}

fn wait_for(path: PathBuf) -> Result<Guard, Error> {
    loop {
        let file = disk::open_or_create(&path).map_err(Error::write(&path))?;
        match file.lock() {
            Ok(()) if !scratch::is_still(&file, &path) => {} // removed while we waited for it
            Ok(()) => return Ok(Guard::of(file)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Lock { path, source }),
        }
    }
}

fn mutex_key(name: &str) -> String {
    format!("mutex {name}")
}

fn stage_key(name: &StageName) -> String {
    format!("stage {name}")
}

fn key_key(key: &Digest) -> String {
    format!("stage key {key}")
}
