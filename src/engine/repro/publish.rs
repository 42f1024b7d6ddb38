//! Records the results of workers.
//!
//! Bytes come before references: workers have stored the objects, then the run-cache record is written, then the lock
//! file. A crash at any instant leaves garbage at worst, never a reference to nothing.
//!
//! A run-cache record is written as soon as its stage is done, so nothing finished is executed again whatever happens to
//! hpipe. The lock file holds all stages and is synced, so it is written for a group of results, and the less often the
//! longer it takes: at most a twentieth of the time goes there. Until then the locks of the stages are kept.

use std::time::{Duration, Instant};

use hpipe_core::{Code, Event, Outcome, ProjectPath, Reason, StageFailure, with_causes};
use hpipe_spec::StageSpec;
use hpipe_store::{LockEntry, LockFile, OutRecord, Published, StageLock};

use super::Repro;
use super::work::{Done, Worked};
use crate::Error;
use crate::decide::{Known, is_known_by_key};
use crate::exec::{Executed, Stopped};
use crate::fingerprint::Fingerprint;
use crate::gitignore;
use crate::graph::StageIndex;
use crate::lock_entry::{lock_entry, lock_out};
use crate::workspace::Workspace;

/// More locks than this are not kept open for the next group.
const LARGEST_GROUP: usize = 256;

/// How many times longer than a publication the wait for the next one is.
const PATIENCE: u32 = 20;

/// Results that the lock file does not hold yet, and when it shall.
#[derive(Debug)]
pub(super) struct Unpublished {
    entries: Vec<(StageIndex, LockEntry, StageLock)>,
    due: Instant,
}

impl Unpublished {
    /// Nothing; the first result goes out at once.
    pub(super) fn none() -> Self {
        Self {
            entries: Vec::new(),
            due: Instant::now(),
        }
    }

    /// How long the results can still wait for others to go out with; none when there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        let now = Instant::now();
        match self.entries.len() {
            0 => None,
            LARGEST_GROUP.. => Some(Duration::ZERO),
            _ => Some(self.due.saturating_duration_since(now)),
        }
    }
}

impl Repro<'_> {
    /// Takes the results of workers: records them in the run cache, reports them, and keeps them for the lock file.
    pub(super) fn settle(&mut self, batch: Vec<Done>) {
        for mut done in batch {
            if let Ok(Worked::Ran(executed)) = &done.result
                && let Err(error) = self.record_run(&done, executed)
            {
                done.result = Err(Stopped::Machine(error));
            }
            match done.result {
                Ok(worked) => self.succeeded(
                    done.stage,
                    done.known,
                    done.lock,
                    done.reasons,
                    done.duration,
                    worked,
                ),
                Err(stopped) => self.stopped(done.stage, done.reasons, done.duration, stopped),
            }
        }
    }

    /// Writes the lock file if results wait for it, and lets other processes have their stages.
    pub(super) fn publish(&mut self) -> Result<(), Error> {
        if self.unpublished.entries.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let workspace = self.setting.workspace;
        let group = std::mem::take(&mut self.unpublished.entries);
        (self.lock_file, self.lock_stamp) = workspace.update_lock(|lock| {
            let entries = group
                .iter()
                .map(|(stage, entry, _)| (workspace.stage(*stage).name.clone(), entry.clone()));
            lock.stages.extend(entries);
            forget_removed(workspace, lock);
        })?;
        let stages = group.iter().map(|(stage, _, _)| workspace.stage(*stage));
        let cached = stages.flat_map(|stage| stage.outs.iter().filter(|out| out.cache));
        self.ignore(cached.map(|out| &out.path));
        self.unpublished.due = Instant::now() + began.elapsed() * PATIENCE;
        Ok(())
    }

    fn record_run(&self, done: &Done, executed: &Executed) -> Result<(), Error> {
        let stage = self.setting.workspace.stage(done.stage);
        // A record stands for objects; without them it would be a reference to nothing.
        if !is_known_by_key(stage) || !self.options.commit {
            return Ok(());
        }
        let store = self.setting.workspace.store();
        let (outs, seconds) = (executed.outs.clone(), executed.duration.as_secs_f64());
        let record = store.record_of(&executed.attempt, done.known.key, outs, seconds)?;
        let asked_for_new = self.options.force || stage.always_changed;
        if let Published::Differs(first) = store.publish_run(&record, asked_for_new)? {
            let differing = executed.outs.iter().filter(|out| !first.outs.contains(out));
            let paths: Vec<_> = differing.map(|out| out.path.as_str()).collect();
            let text = format!(
                "not reproducible: with equal inputs it made another {} than in attempt {}; the cache keeps the first",
                paths.join(", "),
                first.attempt
            );
            self.setting.sink.emit(&Event::StageNote {
                stage: stage.name.clone(),
                text,
            });
        }
        Ok(())
    }

    fn succeeded(
        &mut self,
        stage: StageIndex,
        known: Known,
        lock: StageLock,
        reasons: Vec<Reason>,
        duration: Duration,
        worked: Worked,
    ) {
        let spec = self.setting.workspace.stage(stage);
        let (outcome, outs) = match worked {
            Worked::Ran(executed) => {
                self.durations
                    .insert(spec.name.clone(), executed.duration.as_secs_f64());
                (Outcome::Ran, executed.outs)
            }
            Worked::Restored(outs) => (Outcome::Restored, outs),
        };
        for out in &outs {
            self.inputs.made(&out.path, Some(out.content));
        }
        self.unpublished
            .entries
            .push((stage, entry(spec, &known.fingerprint, &outs), lock));
        self.finish(stage, outcome, duration, reasons, None);
    }

    fn stopped(
        &mut self,
        stage: StageIndex,
        reasons: Vec<Reason>,
        duration: Duration,
        stopped: Stopped,
    ) {
        for out in &self.setting.workspace.stage(stage).outs {
            self.inputs.forget(&out.path);
        }
        match stopped {
            Stopped::Failed(failure) => self.fail(stage, duration, reasons, *failure),
            Stopped::Machine(error) => {
                self.fail(stage, duration, reasons, machine(&error));
                self.give_up(error);
            }
        }
    }

    /// Takes entries of stages the pipeline no longer has out of the lock file, and writes down which outs are to be
    /// cached from now on.
    pub(super) fn leave(&mut self) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        let removed = self
            .lock_file
            .stages
            .keys()
            .any(|name| workspace.graph().find(name.as_str()).is_none());
        if !removed && self.redeclared.is_empty() {
            return Ok(());
        }
        workspace.update_lock(|lock| {
            forget_removed(workspace, lock);
            for index in &self.redeclared {
                redeclare(workspace.stage(*index), lock);
            }
        })?;
        let stages = self.redeclared.iter().map(|index| workspace.stage(*index));
        let cached = stages.flat_map(|stage| stage.outs.iter().filter(|out| out.cache));
        self.ignore(cached.map(|out| &out.path));
        Ok(())
    }

    /// Keeps cached outs out of git.
    fn ignore<'p>(&self, outs: impl Iterator<Item = &'p ProjectPath>) {
        gitignore::ignore_or_tell(self.setting.workspace, outs, self.setting.sink);
    }
}

/// Notes for each out of `stage` whether it is cached, as the pipeline says.
fn redeclare(stage: &StageSpec, lock: &mut LockFile) {
    let recorded = lock.stages.get_mut(&stage.name);
    for out in recorded.into_iter().flat_map(|entry| &mut entry.outs) {
        if let Some(declared) = stage.outs.iter().find(|declared| declared.path == out.path) {
            out.cached = declared.cache;
        }
    }
}

/// What the lock file says of `stage`, which made `outs`.
fn entry(stage: &StageSpec, inputs: &Fingerprint, outs: &[OutRecord]) -> LockEntry {
    let made = |path: &ProjectPath| {
        outs.iter()
            .find(|out| out.path == *path)
            .map(|out| out.content)
    };
    let outs = stage
        .outs
        .iter()
        .filter_map(|out| Some(lock_out(out, made(&out.path)?)));
    lock_entry(inputs, outs.collect())
}

fn forget_removed(workspace: &Workspace, lock: &mut LockFile) {
    lock.stages
        .retain(|name, _| workspace.graph().find(name.as_str()).is_some());
}

fn machine(error: &Error) -> StageFailure {
    StageFailure {
        code: Code::Machine,
        message: format!("failed to {}", with_causes(error)),
        help: None,
        output: String::new(),
        log: None,
    }
}
