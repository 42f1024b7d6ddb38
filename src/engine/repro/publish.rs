//! Records the results of workers.
//!
//! Bytes come before references: the objects are stored, then the run-cache record is written (`work`), then the lock
//! file. A crash at any instant leaves garbage at worst, never a reference to nothing.
//!
//! A run-cache record is written as soon as its stage is done, so nothing finished is executed again whatever happens to
//! hpipe. The lock file holds all stages and is synced, so it is written for a group of results, and the less often the
//! longer it takes: at most a fiftieth of the time goes there. Until then the locks of the stages are kept, so that others
//! find them up to date; of very many only the latest, and others find the rest in the run cache.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hpipe_core::{Code, Outcome, ProjectPath, Reason, StageFailure, StageName, with_causes};
use hpipe_spec::StageSpec;
use hpipe_store::{LockEntry, LockFile, OutRecord, RunRecord, StageLock};

use super::driver::Repro;
use super::work::{Done, Task, Worked};
use crate::Error;
use crate::decide::is_known_by_key;
use crate::exec::Stopped;
use crate::fingerprint::Fingerprint;
use crate::gitignore;
use crate::graph::StageIndex;
use crate::lock_entry::{lock_entry, lock_out};

/// More locks than this are not kept open for the next group: every command that is started inherits the table of open
/// files, and closes them.
const MOST_LOCKS: usize = 32;

/// How many times longer than a publication the wait for the next one is.
const PATIENCE: u32 = 50;

/// Results that the lock file does not hold yet, and when it shall.
#[derive(Debug)]
pub(super) struct Unpublished {
    entries: Vec<(StageIndex, Arc<LockEntry>)>,
    /// What the run cache was told of them. Until the lock file names their keys, nothing else says that they are needed.
    records: Vec<RunRecord>,
    /// Locks of these stages, the oldest first.
    locks: VecDeque<StageLock>,
    /// Locks of these stages whose results nobody would find in the run cache.
    vital_locks: Vec<StageLock>,
    due: Instant,
}

impl Unpublished {
    /// Nothing; the first result goes out at once.
    pub(super) fn none() -> Self {
        Self {
            entries: Vec::new(),
            records: Vec::new(),
            locks: VecDeque::new(),
            vital_locks: Vec::new(),
            due: Instant::now(),
        }
    }

    /// When the results are to go out at the latest; none when there are none.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.entries.is_empty()).then_some(self.due)
    }

    /// How long the results can still wait for others to go out with; none when there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        let now = Instant::now();
        match (self.entries.len(), self.vital_locks.len()) {
            (0, _) => None,
            (_, MOST_LOCKS..) => Some(Duration::ZERO),
            _ => Some(self.due.saturating_duration_since(now)),
        }
    }

    /// Adds a result; `known_by_key` says whether the run cache has it too. Then its lock need not be kept to the end: who
    /// takes it finds the result there, and does not execute.
    fn add(&mut self, stage: StageIndex, entry: LockEntry, lock: StageLock, known_by_key: bool) {
        self.entries.push((stage, entry.into()));
        if !known_by_key {
            self.vital_locks.push(lock);
            return;
        }
        self.locks.push_back(lock);
        if self.locks.len() > MOST_LOCKS {
            self.locks.pop_front();
        }
    }
}

impl Repro<'_> {
    /// Takes what came of working on a stage: reports it, and keeps a result for the lock file.
    pub(super) fn settle(&mut self, done: Done) {
        let Done {
            task,
            duration,
            result,
            trouble,
        } = done;
        if let Some(error) = trouble {
            self.give_up(error);
        }
        match result {
            Ok(worked) => self.succeeded(task, duration, worked),
            Err(stopped) => self.stopped(task.stage, task.reasons, duration, stopped),
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
        let records = std::mem::take(&mut self.unpublished.records);
        // Until the end of this function nobody else gets a stage that is published now.
        let _locks = std::mem::take(&mut self.unpublished.locks);
        let _vital = std::mem::take(&mut self.unpublished.vital_locks);
        (self.lock_file, self.lock_stamp) = workspace.update_lock(|lock| {
            let entries = group
                .iter()
                .map(|(stage, entry)| (workspace.stage(*stage).name.clone(), entry.clone()));
            lock.stages.extend(entries);
        })?;
        workspace.store().keep_runs(&records)?;
        self.unpublished.due = Instant::now() + began.elapsed() * PATIENCE;
        Ok(())
    }

    fn succeeded(&mut self, task: Task, duration: Duration, worked: Worked) {
        let stage = task.stage;
        let spec = self.setting.workspace.stage(stage);
        let mut record = None;
        let (outcome, outs) = match worked {
            Worked::Ran(executed) => {
                self.durations
                    .insert(spec.name.clone(), executed.duration.as_secs_f64());
                record = executed.record;
                (Outcome::Ran, executed.outs)
            }
            Worked::Restored(outs) => (Outcome::Restored, outs),
        };
        self.keep_out_again(spec);
        for out in &outs {
            self.inputs.made(&out.path, Some(out.content));
        }
        let entry = entry(spec, &task.known.fingerprint, &outs);
        // Outs that were merely gone are what the lock file says already.
        if self.lock_file.entry(&spec.name) != Some(&entry) {
            let lock = task.held.stage;
            let is_known = is_known_by_key(spec) && self.options.commit && !self.stopping;
            self.unpublished.add(stage, entry, lock, is_known);
            self.unpublished
                .records
                .extend(record.map(|record| *record));
        }
        self.finish(stage, outcome, duration, task.reasons, None);
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
            Stopped::Failed(failure) | Stopped::Unready(failure) => {
                self.fail(stage, duration, reasons, *failure);
            }
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
        let removed = self.removed();
        if removed.is_empty() && self.redeclared.is_empty() {
            return Ok(());
        }
        workspace.update_lock(|lock| {
            let is_removed =
                |name: &StageName, entry: &Arc<LockEntry>| removed.get(name) == Some(entry);
            lock.stages.retain(|name, entry| !is_removed(name, entry));
            for index in &self.redeclared {
                redeclare(workspace.stage(*index), lock);
            }
        })?;
        let stages = self.redeclared.iter().map(|index| workspace.stage(*index));
        gitignore::ignore_or_tell(workspace, cached_outs(stages), self.setting.sink);
        Ok(())
    }

    /// Remembers a stage whose outs somebody wants.
    pub(super) fn note_for_recipient(&mut self, index: StageIndex) {
        let stage = self.setting.workspace.stage(index);
        let handing = self.options.handing.as_ref();
        if handing.is_some_and(|handing| handing.recipient().wants(stage)) {
            self.to_hand_on.push(index);
        }
    }

    /// Hands on what stages made; nothing is sealed that has not arrived.
    pub(super) fn hand_on(&mut self) {
        let workspace = self.setting.workspace;
        let (Some(handing), None) = (&self.options.handing, &self.error) else {
            return;
        };
        let stages: Vec<_> = self
            .to_hand_on
            .iter()
            .map(|stage| workspace.stage(*stage))
            .collect();
        if !stages.is_empty() && !handing.recipient().take(workspace, &stages) {
            self.recall.leave_no_seal();
        }
    }

    /// The entries of stages that no pipeline has. The pipeline is read again: another process may have recorded a stage
    /// that was added to it since we began.
    fn removed(&self) -> BTreeMap<StageName, Arc<LockEntry>> {
        let workspace = self.setting.workspace;
        let is_unknown = |name: &StageName| workspace.graph().find(name.as_str()).is_none();
        let stages = self.lock_file.stages.iter();
        let unknown: Vec<_> = stages.filter(|(name, _)| is_unknown(name)).collect();
        if unknown.is_empty() {
            return BTreeMap::new();
        }
        // One that is faulty by now says nothing of what it will have when it is mended.
        let Ok(now) = workspace.reopen() else {
            return BTreeMap::new();
        };
        let removed = unknown
            .into_iter()
            .filter(|(name, _)| now.graph().find(name.as_str()).is_none());
        removed
            .map(|(name, entry)| (name.clone(), entry.clone()))
            .collect()
    }

    /// Keeps the cached outs of all stages that may still work out of git, before the first of them does.
    pub(super) fn keep_out_of_git(&mut self) {
        if self.ignoring.is_none() {
            let workspace = self.setting.workspace;
            let stages = self
                .schedule
                .unfinished()
                .map(|stage| workspace.stage(stage));
            let files =
                gitignore::ignore_or_tell(workspace, cached_outs(stages), self.setting.sink);
            self.ignoring = Some(files.into_iter().collect());
        }
    }

    /// A stage may have made the folder of its outs anew, and so removed the `.gitignore` there.
    fn keep_out_again(&self, stage: &StageSpec) {
        let workspace = self.setting.workspace;
        let Some(files) = self.ignoring.as_ref().filter(|files| !files.is_empty()) else {
            return;
        };
        let is_gone = |out: &&ProjectPath| {
            let file = out.parent().map(|folder| folder.join(".gitignore"));
            let file = file.filter(|file| files.contains(file));
            file.is_some_and(|file| !file.on_disk(&workspace.location().root).exists())
        };
        let outs = cached_outs(std::iter::once(stage)).filter(is_gone);
        gitignore::ignore_or_tell(workspace, outs, self.setting.sink);
    }
}

/// The outs of stages that git shall not keep.
fn cached_outs<'a>(
    stages: impl Iterator<Item = &'a StageSpec>,
) -> impl Iterator<Item = &'a ProjectPath> {
    let outs = stages.flat_map(|stage| &stage.outs);
    outs.filter(|out| out.cache).map(|out| &out.path)
}

/// Notes for each out of `stage` whether it is cached, as the pipeline says.
fn redeclare(stage: &StageSpec, lock: &mut LockFile) {
    let recorded = lock.stages.get_mut(&stage.name);
    for out in recorded
        .into_iter()
        .flat_map(|entry| &mut Arc::make_mut(entry).outs)
    {
        if let Some(declared) = stage.outs.iter().find(|declared| declared.path == out.path) {
            out.cached = declared.cache;
        }
    }
}

/// What the lock file says of `stage`, which made `outs`.
pub(super) fn entry(stage: &StageSpec, inputs: &Fingerprint, outs: &[OutRecord]) -> LockEntry {
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

/// What the machine refused, as the failure of the stage it refused it.
pub(super) fn machine(error: &Error) -> StageFailure {
    StageFailure {
        code: Code::Machine,
        message: format!("failed to {}", with_causes(error)),
        help: None,
        output: String::new(),
        log: None,
    }
}
