//! What stops the store: each variant says what was attempted on which thing.
//!
//! Damage inside the cache folder is no error but a warning and a miss ([`Store::take_warnings`](crate::Store)); errors
//! are for what the user has to mend: the machine (disk, permission), the workspace (a dangling link, a device file), the
//! lock file.

use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::Digest;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, folder or its metadata could not be read.
    #[error("read {}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file could not be created, written, synced or given its mode.
    #[error("write {}", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder could not be created.
    #[error("create the folder {}", path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file or folder could not be put in its place.
    #[error("put {} in place", path.display())]
    Place {
        /// The place.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file or folder could not be removed.
    #[error("remove {}", path.display())]
    Remove {
        /// What was to go.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A lock could not be taken for another reason than that somebody holds it.
    #[error("lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file kept changing while it was read, so that no digest of it would be true.
    #[error("read {}: it keeps changing", path.display())]
    KeepsChanging {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link inside a folder leads nowhere.
    #[error("follow the symbolic link {}: it leads nowhere", path.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// A symbolic link leads back into a folder that holds it.
    #[error("follow the symbolic link {}: it leads in a circle", path.display())]
    LinkCycle {
        /// The link, or a folder reached through it for the second time.
        path: PathBuf,
    },
    /// The path is neither a file nor a folder: a socket, a pipe, a device.
    #[error("read {}: it is a {kind}, neither a file nor a folder", path.display())]
    NotContent {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        kind: &'static str,
    },
    /// Folders are nested deeper than the store follows.
    #[error("read {}: more than {limit} folders deep", path.display())]
    TooDeep {
        /// The folder that was one too many.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// An ignore file holds a pattern that is none.
    #[error("read the ignore file {}: {message}", path.display())]
    IgnoreFile {
        /// The ignore file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The content is not in the cache, or what was there turned out damaged.
    #[error("restore {}: the object {} is not in the cache", path.display(), digest.short())]
    NotInCache {
        /// Where it was to go.
        path: PathBuf,
        /// The missing object.
        digest: Digest,
    },
    /// A file is to go where a folder stands that holds what does not count and so was never stored.
    #[error("put a file at {}: the folder there holds {}, which is ignored and kept nowhere else", path.display(), held.display())]
    InTheWay {
        /// Where the file was to go.
        path: PathBuf,
        /// What would have been lost.
        held: PathBuf,
    },
    /// The path is, holds or lies in something that no stage makes: the project, its cache, its git repository.
    #[error("replace or remove {}: {reason}", path.display())]
    Forbidden {
        /// The path.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// The lock file holds the markers of an unfinished merge.
    #[error("read {}:{line}: it holds merge conflicts", path.display())]
    LockConflict {
        /// The lock file.
        path: PathBuf,
        /// The line of the first marker, from 1.
        line: u64,
    },
    /// A data file is not one of ours.
    #[error("read {}:{line}, which is no data file of hpipe: {message}", path.display())]
    BadDataFile {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// The lock file is not one.
    #[error("read {}:{line}: {message}", path.display())]
    BadLock {
        /// The lock file.
        path: PathBuf,
        /// The line, from 1; 1 when it is not known.
        line: u64,
        /// What is wrong there.
        message: String,
    },
    /// The lock file was written by a newer hpipe.
    #[error("read {}: its schema is `{schema}`, this hpipe knows `{known}`", path.display())]
    NewerLock {
        /// The lock file.
        path: PathBuf,
        /// The schema it declares.
        schema: String,
        /// The schema this version reads and writes.
        known: &'static str,
    },
}

impl Error {
    /// Wraps the failure to read `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Wraps the failure to write `path`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Wraps the failure to create the folder `path`.
    pub(crate) fn create_folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::CreateFolder {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Wraps the failure to put something at `path`.
    pub(crate) fn place(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Place {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Wraps the failure to remove `path`.
    pub(crate) fn remove(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Remove {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Wraps the failure to lock `path`.
    pub(crate) fn lock(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Lock {
            path: path.to_path_buf(),
            source,
        }
    }
}
