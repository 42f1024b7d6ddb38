//! Counters, told in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::fault::Details;
use crate::histogram::Histogram;
use crate::lineup::Served;
use crate::route::Route;
use crate::{Report, Told};

/// Statuses, from 100 to 599.
const STATUSES: usize = 500;

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Quantiles that are told.
const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.95, "0.95"), (0.99, "0.99")];

/// What is counted of a version, also when it answers no more.
#[derive(Debug)]
pub(crate) struct VersionMetrics {
    name: String,
    version: i64,
    pub(crate) rows: AtomicU64,
    /// Rows it predicted as a shadow.
    pub(crate) shadowed: AtomicU64,
    latencies: Vec<Histogram>,
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Vec<AtomicU64>,
    faults: Mutex<BTreeMap<&'static str, u64>>,
    warnings: Mutex<BTreeMap<&'static str, u64>>,
    versions: Mutex<Vec<Arc<VersionMetrics>>>,
    panics: AtomicU64,
    swaps: AtomicU64,
    failed_swaps: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = 0..Route::NAMES.len() * STATUSES;
        Self {
            requests: requests.map(|_| AtomicU64::new(0)).collect(),
            faults: Mutex::default(),
            warnings: Mutex::default(),
            versions: Mutex::default(),
            panics: AtomicU64::new(0),
            swaps: AtomicU64::new(0),
            failed_swaps: AtomicU64::new(0),
        }
    }
}

impl VersionMetrics {
    /// Counts an answer.
    pub(crate) fn observe(&self, route: usize, took: Duration) {
        self.latencies[route].observe(took);
    }
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn count(&self, route: usize, status: u16) {
        let status = usize::from(status).clamp(100, 599) - 100;
        self.requests[route * STATUSES + status].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what was wrong with a request.
    pub(crate) fn count_faults(&self, details: &Details) {
        tally(&self.faults, details);
    }

    /// Counts what was odd about a request.
    pub(crate) fn count_warnings(&self, details: &Details) {
        if !details.is_empty() {
            tally(&self.warnings, details);
        }
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_swap(&self) {
        self.swaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failed_swap(&self) {
        self.failed_swaps.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters of a version: those it had, if it has answered before.
    pub(crate) fn of_version(&self, name: &str, version: i64) -> Arc<VersionMetrics> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = versions
            .iter()
            .find(|v| (v.name.as_str(), v.version) == (name, version));
        if let Some(known) = known {
            return known.clone();
        }
        let new = Arc::new(VersionMetrics {
            name: name.to_owned(),
            version,
            rows: AtomicU64::new(0),
            shadowed: AtomicU64::new(0),
            latencies: Route::NAMES.iter().map(|_| Histogram::default()).collect(),
        });
        versions.push(new.clone());
        new
    }
}

impl Metrics {
    /// Tells how long answers took, of what was asked since it was told last.
    pub(crate) fn tell_latencies(&self, report: &Report) {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = versions.clone();
        for known in &versions {
            let title = format!("{}/{}", known.name, known.version);
            for (route, histogram) in Route::NAMES.iter().zip(&known.latencies) {
                let quantiles = QUANTILES.map(|(share, _)| histogram.quantile(share));
                let (Some(count), [Some(half), Some(most), Some(nearly)]) =
                    (histogram.untold(), quantiles)
                else {
                    continue;
                };
                report(Told::Latency {
                    version: &title,
                    route,
                    count,
                    quantiles: [half, most, nearly],
                });
            }
        }
    }
}

fn tally(counts: &Mutex<BTreeMap<&'static str, u64>>, details: &Details) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    for detail in &details.first {
        *counts.entry(detail.kind).or_default() += 1;
    }
}

/// A text of metrics.
#[derive(Default)]
struct Text(String);

impl Text {
    /// What the lines that follow are about.
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0 += name;
        for (i, (label, text)) in labels.iter().enumerate() {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let before = if i == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{text}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.about(name, kind, help);
        self.line(name, &[], value);
    }
}

/// All that was counted.
pub(crate) fn text(app: &App) -> String {
    let metrics = &app.metrics;
    let mut text = Text::default();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    text.about(
        "hpipe_requests_total",
        "counter",
        "Answers by route and status.",
    );
    for (i, count) in metrics
        .requests
        .iter()
        .enumerate()
        .filter(|(_, count)| load(count) > 0)
    {
        let status = (i % STATUSES + 100).to_string();
        let labels = [("route", Route::NAMES[i / STATUSES]), ("status", &status)];
        text.line("hpipe_requests_total", &labels, load(count));
    }
    versions(&mut text, metrics);
    for (name, help, counts) in [
        (
            "hpipe_validation_faults_total",
            "What was wrong with requests, by type.",
            &metrics.faults,
        ),
        (
            "hpipe_validation_warnings_total",
            "What was odd about rows that were answered, by type.",
            &metrics.warnings,
        ),
    ] {
        text.about(name, "counter", help);
        for (kind, count) in counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            text.line(name, &[("type", kind)], count);
        }
    }
    text.single(
        "hpipe_requests_in_work",
        "gauge",
        "Requests that are worked on.",
        app.in_work(),
    );
    text.single(
        "hpipe_panics_total",
        "counter",
        "Bugs that a request met.",
        load(&metrics.panics),
    );
    text.single(
        "hpipe_swaps_total",
        "counter",
        "Exchanges of a version that answers.",
        load(&metrics.swaps),
    );
    text.single(
        "hpipe_failed_swaps_total",
        "counter",
        "Versions that should have answered and could not be loaded.",
        load(&metrics.failed_swaps),
    );
    if let Some(journal) = &app.journal {
        let (logged, lost) = journal.counts();
        let help = "Rows in the log of predictions.";
        text.single("hpipe_log_rows_total", "counter", help, logged);
        let help = "Rows that the log of predictions lacks.";
        text.single("hpipe_log_lost_rows_total", "counter", help, lost);
        let (help, removed) = ("Rows removed with old files of the log.", journal.removed());
        text.single("hpipe_log_removed_rows_total", "counter", help, removed);
    }
    if let Some(shadow) = &app.shadow {
        let (lost, refused) = shadow.counts();
        let help = "Rows that came too fast for the shadow.";
        text.single("hpipe_shadow_lost_rows_total", "counter", help, lost);
        let help = "Rows that the shadow could not predict.";
        text.single("hpipe_shadow_refused_rows_total", "counter", help, refused);
    }
    lineup(&mut text, app);
    text.0
}

/// Who answers, and how much.
fn lineup(text: &mut Text, app: &App) {
    let lineup = app.stand.now();
    let labels = |served: &Served, role| {
        let (version, digest) = (served.version.to_string(), served.digest.to_string());
        [
            ("model", served.name.clone()),
            ("version", version),
            ("digest", digest),
            ("role", role),
        ]
    };
    for (name, help, is_share) in [
        ("hpipe_model_info", "The versions that are served.", false),
        (
            "hpipe_model_share",
            "The share of requests that each answers.",
            true,
        ),
    ] {
        text.about(name, "gauge", help);
        for (served, role, share) in lineup.roles() {
            let labels = labels(served, role.to_owned());
            let labels = labels
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            text.line(name, &labels, if is_share { share } else { 1.0 });
        }
    }
}

/// What was counted of each version.
fn versions(text: &mut Text, metrics: &Metrics) {
    let versions = metrics
        .versions
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let name = "hpipe_rows_total";
    text.about(name, "counter", "Rows that were predicted, by version.");
    for known in &versions {
        let labels = [
            ("model", known.name.as_str()),
            ("version", &known.version.to_string()),
        ];
        text.line(name, &labels, known.rows.load(Ordering::Relaxed));
    }
    let name = "hpipe_shadow_rows_total";
    let shadowed = |known: &&Arc<VersionMetrics>| known.shadowed.load(Ordering::Relaxed) > 0;
    text.about(
        name,
        "counter",
        "Rows that were predicted in the shadow, by version.",
    );
    for known in versions.iter().filter(shadowed) {
        let labels = [
            ("model", known.name.as_str()),
            ("version", &known.version.to_string()),
        ];
        text.line(name, &labels, known.shadowed.load(Ordering::Relaxed));
    }
    let name = "hpipe_request_duration_seconds";
    text.about(
        name,
        "histogram",
        "From the head of a request to its answer, by version and route.",
    );
    each_route(&versions, |labels, histogram| {
        let (bounds, count, sum) = histogram.cumulative();
        let infinity = (f64::INFINITY, count);
        for (bound, below) in bounds.into_iter().chain([infinity]) {
            let bound = if bound.is_finite() {
                bound.to_string()
            } else {
                "+Inf".to_owned()
            };
            let labels = [labels, &[("le", bound.as_str())]].concat();
            text.line("hpipe_request_duration_seconds_bucket", &labels, below);
        }
        text.line("hpipe_request_duration_seconds_sum", labels, sum);
        text.line("hpipe_request_duration_seconds_count", labels, count);
    });
    let name = "hpipe_request_latency_seconds";
    text.about(name, "gauge", "Quantiles of the same, to an eighth.");
    each_route(&versions, |labels, histogram| {
        for (share, told) in QUANTILES {
            if let Some(seconds) = histogram.quantile(share) {
                let labels = [labels, &[("quantile", told)]].concat();
                text.line(name, &labels, seconds);
            }
        }
    });
}

/// Does something for every version and route that was asked.
fn each_route(versions: &[Arc<VersionMetrics>], mut each: impl FnMut(&[(&str, &str)], &Histogram)) {
    for known in versions {
        let version = known.version.to_string();
        for (route, histogram) in Route::NAMES.iter().zip(&known.latencies) {
            if histogram.quantile(0.5).is_some() {
                let labels = [
                    ("model", known.name.as_str()),
                    ("version", &version),
                    ("route", route),
                ];
                each(&labels, histogram);
            }
        }
    }
}
