//! Everything hpipe says to programs: one JSON object a line, described in `docs/formats/events.md`.
//!
//! The types here are the format, written out once, so that it changes only when somebody means to change it, not
//! whenever the engine does. Every object begins with `"v": 1`.
//!
//! Deliberately knows nothing of how a person is told the same; that is [`ui`](crate::ui).

mod attempts;
mod cache;
mod event;
mod models;
mod monitoring;
mod plots;
mod predicted;
mod runs;
mod serving;
mod settings;
mod stages;
mod study;
mod value;

use std::sync::Arc;

use hpipe_core::{Diagnostic, Event, EventSink, Sources, Value};
use hpipe_track::Change;
use serde::Serialize;

use crate::dag::Graph;
use crate::ui::{FileChanges, StageReport, Ui};
use crate::unread::Unread;
pub(crate) use attempts::attempts;
pub(crate) use cache::{gc, restored, verification};
pub(crate) use models::{
    compared_versions, model, model_history, model_version, models, promoted, registered, registry,
    reproduced, rolled_back, verified, version_diff,
};
pub(crate) use monitoring::{alerts, batch, monitored, monitoring_file};
pub(crate) use plots::plots;
pub(crate) use predicted::predicted;
pub(crate) use runs::{forwarded, run, run_whole, runs, runs_compared, runs_gc, runs_marked};
pub(crate) use serving::{
    joined, log_removed, serving, serving_latency, serving_model, serving_warning, swapped,
};
pub(crate) use settings::settings;
pub(crate) use stages::stage_list;
pub(crate) use study::study;
pub(crate) use value::value_of;
use value::{InOrder, JsonReason, JsonValue};

/// The version of the format, the `v` of every object.
pub(crate) const VERSION: u32 = 1;

/// Writes each event as a line of JSON to stdout.
pub(crate) struct JsonSink {
    ui: Arc<Ui>,
}

impl JsonSink {
    /// Writes to the stdout of `ui`.
    pub(crate) const fn new(ui: Arc<Ui>) -> Self {
        Self { ui }
    }
}

impl EventSink for JsonSink {
    fn emit(&self, event: &Event) {
        self.ui.data(&event::encode(event));
    }
}

/// Encodes where the project's root is: as seen from here, and whole.
pub(crate) fn root(seen: &str, whole: &str) -> String {
    line(&Root {
        v: VERSION,
        root: seen,
        path: whole,
    })
}

/// Encodes a fault as an event `error` or `warning`, with the place of its first label.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> String {
    event::encode_diagnostic(diagnostic, sources)
}

/// Encodes what `status --json` prints: how each stage stands and why, in the order given.
pub(crate) fn status(stages: &[StageReport]) -> String {
    let stages = stages.iter().map(|report| {
        let standing = Standing {
            state: report.state.name(),
            reasons: report.reasons.iter().map(JsonReason::from).collect(),
            restorable: report.restorable,
            run: report.run.as_deref(),
        };
        (report.stage.as_str(), standing)
    });
    line(&Status {
        v: VERSION,
        stages: InOrder(stages.collect()),
    })
}

/// Encodes what `dag --json` prints: names, and edges from the stage that makes to the stage that needs.
pub(crate) fn dag(graph: &Graph) -> String {
    let name = |node: usize| graph.nodes()[node].name.as_str();
    line(&Dag {
        v: VERSION,
        nodes: (0..graph.nodes().len()).map(name).collect(),
        edges: graph
            .edges()
            .iter()
            .map(|&(from, to)| [name(from), name(to)])
            .collect(),
    })
}

/// Encodes what `metrics show --json` and `params show --json` print: the whole content of each file, in the order given,
/// under the plural of `word`.
pub(crate) fn values(word: &str, files: &[(String, Value)]) -> String {
    let files = files
        .iter()
        .map(|(file, value)| (file.as_str(), JsonValue(value)));
    line(&Values {
        v: VERSION,
        files: Named::new(word, InOrder(files.collect())),
    })
}

/// Encodes what `metrics show --rev REV --json` prints: the same for each revision.
pub(crate) fn values_at(revisions: &[(String, Vec<(String, Value)>)]) -> String {
    let revisions = revisions.iter().map(|(revision, files)| {
        let files = files
            .iter()
            .map(|(file, value)| (file.as_str(), JsonValue(value)));
        (revision.as_str(), InOrder(files.collect()))
    });
    line(&ValuesAt {
        v: VERSION,
        revisions: InOrder(revisions.collect()),
    })
}

/// Encodes what `metrics diff --json` and `params diff --json` print: old, new and difference of each value, and the files
/// that could not be compared.
pub(crate) fn values_diff(
    word: &str,
    times: [&str; 2],
    files: &[FileChanges],
    unread: &[Unread],
) -> String {
    let [old, new] = times;
    let files = files.iter().map(|file| {
        let changes = file.changes.iter();
        let changes = changes.map(|change| (change.metric.as_str(), JsonChange::from(change)));
        (file.file.as_str(), InOrder(changes.collect()))
    });
    line(&ValuesDiff {
        v: VERSION,
        old,
        new,
        files: Named::new(word, InOrder(files.collect())),
        errors: unread.iter().map(JsonUnread::from).collect(),
    })
}

#[derive(Serialize)]
struct Root<'a> {
    v: u32,
    root: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct ValuesAt<'a> {
    v: u32,
    revisions: InOrder<'a, InOrder<'a, JsonValue<'a>>>,
}

#[derive(Serialize)]
struct ValuesDiff<'a> {
    v: u32,
    old: &'a str,
    new: &'a str,
    #[serde(flatten)]
    files: Named<'a, InOrder<'a, JsonChange<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<JsonUnread<'a>>,
}

/// A metric at two times; null where it was not or is no more.
#[derive(Serialize)]
struct JsonChange<'a> {
    old: Option<JsonValue<'a>>,
    new: Option<JsonValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Value>,
}

impl<'a> From<&'a Change> for JsonChange<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            old: change.old.as_ref().map(JsonValue),
            new: change.new.as_ref().map(JsonValue),
            diff: change.delta(),
        }
    }
}

/// A file that could not be read.
#[derive(Serialize)]
struct JsonUnread<'a> {
    revision: &'a str,
    file: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> From<&'a Unread> for JsonUnread<'a> {
    fn from(unread: &'a Unread) -> Self {
        Self {
            revision: &unread.revision,
            file: unread.file.as_str(),
            message: unread.message(),
            help: unread.help(),
        }
    }
}

#[derive(Serialize)]
struct Status<'a> {
    v: u32,
    stages: InOrder<'a, Standing<'a>>,
}

#[derive(Serialize)]
struct Standing<'a> {
    state: &'static str,
    reasons: Vec<JsonReason<'a>>,
    /// Only where it is true: the contract's form is as it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restorable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
}

#[derive(Serialize)]
struct Dag<'a> {
    v: u32,
    nodes: Vec<&'a str>,
    edges: Vec<[&'a str; 2]>,
}

#[derive(Serialize)]
struct Values<'a> {
    v: u32,
    #[serde(flatten)]
    files: Named<'a, JsonValue<'a>>,
}

/// What is said of each file, under the name of the kind of file.
#[derive(Serialize)]
struct Named<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<InOrder<'a, T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<InOrder<'a, T>>,
}

impl<'a, T> Named<'a, T> {
    fn new(word: &str, files: InOrder<'a, T>) -> Self {
        let (metrics, params) = match word {
            "param" => (None, Some(files)),
            _ => (Some(files), None),
        };
        Self { metrics, params }
    }
}

/// One object on one line, without newline.
fn line(object: &impl Serialize) -> String {
    match serde_json::to_string(object) {
        Ok(line) => line,
        Err(error) => panic!("bug: an object of the JSON format cannot be written: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;
    use crate::state::State;
    use hpipe_core::{Mapping, Reason, ReasonKind, StageName};

    #[test]
    fn status_says_state_and_reasons() {
        let report = |stage, state, reasons| StageReport {
            stage: StageName::known(stage),
            state,
            reasons,
            restorable: stage == "train",
            run: (stage == "prepare").then(|| "96f4d05".to_owned()),
        };
        let text = status(&[
            report("prepare", State::UpToDate, vec![]),
            report(
                "train",
                State::Stale,
                vec![Reason::about(ReasonKind::DepChanged, "a.csv")],
            ),
            report("old", State::Frozen, vec![]),
            report(
                "evaluate",
                State::MayBeStale,
                vec![Reason::about(ReasonKind::Upstream, "train")],
            ),
        ]);
        insta::assert_snapshot!(text, @r#"{"v":1,"stages":{"prepare":{"state":"up_to_date","reasons":[],"run":"96f4d05"},"train":{"state":"stale","reasons":[{"kind":"dep_changed","name":"a.csv"}],"restorable":true},"old":{"state":"frozen","reasons":[]},"evaluate":{"state":"may_be_stale","reasons":[{"kind":"upstream","name":"train"}]}}}"#);
    }

    #[test]
    fn dag_names_nodes_and_edges() {
        insta::assert_snapshot!(dag(&example::housing()), @r#"{"v":1,"nodes":["ingest","split","features","train@linear","train@ridge","train@lasso","train@elastic_net","evaluate"],"edges":[["ingest","split"],["split","features"],["features","train@linear"],["features","train@ridge"],["features","train@lasso"],["features","train@elastic_net"],["features","evaluate"],["train@linear","evaluate"],["train@ridge","evaluate"],["train@lasso","evaluate"],["train@elastic_net","evaluate"]]}"#);
    }

    #[test]
    fn metrics_keep_their_order_and_types() {
        let entries = [
            ("rmse", Value::Float(0.5)),
            ("n", Value::Int(3)),
            ("mape", Value::Float(f64::NAN)),
        ];
        let map: Mapping = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let text = values(
            "metric",
            &[
                ("metrics/b.json".to_owned(), Value::Map(map)),
                ("a.json".to_owned(), Value::Null),
            ],
        );
        insta::assert_snapshot!(text, @r#"{"v":1,"metrics":{"metrics/b.json":{"rmse":0.5,"n":3,"mape":"NaN"},"a.json":null}}"#);
    }
}
