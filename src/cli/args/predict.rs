//! Words of `predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// A registered version (NAME, NAME@STAGE, NAME@ALIAS, NAME/VERSION), or the file of a model.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// The rows: CSV with a header, or parquet.
    #[arg(value_name = "INPUT")]
    pub(crate) input: PathBuf,
    /// Write the rows with their predictions to FILE; its ending says how: .csv or .parquet.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Of a model's file: what makes its features (JSON, of the stage `features`).
    #[arg(long, value_name = "FILE")]
    pub(crate) transform: Option<PathBuf>,
    /// What the column of predictions is called.
    #[arg(long, value_name = "NAME", default_value = "prediction")]
    pub(crate) column: String,
    /// Take over this column of INPUT and no others but those also named; `--keep ''` takes over none [default: all].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) keep: Vec<String>,
    /// Leave rows that cannot be predicted without a prediction, and say how many.
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    /// What INPUT is, where its ending does not say.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<TableKind>,
    /// Write JSON: what was done.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a table is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableKind {
    /// Comma-separated values with a line of names.
    Csv,
    /// Apache parquet.
    Parquet,
}
