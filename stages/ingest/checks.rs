//! The checks of the data-quality report: what is measured, in which unit, and how much of it is too much.

use serde::{Deserialize, Serialize};

use super::params::{Declared, ValidIngestParams};
use super::profile::{ColumnProfile, Profile, fraction};
use super::typing::Typed;
use crate::markdown::{counted, figure, percent};
use crate::names;
use crate::table::{Cells, Column, Lookup, Table, Values};

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    /// Rows that are lacking to the threshold.
    Rows,
    /// Contradictions to the declared columns: absent, of another type, missing where that is not allowed.
    Schema,
    /// Columns that are not declared, if any are.
    Undeclared,
    /// Rows whose target is missing or infinite.
    Target,
    /// Values outside of the declared range.
    Range,
    /// Words that are not among the declared ones.
    Categories,
    /// Values that are missing.
    Missing,
    /// Values that are infinite.
    Infinite,
    /// Rows that equal a row before them.
    Duplicates,
    /// Values far from the quartiles.
    OutliersIqr,
    /// Values many standard deviations from the mean.
    OutliersZ,
    /// Values that equal the largest one, when more than one does: a sign of capping.
    Capped,
    /// Different words of a text column.
    Distinct,
    /// Columns with a single value.
    Constant,
}

/// How bad it is when a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// It is not even looked at.
    Off,
    /// It is worth knowing.
    Info,
    /// It is worth a look.
    Warning,
    /// The stage fails.
    Error,
}

/// A check's options, as written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckParams {
    severity: Option<Severity>,
    pub(super) threshold: Option<f64>,
}

/// A check's options, complete with defaults: it fails where its value exceeds the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) severity: Severity,
    pub(super) threshold: f64,
}

/// What a check's value and threshold are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// A fraction of the rows, from 0 to 1.
    Fraction,
    /// A number of things.
    Count,
}

/// How a check ended.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) check: Check,
    pub(super) severity: Severity,
    pub(super) threshold: f64,
    pub(super) unit: Unit,
    pub(super) passed: bool,
    /// Where the threshold is exceeded.
    pub(super) findings: Vec<Finding>,
}

/// A place where a check's threshold is exceeded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Finding {
    /// None for a finding about the whole table.
    pub(super) column: Option<String>,
    /// In the check's unit.
    pub(super) value: f64,
    /// One lowercase fragment.
    pub(super) message: String,
}

impl Check {
    /// Every check, in the order of reports.
    pub(super) const ALL: [Self; 14] = [
        Self::Rows,
        Self::Schema,
        Self::Undeclared,
        Self::Target,
        Self::Range,
        Self::Categories,
        Self::Missing,
        Self::Infinite,
        Self::Duplicates,
        Self::OutliersIqr,
        Self::OutliersZ,
        Self::Capped,
        Self::Distinct,
        Self::Constant,
    ];

    /// The word for this check in options and reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Schema => "schema",
            Self::Undeclared => "undeclared",
            Self::Target => "target",
            Self::Range => "range",
            Self::Categories => "categories",
            Self::Missing => "missing",
            Self::Infinite => "infinite",
            Self::Duplicates => "duplicates",
            Self::OutliersIqr => "outliers_iqr",
            Self::OutliersZ => "outliers_z",
            Self::Capped => "capped",
            Self::Distinct => "distinct",
            Self::Constant => "constant",
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Rows | Self::Schema | Self::Undeclared | Self::Distinct | Self::Constant => {
                Unit::Count
            }
            _ => Unit::Fraction,
        }
    }

    /// The rule where the user wrote none: what breaks a training is an error, what may spoil it a warning.
    const fn default_rule(self) -> Rule {
        let (severity, threshold) = match self {
            Self::Rows => (Severity::Error, 1.0),
            Self::Schema | Self::Target | Self::Range | Self::Categories => (Severity::Error, 0.0),
            Self::Undeclared | Self::Infinite | Self::Duplicates | Self::Constant => {
                (Severity::Warning, 0.0)
            }
            Self::Missing => (Severity::Warning, 0.05),
            Self::Capped => (Severity::Warning, 0.01),
            Self::Distinct => (Severity::Warning, 100.0),
            Self::OutliersIqr => (Severity::Info, 0.05),
            Self::OutliersZ => (Severity::Info, 0.02),
        };
        Rule {
            severity,
            threshold,
        }
    }

    /// The rule, given what the user wrote.
    pub(super) fn rule(self, params: Option<&CheckParams>) -> Rule {
        let default = self.default_rule();
        Rule {
            severity: params.and_then(|p| p.severity).unwrap_or(default.severity),
            threshold: params
                .and_then(|p| p.threshold)
                .unwrap_or(default.threshold),
        }
    }
}

/// The outcome of every check that is not off.
pub(super) fn judge(typed: &Typed, profile: &Profile, params: &ValidIngestParams) -> Vec<Outcome> {
    let rules = params
        .rules
        .iter()
        .filter(|(_, rule)| rule.severity != Severity::Off);
    let judge_one = |(&check, rule): (&Check, &Rule)| {
        let exceeds = |finding: &Finding| match check {
            Check::Rows => finding.value < rule.threshold,
            _ => finding.value > rule.threshold,
        };
        let mut findings = measure(check, typed, profile, params);
        findings.retain(exceeds);
        Outcome {
            check,
            severity: rule.severity,
            threshold: rule.threshold,
            unit: check.unit(),
            passed: findings.is_empty(),
            findings,
        }
    };
    rules.map(judge_one).collect()
}

/// What a check finds, whether or not it is too much.
fn measure(
    check: Check,
    typed: &Typed,
    profile: &Profile,
    params: &ValidIngestParams,
) -> Vec<Finding> {
    let rows = profile.rows;
    let of_rows = |count: usize, what: String| (fraction(count, rows), what);
    match check {
        Check::Rows => vec![of_table(rows as f64, counted(rows, "row"))],
        Check::Schema => schema(typed, &params.schema),
        Check::Undeclared => undeclared(profile, &params.schema),
        Check::Target => params
            .target
            .iter()
            .map(|name| target(name, &typed.table))
            .collect(),
        Check::Range => declared(&typed.table, &params.schema, out_of_range),
        Check::Categories => declared(&typed.table, &params.schema, out_of_categories),
        Check::Missing => each(profile, |column| {
            let share = percent(column.missing_fraction);
            Some(of_rows(
                column.missing,
                format!("{} missing ({share})", counted(column.missing, "value")),
            ))
        }),
        Check::Infinite => each(profile, |column| {
            let count = column.numbers.as_ref()?.infinite;
            Some(of_rows(
                count,
                format!("{} infinite", counted(count, "value")),
            ))
        }),
        Check::Duplicates => {
            let (value, what) = of_rows(
                profile.duplicates,
                format!(
                    "{} equal to an earlier one",
                    counted(profile.duplicates, "row")
                ),
            );
            vec![of_table(value, what)]
        }
        Check::OutliersIqr => each(profile, |column| {
            let outliers = &column.numbers.as_ref()?.outliers_iqr;
            Some(of_rows(
                outliers.count(),
                outside(outliers.count(), outliers.lower, outliers.upper),
            ))
        }),
        Check::OutliersZ => each(profile, |column| {
            let outliers = &column.numbers.as_ref()?.outliers_z;
            Some(of_rows(
                outliers.count(),
                outside(outliers.count(), outliers.lower, outliers.upper),
            ))
        }),
        Check::Capped => each(profile, capped(rows)),
        Check::Distinct => each(profile, |column| {
            column.categories.as_ref()?;
            Some((
                column.distinct as f64,
                format!("{} in all", counted(column.distinct, "different word")),
            ))
        }),
        Check::Constant => each(profile, |column| {
            column
                .constant
                .then(|| (1.0, "the same value in every row".to_owned()))
        }),
    }
}

fn of_table(value: f64, message: String) -> Finding {
    Finding {
        column: None,
        value,
        message,
    }
}

fn of_column(name: &str, value: f64, message: String) -> Finding {
    Finding {
        column: Some(name.to_owned()),
        value,
        message,
    }
}

/// A finding for each column that `measure` has something to say about.
fn each(
    profile: &Profile,
    measure: impl Fn(&ColumnProfile) -> Option<(f64, String)>,
) -> Vec<Finding> {
    let columns = profile.columns.iter();
    columns
        .filter_map(|column| {
            measure(column).map(|(value, message)| of_column(&column.name, value, message))
        })
        .collect()
}

fn outside(count: usize, lower: f64, upper: f64) -> String {
    format!(
        "{} outside {} … {}",
        counted(count, "value"),
        figure(lower),
        figure(upper)
    )
}

/// Rows at the largest value, unless one row has it or the column is a set of few values anyway.
fn capped(rows: usize) -> impl Fn(&ColumnProfile) -> Option<(f64, String)> {
    move |column| {
        let numbers = column
            .numbers
            .as_ref()
            .filter(|numbers| numbers.at_max > 1)?;
        let few = column.constant || column.distinct <= 10;
        let message = format!(
            "{} with the largest value, {}",
            counted(numbers.at_max, "row"),
            numbers.max
        );
        (!few).then(|| (fraction(numbers.at_max, rows), message))
    }
}

fn schema(typed: &Typed, schema: &[Declared]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for misfits in &typed.misfits {
        let message = format!(
            "declared {}, but {} {} not: row {} says `{}`",
            misfits.declared.name(),
            counted(misfits.rows, "row"),
            if misfits.rows == 1 { "is" } else { "are" },
            misfits.first_row,
            misfits.example,
        );
        findings.push(of_column(&misfits.column, misfits.rows as f64, message));
    }
    for declared in schema {
        let name = &declared.name;
        match typed.table.column(name) {
            Err(_) if declared.required => {
                let near = names::nearest(name, typed.table.names());
                let near = near
                    .map(|near| format!("; there is `{near}`"))
                    .unwrap_or_default();
                findings.push(of_column(name, 1.0, format!("no such column{near}")));
            }
            Ok(column) if !declared.nullable && column.values.missing() > 0 => {
                let missing = column.values.missing();
                let message = format!("{} missing, and none may be", counted(missing, "value"));
                findings.push(of_column(name, missing as f64, message));
            }
            _ => {}
        }
    }
    findings
}

fn undeclared(profile: &Profile, schema: &[Declared]) -> Vec<Finding> {
    let is_declared = |column: &ColumnProfile| schema.iter().any(|d| d.name == column.name);
    each(profile, |column| {
        let surprising = !schema.is_empty() && !is_declared(column);
        surprising.then(|| (1.0, "not declared".to_owned()))
    })
}

fn target(name: &str, table: &Table) -> Finding {
    let Ok(column) = table.column(name) else {
        return of_column(name, 1.0, "there is no such column to predict".to_owned());
    };
    if let Ok(numbers) = column.numbers() {
        let is_bad = |x: &&Option<f64>| !x.is_some_and(f64::is_finite);
        let bad = numbers.iter().filter(is_bad).count();
        let message = format!("{} without a finite value to predict", counted(bad, "row"));
        return of_column(name, fraction(bad, table.rows()), message);
    }
    words_as_target(column, table.rows())
}

/// A target of words, some of which may look like numbers: the column is no target, and the first other word says why.
fn words_as_target(column: &Column, rows: usize) -> Finding {
    let words = column.words().unwrap_or_default();
    let is_number = |word: &String| word.trim().parse().is_ok_and(f64::is_finite);
    let others = words.iter().zip(1..);
    let mut others = others.filter_map(|(word, row)| Some((word.as_ref()?, row)));
    let message = match others.find(|(word, _)| !is_number(word)) {
        Some((word, row)) => format!("not numbers to predict: row {row} says `{word}`"),
        None => "not numbers to predict, but texts or booleans".to_owned(),
    };
    of_column(&column.name, fraction(rows, rows), message)
}

/// A finding for each declared column whose values contradict `measure`, a number of rows and what is wrong with them.
fn declared(
    table: &Table,
    schema: &[Declared],
    measure: fn(&Column, &Declared) -> Option<(usize, String)>,
) -> Vec<Finding> {
    let columns = schema
        .iter()
        .filter_map(|d| Some((d, table.column(&d.name).ok()?)));
    columns
        .filter_map(|(declared, column)| {
            let (count, message) = measure(column, declared)?;
            Some(of_column(
                &column.name,
                fraction(count, table.rows()),
                message,
            ))
        })
        .collect()
}

fn out_of_range(column: &Column, declared: &Declared) -> Option<(usize, String)> {
    let min = declared.min.unwrap_or(f64::NEG_INFINITY);
    let max = declared.max.unwrap_or(f64::INFINITY);
    let numbers = column.numbers().ok()?;
    let outside = numbers
        .iter()
        .flatten()
        .filter(|x| !(min..=max).contains(*x));
    let count = outside.clone().count();
    let worst = outside.max_by(|a, b| {
        let excess = |x: &f64| (min - x).max(x - max);
        excess(a).total_cmp(&excess(b))
    });
    let bounds = match (declared.min, declared.max) {
        (Some(min), Some(max)) => format!("outside {min} … {max}"),
        (Some(min), None) => format!("below {min}"),
        _ => format!("above {max}"),
    };
    let message = format!("{} {bounds}, such as {}", counted(count, "value"), worst?);
    Some((count, message))
}

fn out_of_categories(column: &Column, declared: &Declared) -> Option<(usize, String)> {
    let allowed = declared.categories.as_ref()?;
    if matches!(column.values, Values::Number(_)) {
        return None;
    }
    let words = column.words().ok()?;
    let mut others = words
        .iter()
        .flatten()
        .filter(|word| !allowed.contains(*word));
    let first = others.next()?;
    let count = others.count() + 1;
    Some((
        count,
        format!(
            "{} not among the declared words, such as `{first}`",
            counted(count, "value")
        ),
    ))
}
