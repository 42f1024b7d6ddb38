//! The lines of a search: a trial, verb first, as it ends; then the best one and what mattered.

use hpipe_core::{Mapping, Value};
use hpipe_tune::{Ask, Importance, Trial};

use super::metrics::{figure, short};
use super::text::{count, one_line, pad};
use super::{duration, style};
use crate::tune::{End, Found, Stop};

/// Columns of the verb.
const VERB: usize = "importance".len();

/// Fewer complete trials say nothing of what mattered.
const ENOUGH: usize = 10;

/// Columns a failure's message may take.
const MESSAGE: usize = 200;

/// The line that says that a trial starts.
pub(crate) fn started_line(ask: &Ask) -> String {
    let name = style::paint(style::NAME, &format!("trial {}", ask.number));
    format!(
        "{} {name} ({})",
        verb_of("started", style::BUSY),
        params(&ask.params)
    )
}

/// The line that says how a trial ended: `ran        trial 3 1.2s: rmse 0.43 (lr 0.01)`.
pub(crate) fn trial_line(trial: &Trial, end: &End, metric: &str, is_best: bool) -> String {
    let (verb, color) = match (&end.error, end.executed.is_empty()) {
        (Some(_), _) => ("failed", style::BAD),
        (None, true) => ("restored", style::BUSY),
        (None, false) => ("ran", style::GOOD),
    };
    let took = match end.executed.is_empty() {
        true => String::new(),
        false => format!(" {}", duration::format(end.duration)),
    };
    let name = style::paint(style::NAME, &format!("trial {}", trial.number));
    let what = match (&end.error, trial.value()) {
        (Some(error), _) => one_line(error, MESSAGE),
        (None, value) => format!("{metric} {}", figure(value.unwrap_or(f64::NAN))),
    };
    let best = if is_best { ", the best so far" } else { "" };
    let line = format!(
        "{} {name}{took}: {what} ({}){best}",
        verb_of(verb, color),
        params(&trial.params)
    );
    match &end.log {
        None => line,
        Some(log) => {
            let log = style::paint(style::FAINT, &format!("log {}", log.display()));
            format!("{line}\n{} {log}", pad("", VERB))
        }
    }
}

/// The lines that say what came of a search.
pub(crate) fn search_lines(found: &Found, metric: &str, importance: &[Importance]) -> String {
    let mut lines = Vec::new();
    if let Some(best) = found.study.best() {
        let name = style::paint(style::NAME, &format!("trial {}", best.trial.number));
        let params = params(&best.trial.params);
        let value = figure(best.value);
        lines.push(format!(
            "{} {name}: {metric} {value} ({params})",
            verb_of("best", style::GOOD)
        ));
    }
    let complete = found
        .ends
        .values()
        .filter(|end| end.error.is_none())
        .count();
    if importance.len() > 1 && complete >= ENOUGH {
        let shares: Vec<_> = importance
            .iter()
            .map(|one| format!("{} {:.0}%", one.param, one.share * 100.0))
            .collect();
        lines.push(format!(
            "{} {}",
            verb_of("importance", style::FAINT),
            shares.join(", ")
        ));
    }
    lines.push(totals(found));
    lines.join("\n")
}

/// `50 trials: 30 ran, 19 restored, 1 failed in 12.9s`.
fn totals(found: &Found) -> String {
    let counted = Counted::of(found);
    let parts = [
        (counted.ran, "ran"),
        (counted.restored, "restored"),
        (counted.failed, "failed"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, verb)| format!("{n} {verb}"))
        .collect();
    let ended = match parts.is_empty() {
        true => "none ended".to_owned(),
        false => parts.join(", "),
    };
    let trials = count(found.ends.len(), "trial");
    let took = duration::format(found.duration);
    let end = match found.stop {
        None => String::new(),
        Some(Stop::Timeout) => "; the time was up".to_owned(),
        Some(Stop::Interrupted) => "; interrupted: the same command goes on from here".to_owned(),
        Some(Stop::Failing) => "; stopped, for too many failed in a row".to_owned(),
    };
    format!("{trials}: {ended} in {took}{end}")
}

/// How many trials ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// A stage executed.
    pub(crate) ran: usize,
    /// Everything was known.
    pub(crate) restored: usize,
    /// Without a value.
    pub(crate) failed: usize,
}

impl Counted {
    /// Counts the trials of a search.
    pub(crate) fn of(found: &Found) -> Self {
        let mut counted = Self::default();
        for end in found.ends.values() {
            *match (&end.error, end.executed.is_empty()) {
                (Some(_), _) => &mut counted.failed,
                (None, true) => &mut counted.restored,
                (None, false) => &mut counted.ran,
            } += 1;
        }
        counted
    }
}

/// The line that says which param got which value: `applied    lr: 0.1 → 0.01 in params.yaml`.
pub(crate) fn applied_line(name: &str, old: &Value, new: &Value, file: &str) -> String {
    format!(
        "{} {name}: {old} → {new} in {file}",
        verb_of("applied", style::GOOD)
    )
}

fn params(params: &Mapping) -> String {
    let each: Vec<_> = params
        .iter()
        .map(|(name, value)| format!("{name} {}", short(value)))
        .collect();
    each.join(", ")
}

fn verb_of(verb: &str, color: anstyle::Style) -> String {
    pad(&style::paint(color, verb), VERB)
}
