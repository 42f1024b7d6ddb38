//! The lines that events become, verb first: `ran        train 12.4s (param lr: 0.1 → 0.05)`.
//!
//! Each kind of line has its own function from the event's parts to a styled text; when a line is shown, and above
//! what, is the business of the sinks.

use std::time::Duration;

use hpipe_core::{Outcome, ProjectPath, Reason, StageFailure, StageName, Summary};

use super::text::{count, grouped, one_line, pad};
use super::{duration, reasons, style};

/// What the lines are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Stages execute: the lines are talk.
    Repro,
    /// Stages would execute (`--dry`): the lines are what the user asked for, so they are data.
    Dry,
}

impl Mode {
    /// Columns of the verb: of the longest word that can stand there.
    const fn verb_width(self) -> usize {
        match self {
            Self::Repro => "up to date".len(),
            Self::Dry => "would restore".len(),
        }
    }
}

/// The line that says that a stage starts.
pub(crate) fn started(mode: Mode, stage: &StageName, why: &[Reason]) -> String {
    format!(
        "{} {}{}",
        verb(mode, "started", style::BUSY),
        name(stage),
        because(why)
    )
}

/// The line that says how a stage ended.
pub(crate) fn finished(
    mode: Mode,
    stage: &StageName,
    outcome: Outcome,
    took: Duration,
    why: &[Reason],
) -> String {
    let verb = verb(mode, outcome.words(), style::of_outcome(outcome));
    let took = match outcome {
        Outcome::Ran => format!(" {}", duration::format(took)),
        _ => String::new(),
    };
    format!("{verb} {}{took}{}", name(stage), because(why))
}

/// The lines that say that a stage failed: all it printed, what went wrong, where its log is, how to mend it.
pub(crate) fn failed(
    mode: Mode,
    stage: &StageName,
    took: Duration,
    failure: &StageFailure,
) -> String {
    let verb = verb(mode, Outcome::Failed.words(), style::BAD);
    let mut lines = output(mode, stage, &failure.output);
    lines.push(format!(
        "{verb} {} {}: {}",
        name(stage),
        duration::format(took),
        failure.message.trim_end(),
    ));
    if let Some(log) = &failure.log {
        lines.push(below(mode, "log", &log.display().to_string()));
    }
    if let Some(help) = &failure.help {
        lines.push(below(mode, "help", help));
    }
    lines.join("\n")
}

/// What a stage printed, indented below a line that says whose it is; nothing if it printed nothing.
fn output(mode: Mode, stage: &StageName, printed: &str) -> Vec<String> {
    if printed.trim().is_empty() {
        return Vec::new();
    }
    let heading = format!("{} {}", verb(mode, "output", style::BAD), name(stage));
    let lines = printed
        .trim_end()
        .lines()
        .map(|line| format!("    {}", last_written(line)).trim_end().to_owned());
    std::iter::once(heading).chain(lines).collect()
}

/// What a terminal shows of a line at last: a progress bar overwrites itself after each carriage return.
fn last_written(line: &str) -> &str {
    let line = line.trim_end_matches('\r');
    line.rsplit('\r').next().unwrap_or_default()
}

/// A line below another that says more about the same: blanks instead of the verb.
fn below(mode: Mode, word: &str, text: &str) -> String {
    let indent = mode.verb_width() + 1;
    let text = text.replace('\n', &format!("\n{:1$}", "", indent + word.len() + 2));
    format!(
        "{:indent$}{} {text}",
        "",
        style::paint(style::FAINT, &format!("{word}:"))
    )
}

/// The line that says something about a stage that is no fault.
pub(crate) fn note(mode: Mode, stage: &StageName, text: &str) -> String {
    format!(
        "{} {}: {text}",
        verb(mode, "note", style::BUSY),
        name(stage)
    )
}

/// The line that says how far an executing stage is.
pub(crate) fn progress(
    mode: Mode,
    stage: &StageName,
    done: u64,
    total: Option<u64>,
    message: &str,
) -> String {
    let verb = verb(mode, "working", style::BUSY);
    let far = total.map_or_else(String::new, |total| format!(", {done} of {total}"));
    format!("{verb} {}: {}{far}", name(stage), one_line(message, 200))
}

/// The line that says that another process is executing a stage: hpipe, or the command it started and did not outlive.
pub(crate) fn waiting(mode: Mode, stage: &StageName) -> String {
    format!(
        "{} {}: another hpipe, or a command that a killed one left behind, is executing it",
        verb(mode, "waiting", style::ODD),
        name(stage)
    )
}

/// The line that stands for up-to-date stages that are not named.
pub(crate) fn collapsed(mode: Mode, stages: usize) -> String {
    let verb = verb(
        mode,
        Outcome::UpToDate.words(),
        style::of_outcome(Outcome::UpToDate),
    );
    format!(
        "{verb} {} {}",
        count(stages, "stage"),
        style::paint(style::FAINT, "(-v names them)")
    )
}

/// The line that says that something is odd.
pub(crate) fn warning(text: &str) -> String {
    format!("{}: {text}", style::paint(style::ODD, "warning"))
}

/// The last line: `4 stages: 1 ran, 1 restored, 2 up to date in 12.9s`.
pub(crate) fn summary(mode: Mode, summary: &Summary) -> String {
    let counts = [
        (summary.ran, Outcome::Ran),
        (summary.would_run, Outcome::WouldRun),
        (summary.restored, Outcome::Restored),
        (summary.would_restore, Outcome::WouldRestore),
        (summary.up_to_date, Outcome::UpToDate),
        (summary.failed, Outcome::Failed),
        (summary.blocked, Outcome::Blocked),
    ];
    let not_started = summary.not_started;
    let parts: Vec<_> = counts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, outcome)| counted(n, outcome))
        .chain((not_started > 0).then(|| format!("{} not started", grouped(not_started))))
        .collect();
    let stages = count(summary.stages(), "stage");
    let took = match mode {
        Mode::Repro => format!(" in {}", duration::format(summary.duration)),
        Mode::Dry => String::new(),
    };
    match parts.is_empty() {
        true => format!("{stages}{took}"),
        false => format!("{stages}: {}{took}", parts.join(", ")),
    }
}

/// `2 up to date`, coloured only where a reader should look.
fn counted(n: usize, outcome: Outcome) -> String {
    let text = format!("{} {}", super::text::grouped(n), outcome.words());
    match outcome {
        Outcome::UpToDate => text,
        _ => style::paint(style::of_outcome(outcome), &text),
    }
}

/// The line that says that `watch` is ready.
pub(crate) fn watching(mode: Mode, paths: usize) -> String {
    format!(
        "{} {}",
        verb(mode, "watching", style::BUSY),
        count(paths, "path")
    )
}

/// The line that says what woke `watch`.
pub(crate) fn woke(mode: Mode, paths: &[ProjectPath]) -> String {
    const NAMED: usize = 3;
    let mut names: Vec<_> = paths
        .iter()
        .take(NAMED)
        .map(|path| one_line(path.as_str(), 60))
        .collect();
    if paths.len() > NAMED {
        names.push(format!("+{} more", paths.len() - NAMED));
    }
    format!("{} {}", verb(mode, "woke", style::BUSY), names.join(", "))
}

fn verb(mode: Mode, words: &str, color: anstyle::Style) -> String {
    pad(&style::paint(color, words), mode.verb_width())
}

fn name(stage: &StageName) -> String {
    style::paint(style::NAME, &one_line(stage.as_str(), 100))
}

/// ` (param lr: 0.1 → 0.05)`; nothing without a reason.
fn because(why: &[Reason]) -> String {
    match reasons::brief(why) {
        reasons if reasons.is_empty() => reasons,
        reasons => format!(" ({reasons})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::{Code, ReasonKind, Value};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn failure(output: &str) -> StageFailure {
        StageFailure {
            code: Code::StageFailed,
            message: "exited with code 2".to_owned(),
            help: Some("is the file there?".to_owned()),
            output: output.to_owned(),
            log: Some(".cache/logs/train/01.log".into()),
        }
    }

    fn all(mode: Mode, outcomes: &[Outcome]) -> String {
        let stage = StageName::known("train");
        let lr = Reason::changed(
            ReasonKind::ParamChanged,
            "lr",
            Value::Float(0.1),
            Value::Float(0.05),
        );
        let lines = outcomes.iter().map(|&outcome| {
            let why = if outcome == Outcome::UpToDate {
                &[][..]
            } else {
                std::slice::from_ref(&lr)
            };
            plain(&finished(
                mode,
                &stage,
                outcome,
                Duration::from_secs_f64(12.44),
                why,
            ))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_outcome_has_its_line() {
        use Outcome::{Blocked, Frozen, Ran, Restored, UpToDate};
        insta::assert_snapshot!(all(Mode::Repro, &[Ran, Restored, UpToDate, Blocked, Frozen]), @r"
        ran        train 12.4s (param lr: 0.1 → 0.05)
        restored   train (param lr: 0.1 → 0.05)
        up to date train
        blocked    train (param lr: 0.1 → 0.05)
        frozen     train (param lr: 0.1 → 0.05)
        ");
    }

    #[test]
    fn each_outcome_of_a_dry_run_has_its_line() {
        use Outcome::{Frozen, MayRun, UpToDate, WouldRestore, WouldRun};
        insta::assert_snapshot!(all(Mode::Dry, &[WouldRun, WouldRestore, MayRun, UpToDate, Frozen]), @r"
        would run     train (param lr: 0.1 → 0.05)
        would restore train (param lr: 0.1 → 0.05)
        may run       train (param lr: 0.1 → 0.05)
        up to date    train
        frozen        train (param lr: 0.1 → 0.05)
        ");
    }

    #[test]
    fn a_failure_shows_all_that_was_printed() {
        let output = "epoch 1\r\n 10%\r 50%\r100%\n\nValueError: bad\n\n";
        let took = Duration::from_secs_f64(3.2);
        let text = failed(
            Mode::Repro,
            &StageName::known("train"),
            took,
            &failure(output),
        );
        insta::assert_snapshot!(plain(&text), @r"
        output     train
            epoch 1
            100%

            ValueError: bad
        failed     train 3.2s: exited with code 2
                   log: .cache/logs/train/01.log
                   help: is the file there?
        ");
    }

    #[test]
    fn a_silent_failure_has_no_output() {
        let bare = StageFailure {
            help: None,
            log: None,
            ..failure(" \n")
        };
        let text = failed(
            Mode::Repro,
            &StageName::known("train"),
            Duration::ZERO,
            &bare,
        );
        insta::assert_snapshot!(plain(&text), @"failed     train 0.00s: exited with code 2");
    }

    #[test]
    fn the_summary_names_what_happened() {
        let mut counts = Summary {
            duration: Duration::from_secs_f64(12.9),
            ..Summary::default()
        };
        insta::assert_snapshot!(plain(&summary(Mode::Repro, &counts)), @"0 stages in 12.9s");
        for outcome in [
            Outcome::Ran,
            Outcome::Restored,
            Outcome::UpToDate,
            Outcome::Frozen,
        ] {
            counts.count(outcome);
        }
        insta::assert_snapshot!(plain(&summary(Mode::Repro, &counts)), @"4 stages: 1 ran, 1 restored, 2 up to date in 12.9s");
        counts.count(Outcome::Failed);
        counts.count(Outcome::Blocked);
        insta::assert_snapshot!(plain(&summary(Mode::Repro, &counts)), @"6 stages: 1 ran, 1 restored, 2 up to date, 1 failed, 1 blocked in 12.9s");
    }

    #[test]
    fn a_dry_summary_has_no_time() {
        let mut counts = Summary::default();
        for outcome in [Outcome::WouldRun, Outcome::UpToDate, Outcome::UpToDate] {
            counts.count(outcome);
        }
        insta::assert_snapshot!(plain(&summary(Mode::Dry, &counts)), @"3 stages: 1 would run, 2 up to date");
    }

    #[test]
    fn watch_says_what_woke_it() {
        let paths = ["params.yaml", "a", "b", "c"].map(ProjectPath::new);
        insta::assert_snapshot!(plain(&woke(Mode::Repro, &paths)), @"woke       params.yaml, a, b, +1 more");
        insta::assert_snapshot!(plain(&woke(Mode::Repro, &paths[..1])), @"woke       params.yaml");
        insta::assert_snapshot!(plain(&watching(Mode::Repro, 12)), @"watching   12 paths");
    }

    #[test]
    fn other_lines() {
        let stage = StageName::known("train");
        insta::assert_snapshot!(plain(&note(Mode::Repro, &stage, "kept the former out")), @"note       train: kept the former out");
        insta::assert_snapshot!(plain(&waiting(Mode::Repro, &stage)), @"waiting    train: another hpipe, or a command that a killed one left behind, is executing it");
        insta::assert_snapshot!(plain(&collapsed(Mode::Repro, 9998)), @"up to date 9,998 stages (-v names them)");
        insta::assert_snapshot!(plain(&started(Mode::Repro, &stage, &[Reason::plain(ReasonKind::New)])), @"started    train (never ran)");
        insta::assert_snapshot!(plain(&warning("pipeline.lock is empty")), @"warning: pipeline.lock is empty");
    }
}
