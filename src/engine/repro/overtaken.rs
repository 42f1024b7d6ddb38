//! Executions that a change overtakes while `watch` works: ended, and begun anew.
//!
//! A stage whose input changes while it executes has no result (`exec::conclude` refuses it), so there is nothing to wait
//! for. Only those end whose key is another by now: a file that was merely touched, a param that the stage does not read,
//! concerns nobody. What else executes goes on. When the pipeline itself asks for other work (its file or its vars
//! changed), that is for the next round: in this one nothing more is started.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hpipe_core::{Digest, Event, ProjectPath};
use hpipe_spec::StageSpec;

use super::driver::Repro;
use super::work::{Done, Task};
use crate::Error;
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
    /// The pipeline is another by now, so what was overtaken is for the next round.
    is_redefined: bool,
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
    pub(super) fn changed(&mut self, changed: &Changed) -> Result<(), Error> {
        let now = self.setting.workspace;
        if !changed.redefines {
            return self.overtake(now, changed);
        }
        match now.supposing(Texts::new()) {
            Ok(read) => {
                if does_other_work(&read, now) {
                    self.at_work.is_redefined = true;
                    self.stopping = true;
                }
                self.overtake(&read, changed)
            }
            // The next round says what is wrong with it.
            Err(_) => Ok(()),
        }
    }

    /// Ends the executions whose keys are others by now, as `workspace` says.
    fn overtake(&mut self, workspace: &Workspace, changed: &Changed) -> Result<(), Error> {
        self.inputs.expire();
        self.recall.expire();
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
            // What cannot be read at the moment may be about to come back.
            let now = match inputs.gather(spec) {
                Ok(Gathered::Whole(fingerprint)) => fingerprint.key(),
                Ok(Gathered::Missing(_)) | Err(Error::Invalid { .. }) => continue,
                Err(error) => return Err(error),
            };
            if now != *key {
                overtaken.set();
                self.executor.stop(*stage);
            }
        }
        Ok(())
    }

    /// Takes leave of an execution that was ended for its inputs are others by now; it begins anew, if not in this round.
    pub(super) fn begin_anew(&mut self, done: Done) {
        let Task { stage, held, .. } = done.task;
        let spec = self.setting.workspace.stage(stage);
        let when = match self.at_work.is_redefined {
            true => "ended",
            false => "begins anew",
        };
        self.setting.sink.emit(&Event::StageNote {
            stage: spec.name.clone(),
            text: format!("what it reads has changed: {when}"),
        });
        self.remove_half_made(spec);
        if self.at_work.is_redefined {
            self.schedule.failed(stage); // counts as not started, and what needs it too
            return;
        }
        *self.at_work.anew.entry(stage).or_default() += 1;
        self.schedule.postpone(stage);
        self.retries.keep(stage, held.stage);
        self.schedule.queue(stage);
    }
}

/// Whether the pipeline asks for other work than it did; where that is written does not matter to know, but is no harm.
fn does_other_work(now: &Workspace, before: &Workspace) -> bool {
    now.pipeline().stages != before.pipeline().stages
        || now.pipeline().pools != before.pipeline().pools
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
