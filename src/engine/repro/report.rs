//! What is told of stages, and what their ends mean for others.

use std::time::Duration;

use hpipe_core::{Code, Event, Outcome, ProjectPath, Reason, ReasonKind, StageFailure};

use super::driver::Repro;
use crate::Error;
use crate::decide::{declared_outs, recorded_outs};
use crate::exec::store_again;
use crate::graph::StageIndex;
use crate::inputs::{Gathered, Inputs};

impl Repro<'_> {
    pub(super) fn up_to_date(&mut self, index: StageIndex) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        let stage = workspace.stage(index);
        if let Some(entry) = self.lock_file.stages.get(&stage.name) {
            let declared = declared_outs(stage, entry);
            if self.options.commit {
                store_again(workspace.store(), declared.iter().filter(|out| out.cached))?;
            }
            if declared != recorded_outs(entry) {
                self.redeclared.push(index);
            }
        }
        self.finish(index, Outcome::UpToDate, Duration::ZERO, Vec::new(), None);
        Ok(())
    }

    /// A dep that was there when we began is gone.
    pub(super) fn vanished(&mut self, index: StageIndex, reasons: Vec<Reason>) {
        let names: Vec<_> = reasons
            .iter()
            .filter_map(|reason| reason.name.clone())
            .collect();
        let failure = StageFailure {
            code: Code::MissingDep,
            message: format!("{} does not exist any more", names.join(", ")),
            help: None,
            output: String::new(),
            log: None,
        };
        self.fail(index, Duration::ZERO, reasons, failure);
    }

    /// Fails a stage that must execute, but whose deps were only supposed to be there.
    pub(super) fn lacks_deps(&mut self, index: StageIndex) -> Result<bool, Error> {
        let workspace = self.setting.workspace;
        let Gathered::Missing(paths) = Inputs::fresh(workspace).gather(workspace.stage(index))?
        else {
            return Ok(false);
        };
        let missing = |path: &ProjectPath| Reason::about(ReasonKind::DepMissing, path.as_str());
        self.vanished(index, paths.iter().map(missing).collect());
        Ok(true)
    }

    /// Reports a stage that came to a good end, and lets those that need it go on.
    pub(super) fn finish(
        &mut self,
        index: StageIndex,
        outcome: Outcome,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: Option<StageFailure>,
    ) {
        if matches!(outcome, Outcome::Ran | Outcome::Restored) {
            self.worked.insert(index);
        }
        if outcome != Outcome::Frozen {
            self.note_for_recipient(index);
        }
        self.report(index, outcome, duration, reasons, failure);
        self.schedule.done(index);
    }

    /// Reports a failed stage and everything that needs it.
    pub(super) fn fail(
        &mut self,
        index: StageIndex,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: StageFailure,
    ) {
        self.report(index, Outcome::Failed, duration, reasons, Some(failure));
        if self.options.ignore_errors {
            self.schedule.done(index);
            return;
        }
        let name = self.setting.workspace.stage(index).name.clone();
        for blocked in self.schedule.failed(index) {
            let reason = Reason::about(ReasonKind::Upstream, name.as_str());
            self.report(
                blocked,
                Outcome::Blocked,
                Duration::ZERO,
                vec![reason],
                None,
            );
        }
        self.stopping |= !self.options.keep_going;
    }

    fn report(
        &mut self,
        index: StageIndex,
        outcome: Outcome,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: Option<StageFailure>,
    ) {
        self.summary.count(outcome);
        let stage = self.setting.workspace.stage(index).name.clone();
        self.setting.sink.emit(&Event::StageFinished {
            stage,
            outcome,
            duration,
            reasons,
            failure,
        });
        self.tell_warnings();
    }

    /// Tells what the store found damaged; what it meets twice is told once.
    pub(super) fn tell_warnings(&mut self) {
        for text in self.setting.workspace.store().take_warnings() {
            if self.told.insert(text.clone()) {
                self.setting.sink.emit(&Event::Warning { text });
            }
        }
    }
}
