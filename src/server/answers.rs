//! What is recorded, as protobuf's JSON: ids are texts, whole numbers are numbers, NaN and the infinities are texts, and
//! what is absent is left out.

use hpipe_track::ledger::{
    ArtifactEntry, DatasetInput, Experiment, LoggedModel, Metric, ModelVersion, Pair,
    RegisteredModel, Run, RunInfo,
};
use serde_json::{Map, Value, json};

/// A floating-point number.
pub(crate) fn number(value: f64) -> Value {
    if value.is_nan() {
        Value::from("NaN")
    } else if value.is_infinite() {
        Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        Value::from(value)
    }
}

/// An object of the fields that are there.
fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let present = fields.into_iter().filter(|(_, value)| !value.is_null());
    let fields: Map<_, _> = present
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Value::Object(fields)
}

fn list<T>(items: &[T], form: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(form).collect())
}

fn pairs(pairs: &[Pair]) -> Value {
    list(pairs, |pair| json!({"key": pair.key, "value": pair.value}))
}

pub(crate) fn experiment(experiment: &Experiment) -> Value {
    json!({
        "experiment_id": experiment.id.to_string(),
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": experiment.lifecycle.name(),
        "creation_time": experiment.created,
        "last_update_time": experiment.updated,
        "tags": pairs(&experiment.tags),
    })
}

pub(crate) fn run_info(info: &RunInfo) -> Value {
    object([
        ("run_id", Value::from(info.id.as_str())),
        ("run_uuid", Value::from(info.id.as_str())),
        ("run_name", Value::from(info.name.as_str())),
        ("experiment_id", Value::from(info.experiment.to_string())),
        ("user_id", Value::from(info.user.as_str())),
        ("status", Value::from(info.status.as_str())),
        ("start_time", Value::from(info.start_time)),
        ("end_time", Value::from(info.end_time)),
        ("artifact_uri", Value::from(info.artifact_uri.as_str())),
        ("lifecycle_stage", Value::from(info.lifecycle.name())),
    ])
}

pub(crate) fn metric(metric: &Metric) -> Value {
    object([
        ("key", Value::from(metric.key.as_str())),
        ("value", number(metric.value)),
        ("timestamp", Value::from(metric.timestamp)),
        ("step", Value::from(metric.step)),
        ("model_id", Value::from(metric.model_id.as_deref())),
        ("dataset_name", Value::from(metric.dataset_name.as_deref())),
        (
            "dataset_digest",
            Value::from(metric.dataset_digest.as_deref()),
        ),
        ("run_id", Value::from(metric.run_id.as_deref())),
    ])
}

pub(crate) fn metrics(metrics: &[Metric]) -> Value {
    list(metrics, metric)
}

pub(crate) fn run(run: &Run) -> Value {
    let outputs = list(
        &run.inputs.outputs,
        |output| json!({"model_id": output.model_id, "step": output.step}),
    );
    let models = list(&run.inputs.models, |model| json!({"model_id": model}));
    json!({
        "info": run_info(&run.info),
        "data": {
            "metrics": metrics(&run.data.metrics),
            "params": pairs(&run.data.params),
            "tags": pairs(&run.data.tags),
        },
        "inputs": {
            "dataset_inputs": list(&run.inputs.datasets, dataset_input),
            "model_inputs": models,
        },
        "outputs": {"model_outputs": outputs},
    })
}

fn dataset_input(input: &DatasetInput) -> Value {
    let data = &input.dataset;
    let dataset = object([
        ("name", Value::from(data.name.as_str())),
        ("digest", Value::from(data.digest.as_str())),
        ("source_type", Value::from(data.source_type.as_str())),
        ("source", Value::from(data.source.as_str())),
        ("schema", Value::from(data.schema.as_deref())),
        ("profile", Value::from(data.profile.as_deref())),
    ]);
    json!({"dataset": dataset, "tags": pairs(&input.tags)})
}

pub(crate) fn logged_model(model: &LoggedModel) -> Value {
    let info = object([
        ("model_id", Value::from(model.id.as_str())),
        ("experiment_id", Value::from(model.experiment.to_string())),
        ("name", Value::from(model.name.as_str())),
        (
            "artifact_uri",
            Value::from(model.artifact_location.as_str()),
        ),
        ("creation_timestamp_ms", Value::from(model.created)),
        ("last_updated_timestamp_ms", Value::from(model.updated)),
        ("status", Value::from(model.status.as_str())),
        (
            "status_message",
            Value::from(model.status_message.as_deref()),
        ),
        ("model_type", Value::from(model.model_type.as_deref())),
        ("source_run_id", Value::from(model.source_run.as_deref())),
        ("tags", pairs(&model.tags)),
    ]);
    json!({
        "info": info,
        "data": {"params": pairs(&model.params), "metrics": metrics(&model.metrics)},
    })
}

pub(crate) fn model_version(version: &ModelVersion) -> Value {
    object([
        ("name", Value::from(version.name.as_str())),
        ("version", Value::from(version.version.to_string())),
        ("creation_timestamp", Value::from(version.created)),
        ("last_updated_timestamp", Value::from(version.updated)),
        ("description", Value::from(version.description.as_deref())),
        ("user_id", Value::from(version.user.as_deref())),
        ("current_stage", Value::from(version.stage.as_str())),
        ("source", Value::from(version.source.as_str())),
        ("run_id", Value::from(version.run_id.as_deref())),
        ("run_link", Value::from(version.run_link.as_deref())),
        ("model_id", Value::from(version.model_id.as_deref())),
        ("status", Value::from(version.status.as_str())),
        (
            "status_message",
            Value::from(version.status_message.as_deref()),
        ),
        ("tags", pairs(&version.tags)),
        ("aliases", Value::from(version.aliases.clone())),
    ])
}

pub(crate) fn registered_model(model: &RegisteredModel) -> Value {
    let aliases = list(
        &model.aliases,
        |(alias, version)| json!({"alias": alias, "version": version.to_string()}),
    );
    object([
        ("name", Value::from(model.name.as_str())),
        ("creation_timestamp", Value::from(model.created)),
        ("last_updated_timestamp", Value::from(model.updated)),
        ("description", Value::from(model.description.as_deref())),
        ("latest_versions", list(&model.latest, model_version)),
        ("tags", pairs(&model.tags)),
        ("aliases", aliases),
    ])
}

/// The entries of a folder of artifacts, each with its path from where it was asked for.
pub(crate) fn files(entries: &[ArtifactEntry], folder: &str) -> Value {
    list(entries, |entry| {
        let path = match folder {
            "" => entry.name.clone(),
            folder => format!("{folder}/{}", entry.name),
        };
        object([
            ("path", Value::from(path)),
            ("is_dir", Value::from(entry.size.is_none())),
            ("file_size", Value::from(entry.size)),
        ])
    })
}
