//! Records the results of workers.
//!
//! In groups: all results that came in while the last group was written go out together. Within a group, bytes come
//! before references: workers have stored the objects, then the run-cache records are written, then the lock file. A
//! crash at any instant leaves garbage at worst, never a reference to nothing.

use std::os::unix::fs::MetadataExt as _;

use hpipe_core::{Code, Event, Outcome, StageFailure};
use hpipe_spec::StageSpec;
use hpipe_store::{
    LockAction, LockDep, LockEntry, LockFile, LockOut, LockParams, OutRecord, Published, StageLock,
};

use super::Repro;
use super::work::{Done, Worked};
use crate::Error;
use crate::decide::Known;
use crate::exec::{Executed, Stopped};
use crate::fingerprint::ActionInput;
use crate::gitignore;
use crate::workspace::Workspace;

impl Repro<'_> {
    /// Records what went well, reports everything, and lets the stages' locks go.
    pub(super) fn publish(&mut self, batch: Vec<Done>) {
        let (mut good, bad): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|done| done.result.is_ok());
        if !good.is_empty()
            && let Err(error) = self.record(&good)
        {
            for done in good.drain(..) {
                self.fail(done.stage, done.duration, done.reasons, machine(&error));
            }
            self.give_up(error);
        }
        // Only now that everything is recorded may other processes look: the locks go with what is done.
        for done in good {
            drop(self.succeeded(done));
        }
        for done in bad {
            drop(self.stopped(done));
        }
    }

    fn record(&mut self, batch: &[Done]) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        for done in batch {
            if let Ok(Worked::Ran(executed)) = &done.result {
                self.record_run(done, executed)?;
            }
        }
        let entries: Vec<_> = batch
            .iter()
            .filter_map(|done| {
                Some((
                    workspace.stage(done.stage),
                    &done.known,
                    outs(done.result.as_ref().ok()?),
                ))
            })
            .map(|(stage, known, outs)| (stage.name.clone(), lock_entry(stage, known, outs)))
            .collect();
        self.lock_file = workspace.update_lock(|lock| {
            lock.stages.extend(entries);
            forget_removed(workspace, lock);
        })?;
        self.lock_stamp = LockStamp::of(workspace);
        let stages = batch.iter().map(|done| workspace.stage(done.stage));
        let cached = stages.flat_map(|stage| stage.outs.iter().filter(|out| out.cache));
        gitignore::ignore(workspace, cached.map(|out| &out.path))
    }

    fn record_run(&self, done: &Done, executed: &Executed) -> Result<(), Error> {
        let stage = self.setting.workspace.stage(done.stage);
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

    fn succeeded(&mut self, done: Done) -> StageLock {
        let Ok(worked) = &done.result else {
            return done.lock;
        };
        for out in outs(worked) {
            self.inputs.made(&out.path, Some(out.content));
        }
        let outcome = match worked {
            Worked::Ran(executed) => {
                let name = self.setting.workspace.stage(done.stage).name.clone();
                self.durations.insert(name, executed.duration.as_secs_f64());
                Outcome::Ran
            }
            Worked::Restored(_) => Outcome::Restored,
        };
        self.finish(done.stage, outcome, done.duration, done.reasons, None);
        done.lock
    }

    fn stopped(&mut self, done: Done) -> StageLock {
        for out in &self.setting.workspace.stage(done.stage).outs {
            self.inputs.forget(&out.path);
        }
        match done.result {
            Err(Stopped::Failed(failure)) => {
                self.fail(done.stage, done.duration, done.reasons, *failure)
            }
            Err(Stopped::Machine(error)) => {
                self.fail(done.stage, done.duration, done.reasons, machine(&error));
                self.give_up(error);
            }
            Ok(_) => {}
        }
        done.lock
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
        gitignore::ignore(workspace, cached.map(|out| &out.path))
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

fn forget_removed(workspace: &Workspace, lock: &mut LockFile) {
    lock.stages
        .retain(|name, _| workspace.graph().find(name.as_str()).is_some());
}

fn outs(worked: &Worked) -> &[OutRecord] {
    match worked {
        Worked::Ran(executed) => &executed.outs,
        Worked::Restored(outs) => outs,
    }
}

fn machine(error: &Error) -> StageFailure {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let words: Vec<_> = std::iter::once(error.to_string())
        .chain(causes.map(ToString::to_string))
        .collect();
    StageFailure {
        code: Code::Machine,
        message: format!("failed to {}", words.join(": ")),
        help: None,
        output: String::new(),
        log: None,
    }
}

/// What the lock file says of a stage whose inputs are `known` and whose outs are `outs`.
fn lock_entry(stage: &StageSpec, known: &Known, outs: &[OutRecord]) -> LockEntry {
    let inputs = &known.fingerprint;
    LockEntry {
        key: known.key,
        action: match &inputs.action {
            ActionInput::Command(scripts) => LockAction::Cmd(scripts.clone()),
            ActionInput::Builtin {
                name,
                version,
                with,
            } => LockAction::Builtin {
                name: name.clone(),
                version: *version,
                with: with.clone(),
            },
        },
        wdir: inputs.wdir.clone(),
        env: inputs.env.clone(),
        deps: inputs
            .deps
            .iter()
            .map(|dep| LockDep {
                path: dep.path.clone(),
                role: dep.role.clone(),
                content: dep.content,
            })
            .collect(),
        params: inputs
            .params
            .iter()
            .map(|param| LockParams {
                file: param.file.clone(),
                values: param.values.clone(),
            })
            .collect(),
        outs: stage
            .outs
            .iter()
            .filter_map(|out| {
                let content = outs.iter().find(|made| made.path == out.path)?.content;
                Some(LockOut {
                    path: out.path.clone(),
                    role: out.role.as_ref().map(|role| role.name.clone()),
                    kind: out.kind.section().to_owned(),
                    cached: out.cache,
                    persist: out.persist,
                    content,
                })
            })
            .collect(),
    }
}

/// Tells whether the lock file is still the one we read or wrote: another process may have replaced it.
///
/// The file is only ever replaced as a whole, so a new inode number is the surest sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockStamp(Option<(u64, i64, i64, u64)>);

impl LockStamp {
    /// The lock file as it is now.
    pub(super) fn of(workspace: &Workspace) -> Self {
        let path = workspace.lock_file().on_disk(&workspace.location().root);
        let metadata = std::fs::metadata(path).ok();
        Self(metadata.map(|found| (found.ino(), found.mtime(), found.mtime_nsec(), found.size())))
    }

    /// Whether nobody replaced it since.
    pub(super) fn is_current(self, workspace: &Workspace) -> bool {
        self == Self::of(workspace)
    }
}
