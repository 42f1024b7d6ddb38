//! Exit codes, and how errors reach the user.
//!
//! The only place that knows codes: rooms below say what happened, here it is decided what a shell is told.

use std::path::PathBuf;

use hpipe_core::Code;

use crate::json;
use crate::ui::Ui;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// A stage failed.
    StageFailed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Pipeline, params or settings are wrong.
    Pipeline = 3,
    /// The machine refused: disk, permission, a lock held.
    Machine = 4,
    /// Our own fault.
    Bug = 70,
    /// The user interrupted.
    Interrupted = 130,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The engine could not.
    #[error(transparent)]
    Engine(#[from] hpipe_engine::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] hpipe_store::Error),
    /// A metrics file cannot be read.
    #[error(transparent)]
    Metrics(#[from] hpipe_track::Error),
    /// The words of the command line fit each other but not the project.
    #[error("{message}")]
    Usage {
        /// One lowercase fragment.
        message: String,
        /// How to mend it.
        help: String,
    },
    /// `init` found files it would have to overwrite.
    #[error("{} already exists", path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder cannot be read or made.
    #[error("{attempt} {}", path.display())]
    File {
        /// What was attempted: `read`, `make`.
        attempt: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// stdout cannot be written.
    #[error("write to stdout")]
    Stdout(#[source] std::io::Error),
    /// Signals cannot be received.
    #[error("listen to signals")]
    Signals(#[source] std::io::Error),
}

impl Error {
    /// The diagnostic code that names this error.
    fn code(&self) -> Code {
        match self {
            Self::Engine(hpipe_engine::Error::Busy(_)) => Code::Busy,
            Self::Engine(hpipe_engine::Error::Store(error)) | Self::Store(error) => {
                store_code(error)
            }
            Self::Usage { .. } | Self::AlreadyThere { .. } => Code::Usage,
            Self::Metrics(_) => Code::BadParamFile,
            Self::Engine(_) | Self::File { .. } | Self::Stdout(_) | Self::Signals(_) => {
                Code::Machine
            }
        }
    }

    /// What a shell is told.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Engine(hpipe_engine::Error::Invalid { .. }) | Self::Metrics(_) => Exit::Pipeline,
            _ => match self.code() {
                Code::Usage => Exit::Usage,
                _ => Exit::Machine,
            },
        }
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Usage { help, .. } => Some(help),
            Self::AlreadyThere { .. } => {
                Some("name another folder, or go on with the project that is there")
            }
            Self::Engine(hpipe_engine::Error::Busy(_)) => {
                Some("leave `--no-wait` out to wait for it")
            }
            _ => None,
        }
    }

    /// The error with all its causes: `failed to read x: permission denied`.
    fn sentence(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        let words: Vec<_> = std::iter::once(self.to_string())
            .chain(causes.map(ToString::to_string))
            .collect();
        let attempted = matches!(self.code(), Code::Machine) || matches!(self, Self::Metrics(_));
        format!(
            "{}{}",
            if attempted { "failed to " } else { "" },
            words.join(": ")
        )
    }

    /// Tells the user, or the program that reads JSON.
    pub(crate) fn report(&self, ui: &Ui, as_json: bool) {
        match (self, as_json) {
            (
                Self::Engine(hpipe_engine::Error::Invalid {
                    diagnostics,
                    sources,
                }),
                false,
            ) => {
                ui.diagnostics(diagnostics, sources);
            }
            (
                Self::Engine(hpipe_engine::Error::Invalid {
                    diagnostics,
                    sources,
                }),
                true,
            ) => {
                for diagnostic in diagnostics {
                    ui.data(&json::diagnostic(diagnostic, sources));
                }
            }
            (_, true) => ui.data(&json::error(self.code(), &self.sentence(), self.help())),
            (_, false) => ui.error(&self.sentence(), self.help()),
        }
    }
}

fn store_code(error: &hpipe_store::Error) -> Code {
    use hpipe_store::Error as Store;
    match error {
        Store::NotInCache { .. } => Code::NotInCache,
        _ => Code::Machine,
    }
}
