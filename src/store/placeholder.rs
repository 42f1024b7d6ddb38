//! Places held for outs in the workspace, and folders for temporary files of commands.
//!
//! A command in a sandbox may write only what is there before it starts. So an empty file or folder holds the place of an
//! out; what is still untouched afterwards was not made by the command, and goes again. That it is untouched is told by
//! all a file system says of it: its time of last write was set to the beginning of time.

use std::fs::File;
use std::path::Path;

use hpipe_core::{ContentKind, ProjectPath};
use rustix::fs::{Timespec, Timestamps, futimens};

use crate::disk::{self, Mode};
use crate::file_stat::FileStat;
use crate::scratch::Temporary;
use crate::{Error, Store};

/// An empty file or folder where an out will be.
#[derive(Debug)]
pub struct Placeholder {
    path: ProjectPath,
    kind: ContentKind,
    stat: FileStat,
}

/// A folder for temporary files; it goes when this is dropped, and with the next hpipe when this one is killed.
#[derive(Debug)]
pub struct TemporaryFolder(Temporary);

impl TemporaryFolder {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Store {
    /// Makes an empty folder for temporary files.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn temporary_folder(&self) -> Result<TemporaryFolder, Error> {
        let temporary = self.cache.own_temporary()?;
        disk::create_folder(temporary.path()).map_err(Error::create_folder(temporary.path()))?;
        Ok(TemporaryFolder(temporary))
    }

    /// Puts something empty at `path`, where nothing is.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::CreateFolder`].
    pub fn hold_place(&self, path: &ProjectPath, kind: ContentKind) -> Result<Placeholder, Error> {
        let on_disk = path.on_disk(self.root());
        let opened = match kind {
            ContentKind::File => disk::create_new(&on_disk, Mode::Plain),
            ContentKind::Folder => {
                disk::create_folder(&on_disk).map_err(Error::create_folder(&on_disk))?;
                File::open(&on_disk)
            }
        };
        let stamped = opened.and_then(|file| {
            let first = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let both = Timestamps {
                last_access: first,
                last_modification: first,
            };
            futimens(&file, &both)?;
            file.metadata()
        });
        Ok(Placeholder {
            path: path.clone(),
            kind,
            stat: FileStat::new(&stamped.map_err(Error::write(&on_disk))?),
        })
    }

    /// Removes a placeholder that nobody touched.
    ///
    /// # Errors
    /// [`Error::Remove`].
    pub fn give_back(&self, placeholder: &Placeholder) -> Result<(), Error> {
        let on_disk = placeholder.path.on_disk(self.root());
        let found = std::fs::symlink_metadata(&on_disk);
        if !found.is_ok_and(|found| FileStat::new(&found) == placeholder.stat) {
            return Ok(());
        }
        let removed = match placeholder.kind {
            ContentKind::File => disk::remove_file(&on_disk),
            ContentKind::Folder => std::fs::remove_dir(&on_disk),
        };
        removed.map_err(Error::remove(&on_disk))
    }
}
