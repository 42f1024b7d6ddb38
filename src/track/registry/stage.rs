//! The built-in stage `register`: writes down what shall be registered, whatever kind of model it is.
//!
//! It names its files by digest, takes metrics from the files it is given, and says which gates the version must pass; it
//! neither knows the ledger nor judges the gates, for what stands in a stage is no input of a stage. The command that
//! executes the pipeline registers what is written here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hpipe_core::{
    Arity, Direction, Execution, OptionFault, Port, PortPath, Stage, StageError, Value,
};
use serde::Deserialize;
use serde_json::Value as Json;

use super::gates::Gates;
use super::latency::LatencyBudget;
use super::lineage::json;
use super::record::{DataUsed, Promote, Record, RecordedFile, Segment};
use super::replay::Replay;
use crate::ledger::{self, Stages};

/// The name of the stage.
pub const REGISTER: &str = "register";

/// The built-in stage `register`.
#[derive(Debug, Clone, Default)]
pub struct Register {
    /// The stages that versions may come into.
    pub stages: Stages,
}

/// The options as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    promote: Option<String>,
    #[serde(default = "yes")]
    archive_existing: bool,
    #[serde(default)]
    gates: BTreeMap<String, Gates>,
}

const fn yes() -> bool {
    true
}

const fn dep(role: &'static str, arity: Arity, doc: &'static str) -> Port {
    Port {
        role,
        direction: Direction::Dep,
        arity,
        doc,
    }
}

const PORTS: &[Port] = &[
    dep("model", Arity::One, "the model to register, of any kind"),
    dep(
        "transform",
        Arity::Optional,
        "what makes features of its inputs",
    ),
    dep(
        "profile",
        Arity::Optional,
        "its inputs and what they look like, as the stage `profile` says (JSON)",
    ),
    dep(
        "package",
        Arity::Optional,
        "a folder that other programs load the model from, as the stage `export` makes for MLflow",
    ),
    dep(
        "evaluation",
        Arity::Optional,
        "the metrics of the stage `evaluate`, of which those of its best model count (JSON)",
    ),
    dep(
        "metrics",
        Arity::Any,
        "metrics of the model: all numbers in these files, by dotted name (JSON)",
    ),
    dep(
        "quality",
        Arity::Optional,
        "the quality of the data, as the stage `ingest` says (JSON)",
    ),
    dep(
        "data",
        Arity::Any,
        "the data that the metrics were measured on; only its digest is recorded",
    ),
    dep(
        "files",
        Arity::Any,
        "what else shall be kept with the version",
    ),
    Port {
        role: "record",
        direction: Direction::Out,
        arity: Arity::One,
        doc: "what is registered (JSON)",
    },
];

impl Stage for Register {
    fn name(&self) -> &'static str {
        REGISTER
    }

    fn version(&self) -> u32 {
        2 // 1 did not say which files of a package are programs
    }

    fn summary(&self) -> &'static str {
        "registers a model with its metrics, inputs and lineage, and promotes it if its gates pass"
    }

    fn ports(&self) -> &'static [Port] {
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options(with, &self.stages).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        let record = record_of(execution.with, execution.deps, &self.stages)?;
        write(execution.out("record"), &record.to_bytes())
    }
}

/// The record of what these options and deps say.
///
/// # Errors
/// When an option is wrong, or a dep cannot be read.
pub fn record_of(with: &Value, deps: &[PortPath], stages: &Stages) -> Result<Record, StageError> {
    let options = options(with, stages).map_err(|faults| {
        let first = faults.into_iter().next();
        StageError::new(first.map_or_else(String::new, |fault| fault.message))
    })?;
    record(deps, options, stages)
}

/// The deps of a role, in the order they are written.
fn of_role<'a>(deps: &'a [PortPath], role: &'a str) -> impl Iterator<Item = &'a PortPath> {
    deps.iter().filter(move |dep| dep.role == role)
}

fn fault(path: impl Into<String>, message: impl Into<String>, help: Option<&str>) -> OptionFault {
    OptionFault {
        path: path.into(),
        message: message.into(),
        help: help.map(str::to_owned),
    }
}

/// Reads and checks the options.
fn options(with: &Value, stages: &Stages) -> Result<Options, Vec<OptionFault>> {
    let mut written = json(with);
    if let Json::Object(entries) = &mut written {
        entries.retain(|_, value| !value.is_null());
        texts(entries.get_mut("tags"));
    }
    let options: Options = serde_path_to_error::deserialize(written).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        vec![fault(path, error.into_inner().to_string(), None)]
    })?;
    let mut faults = Vec::new();
    if let Err(error) = ledger::check_model_name(&options.name) {
        faults.push(fault("name", error.to_string(), None));
    }
    let guarded = options
        .gates
        .keys()
        .map(|stage| (format!("gates.{stage}"), stage));
    let promote = options
        .promote
        .iter()
        .map(|stage| ("promote".to_owned(), stage));
    for (path, stage) in promote.chain(guarded) {
        if let Err(error) = stages.parse(stage) {
            let help = "the setting `registry.stages` adds stages";
            faults.push(fault(path, error.to_string(), Some(help)));
        }
    }
    for (stage, gates) in &options.gates {
        let budget = gates.latency.and_then(LatencyBudget::fault);
        faults.extend(budget.map(|why| fault(format!("gates.{stage}.latency"), why, None)));
        let replay = gates.replay.and_then(Replay::fault);
        faults.extend(replay.map(|why| fault(format!("gates.{stage}.replay"), why, None)));
        for (place, gate) in gates.not_worse.iter().enumerate() {
            if gate.direction().is_none() {
                let message = format!("nobody knows whether a lower `{}` is better", gate.metric);
                let path = format!("gates.{stage}.not_worse.{place}.better");
                faults.push(fault(
                    path,
                    message,
                    Some("say `better: lower` or `better: higher`"),
                ));
            }
        }
    }
    match faults.is_empty() {
        true => Ok(options),
        false => Err(faults),
    }
}

/// Numbers and truth values in tags are meant as texts.
fn texts(tags: Option<&mut Json>) {
    let Some(Json::Object(tags)) = tags else {
        return;
    };
    for value in tags.values_mut() {
        if value.is_number() || value.is_boolean() {
            *value = Json::from(value.to_string());
        }
    }
}

/// The stage by its own name: `production` is `Production`.
fn stage_name(stages: &Stages, stage: &str) -> String {
    let known = stages.parse(stage);
    known.map_or_else(|_| stage.to_owned(), |known| known.name().to_owned())
}

fn record(deps: &[PortPath], options: Options, stages: &Stages) -> Result<Record, StageError> {
    let mut record = Record {
        name: options.name,
        description: options.description,
        tags: options.tags,
        aliases: options.aliases,
        promote: options.promote.map(|stage| Promote {
            archives_existing: options.archive_existing
                && stages.parse(&stage).is_ok_and(|stage| stage.is_active()),
            stage: stage_name(stages, &stage),
        }),
        gates: options
            .gates
            .into_iter()
            .map(|(stage, gates)| (stage_name(stages, &stage), gates))
            .collect(),
        ..Record::default()
    };
    for (role, as_role) in [
        ("model", "model"),
        ("transform", "transform"),
        ("profile", "profile"),
        ("package", "package"),
        ("metrics", "metrics"),
        ("files", "file"),
    ] {
        for port in of_role(deps, role) {
            record.files.extend(recorded(port, as_role)?);
        }
    }
    for port in of_role(deps, "data") {
        let digest = hpipe_store::hash_path(&port.path)
            .map_err(unreadable(port))?
            .0;
        let path = port.declared.to_string();
        record.data.push(DataUsed { path, digest });
    }
    describe(deps, &mut record)?;
    Ok(record)
}

/// Takes over what the files say of the model.
fn describe(deps: &[PortPath], record: &mut Record) -> Result<(), StageError> {
    for port in of_role(deps, "metrics") {
        numbers("", &read(port)?, &mut record.metrics);
    }
    for port in of_role(deps, "evaluation") {
        evaluated(port, record)?;
    }
    for port in of_role(deps, "quality") {
        let report = read(port)?;
        let verdict = report.get("verdict").and_then(Json::as_str);
        record.quality = Some(verdict.ok_or_else(|| lacks(port, "verdict"))?.to_owned());
    }
    for port in of_role(deps, "profile") {
        let profile = read(port)?;
        let content = profile.get("content").unwrap_or(&profile);
        record.target = content
            .get("target")
            .and_then(Json::as_str)
            .map(str::to_owned);
        record.inputs = content.get("inputs").cloned();
    }
    Ok(())
}

/// The metrics of the best model, and of the parts its errors are divided into.
fn evaluated(port: &PortPath, record: &mut Record) -> Result<(), StageError> {
    let evaluation = read(port)?;
    let best = evaluation.get("best").and_then(Json::as_str);
    let best = best.ok_or_else(|| lacks(port, "best"))?;
    let model = evaluation.get("models").and_then(|models| models.get(best));
    let model = model.ok_or_else(|| lacks(port, &format!("models.{best}")))?;
    numbers(
        "",
        model.get("scores").unwrap_or(&Json::Null),
        &mut record.metrics,
    );
    record
        .tags
        .entry("model".to_owned())
        .or_insert_with(|| best.to_owned());
    for (key, group) in [("by_region", "region"), ("by_target", "target")] {
        let parts = model
            .get("residuals")
            .and_then(|residuals| residuals.get(key));
        let parts = parts.and_then(Json::as_array).into_iter().flatten();
        record
            .segments
            .extend(parts.map(|part| segment(group, part)));
    }
    Ok(())
}

fn segment(group: &str, part: &Json) -> Segment {
    let mut metrics = BTreeMap::new();
    for name in ["rmse", "mae"] {
        metrics.extend(
            part.get(name)
                .and_then(Json::as_f64)
                .map(|x| (name.to_owned(), x)),
        );
    }
    let name = part.get("name").and_then(Json::as_str).unwrap_or_default();
    Segment {
        group: group.to_owned(),
        name: name.to_owned(),
        rows: part.get("rows").and_then(Json::as_u64).unwrap_or(0),
        metrics,
    }
}

/// Adds every number of a document under its dotted name.
fn numbers(above: &str, value: &Json, metrics: &mut BTreeMap<String, f64>) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let name = match above {
                    "" => key.clone(),
                    above => format!("{above}.{key}"),
                };
                numbers(&name, value, metrics);
            }
        }
        Json::Number(number) if !above.is_empty() => {
            metrics.extend(number.as_f64().map(|number| (above.to_owned(), number)));
        }
        _ => {}
    }
}

/// A file, or every file of a folder.
fn recorded(port: &PortPath, role: &str) -> Result<Vec<RecordedFile>, StageError> {
    let mut found = Vec::new();
    match port.path.is_dir() {
        true => walk(&port.path, "", &mut found).map_err(unreadable(port))?,
        false => found.push((port.path.clone(), None)),
    }
    found.sort();
    let files = found.into_iter().map(|(path, within)| {
        let (digest, size) = hpipe_store::hash_path(&path).map_err(unreadable(port))?;
        Ok(RecordedFile {
            role: role.to_owned(),
            path: port.declared.to_string(),
            digest,
            size,
            within,
            executable: is_executable(&path).map_err(unreadable(port))?,
        })
    });
    files.collect()
}

fn is_executable(path: &Path) -> std::io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o100 != 0)
}

fn walk(
    folder: &Path,
    above: &str,
    found: &mut Vec<(PathBuf, Option<String>)>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let within = match above {
            "" => name,
            above => format!("{above}/{name}"),
        };
        match entry.path().is_dir() {
            true => walk(&entry.path(), &within, found)?,
            false => found.push((entry.path(), Some(within))),
        }
    }
    Ok(())
}

fn read(port: &PortPath) -> Result<Json, StageError> {
    let bytes = std::fs::read(&port.path).map_err(unreadable(port))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        StageError::caused(format!("failed to read {} as JSON", port.declared), error)
    })
}

fn unreadable(port: &PortPath) -> impl Fn(std::io::Error) -> StageError {
    let path = port.declared.to_string();
    move |error| StageError::caused(format!("failed to read {path}"), error)
}

fn lacks(port: &PortPath, key: &str) -> StageError {
    StageError::new(format!("{} has no `{key}`", port.declared))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StageError> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| StageError::caused("failed to write the registration", error))
}
