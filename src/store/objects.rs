//! The object store: bytes under the name of their digest. Format page: `docs/formats/objects.md`.
//!
//! An object never changes, so that it may be shared, linked and cached for ever; it is read-only against accidents.
//! Storing is: write a temporary file, rename it to its name. Whoever finds the name taken by a file of the right size is
//! done, whoever wrote it; of two processes that store the same bytes at once, either's rename may win.
//!
//! **When objects are synced.** Not one by one: ten thousand small files would wait for ten thousand disk flushes. An
//! object that a killed hpipe wrote is whole all the same, for the kernel has it. Against a lost power supply all of them
//! are made durable at once (`syncfs`) before the lock file is replaced by one that refers to them, see `lock_file`. A
//! reference that outlived its bytes (a run record written in the last seconds) leads to a missing, short or zero-filled
//! object; every byte is verified against the digest before it is used, so that is a miss and a warning, never a wrong
//! result.
//!
//! Does not know files of the workspace (`commit`, `restore`) nor what the bytes mean (`tree`).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use hpipe_core::Digest;

use crate::Error;
use crate::cache_folder::CacheFolder;
use crate::disk::{self, Mode};
use crate::file_hash::hash_bytes;
use crate::scratch::Temporary;
use crate::warnings::Warnings;

/// An object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObjectId {
    /// The digest of its bytes.
    pub(crate) digest: Digest,
    /// The number of its bytes, which is checked without reading them.
    pub(crate) size: u64,
}

/// The objects in a cache folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objects<'a> {
    pub(crate) cache: &'a CacheFolder,
    pub(crate) warnings: &'a Warnings,
}

impl Objects<'_> {
    /// Whether the object is there, as far as its size tells; one of another size is damage, and told.
    pub(crate) fn has(&self, id: ObjectId) -> bool {
        let path = self.cache.object(&id.digest);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() && found.len() == id.size => true,
            Ok(_) => {
                self.warnings.add(format!(
                    "the object {} is damaged: it does not have its {} bytes",
                    path.display(),
                    id.size
                ));
                false
            }
            Err(_) => false,
        }
    }

    /// Stores bytes under their digest.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(crate) fn put_bytes(&self, id: ObjectId, bytes: &[u8]) -> Result<(), Error> {
        if self.has(id) {
            return Ok(());
        }
        let temporary = self.cache.temporary()?;
        let file = temporary.create(Mode::ReadOnly)?;
        disk::write(&file, bytes).map_err(Error::write(temporary.path()))?;
        drop(file);
        self.put_file(id, temporary)
    }

    /// Stores a finished file, whose bytes have this digest, by renaming it.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(crate) fn put_file(&self, id: ObjectId, mut temporary: Temporary) -> Result<(), Error> {
        let target = self.cache.object(&id.digest);
        let renamed = match temporary.rename_to(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.cache.create_folder_of(&target)?;
                temporary.rename_to(&target)
            }
            done => done,
        };
        renamed.map_err(Error::place(&target))
    }

    /// Opens an object of the right size; none when there is none. Its bytes are yet to be verified.
    ///
    /// # Errors
    /// [`Error::Read`] when it is there but cannot be opened.
    pub(crate) fn open(&self, id: ObjectId) -> Result<Option<File>, Error> {
        let path = self.cache.object(&id.digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::read(&path)(error)),
        };
        let size = file.metadata().map_err(Error::read(&path))?.len();
        if size == id.size {
            return Ok(Some(file));
        }
        self.put_aside(id.digest);
        Ok(None)
    }

    /// Reads a small object whole and verifies it; none when it is missing or damaged.
    ///
    /// # Errors
    /// [`Error::Read`] when it is there but cannot be read.
    pub(crate) fn read(&self, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open(id)? else {
            return Ok(None);
        };
        // So many has the file, as was just seen, whatever the reference says.
        let mut bytes = vec![0; usize::try_from(id.size).unwrap_or(usize::MAX)];
        match file.read_exact_at(&mut bytes, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bytes.clear(),
            done => done.map_err(Error::read(&self.path(id.digest)))?,
        }
        if hash_bytes(&bytes) == id.digest {
            return Ok(Some(bytes));
        }
        self.put_aside(id.digest);
        Ok(None)
    }

    /// Moves a damaged object out of the way, so that its bytes can be stored again, and says so.
    pub(crate) fn put_aside(&self, digest: Digest) {
        let path = self.path(digest);
        self.warnings.add(format!(
            "the object {} is damaged; it counts as missing",
            path.display()
        ));
        let _ = self.move_aside(digest); // whoever reads it verifies it
    }

    /// Moves an object out of the way; one that cannot be moved is removed.
    pub(crate) fn move_aside(&self, digest: Digest) -> io::Result<()> {
        let (path, aside) = (self.path(digest), self.cache.damaged(&digest));
        let moved = self
            .cache
            .create_folder_of(&aside)
            .is_ok_and(|()| disk::rename(&path, &aside).is_ok());
        match moved {
            true => Ok(()),
            false => disk::remove_file(&path),
        }
    }

    /// Where the object lies.
    pub(crate) fn path(&self, digest: Digest) -> PathBuf {
        self.cache.object(&digest)
    }
}
