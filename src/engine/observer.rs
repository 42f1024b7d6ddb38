//! Who is told of executions, with all that is known of them.
//!
//! Events say what a person wants to see while it happens; an [`Observer`] gets what is needed to write down an execution:
//! its inputs with their digests, what it made, its attempt and its log. What becomes of that is the caller's; the engine
//! knows nothing of experiments. An observer is called by the thread that works on the stage, never by the loop, and may
//! take its time: the stage waits for it, others do not.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hpipe_core::StageFailure;
use hpipe_spec::StageSpec;
use hpipe_store::LockEntry;

use crate::workspace::Workspace;

/// Variables that commands get besides what their stage declares.
pub type Variables = Vec<(String, String)>;

/// Somebody who is told of executions.
pub trait Observer: Send + Sync {
    /// Whether it wants to know of the executions of `stage`.
    fn observes(&self, stage: &StageSpec) -> bool;

    /// An execution begins. What is returned is added to the environment of the stage's commands; it is no input of the
    /// stage key.
    fn begins(&self, execution: &Observed<'_>) -> Variables;

    /// An execution that began came to its end. Its result is in the run cache, if it has one and that can hold it, and not
    /// yet in the lock file.
    fn ends(&self, execution: &Observed<'_>, end: &ObservedEnd<'_>);

    /// Whether all it was told of is written down. As long as it is not, the next `repro` looks at the project anew.
    fn is_settled(&self) -> bool;
}

/// An execution under way.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// The stage.
    pub stage: &'a StageSpec,
    /// The id of the attempt.
    pub attempt: &'a str,
    /// When it began: milliseconds since 1970, UTC.
    pub started: u64,
    /// Stage key and inputs, as the lock file will have them; with what it made once it has made it.
    pub entry: &'a LockEntry,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy)]
pub struct ObservedEnd<'a> {
    /// How long it took.
    pub duration: Duration,
    /// What it printed, if it printed anything.
    pub log: Option<&'a Path>,
    /// Why it failed, if it did.
    pub failure: Option<&'a StageFailure>,
}

/// An observer that options hold.
#[derive(Clone)]
pub struct Observing(Arc<dyn Observer>);

impl Observing {
    /// Tells `observer`.
    pub fn new(observer: Arc<dyn Observer>) -> Self {
        Self(observer)
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.0
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observing")
    }
}
