//! Executes one stage, from removing its old outs to knowing the content of its new ones.
//!
//! In two halves, between which an [`executor`] runs the commands: [`prepare`] removes old outs and begins the attempt,
//! [`conclude`] stores what was made and makes sure that it was made from what is known. Neither publishes: whether and
//! when a result is recorded is the scheduler's business ([`crate::repro`]).
//!
//! Nothing is lost: what no record knows is kept before it is removed ([`Keeper`]).

pub(crate) mod builtin;
pub(crate) mod executor;
pub(crate) mod failure;
mod household;
mod job;
mod keep;
mod local;
mod memo;

use std::time::{Duration, Instant};

use hpipe_core::{Event, EventSink, StageFailure, with_causes};
use hpipe_spec::{Out, StageSpec};
use hpipe_store::{Attempt, AttemptEnd, OutRecord, RunRecord, Store};

use crate::Cancellation;
use crate::Error;
use crate::decide::Known;
use crate::inputs::{Gathered, Inputs, is_no_content};
use crate::observer::Observer;
use crate::sandbox::Sandbox;
use crate::witness::Witness;
use crate::workspace::Workspace;

pub use household::adopt_orphans;
pub(crate) use job::{job, program};
pub(crate) use keep::Keeper;
pub(crate) use local::Local;
pub(crate) use memo::MemoUse;

/// What an execution needs besides its stage.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) sink: &'a dyn EventSink,
    pub(crate) cancellation: &'a Cancellation,
    /// That of the stage at work.
    pub(crate) memo: MemoUse,
    /// Whether outs are stored in the cache.
    pub(crate) commit: bool,
    /// Who is told of executions.
    pub(crate) observer: Option<&'a dyn Observer>,
}

impl<'a> Setting<'a> {
    /// Who is told of executions of `stage`.
    pub(crate) fn observer_of(&self, stage: &StageSpec) -> Option<&'a dyn Observer> {
        self.observer.filter(|observer| observer.observes(stage))
    }
}

/// A successful execution.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) outs: Vec<OutRecord>,
    pub(crate) attempt: Attempt,
    pub(crate) duration: Duration,
    /// What the run cache was told.
    pub(crate) record: Option<Box<RunRecord>>,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The stage failed.
    Failed(Box<StageFailure>),
    /// It could not begin: nothing of it executed, and what lies at its outs is not of its making. Trying again would find
    /// the same.
    Unready(Box<StageFailure>),
    /// The machine failed.
    Machine(Error),
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Machine(error.into())
    }
}

impl From<StageFailure> for Stopped {
    fn from(failure: StageFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// An execution under way.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) attempt: Attempt,
    pub(crate) sandbox: Option<Sandbox>,
    witness: Witness,
    pub(crate) began: Instant,
}

impl Prepared {
    /// Whether a dep was written since.
    pub(crate) fn has_written_inputs(&self) -> bool {
        !self.witness.written_since().is_empty()
    }
}

/// Makes room for the outs of `stage` and begins an attempt; `recorded` is what its outs should be now.
pub(crate) fn prepare(
    setting: Setting<'_>,
    stage: &StageSpec,
    recorded: &[OutRecord],
) -> Result<Prepared, Stopped> {
    let store = setting.workspace.store();
    let keeper = Keeper::of(setting, &stage.name, recorded);
    // Most are not there, and then there is nothing to keep or remove.
    let lies_there = |out: &&Out| out.path.on_disk(store.root()).symlink_metadata().is_ok();
    let removed = stage.outs.iter().filter(|out| !out.persist);
    let removed: Vec<_> = removed.filter(lies_there).collect();
    // All are kept before the first goes: one that cannot be kept leaves everything as it is.
    for out in &removed {
        keeper.keep(&out.path)?;
    }
    for out in removed {
        // What does not count as the out's content (ignored files, a repository) was not kept, so it stays.
        store.remove_content(&out.path)?;
    }
    for out in &stage.outs {
        store.create_parent(&out.path)?;
        // What an execution finds and goes on with must not be an object under another name.
        if out.persist {
            store.unshare(&out.path)?;
        }
    }
    Ok(Prepared {
        sandbox: Sandbox::prepare(setting.workspace, stage, recorded)?,
        witness: Witness::look(stage, store),
        attempt: store.begin_attempt(&stage.name)?,
        began: Instant::now(),
    })
}

/// Takes what an execution came to: on success its outs are stored; however it was, the attempt ends.
pub(crate) fn conclude(
    setting: Setting<'_>,
    stage: &StageSpec,
    known: &Known,
    prepared: Prepared,
    ended: Result<(), Stopped>,
) -> Result<Executed, Stopped> {
    let duration = prepared.began.elapsed();
    let mut attempt = prepared.attempt;
    let ended = match prepared.sandbox {
        Some(sandbox) => sandbox.conclude(setting.workspace, stage, ended, &attempt),
        None => ended,
    };
    let result = ended.and_then(|()| accept(setting, stage, known, &prepared.witness));
    let outcome = if result.is_ok() { "ran" } else { "failed" };
    let end = AttemptEnd {
        outcome: outcome.into(),
        key: known.key,
        seconds: duration.as_secs_f64(),
    };
    let noted = setting.workspace.store().finish_attempt(&mut attempt, &end);
    if let Err(error) = noted {
        setting.sink.emit(&Event::StageNote {
            stage: stage.name.clone(),
            text: format!(
                "its end is not in the logs: failed to {}",
                with_causes(&error)
            ),
        });
    }
    match result {
        Ok(outs) => Ok(Executed {
            outs,
            attempt,
            duration,
            record: None,
        }),
        Err(Stopped::Failed(told)) => {
            Err(failure::with_output(*told, &attempt, setting.workspace).into())
        }
        Err(other) => Err(other),
    }
}

/// Looks at what the execution made, stores it, and makes sure that its inputs are still what they were.
fn accept(
    setting: Setting<'_>,
    stage: &StageSpec,
    known: &Known,
    witness: &Witness,
) -> Result<Vec<OutRecord>, Stopped> {
    let store = setting.workspace.store();
    let mut outs = Vec::with_capacity(stage.outs.len());
    let mut missing = Vec::new();
    for out in &stage.outs {
        let content = if out.cache && setting.commit {
            store.commit(&out.path)
        } else {
            store.content(&out.path)
        };
        match content.map_err(unfit_out)? {
            Some(content) => outs.push(OutRecord {
                path: out.path.clone(),
                content,
                cached: out.cache,
            }),
            None => missing.push(out.path.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(failure::missing_outs(&missing).into());
    }
    match Inputs::fresh(setting.workspace).gather(stage)? {
        Gathered::Whole(now) if now.key() == known.key => {}
        Gathered::Whole(now) => return Err(failure::changed_inputs(known, &now).into()),
        Gathered::Missing(paths) => {
            return Err(failure::written_inputs(&paths.iter().collect::<Vec<_>>()).into());
        }
    }
    match witness.written_since().as_slice() {
        [] => {
            outline_deps(setting, known);
            Ok(outs)
        }
        written => Err(failure::written_inputs(written).into()),
    }
}

/// Keeps what folders among the deps held, by name, for whoever asks what has changed.
fn outline_deps(setting: Setting<'_>, known: &Known) {
    if setting.commit {
        for dep in &known.fingerprint.deps {
            // A full disk must not fail the stage: then nobody is told the names.
            let _ = setting
                .workspace
                .store()
                .keep_outline(&dep.path, &dep.content);
        }
    }
}

fn unfit_out(error: hpipe_store::Error) -> Stopped {
    match is_no_content(&error) {
        true => failure::unfit_out(&error).into(), // the stage's fault, not the machine's
        false => error.into(),
    }
}

/// Puts `outs` in place; false when an object is missing or damaged, so that the stage must execute after all.
pub(crate) fn restore(
    setting: Setting<'_>,
    stage: &StageSpec,
    outs: &[OutRecord],
    recorded: &[OutRecord],
) -> Result<bool, Stopped> {
    let store = setting.workspace.store();
    let keeper = Keeper::of(setting, &stage.name, recorded);
    let mut in_place = Vec::new();
    for out in outs {
        let found = store.content(&out.path).map_err(keep::unready)?;
        if found.is_some_and(|found| found.same(&out.content)) {
            in_place.push(out);
            continue;
        }
        if found.is_some() {
            keeper.keep(&out.path)?;
        }
        match store.restore(&out.content, &out.path) {
            Ok(()) => {}
            Err(hpipe_store::Error::NotInCache { .. }) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
    }
    // What was restored has its objects.
    let declared = in_place.into_iter().filter(|out| {
        stage
            .outs
            .iter()
            .any(|spec| spec.path == out.path && spec.cache)
    });
    if setting.commit {
        store_again(store, declared)?;
    }
    Ok(true)
}

/// Stores again those outs, which are right, whose objects are not there.
pub(crate) fn store_again<'a>(
    store: &Store,
    outs: impl Iterator<Item = &'a OutRecord>,
) -> Result<(), hpipe_store::Error> {
    for out in outs.filter(|out| !store.has(&out.content)) {
        store.commit(&out.path)?;
    }
    Ok(())
}
