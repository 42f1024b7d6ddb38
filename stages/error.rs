//! Everything that can go wrong in a built-in stage, in the words its user reads.
//!
//! Each variant says what was attempted on which thing; [`From`] makes it the [`StageError`] of the port, with its help
//! and its cause. Faults of options never come here: `check` finds them before anything executes (`options.rs`).

use std::path::PathBuf;

use hpipe_core::{OptionFault, StageError};
use polars::error::PolarsError;

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Monitoring(String),
    #[error("cannot read {path}")]
    ReadFile {
        path: String,
        source: std::io::Error,
    },
    #[error("cannot write {path}")]
    WriteFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot read {path} as {format}: {source}")]
    ReadTable {
        path: String,
        format: &'static str,
        source: PolarsError,
    },
    #[error("{path} is not a table: {reason}")]
    NotATable { path: String, reason: String },
    #[error("cannot write the table {path}")]
    WriteTable { path: PathBuf, source: PolarsError },
    #[error(
        "column `{column}` of {path} holds {found}; a stage takes numbers, integers, texts and booleans"
    )]
    UnsupportedType {
        path: String,
        column: String,
        found: String,
    },
    #[error("there is no column `{column}`")]
    MissingColumn { column: String, help: String },
    #[error(transparent)]
    DuplicateColumn(#[from] hpipe_core::DuplicateColumn),
    #[error("column `{column}` holds {found} where {expected} are needed")]
    WrongType {
        column: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("column `{column}` has no value in row {row}")]
    MissingValue { column: String, row: usize },
    #[error("column `{column}` is {value} in row {row}")]
    NotFinite {
        column: String,
        row: usize,
        value: f64,
    },
    #[error("the target `{column}` has no finite value in row {row}")]
    BadTarget { column: String, row: usize },
    #[error("the derived column `{column}` is undefined in row {row}")]
    Undefined { column: String, row: usize },
    #[error("column `{column}` says `{category}` in row {row}, a category that is not known")]
    UnseenCategory {
        column: String,
        category: String,
        row: usize,
        help: String,
    },
    #[error("`{category}` is not among the categories of column `{column}` in the training part")]
    UnknownCategory {
        column: String,
        category: String,
        help: String,
    },
    #[error("column `{column}` has no value at all in the training part to learn its {what} from")]
    NothingToLearn { column: String, what: &'static str },
    #[error("there are no {0} to fit a model on")]
    NothingToFit(&'static str),
    #[error("{path} has no rows")]
    NoRows { path: String },
    #[error("{path} has {rows} rows, and at least {needed} are needed")]
    TooFewRows {
        path: String,
        rows: usize,
        needed: usize,
    },
    #[error(
        "the neighbours `{group}` tell of {k} rows, and some train row is compared with {compared} only"
    )]
    TooManyNeighbours {
        group: String,
        k: usize,
        compared: usize,
    },
    #[error("column `{column}` has more than {most} different words")]
    TooManyCategories { column: String, most: usize },
    #[error("none of {trials} trials came to an end: {reason}")]
    NoTrial { trials: usize, reason: String },
    #[error("the table has too few rows ({rows}) to give {part} any")]
    EmptyPart { part: &'static str, rows: usize },
    #[error(
        "column `{column}` says `{found}` in row {row}, which is none of train, validation and test"
    )]
    UnknownPart {
        column: String,
        found: String,
        row: usize,
    },
    #[error("{path} is not {what}: {reason}")]
    NotAnArtifact {
        path: String,
        what: &'static str,
        reason: String,
    },
    #[error("{path} is {what} of version {found}, and this hpipe reads version {known}")]
    ArtifactVersion {
        path: String,
        what: &'static str,
        found: u64,
        known: u32,
    },
    #[error("{} data-quality {} failed: {}", .0.len(), if .0.len() == 1 { "check" } else { "checks" }, .0.join("; "))]
    Quality(Vec<String>),
    #[error("{} {} not met: {}", .0.len(), if .0.len() == 1 { "threshold is" } else { "thresholds are" }, .0.join("; "))]
    Thresholds(Vec<String>),
    #[error("{0} and {1} do not fit together: {2}")]
    Mismatch(String, String, String),
    #[error("the model cannot be computed: {0}")]
    Numerical(String),
    #[error("{0}")]
    Predict(String),
    #[error("cannot predict {path}: {fault}")]
    BadRow {
        path: String,
        fault: hpipe_core::PredictionFault,
    },
    #[error("cannot export {path}: {source}")]
    Export {
        path: String,
        source: hpipe_learn::interchange::Error,
    },
    #[error("cannot import {path}: {source}")]
    Import {
        path: String,
        source: hpipe_learn::interchange::Error,
        hint: Option<String>,
    },
    #[error("{path} does not name its features")]
    NoFeatureNames { path: String },
    #[error("{score} is undefined on {path}")]
    UndefinedScore { score: &'static str, path: String },
    #[error("draw `{chart}`: {reason}")]
    Draw { chart: String, reason: String },
    #[error("failed to {0}")]
    Learn(#[from] hpipe_learn::error::Error),
    #[error("cannot fetch {url}: {reason}")]
    Fetch { url: String, reason: String },
    #[error("{url} has the digest {found}, not the expected {expected}")]
    WrongDigest {
        url: String,
        expected: String,
        found: String,
    },
    #[error("{message}")]
    Ports { message: String, help: &'static str },
    #[error("cancelled")]
    Cancelled,
    #[error("the options are not valid: {}", .0.iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect::<Vec<_>>().join("; "))]
    Options(Vec<OptionFault>),
    #[error("in {path}: {source}")]
    In { path: String, source: Box<Self> },
}

impl Error {
    /// The same error, said to have happened in `path`.
    pub(crate) fn within(self, path: impl ToString) -> Self {
        Self::In {
            path: path.to_string(),
            source: Box::new(self),
        }
    }

    /// How to mend it, if we can tell.
    fn help(&self) -> Option<String> {
        match self {
            Self::MissingColumn { help, .. }
            | Self::UnseenCategory { help, .. }
            | Self::UnknownCategory { help, .. } => Some(help.clone()),
            Self::MissingValue { column, .. } => Some(format!(
                "give `{column}` a rule under `impute`, or remove such rows from the raw table"
            )),
            Self::Undefined { column, .. } => Some(format!(
                "give `{column}` a rule under `impute` for where its recipe has no value (a division by zero, say)"
            )),
            Self::BadTarget { .. } => Some(
                "leave such rows out of the raw table: there is nothing to learn from them"
                    .to_owned(),
            ),
            Self::NotFinite { .. } => {
                Some("bound such values with `clip`, or mend the raw table".to_owned())
            }
            Self::NothingToLearn { column, .. } => Some(format!(
                "impute `{column}` by a constant, or leave the column out"
            )),
            Self::UnsupportedType { column, .. } => Some(format!(
                "write `{column}` as numbers, texts, booleans or dates, or leave it out of the file"
            )),
            Self::WrongType {
                column,
                expected,
                found,
            } if *found == "texts" && expected.contains("numbers") => Some(format!(
                "name `{column}` under `categorical` of the stage `features`, which makes numbers of words, or leave it out"
            )),
            Self::Import {
                hint: Some(hint), ..
            } => Some(hint.clone()),
            Self::Quality(_) => Some(
                "mend the data, or change the check's `severity` or `threshold` under `checks`"
                    .to_owned(),
            ),
            Self::Thresholds(_) => Some(
                "relax the thresholds, or set `on_failure: warn` to record the verdict and go on"
                    .to_owned(),
            ),
            Self::EmptyPart { .. } => {
                Some("give the part a larger fraction, or split more rows".to_owned())
            }
            Self::ArtifactVersion { .. } => {
                Some("make it again by repeating the stage that wrote it".to_owned())
            }
            Self::UndefinedScore { .. } => Some(
                "choose another `metric`: R² needs a target that varies, MAPE one that is never 0"
                    .to_owned(),
            ),
            Self::WrongDigest { .. } => {
                Some("if the new content is right, write its digest into `digest`".to_owned())
            }
            Self::TooManyCategories { .. } => Some(
                "encode it under `categorical` of `features`, or leave the column out".to_owned(),
            ),
            Self::TooManyNeighbours {
                compared: 0 | 1, ..
            } => Some(
                "too few train rows have a place: give them coordinates, or leave the group out"
                    .to_owned(),
            ),
            Self::TooManyNeighbours { compared, .. } => Some(format!(
                "take every `k` below {compared}: who is told of all others is told nothing but its own value, backwards"
            )),
            Self::NoFeatureNames { .. } => {
                Some("name them, in the model's order, under the option `features`".to_owned())
            }
            Self::BadRow { fault, .. } if fault.row.is_some() => Some(
                "mend the row, or set `skip_bad_rows: true` to leave such rows without a prediction"
                    .to_owned(),
            ),
            Self::BadRow { fault, .. } => Some(fault.help.clone()).filter(|help| !help.is_empty()),
            Self::Ports { help, .. } => Some((*help).to_owned()),
            Self::In { source, .. } => source.help(),
            _ => None,
        }
    }
}

impl From<Error> for StageError {
    fn from(error: Error) -> Self {
        let help = error.help();
        let source = match error {
            Error::Cancelled => return Self::cancelled(),
            Error::ReadFile { ref path, .. } => format!("cannot read {path}"),
            ref other => other.to_string(),
        };
        let message = source;
        let failure = match error {
            Error::ReadFile { source, .. } | Error::WriteFile { source, .. } => {
                Self::caused(message, source)
            }
            Error::WriteTable { source, .. } => Self::caused(message, source),
            _ => Self::new(message),
        };
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}
