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
    /// The cache holds its outs: it would be restored, not executed.
    pub restorable: bool,
    /// The run of the execution that made what it holds, if it is up to date and one records it.
    pub run: Option<String>,
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

/// A file that differs in a folder, for `why`.
#[derive(Debug, Clone)]
pub(crate) struct ChangedFile {
    /// Where it lies.
    pub path: ProjectPath,
    /// What is different: `added`, `removed`, ….
    pub how: &'static str,
}

/// Files of a folder that are named before the rest is only counted.
const NAMED_FILES: usize = 10;

/// What is said of a stale stage that need not execute.
const RESTORABLE: &str = "would be restored";

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
    let made = report
        .run
        .as_deref()
        .map(|run| format!("made by run {run}"));
    let why = made.unwrap_or_else(|| reasons::brief(&report.reasons));
    let line = format!("{state} {} {why}", pad(&name, name_width));
    match report.restorable {
        true => format!(
            "{}; {}",
            line.trim_end(),
            style::paint(style::FAINT, RESTORABLE)
        ),
        false => line.trim_end().to_owned(),
    }
}

/// `4 stages: 2 stale (1 would be restored), 1 may be stale, 1 up to date`
fn status_summary(stages: &[StageReport]) -> String {
    const ORDER: [State; 5] = [
        State::Stale,
        State::MayBeStale,
        State::Frozen,
        State::Unknown,
        State::UpToDate,
    ];
    let restorable = stages.iter().filter(|report| report.restorable).count();
    let restored_of = |state| match state {
        State::Stale if restorable > 0 => format!(" ({} {RESTORABLE})", grouped(restorable)),
        _ => String::new(),
    };
    let counted = |state| {
        let n = stages.iter().filter(|report| report.state == state).count();
        (n > 0).then(|| format!("{} {}{}", grouped(n), state.words(), restored_of(state)))
    };
    let parts: Vec<_> = ORDER.into_iter().filter_map(counted).collect();
    match parts.is_empty() {
        true => count(0, "stage"),
        false => format!("{}: {}", count(stages.len(), "stage"), parts.join(", ")),
    }
}

/// Writes why a stage is not up to date, with old and new values, for each reason that names a folder the `files` that differ
/// in it, and what its inputs came from.
pub(crate) fn why_text(
    report: &StageReport,
    files: &[Vec<ChangedFile>],
    inputs: &[Input],
) -> String {
    let name = style::paint(style::NAME, report.stage.as_str());
    let state = style::paint(style::of_state(report.state), report.state.words());
    let is = match report.state {
        State::MayBeStale => "",
        _ => "is ",
    };
    let mut lines = vec![format!("{name} {is}{state}{}", why_clause(report))];
    lines.extend(reason_lines(&report.reasons, files));
    if report.restorable {
        lines.push(format!("{RESTORABLE} from the cache"));
    }
    lines.extend(report.run.iter().map(|run| format!("made by run {run}")));
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

fn reason_lines(reasons: &[Reason], files: &[Vec<ChangedFile>]) -> Vec<String> {
    let subjects: Vec<_> = reasons.iter().map(reasons::subject).collect();
    let width = column_width(subjects.iter().map(String::as_str));
    let mut lines = Vec::new();
    for (place, (reason, subject)) in reasons.iter().zip(&subjects).enumerate() {
        lines.extend(reason_block(reason, subject, width));
        lines.extend(
            files
                .get(place)
                .into_iter()
                .flat_map(|files| file_lines(files)),
        );
    }
    lines
}

/// The files that differ in a folder, a line each; of very many the first.
fn file_lines(files: &[ChangedFile]) -> Vec<String> {
    let named = &files[..files.len().min(NAMED_FILES)];
    let width = column_width(named.iter().map(|file| file.path.as_str()));
    let line = |file: &ChangedFile| {
        let path = pad(&one_line(file.path.as_str(), 100), width);
        format!("    {path}  {}", style::paint(style::FAINT, file.how))
    };
    let mut lines: Vec<_> = named.iter().map(line).collect();
    if files.len() > named.len() {
        let more = files.len() - named.len();
        lines.push(format!("    and {} more", grouped(more)));
    }
    lines
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

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::{ReasonKind, Value};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn report(stage: &str, state: State, reasons: Vec<Reason>) -> StageReport {
        StageReport {
            stage: StageName::known(stage),
            state,
            reasons,
            restorable: false,
            run: None,
        }
    }

    fn digest(byte: u8) -> Digest {
        Digest::blake3([byte; 32])
    }

    fn project() -> [StageReport; 4] {
        [
            report("prepare", State::UpToDate, vec![]),
            report(
                "train@ridge",
                State::Stale,
                vec![Reason::about(ReasonKind::DepChanged, "data/raw.csv")],
            ),
            report(
                "evaluate",
                State::MayBeStale,
                vec![Reason::about(ReasonKind::Upstream, "train@ridge")],
            ),
            report("publish", State::Frozen, vec![]),
        ]
    }

    #[test]
    fn status_names_what_is_not_up_to_date() {
        insta::assert_snapshot!(plain(&status_text(&project(), false)), @r"
        stale        train@ridge changed data/raw.csv
        may be stale evaluate    waits for train@ridge
        frozen       publish
        4 stages: 1 stale, 1 may be stale, 1 frozen, 1 up to date
        ");
    }

    #[test]
    fn status_says_what_would_be_restored() {
        let mut project = project();
        project[1].restorable = true;
        insta::assert_snapshot!(plain(&status_text(&project[..2], false)), @r"
        stale        train@ridge changed data/raw.csv; would be restored
        2 stages: 1 stale (1 would be restored), 1 up to date
        ");
    }

    #[test]
    fn status_names_everything_when_asked_to() {
        insta::assert_snapshot!(plain(&status_text(&project(), true)), @r"
        up to date   prepare
        stale        train@ridge changed data/raw.csv
        may be stale evaluate    waits for train@ridge
        frozen       publish
        4 stages: 1 stale, 1 may be stale, 1 frozen, 1 up to date
        ");
        insta::assert_snapshot!(plain(&status_text(&project()[..1], false)), @"1 stage: 1 up to date");
        insta::assert_snapshot!(plain(&status_text(&[], false)), @"0 stages");
    }

    #[test]
    fn why_shows_both_values() {
        let text = |byte| Value::Text(digest(byte).to_string());
        let cmd = Reason {
            name: None,
            ..Reason::changed(
                ReasonKind::Cmd,
                "",
                "python a.py".into(),
                "python a.py\n--fast".into(),
            )
        };
        let reasons = vec![
            cmd,
            Reason::changed(
                ReasonKind::ParamChanged,
                "train.lr",
                Value::Float(0.1),
                Value::Float(0.05),
            ),
            Reason::changed(
                ReasonKind::DepChanged,
                "data/raw.csv",
                text(0x1f),
                text(0x9a),
            ),
            Reason::about(ReasonKind::OutMissing, "model.json"),
        ];
        let inputs = [
            Input {
                path: ProjectPath::new("data/raw.csv"),
                digest: Some(digest(0x9a)),
                origin: "a file of the project".to_owned(),
            },
            Input {
                path: ProjectPath::new("x.csv"),
                digest: None,
                origin: "made by `prepare`".to_owned(),
            },
        ];
        insta::assert_snapshot!(plain(&why_text(&report("train", State::Stale, reasons), &[], &inputs)), @r"
        train is stale because of
          cmd changed
            - python a.py
            + python a.py
            + --fast
          param train.lr          0.1 → 0.05
          changed data/raw.csv    1f1f1f1f → 9a9a9a9a
          out missing model.json
        reads
          data/raw.csv  9a9a9a9a  a file of the project
          x.csv         -         made by `prepare`
        ");
    }

    #[test]
    fn why_names_the_files_of_a_folder_and_of_many_the_first() {
        let file = |(name, how): (String, &'static str)| ChangedFile {
            path: ProjectPath::new(&name),
            how,
        };
        let few = [
            ("src/a.py".to_owned(), "changed"),
            ("src/new.py".to_owned(), "added"),
        ];
        let many = (10..22).map(|i| (format!("data/{i}.csv"), "removed"));
        let reasons = vec![
            Reason::about(ReasonKind::DepChanged, "src"),
            Reason::about(ReasonKind::OutMissing, "model.json"),
            Reason::about(ReasonKind::DepChanged, "data"),
        ];
        let files = [few.map(file).to_vec(), Vec::new(), many.map(file).collect()];
        insta::assert_snapshot!(plain(&why_text(&report("train", State::Stale, reasons), &files, &[])), @r"
        train is stale because of
          changed src
            src/a.py    changed
            src/new.py  added
          out missing model.json
          changed data
            data/10.csv  removed
            data/11.csv  removed
            data/12.csv  removed
            data/13.csv  removed
            data/14.csv  removed
            data/15.csv  removed
            data/16.csv  removed
            data/17.csv  removed
            data/18.csv  removed
            data/19.csv  removed
            and 2 more
        ");
    }

    #[test]
    fn why_of_what_is_up_to_date_is_short() {
        insta::assert_snapshot!(plain(&why_text(&report("train", State::UpToDate, vec![]), &[], &[])), @"train is up to date");
    }
}
