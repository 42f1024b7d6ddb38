//! Executions that a change overtakes while `watch` works: ended, and begun anew.
//!
//! A stage whose input changes while it executes has no result (`exec::conclude` refuses it), so there is nothing to wait
//! for. Only those end whose key is another by now, or whose deps were written (also with the same bytes: nobody knows what the
//! command read, see `witness`); a param that the stage does not read concerns nobody. What else executes goes on. When the pipeline itself was edited, the stages that it defines otherwise are
//! left to the next round, which reads it, and all others to this one.
//!
//! The loop itself looks whether a changed dep is another; one of many GB keeps it for as long as hashing that takes, and
//! spares the decision that follows the same work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hpipe_core::{Digest, Event, ProjectPath};
use hpipe_spec::StageSpec;

use super::driver::Repro;
use super::work::{Done, Launched, Task};
use crate::alarm::Changed;
use crate::exec::executor::Executor as _;
use crate::graph::StageIndex;
use crate::inputs::{Gathered, Inputs};
use crate::workspace::{Texts, Workspace};

/// How often one stage begins anew in a round. One that changes its own inputs would do so for ever; in the end it is
/// told so, as without `watch`.
const MOST: u32 = 10;

/// Whether a stage at work shall end, because its inputs are others by now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overtaken(Arc<AtomicBool>);

impl Overtaken {
    /// Whether it shall end.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The stages at work, and what a change must tell them.
#[derive(Default)]
pub(super) struct AtWork {
    stages: HashMap<StageIndex, (Digest, Overtaken)>,
    /// How often each began anew.
    anew: HashMap<StageIndex, u32>,
    /// Those, also of the stages that wait, which the pipeline defines otherwise by now.
    redefined: HashSet<StageIndex>,
}

impl AtWork {
    pub(super) fn begin(&mut self, stage: StageIndex, key: Digest) -> Overtaken {
        let overtaken = Overtaken::default();
        self.stages.insert(stage, (key, overtaken.clone()));
        overtaken
    }

    pub(super) fn end(&mut self, stage: StageIndex) {
        self.stages.remove(&stage);
    }
}

impl Repro<'_> {
    /// Ends the executions that a change overtakes.
    pub(super) fn changed(&mut self, changed: &Changed) {
        self.inputs.expire();
        self.recall.expire();
        let now = self.setting.workspace;
        let read = changed.redefines.then(|| now.supposing(Texts::new()));
        // What is wrong with a pipeline that cannot be read, the next round says.
        match read.and_then(Result::ok) {
            Some(read) => {
                self.redefine(&read);
                self.overtake(&read, changed);
            }
            None => self.overtake(now, changed),
        }
    }

    /// Leaves to the next round what the pipeline, as it is `read` now, defines otherwise.
    fn redefine(&mut self, read: &Workspace) {
        let before = self.setting.workspace;
        let stages = read.pipeline().stages.iter();
        let now: HashMap<_, _> = stages.map(|spec| (&spec.name, spec)).collect();
        let is_other = |stage: &StageIndex| {
            let spec = before.stage(*stage);
            let asked = |workspace, spec| Inputs::fresh(workspace).asked(spec);
            now.get(&spec.name)
                .is_none_or(|now| asked(read, now) != asked(before, spec))
        };
        let others = self.schedule.unfinished().filter(is_other);
        self.at_work.redefined.extend(others);
    }

    /// Ends the executions whose keys are others by now, as `workspace` says.
    fn overtake(&mut self, workspace: &Workspace, changed: &Changed) {
        let inputs = Inputs::fresh(workspace);
        for (stage, (key, overtaken)) in &self.at_work.stages {
            let name = &self.setting.workspace.stage(*stage).name;
            let mut specs = workspace.pipeline().stages.iter();
            let Some(spec) = specs.find(|spec| spec.name == *name) else {
                continue;
            };
            let may_go_on = self.at_work.anew.get(stage).copied().unwrap_or(0) == MOST;
            let concerns = changed.redefines || reads(spec, &changed.paths);
            if may_go_on || overtaken.is_set() || !concerns {
                continue;
            }
            let launched = self.launched.get(stage);
            let is_written = || launched.is_some_and(Launched::has_written_inputs);
            // What cannot be read at the moment may be about to come back; at the end of the execution it is read again.
            let is_other = match inputs.gather(spec) {
                Ok(Gathered::Whole(now)) => now.key() != *key || is_written(),
                Ok(Gathered::Missing(_)) | Err(_) => false,
            };
            if is_other {
                overtaken.set();
                self.executor.stop(*stage);
            }
        }
    }

    /// Whether the next round is to begin with a stage, for the pipeline defines it otherwise by now. It counts as not
    /// started, and what needs it too.
    pub(super) fn leaves(&mut self, stage: StageIndex) -> bool {
        let leaves = self.at_work.redefined.contains(&stage);
        if leaves {
            self.awaited.remove(&stage);
            self.retries.kept(stage);
            self.schedule.failed(stage);
        }
        leaves
    }

    /// Takes leave of an execution that was ended for its inputs are others by now; it begins anew, if in this round.
    pub(super) fn begin_anew(&mut self, done: Done) {
        let Task { stage, held, .. } = done.task;
        let spec = self.setting.workspace.stage(stage);
        let ends = self.stopping || self.at_work.redefined.contains(&stage);
        let when = match ends {
            true => "ended",
            false => "begins anew",
        };
        self.setting.sink.emit(&Event::StageNote {
            stage: spec.name.clone(),
            text: format!("what it reads has changed: {when}"),
        });
        self.remove_half_made(spec);
        if ends {
            self.schedule.failed(stage); // counts as not started, and what needs it too
            return;
        }
        *self.at_work.anew.entry(stage).or_default() += 1;
        self.schedule.postpone(stage);
        self.retries.keep(stage, held.stage);
        self.schedule.queue(stage);
    }
}

/// Whether a stage reads what lies at, around or inside one of `paths`.
fn reads(stage: &StageSpec, paths: &[ProjectPath]) -> bool {
    let deps = stage.deps.iter().map(|dep| &dep.path);
    let params = stage.params.iter().map(|param| &param.file);
    let mut read = deps.chain(params);
    read.any(|read| {
        let mut paths = paths.iter();
        paths.any(|path| path.is_within(read) || read.is_within(path))
    })
}
