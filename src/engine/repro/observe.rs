//! What the observer of executions is told.

use std::path::Path;
use std::time::Duration;

use hpipe_core::StageFailure;
use hpipe_store::{Attempt, LockEntry};

use super::publish::{entry, machine};
use super::work::Task;
use crate::exec::{Executed, Setting, Stopped};
use crate::lock_entry::lock_entry;
use crate::observer::{Observed, ObservedEnd, Variables};

/// An attempt, as far as it is told of.
pub(super) struct Told {
    attempt: String,
    started: u64,
}

impl Told {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            attempt: attempt.id().to_owned(),
            started: attempt.started(),
        }
    }

    fn observed<'a>(
        &'a self,
        setting: Setting<'a>,
        task: &Task,
        entry: &'a LockEntry,
    ) -> Observed<'a> {
        Observed {
            workspace: setting.workspace,
            stage: setting.workspace.stage(task.stage),
            attempt: &self.attempt,
            started: self.started,
            entry,
        }
    }
}

/// Tells that an execution begins, and says what its commands are to know of that.
pub(super) fn begins(setting: Setting<'_>, task: &Task, attempt: &Attempt) -> Variables {
    let stage = setting.workspace.stage(task.stage);
    let Some(observer) = setting.observer_of(stage) else {
        return Variables::new();
    };
    let entry = lock_entry(&task.known.fingerprint, Vec::new());
    observer.begins(&Told::of(attempt).observed(setting, task, &entry))
}

/// Tells how an execution ended that took `duration`.
pub(super) fn ends(
    setting: Setting<'_>,
    task: &Task,
    told: &Told,
    duration: Duration,
    executed: Result<&Executed, &Stopped>,
) {
    let stage = setting.workspace.stage(task.stage);
    let Some(observer) = setting.observer_of(stage) else {
        return;
    };
    let inputs = &task.known.fingerprint;
    let tell = |entry: &LockEntry, log: Option<&Path>, failure: Option<&StageFailure>| {
        let end = ObservedEnd {
            duration,
            log,
            failure,
        };
        observer.ends(&told.observed(setting, task, entry), &end);
    };
    match executed {
        Ok(executed) => {
            let log = executed.attempt.log().map(|(path, _)| path);
            tell(&entry(stage, inputs, &executed.outs), log, None);
        }
        Err(stopped) => {
            let of_machine;
            let failure = match stopped {
                Stopped::Failed(failure) | Stopped::Unready(failure) => &**failure,
                Stopped::Machine(error) => {
                    of_machine = machine(error);
                    &of_machine
                }
            };
            let entry = lock_entry(inputs, Vec::new());
            tell(&entry, failure.log.as_deref(), Some(failure));
        }
    }
}
