//! The folder in which one process builds what it later renames into place.
//!
//! `.cache/tmp/<id>/`, beside it the file `.cache/tmp/<id>.owner`, on which the process holds a lock as long as it lives.
//! Whoever opens a scratch folder first sweeps those whose owner's lock is free: their processes are gone, however they
//! ended. So `kill -9` leaves nothing behind for longer than until the next command that writes.
//!
//! When the target lies on another file system than the cache, a rename from here cannot reach it. Then the temporary
//! file stands beside its target under a name that begins with [`TEMPORARY_PREFIX`], which no folder content includes,
//! and names cache and owner, so that it is swept by the same rule when somebody next builds in that folder.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::disk::{self, Mode};
use crate::utc;

/// How the names of temporary files in the workspace begin.
pub(crate) const TEMPORARY_PREFIX: &str = ".hpipe-tmp-";

const OWNER_SUFFIX: &str = ".owner";

/// A folder of this process alone; removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    id: String,
    /// The folder of all scratch folders of this cache.
    parent: PathBuf,
    /// Holds the lock.
    _owner: File,
    next: AtomicU64,
    /// Folders of the workspace that were swept by this process.
    swept: Mutex<HashSet<PathBuf>>,
}

impl Scratch {
    /// Sweeps what dead processes left in `parent`, which exists, and makes a folder of our own there.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Lock`] or [`Error::CreateFolder`].
    pub(crate) fn create(parent: &Path) -> Result<Self, Error> {
        sweep(parent);
        loop {
            let id = format!("{:x}-{:x}", utc::now_micros(), std::process::id());
            let owner_path = owner_path(parent, &id);
            let owner = match disk::create_new(&owner_path, Mode::Plain) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created.map_err(Error::write(&owner_path))?,
            };
            owner.lock().map_err(Error::lock(&owner_path))?;
            if !is_still(&owner, &owner_path) {
                continue; // swept between its creation and its locking
            }
            let folder = parent.join(&id);
            disk::create_folder(&folder).map_err(Error::create_folder(&folder))?;
            return Ok(Self {
                id,
                parent: parent.to_path_buf(),
                _owner: owner,
                next: AtomicU64::new(0),
                swept: Mutex::default(),
            });
        }
    }

    /// A name in this folder that nothing has yet.
    pub(crate) fn temporary(&self) -> Temporary {
        Temporary::at(self.folder().join(self.number().to_string()))
    }

    /// A name in `folder`, somewhere in the workspace, that nothing has yet.
    pub(crate) fn temporary_beside(&self, folder: &Path) -> Temporary {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.insert(folder.to_path_buf()) {
            self.sweep_beside(folder);
        }
        let name = format!("{}{}-{}", self.prefix(), self.id, self.number());
        Temporary::at(folder.join(name))
    }

    /// How the names of this cache's temporary files in the workspace begin.
    fn prefix(&self) -> String {
        let cache = blake3::hash(self.parent.as_os_str().as_bytes()).to_hex();
        format!("{TEMPORARY_PREFIX}{}-", &cache[..8])
    }

    /// Removes what dead processes of this cache left in a folder of the workspace. Best effort.
    fn sweep_beside(&self, folder: &Path) {
        let prefix = self.prefix();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let id = name
                .to_str()
                .and_then(|name| name.strip_prefix(&prefix)?.rsplit_once('-'));
            if id.is_some_and(|(id, _)| id != self.id && is_dead(&owner_path(&self.parent, id))) {
                let _ = disk::remove_any(&entry.path());
            }
        }
    }

    fn folder(&self) -> PathBuf {
        self.parent.join(&self.id)
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = disk::remove_tree(&self.folder());
        let _ = disk::remove_file(&owner_path(&self.parent, &self.id));
    }
}

/// The file whose lock says that the process with this id lives.
fn owner_path(parent: &Path, id: &str) -> PathBuf {
    parent.join(format!("{id}{OWNER_SUFFIX}"))
}

/// Whether nobody holds the lock on the owner's file.
fn is_dead(owner: &Path) -> bool {
    match File::open(owner) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the scratch folders whose owners are gone. Best effort: what resists is tried again by the next process.
fn sweep(parent: &Path) {
    for path in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = path.path();
        if owned_id(&path).is_some() {
            let _ = remove_abandoned(&path.with_extension(""));
        }
    }
}

/// Removes a scratch folder if its owner is gone.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn remove_abandoned(folder: &Path) -> io::Result<()> {
    let path = folder.with_extension(&OWNER_SUFFIX[1..]);
    let Ok(owner) = File::open(&path) else {
        return Ok(());
    };
    // Held until both are gone: one who has made his file and not locked it yet makes another.
    match owner.try_lock() {
        Ok(()) if is_still(&owner, &path) => {
            match disk::remove_tree(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            disk::remove_file(&path)
        }
        _ => Ok(()),
    }
}

/// The scratch folders in `parent` whose owners are gone.
pub(crate) fn abandoned(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let owners = entries.map(|entry| entry.path());
    let dead = owners.filter(|owner| owned_id(owner).is_some() && is_dead(owner));
    dead.map(|owner| owner.with_extension("")).collect()
}

/// The id in the name of an owner's file.
fn owned_id(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(OWNER_SUFFIX)
}

/// Whether `path` still names the open file.
pub(crate) fn is_still(file: &File, path: &Path) -> bool {
    still_named(file, path).is_some()
}

/// What the open file is like, if `path` still names it.
pub(crate) fn still_named(file: &File, path: &Path) -> Option<Metadata> {
    let (open, named) = (file.metadata().ok()?, fs::metadata(path).ok()?);
    ((open.dev(), open.ino()) == (named.dev(), named.ino())).then_some(named)
}

/// A name for something being built; what is there when it is dropped is removed.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    placed: bool,
}

impl Temporary {
    /// The name `path`, which nobody else uses.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self {
            path,
            placed: false,
        }
    }

    /// The temporary name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the file, empty.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn create(&self, mode: Mode) -> Result<File, Error> {
        disk::create_new(&self.path, mode).map_err(Error::write(&self.path))
    }

    /// Puts what was built at `target`, replacing a file or link there.
    pub(crate) fn rename_to(&mut self, target: &Path) -> io::Result<()> {
        disk::rename(&self.path, target)?;
        self.placed = true;
        Ok(())
    }

    /// Puts the file that was built at `target` unless something is there already; says whether it did. The folder of
    /// `target` is made if need be.
    pub(crate) fn place_first(&mut self, target: &Path) -> Result<bool, Error> {
        let placed = match self.link_to(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                target.parent().map_or(Ok(()), disk::create_folders)?;
                self.link_to(target)
            }
            done => done,
        };
        placed.map_err(Error::place(target))
    }

    fn link_to(&mut self, target: &Path) -> io::Result<bool> {
        match disk::rename_first(&self.path, target) {
            Ok(()) => {
                self.placed = true;
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(_) => {} // a file system that cannot rename so
        }
        match disk::hard_link(&self.path, target) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // A file system without hard links: of two that come at the same instant, the second stands.
            Err(_) if !target.exists() => self.rename_to(target).map(|()| true),
            Err(_) => Ok(false),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            let _ = disk::remove_any(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dead_processes_left_is_swept_and_the_living_are_spared() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("dead.owner"), "").unwrap();
        fs::create_dir(parent.path().join("dead")).unwrap();
        fs::write(parent.path().join("dead/7"), "half").unwrap();

        let first = Scratch::create(parent.path()).unwrap();
        let second = Scratch::create(parent.path()).unwrap();

        assert!(!parent.path().join("dead").exists());
        assert!(!parent.path().join("dead.owner").exists());
        assert!(first.folder().is_dir() && second.folder().is_dir());
        drop((first, second));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_dead_processes_left_in_the_workspace_is_swept_too() {
        let (parent, workspace) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let living = Scratch::create(parent.path()).unwrap();
        let scratch = Scratch::create(parent.path()).unwrap();
        let spared = living.temporary_beside(workspace.path());
        spared.create(Mode::Plain).unwrap();
        let dead = workspace.path().join(format!("{}1-2-0", scratch.prefix()));
        let foreign = workspace
            .path()
            .join(format!("{TEMPORARY_PREFIX}00000000-1-2-0"));
        fs::create_dir(&dead).unwrap();
        fs::write(&foreign, "").unwrap();

        let own = scratch.temporary_beside(workspace.path());
        own.create(Mode::Plain).unwrap();
        assert!(!dead.exists());
        assert!(spared.path().exists() && own.path().exists() && foreign.exists());
    }

    /// It was listed in the instant between the making of its owner's file and its locking.
    #[test]
    fn one_that_is_alive_by_now_is_not_removed() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Scratch::create(parent.path()).unwrap();
        remove_abandoned(&alive.folder()).unwrap();
        assert!(alive.folder().is_dir());
        assert!(owner_path(parent.path(), &alive.id).exists());
    }

    #[test]
    fn an_unplaced_temporary_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(parent.path()).unwrap();
        let temporary = scratch.temporary();
        let path = temporary.path().to_path_buf();
        temporary.create(Mode::Plain).unwrap();
        assert!(path.exists());
        drop(temporary);
        assert!(!path.exists());
    }
}
