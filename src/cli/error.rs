//! Exit codes, and how errors reach the user.
//!
//! The only place that knows codes: rooms below say what happened, here it is decided what a shell is told.

use std::borrow::Cow;
use std::path::PathBuf;

use hpipe_core::{Code, Diagnostic, Sources, with_causes};
use hpipe_engine::GitError;

use crate::json;
use crate::ui::Ui;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// A stage failed; or, as the user asked to be told, something changed.
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
    /// The records of runs and models could not.
    #[error(transparent)]
    Records(#[from] hpipe_track::LedgerError),
    /// What a stage wrote to be registered is no registration.
    #[error(transparent)]
    Registration(#[from] hpipe_track::registry::RecordError),
    /// A version does not pass the gates of a stage.
    #[error("{version} does not pass the gates of {stage}: {failed} of {of} say no")]
    GatesNotPassed {
        /// The version.
        version: String,
        /// The stage.
        stage: String,
        /// How many gates say no.
        failed: usize,
        /// How many gates there are.
        of: usize,
    },
    /// The tracking server could not.
    #[error(transparent)]
    Server(#[from] hpipe_server::Error),
    /// Rows of a table cannot be predicted.
    #[error("cannot predict {}: {fault}", path.display())]
    BadRows {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        fault: hpipe_core::PredictionFault,
    },
    /// A table cannot be read or written.
    #[error("work with a table: {message}")]
    Table {
        /// One lowercase fragment that names the file.
        message: String,
    },
    /// The model could not be served.
    #[error(transparent)]
    Serve(hpipe_serve::StartError),
    /// What is recorded could not be sent to another server.
    #[error(transparent)]
    Forward(#[from] hpipe_forward::Error),
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
    /// The cache lacks objects of outs that were to be brought back.
    #[error("bring back {}, not in the cache", crate::ui::count(*missing, "path"))]
    Lost {
        /// How many outs.
        missing: usize,
    },
    /// stdout cannot be written.
    #[error("write to stdout")]
    Stdout(#[source] std::io::Error),
    /// Signals cannot be received.
    #[error("listen to signals")]
    Signals(#[source] std::io::Error),
}

/// What the records refused is told as theirs.
impl From<hpipe_serve::StartError> for Error {
    fn from(error: hpipe_serve::StartError) -> Self {
        match error {
            hpipe_serve::StartError::Records(error) => Self::Records(error),
            other => Self::Serve(other),
        }
    }
}

impl Exit {
    /// Something changed, and the user asked to be told by the exit code.
    pub(crate) const CHANGED: Self = Self::StageFailed;
}

impl Error {
    /// The diagnostic code that names this error.
    fn code(&self) -> Code {
        match self {
            Self::Engine(hpipe_engine::Error::Busy(_)) => Code::Busy,
            Self::Engine(hpipe_engine::Error::Store(error)) | Self::Store(error) => {
                store_code(error)
            }
            Self::Engine(hpipe_engine::Error::Git(error)) => git_code(error),
            Self::Usage { .. } | Self::AlreadyThere { .. } => Code::Usage,
            Self::Metrics(_) => Code::BadParamFile,
            Self::Lost { .. } => Code::NotInCache,
            Self::Records(error) => error.code(),
            Self::Registration(_) => Code::BadRecords,
            Self::GatesNotPassed { .. } => Code::GatesNotPassed,
            Self::BadRows { .. } => Code::BadRows,
            Self::Engine(_)
            | Self::File { .. }
            | Self::Table { .. }
            | Self::Stdout(_)
            | Self::Signals(_)
            | Self::Serve(_)
            | Self::Forward(_)
            | Self::Server(_) => Code::Machine,
        }
    }

    /// Says which database it was that could not be read.
    pub(crate) fn about_records(self, database: &std::path::Path) -> Self {
        match self {
            Self::Records(error) => Self::Records(error.about(database)),
            other => other,
        }
    }

    /// Whether it is that one fault of the project.
    pub(crate) fn is(&self, code: Code) -> bool {
        match self {
            Self::Engine(hpipe_engine::Error::Invalid { diagnostics, .. }) => {
                matches!(diagnostics.as_slice(), [one] if one.code == code)
            }
            other => other.code() == code,
        }
    }

    /// Whether another version of a model, or the first one, may mend it.
    pub(crate) const fn may_be_mended_by_a_version(&self) -> bool {
        matches!(
            self,
            Self::Usage { .. } | Self::Serve(hpipe_serve::StartError::Load { .. })
        )
    }

    /// What a shell is told.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Engine(hpipe_engine::Error::Invalid { diagnostics, .. })
                if diagnostics.iter().all(|fault| fault.code == Code::Usage) =>
            {
                Exit::Usage
            }
            Self::Engine(hpipe_engine::Error::Invalid { .. }) | Self::Metrics(_) => Exit::Pipeline,
            _ => match self.code() {
                Code::Usage => Exit::Usage,
                Code::GatesNotPassed | Code::BadRows => Exit::StageFailed,
                _ => Exit::Machine,
            },
        }
    }

    fn help(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Engine(hpipe_engine::Error::Git(error)) => return git_help(error),
            Self::Usage { help, .. } => Cow::from(help),
            Self::AlreadyThere { .. } => {
                Cow::from("name another folder, or go on with the project that is there")
            }
            Self::Records(hpipe_track::LedgerError::Newer { .. }) => {
                Cow::from("use the hpipe that wrote it, or a newer one")
            }
            Self::Records(hpipe_track::LedgerError::Damaged { .. }) => Cow::from(
                "put a backup in its place, or move it away to begin anew; `sqlite3 FILE .recover` saves what can be read",
            ),
            Self::Records(hpipe_track::LedgerError::DamagedArtifact { digest, .. }) => {
                return Some(Cow::from(object_help(digest)));
            }
            Self::BadRows { fault, .. } if fault.row.is_some() => Cow::from(
                "mend the row, or let `--skip-bad-rows` leave such rows without a prediction",
            ),
            Self::BadRows { fault, .. } if !fault.help.is_empty() => Cow::from(&fault.help),
            Self::GatesNotPassed { .. } => Cow::from(
                "`--force --reason TEXT` promotes it all the same, and the history keeps that",
            ),
            Self::Server(hpipe_server::Error::Listen { .. })
            | Self::Serve(hpipe_serve::StartError::Listen { .. }) => {
                Cow::from("`--port 0` takes any port that is free")
            }
            Self::Forward(hpipe_forward::Error::Unreachable { .. }) => {
                Cow::from("what is recorded stays here; try again when the server answers")
            }
            Self::Engine(hpipe_engine::Error::NoSandbox(_)) => {
                Cow::from("use another machine, or set `sandbox.missing` to `warn` in the settings")
            }
            Self::Engine(hpipe_engine::Error::Busy(_)) => {
                Cow::from("leave `--no-wait` out to wait for it")
            }
            Self::Lost { .. } => Cow::from(
                "`hpipe repro` makes outs again, data must come from a cache that has it; with `--allow-missing`, what is lacking is no error",
            ),
            _ => return None,
        })
    }

    /// The error with all its causes: `failed to read x: permission denied`.
    fn sentence(&self) -> String {
        let attempted = matches!(self.code(), Code::Machine | Code::NotInCache)
            || matches!(self, Self::Metrics(_) | Self::Registration(_))
            || matches!(self, Self::Records(error) if error.refusal().is_none());
        format!(
            "{}{}",
            if attempted { "failed to " } else { "" },
            with_causes(self)
        )
    }

    /// The error as a diagnostic without a place.
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic {
            help: self.help().map(Cow::into_owned),
            ..Diagnostic::error(self.code(), self.sentence())
        }
    }

    /// Tells the user, or the program that reads JSON.
    pub(crate) fn report(&self, ui: &Ui, as_json: bool) {
        match self {
            Self::Engine(hpipe_engine::Error::Invalid {
                diagnostics,
                sources,
            }) => {
                report(ui, as_json, diagnostics, sources);
            }
            Self::Metrics(hpipe_track::Error::Document(fault)) => {
                report(ui, as_json, &fault.diagnostics, &fault.sources);
            }
            _ => report(ui, as_json, &[self.diagnostic()], &Sources::default()),
        }
    }
}

/// A mistake on the command line.
pub(crate) fn report_usage(ui: &Ui, as_json: bool, mistake: Diagnostic) {
    report(ui, as_json, &[mistake], &Sources::default());
}

/// A panic, told like an error.
pub(crate) fn report_bug(ui: &Ui, as_json: bool) {
    let bug = Diagnostic::error(Code::Bug, "this is a bug in hpipe")
        .help("report it together with the lines above");
    report(ui, as_json, &[bug], &Sources::default());
}

fn report(ui: &Ui, as_json: bool, diagnostics: &[Diagnostic], sources: &Sources) {
    if as_json {
        for diagnostic in diagnostics {
            ui.data(&json::diagnostic(diagnostic, sources));
        }
    } else {
        ui.diagnostics(diagnostics, sources);
    }
}

/// What is wrong with the words of the command line, as against what the machine refuses.
const fn git_code(error: &GitError) -> Code {
    match error {
        GitError::NoRepository { .. }
        | GitError::NoCommit(_)
        | GitError::TooFar { .. }
        | GitError::UnknownRevision { .. } => Code::Usage,
        GitError::Missing | GitError::Failed { .. } | GitError::Broken { .. } => Code::Machine,
    }
}

/// How an object of the artifacts comes back.
fn object_help(digest: &hpipe_core::Digest) -> String {
    let hex = digest.hex();
    let (fan, rest) = hex.split_at(2.min(hex.len()));
    format!(
        "put models/artifacts/objects-v1/{fan}/{rest} back from a backup, or register the same bytes again: equal bytes are kept \
         once; `hpipe models verify` lists what is damaged of a version"
    )
}

fn git_help(error: &GitError) -> Option<Cow<'_, str>> {
    Some(match error {
        GitError::Missing => Cow::from("install git; only revisions need it"),
        GitError::NoRepository { .. } => Cow::from(
            "revisions are those of the git repository around the project; `git init` makes one",
        ),
        GitError::NoCommit(_) => {
            Cow::from("`git commit` what there is, then compare with it later")
        }
        GitError::UnknownRevision { nearest, .. } => match nearest {
            Some(name) => Cow::from(format!("did you mean `{name}`?")),
            None => {
                Cow::from("`git log --oneline` lists commits, `git branch` and `git tag` names")
            }
        },
        GitError::TooFar { base, .. } => Cow::from(format!(
            "`git log --oneline {base}` lists the commits there are"
        )),
        GitError::Failed { .. } | GitError::Broken { .. } => return None,
    })
}

fn store_code(error: &hpipe_store::Error) -> Code {
    use hpipe_store::Error as Store;
    match error {
        Store::NotInCache { .. } => Code::NotInCache,
        _ => Code::Machine,
    }
}

#[cfg(test)]
mod tests {
    use hpipe_core::{Digest, StageName};
    use hpipe_store::Error as Store;

    use super::*;

    fn denied() -> std::io::Error {
        std::io::Error::from(std::io::ErrorKind::PermissionDenied)
    }

    /// Every error without a place in a file: what the user reads, and what the shell is told.
    #[test]
    fn each_error_has_its_code_and_exit() {
        let gone = Store::NotInCache {
            path: "x".into(),
            digest: Digest::blake3([7; 32]),
        };
        let full = Store::Write {
            path: ".cache/x".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        let errors = [
            Error::Store(gone),
            Error::Engine(full.into()),
            Error::Engine(hpipe_engine::Error::Busy(StageName::known("train"))),
            Error::Usage {
                message: "no such attempt".into(),
                help: "list them".into(),
            },
            Error::AlreadyThere {
                path: "pipeline.yaml".into(),
            },
            Error::File {
                attempt: "read",
                path: "m.json".into(),
                source: denied(),
            },
            Error::Stdout(denied()),
            Error::Signals(denied()),
        ];
        let told = errors.map(|error| {
            let text = crate::diagnostic::render(&error.diagnostic(), &Sources::default());
            format!(
                "exit {}: {}",
                error.exit() as u8,
                anstream::adapter::strip_str(text.trim_end())
            )
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        exit 4: error[E103]: failed to restore x: the object 07070707 is not in the cache
        exit 4: error[E105]: failed to write .cache/x: no storage space
        exit 4: error[E102]: stage `train` is being executed by another hpipe
        help: leave `--no-wait` out to wait for it
        exit 2: error[E106]: no such attempt
        help: list them
        exit 2: error[E106]: pipeline.yaml already exists
        help: name another folder, or go on with the project that is there
        exit 4: error[E105]: failed to read m.json: permission denied
        exit 4: error[E105]: failed to write to stdout: permission denied
        exit 4: error[E105]: failed to listen to signals: permission denied
        ");
    }

    #[test]
    fn a_bug_is_told_as_one() {
        let (ui, captured) = crate::ui::testing::Captured::ui(crate::ui::Verbosity::Normal);
        report_bug(&ui, true);
        assert!(captured.stdout().contains(r#""code":"E107","kind":"bug""#));
    }
}
