//! Words of `plots`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with plots.
#[derive(Debug, Subcommand)]
pub(crate) enum Plots {
    /// Draw the plots of the workspace.
    #[command(
        after_help = "Examples:\n  hpipe plots show\n  hpipe plots show metrics/loss.csv -x step -y loss --open"
    )]
    Show(PlotsShow),
    /// Draw the plots of several git revisions over each other.
    #[command(
        after_help = "Examples:\n  hpipe plots diff\n  hpipe plots diff v1 HEAD workspace --targets loss.csv"
    )]
    Diff(PlotsDiff),
}

/// Arguments of `plots show`.
#[derive(Debug, Args)]
pub(crate) struct PlotsShow {
    /// Names of plots, or files and folders, declared or not; every plot of the pipeline if none is named.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

/// Arguments of `plots diff`.
#[derive(Debug, Args)]
pub(crate) struct PlotsDiff {
    /// Git revisions, or `workspace`; one is compared with the workspace [default: HEAD].
    #[arg(value_name = "REV")]
    pub(crate) revisions: Vec<String>,
    /// Names of plots, or files and folders, declared or not; every plot of the pipeline if none is named.
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

/// How plots are drawn, instead of how they are declared, and where to.
#[derive(Debug, Args)]
pub(crate) struct Drawing {
    /// The folder to write the page in [default: hpipe_plots].
    #[arg(short, long, value_name = "DIR", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,
    /// Open the page in the browser.
    #[arg(long, conflicts_with = "json")]
    pub(crate) open: bool,
    /// Write what would be drawn as JSON, and no page.
    #[arg(long)]
    pub(crate) json: bool,
    /// The column drawn to the right.
    #[arg(short, value_name = "COLUMN")]
    pub(crate) x: Option<String>,
    /// The column drawn upwards.
    #[arg(short, value_name = "COLUMN")]
    pub(crate) y: Option<String>,
    /// The kind of plot.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// Tables have no line that names their columns, which are called 0, 1, ….
    #[arg(long)]
    pub(crate) no_header: bool,
    /// What stands above a plot.
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// What stands along x.
    #[arg(long, value_name = "TEXT")]
    pub(crate) x_label: Option<String>,
    /// What stands along y.
    #[arg(long, value_name = "TEXT")]
    pub(crate) y_label: Option<String>,
}
