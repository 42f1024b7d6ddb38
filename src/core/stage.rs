//! The port through which the engine executes a built-in stage.

use std::path::{Path, PathBuf};

use crate::{Memo, ProjectPath, Value};

/// A built-in stage, named in a pipeline by `uses:`.
///
/// An implementation reads its declared deps, writes its declared outs, takes its seed from its options, and never looks
/// at the clock or the environment: equal deps and options give equal bytes.
pub trait Stage: Send + Sync {
    /// The word after `uses:`.
    fn name(&self) -> &'static str;

    /// Part of the stage key: raised whenever equal inputs would give other bytes than before.
    fn version(&self) -> u32;

    /// One line for `--help` and documentation.
    fn summary(&self) -> &'static str;

    /// The deps and outs it takes, by role.
    fn ports(&self) -> &'static [Port];

    /// Checks the options of `with:` before anything executes.
    ///
    /// # Errors
    /// Every fault, not only the first.
    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>>;

    /// Checks that options and deps go together, `given` being the roles of the deps there are; `with` has passed
    /// [`check`](Self::check). What a stage would refuse anyway is told here before anything executes.
    ///
    /// # Errors
    /// Every fault.
    fn check_deps(&self, with: &Value, given: &[&str]) -> Result<(), Vec<OptionFault>> {
        let _ = (with, given);
        Ok(())
    }

    /// Executes once. `with` has passed [`check`](Self::check) and [`check_deps`](Self::check_deps).
    ///
    /// # Errors
    /// [`StageError`] says what was attempted on which thing. Whatever was written to the outs by then is discarded.
    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError>;
}

/// A dep or out that a built-in stage takes, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The key under `deps:`, `outs:`, `metrics:` or `plots:`.
    pub role: &'static str,
    /// Read or written.
    pub direction: Direction,
    /// How many paths it takes.
    pub arity: Arity,
    /// One lowercase fragment for documentation and errors: `the table to split (parquet)`.
    pub doc: &'static str,
}

/// Whether a port is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A dep.
    Dep,
    /// An out, metric or plot.
    Out,
}

/// How many paths a port takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// None or one.
    Optional,
    /// One or more, in the order they are written.
    Many,
    /// None or more, in the order they are written.
    Any,
}

/// A fault in the options of a `with:` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFault {
    /// Dotted path of the option, empty for the whole section.
    pub path: String,
    /// One lowercase fragment.
    pub message: String,
    /// How to mend it, if known.
    pub help: Option<String>,
}

/// A dep or out of one execution.
#[derive(Debug, Clone)]
pub struct PortPath {
    /// The role it fills.
    pub role: String,
    /// As the pipeline declares it; use it in messages and reports.
    pub declared: ProjectPath,
    /// Where it lies on disk.
    pub path: PathBuf,
}

/// What a built-in stage is given to execute once.
pub struct Execution<'a> {
    /// The options.
    pub with: &'a Value,
    /// What it may read.
    pub deps: &'a [PortPath],
    /// What it must write; the folders they lie in exist.
    pub outs: &'a [PortPath],
    /// Where it says how far it is.
    pub progress: &'a dyn Progress,
    /// Where it keeps its parts for the next execution; none of its results may depend on it.
    pub memo: &'a dyn Memo,
}

impl Execution<'_> {
    /// The dep of a role that takes exactly one.
    pub fn dep(&self, role: &str) -> &PortPath {
        Self::one(self.deps, role)
    }

    /// The dep of an optional role.
    pub fn optional_dep(&self, role: &str) -> Option<&PortPath> {
        self.deps.iter().find(|port| port.role == role)
    }

    /// The deps of a role that takes any number, in the order they are written.
    pub fn deps(&self, role: &str) -> impl Iterator<Item = &PortPath> {
        self.deps.iter().filter(move |port| port.role == role)
    }

    /// The out of a role that takes exactly one.
    pub fn out(&self, role: &str) -> &Path {
        &self.out_port(role).path
    }

    /// As [`out`](Self::out), with the path it was declared as.
    pub fn out_port(&self, role: &str) -> &PortPath {
        Self::one(self.outs, role)
    }

    /// The out of an optional role.
    pub fn optional_out(&self, role: &str) -> Option<&Path> {
        self.outs
            .iter()
            .find(|port| port.role == role)
            .map(|port| &*port.path)
    }

    fn one<'a>(ports: &'a [PortPath], role: &str) -> &'a PortPath {
        match ports.iter().find(|port| port.role == role) {
            Some(port) => port,
            None => panic!("bug: the engine executes a stage without its port `{role}`"),
        }
    }
}

/// How an executing stage says how far it is, and learns that it shall stop.
pub trait Progress: Sync {
    /// `done` of `total` steps are done; `message` says what is going on.
    fn report(&self, done: u64, total: Option<u64>, message: &str);

    /// Adds a line to the log of this execution.
    fn log(&self, line: &str);

    /// Tells the user something odd that does not stop the stage, and adds it to the log.
    fn warn(&self, text: &str);

    /// Whether the execution shall stop soon; a long stage asks from time to time and returns [`StageError::cancelled`].
    fn is_cancelled(&self) -> bool;
}

/// Why a built-in stage failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StageError {
    /// What was attempted on which thing and what went wrong; one lowercase fragment.
    pub message: String,
    /// How to mend it, if known.
    pub help: Option<String>,
    /// The cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StageError {
    /// A failure without a cause of another room.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            source: None,
        }
    }

    /// A failure caused by `source`.
    pub fn caused(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            help: None,
            source: Some(source.into()),
        }
    }

    /// The stage stopped because it was asked to.
    pub fn cancelled() -> Self {
        Self::new("cancelled")
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
