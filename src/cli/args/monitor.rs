//! Words of `monitor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `monitor`.
#[derive(Debug, Args)]
pub(crate) struct Monitor {
    /// The model: NAME[@STAGE|/VERSION]; NAME alone means the version in Production [default: the only model there is].
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What came in: a CSV or parquet file with the columns the model takes, and the target if the truth is known; or `-`, CSV or
    /// JSON lines from standard input, judged as they come.
    #[arg(value_name = "INPUT", required_unless_present = "log")]
    pub(crate) input: Option<PathBuf>,
    /// Watch what `hpipe serve` answered: models/predictions.db.
    #[arg(long, conflicts_with_all = ["target", "time"])]
    pub(crate) log: bool,
    /// Of the log, only what was answered in this time: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", requires = "log")]
    pub(crate) since: Option<String>,
    /// Judge batches of N rows.
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "window", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_rows: u32,
    /// Judge windows of this time instead: 90s, 15m, 1h, 7d.
    #[arg(long, value_name = "TIME")]
    pub(crate) window: Option<String>,
    /// The column that says when a row came in; rows of a file are in the order of their windows.
    #[arg(long, value_name = "COLUMN", requires = "window")]
    pub(crate) time: Option<String>,
    /// The column that says what was true [default: the model's target, if it is there].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// Tell errors apart by this column.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) segment: Option<String>,
    /// Do not tell the same alarm again for N batches, unless it gets worse.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) cooldown: u32,
    /// The severity of an alert that makes the exit code 1.
    #[arg(long, value_name = "SEVERITY", default_value = "critical")]
    pub(crate) fail_on: FailOn,
    /// Write the report to FILE: .html is a page, .json is for programs. May be given twice.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Write Prometheus metrics to FILE, for node_exporter's textfile collector.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// Post such alerts as JSON to URL [default: the setting monitor.webhook].
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// Do not post the same alert again for this time, unless it gets worse: 30m, 1d; 0 posts all [default: the setting
    /// monitor.webhook_cooldown, else 4h].
    #[arg(long, value_name = "TIME")]
    pub(crate) webhook_cooldown: Option<String>,
    /// After such an alert, do this: `repro TARGET…` [default: the setting monitor.on_drift].
    #[arg(long, value_name = "COMMAND")]
    pub(crate) on_drift: Option<String>,
    /// Leave no run in the records.
    #[arg(long)]
    pub(crate) no_log: bool,
    /// Write JSON: a line a batch with an alarm, and the report.
    #[arg(long)]
    pub(crate) json: bool,
}

/// From which severity on an alert is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Any alert; one batch in a hundred raises one by chance.
    Warning,
    /// What chance does not do, and what matters.
    Critical,
    /// None.
    Never,
}
