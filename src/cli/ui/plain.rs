//! Events as plain lines, for pipes and log files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hpipe_core::{Event, EventSink, Outcome, Reason, StageFailure, StageName, Summary};

use super::lines::{self, Mode};
use super::{Ui, Verbosity};

/// Up-to-date stages of a plan larger than this are counted, not named.
const NAMED_AT_MOST: usize = 50;

/// How long a stage is silent before it is told how far it is, and again.
const SILENCE: Duration = Duration::from_secs(30);

/// Writes a line for each stage that came to its end, and one for all at the end.
///
/// Of a built-in stage that works for long, a line every half minute says how far it is, when it has come further.
/// Lines go to stderr; with [`Mode::Dry`] to stdout, being what was asked for. In a plan of more than fifty stages those
/// that are up to date are only counted, unless the verbosity is [`Verbosity::Verbose`].
pub(crate) struct PlainSink {
    ui: Arc<Ui>,
    mode: Mode,
    tally: Mutex<Tally>,
    /// When something was last said of each stage that is executing.
    said: Mutex<HashMap<StageName, Instant>>,
    silence: Duration,
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
            said: Mutex::default(),
            silence: SILENCE,
        }
    }

    /// Where it writes.
    pub(crate) fn ui(&self) -> &Ui {
        &self.ui
    }

    fn plan(&self, stages: usize) {
        *hold(&self.tally) = Tally {
            planned: stages,
            collapsed: 0,
        };
    }

    fn started(&self, stage: &StageName, reasons: &[Reason]) {
        hold(&self.said).insert(stage.clone(), Instant::now());
        if self.ui.verbosity() == Verbosity::Verbose {
            self.line(&lines::started(self.mode, stage, reasons));
        }
    }

    fn progress(&self, stage: &StageName, done: u64, total: Option<u64>, message: &str) {
        let is_due = match hold(&self.said).get_mut(stage) {
            Some(said) if said.elapsed() >= self.silence => {
                *said = Instant::now();
                true
            }
            _ => false,
        };
        if is_due {
            self.line(&lines::progress(self.mode, stage, done, total, message));
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
        hold(&self.said).remove(stage);
        match failure {
            Some(failure) => self
                .ui
                .talk(&lines::failed(self.mode, stage, took, failure)),
            None if outcome == Outcome::UpToDate && self.collapses() => {
                hold(&self.tally).collapsed += 1
            }
            None => self.line(&lines::finished(self.mode, stage, outcome, took, reasons)),
        }
    }

    fn summary(&self, summary: &Summary) {
        let collapsed = std::mem::take(&mut hold(&self.tally).collapsed);
        if collapsed > 0 {
            self.line(&lines::collapsed(self.mode, collapsed));
        }
        self.line(&lines::summary(self.mode, summary));
    }

    fn collapses(&self) -> bool {
        self.ui.verbosity() < Verbosity::Verbose && hold(&self.tally).planned > NAMED_AT_MOST
    }

    fn line(&self, line: &str) {
        match (self.ui.verbosity(), self.mode) {
            (Verbosity::Quiet, _) => {}
            (_, Mode::Repro) => self.ui.talk(line),
            (_, Mode::Dry) => self.ui.data(line),
        }
    }
}

/// Locks what the threads of stages share.
fn hold<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventSink for PlainSink {
    fn emit(&self, event: &Event) {
        match event {
            Event::Plan { stages } => self.plan(stages.len()),
            Event::StageStarted { stage, reasons, .. } => self.started(stage, reasons),
            Event::StageProgress {
                stage,
                done,
                total,
                message,
            } => self.progress(stage, *done, *total, message),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::Captured;

    fn finished(stage: impl Into<Arc<str>>, outcome: Outcome) -> Event {
        Event::StageFinished {
            stage: StageName::known(stage),
            outcome,
            duration: Duration::from_secs(2),
            reasons: Vec::new(),
            failure: None,
        }
    }

    fn play(verbosity: Verbosity, mode: Mode, events: &[Event]) -> Captured {
        let (ui, captured) = Captured::ui(verbosity);
        let sink = PlainSink::new(ui, mode);
        events.iter().for_each(|event| sink.emit(event));
        captured
    }

    fn plan(stages: usize) -> Event {
        let stages = (0..stages)
            .map(|n| StageName::known(format!("s{n}")))
            .collect();
        Event::Plan { stages }
    }

    fn all_up_to_date(stages: usize) -> Vec<Event> {
        let mut summary = Summary::default();
        (0..stages).for_each(|_| summary.count(Outcome::UpToDate));
        let ends = (0..stages).map(|n| finished(format!("s{n}"), Outcome::UpToDate));
        std::iter::once(plan(stages))
            .chain(ends)
            .chain([Event::Finished(summary)])
            .collect()
    }

    #[test]
    fn lines_are_talk_and_those_of_a_dry_run_data() {
        let events = [plan(1), finished("a", Outcome::Ran)];
        let captured = play(Verbosity::Normal, Mode::Repro, &events);
        assert_eq!(
            (captured.stdout(), captured.stderr()),
            (String::new(), "ran        a 2.0s\n".to_owned())
        );
        let captured = play(
            Verbosity::Normal,
            Mode::Dry,
            &[finished("a", Outcome::WouldRun)],
        );
        assert_eq!(
            (captured.stdout(), captured.stderr()),
            ("would run     a\n".to_owned(), String::new())
        );
    }

    #[test]
    fn many_up_to_date_stages_are_counted() {
        let captured = play(Verbosity::Normal, Mode::Repro, &all_up_to_date(51));
        insta::assert_snapshot!(captured.stderr(), @r"
        up to date 51 stages (-v names them)
        51 stages: 51 up to date in 0.00s
        ");
        let named = play(Verbosity::Verbose, Mode::Repro, &all_up_to_date(51));
        assert_eq!(named.stderr().lines().count(), 52);
        let few = play(Verbosity::Normal, Mode::Repro, &all_up_to_date(50));
        assert_eq!(few.stderr().lines().count(), 51);
    }

    #[test]
    fn quiet_still_tells_failures() {
        let failure = StageFailure {
            code: hpipe_core::Code::StageFailed,
            message: "exited with code 2".to_owned(),
            help: None,
            output: String::new(),
            log: None,
        };
        let failed = Event::StageFinished {
            stage: StageName::known("b"),
            outcome: Outcome::Failed,
            duration: Duration::from_secs(2),
            reasons: Vec::new(),
            failure: Some(failure),
        };
        let events = [
            finished("a", Outcome::Ran),
            failed,
            Event::Finished(Summary::default()),
        ];
        let captured = play(Verbosity::Quiet, Mode::Repro, &events);
        assert_eq!(captured.stderr(), "failed     b 2.0s: exited with code 2\n");
    }

    #[test]
    fn a_stage_that_works_for_long_says_how_far_it_is() {
        let events = |silence: Duration| {
            let (ui, captured) = Captured::ui(Verbosity::Normal);
            let sink = PlainSink {
                silence,
                ..PlainSink::new(ui, Mode::Repro)
            };
            let progress = |done, total| Event::StageProgress {
                stage: StageName::known("train"),
                done,
                total,
                message: "fitting xgboost".to_owned(),
            };
            sink.emit(&progress(0, None)); // of a stage that nobody started
            sink.emit(&Event::StageStarted {
                stage: StageName::known("train"),
                reasons: Vec::new(),
                expected: None,
            });
            sink.emit(&progress(0, None));
            sink.emit(&progress(120, Some(500)));
            sink.emit(&finished("train", Outcome::Ran));
            sink.emit(&progress(500, Some(500)));
            captured.stderr()
        };
        insta::assert_snapshot!(events(Duration::ZERO), @r"
        working    train: fitting xgboost
        working    train: fitting xgboost, 120 of 500
        ran        train 2.0s
        ");
        assert_eq!(events(SILENCE), "ran        train 2.0s\n");
    }

    #[test]
    fn starts_are_told_when_asked_for() {
        let started = Event::StageStarted {
            stage: StageName::known("a"),
            reasons: vec![Reason::plain(hpipe_core::ReasonKind::New)],
            expected: None,
        };
        let events = [started];
        assert_eq!(play(Verbosity::Normal, Mode::Repro, &events).stderr(), "");
        assert_eq!(
            play(Verbosity::Verbose, Mode::Repro, &events).stderr(),
            "started    a (never ran)\n"
        );
    }
}
