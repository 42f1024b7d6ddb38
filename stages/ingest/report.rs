//! The data-quality report: for programs as JSON (`docs/formats/data_quality.md`), for people as Markdown.

use serde::Serialize;

use super::checks::{Outcome, Severity, Unit};
use super::profile::{ColumnProfile, Profile};
use crate::markdown::{Markdown, counted, figure, percent};

/// The version of the JSON report.
const VERSION: u32 = 1;

/// The data-quality report.
#[derive(Debug, Serialize)]
pub(super) struct Quality {
    version: u32,
    /// The file or URL the table came from.
    source: String,
    verdict: Verdict,
    profile: Profile,
    checks: Vec<Outcome>,
}

/// How the checks ended, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Passed,
    Warnings,
    Failed,
}

impl Quality {
    /// The report on the table that came from `source`.
    pub(super) fn new(source: &str, profile: Profile, checks: Vec<Outcome>) -> Self {
        let failed = checks.iter().filter(|outcome| !outcome.passed);
        let verdict = match failed.map(|outcome| outcome.severity).max() {
            Some(Severity::Error) => Verdict::Failed,
            Some(Severity::Warning) => Verdict::Warnings,
            _ => Verdict::Passed,
        };
        Self {
            version: VERSION,
            source: source.to_owned(),
            verdict,
            profile,
            checks,
        }
    }

    /// What failed with severity `error`, one fragment each.
    pub(super) fn failures(&self) -> Vec<String> {
        self.failed(Severity::Error)
    }

    /// What did not pass with severity `warning`, one line each.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.failed(Severity::Warning)
    }

    /// Everything that did not pass, one line each.
    pub(super) fn summary(&self) -> Vec<String> {
        let line = |(word, severity)| {
            let failed = self.failed(severity);
            failed
                .into_iter()
                .map(move |text| format!("{word}: {text}"))
        };
        [
            ("error", Severity::Error),
            ("warning", Severity::Warning),
            ("info", Severity::Info),
        ]
        .into_iter()
        .flat_map(line)
        .collect()
    }

    fn failed(&self, severity: Severity) -> Vec<String> {
        let outcomes = self
            .checks
            .iter()
            .filter(|outcome| outcome.severity == severity);
        outcomes.flat_map(describe).collect()
    }

    /// The report for people.
    pub(super) fn markdown(&self) -> String {
        let mut report = Markdown::default();
        report.heading(1, "Data quality");
        let verdict = match self.verdict {
            Verdict::Passed => "All checks passed.",
            Verdict::Warnings => "No check of severity error failed; there are warnings.",
            Verdict::Failed => "At least one check of severity error failed.",
        };
        let profile = &self.profile;
        report.paragraph(&format!(
            "{verdict} `{}` has {} and {}; {} equal to an earlier one.",
            self.source,
            counted(profile.rows, "row"),
            counted(profile.columns.len(), "column"),
            counted(profile.duplicates, "row"),
        ));
        report.heading(2, "Findings");
        let findings = self.checks.iter().flat_map(|outcome| {
            outcome.findings.iter().map(|finding| {
                vec![
                    word(&outcome.severity),
                    outcome.check.name().to_owned(),
                    finding.column.clone().unwrap_or_default(),
                    finding.message.clone(),
                    in_unit(outcome.threshold, outcome.unit),
                ]
            })
        });
        let findings: Vec<_> = findings.collect();
        if findings.is_empty() {
            report.paragraph("None.");
        }
        report.table(
            &["severity", "check", "column", "found", "threshold"],
            &findings,
        );
        report.heading(2, "Checks");
        let checks: Vec<_> = self.checks.iter().map(check_row).collect();
        report.table(&["check", "severity", "threshold", "outcome"], &checks);
        report.heading(2, "Columns");
        let columns: Vec<_> = profile.columns.iter().map(column_row).collect();
        report.table(
            &["column", "type", "missing", "distinct", "constant"],
            &columns,
        );
        report.heading(2, "Numbers");
        let numbers: Vec<_> = profile.columns.iter().filter_map(number_row).collect();
        report.table(
            &[
                "column",
                "min",
                "p25",
                "median",
                "p75",
                "max",
                "mean",
                "deviation",
                "at max",
            ],
            &numbers,
        );
        report.heading(2, "Outliers");
        let outliers: Vec<_> = profile.columns.iter().filter_map(outlier_row).collect();
        report.table(
            &[
                "column",
                "outside quartiles",
                "by IQR",
                "outside mean",
                "by z-score",
            ],
            &outliers,
        );
        let categories: Vec<_> = profile.columns.iter().flat_map(category_rows).collect();
        if !categories.is_empty() {
            report.heading(2, "Categories");
            report.table(&["column", "word", "rows"], &categories);
        }
        report.as_str().to_owned()
    }
}

/// The findings of a check, one fragment each: check, column, what, threshold.
fn describe(outcome: &Outcome) -> impl Iterator<Item = String> {
    let threshold = in_unit(outcome.threshold, outcome.unit);
    let check = outcome.check.name();
    outcome.findings.iter().map(move |finding| {
        let column = finding.column.as_ref();
        let column = column
            .map(|name| format!(" of `{name}`"))
            .unwrap_or_default();
        format!(
            "{check}{column}: {} (threshold {threshold})",
            finding.message
        )
    })
}

fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Fraction => percent(value),
        Unit::Count => figure(value),
    }
}

fn word(severity: &Severity) -> String {
    match severity {
        Severity::Off => "off",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
    .to_owned()
}

fn check_row(outcome: &Outcome) -> Vec<String> {
    let outcome_word = if outcome.passed { "passed" } else { "exceeded" };
    vec![
        outcome.check.name().to_owned(),
        word(&outcome.severity),
        in_unit(outcome.threshold, outcome.unit),
        outcome_word.to_owned(),
    ]
}

fn column_row(column: &ColumnProfile) -> Vec<String> {
    vec![
        column.name.clone(),
        column.kind.name().to_owned(),
        format!("{} ({})", column.missing, percent(column.missing_fraction)),
        column.distinct.to_string(),
        if column.constant { "yes" } else { "no" }.to_owned(),
    ]
}

fn number_row(column: &ColumnProfile) -> Option<Vec<String>> {
    let numbers = column.numbers.as_ref()?;
    let quantile = |name| numbers.quantiles.get(name).copied().unwrap_or(f64::NAN);
    let figures = [
        numbers.min,
        quantile("p25"),
        quantile("p50"),
        quantile("p75"),
        numbers.max,
        numbers.mean,
        numbers.standard_deviation,
        numbers.at_max as f64,
    ];
    let mut row = vec![column.name.clone()];
    row.extend(figures.map(figure));
    Some(row)
}

fn outlier_row(column: &ColumnProfile) -> Option<Vec<String>> {
    let numbers = column.numbers.as_ref()?;
    let mut row = vec![column.name.clone()];
    for outliers in [&numbers.outliers_iqr, &numbers.outliers_z] {
        row.push(format!(
            "{} … {}",
            figure(outliers.lower),
            figure(outliers.upper)
        ));
        row.push(outliers.count().to_string());
    }
    Some(row)
}

fn category_rows(column: &ColumnProfile) -> Vec<Vec<String>> {
    let categories = column.categories.iter().flatten();
    categories
        .map(|category| {
            vec![
                column.name.clone(),
                category.value.clone(),
                category.rows.to_string(),
            ]
        })
        .collect()
}
