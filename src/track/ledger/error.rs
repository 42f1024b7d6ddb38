//! What can go wrong with the records: what was asked for is wrong, or the machine refused.

use std::path::{Path, PathBuf};

use hpipe_core::{Code, Digest};

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The request cannot be carried out as it is; nothing was changed.
    #[error("{message}")]
    Refused {
        /// What is wrong with it.
        refusal: Refusal,
        /// One sentence, in the words of MLflow where it has some.
        message: String,
    },
    /// The database cannot be opened, read or written.
    #[error("use {}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file is no database, or a damaged one.
    #[error("read {}: it is damaged or no database of hpipe: {message}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says of it.
        message: String,
    },
    /// The database was written by a newer hpipe.
    #[error("read {}: its schema has version {found}, this hpipe knows {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The bytes of an artifact are not there any more, or not what they were.
    #[error("read the artifact `{path}`: its object {digest} is missing or damaged")]
    DamagedArtifact {
        /// The artifact.
        path: String,
        /// What its bytes should be.
        digest: Digest,
    },
    /// What a version was registered with cannot be read.
    #[error("read what {what} was registered with: {reason}")]
    BadRecord {
        /// The version.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Artifacts cannot be read or written.
    #[error(transparent)]
    Files(#[from] hpipe_store::Error),
    /// The database lies where nothing may be written.
    #[error("write to {}: it may only be read", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The database could not be written, so nothing was changed; or the disk refused to make a change safe, which may then stand
    /// all the same.
    #[error("write to {}: {reason}", path.display())]
    Unwritten {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The system has no random numbers for a new id.
    #[error("make a new id: {0}")]
    Random(String),
    /// The thread that writes is gone.
    #[error("write to the database: its writer has ended")]
    Closed,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What it is about does not exist.
    Missing,
    /// What it would make exists already.
    Exists,
    /// Its words are wrong.
    Invalid,
    /// What it is about is not in the state for it.
    State,
    /// Something that guards it says no.
    Conflict,
}

impl LedgerError {
    /// What the request is about does not exist.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::refused(Refusal::Missing, message)
    }

    /// What the request would make exists already.
    pub fn exists(message: impl Into<String>) -> Self {
        Self::refused(Refusal::Exists, message)
    }

    /// The words of the request are wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::refused(Refusal::Invalid, message)
    }

    /// What the request is about is not in the state for it.
    pub fn state(message: impl Into<String>) -> Self {
        Self::refused(Refusal::State, message)
    }

    /// What guards something says no, and would say so again.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::refused(Refusal::Conflict, message)
    }

    fn refused(refusal: Refusal, message: impl Into<String>) -> Self {
        Self::Refused {
            refusal,
            message: message.into(),
        }
    }

    /// What SQLite said about the database at `path`.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match source.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged {
                path: path.to_path_buf(),
                message: source.to_string(),
            },
            _ => Self::Database {
                path: path.to_path_buf(),
                source,
            },
        }
    }
}

/// SQLite's errors find the path of their database where the work was begun ([`Ledger`](crate::Ledger)).
impl From<rusqlite::Error> for LedgerError {
    fn from(source: rusqlite::Error) -> Self {
        Self::of(Path::new(""), source)
    }
}

impl LedgerError {
    /// Fills in which database it was.
    #[must_use]
    pub fn about(self, database: &Path) -> Self {
        match self {
            Self::Database { source, .. } => Self::of(database, source),
            Self::Damaged { message, .. } => Self::Damaged {
                path: database.to_path_buf(),
                message,
            },
            other => other,
        }
    }

    /// Whether the machine lets nobody write there.
    pub fn is_of_read_only(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
        match self {
            Self::ReadOnly { .. } => true,
            Self::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(CannotOpen | PermissionDenied | ReadOnly)
            ),
            _ => false,
        }
    }

    /// The diagnostic code of what the machine refused.
    pub const fn code(&self) -> Code {
        match self {
            Self::Damaged { .. } | Self::Newer { .. } | Self::BadRecord { .. } => Code::BadRecords,
            Self::DamagedArtifact { .. } => Code::DamagedArtifact,
            Self::Refused { .. } => Code::Usage,
            _ => Code::Machine,
        }
    }

    /// What is wrong with the request, if that is what is wrong.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }
}

/// What reading and writing records comes to.
pub type Result<T> = std::result::Result<T, LedgerError>;
