//! Puts what lies in the workspace into the object store.
//!
//! The digest an object is named by is that of the bytes that were stored, never of an earlier reading: a small file is
//! read once, and what was read is both hashed and written; a large one likewise, part by part, unless the file system can
//! clone it (reflink): then the clone is hashed, which nobody else can change. The file is stat'ed before and after like any other (`content`), so that a
//! copy torn by somebody's writing is made again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hpipe_core::{Content, Digest, ProjectPath};
use rustix::fs::statvfs;

use crate::content::{Manner, Survey};
use crate::disk::{self, Mode};
use crate::file_hash::hash_bytes;
use crate::objects::ObjectId;
use crate::{Error, Store};

/// Bytes up to which a file is read into memory rather than copied by the system.
pub(crate) const SMALL: u64 = 1024 * 1024;

/// With fewer free bytes than this a disk counts as full.
const ROOM: u64 = 16 * 1024;

impl Store {
    /// Stores what lies at `path`, files and the nodes of folders, and says what it is; none when nothing lies there.
    ///
    /// What is stored already is not written again.
    ///
    /// # Errors
    /// Those of [`content`](Self::content), and what writing the cache fails with.
    pub fn commit(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        Survey::new(self, Manner::Committing).at(path)
    }

    /// Whether everything the content consists of is in the cache.
    ///
    /// Files are checked by existence and size; the nodes of folders are read and verified.
    pub fn has(&self, content: &Content) -> bool {
        crate::tree_reader::is_whole(self.objects(), content)
    }

    /// Whether the disk of the cache has no room left for what a stage prints.
    pub fn is_full(&self) -> bool {
        let room = statvfs(self.cache.path()).map(|disk| disk.f_bavail * disk.f_frsize);
        room.is_ok_and(|bytes| bytes < ROOM)
    }

    /// Stores what an execution printed: its digest and size.
    ///
    /// # Errors
    /// [`Error::Read`], or what writing the cache fails with.
    pub(crate) fn store_log(&self, path: &Path) -> Result<(Digest, u64), Error> {
        let file = File::open(path).map_err(Error::read(path))?;
        let size = file.metadata().map_err(Error::read(path))?.len();
        let digest = Survey::new(self, Manner::Committing).store_file(path, &file, size)?;
        Ok((digest, size))
    }
}

impl Survey<'_> {
    /// Stores an open file of `size` bytes and says the digest of what was stored.
    ///
    /// # Errors
    /// [`Error::Read`] (of kind `UnexpectedEof` when the file has become shorter), or what writing the cache fails with.
    pub(crate) fn store_file(self, path: &Path, file: &File, size: u64) -> Result<Digest, Error> {
        if size <= SMALL {
            self.store_small(path, file, size)
        } else {
            self.store_large(path, file, size)
        }
    }

    fn store_small(self, path: &Path, file: &File, size: u64) -> Result<Digest, Error> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)
            .map_err(Error::read(path))?;
        let digest = hash_bytes(&bytes);
        let objects = self.store.objects();
        objects.put_bytes(ObjectId { digest, size }, &bytes)?;
        Ok(digest)
    }

    fn store_large(self, path: &Path, file: &File, size: u64) -> Result<Digest, Error> {
        let temporary = self.store.cache.temporary()?;
        let copy = temporary.create(Mode::ReadOnly)?;
        let digest = disk::copy(file, &copy, size, true, Store::pool)
            .map_err(|error| copy_error(error, path, temporary.path()))?;
        let objects = self.store.objects();
        let id = ObjectId { digest, size };
        if !objects.has(id) {
            objects.put_file(id, temporary)?;
        }
        Ok(digest)
    }
}

/// A file that has become shorter is the source's fault, and to be tried again; all else is taken for the copy's.
fn copy_error(error: io::Error, source: &Path, copy: &Path) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Error::read(source)(error)
    } else {
        Error::write(copy)(error)
    }
}
