//! The only place that prints.
//!
//! stdout is data, stderr is talk ([`Ui::data`], [`Ui::talk`]). What happens in a pipeline reaches the screen through
//! one of the sinks: [`PlainSink`] writes a line for each finished stage, [`TerminalSink`] the same lines above a
//! redrawn status of what is going on, [`JsonSink`](crate::json::JsonSink) the events themselves.
//!
//! Everything handed to [`Ui`] may carry ANSI sequences; they are taken out where colour is not wanted. A reader that
//! went away (`hpipe status | head -1`) ends the writing, not the process: what the pipeline does goes on.

mod attempts;
mod bar;
mod duration;
mod lineage;
mod lines;
mod metrics;
mod models;
mod monitoring;
mod plain;
mod reasons;
mod report;
mod stages;
mod status_area;
pub(crate) mod style;
mod terminal;
mod text;
mod trials;
mod values;

#[cfg(test)]
pub(crate) mod testing;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use anstream::AutoStream;
pub(crate) use anstream::ColorChoice;
use hpipe_core::{Diagnostic, Reason, Sources, StageName};
use indicatif::MultiProgress;

pub(crate) use attempts::{LoggedAttempt, attempts_table};
pub(crate) use bar::Bar;
pub(crate) use lineage::{Evidence, Reproduced, Standing, Verdict, reproduced_text, verified_text};
pub(crate) use lines::Mode;
pub(crate) use metrics::{DifferenceTable, FileChanges, metrics_table};
pub(crate) use models::{
    ComparedVersion, ShownModel, ShownVersion, VersionDiff, comparison_text, diff_text,
    history_text, model_text, models_table, promoted_text, registered_line, rolled_back_text,
    version_text,
};
pub(crate) use monitoring::{alert_lines, batch_text, monitoring_text};
pub(crate) use plain::PlainSink;
pub(crate) use reasons::brief;
pub(crate) use report::{ChangedFile, Input, StageReport, status_text, why_text};
pub(crate) use stages::{ListedStage, stages_table};
pub(crate) use terminal::TerminalSink;
pub(crate) use text::{count, one_line, width};
pub(crate) use trials::{Counted, applied_line, search_lines, started_line, trial_line};

pub(crate) use values::{NamedValues, csv, lasted, sections, value_table};

use crate::diagnostic;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Verbosity {
    /// Only what went wrong.
    Quiet,
    /// A line for each stage.
    #[default]
    Normal,
    /// Also when a stage starts, and every up-to-date stage of a large pipeline.
    Verbose,
}

/// Listens to events and shows none.
pub(crate) struct Silence;

impl hpipe_core::EventSink for Silence {
    fn emit(&self, _event: &hpipe_core::Event) {}
}

/// Where everything is printed.
pub(crate) struct Ui {
    verbosity: Verbosity,
    stdout: Channel,
    stderr: Channel,
    /// The redrawn status at the bottom of the terminal; every other output is written above it.
    status: MultiProgress,
}

/// One of the two streams.
struct Channel {
    is_terminal: bool,
    color: bool,
    columns: Option<usize>,
    state: Mutex<ChannelState>,
}

struct ChannelState {
    writer: Box<dyn Write + Send>,
    /// The first failure to write; nothing is written after it.
    failure: Option<io::Error>,
}

impl Ui {
    /// Prints to the process's stdout and stderr.
    ///
    /// With [`ColorChoice::Auto`] each stream has colour when it is a terminal that can show it; `NO_COLOR`,
    /// `CLICOLOR` and `CLICOLOR_FORCE` are obeyed.
    pub(crate) fn new(verbosity: Verbosity, color: ColorChoice) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let wants_color = |auto| match color {
            ColorChoice::Auto => auto != ColorChoice::Never,
            chosen => chosen != ColorChoice::Never,
        };
        let out = Channel {
            is_terminal: stdout.is_terminal(),
            color: wants_color(AutoStream::choice(&stdout)),
            columns: terminal_columns(&stdout),
            state: ChannelState::new(stdout),
        };
        let err = Channel {
            is_terminal: stderr.is_terminal(),
            color: wants_color(AutoStream::choice(&stderr)),
            columns: terminal_columns(&stderr),
            state: ChannelState::new(stderr),
        };
        let status = status_area::on_stderr(err.color);
        Self {
            verbosity,
            stdout: out,
            stderr: err,
            status: MultiProgress::with_draw_target(status),
        }
    }

    /// How much is said.
    pub(crate) const fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether stderr is a terminal, so that a status can be redrawn there.
    pub(crate) const fn stderr_is_terminal(&self) -> bool {
        self.stderr.is_terminal
    }

    /// Columns a table or drawing on stdout may take; none when stdout is no terminal.
    pub(crate) const fn columns(&self) -> Option<usize> {
        self.stdout.columns
    }

    /// Writes data to stdout, with a newline at the end if `text` has none, and flushes it.
    pub(crate) fn data(&self, text: &str) {
        self.status.suspend(|| self.stdout.write(text));
    }

    /// Says something on stderr, with a newline at the end if `text` has none.
    ///
    /// Does not ask for the verbosity: who calls it knows whether it belongs to what `-q` leaves.
    pub(crate) fn talk(&self, text: &str) {
        self.status.suspend(|| self.stderr.write(text));
    }

    /// Says something that only `-q` silences.
    pub(crate) fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.talk(text);
        }
    }

    /// Says that something is odd but does not stop the command: `warning: …`.
    pub(crate) fn warning(&self, text: &str) {
        self.talk(&lines::warning(text));
    }

    /// A bar for a long piece of work that is no stage; shown on a terminal only.
    pub(crate) fn bar(&self, what: &str) -> Bar {
        let is_shown = self.verbosity > Verbosity::Quiet && io::stderr().is_terminal();
        Bar::new(what, is_shown)
    }

    /// Asks whether a stage, for these reasons, shall execute; whoever says nothing says no.
    pub(crate) fn confirms(&self, stage: &StageName, reasons: &[Reason]) -> bool {
        let why = reasons::brief(reasons);
        self.talk(&format!("execute {stage} ({why})? [y/N]"));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// Draws diagnostics with their excerpts on stderr.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if !diagnostics.is_empty() {
            self.talk(&diagnostic::render_all(diagnostics, sources));
        }
    }

    /// Whether nothing reaches stdout any more: its reader went away, or the disk is full.
    pub(crate) fn is_stdout_lost(&self) -> bool {
        self.stdout.lock().failure.is_some()
    }

    /// Ends the printing.
    ///
    /// # Errors
    /// When stdout could not be written, as on a full disk. A reader that went away is no error.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let failure = self.stdout.lock().failure.take();
        match failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

impl Channel {
    /// Writes `text` and a newline, all at once, so that lines of several threads do not mix.
    fn write(&self, text: &str) {
        let mut state = self.lock();
        if text.is_empty() || state.failure.is_some() {
            return;
        }
        let mut text = match self.color {
            true => text.to_owned(),
            false => anstream::adapter::strip_str(text).to_string(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let written = state.writer.write_all(text.as_bytes());
        state.failure = written.and_then(|()| state.writer.flush()).err();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChannelState> {
        // A thread that panicked while it wrote leaves at worst half a line.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChannelState {
    fn new(writer: impl Write + Send + 'static) -> Mutex<Self> {
        Mutex::new(Self {
            writer: Box::new(writer),
            failure: None,
        })
    }
}

/// The width of the terminal behind a stream.
fn terminal_columns(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(stream)?;
    Some(usize::from(width.0).max(20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{Broken, Captured};

    #[test]
    fn data_and_talk_go_their_own_ways() {
        let (ui, captured) = Captured::ui(Verbosity::Normal);
        ui.data("one");
        ui.talk("two\n");
        ui.warning("three");
        assert_eq!(captured.stdout(), "one\n");
        assert_eq!(captured.stderr(), "two\nwarning: three\n");
    }

    #[test]
    fn a_broken_pipe_ends_quietly() {
        let ui = Broken::ui(io::ErrorKind::BrokenPipe);
        ui.data("one");
        ui.data("two");
        assert!(ui.finish().is_ok());
    }

    #[test]
    fn a_full_disk_is_told() {
        let ui = Broken::ui(io::ErrorKind::StorageFull);
        ui.data("one");
        assert!(ui.finish().is_err());
    }
}
