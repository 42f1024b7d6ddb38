//! What `runs … --json` prints: docs/formats/events.md.

use std::collections::HashMap;

use hpipe_core::Value;
use hpipe_forward::Forwarded;
use hpipe_track::ledger::{DatasetInput, Garbage, Metric, Pair, Run, Swept};
use serde::Serialize;

use super::value::{InOrder, JsonValue};
use super::{VERSION, line};
use crate::commands::Compared;

#[derive(Serialize)]
struct Runs<'a> {
    v: u32,
    runs: Vec<JsonRun<'a>>,
}

#[derive(Serialize)]
struct OneRun<'a> {
    v: u32,
    #[serde(flatten)]
    run: JsonRun<'a>,
    artifacts: Vec<Artifact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Measured<'a>>>,
}

#[derive(Serialize)]
struct JsonRun<'a> {
    run: &'a str,
    name: &'a str,
    experiment: &'a str,
    status: &'a str,
    lifecycle: &'static str,
    user: &'a str,
    started: Option<i64>,
    ended: Option<i64>,
    params: InOrder<'a, &'a str>,
    metrics: InOrder<'a, JsonNumber>,
    tags: InOrder<'a, &'a str>,
    data: Vec<Data<'a>>,
    models: Vec<&'a str>,
}

#[derive(Serialize)]
struct Data<'a> {
    name: &'a str,
    digest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
}

#[derive(Serialize)]
struct Artifact<'a> {
    path: &'a str,
    bytes: u64,
}

#[derive(Serialize)]
struct Measured<'a> {
    metric: &'a str,
    value: JsonNumber,
    step: i64,
    time: i64,
}

/// A number, of which NaN and the infinities are texts.
struct JsonNumber(f64);

impl Serialize for JsonNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonValue(&Value::Float(self.0)).serialize(serializer)
    }
}

type Names = HashMap<i64, String>;

fn encode<'a>(run: &'a Run, names: &'a Names) -> JsonRun<'a> {
    let pairs = |pairs: &'a [Pair]| {
        let pairs = pairs
            .iter()
            .map(|pair| (pair.key.as_str(), pair.value.as_str()));
        InOrder(pairs.collect())
    };
    let metrics = run.data.metrics.iter();
    JsonRun {
        run: &run.info.id,
        name: &run.info.name,
        experiment: names.get(&run.info.experiment).map_or("", String::as_str),
        status: &run.info.status,
        lifecycle: run.info.lifecycle.name(),
        user: &run.info.user,
        started: run.info.start_time,
        ended: run.info.end_time,
        params: pairs(&run.data.params),
        metrics: InOrder(
            metrics
                .map(|metric| (metric.key.as_str(), JsonNumber(metric.value)))
                .collect(),
        ),
        tags: pairs(&run.data.tags),
        data: run.inputs.datasets.iter().map(data).collect(),
        models: run
            .inputs
            .outputs
            .iter()
            .map(|model| model.model_id.as_str())
            .collect(),
    }
}

fn data(input: &DatasetInput) -> Data<'_> {
    let context = input
        .tags
        .iter()
        .find(|tag| tag.key == "mlflow.data.context");
    Data {
        name: &input.dataset.name,
        digest: &input.dataset.digest,
        context: context.map(|tag| tag.value.as_str()),
    }
}

fn artifacts(files: &[(String, u64)]) -> Vec<Artifact<'_>> {
    files
        .iter()
        .map(|(path, bytes)| Artifact {
            path,
            bytes: *bytes,
        })
        .collect()
}

/// Encodes a list of runs; `names` are those of their experiments.
pub(crate) fn runs(runs: &[Run], names: &Names) -> String {
    line(&Runs {
        v: VERSION,
        runs: runs.iter().map(|run| encode(run, names)).collect(),
    })
}

/// Encodes a run and the paths of its artifacts.
pub(crate) fn run(run: &Run, names: &Names, files: &[(String, u64)]) -> String {
    line(&OneRun {
        v: VERSION,
        run: encode(run, names),
        artifacts: artifacts(files),
        history: None,
    })
}

/// Encodes a run with every value of its metrics.
pub(crate) fn run_whole(
    run: &Run,
    names: &Names,
    files: &[(String, u64)],
    history: &[Metric],
) -> String {
    let history = history.iter().map(|metric| Measured {
        metric: &metric.key,
        value: JsonNumber(metric.value),
        step: metric.step,
        time: metric.timestamp,
    });
    line(&OneRun {
        v: VERSION,
        run: encode(run, names),
        artifacts: artifacts(files),
        history: Some(history.collect()),
    })
}

#[derive(Serialize)]
struct Side<'a> {
    v: u32,
    runs: Vec<&'a str>,
    values: Vec<SideRow<'a>>,
}

#[derive(Serialize)]
struct SideRow<'a> {
    kind: &'static str,
    name: &'a str,
    values: Vec<Option<JsonValue<'a>>>,
}

/// Encodes what differs between runs.
pub(crate) fn runs_compared(runs: &[Run], rows: &[Compared]) -> String {
    line(&Side {
        v: VERSION,
        runs: runs.iter().map(|run| run.info.id.as_str()).collect(),
        values: rows
            .iter()
            .map(|row| SideRow {
                kind: row.kind,
                name: &row.name,
                values: row
                    .values
                    .iter()
                    .map(|value| value.as_ref().map(JsonValue))
                    .collect(),
            })
            .collect(),
    })
}

#[derive(Serialize)]
struct Marked<'a> {
    v: u32,
    lifecycle: &'static str,
    runs: &'a [&'a str],
}

/// Encodes which runs are deleted, or active, by now.
pub(crate) fn runs_marked(lifecycle: &'static str, runs: &[&str]) -> String {
    line(&Marked {
        v: VERSION,
        lifecycle,
        runs,
    })
}

#[derive(Serialize)]
struct Collected<'a> {
    v: u32,
    dry: bool,
    runs: Vec<&'a str>,
    needed: Vec<Needed<'a>>,
    artifacts: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Needed<'a> {
    run: &'a str,
    model: &'a str,
    version: i64,
}

/// Encodes what `runs gc` removed, or would.
pub(crate) fn runs_gc(garbage: &Garbage, swept: Swept, dry: bool) -> String {
    let needed = garbage.needed.iter().map(|(run, model, version)| Needed {
        run: &run.id,
        model,
        version: *version,
    });
    line(&Collected {
        v: VERSION,
        dry,
        runs: garbage.runs.iter().map(|run| run.id.as_str()).collect(),
        needed: needed.collect(),
        artifacts: swept.objects,
        bytes: swept.bytes,
    })
}

#[derive(Serialize)]
struct Sent<'a> {
    v: u32,
    server: &'a str,
    runs: usize,
    versions: usize,
    refused: &'a [String],
}

/// Encodes what `runs push` sent.
pub(crate) fn forwarded(server: &str, done: &Forwarded) -> String {
    line(&Sent {
        v: VERSION,
        server,
        runs: done.runs,
        versions: done.versions,
        refused: &done.refused,
    })
}
