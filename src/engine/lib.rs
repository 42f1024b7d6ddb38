//! Brings the outs of a pipeline up to date.
//!
//! The walk of `hpipe repro`: [`Workspace::open`] reads the pipeline, [`graph`](Graph) joins outs to deps, `plan` keeps
//! what the targets need, `inputs` gathers what each stage depends on into its `fingerprint`, `decide` answers up to
//! date, restore or run, `schedule` says which is next, `exec` does it, and [`repro`](repro()) publishes the results.
//! [`survey`](survey()) is the same walk stopped after `decide`; [`watch`](watch()) walks again after each change.
//! [`Snapshot`] is the project at another time, a git revision, for whatever compares.
//!
//! Deliberately knows neither terminal nor experiments nor any built-in stage: it emits [`hpipe_core::Event`]s and drives
//! the [`hpipe_core::Stage`] port.

mod alarm;
mod budget;
mod cancel;
mod check;
mod checkout;
mod code_version;
mod commit;
mod data;
mod decide;
mod discover;
mod elsewhere;
mod error;
mod exec;
mod fingerprint;
mod folder_changes;
mod gc;
mod git;
mod gitignore;
mod graph;
mod handing;
mod inputs;
mod joined;
mod location;
mod lock_entry;
mod lock_faults;
mod lock_files;
mod naming;
mod observer;
mod path_range;
mod plan;
mod reasons;
mod replica;
mod repro;
mod resolve;
mod revision;
mod sandbox;
mod schedule;
mod seal;
mod setup;
mod stage_locks;
mod survey;
mod targets;
#[cfg(test)]
mod test_support;
mod verify;
mod watch;
mod witness;
mod workspace;

pub use budget::{Part, check_executor, cores};
pub use cancel::{Cancellation, Urgency};
pub use checkout::{CheckedOut, checkout};
pub use code_version::CodeVersion;
pub use commit::{Committed, commit};
pub use data::{DataState, Tracked, add, checkout_data};
pub use elsewhere::{CommittedFiles, clone_at};
pub use error::Error;
pub use exec::adopt_orphans;
pub use gc::{GcScope, gc};
pub use git::GitError;
pub use gitignore::keep_out_of_git;
pub use graph::{Graph, StageIndex};
pub use handing::{Handing, Recipient};
pub use joined::PipelineFile;
pub use location::Location;
pub use observer::{Observed, ObservedEnd, Observer, Observing, Variables};
pub use plan::{Plan, Selection, Untargeted};
pub use replica::{Known, Replica, Trial, TrialEnd, TrialFailure, parts};
pub use repro::{Confirm, ReproOptions, repro};
pub use revision::{Found, Snapshot, WORKSPACE};
pub use sandbox::{Confined, Confinement, ConfinementError, EXEC_STAGE, Sandboxing, Support};
pub use seal::Opening;
pub use setup::{Setup, Share};
pub use survey::{InputFaults, Surveyed, SurveyedDep, survey};
pub use verify::verify;
pub use watch::watch;
pub use workspace::{Environment, Texts, Workspace};
