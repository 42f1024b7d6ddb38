//! Words of `metrics` and `params`: files of values, shown and compared.

use clap::{Args, Subcommand};

/// What to do with metrics.
#[derive(Debug, Subcommand)]
pub(crate) enum Metrics {
    /// Show the metrics that stages wrote; -v for all of them.
    #[command(
        after_help = "Examples:\n  hpipe metrics show --json\n  hpipe metrics show --rev v1 --rev HEAD"
    )]
    Show(Show),
    /// Show how metrics changed between two revisions, or from one to the workspace.
    #[command(
        after_help = "Examples:\n  hpipe metrics diff\n  hpipe metrics diff v1 main --key '*.rmse'\n  \
                      hpipe metrics diff --exit-code --targets metrics/ridge.json"
    )]
    Diff(Compare),
}

/// What to do with params.
#[derive(Debug, Subcommand)]
pub(crate) enum Params {
    /// Show the params files of the pipeline.
    #[command(
        after_help = "Examples:\n  hpipe params show --deps\n  hpipe params show --rev v1 --rev HEAD"
    )]
    Show(ParamsShow),
    /// Show how params changed between two revisions, or from one to the workspace.
    #[command(
        after_help = "Examples:\n  hpipe params diff\n  hpipe params diff v1 main --key 'train.*' --md\n  \
                      hpipe params diff --deps --exit-code"
    )]
    Diff(ParamsDiff),
}

/// Arguments of `params show`.
#[derive(Debug, Args)]
pub(crate) struct ParamsShow {
    #[command(flatten)]
    pub(crate) show: Show,
    /// Only the params that stages declare.
    #[arg(long)]
    pub(crate) deps: bool,
}

/// Arguments of `params diff`.
#[derive(Debug, Args)]
pub(crate) struct ParamsDiff {
    #[command(flatten)]
    pub(crate) compare: Compare,
    /// Only the params that stages declare.
    #[arg(long)]
    pub(crate) deps: bool,
}

/// Arguments of `metrics show`, and most of `params show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Files, or folders of them; every one of the pipeline if none is named.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// Show them as they were at this git revision; several are set side by side.
    #[arg(long = "rev", value_name = "REV")]
    pub(crate) revisions: Vec<String>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `metrics diff`, and most of `params diff`.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The old git revision.
    #[arg(value_name = "A_REV", default_value = "HEAD")]
    pub(crate) old: String,
    /// The new git revision; `workspace` is what lies there now.
    #[arg(value_name = "B_REV", default_value = hpipe_engine::WORKSPACE)]
    pub(crate) new: String,
    /// Compare these files or folders, declared or not.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) targets: Vec<String>,
    /// Compare only values whose name fits, `*` standing for any text.
    #[arg(long = "key", value_name = "PATTERN")]
    pub(crate) keys: Vec<String>,
    /// Show unchanged values as well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Round to N digits after the decimal point [default: as many as show the change].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=17))]
    pub(crate) precision: Option<u8>,
    /// Leave the column of files out.
    #[arg(long)]
    pub(crate) no_path: bool,
    /// Write a table for Markdown.
    #[arg(long, conflicts_with = "json")]
    pub(crate) md: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit with 1 when a value changed, or cannot be compared.
    #[arg(long)]
    pub(crate) exit_code: bool,
}
