//! What monitoring leaves behind: a run in the records, and metrics for Prometheus.

use std::fmt::Write as _;

use hpipe_core::Value;
use hpipe_monitor::{BatchReport, Report};
use hpipe_track::ledger::{Ledger, Metric, NewRun, Pair, RunUpdate};

use super::Watched;
use crate::error::Error;
use crate::json;
use crate::session::Session;

/// The experiment of all runs that watch.
const EXPERIMENT: &str = "monitoring";

/// Batches that are logged one by one; a report tells of more.
const BATCHES: usize = 10_000;

/// What follows this in an artifact's URI is its path here.
const PROXIED: &str = "mlflow-artifacts:/";

/// What was seen, and when.
pub(super) struct Seen<'a> {
    pub(super) report: &'a Report,
    pub(super) input: &'a str,
    /// In milliseconds since 1970.
    pub(super) started: i64,
    pub(super) value: Value,
    /// The report as JSON and as a page.
    pub(super) file: String,
    pub(super) page: String,
}

impl<'a> Seen<'a> {
    pub(super) fn new(report: &'a Report, model: &Watched, input: &'a str, started: i64) -> Self {
        let value = report.to_value(&model.name());
        Self {
            file: json::monitoring_file(&value),
            page: report.to_html(&model.name(), input),
            value,
            report,
            input,
            started,
        }
    }
}

/// Leaves a run of the experiment `monitoring`: metrics with the batch as step, the version as tags, the report as artifacts.
pub(super) fn log(
    session: &Session,
    ledger: &Ledger,
    model: &Watched,
    seen: &Seen<'_>,
) -> Result<(), Error> {
    let now = hpipe_store::now_millis();
    let new = NewRun {
        name: Some(format!("{} {}", model.name(), seen.input)),
        user: session.user().unwrap_or_default(),
        start_time: seen.started,
        tags: tags(model, seen),
        ..NewRun::default()
    };
    let metrics = metrics(seen.report, now);
    let params = vec![
        Pair::new("input", seen.input),
        Pair::new("model", model.name()),
    ];
    let info = ledger.write(move |change| {
        let experiment = change.ensure_experiment(EXPERIMENT)?;
        let run = change
            .create_run(NewRun {
                experiment,
                ..new.clone()
            })?
            .info;
        change.log_much(&run.id, &params, &metrics, &[])?;
        Ok(run)
    })?;
    let folder = info
        .artifact_uri
        .strip_prefix(PROXIED)
        .unwrap_or(&info.artifact_uri);
    ledger.put_artifact(&format!("{folder}/report.json"), seen.file.as_bytes())?;
    ledger.put_artifact(&format!("{folder}/report.html"), seen.page.as_bytes())?;
    let update = RunUpdate {
        status: Some("FINISHED".to_owned()),
        end_time: Some(now),
        name: None,
    };
    let id = info.id;
    Ok(ledger.write(move |change| change.update_run(&id, &update).map(drop))?)
}

fn tags(model: &Watched, seen: &Seen<'_>) -> Vec<Pair> {
    vec![
        Pair::new("hpipe.monitor.model", model.version.name.as_str()),
        Pair::new("hpipe.monitor.version", model.version.version.to_string()),
        Pair::new("hpipe.monitor.digest", model.digest.as_str()),
        Pair::new("hpipe.monitor.status", seen.report.status()),
    ]
}

fn metrics(report: &Report, timestamp: i64) -> Vec<Metric> {
    let metric = |key: String, value: f64, step: usize| Metric {
        key,
        value,
        timestamp,
        step: step as i64,
        model_id: None,
        dataset_name: None,
        dataset_digest: None,
        run_id: None,
    };
    let mut metrics = Vec::new();
    for batch in report.batches.iter().take(BATCHES) {
        let step = batch.number;
        let of_batch = of_batch(batch).into_iter();
        metrics.extend(of_batch.map(|(name, value)| metric(format!("batch/{name}"), value, step)));
    }
    let last = report.batch_count;
    let whole = [
        ("rows", report.rows as f64),
        ("valid", report.valid as f64),
        ("batches", report.batch_count as f64),
        ("alarmed", report.alarmed as f64),
    ];
    let errors = report.errors.iter().flat_map(|errors| errors.named());
    let whole = whole.into_iter().chain(errors);
    metrics.extend(whole.map(|(name, value)| metric(name.to_owned(), value, last)));
    for drift in &report.drift {
        if let Some(found) = drift.distances {
            let name = allowed(drift.subject.name());
            metrics.push(metric(format!("psi/{name}"), found.psi, last));
        }
    }
    metrics.push(metric(
        "alerts".to_owned(),
        report.alerts.len() as f64,
        last,
    ));
    metrics
}

/// What is logged of a batch, by name.
fn of_batch(batch: &BatchReport) -> Vec<(&'static str, f64)> {
    let rows = [("rows", batch.rows as f64), ("valid", batch.valid as f64)];
    let seconds = batch.latency.map(|seconds| ("seconds", seconds));
    let [p50, p95] = [0, 1].map(|place| Some(batch.answered?[place]));
    let answered = [
        p50.map(|p50| ("latency_p50", p50)),
        p95.map(|p95| ("latency_p95", p95)),
    ];
    let errors = batch.errors.iter().flat_map(|errors| errors.named());
    let known = rows.into_iter().chain(seconds);
    known
        .chain(answered.into_iter().flatten())
        .chain(errors)
        .collect()
}

/// A column's name with the characters that a metric's may have.
fn allowed(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':');
    name.chars()
        .map(|c| if fits(c) { c } else { '_' })
        .take(200)
        .collect()
}

/// The report as Prometheus's text format; `time` in seconds since 1970.
pub(super) fn prometheus(report: &Report, model: &Watched, time: i64) -> String {
    let labels = format!(
        "model=\"{}\",version=\"{}\"",
        escaped(&model.version.name),
        model.version.version
    );
    let mut text = String::new();
    let mut family = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "# HELP hpipe_monitor_{name} {help}\n# TYPE hpipe_monitor_{name} gauge"
        );
        for (more, value) in samples {
            let _ = writeln!(text, "hpipe_monitor_{name}{{{labels}{more}}} {value}");
        }
    };
    let one = |value: f64| vec![(String::new(), value)];
    family(
        "time_seconds",
        "When the model was watched.",
        one(time as f64),
    );
    family("rows", "Rows that came in.", one(report.rows as f64));
    family(
        "valid_rows",
        "Rows that could be predicted.",
        one(report.valid as f64),
    );
    family("batches", "Batches.", one(report.batch_count as f64));
    family(
        "alarmed_batches",
        "Batches that raised an alarm.",
        one(report.alarmed as f64),
    );
    let severities = [
        hpipe_monitor::Severity::Warning,
        hpipe_monitor::Severity::Critical,
    ];
    let alerts = severities.map(|severity| {
        let number = report
            .alerts
            .iter()
            .filter(|alert| alert.severity == severity)
            .count();
        (format!(",severity=\"{}\"", severity.name()), number as f64)
    });
    family("alerts", "Alerts.", alerts.to_vec());
    let errors = report.errors.iter().flat_map(|errors| errors.named());
    let errors = errors.map(|(name, value)| (format!(",metric=\"{name}\""), value));
    family(
        "error",
        "Errors of all rows whose truth is known.",
        errors.collect(),
    );
    let psi = report.drift.iter().filter_map(|drift| {
        let column = escaped(drift.subject.name());
        Some((format!(",column=\"{column}\""), drift.distances?.psi))
    });
    family(
        "psi",
        "Population stability index before the reference.",
        psi.collect(),
    );
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
