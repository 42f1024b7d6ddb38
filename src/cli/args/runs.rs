//! Words of `runs`: what was recorded of executions.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::amount;

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs, the youngest first; those of some stages if stages are named.
    #[command(after_help = "Examples:\n  hpipe runs list train@ridge\n  \
        hpipe runs list --filter \"metrics.rmse < 0.5 and params.model = 'xgboost'\" --order-by metrics.rmse\n  \
        hpipe runs list --columns id,params.lr,metrics.rmse --csv > runs.csv\n\n\
        Filter and order are MLflow's: metrics.KEY, params.KEY, tags.KEY, attributes.status; = != < <= > >= LIKE ILIKE IN, \
        joined by AND.")]
    List(RunsList),
    /// Show what is recorded of a run.
    #[command(
        after_help = "Examples:\n  hpipe runs show train@ridge\n  hpipe runs show 96f4d05 --json"
    )]
    Show(RunsShow),
    /// Show how one run differs from another.
    #[command(after_help = "Example: hpipe runs diff 96f4d05 train@ridge")]
    Diff(RunsDiff),
    /// Set runs side by side: what differs between them.
    #[command(after_help = "Example: hpipe runs compare train@ridge train@lasso train@xgboost")]
    Compare(RunsCompare),
    /// Delete runs; `restore` brings them back until `gc` removes them.
    #[command(after_help = "Example: hpipe runs delete 96f4d05")]
    Delete(RunsDelete),
    /// Bring deleted runs back.
    #[command(after_help = "Example: hpipe runs restore 96f4d05")]
    Restore(RunsDelete),
    /// Remove deleted runs for good, and artifacts that nothing refers to.
    #[command(
        after_help = "Examples:\n  hpipe runs gc --dry\n  hpipe runs gc --older-than 30d\n\n\
        What a model version was made from stays."
    )]
    Gc(RunsGc),
    /// Write everything recorded of runs: JSON, a run a line with the history of its metrics, or CSV as MLflow's search_runs.
    #[command(
        after_help = "Examples:\n  hpipe runs export > runs.jsonl\n  hpipe runs export --format csv > runs.csv\n  \
        hpipe runs export train@ridge --artifacts ridge/"
    )]
    Export(RunsExport),
    /// Send what is recorded to an existing MLflow server: runs, models, registered versions.
    #[command(
        after_help = "Examples:\n  hpipe runs push --to http://mlflow.example:5000\n  hpipe config set tracking.uri \
        http://mlflow.example:5000 && hpipe runs push\n\nWhat the server has already is not sent again."
    )]
    Push(RunsPush),
}

/// Arguments of `runs push`.
#[derive(Debug, Args)]
pub(crate) struct RunsPush {
    /// The server; without it that of the setting `tracking.uri`.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which runs.
#[derive(Debug, Args)]
pub(crate) struct RunsChosen {
    /// Only those that fit, in MLflow's grammar.
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Sort by this, `DESC` after it for the largest first; several sort within each other.
    #[arg(long, value_name = "KEY")]
    pub(crate) order_by: Vec<String>,
    /// Only those of this experiment; all experiments if none is named.
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Vec<String>,
    /// Also runs within runs: the trials of a search.
    #[arg(long)]
    pub(crate) children: bool,
    /// Deleted runs instead.
    #[arg(long)]
    pub(crate) deleted: bool,
}

/// Arguments of `runs list`.
#[derive(Debug, Args)]
pub(crate) struct RunsList {
    /// Stages or names of runs; all runs if none is named.
    #[arg(value_name = "STAGE")]
    pub(crate) stages: Vec<String>,
    #[command(flatten)]
    pub(crate) chosen: RunsChosen,
    /// At most N runs.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Columns: id, name, stage, experiment, status, started, took, user, metrics.KEY, params.KEY, tags.KEY.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Write CSV.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs show`.
#[derive(Debug, Args)]
pub(crate) struct RunsShow {
    /// The beginning of its id, or a stage or name, of which the last counts.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs diff`.
#[derive(Debug, Args)]
pub(crate) struct RunsDiff {
    /// The old run.
    #[arg(value_name = "RUN")]
    pub(crate) old: String,
    /// The new run; without it, the last two runs of a stage are compared.
    #[arg(value_name = "RUN")]
    pub(crate) new: Option<String>,
    /// Show what is equal as well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs compare`.
#[derive(Debug, Args)]
pub(crate) struct RunsCompare {
    /// The runs, at least two.
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub(crate) runs: Vec<String>,
    /// Show what is equal as well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs delete` and `runs restore`.
#[derive(Debug, Args)]
pub(crate) struct RunsDelete {
    /// The beginnings of their ids.
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<String>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs gc`.
#[derive(Debug, Args)]
pub(crate) struct RunsGc {
    /// Only runs that were deleted before AGE: 12h, 30d, 2w.
    #[arg(long, value_name = "AGE", value_parser = amount::age)]
    pub(crate) older_than: Option<Duration>,
    /// Say what would be removed, and remove nothing.
    #[arg(short, long, visible_alias = "dry-run")]
    pub(crate) dry: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `runs export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunsFormat {
    /// A run a line, with everything.
    Json,
    /// A table with a column for each metric, param and tag.
    Csv,
}

/// Arguments of `runs export`.
#[derive(Debug, Args)]
pub(crate) struct RunsExport {
    /// Runs, as `show` takes them; all runs if none is named.
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    #[command(flatten)]
    pub(crate) chosen: RunsChosen,
    /// JSON lines, or CSV.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub(crate) format: RunsFormat,
    /// Copy artifacts too, into a folder for each run below DIR.
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
}
