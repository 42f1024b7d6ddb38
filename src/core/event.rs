//! What happens while a pipeline is made up to date.
//!
//! The engine emits these; the terminal, JSON lines and the tracker are [`EventSink`]s. The JSON form is
//! `docs/formats/events.md`.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Code, Digest, ProjectPath, Reason, StageName};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The stages that will be looked at, in the order they would execute with one job.
    Plan {
        /// Names, upstream first.
        stages: Vec<StageName>,
    },
    /// A stage starts to execute.
    StageStarted {
        /// Which stage.
        stage: StageName,
        /// Why it must.
        reasons: Vec<Reason>,
        /// How long it took last time, if known.
        expected: Option<Duration>,
    },
    /// An executing built-in stage says how far it is.
    StageProgress {
        /// Which stage.
        stage: StageName,
        /// Steps done.
        done: u64,
        /// Steps in all, if known.
        total: Option<u64>,
        /// What it is doing.
        message: String,
    },
    /// Something worth telling about a stage, not a fault: an edited out was stored before it was replaced.
    StageNote {
        /// Which stage.
        stage: StageName,
        /// One lowercase fragment.
        text: String,
    },
    /// A stage waits for another hpipe that is executing it, or for a command that a killed one left behind.
    StageWaiting {
        /// Which stage.
        stage: StageName,
    },
    /// A stage came to its end, whichever.
    StageFinished {
        /// Which stage.
        stage: StageName,
        /// Which end.
        outcome: Outcome,
        /// Wall time of the execution or restoring.
        duration: Duration,
        /// Why it was not up to date.
        reasons: Vec<Reason>,
        /// What went wrong, with [`Outcome::Failed`].
        failure: Option<StageFailure>,
    },
    /// Something is odd but does not stop the command: damage in the cache, an empty lock file.
    Warning {
        /// One lowercase fragment.
        text: String,
    },
    /// Everything came to its end.
    Finished(Summary),
    /// `watch` is ready: from now on a change wakes it.
    Watching {
        /// Number of paths watched.
        paths: usize,
    },
    /// `watch` saw changes and starts over.
    Woke {
        /// What changed.
        paths: Vec<ProjectPath>,
    },
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It executed and its outs are recorded.
    Ran,
    /// Its outs were restored from the cache, or its result was found in the run cache.
    Restored,
    /// Nothing had to be done.
    UpToDate,
    /// It executed, or was about to, and failed.
    Failed,
    /// Not looked at because a stage it needs failed.
    Blocked,
    /// Not looked at because it is declared `frozen`.
    Frozen,
    /// With `--dry`: it would execute.
    WouldRun,
    /// With `--dry`: it would be restored.
    WouldRestore,
    /// With `--dry`: a stage it needs would execute, so its inputs are not known yet.
    MayRun,
}

impl Outcome {
    /// The word for this outcome in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Restored => "restored",
            Self::UpToDate => "up_to_date",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Frozen => "frozen",
            Self::WouldRun => "would_run",
            Self::WouldRestore => "would_restore",
            Self::MayRun => "may_run",
        }
    }

    /// The words for this outcome on a terminal.
    pub const fn words(self) -> &'static str {
        match self {
            Self::UpToDate => "up to date",
            Self::WouldRun => "would run",
            Self::WouldRestore => "would restore",
            Self::MayRun => "may run",
            other => other.name(),
        }
    }
}

/// Why a stage failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFailure {
    /// What kind of failure.
    pub code: Code,
    /// One lowercase fragment: `exited with code 2`.
    pub message: String,
    /// How to mend it, if we can tell.
    pub help: Option<String>,
    /// Everything the execution printed, stdout and stderr in the order they came.
    pub output: String,
    /// Where that output is kept: a path that can be opened from the folder the user is in.
    pub log: Option<PathBuf>,
}

/// How many stages ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Executed.
    pub ran: usize,
    /// Restored.
    pub restored: usize,
    /// Were up to date, frozen ones included.
    pub up_to_date: usize,
    /// Failed.
    pub failed: usize,
    /// Not looked at because of a failure upstream.
    pub blocked: usize,
    /// Planned, but not looked at because the command stopped before: a failure without `-k`, an interruption.
    pub not_started: usize,
    /// With `--dry`: would execute, or may.
    pub would_run: usize,
    /// With `--dry`: would be restored.
    pub would_restore: usize,
    /// Wall time of the whole command.
    pub duration: Duration,
}

impl Summary {
    /// Counts one stage.
    pub fn count(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Ran => &mut self.ran,
            Outcome::Restored => &mut self.restored,
            Outcome::UpToDate | Outcome::Frozen => &mut self.up_to_date,
            Outcome::Failed => &mut self.failed,
            Outcome::Blocked => &mut self.blocked,
            Outcome::WouldRun | Outcome::MayRun => &mut self.would_run,
            Outcome::WouldRestore => &mut self.would_restore,
        };
        *counter += 1;
    }

    /// Number of stages counted.
    pub const fn stages(&self) -> usize {
        self.ran
            + self.restored
            + self.up_to_date
            + self.failed
            + self.blocked
            + self.not_started
            + self.would_run
            + self.would_restore
    }
}

/// Somebody who wants to know what happens.
///
/// Called from several threads, so it must order what it shows itself; must return quickly, for the engine waits.
pub trait EventSink: Send + Sync {
    /// Takes notice of `event`.
    fn emit(&self, event: &Event);
}

impl Event {
    /// The note that an out's former content was stored before it was replaced.
    pub fn kept(stage: &StageName, path: &ProjectPath, digest: &Digest) -> Self {
        Self::StageNote {
            stage: stage.clone(),
            text: format!(
                "kept the former {path}; `hpipe cache restore {digest} PATH` brings it back"
            ),
        }
    }
}
