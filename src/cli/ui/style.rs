//! The colours of everything printed, and how a text gets one.
//!
//! Only the terminal's own sixteen colours, so that the user's theme decides how they look. Styled texts carry ANSI
//! sequences; [`Ui`](crate::ui::Ui) takes them out again where colour is not wanted.

use anstyle::{AnsiColor, Effects, Style};
use hpipe_core::Outcome;

use crate::state::State;

/// Names of the things a line is about.
pub(crate) const NAME: Style = Style::new().bold();
/// What may be skipped while reading: paths of logs, counts of what was left out.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What did well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// What wants attention.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
/// What is going on.
pub(crate) const BUSY: Style = AnsiColor::Cyan.on_default();
/// The word `help`.
pub(crate) const HELP: Style = AnsiColor::BrightCyan.on_default().effects(Effects::BOLD);

/// Wraps `text` in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The colour of an outcome's words.
pub(crate) const fn of_outcome(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Ran => AnsiColor::Green.on_default().effects(Effects::BOLD),
        Outcome::Restored => AnsiColor::Cyan.on_default().effects(Effects::BOLD),
        Outcome::UpToDate => FAINT,
        Outcome::Failed => BAD,
        Outcome::Blocked => ODD,
        Outcome::Frozen => AnsiColor::Blue.on_default(),
        Outcome::WouldRun => AnsiColor::Yellow.on_default(),
        Outcome::WouldRestore => BUSY,
        Outcome::MayRun => AnsiColor::Magenta.on_default(),
    }
}

/// The colour of a state.
pub(crate) const fn of_state(state: State) -> Style {
    match state {
        State::UpToDate => GOOD,
        State::Stale => AnsiColor::Yellow.on_default(),
        State::MayBeStale => AnsiColor::Magenta.on_default(),
        State::Frozen => AnsiColor::Blue.on_default(),
        State::Unknown => Style::new(),
    }
}
