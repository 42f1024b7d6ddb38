//! What `status` and `why` say.

use hpipe_core::{Digest, ProjectPath, Reason, StageName};

use super::text::{count, grouped, one_line, pad};
use super::{reasons, style};
use crate::state::State;

/// How a stage stands and why.
#[derive(Debug, Clone)]
pub(crate) struct StageReport {
    /// Which stage.
    pub stage: StageName,
    /// How it stands.
    pub state: State,
    /// Why it is not up to date.
    pub reasons: Vec<Reason>,
}

/// What a stage reads, for `why`.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// The dep.
    pub path: ProjectPath,
    /// Its content now; none if it does not exist or is not known yet.
    pub digest: Option<Digest>,
    /// What that content came from: ``made by `split` ``, `a file of the project`.
    pub origin: String,
}

/// Writes a line for each stage and one that counts them.
///
/// Up-to-date stages are named only with `all`; without it a project that is up to date is one line.
pub(crate) fn status_text(stages: &[StageReport], all: bool) -> String {
    let shown: Vec<_> = stages
        .iter()
        .filter(|report| all || report.state != State::UpToDate)
        .collect();
    let names = shown
        .iter()
        .map(|report| super::text::width(report.stage.as_str()));
    let name_width = names.max().unwrap_or(0).min(40);
    let mut lines: Vec<_> = shown
        .iter()
        .map(|report| status_line(report, name_width))
        .collect();
    lines.push(status_summary(stages));
    lines.join("\n")
}

fn status_line(report: &StageReport, name_width: usize) -> String {
    let state = pad(
        &style::paint(style::of_state(report.state), report.state.words()),
        "may be stale".len(),
    );
    let name = style::paint(style::NAME, &one_line(report.stage.as_str(), 100));
    let line = format!(
        "{state} {} {}",
        pad(&name, name_width),
        reasons::brief(&report.reasons)
    );
    line.trim_end().to_owned()
}

/// `4 stages: 1 stale, 1 may be stale, 2 up to date`
fn status_summary(stages: &[StageReport]) -> String {
    const ORDER: [State; 5] = [
        State::Stale,
        State::MayBeStale,
        State::Frozen,
        State::Unknown,
        State::UpToDate,
    ];
    let counted = |state| {
        let n = stages.iter().filter(|report| report.state == state).count();
        (n > 0).then(|| format!("{} {}", grouped(n), state.words()))
    };
    let parts: Vec<_> = ORDER.into_iter().filter_map(counted).collect();
    match parts.is_empty() {
        true => count(0, "stage"),
        false => format!("{}: {}", count(stages.len(), "stage"), parts.join(", ")),
    }
}

/// Writes why a stage is not up to date, with old and new values, and what its inputs came from.
pub(crate) fn why_text(report: &StageReport, inputs: &[Input]) -> String {
    let name = style::paint(style::NAME, report.stage.as_str());
    let state = style::paint(style::of_state(report.state), report.state.words());
    let mut lines = vec![format!("{name} is {state}{}", why_clause(report))];
    lines.extend(reason_lines(&report.reasons));
    if !inputs.is_empty() {
        lines.push("reads".to_owned());
        lines.extend(input_lines(inputs));
    }
    lines.join("\n")
}

const fn why_clause(report: &StageReport) -> &'static str {
    match report.reasons.is_empty() {
        true => "",
        false => " because of",
    }
}

fn reason_lines(reasons: &[Reason]) -> Vec<String> {
    let subjects: Vec<_> = reasons.iter().map(reasons::subject).collect();
    let width = column_width(subjects.iter().map(String::as_str));
    let lines = reasons.iter().zip(&subjects);
    lines
        .flat_map(|(reason, subject)| reason_block(reason, subject, width))
        .collect()
}

/// A reason on one line, or on three when its values are commands.
fn reason_block(reason: &Reason, subject: &str, width: usize) -> Vec<String> {
    if !reasons::is_long(reason) {
        let line = format!("  {}  {}", pad(subject, width), reasons::change(reason));
        return vec![line.trim_end().to_owned()];
    }
    let old = reason
        .old
        .iter()
        .map(|value| signed('-', style::BAD, &value.to_string()));
    let new = reason
        .new
        .iter()
        .map(|value| signed('+', style::GOOD, &value.to_string()));
    std::iter::once(format!("  {subject}"))
        .chain(old)
        .chain(new)
        .collect()
}

/// A text of one or more lines, each behind a sign as in a diff.
fn signed(sign: char, color: anstyle::Style, text: &str) -> String {
    let line = |line: &str| style::paint(color, &format!("    {sign} {line}"));
    let lines: Vec<_> = text.trim_end().lines().map(line).collect();
    lines.join("\n")
}

fn input_lines(inputs: &[Input]) -> Vec<String> {
    let width = column_width(inputs.iter().map(|input| input.path.as_str()));
    inputs
        .iter()
        .map(|input| input_line(input, width))
        .collect()
}

fn input_line(input: &Input, width: usize) -> String {
    let digest = match &input.digest {
        Some(digest) => digest.short(),
        None => "-".to_owned(),
    };
    let path = pad(input.path.as_str(), width);
    format!(
        "  {path}  {digest:8}  {}",
        style::paint(style::FAINT, &input.origin)
    )
}

fn column_width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(super::text::width).max().unwrap_or(0).min(50)
}
