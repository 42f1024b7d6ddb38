//! Events on a terminal: the lines of a pipe above a redrawn status of what is going on.
//!
//! ```text
//! ran        split 0.4s (changed data/clean.parquet)
//! running    train@ridge 3.2s of about 12.4s ━━━━━━╌╌╌╌╌╌ fold 3 of 5
//! running    train@lasso 2.9s
//! 2 of 7 stages, 2 running, 4.1s
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hpipe_core::{Event, EventSink, StageName};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::lines::Mode;
use super::plain::PlainSink;
use super::text::{count, grouped, one_line};
use super::{Ui, Verbosity, duration, style};

/// Running stages shown at once; further ones are only counted.
const SHOWN_AT_MOST: usize = 12;

/// How often elapsed times are redrawn.
const TICK: Duration = Duration::from_millis(100);

/// Columns of a stage's progress bar.
const BAR: usize = 20;

/// Draws what is going on, and writes what [`PlainSink`] writes above it.
///
/// The status is gone after [`Event::Finished`], and when the sink is dropped because something went wrong.
pub(crate) struct TerminalSink {
    lines: PlainSink,
    status: Mutex<Status>,
}

/// What the status shows.
#[derive(Default)]
struct Status {
    planned: usize,
    finished: usize,
    running: HashMap<StageName, Option<ProgressBar>>,
    overall: Option<ProgressBar>,
}

impl TerminalSink {
    /// Draws on the terminal behind stderr of `ui`.
    pub(crate) fn new(ui: Arc<Ui>, mode: Mode) -> Self {
        Self {
            lines: PlainSink::new(ui, mode),
            status: Mutex::default(),
        }
    }

    fn plan(&self, stages: usize) {
        self.clear();
        self.status().planned = stages;
    }

    fn started(&self, stage: &StageName, expected: Option<Duration>) {
        let mut status = self.status();
        let overall = self.overall(&mut status);
        let bar = (status.shown() < SHOWN_AT_MOST).then(|| {
            let bar = ProgressBar::no_length().with_style(stage_style(stage, expected));
            self.show(self.lines.ui().status.insert_before(&overall, bar))
        });
        status.running.insert(stage.clone(), bar);
        status.describe(&overall);
    }

    fn progress(&self, stage: &StageName, done: u64, total: Option<u64>, message: &str) {
        let status = self.status();
        let Some(Some(bar)) = status.running.get(stage) else {
            return;
        };
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
        bar.set_message(one_line(message, 200));
    }

    fn finished(&self, stage: &StageName) {
        let mut status = self.status();
        status.finished += 1;
        if let Some(Some(bar)) = status.running.remove(stage) {
            self.hide(&bar);
        }
        if let Some(overall) = &status.overall {
            status.describe(overall);
        }
    }

    fn clear(&self) {
        let status = std::mem::take(&mut *self.status());
        for bar in status.running.values().flatten().chain(&status.overall) {
            self.hide(bar);
        }
    }

    /// The line below the running stages, made when the first one starts: when nothing executes nothing flickers.
    fn overall(&self, status: &mut Status) -> ProgressBar {
        if let Some(overall) = &status.overall {
            return overall.clone();
        }
        let overall = self.lines.ui().status.add(overall_bar());
        status.describe(&overall);
        status.overall.insert(self.show(overall)).clone()
    }

    fn show(&self, bar: ProgressBar) -> ProgressBar {
        bar.enable_steady_tick(TICK);
        bar
    }

    fn hide(&self, bar: &ProgressBar) {
        bar.disable_steady_tick();
        bar.finish_and_clear();
        self.lines.ui().status.remove(bar);
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Status {
    /// Running stages that have a line.
    fn shown(&self) -> usize {
        self.running.values().flatten().count()
    }

    /// Says in the line below the running stages how far everything is.
    fn describe(&self, overall: &ProgressBar) {
        overall.set_message(format!(
            "{} of {}, {} running",
            grouped(self.finished),
            count(
                self.planned.max(self.finished + self.running.len()),
                "stage"
            ),
            grouped(self.running.len()),
        ));
    }
}

impl EventSink for TerminalSink {
    fn emit(&self, event: &Event) {
        match event {
            Event::Plan { stages } => self.plan(stages.len()),
            Event::StageStarted {
                stage, expected, ..
            } if self.lines.ui().verbosity() > Verbosity::Quiet => self.started(stage, *expected),
            Event::StageProgress {
                stage,
                done,
                total,
                message,
            } => self.progress(stage, *done, *total, message),
            Event::StageFinished { stage, .. } => self.finished(stage),
            Event::Finished(_) => self.clear(),
            _ => {}
        }
        self.lines.emit(event);
    }
}

impl Drop for TerminalSink {
    fn drop(&mut self) {
        self.clear();
    }
}

fn overall_bar() -> ProgressBar {
    let style = template("{msg}, {clock}").with_key(
        "clock",
        |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            put(out, &duration::format(state.elapsed()));
        },
    );
    ProgressBar::no_length().with_style(style)
}

fn stage_style(stage: &StageName, expected: Option<Duration>) -> ProgressStyle {
    let verb = super::text::pad(&style::paint(style::BUSY, "running"), "up to date".len());
    let name = style::paint(style::NAME, &one_line(stage.as_str(), 40));
    template("{head} {wide_msg}").with_key(
        "head",
        move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            put(
                out,
                &format!("{verb} {name} {}", clock(state.elapsed(), expected)),
            );
            if let Some(total) = state.len() {
                put(out, &format!(" {}", bar(state.pos(), total)));
            }
        },
    )
}

/// `3.2s of about 12.4s`
fn clock(elapsed: Duration, expected: Option<Duration>) -> String {
    let elapsed = duration::format(elapsed);
    match expected {
        Some(expected) => format!("{elapsed} of about {}", duration::format(expected)),
        None => elapsed,
    }
}

/// `━━━━━━╌╌╌╌╌╌  42%`
fn bar(done: u64, total: u64) -> String {
    let share = done.min(total) as f64 / total.max(1) as f64;
    let full = (share * BAR as f64).floor() as usize;
    let done = style::paint(style::GOOD, &"━".repeat(full));
    let rest = style::paint(style::FAINT, &"╌".repeat(BAR - full));
    format!("{done}{rest} {:3}%", (share * 100.0).floor())
}

fn template(text: &'static str) -> ProgressStyle {
    match ProgressStyle::with_template(text) {
        Ok(style) => style,
        Err(error) => panic!("bug: the template `{text}` is broken: {error}"),
    }
}

fn put(out: &mut dyn std::fmt::Write, text: &str) {
    // Writing into the line that is being drawn cannot fail.
    let _ = out.write_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{Captured, Screen};
    use hpipe_core::{Outcome, Summary};

    fn started(stage: &str) -> Event {
        Event::StageStarted {
            stage: StageName::known(stage),
            reasons: Vec::new(),
            expected: Some(Duration::from_secs(12)),
        }
    }

    fn finished(stage: &str) -> Event {
        Event::StageFinished {
            stage: StageName::known(stage),
            outcome: Outcome::Ran,
            duration: Duration::from_secs(2),
            reasons: Vec::new(),
            failure: None,
        }
    }

    fn sink() -> (TerminalSink, Captured, Screen) {
        sink_on(Screen::new(100), true)
    }

    fn sink_on(screen: Screen, color: bool) -> (TerminalSink, Captured, Screen) {
        let target = screen.status_area(color);
        let (ui, captured) = Captured::ui_with_status(Verbosity::Normal, target);
        let sink = TerminalSink::new(ui, Mode::Repro);
        sink.emit(&Event::Plan {
            stages: ["a", "b", "c"].map(StageName::known).into(),
        });
        (sink, captured, screen)
    }

    fn draw(sink: &TerminalSink) {
        let status = sink.status();
        let bars = status.running.values().flatten().chain(&status.overall);
        bars.for_each(ProgressBar::force_draw);
    }

    #[test]
    fn shows_what_runs_and_how_far_it_is() {
        let (sink, captured, screen) = sink();
        sink.emit(&started("a"));
        sink.emit(&started("b"));
        sink.emit(&finished("a"));
        sink.emit(&Event::StageProgress {
            stage: StageName::known("b"),
            done: 3,
            total: Some(5),
            message: "fold 3 of 5".to_owned(),
        });
        draw(&sink);
        let shown = screen.shown();
        assert!(shown.contains("running    b 0."), "{shown}");
        assert!(
            shown.contains("of about 12.0s ━━━━━━━━━━━━╌╌╌╌╌╌╌╌  60% fold 3 of 5"),
            "{shown}"
        );
        assert!(shown.contains("1 of 3 stages, 1 running, 0."), "{shown}");
        assert!(!shown.contains("running    a"), "{shown}");
        assert_eq!(captured.stderr(), "ran        a 2.0s\n");
    }

    #[test]
    fn the_end_leaves_nothing_behind() {
        let (sink, captured, screen) = sink();
        sink.emit(&started("a"));
        sink.emit(&Event::Finished(Summary::default()));
        assert_eq!(screen.shown(), "");
        assert_eq!(captured.stderr(), "0 stages in 0.00s\n");
    }

    #[test]
    fn a_sink_dropped_leaves_nothing_behind() {
        let (sink, _, screen) = sink();
        sink.emit(&started("a"));
        drop(sink);
        assert_eq!(screen.shown(), "");
    }

    /// The terminal shows what is typed, `^C` too, where the cursor is.
    #[test]
    fn what_is_typed_leaves_no_line_behind() {
        for columns in [20, 40, 80, 100] {
            let (sink, _, mut screen) = sink_on(Screen::new(columns), true);
            sink.emit(&started("a"));
            sink.emit(&started("b"));
            draw(&sink);
            assert!(screen.shown().contains("running    b"), "{columns}");
            screen.echo("^C");
            draw(&sink);
            screen.echo("^C");
            sink.emit(&finished("a"));
            sink.emit(&finished("b"));
            sink.emit(&Event::Finished(Summary::default()));
            assert_eq!(screen.shown(), "", "{columns}");
        }
    }

    #[test]
    fn the_status_has_colour_where_it_is_wanted() {
        for color in [true, false] {
            let (sink, _, screen) = sink_on(Screen::new(100), color);
            sink.emit(&started("a"));
            draw(&sink);
            assert_eq!(screen.sent().contains("\u{1b}[36mrunning"), color);
            assert_eq!(screen.sent().contains("[0m"), color);
        }
    }

    #[test]
    fn a_bar_is_never_over_full() {
        for (done, total) in [(0, 0), (7, 5), (0, 5), (5, 5), (u64::MAX, 1)] {
            let text = anstream::adapter::strip_str(&bar(done, total)).to_string();
            assert_eq!(text.chars().count(), BAR + 5, "{done} of {total}");
        }
    }
}
