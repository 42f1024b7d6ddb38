//! Where commands run: the one narrow seam between the engine and whatever executes for it.
//!
//! An executor takes jobs in batches, says of all of them at once how they stand, lets go of some when told, and says how
//! much it takes. It knows nothing of stages, keys or outs: a job is some scripts, where they start, and what they print
//! into. What it cannot find out is [`Status::Unknown`], which is no failure: the job may well be running, and whoever
//! took it for failed would start it twice. `local` is the first implementation.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::cancel::Urgency;
use crate::graph::StageIndex;

/// The executor a stage without `executor:` runs on.
pub(crate) const LOCAL: &str = "local";

/// Every executor there is.
pub(crate) const KNOWN: [&str; 1] = [LOCAL];

/// A job's name: the stage it executes, of which there is one at a time.
pub(crate) type JobId = StageIndex;

/// Scripts to run, one after the other, until one fails.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    /// The words of each.
    pub(crate) scripts: Vec<Vec<OsString>>,
    /// The folder they start in.
    pub(crate) wdir: PathBuf,
    /// Set, or with none removed, in addition to hpipe's own environment.
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// What their environment bears, so that what they leave behind is known.
    pub(crate) mark: String,
    /// What they read: nothing; holds the stage's lock as long as any of them lives.
    pub(crate) stdin: File,
    /// What they print into.
    pub(crate) log: File,
    /// After how long they are ended.
    pub(crate) timeout: Option<Duration>,
}

/// How a job stands, when there is something to tell.
#[derive(Debug)]
pub(crate) enum Status {
    /// It is over, and nothing of it runs any more.
    Ended(End),
    /// Something worth telling, whatever becomes of it.
    Note(String),
    /// Nobody can say at the moment, and why.
    Unknown(String),
}

/// How a job ended.
#[derive(Debug)]
pub(crate) enum End {
    /// All scripts ended well, or one did not.
    Exited(ExitStatus),
    /// It was told to stop.
    Cancelled,
    /// It was told to stop, because its time was over.
    TimedOut(Duration),
    /// It could not be started.
    NotStarted(std::io::Error),
    /// Somebody else took note of its end, so that nobody knows how it was.
    Lost(std::io::Error),
}

/// Something that executes jobs.
pub(crate) trait Executor {
    /// How many jobs it takes at once; none if it sets no limit of its own.
    fn limit(&self) -> Option<usize>;

    /// Takes jobs and begins them. What cannot begin is told by [`poll`](Self::poll).
    fn submit(&mut self, batch: Vec<Job>);

    /// What became known of any job since the last time. Does not wait.
    fn poll(&mut self) -> Vec<(JobId, Status)>;

    /// What becomes readable when `poll` has something to tell.
    fn watched(&self) -> Vec<BorrowedFd<'_>>;

    /// When to poll even if nothing becomes readable.
    fn due(&self) -> Option<Instant>;

    /// Tells a job to stop, if it runs. Whoever does not hear it is killed after a while.
    fn stop(&mut self, job: JobId);

    /// Tells all jobs to stop, and those that are submitted later too.
    fn cancel(&mut self, urgency: Urgency);
}
