//! What was seen: of every batch, of every column, of the input as a whole.

use std::collections::BTreeMap;

use hpipe_core::{Discriminator, Predictor, Profile};

use crate::alerts::{Alert, Kind, Severity, Told};
use crate::distribution::log_choose;
use crate::domain::Multivariate;
use crate::errors::Errors;
use crate::quality::{Check, Findings, Found};
use crate::seen::Seen;
use crate::segments::Segment;
use crate::settings::Settings;
use crate::window::Drift;

/// The version of the report as a file: docs/formats/monitoring.md.
pub const VERSION: i128 = 1;

/// Batches that a file tells of; of further ones those with an alert.
pub(crate) const MOST_BATCHES: usize = 10_000;

/// What was seen of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReport {
    /// Which one, from 1.
    pub number: usize,
    /// Number of rows that came in.
    pub rows: usize,
    /// The number of those that could be predicted.
    pub valid: usize,
    /// Seconds that predicting them took.
    pub latency: Option<f64>,
    /// Seconds that clients waited for an answer, where a log says: in the middle, and in the slowest twentieth (p50, p95).
    pub answered: Option<[f64; 2]>,
    /// The errors of the rows whose truth is known.
    pub errors: Option<Errors>,
    /// RMSE in the middle and in the worst hundredth of batches of this size without drift.
    pub expected_rmse: Option<[f64; 2]>,
    /// Whether it raised an alarm, told or not.
    pub is_alarm: bool,
    /// What is told of it.
    pub alerts: Vec<Alert>,
}

/// What was seen of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The column that is predicted.
    pub target: String,
    /// Whether there was a profile to judge by.
    pub has_reference: bool,
    /// The scores on the validation rows, by name.
    pub reference: BTreeMap<String, f64>,
    /// Number of rows that came in.
    pub rows: usize,
    /// The number of those that could be predicted.
    pub valid: usize,
    /// Number of batches.
    pub batch_count: usize,
    /// The first 10,000 batches, and later ones of which something is told.
    pub batches: Vec<BatchReport>,
    /// Batches that raised an alarm.
    pub alarmed: usize,
    /// Alarms that were not told again.
    pub suppressed: usize,
    /// The errors of all rows whose truth is known.
    pub errors: Option<Errors>,
    /// Columns before the reference.
    pub drift: Vec<Drift>,
    /// All input columns together; none where the profile keeps no rows, of too few rows, or where nobody can tell.
    pub multivariate: Option<Multivariate>,
    /// What is wrong with values.
    pub findings: Findings,
    /// Errors by part of the data.
    pub segments: Vec<Segment>,
    /// All that is told, in the order it was noticed.
    pub alerts: Vec<Alert>,
}

/// Judges the whole of what was seen, of whose batches this was told.
pub(crate) fn conclude(
    seen: Seen,
    told: Told,
    settings: &Settings,
    predictor: &dyn Predictor,
    discriminator: Option<&dyn Discriminator>,
) -> Report {
    let alpha = settings.false_alarms;
    let profile = predictor.profile();
    let together = seen.multivariate(discriminator);
    let p = together.as_ref().map(|found| found.p);
    let (drift, p) = seen.window.judge_with(alpha, p);
    let multivariate = together.zip(p).map(|(found, p)| found.judged(p, alpha));
    let segments = seen.segments.all(alpha);
    let mut alerts = told.alerts;
    alerts.extend(drift.iter().filter_map(of_drift));
    alerts.extend(multivariate.as_ref().and_then(of_multivariate));
    alerts.extend(of_segments(&segments));
    alerts.extend(of_findings(&seen.findings, seen.rows, profile));
    alerts.extend(of_batches(seen.alarmed, seen.count, alpha));
    alerts.extend(of_rows(&seen, settings));
    Report {
        target: predictor.card().target.clone(),
        has_reference: profile.is_some(),
        reference: profile
            .map(|profile| profile.scores.clone())
            .unwrap_or_default(),
        rows: seen.rows,
        valid: seen.valid,
        errors: seen.sums.errors(),
        segments,
        multivariate,
        batch_count: seen.count,
        batches: seen.reports,
        alarmed: seen.alarmed,
        suppressed: told.suppressed,
        alerts,
        findings: seen.findings,
        drift,
    }
}

fn of_drift(drift: &Drift) -> Option<Alert> {
    let distances = drift.distances.map(|found| {
        let of_test = if found.wasserstein.is_some() {
            "KS"
        } else {
            "chi-squared"
        };
        format!(
            "PSI {:.3} (by chance up to {:.3}), {of_test} {:.3}",
            found.psi, found.psi_critical, found.test.statistic
        )
    });
    let missing = (drift.missing_p < drift.p.max(0.01)).then(|| {
        format!(
            "{:.1} % missing, {:.1} % were",
            drift.missing_share() * 100.0,
            drift.reference_missing * 100.0
        )
    });
    Some(Alert {
        batch: None,
        kind: Kind::Drift,
        subject: drift.subject.name().to_owned(),
        severity: drift.severity?,
        p: Some(drift.p),
        message: distances
            .into_iter()
            .chain(missing)
            .collect::<Vec<_>>()
            .join("; "),
    })
}

fn of_multivariate(found: &Multivariate) -> Option<Alert> {
    let most = found
        .columns
        .iter()
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0));
    Some(Alert {
        batch: None,
        kind: Kind::Drift,
        subject: "all columns".to_owned(),
        severity: found.severity?,
        p: Some(found.p),
        message: format!(
            "new rows can be told from old ones (AUC {:.3}), most by {}",
            found.auc,
            most.collect::<Vec<_>>().join(", ")
        ),
    })
}

/// One alert for each way of telling segments apart, that names those whose errors have grown most.
fn of_segments(segments: &[Segment]) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for by in segments.chunk_by(|one, other| one.by == other.by) {
        let judged = |segment: &&Segment| Some((segment.judged?.severity?, segment.judged?.p));
        let mut bad: Vec<_> = by
            .iter()
            .filter(|segment| judged(segment).is_some())
            .collect();
        let growth = |segment: &Segment| {
            let was = segment.judged.map_or(0.0, |judged| judged.reference_mae);
            segment.errors.mae / was
        };
        bad.sort_by(|one, other| growth(other).total_cmp(&growth(one)));
        let Some(severity) = bad
            .iter()
            .filter_map(judged)
            .map(|(severity, _)| severity)
            .max()
        else {
            continue;
        };
        let least = bad
            .iter()
            .filter_map(judged)
            .map(|(_, p)| p)
            .fold(1.0, f64::min);
        let words = bad.iter().take(3).filter_map(|segment| {
            let was = segment.judged?.reference_mae;
            Some(format!(
                "{}: MAE {:.4}, was {was:.4}",
                segment.part, segment.errors.mae
            ))
        });
        let more = bad.len().saturating_sub(3);
        alerts.push(Alert {
            batch: None,
            kind: Kind::Errors,
            subject: by[0].by.clone(),
            severity,
            p: Some(least),
            message: words.collect::<Vec<_>>().join("; ")
                + &if more > 0 {
                    format!("; and {more} more parts")
                } else {
                    String::new()
                },
        });
    }
    alerts
}

/// The share of rows from which on something is said of a check.
const fn tolerated(check: Check) -> f64 {
    match check {
        Check::Missing => 0.05,
        Check::Range | Check::Categories => 0.01,
        Check::Schema
        | Check::Infinite
        | Check::Refused
        | Check::Time
        | Check::Late
        | Check::Record => 0.0,
    }
}

fn of_findings(findings: &Findings, rows: usize, profile: Option<&Profile>) -> Vec<Alert> {
    let usual = |name: &str| {
        let input = profile?.inputs.iter().find(|input| input.name == name)?;
        Some(input.missing as f64 / profile?.train_rows.max(1) as f64)
    };
    let alert = |((check, name), found): (&(Check, String), &Found)| {
        let usual = if *check == Check::Missing {
            usual(name).unwrap_or(0.0)
        } else {
            0.0
        };
        let share = found.rows as f64 / rows.max(1) as f64;
        let is_half = found.invalid * 2 > rows;
        (share > usual + tolerated(*check)).then(|| Alert {
            batch: None,
            kind: Kind::Quality,
            subject: name.clone(),
            severity: if is_half {
                Severity::Critical
            } else {
                Severity::Warning
            },
            p: None,
            message: said(*check, found, rows),
        })
    };
    findings.iter().filter_map(alert).collect()
}

/// What was found, in words.
pub(crate) fn said(check: Check, found: &Found, rows: usize) -> String {
    let what = match check {
        Check::Schema => "of another type",
        Check::Missing => "missing",
        Check::Infinite => "infinite",
        Check::Range => "outside the range of the training rows",
        Check::Categories => "not among the known words",
        Check::Refused => "refused by the model",
        Check::Time => "that say no time (their rows count to the window before)",
        Check::Late => "of a window that was over (their rows count to the one that was open)",
        Check::Record => "that are no rows",
    };
    let example = found
        .example
        .as_ref()
        .map(|text| format!(", such as `{text}`"));
    format!(
        "{} of {rows} values {what}{}",
        found.rows,
        example.unwrap_or_default()
    )
}

/// What makes a report that says `ok` say nothing: no rows, or none whose truth can be read although a column is there for it.
fn of_rows(seen: &Seen, settings: &Settings) -> Option<Alert> {
    let alert = |subject: &str, severity, message| Alert {
        batch: None,
        kind: Kind::Quality,
        subject: subject.to_owned(),
        severity,
        p: None,
        message,
    };
    if seen.rows == 0 {
        let message = "no row came in, nothing can be said".to_owned();
        return Some(alert("rows", Severity::Critical, message));
    }
    let (truth, named) = (seen.truth, settings.target.as_deref());
    if truth.rows == 0 || truth.known > 0 {
        return None;
    }
    let is_unusable = truth.unusable > 0 || named.is_some();
    let severity = match is_unusable {
        true => Severity::Critical,
        false => Severity::Warning,
    };
    let message = format!(
        "none of {} rows says what was true: errors are unknown",
        truth.rows
    );
    Some(alert(named.unwrap_or("target"), severity, message))
}

/// More alarms than chance makes: a share `alpha` of the batches.
fn of_batches(alarmed: usize, batches: usize, alpha: f64) -> Option<Alert> {
    let p = binomial_tail(alarmed, batches, alpha);
    (p < 1e-3).then(|| Alert {
        batch: None,
        kind: Kind::Errors,
        subject: "batches".to_owned(),
        severity: Severity::Critical,
        p: Some(p),
        message: format!(
            "{alarmed} of {batches} batches raised an alarm, {:.1} would by chance",
            alpha * batches as f64
        ),
    })
}

/// The probability of at least `k` among `n` where each is with the probability `p`.
fn binomial_tail(k: usize, n: usize, p: f64) -> f64 {
    let (rows, log_p, log_q) = (n as f64, libm::log(p), libm::log1p(-p));
    let term = |k: usize| {
        let k = k as f64;
        libm::exp(log_choose(rows, k) + k * log_p + (rows - k) * log_q)
    };
    match k {
        0 => 1.0,
        k => (k..=n).map(term).sum::<f64>().min(1.0),
    }
}

impl Report {
    /// The worst of what is told.
    pub fn severity(&self) -> Option<Severity> {
        self.alerts.iter().map(|alert| alert.severity).max()
    }

    /// The worst of what training anew can mend: not that rows are lacking or cannot be read.
    pub fn drift_severity(&self) -> Option<Severity> {
        let of_world = self
            .alerts
            .iter()
            .filter(|alert| alert.kind != Kind::Quality);
        of_world.map(|alert| alert.severity).max()
    }

    /// `ok`, or the worst severity; `unjudged` where nothing is told because there is nothing to judge by.
    pub fn status(&self) -> &'static str {
        match self.severity() {
            Some(severity) => severity.name(),
            None if self.has_reference => "ok",
            None => "unjudged",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_alarms_than_chance_makes() {
        assert_eq!(binomial_tail(0, 10, 0.01), 1.0);
        assert!((binomial_tail(1, 100, 0.01) - 0.633_967_658_726_770_6).abs() < 1e-12); // scipy.stats.binom.sf(0, 100, 0.01)
        assert_eq!(of_batches(1, 100, 0.01), None);
        let alert = of_batches(8, 20, 0.01).expect("an alert");
        assert_eq!(
            alert.message,
            "8 of 20 batches raised an alarm, 0.2 would by chance"
        );
    }
}
