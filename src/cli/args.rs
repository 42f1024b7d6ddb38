//! The command line, as clap reads it.
//!
//! Only words and their help; what a command does lives in `commands/`, one file a command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hpipe_core::Digest;

/// Reproducible, fast and servable machine-learning pipelines in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "hpipe",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command has.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Work as if started in DIR.
    #[arg(short = 'C', long = "cd", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Use this pipeline file instead of the nearest pipeline.yaml.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// In any case.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make stages up to date: execute what changed, restore what is known.
    #[command(after_help = "Example: hpipe repro train@ridge -j 2")]
    Repro(Repro),
    /// Show which stages are stale, and why.
    #[command(after_help = "Example: hpipe status evaluate")]
    Status(Status),
    /// Explain why a stage is stale, and where its inputs come from.
    #[command(after_help = "Example: hpipe why train@ridge")]
    Why(Why),
    /// Draw the graph of stages.
    #[command(after_help = "Example: hpipe dag --svg > dag.svg")]
    Dag(Dag),
    /// Make stages up to date again whenever data, params or pipeline change.
    #[command(after_help = "Example: hpipe watch evaluate")]
    Watch(Watch),
    /// Search the params that make a metric best, over any pipeline.
    #[command(
        after_help = "Example: hpipe tune -m metrics.json:rmse -p 'train.lr=float(1e-3, 0.1, log)' -n 50\n\n\
        A trial is the project with other params, made up to date in a copy of its own. What a trial made is in the \
        cache: searching again executes nothing, and more trials only the new ones."
    )]
    Tune(Box<Tune>),
    /// Show what past executions of a stage printed.
    #[command(after_help = "Example: hpipe logs train@ridge")]
    Logs(Logs),
    /// Show the metrics that stages wrote, and how they changed.
    #[command(subcommand, after_help = "Example: hpipe metrics diff main")]
    Metrics(Metrics),
    /// Draw the plots of the pipeline on a page.
    #[command(subcommand, after_help = "Example: hpipe plots diff HEAD~1 --open")]
    Plots(Plots),
    /// Bring back what the cache holds.
    #[command(
        subcommand,
        after_help = "Example: hpipe cache restore blake3:1eeec6b0… model.old"
    )]
    Cache(Cache),
    /// Start a project: write a pipeline.yaml that works.
    #[command(after_help = "Example: hpipe init my-project")]
    Init(Init),
}

/// Options of commands that execute.
#[derive(Debug, Args)]
pub(crate) struct Working {
    /// Stages, groups or outs; everything if none is named.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Execute even what is up to date.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only the targets themselves, not what they need.
    #[arg(short, long, requires = "targets")]
    pub(crate) single_item: bool,
    /// The targets and everything that needs them, instead of what they need.
    #[arg(long, requires = "targets", conflicts_with = "single_item")]
    pub(crate) downstream: bool,
    /// After a failure, go on with what does not need the failed stage.
    #[arg(short, long)]
    pub(crate) keep_going: bool,
    /// Work on at most N stages at once [default: all cores].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Execute a stage whose result is only in the run cache.
    #[arg(long)]
    pub(crate) no_run_cache: bool,
    /// Fail at once when another hpipe is executing a stage.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Write what happens as JSON, one object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `repro`.
#[derive(Debug, Args)]
pub(crate) struct Repro {
    #[command(flatten)]
    pub(crate) working: Working,
    /// Say what would be done, and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) dry: bool,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) working: Working,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Stages, groups or outs; everything if none is named.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
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
    /// Only these and what they need.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
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
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw with ASCII signs only.
    #[arg(long)]
    pub(crate) ascii: bool,
}

/// Arguments of `tune`.
#[derive(Debug, Args)]
pub(crate) struct Tune {
    /// What each trial makes up to date [default: the stage that makes the metric's file].
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Read the study from FILE (YAML); what the command line says as well wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) study: Option<PathBuf>,
    /// What is to be best: a number in a metrics file (JSON, YAML, TOML) that a stage makes.
    #[arg(short, long, value_name = "FILE:KEY")]
    pub(crate) metric: Option<String>,
    /// A param to search: NAME=int(1, 9), float(1e-3, 0.1, log), float(0, 1, step=0.1), categorical(a, b); NAME may name
    /// its file: conf.yaml:lr.
    #[arg(short, long = "param", value_name = "NAME=DOMAIN")]
    pub(crate) params: Vec<String>,
    /// `minimize` (default) or `maximize`.
    #[arg(long, value_name = "WORD")]
    pub(crate) direction: Option<String>,
    /// How many trials [default: 50; of a grid all].
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) trials: Option<String>,
    /// `tpe` (default), `random`, `grid` or `qmc`.
    #[arg(long, value_name = "WORD")]
    pub(crate) sampler: Option<String>,
    /// Equal seeds give equal trials [default: 0].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<String>,
    /// Propose a trial without waiting for the N - 1 before it; other N, other trials [default: 4].
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<String>,
    /// Work on at most N trials at once, as far as the concurrency allows; changes no trial [default: all cores].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Begin no trial after this time: 90s, 30m, 2h.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// What the report calls the study.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Also copy PATH for the trials, though git ignores it.
    #[arg(long, value_name = "PATH")]
    pub(crate) copy: Vec<String>,
    /// Write the best params into their files; comments and layout stay.
    #[arg(long)]
    pub(crate) apply: bool,
    /// Write the study and all its trials to FILE, as --json does.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Show the output of this attempt.
    #[arg(long, value_name = "ID", requires = "stage")]
    pub(crate) attempt: Option<String>,
}

/// What to do with metrics.
#[derive(Debug, Subcommand)]
pub(crate) enum Metrics {
    /// Show the metrics that stages wrote; -v for all of them.
    #[command(
        after_help = "Examples:\n  hpipe metrics show --json\n  hpipe metrics show --rev v1 --rev HEAD"
    )]
    Show(MetricsShow),
    /// Show how metrics changed between two revisions, or from one to the workspace.
    #[command(
        after_help = "Examples:\n  hpipe metrics diff\n  hpipe metrics diff v1 main --key '*.rmse'\n  \
                      hpipe metrics diff --exit-code --targets metrics/ridge.json"
    )]
    Diff(MetricsDiff),
}

/// Arguments of `metrics show`.
#[derive(Debug, Args)]
pub(crate) struct MetricsShow {
    /// Metrics files, or folders of them; every one of the pipeline if none is named.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// Show them as they were at this git revision; several are set side by side.
    #[arg(long = "rev", value_name = "REV")]
    pub(crate) revisions: Vec<String>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `metrics diff`.
#[derive(Debug, Args)]
pub(crate) struct MetricsDiff {
    /// The old git revision.
    #[arg(value_name = "A_REV", default_value = "HEAD")]
    pub(crate) old: String,
    /// The new git revision; `workspace` is what lies there now.
    #[arg(value_name = "B_REV", default_value = hpipe_engine::WORKSPACE)]
    pub(crate) new: String,
    /// Compare these files or folders, declared as metrics or not.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) targets: Vec<String>,
    /// Compare only metrics whose name fits, `*` standing for any text.
    #[arg(long = "key", value_name = "PATTERN")]
    pub(crate) keys: Vec<String>,
    /// Show unchanged metrics as well.
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
    /// Exit with 1 when a metric changed, or cannot be compared.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

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

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Put the file or folder stored under a digest at a path where nothing is.
    #[command(after_help = "Example: hpipe cache restore blake3:1eeec6b0… model.old")]
    Restore(CacheRestore),
}

/// Arguments of `cache restore`.
#[derive(Debug, Args)]
pub(crate) struct CacheRestore {
    /// The digest, as `repro` told it: `blake3:` and 64 hex digits.
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: Digest,
    /// Where to put it.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to make a project of; made if it does not exist.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
