//! What is known of a run before its stage executes: whose it is, its params, what it reads.

use hpipe_core::ContentKind;
use hpipe_engine::Observed;
use hpipe_spec::{Action, StageSpec, Track};
use hpipe_store::{LockAction, LockDep, LockEntry};
use hpipe_track::ledger::{Dataset, DatasetInput, Pair};
use serde_json::json;

use super::words::{Params, tag};

/// Built-in stages whose executions are runs unless their stage says `track: false`.
const TRACKED: [&str; 3] = ["train", "tune", "evaluate"];

/// Digits of a digest that MLflow has room for.
const DIGEST: usize = 32;

/// Whether executions of `stage` are runs.
pub(super) fn is_tracked(stage: &StageSpec) -> bool {
    match (&stage.execution().track, &stage.action) {
        (Some(track), _) => track.is_wanted,
        (None, Action::Builtin { name, .. }) => TRACKED.contains(&name.as_str()),
        (None, Action::Command(_)) => false,
    }
}

/// What the stage says of its runs.
pub(super) fn said(stage: &StageSpec) -> Track {
    stage.execution().track.clone().unwrap_or_default()
}

/// The tags that say which execution a run is of.
pub(super) fn tags(execution: &Observed<'_>) -> Vec<Pair> {
    let stage = execution.stage;
    let mut tags = vec![
        tag("mlflow.project.entryPoint", stage.name.as_str()),
        tag("hpipe.stage", stage.name.as_str()),
        tag("hpipe.stage_key", &execution.entry.key.to_string()),
        tag("hpipe.attempt", execution.attempt),
    ];
    if let LockAction::Builtin { name, version, .. } = &execution.entry.action {
        tags.push(tag("hpipe.uses", name));
        tags.push(tag("hpipe.uses_version", &version.to_string()));
    }
    tags.extend(
        stage
            .desc
            .iter()
            .map(|desc| tag("mlflow.note.content", desc)),
    );
    let own = said(stage).tags.into_iter();
    tags.extend(own.map(|(key, value)| tag(&key, &value)));
    tags
}

/// The options and params of an execution, flat.
pub(super) fn params(entry: &LockEntry) -> Vec<Pair> {
    let mut params = Params::default();
    if let LockAction::Builtin { with, .. } = &entry.action {
        for (name, value) in with.iter() {
            params.add(name, value, "with");
        }
    }
    for file in &entry.params {
        for (name, value) in &file.values {
            params.add(name, value, file.file.as_str());
        }
    }
    params.into_pairs()
}

/// What an execution reads, with the digests.
pub(super) fn datasets(entry: &LockEntry) -> Vec<DatasetInput> {
    entry.deps.iter().map(dataset).collect()
}

fn dataset(dep: &LockDep) -> DatasetInput {
    let content = &dep.content;
    let kind = match content.kind {
        ContentKind::File => "file",
        ContentKind::Folder => "folder",
    };
    let source = json!({"uri": dep.path.as_str(), "digest": content.digest.to_string()});
    let profile = json!({"kind": kind, "bytes": content.size, "files": content.files});
    let context = dep.role.as_deref().map(context);
    DatasetInput {
        dataset: Dataset {
            name: dep.path.as_str().to_owned(),
            digest: content.digest.hex().chars().take(DIGEST).collect(),
            source_type: "local".to_owned(),
            source: source.to_string(),
            schema: None,
            profile: Some(profile.to_string()),
        },
        tags: context
            .map(|context| Pair::new("mlflow.data.context", context))
            .into_iter()
            .collect(),
    }
}

/// MLflow's word for what data is used for.
fn context(role: &str) -> &str {
    match role {
        "train" => "training",
        "test" => "testing",
        other => other,
    }
}
