//! Stages that failed and are tried again, after a time (`retry:`).
//!
//! Each try is an attempt of its own, with its own log, decided about anew: its old outs are removed, and inputs that
//! changed meanwhile count. While it waits a stage takes nothing of the machine and holds no mutex, but keeps its lock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hpipe_core::{Code, Event, Reason, StageFailure};
use hpipe_spec::StageSpec;
use hpipe_store::StageLock;

use super::driver::Repro;
use super::work::Done;
use crate::exec::Stopped;
use crate::graph::StageIndex;

/// What is to be tried again, and how often that was done.
#[derive(Default)]
pub(super) struct Retries {
    waiting: Vec<Waiting>,
    failed: HashMap<StageIndex, u32>,
    /// The locks of stages whose time has come.
    kept: HashMap<StageIndex, StageLock>,
}

struct Waiting {
    due: Instant,
    stage: StageIndex,
    lock: StageLock,
    reasons: Vec<Reason>,
    duration: Duration,
    failure: Box<StageFailure>,
}

impl Retries {
    /// Whether nothing waits to be tried again.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next is to be tried again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// The number of the attempt that `stage` makes next, from 1.
    pub(super) fn attempt(&self, stage: StageIndex) -> u32 {
        self.failed.get(&stage).map_or(1, |failed| failed + 1)
    }

    /// Keeps the lock of a stage that is queued again.
    pub(super) fn keep(&mut self, stage: StageIndex, lock: StageLock) {
        self.kept.insert(stage, lock);
    }

    /// The lock that `stage` kept since its last attempt, if this is not the first.
    pub(super) fn kept(&mut self, stage: StageIndex) -> Option<StageLock> {
        self.kept.remove(&stage)
    }
}

impl Repro<'_> {
    /// After which time the stage is to be tried again; none if it is not.
    pub(super) fn delay_of(&self, done: &Done) -> Option<Duration> {
        let Err(Stopped::Failed(failure)) = &done.result else {
            return None;
        };
        let may_help = matches!(failure.code, Code::StageFailed | Code::MissingOut);
        if self.stopping || !may_help {
            return None;
        }
        let stage = self.setting.workspace.stage(done.task.stage);
        stage.execution().retry.delay_before(done.task.attempt + 1)
    }

    /// Puts a failed stage aside to be tried again, and says so.
    pub(super) fn try_again(&mut self, done: Done, delay: Duration) {
        let Err(Stopped::Failed(failure)) = done.result else {
            return; // only what failed is
        };
        let (task, duration) = (done.task, done.duration);
        let spec = self.setting.workspace.stage(task.stage);
        self.setting.sink.emit(&Event::StageNote {
            stage: spec.name.clone(),
            text: note(&failure, task.attempt, spec.execution().retry.times, delay),
        });
        self.remove_half_made(spec);
        self.schedule.postpone(task.stage);
        self.retries.failed.insert(task.stage, task.attempt);
        let now = Instant::now();
        self.retries.waiting.push(Waiting {
            due: now.checked_add(delay).unwrap_or(now),
            stage: task.stage,
            lock: task.held.stage,
            reasons: task.reasons,
            duration,
            failure,
        });
    }

    /// Removes what an execution without result left at its outs.
    pub(super) fn remove_half_made(&self, stage: &StageSpec) {
        for out in &stage.outs {
            self.inputs.forget(&out.path);
            if !out.persist {
                // Half-made, and nobody's work. What cannot be removed is met again by the next attempt.
                let _ = self.setting.workspace.store().remove_content(&out.path);
            }
        }
    }

    /// Queues the stages whose time has come; when nothing starts any more, they have failed for good.
    pub(super) fn look_at_retries(&mut self) {
        let (now, stopping) = (Instant::now(), self.stopping);
        let is_due = |waiting: &mut Waiting| stopping || waiting.due <= now;
        let due: Vec<_> = self.retries.waiting.extract_if(.., is_due).collect();
        for Waiting {
            stage,
            lock,
            reasons,
            duration,
            failure,
            ..
        } in due
        {
            if stopping {
                self.fail(stage, duration, reasons, *failure);
            } else {
                self.retries.kept.insert(stage, lock);
                self.schedule.queue(stage);
            }
        }
    }
}

fn note(failure: &StageFailure, attempt: u32, times: u32, delay: Duration) -> String {
    let attempts = times.saturating_add(1);
    let log = failure.log.as_ref();
    let log = log.map_or(String::new(), |log| format!(" (log: {})", log.display()));
    let when = match delay.is_zero() {
        true => "at once".to_owned(),
        false => format!("in {delay:?}"),
    };
    let message = &failure.message;
    format!("attempt {attempt} of {attempts} failed: {message}{log}; trying again {when}")
}
