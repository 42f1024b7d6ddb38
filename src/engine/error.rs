//! What stops the engine, apart from a stage that fails.

use std::path::PathBuf;

use hpipe_core::{Diagnostic, Sources, StageName};

/// Why a command could not be carried out. A failed stage is no such error: it is an event, and part of the summary.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pipeline, its params or the targets have faults.
    #[error("{}", summary(.diagnostics))]
    Invalid {
        /// All of them.
        diagnostics: Vec<Diagnostic>,
        /// What their spans point into.
        sources: Box<Sources>,
    },
    /// The store failed: disk, permission, a lock file that is not ours.
    #[error(transparent)]
    Store(#[from] hpipe_store::Error),
    /// A file of the project cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The current folder is not known.
    #[error("find the project from {}", path.display())]
    Locate {
        /// The folder the search began in.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// git could not tell what a revision holds.
    #[error(transparent)]
    Git(#[from] crate::GitError),
    /// Another hpipe executes the stage, and waiting was not wanted.
    #[error("stage `{0}` is being executed by another hpipe")]
    Busy(StageName),
    /// Commands cannot be confined here, and the settings want them to be.
    #[error("confine commands: {0}")]
    NoSandbox(String),
    /// Changes of files cannot be watched.
    #[error("watch {}", path.display())]
    Watch {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: notify::Error,
    },
    /// The process has no descriptor left to be woken by.
    #[error("open a pipe")]
    Wait(#[source] std::io::Error),
}

impl Error {
    /// Faults whose spans point into `sources`.
    pub(crate) fn invalid(diagnostics: Vec<Diagnostic>, sources: &Sources) -> Self {
        Self::Invalid {
            diagnostics,
            sources: Box::new(sources.clone()),
        }
    }
}

impl From<hpipe_spec::ParamFileError> for Error {
    fn from(error: hpipe_spec::ParamFileError) -> Self {
        Self::Invalid {
            diagnostics: error.diagnostics,
            sources: Box::new(error.sources),
        }
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [one] => one.message.clone(),
        many => format!("{} faults in the pipeline", many.len()),
    }
}
