//! What `hpipe monitor` says: what is to be told, drift by column, the batches that stand out.

use hpipe_monitor::{Alert, BatchReport, DECILES, Drift, Errors, Report, Severity};

use super::metrics::figure;
use super::models::table;
use super::style;
use super::text::{count, one_line};

/// Alerts and columns that are shown; the report has all.
const MOST: usize = 20;

/// Batches that are shown.
const MOST_BATCHES: usize = 5;

/// Writes the report for a terminal.
pub(crate) fn monitoring_text(report: &Report, model: &str) -> String {
    let mut parts = vec![heading(report, model)];
    if let Some(errors) = &report.errors {
        parts.push(errors_table(report, errors));
    }
    let drifted = drift_table(report);
    parts.extend(drifted);
    parts.extend(report.multivariate.as_ref().map(|found| {
        format!(
            "all columns together: {}, AUC {:.3} (0.5 by chance), p {}",
            severity_word(found.severity),
            found.auc,
            p_value(found.p)
        )
    }));
    parts.extend(segments_table(report));
    parts.extend(batches_table(report));
    parts.push(alerts_text(report));
    parts.join("\n\n")
}

fn heading(report: &Report, model: &str) -> String {
    let invalid = report.rows - report.valid;
    let left_out = match invalid {
        0 => String::new(),
        invalid => format!(", {invalid} of them not predicted"),
    };
    let truth = if report.errors.is_some() {
        ""
    } else {
        ", truth unknown"
    };
    format!(
        "{}: {}{left_out} in {}{truth}",
        style::paint(style::NAME, model),
        count(report.rows, "row"),
        batches(report.batch_count),
    )
}

fn batches(n: usize) -> String {
    let text = count(n, "batch");
    text.strip_suffix("batchs")
        .map_or(text.clone(), |digits| format!("{digits}batches"))
}

fn errors_table(report: &Report, errors: &Errors) -> String {
    let row = |(name, value): (&str, f64)| {
        let was = report
            .reference
            .get(name)
            .map_or_else(|| "-".to_owned(), |was| figure(*was));
        vec![name.to_owned(), figure(value), was]
    };
    let rows: Vec<_> = errors.named().map(row).collect();
    table(&["metric", "now", "reference"], &rows, &[1, 2])
}

fn severity_word(severity: Option<Severity>) -> String {
    match severity {
        None => style::paint(style::GOOD, "ok"),
        Some(Severity::Warning) => style::paint(style::ODD, "warning"),
        Some(Severity::Critical) => style::paint(style::BAD, "critical"),
    }
}

fn number(x: Option<f64>) -> String {
    x.map_or_else(|| "-".to_owned(), |x| format!("{x:.3}"))
}

fn p_value(p: f64) -> String {
    if p < 1e-3 {
        "<0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// The columns, those that moved most first.
fn drift_table(report: &Report) -> Option<String> {
    let mut drift: Vec<_> = report.drift.iter().collect();
    drift.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then(one.p.total_cmp(&other.p))
    });
    let row = |drift: &&Drift| {
        let found = drift.distances;
        vec![
            one_line(drift.subject.name(), 30),
            severity_word(drift.severity),
            number(found.map(|found| found.psi)),
            number(found.map(|found| found.psi_critical)),
            number(found.map(|found| found.test.statistic)),
            found
                .and_then(|found| found.wasserstein)
                .map_or_else(|| "-".to_owned(), figure),
            format!("{:.1} %", drift.missing_share() * 100.0),
            p_value(drift.p),
        ]
    };
    let rows: Vec<_> = drift.iter().take(MOST).map(row).collect();
    let headings = [
        "column",
        "drift",
        "PSI",
        "by chance",
        "KS/chi2",
        "Wasserstein",
        "missing",
        "p",
    ];
    let text = (!rows.is_empty()).then(|| table(&headings, &rows, &[2, 3, 4, 5, 6, 7]))?;
    Some(match drift.len().saturating_sub(MOST) {
        0 => text,
        more => format!("{text}\n… and {}", count(more, "column")),
    })
}

/// The segments that somebody asked for, and of the others those that are worse than they were.
fn segments_table(report: &Report) -> Option<String> {
    let told = report.segments.iter().filter_map(|segment| {
        let judged = segment.judged;
        let severity = judged.and_then(|judged| judged.severity);
        (severity.is_some() || segment.by != DECILES).then(|| {
            let unknown = || "-".to_owned();
            vec![
                one_line(&segment.by, 30),
                one_line(&segment.part, 40),
                judged.map_or_else(unknown, |_| severity_word(severity)),
                segment.errors.rows.to_string(),
                figure(segment.errors.mae),
                judged.map_or_else(unknown, |judged| figure(judged.reference_mae)),
                judged.map_or_else(unknown, |judged| p_value(judged.p)),
            ]
        })
    });
    let rows: Vec<_> = told.take(MOST).collect();
    let headings = ["by", "part", "errors", "rows", "MAE", "was", "p"];
    (!rows.is_empty()).then(|| table(&headings, &rows, &[3, 4, 5, 6]))
}

/// The batches that raised an alarm.
fn batches_table(report: &Report) -> Option<String> {
    let row = |batch: &BatchReport| {
        let of = |value: fn(&Errors) -> Option<f64>| number(batch.errors.as_ref().and_then(value));
        let latency = latency(batch);
        vec![
            batch.number.to_string(),
            batch.rows.to_string(),
            batch.valid.to_string(),
            of(|errors| Some(errors.rmse)),
            number(batch.expected_rmse.map(|expected| expected[1])),
            of(|errors| Some(errors.mae)),
            of(|errors| errors.r2),
            of(|errors| errors.mape),
            of(|errors| Some(errors.bias)),
            latency,
        ]
    };
    let told = report
        .batches
        .iter()
        .filter(|batch| !batch.alerts.is_empty());
    let rows: Vec<_> = told.take(MOST_BATCHES).map(row).collect();
    let headings = [
        "batch", "rows", "valid", "rmse", "limit", "mae", "r2", "mape", "bias", "latency",
    ];
    let text = (!rows.is_empty())
        .then(|| table(&headings, &rows, &(0..headings.len()).collect::<Vec<_>>()))?;
    Some(format!(
        "{text}\n{} raised an alarm",
        batches(report.alarmed)
    ))
}

/// How long predicting took; of a log, how long clients waited, in the middle and of the slowest twentieth.
fn latency(batch: &BatchReport) -> String {
    let milliseconds = |seconds: f64| format!("{:.2}", seconds * 1e3);
    match (batch.answered, batch.latency) {
        (Some([p50, p95]), _) => format!("{}/{} ms", milliseconds(p50), milliseconds(p95)),
        (None, Some(seconds)) => format!("{} ms", milliseconds(seconds)),
        (None, None) => "-".to_owned(),
    }
}

/// Says alerts that concern a version, a line each.
pub(crate) fn alert_lines(model: &str, alerts: &[&Alert]) -> String {
    let line = |alert: &&Alert| {
        let (kind, subject) = (alert.kind.name(), one_line(&alert.subject, 40));
        format!(
            "{model}: {}: {kind} of {subject}: {}",
            severity_word(Some(alert.severity)),
            one_line(&alert.message, 120)
        )
    };
    alerts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Says in a line what is to be said of a batch of a stream.
pub(crate) fn batch_text(batch: &BatchReport) -> String {
    let errors = batch.errors.as_ref().map(|errors| {
        let limit = batch
            .expected_rmse
            .map(|expected| format!(" (limit {:.3})", expected[1]));
        format!(", rmse {:.3}{}", errors.rmse, limit.unwrap_or_default())
    });
    let invalid = match batch.rows - batch.valid {
        0 => String::new(),
        invalid => format!(", {invalid} not predicted"),
    };
    let rows = count(batch.rows, "row");
    let worst = batch.alerts.iter().map(|alert| alert.severity).max();
    let told = match (worst, batch.is_alarm) {
        (None, true) => format!("{}, told before", style::paint(style::ODD, "alarm")),
        (worst, _) => severity_word(worst),
    };
    let alerts = batch.alerts.iter().map(|alert| {
        let (kind, subject) = (alert.kind.name(), one_line(&alert.subject, 40));
        format!(
            "\n  {}: {kind} of {subject}: {}",
            severity_word(Some(alert.severity)),
            one_line(&alert.message, 120)
        )
    });
    format!(
        "batch {}: {rows}{invalid}{}: {told}{}",
        batch.number,
        errors.unwrap_or_default(),
        alerts.collect::<String>()
    )
}

/// What is told, that of one metric or column once: the first of the worst, and how often it was.
fn alerts_text(report: &Report) -> String {
    if report.status() == "unjudged" {
        return format!(
            "{}: no profile to judge by",
            style::paint(style::ODD, "unjudged")
        );
    }
    if report.alerts.is_empty() {
        return format!("{}: nothing that chance does not do", severity_word(None));
    }
    let mut about: Vec<(&Alert, usize)> = Vec::new();
    for alert in &report.alerts {
        let same = |(first, _): &&mut (&Alert, usize)| {
            first.kind == alert.kind && first.subject == alert.subject
        };
        match about.iter_mut().find(same) {
            Some((first, times)) => {
                *times += 1;
                if alert.severity > first.severity {
                    *first = alert;
                }
            }
            None => about.push((alert, 1)),
        }
    }
    about.sort_by_key(|(alert, _)| (std::cmp::Reverse(alert.severity), alert.batch));
    let line = |(alert, times): &(&Alert, usize)| {
        let batch = alert
            .batch
            .map_or_else(String::new, |batch| format!("batch {batch}, "));
        let (kind, subject) = (alert.kind.name(), one_line(&alert.subject, 40));
        let again = if *times > 1 {
            format!("; told {times} times")
        } else {
            String::new()
        };
        format!(
            "{}: {batch}{kind} of {subject}: {}{again}",
            severity_word(Some(alert.severity)),
            one_line(&alert.message, 120)
        )
    };
    let mut lines: Vec<_> = about.iter().take(MOST).map(line).collect();
    let more = about.len().saturating_sub(MOST);
    if more > 0 {
        lines.push(format!(
            "… and {more} more; `--report FILE.html` shows them"
        ));
    }
    lines.join("\n")
}
