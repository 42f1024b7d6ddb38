//! Replicas: copies of the project in which stages execute with other params, beside each other.
//!
//! A replica is a folder of its own below the cache's folder for temporary files and a [`Store`] on it that shares the
//! cache: objects, run cache, memo and logs are those of the project. The folder goes with its store; when hpipe is
//! killed, the next one that writes sweeps it (`scratch`).
//!
//! What lies in a replica need not outlast anything, so nothing there is synced; nor does a replica read or write what
//! the cache knows of the project's own files and stages (stat cache, durations).
//!
//! Does not know what a copy needs: the engine says which paths to copy.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use hpipe_core::ProjectPath;

use crate::clock::Clock;
use crate::collection::Seen;
use crate::disk::{self, Mode};
use crate::file_stat::is_executable;
use crate::lock_file::LockMemory;
use crate::pipeline_mirror::Unwritten;
use crate::warnings::Warnings;
use crate::witness::Witnesses;
use crate::{Error, Store};

impl Store {
    /// A store on an empty folder of its own that shares this one's cache.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn replica(&self) -> Result<Self, Error> {
        let folder = self.cache.own_temporary()?;
        disk::create_folder(folder.path()).map_err(Error::create_folder(folder.path()))?;
        let root = folder.path().canonicalize();
        Ok(Self {
            root: root.map_err(Error::read(folder.path()))?,
            links: self.links.clone(),
            warnings: Warnings::default(),
            lock_memory: LockMemory::default(),
            pipeline_mirrors: Unwritten::default(),
            stat_cache: OnceLock::new(),
            session: self.session.clone(),
            witnesses: Witnesses::default(),
            clock: Clock::default(),
            rereads: false,
            seen: Seen::of(&self.cache.collections()),
            vital: OnceLock::new(),
            cache: self.cache.again(),
            replica: Some(folder),
        })
    }

    /// Whether this is a store on a copy of the project.
    pub const fn is_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// Copies what lies at `path` in the project `from` to the same path here: a file, or a folder without what it holds.
    /// A symbolic link becomes one to the same place of this copy, or to where it leads outside of the project. What is no
    /// file, folder or link, and what is gone by now, is left out.
    ///
    /// # Errors
    /// [`Error::Read`], or what writing fails with.
    pub fn copy_from(&self, from: &Self, path: &ProjectPath) -> Result<(), Error> {
        let (source, target) = (path.on_disk(&from.root), path.on_disk(&self.root));
        let found = match fs::symlink_metadata(&source) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::read(&source)(error)),
        };
        if found.is_dir() {
            return disk::create_folders(&target);
        }
        if let Some(folder) = target.parent() {
            disk::create_folders(folder)?;
        }
        if found.is_symlink() {
            self.copy_link(from, &source, &target)
        } else if found.is_file() {
            copy_file(&source, &target)
        } else {
            Ok(())
        }
    }

    fn copy_link(&self, from: &Self, source: &Path, target: &Path) -> Result<(), Error> {
        let written = fs::read_link(source).map_err(Error::read(source))?;
        let leads_to = match source.canonicalize() {
            Err(_) => written,
            Ok(end) => match end.strip_prefix(&from.root) {
                Ok(_) if written.is_relative() => written,
                Ok(inside) => self.root.join(inside),
                Err(_) => end,
            },
        };
        disk::symbolic_link(&leads_to, target).map_err(Error::place(target))
    }

    /// Makes a symbolic link at `path` that leads to what the project `from` has there.
    ///
    /// # Errors
    /// What writing fails with.
    pub fn link_to(&self, from: &Self, path: &ProjectPath) -> Result<(), Error> {
        let target = path.on_disk(&self.root);
        if let Some(folder) = target.parent() {
            disk::create_folders(folder)?;
        }
        disk::symbolic_link(&path.on_disk(&from.root), &target).map_err(Error::place(&target))
    }
}

fn copy_file(source: &Path, target: &Path) -> Result<(), Error> {
    let opened = File::open(source).map_err(Error::read(source))?;
    let found = opened.metadata().map_err(Error::read(source))?;
    let mode = Mode::of_file(is_executable(&found));
    let copy = disk::create_new(target, mode).map_err(Error::write(target))?;
    disk::copy(&opened, &copy, found.len(), true, Store::pool).map_err(Error::write(target))?;
    Ok(())
}
