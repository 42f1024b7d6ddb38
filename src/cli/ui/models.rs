//! What `hpipe models` says: tables of models and versions, all that is known of one, its history.

use hpipe_core::Value;
use hpipe_store::readable_time;
use hpipe_track::ledger::{
    HistoryEvent, ModelVersion, Pair, Promoted, Registered, RegisteredModel, Registration,
    RolledBack, Stage, Tenure,
};
use hpipe_track::registry::{Check, Difference, Lineage};
use serde_json::Value as Json;

use super::metrics::short;
use super::text::{count, one_line, pad, pad_left, styled_width};
use super::{metrics_table, style};
use crate::amount::bytes;

/// A model and all its versions.
pub(crate) struct ShownModel {
    pub(crate) model: RegisteredModel,
    pub(crate) versions: Vec<ShownVersion>,
}

/// A version and what is known of it.
pub(crate) struct ShownVersion {
    pub(crate) version: ModelVersion,
    pub(crate) registration: Option<Registration>,
    pub(crate) tenures: Vec<Tenure>,
}

/// A version by its metrics.
pub(crate) struct ComparedVersion {
    pub(crate) name: String,
    pub(crate) stage: String,
    pub(crate) metrics: Vec<(String, f64)>,
}

/// What one version has otherwise than another.
pub(crate) struct VersionDiff {
    pub(crate) old: ComparedVersion,
    pub(crate) new: ComparedVersion,
    /// None when nobody knows where one of them comes from.
    pub(crate) origins: Option<Vec<Difference>>,
}

impl ComparedVersion {
    pub(crate) fn of(shown: &ShownVersion) -> Self {
        let known = shown.registration.as_ref();
        let metrics = known.map(|known| known.record.metrics.clone());
        Self {
            name: reference(&shown.version),
            stage: shown.version.stage.clone(),
            metrics: metrics.unwrap_or_default().into_iter().collect(),
        }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let mut metrics = self.metrics.iter();
        metrics
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    }
}

fn reference(version: &ModelVersion) -> String {
    format!("{}/{}", version.name, version.version)
}

/// Columns of text under headings; those of `rights` to the right.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>], rights: &[usize]) -> String {
    let widths: Vec<_> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| {
            let cells = rows.iter().map(|row| styled_width(&row[at]));
            cells.chain([styled_width(heading)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| {
        let cells = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| match rights.contains(&at) {
                true => pad_left(cell, widths[at]),
                false => pad(cell, widths[at]),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let heading = headings
        .iter()
        .map(|heading| style::paint(style::NAME, heading));
    let rows = rows.iter().map(|row| line(row.clone()));
    std::iter::once(line(heading.collect()))
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `model`, `label   value`, each label once.
fn labelled(lines: &[(&str, String)]) -> Vec<String> {
    let widest = lines
        .iter()
        .map(|(label, _)| label.len())
        .max()
        .unwrap_or(0);
    let mut last = "";
    let lines = lines.iter().map(|(label, text)| {
        let shown = if *label == last { "" } else { label };
        last = label;
        format!(
            "  {}  {text}",
            style::paint(style::FAINT, &format!("{shown:widest$}"))
        )
    });
    lines.map(|line| line.trim_end().to_owned()).collect()
}

fn or_dash(text: String) -> String {
    match text.is_empty() {
        true => "-".to_owned(),
        false => text,
    }
}

fn stage_word(stage: &str) -> String {
    let painted = match stage {
        "Production" => style::GOOD,
        "Staging" => style::BUSY,
        _ => style::FAINT,
    };
    style::paint(painted, stage)
}

fn pairs(pairs: &[Pair]) -> String {
    let pairs = pairs
        .iter()
        .map(|pair| format!("{}={}", pair.key, one_line(&pair.value, 60)));
    pairs.collect::<Vec<_>>().join(", ")
}

/// Writes a line a model.
pub(crate) fn models_table(models: &[ShownModel]) -> String {
    let rows: Vec<_> = models
        .iter()
        .map(|shown| {
            let standing = |stage: &Stage| {
                let versions = shown.versions.iter();
                let versions = versions.filter(|found| found.version.stage == stage.name());
                let numbers = versions.map(|found| found.version.version.to_string());
                or_dash(numbers.collect::<Vec<_>>().join(", "))
            };
            let newest = shown
                .versions
                .last()
                .map(|found| found.version.version.to_string());
            vec![
                style::paint(style::NAME, &shown.model.name),
                shown.versions.len().to_string(),
                standing(&Stage::Production),
                standing(&Stage::Staging),
                newest.unwrap_or_else(|| "-".to_owned()),
                readable_time(shown.model.updated),
            ]
        })
        .collect();
    let headings = [
        "model",
        "versions",
        "Production",
        "Staging",
        "newest",
        "changed",
    ];
    table(&headings, &rows, &[1])
}

/// Writes a model and a line a version.
pub(crate) fn model_text(shown: &ShownModel) -> String {
    let model = &shown.model;
    let mut about = Vec::new();
    about.extend(
        model
            .description
            .iter()
            .map(|text| ("description", text.clone())),
    );
    if !model.tags.is_empty() {
        about.push(("tags", pairs(&model.tags)));
    }
    let mut lines = vec![style::paint(style::NAME, &model.name)];
    lines.extend(labelled(&about));
    let metrics = shown_metrics(&shown.versions);
    let rows: Vec<_> = shown
        .versions
        .iter()
        .map(|found| version_row(found, &metrics))
        .collect();
    let mut headings = vec!["version", "stage", "aliases", "registered", "by"];
    headings.extend(metrics.iter().map(String::as_str));
    let rights: Vec<_> = std::iter::once(0).chain(5..headings.len()).collect();
    lines.push(table(&headings, &rows, &rights));
    lines.join("\n")
}

/// The metrics that tell most: up to three that the newest version has, of the test part first.
fn shown_metrics(versions: &[ShownVersion]) -> Vec<String> {
    let newest = versions
        .iter()
        .rev()
        .find_map(|found| found.registration.as_ref());
    let mut names: Vec<_> = newest
        .map(|known| known.record.metrics.keys().cloned().collect())
        .unwrap_or_default();
    let is_figure = |name: &String| !name.ends_with("rows");
    names.retain(is_figure);
    let rank = |name: &String| {
        let part = !name.starts_with("test.");
        let last = name.rsplit('.').next().unwrap_or_default();
        let known = ["rmse", "r2", "mae", "accuracy", "loss"];
        (
            part,
            known
                .iter()
                .position(|word| *word == last)
                .unwrap_or(known.len()),
        )
    };
    names.sort_by_key(rank);
    names.truncate(3);
    names
}

fn version_row(found: &ShownVersion, metrics: &[String]) -> Vec<String> {
    let version = &found.version;
    let mut row = vec![
        version.version.to_string(),
        stage_word(&version.stage),
        or_dash(version.aliases.join(", ")),
        readable_time(version.created),
        version.user.clone().unwrap_or_else(|| "-".to_owned()),
    ];
    let known = found.registration.as_ref();
    row.extend(metrics.iter().map(|name| {
        let value = known.and_then(|known| known.record.metrics.get(name));
        value.map_or_else(|| "-".to_owned(), |value| short(&Value::Float(*value)))
    }));
    row
}

/// Writes all that is known of a version.
pub(crate) fn version_text(shown: &ShownVersion) -> String {
    let version = &shown.version;
    let mut lines = vec![format!(
        "{}  {}",
        style::paint(style::NAME, &reference(version)),
        stage_word(&version.stage)
    )];
    lines.extend(labelled(&about_version(shown)));
    if let Some(known) = &shown.registration {
        lines.extend(record_lines(known));
        if let Some(lineage) = &known.lineage {
            lines.push(style::paint(style::NAME, "made by"));
            lines.extend(labelled(&lineage_lines(lineage)));
        }
    }
    lines.join("\n")
}

fn about_version(shown: &ShownVersion) -> Vec<(&'static str, String)> {
    let version = &shown.version;
    let by = version.user.as_ref().map(|user| format!(" by {user}"));
    let by = by.unwrap_or_default();
    let mut lines = vec![(
        "registered",
        format!("{}{by}", readable_time(version.created)),
    )];
    if let Some(since) = shown
        .tenures
        .iter()
        .rev()
        .find(|tenure| tenure.to.is_none())
    {
        lines.push((
            "since",
            format!("{} in {}", readable_time(since.from), since.stage),
        ));
    }
    if !version.aliases.is_empty() {
        lines.push(("aliases", version.aliases.join(", ")));
    }
    if !version.tags.is_empty() {
        lines.push(("tags", pairs(&version.tags)));
    }
    lines.extend(
        version
            .description
            .iter()
            .map(|text| ("about", text.clone())),
    );
    lines.extend(version.run_id.iter().map(|run| ("run", run.clone())));
    if shown.registration.is_none() {
        lines.push(("source", version.source.clone()));
    }
    lines
}

fn record_lines(known: &Registration) -> Vec<String> {
    let record = &known.record;
    let mut lines = vec![style::paint(style::NAME, "files")];
    let files = record.files.iter().filter(|file| file.role != "file");
    let mut seen = std::collections::BTreeSet::new();
    let files: Vec<_> = files
        .filter(|file| file.within.is_none() || seen.insert(&file.path))
        .map(|file| {
            let text = match file.within {
                Some(_) => file.path.clone(),
                None => format!(
                    "{} ({}, {})",
                    file.path,
                    bytes(file.size),
                    file.digest.short()
                ),
            };
            (file.role.as_str(), text)
        })
        .collect();
    lines.extend(labelled(&files));
    if !record.metrics.is_empty() {
        lines.push(style::paint(style::NAME, "metrics"));
        let metrics = record.metrics.iter();
        let metrics: Vec<_> = metrics
            .map(|(name, value)| (name.as_str(), short(&Value::Float(*value))))
            .collect();
        lines.extend(labelled(&metrics));
    }
    if let Some(Json::Array(inputs)) = &record.inputs {
        lines.push(style::paint(style::NAME, "inputs"));
        let inputs: Vec<_> = inputs.iter().filter_map(input_line).collect();
        lines.extend(labelled(&inputs));
    }
    lines
}

/// `MedInc  number, 0.5 to 15`
fn input_line(input: &Json) -> Option<(&str, String)> {
    let text = |key: &str| input.get(key).and_then(Json::as_str);
    let number = |key: &str| input.get(key).and_then(Json::as_f64);
    let figure = |x: f64| short(&Value::Float(x));
    let range = number("min").zip(number("max"));
    let range = range.map(|(min, max)| format!(", {} to {}", figure(min), figure(max)));
    let words = input.get("categories").and_then(Json::as_array);
    let words = words.map(|words| format!(", {}", count(words.len(), "word")));
    let kind = text("type").unwrap_or("?");
    let rest = range.or(words).unwrap_or_default();
    Some((text("name")?, format!("{kind}{rest}")))
}

fn lineage_lines(lineage: &Lineage) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let key = lineage
        .stages
        .get(&lineage.stage)
        .map(|stage| stage.key.short());
    let key = key.map(|key| format!(" (key {key})")).unwrap_or_default();
    lines.push(("stage", format!("{}{key}", lineage.stage)));
    lines.push(("stages", format!("{} in all", lineage.stages.len())));
    if let Some(code) = &lineage.code {
        let mark = if code.dirty { ", with changes" } else { "" };
        let short = code.commit.get(..12).unwrap_or(&code.commit);
        lines.push(("commit", format!("{short}{mark}")));
    }
    lines.push(("hpipe", lineage.hpipe.clone()));
    for source in &lineage.sources {
        lines.push((
            "data",
            format!("{} ({})", source.path, source.digest.short()),
        ));
    }
    let seeds = lineage.seeds();
    let mut values: Vec<_> = seeds.values().map(ToString::to_string).collect();
    values.sort();
    values.dedup();
    if !values.is_empty() {
        lines.push(("seeds", values.join(", ")));
    }
    lines
}

/// Writes what happened to a model or a version, a line an event, then who stands where since when.
pub(crate) fn history_text(events: &[HistoryEvent], tenures: &[Tenure]) -> String {
    let mut lines: Vec<_> = events.iter().flat_map(event_lines).collect();
    let rows: Vec<_> = tenures
        .iter()
        .map(|tenure| {
            vec![
                stage_word(&tenure.stage),
                tenure.version.to_string(),
                readable_time(tenure.from),
                tenure.to.map_or_else(|| "now".to_owned(), readable_time),
            ]
        })
        .collect();
    if !rows.is_empty() {
        lines.push(String::new());
        lines.push(table(&["stage", "version", "from", "to"], &rows, &[1]));
    }
    lines.join("\n")
}

fn event_lines(event: &HistoryEvent) -> Vec<String> {
    let (from, to) = (event.from_stage.as_deref(), event.to_stage.as_deref());
    let what = match event.event.as_str() {
        "created" => "registered".to_owned(),
        "moved" => format!("{} → {}", from.unwrap_or("None"), to.unwrap_or("None")),
        "rolled_back" => format!(
            "{} → {} (rolled back)",
            from.unwrap_or("None"),
            to.unwrap_or("None")
        ),
        "refused" => format!("not to {}", to.unwrap_or("None")),
        other => other.to_owned(),
    };
    let forced = if event.is_forced { " (forced)" } else { "" };
    let by = event
        .user
        .as_ref()
        .map(|user| format!(" by {user}"))
        .unwrap_or_default();
    let why = event
        .reason
        .as_ref()
        .map(|why| format!(": {}", one_line(why, 200)));
    let why = why.unwrap_or_default();
    let name = style::paint(style::NAME, &format!("{}/{}", event.name, event.version));
    let mut lines = vec![format!(
        "{} {name} {what}{forced}{by}{why}",
        readable_time(event.at)
    )];
    let checks: Vec<Check> = event
        .gates
        .as_ref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    lines.extend(checks.iter().map(check_line));
    lines
}

/// `  pass  test.rmse 0.4 is at most 0.42`
fn check_line(check: &Check) -> String {
    let verdict = match check.passed {
        true => style::paint(style::GOOD, "pass"),
        false => style::paint(style::BAD, "fail"),
    };
    format!("  {verdict}  {}", check.message)
}

/// Says what came of a registration.
pub(crate) fn registered_line(name: &str, registered: &Registered) -> String {
    let verb = style::paint(style::GOOD, "registered");
    let version = style::paint(style::NAME, &format!("{name}/{}", registered.version));
    let mut lines = vec![match (registered.is_new, registered.is_deleted) {
        (true, _) => format!("{verb} {version}"),
        (false, false) => format!("{verb} {version} before"),
        (false, true) => format!("{verb} {version} before, and deleted since: it stays deleted"),
    }];
    if let Some(promoted) = &registered.promoted {
        lines.push(promoted_line(&version, promoted));
        lines.extend(promoted.checks.iter().map(check_line));
    }
    lines.join("\n")
}

fn promoted_line(version: &str, promoted: &Promoted) -> String {
    let stage = promoted.stage.name();
    let archived: Vec<_> = promoted.archived.iter().map(ToString::to_string).collect();
    let archived = match archived.as_slice() {
        [] => String::new(),
        [one] => format!("; version {one} is archived"),
        _ => format!("; versions {} are archived", archived.join(", ")),
    };
    match promoted.is_moved {
        true => format!("{version} is in {stage} now{archived}"),
        false => format!("{version} is not promoted to {stage}"),
    }
}

/// Says what came of a promotion, or what its gates say.
pub(crate) fn promoted_text(found: &ModelVersion, promoted: &Promoted, is_dry: bool) -> String {
    let version = style::paint(style::NAME, &reference(found));
    let passes = promoted.checks.iter().all(|check| check.passed);
    let line = match is_dry {
        true => {
            let word = if passes {
                "would pass"
            } else {
                "would not pass"
            };
            format!("{version} {word} the gates of {}", promoted.stage.name())
        }
        false => promoted_line(&version, promoted),
    };
    let checks = promoted.checks.iter().map(check_line);
    std::iter::once(line)
        .chain(checks)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Says what came of a way back.
pub(crate) fn rolled_back_text(name: &str, stage: &Stage, done: &RolledBack) -> String {
    let left: Vec<_> = done.left.iter().map(ToString::to_string).collect();
    let left = match left.as_slice() {
        [] => String::new(),
        [one] => format!("; version {one} is archived"),
        _ => format!("; versions {} are archived", left.join(", ")),
    };
    let version = style::paint(style::NAME, &format!("{name}/{}", done.version));
    format!("{version} is in {} again{left}", stage.name())
}

/// Writes the metrics of versions side by side.
pub(crate) fn comparison_text(versions: &[ComparedVersion], columns: usize) -> String {
    let files: Vec<_> = versions
        .iter()
        .map(|version| {
            let metrics = version.metrics.iter();
            let metrics = metrics.map(|(name, value)| (name.clone(), Value::Float(*value)));
            let name = match version.stage.as_str() {
                "None" => version.name.clone(),
                stage => format!("{} ({stage})", version.name),
            };
            (name, Value::Map(metrics.collect()))
        })
        .collect();
    metrics_table(&files, columns, super::Verbosity::Verbose)
}

/// Writes what one version is made of and another is not, and how the metrics changed.
pub(crate) fn diff_text(diff: &VersionDiff) -> String {
    let mut lines = vec![format!("{} → {}", diff.old.name, diff.new.name)];
    let value = |value: Option<&Json>| match value {
        None => "-".to_owned(),
        Some(Json::String(text)) if text.starts_with("blake3:") => text[7..15].to_owned(),
        Some(Json::String(text)) => one_line(text, 60),
        Some(other) => one_line(&other.to_string(), 60),
    };
    match &diff.origins {
        None => lines.push("where one of them comes from is not recorded".to_owned()),
        Some(origins) if origins.is_empty() => lines.push("both come from the same".to_owned()),
        Some(origins) => {
            let rows: Vec<_> = origins
                .iter()
                .map(|one| {
                    let (old, new) = (value(one.old.as_ref()), value(one.new.as_ref()));
                    vec![one.kind.to_owned(), one.name.clone(), old, new]
                })
                .collect();
            lines.push(table(&["", "what", "old", "new"], &rows, &[]));
        }
    }
    let names: std::collections::BTreeSet<_> = [&diff.old, &diff.new]
        .iter()
        .flat_map(|version| version.metrics.iter().map(|(name, _)| name))
        .collect();
    let changed = names
        .into_iter()
        .filter(|name| diff.old.metric(name) != diff.new.metric(name));
    let rows: Vec<_> = changed.map(|name| metric_row(diff, name)).collect();
    if !rows.is_empty() {
        lines.push(table(
            &["metric", "old", "new", "change"],
            &rows,
            &[1, 2, 3],
        ));
    }
    lines.join("\n")
}

fn metric_row(diff: &VersionDiff, name: &str) -> Vec<String> {
    let (old, new) = (diff.old.metric(name), diff.new.metric(name));
    let figure = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| short(&Value::Float(value)))
    };
    let change = old.zip(new).map(|(old, new)| new - old);
    let sign = if change.is_some_and(|change| change > 0.0) {
        "+"
    } else {
        ""
    };
    vec![
        name.to_owned(),
        figure(old),
        figure(new),
        format!("{sign}{}", figure(change)),
    ]
}
