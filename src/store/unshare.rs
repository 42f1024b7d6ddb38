//! Gives the workspace files of its own where it has objects under another name.
//!
//! A restored file may be a hard link to its object. An execution removes its old outs first, so that it never writes into
//! one; but what it finds and goes on with (`persist`) must be no object by then.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hpipe_core::{ContentKind, ProjectPath};

use crate::disk::{self, Mode};
use crate::file_hash;
use crate::file_stat::is_executable;
use crate::ignore_rules::IgnoreRules;
use crate::walk;
use crate::{Error, Store};

impl Store {
    /// Makes sure that whoever writes into what lies at `path` writes into no object.
    ///
    /// # Errors
    /// [`Error::Read`], or what writing the workspace fails with.
    pub fn unshare(&self, path: &ProjectPath) -> Result<(), Error> {
        let on_disk = path.on_disk(self.root());
        match walk::look(&on_disk)? {
            None => Ok(()),
            Some((ContentKind::File, _)) => self.unshare_file(&on_disk),
            Some((ContentKind::Folder, _)) => {
                let above = IgnoreRules::above(self.root(), &on_disk)?;
                self.unshare_folder(&on_disk, &above)
            }
        }
    }

    fn unshare_folder(&self, folder: &Path, above: &IgnoreRules) -> Result<(), Error> {
        let listing = walk::list(folder, above, &self.cache)?;
        for found in listing.found.iter().filter(|found| !found.is_link) {
            match found.kind {
                ContentKind::File => self.unshare_file(&found.path)?,
                ContentKind::Folder => self.unshare_folder(&found.path, &listing.rules)?,
            }
        }
        Ok(())
    }

    fn unshare_file(&self, path: &Path) -> Result<(), Error> {
        let found = fs::symlink_metadata(path).map_err(Error::read(path))?;
        if !found.is_file() || found.nlink() < 2 {
            return Ok(());
        }
        let file = File::open(path).map_err(Error::read(path))?;
        let digest = file_hash::hash_file(&file, found.len(), Self::pool);
        let object = self.objects().path(digest.map_err(Error::read(path))?);
        let is_object = fs::metadata(object)
            .is_ok_and(|object| (object.dev(), object.ino()) == (found.dev(), found.ino()));
        if !is_object {
            return Ok(());
        }
        let mut own = self
            .cache
            .temporary_for(path.parent().unwrap_or(self.root()))?;
        let copy = own.create(Mode::of_file(is_executable(&found)))?;
        disk::copy(&file, &copy, found.len(), true, Self::pool).map_err(Error::write(path))?;
        own.rename_to(path).map_err(Error::place(path))
    }
}
