//! What a `repro` need not decide about, for a seal says it is up to date; and the seal it leaves behind.
//!
//! What the seal rests on was checked before the pipeline was read (`seal`). It is believed until time has passed: until
//! something that worked came to its end, or another process published. A stage that must work takes everything that needs
//! it with it.

use hpipe_store::LockFile;

use super::ReproOptions;
use super::driver::Repro;
use crate::data::lacks_data;
use crate::graph::StageIndex;
use crate::plan::Plan;
use crate::seal::{Sealed, Sealing, is_sealable};
use crate::workspace::Workspace;

/// What is known from a seal, and what it takes to write one.
pub(super) struct Recall<'a> {
    plan: &'a Plan,
    sealed: Option<Sealed<'a>>,
    /// The lock file that `sealed` speaks of.
    recorded: LockFile,
    has_expired: bool,
    /// Whether a seal is to be left: by commands that ask for one. A round of `watch` may look at a part of the stages alone.
    is_to_seal: bool,
}

impl<'a> Recall<'a> {
    /// Before anything of `plan` is looked at.
    pub(super) fn new(workspace: &'a Workspace, options: &ReproOptions, plan: &'a Plan) -> Self {
        let is_sealable = is_sealable(options, workspace.setup());
        let opened = workspace.seal().filter(|_| is_sealable);
        Self {
            plan,
            sealed: opened
                .and_then(Option::as_ref)
                .map(|seal| Sealed::of(workspace, seal)),
            recorded: LockFile::default(),
            has_expired: false,
            is_to_seal: opened.is_some(),
        }
    }

    /// The stages that are to be decided about whatever becomes of the others.
    pub(super) fn open(&self) -> Vec<StageIndex> {
        let is_open = |stage: &&StageIndex| !self.is_up_to_date(**stage);
        self.plan.order.iter().filter(is_open).copied().collect()
    }

    /// Nothing is to be sealed.
    pub(super) fn leave_no_seal(&mut self) {
        self.is_to_seal = false;
    }

    /// Begins, now that everything is read: `lock` is what the lock files say. What was changed since the seal was checked
    /// may have been read, so its premises must hold still.
    pub(super) fn begin_with(&mut self, workspace: &Workspace, lock: &LockFile) {
        self.sealed.take_if(|sealed| !sealed.still_holds(workspace));
        if self.sealed.is_some() {
            self.recorded = lock.clone();
        }
    }

    /// Whether nobody needs to look at a stage, provided that none of those it needs did any work.
    pub(super) fn is_up_to_date(&self, stage: StageIndex) -> bool {
        let sealed = self.sealed.as_ref().filter(|_| !self.has_expired);
        sealed.is_some_and(|sealed| sealed.has(stage))
    }

    /// `stage` must work: whatever needs it was sealed with what it made before.
    pub(super) fn must_work(&mut self, workspace: &Workspace, stage: StageIndex) {
        if let Some(sealed) = &mut self.sealed {
            sealed.forget(workspace, stage);
        }
    }

    /// Time has passed since anybody looked.
    pub(super) fn expire(&mut self) {
        self.has_expired = true;
    }

    /// Another process was at work.
    pub(super) fn forget_everything(&mut self) {
        self.sealed = None;
    }
}

impl Repro<'_> {
    /// Writes down why nothing needs to be done any more, if so it is.
    pub(super) fn seal(&mut self) {
        let workspace = self.setting.workspace;
        let worked = self.summary.ran + self.summary.restored;
        let is_quiet = self.told.is_empty() && workspace.warnings().is_empty();
        // After much work the outs are too young for their states to prove anything.
        let is_worth_it = worked <= self.planned / 8 + 8;
        let is_wanted = self.recall.is_to_seal && is_quiet && is_worth_it && self.is_whole();
        if !is_wanted || lacks_data(workspace, self.recall.plan) {
            return;
        }
        let sealed = self.recall.sealed.as_ref();
        let lock = &self.lock_file;
        let recorded = &self.recall.recorded;
        let is_as_sealed = |name| recorded.stages.get(name) == lock.stages.get(name);
        let kept = |index| {
            let kept = sealed?.kept(index)?;
            is_as_sealed(&workspace.stage(index).name).then_some(kept)
        };
        let sealing = Sealing::new(workspace, self.inputs, lock);
        sealing.seal(self.recall.plan, self.options, kept);
    }

    /// Whether every stage of the plan came to a good end, and so did we.
    fn is_whole(&self) -> bool {
        let summary = &self.summary;
        let good = summary.up_to_date + summary.ran + summary.restored;
        good == self.planned && !self.stopping && self.error.is_none()
    }
}
