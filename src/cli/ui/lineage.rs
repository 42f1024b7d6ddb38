//! What `hpipe models verify` and `hpipe models reproduce` say.

use hpipe_track::registry::Difference;
use serde::Serialize;

use super::text::{count, pad};
use super::{one_line, style};

/// How a thing that a version is made of stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Its bytes are there and what they were.
    Same,
    /// Other bytes are there, and its own nowhere.
    Changed,
    /// Nothing is there.
    Missing,
    /// Its bytes are gone, but can be made again.
    Gone,
}

impl Standing {
    /// Whether the version is whole all the same.
    pub(crate) const fn is_fine(self) -> bool {
        matches!(self, Self::Same | Self::Gone)
    }
}

/// One thing that a version is made of.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Evidence {
    /// `file`, `record`, `commit`, `text`, `data`, `out`.
    pub(crate) kind: &'static str,
    /// Which.
    pub(crate) name: String,
    /// How it stands.
    pub(crate) standing: Standing,
    /// Where its bytes were found, or why not.
    pub(crate) place: String,
}

/// What came of making a version anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Every byte of the model is the same.
    BitEqual,
    /// Every metric is the same.
    MetricEqual,
    /// Neither.
    Differs,
    /// It could not be made.
    Failed,
}

/// A version made anew.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Reproduced {
    /// The version.
    pub(crate) version: String,
    /// What came of it.
    pub(crate) verdict: Verdict,
    /// The digest of the model then.
    pub(crate) then: String,
    /// The digest of the model now; none if it could not be made.
    pub(crate) now: Option<String>,
    /// Metrics that differ: name, then, now.
    pub(crate) metrics: Vec<(String, Option<f64>, Option<f64>)>,
    /// What was not the same to begin with.
    pub(crate) causes: Vec<Difference>,
    /// Stages whose inputs were the same and whose outs are not.
    pub(crate) unsteady: Vec<String>,
    /// What could not be brought back: one sentence each.
    pub(crate) lacks: Vec<String>,
}

/// Writes a line for each thing, what is wrong first.
pub(crate) fn verified_text(version: &str, evidence: &[Evidence]) -> String {
    let wrong = evidence
        .iter()
        .filter(|one| !one.standing.is_fine())
        .count();
    let widest = |cell: fn(&Evidence) -> usize| evidence.iter().map(cell).max().unwrap_or(0);
    let (kinds, names) = (widest(|one| one.kind.len()), widest(|one| one.name.len()));
    let line = |one: &Evidence| {
        let (painted, word) = match one.standing {
            Standing::Same => (style::GOOD, "same   "),
            Standing::Changed => (style::BAD, "changed"),
            Standing::Missing => (style::BAD, "missing"),
            Standing::Gone => (style::FAINT, "gone   "),
        };
        let (kind, name) = (pad(one.kind, kinds), pad(&one.name, names));
        format!(
            "  {}  {kind}  {name}  {}",
            style::paint(painted, word),
            one.place
        )
    };
    let version = style::paint(style::NAME, version);
    let verdict = match wrong {
        0 => format!(
            "{version} is whole: {} verified",
            count(evidence.len(), "digest")
        ),
        _ => format!(
            "{version} is not whole: {wrong} of {} missing or changed",
            count(evidence.len(), "digest")
        ),
    };
    let lines = evidence.iter().map(line);
    lines.chain([verdict]).collect::<Vec<_>>().join("\n")
}

/// Says whether a version made anew is the same, and if not, because of what.
pub(crate) fn reproduced_text(done: &Reproduced) -> String {
    let version = style::paint(style::NAME, &done.version);
    let mut lines = vec![match done.verdict {
        Verdict::BitEqual => format!("{version} is reproduced bit for bit: {}", done.then),
        Verdict::MetricEqual => {
            format!("{version} is reproduced with equal metrics, by a model of other bytes")
        }
        Verdict::Differs => format!("{version} is not reproduced: the model differs"),
        Verdict::Failed => format!("{version} cannot be reproduced"),
    }];
    if let (Some(now), false) = (&done.now, done.verdict == Verdict::BitEqual) {
        lines.push(format!("  model: {} then, {now} now", done.then));
    }
    for (name, then, now) in &done.metrics {
        let figure = |value: &Option<f64>| value.map_or_else(|| "-".to_owned(), |x| x.to_string());
        lines.push(format!(
            "  {name}: {} then, {} now",
            figure(then),
            figure(now)
        ));
    }
    for cause in &done.causes {
        let text = |value: &Option<serde_json::Value>| {
            value
                .as_ref()
                .map_or_else(|| "-".to_owned(), |value| one_line(&value.to_string(), 80))
        };
        let (then, now) = (text(&cause.old), text(&cause.new));
        lines.push(format!(
            "  because of {} {}: {then} then, {now} now",
            cause.kind, cause.name
        ));
    }
    for stage in &done.unsteady {
        lines.push(format!(
            "  because stage {stage} made something else of the same inputs"
        ));
    }
    lines.extend(done.lacks.iter().map(|lack| format!("  {lack}")));
    lines.join("\n")
}
