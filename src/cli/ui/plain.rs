//! Events as plain lines, for pipes and log files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hpipe_core::{Event, EventSink, Outcome, Reason, StageFailure, StageName, Summary};

use super::lines::{self, Mode};
use super::{Ui, Verbosity};

/// Up-to-date stages of a plan larger than this are counted, not named.
const NAMED_AT_MOST: usize = 50;

/// Writes a line for each stage that came to its end, and one for all at the end.
///
/// Lines go to stderr; with [`Mode::Dry`] to stdout, being what was asked for. In a plan of more than fifty stages those
/// that are up to date are only counted, unless the verbosity is [`Verbosity::Verbose`].
pub(crate) struct PlainSink {
    ui: Arc<Ui>,
    mode: Mode,
    tally: Mutex<Tally>,
}

/// What is counted instead of named.
#[derive(Default)]
struct Tally {
    planned: usize,
    collapsed: usize,
}

impl PlainSink {
    /// Writes to `ui`.
    pub(crate) fn new(ui: Arc<Ui>, mode: Mode) -> Self {
        Self {
            ui,
            mode,
            tally: Mutex::default(),
        }
    }

    /// Where it writes.
    pub(crate) fn ui(&self) -> &Ui {
        &self.ui
    }

    fn plan(&self, stages: usize) {
        *self.tally() = Tally {
            planned: stages,
            collapsed: 0,
        };
    }

    fn started(&self, stage: &StageName, reasons: &[Reason]) {
        if self.ui.verbosity() == Verbosity::Verbose {
            self.line(&lines::started(self.mode, stage, reasons));
        }
    }

    fn finished(
        &self,
        stage: &StageName,
        outcome: Outcome,
        took: Duration,
        reasons: &[Reason],
        failure: Option<&StageFailure>,
    ) {
        match failure {
            Some(failure) => self
                .ui
                .talk(&lines::failed(self.mode, stage, took, failure)),
            None if outcome == Outcome::UpToDate && self.collapses() => self.tally().collapsed += 1,
            None => self.line(&lines::finished(self.mode, stage, outcome, took, reasons)),
        }
    }

    fn summary(&self, summary: &Summary) {
        let collapsed = std::mem::take(&mut self.tally().collapsed);
        if collapsed > 0 {
            self.line(&lines::collapsed(self.mode, collapsed));
        }
        self.line(&lines::summary(self.mode, summary));
    }

    fn collapses(&self) -> bool {
        self.ui.verbosity() < Verbosity::Verbose && self.tally().planned > NAMED_AT_MOST
    }

    fn line(&self, line: &str) {
        match (self.ui.verbosity(), self.mode) {
            (Verbosity::Quiet, _) => {}
            (_, Mode::Repro) => self.ui.talk(line),
            (_, Mode::Dry) => self.ui.data(line),
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for PlainSink {
    fn emit(&self, event: &Event) {
        match event {
            Event::Plan { stages } => self.plan(stages.len()),
            Event::StageStarted { stage, reasons, .. } => self.started(stage, reasons),
            Event::StageProgress { .. } => {}
            Event::StageNote { stage, text } => self.line(&lines::note(self.mode, stage, text)),
            Event::StageWaiting { stage } => self.line(&lines::waiting(self.mode, stage)),
            Event::StageFinished {
                stage,
                outcome,
                duration,
                reasons,
                failure,
            } => self.finished(stage, *outcome, *duration, reasons, failure.as_ref()),
            Event::Warning { text } => self.ui.warning(text),
            Event::Finished(summary) => self.summary(summary),
            Event::Watching { paths } => self.line(&lines::watching(self.mode, *paths)),
            Event::Woke { paths } => self.line(&lines::woke(self.mode, paths)),
        }
    }
}
