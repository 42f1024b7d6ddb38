//! Words of the commands that change or list what the pipeline file says: `stage`, `freeze`, `unfreeze`.

use clap::{Args, Subcommand};

/// What to do with stages.
#[derive(Debug, Subcommand)]
pub(crate) enum Stage {
    /// Write a new stage into the pipeline file of the current folder; comments and layout stay.
    #[command(
        after_help = "Examples:\n  hpipe stage add -n prepare -d raw.csv -o clean.csv python prepare.py\n  \
                      hpipe stage add -n train -d train.py -d clean.csv -p train.lr,train.depth -o model.bin -M metrics.json \
                      'python train.py > train.log'\n\n\
                      Paths are relative to the pipeline file, or to --wdir. A command of one word is taken as it is, so that \
                      quotes may hold a pipe or a redirection; of several words, those that need it are quoted.",
        infer_long_args = true
    )]
    Add(Box<StageAdd>),
    /// List the stages, in the file's order, and what they are for.
    #[command(after_help = "Example: hpipe stage list --name-only")]
    List(StageList),
}

/// Arguments of `stage add`.
#[derive(Debug, Args)]
pub(crate) struct StageAdd {
    /// What to call the stage.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) name: String,
    /// A file or folder that the command reads.
    #[arg(short, long = "deps", value_name = "PATH")]
    pub(crate) deps: Vec<String>,
    /// Params that the command reads, of params.yaml if no file is named; `FILE:` for all of a file.
    #[arg(short, long = "params", value_name = "[FILE:]KEYS")]
    pub(crate) params: Vec<String>,
    /// A file or folder that the command makes.
    #[arg(short, long = "outs", value_name = "PATH")]
    pub(crate) outs: Vec<String>,
    /// An out that is not kept in the cache.
    #[arg(short = 'O', long, value_name = "PATH")]
    pub(crate) outs_no_cache: Vec<String>,
    /// An out that is left in place before the command runs.
    #[arg(long, value_name = "PATH")]
    pub(crate) outs_persist: Vec<String>,
    /// An out that is left in place and not kept in the cache.
    #[arg(long, value_name = "PATH")]
    pub(crate) outs_persist_no_cache: Vec<String>,
    /// A metrics file that the command makes.
    #[arg(short, long = "metrics", value_name = "PATH")]
    pub(crate) metrics: Vec<String>,
    /// A metrics file that is not kept in the cache, but in git.
    #[arg(short = 'M', long, value_name = "PATH")]
    pub(crate) metrics_no_cache: Vec<String>,
    /// A plots file that the command makes.
    #[arg(long = "plots", value_name = "PATH")]
    pub(crate) plots: Vec<String>,
    /// A plots file that is not kept in the cache, but in git.
    #[arg(long, value_name = "PATH")]
    pub(crate) plots_no_cache: Vec<String>,
    /// The folder the command runs in.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) wdir: Option<String>,
    /// What the stage is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) desc: Option<String>,
    /// Execute the stage each time.
    #[arg(long)]
    pub(crate) always_changed: bool,
    /// Replace a stage of this name.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Make the stage up to date as well.
    #[arg(long)]
    pub(crate) run: bool,
    /// The command.
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<String>,
}

/// Arguments of `stage list`.
#[derive(Debug, Args)]
pub(crate) struct StageList {
    /// Stages, groups or outs; the pipeline file of the current folder if none is named.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// List the stages of all pipeline files of the project.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only the names, one a line.
    #[arg(long, conflicts_with = "json")]
    pub(crate) name_only: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `freeze` and `unfreeze`.
#[derive(Debug, Args)]
pub(crate) struct Freeze {
    /// Stages, or groups of `foreach` or `matrix` as a whole.
    #[arg(value_name = "STAGE", required = true)]
    pub(crate) stages: Vec<String>,
}
