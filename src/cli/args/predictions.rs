//! Words of `predictions`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the log of predictions.
#[derive(Debug, Subcommand)]
pub(crate) enum Predictions {
    /// Add what became true to the predictions that were logged.
    #[command(after_help = "Example: hpipe predictions join sold.csv --on order\n\n\
        The column `order` holds ids of requests (X-Request-Id); the target's column holds what became true. Rows of \
        one request are told apart by a column `row`, from 0.")]
    Join(PredictionsJoin),
}

/// Arguments of `predictions join`.
#[derive(Debug, Args)]
pub(crate) struct PredictionsJoin {
    /// CSV or parquet: a row for each prediction whose truth is known.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The column that holds ids of requests.
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    pub(crate) on: String,
    /// The column that holds what became true [default: the model's target].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) truth: Option<String>,
    /// Give predictions that know another truth the new one; else they keep theirs, which is told.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
