//! Words of the commands that look at stages and change nothing: `status`, `why`, `dag`, `logs`.

use super::choosing::Choosing;
use clap::Args;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The stage, or one of its outs.
    #[arg(value_name = "STAGE")]
    pub(crate) stage: String,
    /// Write JSON, as `status` does.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `dag`.
#[derive(Debug, Args)]
pub(crate) struct Dag {
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Draw which out is made from which, instead of stages.
    #[arg(short, long)]
    pub(crate) outs: bool,
    /// Draw everything that is connected with the targets, not only what they need.
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) form: DagForm,
}

/// How `dag` draws.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct DagForm {
    /// Draw in the DOT language of Graphviz.
    #[arg(long)]
    pub(crate) dot: bool,
    /// Draw in the Mermaid language.
    #[arg(long)]
    pub(crate) mermaid: bool,
    /// Draw in the Mermaid language, fenced for Markdown.
    #[arg(long)]
    pub(crate) md: bool,
    /// Draw a self-contained SVG.
    #[arg(long)]
    pub(crate) svg: bool,
    /// Draw a page to zoom and move about in; it needs no network.
    #[arg(long)]
    pub(crate) html: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw with ASCII signs only.
    #[arg(long)]
    pub(crate) ascii: bool,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The stage; without it, the last execution of every stage is listed.
    #[arg(value_name = "STAGE")]
    pub(crate) stage: Option<String>,
    /// List every execution of the stage instead of showing the last one's output.
    #[arg(long, requires = "stage", conflicts_with = "attempt")]
    pub(crate) all: bool,
    /// Go on showing what the stage prints until its execution ends.
    #[arg(short = 'F', long, requires = "stage", conflicts_with = "all")]
    pub(crate) follow: bool,
    /// Show the output of this attempt.
    #[arg(long, value_name = "ID", requires = "stage")]
    pub(crate) attempt: Option<String>,
    /// Write JSON.
    #[arg(long, conflicts_with = "follow")]
    pub(crate) json: bool,
}
