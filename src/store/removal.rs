//! Removes from the workspace: a path whole, or only what counts of it.
//!
//! What the content of a folder leaves out (`walk`: `.git`, what `.hpipeignore` names, the cache folder) was never stored,
//! so removing it would lose it for good. [`Store::remove_content`] goes by the same walk as committing does and removes
//! what that stores, then the folders that became empty. Files with rules go last in their folder, and stay when something
//! below stays, so that what they hide is still hidden afterwards.
//!
//! Links are removed, never followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;

use crate::disk;
use crate::ignore_rules::IgnoreRules;
use crate::walk;
use crate::{Error, Store};

impl Store {
    /// Removes the file, folder with all it holds, or symbolic link (not its target) at `path`; nothing there is fine.
    ///
    /// # Errors
    /// [`Error::Forbidden`] or [`Error::Remove`].
    pub fn remove(&self, path: &ProjectPath) -> Result<(), Error> {
        let _ = self.refuse_vital(path)?;
        let on_disk = path.on_disk(self.root());
        match disk::remove_any(&on_disk) {
            Err(error) if !walk::is_absence(&error) => Err(Error::remove(&on_disk)(error)),
            _ => Ok(()),
        }
    }

    /// Removes the file or symbolic link (not its target) at `path`, or of a folder what its content counts and then the
    /// folders that became empty; nothing there is fine.
    ///
    /// Returns what was left in place, because it does not count and so was never stored, and the ignore files that hide it:
    /// each file or folder by its path relative to the project's root, absolute where it lies outside.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Remove`], [`Error::Read`] or [`Error::IgnoreFile`].
    pub fn remove_content(&self, path: &ProjectPath) -> Result<Vec<PathBuf>, Error> {
        let stands = self.refuse_vital(path)?;
        let on_disk = path.on_disk(self.root());
        match stands {
            Ok(found) if found.is_dir() => {
                let above = IgnoreRules::above(self.root(), &on_disk)?;
                let mut removal = Removal::new(self);
                removal.folder(&on_disk, &above)?;
                Ok(removal.left)
            }
            Ok(_) => {
                disk::remove_file(&on_disk).map_err(Error::remove(&on_disk))?;
                Ok(Vec::new())
            }
            Err(error) if walk::is_absence(&error) => Ok(Vec::new()),
            Err(error) => Err(Error::remove(&on_disk)(error)),
        }
    }
}

/// The removal of what counts.
pub(crate) struct Removal<'a> {
    store: &'a Store,
    left: Vec<PathBuf>,
}

impl<'a> Removal<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self {
            store,
            left: Vec::new(),
        }
    }

    /// Removes what counts of a folder, in which the rules `above` hold besides its own; says whether nothing is left.
    ///
    /// # Errors
    /// [`Error::Remove`], [`Error::Read`] or [`Error::IgnoreFile`].
    pub(crate) fn folder(&mut self, path: &Path, above: &IgnoreRules) -> Result<bool, Error> {
        disk::with_rights(path, || fs::read_dir(path).map(drop)).map_err(Error::read(path))?;
        let listing = walk::list(path, above, &self.store.cache)?;
        let mut is_empty = listing.left_out.is_empty();
        listing
            .left_out
            .into_iter()
            .for_each(|path| self.leave(path));
        let (folders, files): (Vec<_>, Vec<_>) =
            listing.found.into_iter().partition(walk::Found::is_folder);
        for inner in folders {
            is_empty &= self.folder(&inner.path, &listing.rules)?;
        }
        let (rules, files): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|file| IgnoreRules::is_rules_file(&file.name));
        let odd = listing.odd.into_iter().map(|odd| odd.path);
        for file in files.into_iter().map(|file| file.path).chain(odd) {
            self.remove_in(path, &file)?;
        }
        for file in rules {
            match is_empty {
                true => self.remove_in(path, &file.path)?,
                false => self.leave(file.path),
            }
        }
        for temporary in listing.temporary {
            disk::remove_any(&temporary).map_err(Error::remove(&temporary))?;
        }
        Ok(is_empty && remove_empty(path)?)
    }

    fn leave(&mut self, path: PathBuf) {
        let relative = path.strip_prefix(self.store.root());
        self.left
            .push(relative.map(Path::to_path_buf).unwrap_or(path));
    }

    /// Removes a file of `folder`; it may have vanished meanwhile.
    fn remove_in(&self, folder: &Path, file: &Path) -> Result<(), Error> {
        match disk::with_rights(folder, || disk::remove_file(file)) {
            Err(error) if !walk::is_absence(&error) => Err(Error::remove(file)(error)),
            _ => Ok(()),
        }
    }
}

/// Removes a folder that should be empty; false when something has appeared in it meanwhile.
fn remove_empty(folder: &Path) -> Result<bool, Error> {
    let parent = folder.parent().unwrap_or(folder);
    match disk::with_rights(parent, || disk::remove_empty_folder(folder)) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) if !walk::is_absence(&error) => Err(Error::remove(folder)(error)),
        _ => Ok(true),
    }
}
