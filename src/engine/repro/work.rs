//! What a worker does with one stage: restores it, or executes it when that is not possible.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use hpipe_core::{Event, Reason};
use hpipe_store::{OutRecord, StageLock};

use crate::decide::Known;
use crate::exec::{self, Executed, Setting, Stopped};
use crate::graph::StageIndex;

/// A stage to work on.
pub(super) struct Task {
    pub(super) stage: StageIndex,
    pub(super) lock: StageLock,
    pub(super) known: Known,
    pub(super) reasons: Vec<Reason>,
    /// The outs to put in place; none to execute.
    pub(super) restore: Option<Vec<OutRecord>>,
    /// What its outs should be now, as the lock file says.
    pub(super) recorded: Vec<OutRecord>,
    /// How long it took last time.
    pub(super) expected: Option<Duration>,
}

/// A stage that was worked on. Its lock is held until the result is published.
pub(super) struct Done {
    pub(super) stage: StageIndex,
    pub(super) lock: StageLock,
    pub(super) known: Known,
    pub(super) reasons: Vec<Reason>,
    pub(super) duration: Duration,
    pub(super) result: Result<Worked, Stopped>,
}

/// How the outs came to be.
pub(super) enum Worked {
    Ran(Executed),
    Restored(Vec<OutRecord>),
}

/// Works on `task`.
pub(super) fn work(setting: Setting<'_>, task: Task) -> Done {
    let began = Instant::now();
    // A panic must not keep the loop waiting for this stage for ever.
    let result = catch_unwind(AssertUnwindSafe(|| attempt(setting, &task)))
        .unwrap_or_else(|panic| Err(exec::panicked(&*panic).into()));
    let Task {
        stage,
        lock,
        known,
        reasons,
        ..
    } = task;
    Done {
        stage,
        lock,
        known,
        reasons,
        duration: began.elapsed(),
        result,
    }
}

fn attempt(setting: Setting<'_>, task: &Task) -> Result<Worked, Stopped> {
    let stage = setting.workspace.stage(task.stage);
    if let Some(outs) = &task.restore
        && exec::restore(setting, stage, outs, &task.recorded)?
    {
        return Ok(Worked::Restored(outs.clone()));
    }
    setting.sink.emit(&Event::StageStarted {
        stage: stage.name.clone(),
        reasons: task.reasons.clone(),
        expected: task.expected,
    });
    Ok(Worked::Ran(exec::execute(
        setting,
        stage,
        &task.known,
        &task.recorded,
        &task.lock,
    )?))
}
