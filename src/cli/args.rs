//! The command line, as clap reads it.
//!
//! Only words and their help; what a command does lives in `commands/`, one file a command. Here is what every command
//! has and the list of commands; the words of each group of commands are in a file of their own.

mod cache;
mod choosing;
mod config;
mod execute;
mod look;
mod metrics;
mod models;
mod monitor;
mod outs;
mod overview;
mod plots;
mod predict;
mod predictions;
mod project;
mod runs;
mod serve;
mod server;
mod stage;
mod tune;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{
    ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};

pub(crate) use cache::{Cache, CacheRestore, CacheVerify, Gc};
pub(crate) use choosing::Choosing;
pub(crate) use config::{Config, ConfigPlace, ConfigSet, ConfigUnset};
pub(crate) use execute::{Beside, Repro, Watch, Working};
pub(crate) use look::{Dag, Logs, Status, Why};
pub(crate) use metrics::{Compare, Metrics, Params, Show};
pub(crate) use models::{
    By, ExportFormat, Models, ModelsAlias, ModelsArchive, ModelsCompare, ModelsDelete,
    ModelsDescribe, ModelsDiff, ModelsExport, ModelsList, ModelsPromote, ModelsRegister,
    ModelsReproduce, ModelsRollback, ModelsShow, ModelsTag,
};
pub(crate) use monitor::{FailOn, Monitor};
pub(crate) use outs::{Add, Checkout, Commit};
pub(crate) use plots::{Drawing, Plots, PlotsDiff, PlotsShow};
pub(crate) use predict::{Predict, TableKind};
pub(crate) use predictions::{Predictions, PredictionsJoin};
pub(crate) use project::{Completions, Init, Man, Root, Shell};
pub(crate) use runs::{
    Runs, RunsChosen, RunsCompare, RunsDelete, RunsDiff, RunsExport, RunsFormat, RunsGc, RunsList,
    RunsPush, RunsShow,
};
pub(crate) use serve::{Serve, Treatment, Unknown};
pub(crate) use server::Server;
pub(crate) use stage::{Freeze, Stage, StageAdd, StageList};
pub(crate) use tune::Tune;

/// Reproducible, fast and servable machine-learning pipelines in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "hpipe",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Examples:\n  hpipe init         start with a pipeline that works\n  \
                  hpipe repro        make everything up to date\n  hpipe status       see what is stale, and why\n\n\
                  `hpipe COMMAND --help` tells more."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the process was asked to do.
pub(crate) struct Asked {
    pub(crate) arguments: Arguments,
    /// Whether the answer is for a program, so that errors are too.
    pub(crate) as_json: bool,
}

/// Reads the process's arguments.
pub(crate) fn read() -> Result<Asked, clap::Error> {
    let matches = command().try_get_matches()?;
    Ok(Asked {
        as_json: asks_for_json(&matches),
        arguments: Arguments::from_arg_matches(&matches)?,
    })
}

/// What follows `exec-stage`, if that is the command: words that the engine makes and reads, so they are not clap's.
pub(crate) fn of_exec_stage() -> Option<Vec<OsString>> {
    let mut words = std::env::args_os().skip(1);
    (words.next()? == hpipe_engine::EXEC_STAGE).then(|| words.collect())
}

/// The commands with all their words.
pub(crate) fn command() -> clap::Command {
    overview::grouped(Arguments::command())
}

/// Whether `--json` is among the options of the command, however deep below others it is.
fn asks_for_json(matches: &ArgMatches) -> bool {
    let here = matches.try_get_one::<bool>("json");
    here.is_ok_and(|json| json == Some(&true))
        || (matches.subcommand()).is_some_and(|(_, below)| asks_for_json(below))
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
    #[command(
        after_help = "Examples:\n  hpipe dag\n  hpipe dag --svg > dag.svg\n  hpipe dag --html > dag.html\n  hpipe dag --outs --mermaid"
    )]
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
    /// Show the params that stages read, and how they changed.
    #[command(subcommand, after_help = "Example: hpipe params diff HEAD~1")]
    Params(Params),
    /// Draw the plots of the pipeline on a page.
    #[command(subcommand, after_help = "Example: hpipe plots diff HEAD~1 --open")]
    Plots(Plots),
    /// Bring back what the cache holds.
    #[command(
        subcommand,
        after_help = "Example: hpipe cache restore blake3:1eeec6b0… model.old"
    )]
    Cache(Cache),
    /// Remove from the cache what nothing needs any more.
    #[command(
        after_help = "Examples:\n  hpipe gc -w --dry\n  hpipe gc -w --older-than 30d --keep-size 10GiB\n  hpipe gc -A -f\n\n\
        What the lock files of the chosen scope name always stays. Of the rest stays what a bound keeps; without a bound, nothing."
    )]
    Gc(Gc),
    /// Write a new stage into the pipeline file, or list the stages.
    #[command(
        subcommand,
        after_help = "Example: hpipe stage add -n train -d train.py -o model.bin python train.py"
    )]
    Stage(Stage),
    /// Keep stages from executing: their outs are taken as they are.
    #[command(after_help = "Example: hpipe freeze download")]
    Freeze(Freeze),
    /// Let frozen stages execute again.
    #[command(after_help = "Example: hpipe unfreeze download")]
    Unfreeze(Freeze),
    /// Print the path of the project's root, as seen from here.
    #[command(after_help = "Example: cd \"$(hpipe root)\"")]
    Root(Root),
    /// Print what makes a shell complete commands, options, stages and paths.
    #[command(
        after_help = "Examples:\n  echo 'source <(hpipe completions bash)' >> ~/.bashrc\n  \
                      echo 'source <(hpipe completions zsh)' >> ~/.zshrc\n  \
                      hpipe completions fish > ~/.config/fish/completions/hpipe.fish\n  \
                      hpipe completions powershell >> $PROFILE\n  \
                      echo 'eval (hpipe completions elvish | slurp)' >> ~/.elvish/rc.elv"
    )]
    Completions(Completions),
    /// Print the manual page of hpipe, or write those of all commands.
    #[command(
        after_help = "Examples:\n  hpipe man | man -l -\n  hpipe man ~/.local/share/man/man1"
    )]
    Man(Man),
    /// Put data that no stage makes under control: store it, and write a small file for git beside it.
    #[command(after_help = "Example: hpipe add data/raw.csv")]
    Add(Add),
    /// Record outs as they are as the result of their stages.
    #[command(after_help = "Example: hpipe repro --no-commit && hpipe commit")]
    Commit(Commit),
    /// Put outs and data in place as lock files and data files say, from the cache, without executing anything.
    #[command(
        after_help = "Examples:\n  git checkout main && hpipe checkout\n  hpipe checkout data/raw.csv"
    )]
    Checkout(Checkout),
    /// Show and change settings: cache folder, jobs, ways of linking.
    #[command(subcommand, after_help = "Example: hpipe config set jobs 4")]
    Config(Config),
    /// List, show and compare the runs that were recorded.
    #[command(
        subcommand,
        after_help = "Example: hpipe runs list --order-by metrics.rmse"
    )]
    Runs(Runs),
    /// Serve runs, models and artifacts: MLflow's client works against it.
    #[command(after_help = "Example: hpipe server --port 5000\n\n\
        With MLFLOW_TRACKING_URI=http://127.0.0.1:5000 in its environment, a Python program's mlflow calls land in models/track.db.")]
    Server(Server),
    /// Serve a registered model over HTTP; a promotion or rollback exchanges it while it answers.
    #[command(
        after_help = "Examples:\n  hpipe serve house\n  hpipe serve house@Staging --port 8081\n  \
        curl 127.0.0.1:8080/predict -d '{\"MedInc\": 3.5, \"HouseAge\": 20}'\n\n\
        POST /predict and /invocations (MLflow); GET /health, /readyz, /version, /models, /metrics."
    )]
    Serve(Serve),
    /// The log of what `serve` answered: add what became true.
    #[command(
        subcommand,
        after_help = "Example: hpipe predictions join sold.csv --on order"
    )]
    Predictions(Predictions),
    /// Registered models: versions, stages, gates, history, lineage.
    #[command(
        subcommand,
        after_help = "Examples:\n  hpipe models list\n  hpipe models promote house/3 Production --archive-existing\n\n\
        A version is named NAME/VERSION, NAME@STAGE, NAME@ALIAS or NAME@latest; NAME alone means the one in Production."
    )]
    Models(Models),
    /// Predict the rows of a file with a registered model.
    #[command(
        after_help = "Examples:\n  hpipe predict house rows.csv -o predictions.csv\n  \
        hpipe predict house@Staging rows.parquet -o predictions.parquet --keep id\n  \
        hpipe predict models/xgboost.safetensors rows.csv -o out.csv --transform models/transform.json"
    )]
    Predict(Predict),
    /// Watch a registered model: errors batch by batch, drift, quality of the rows.
    #[command(
        allow_missing_positional = true,
        after_help = "Examples:\n  hpipe monitor new.csv --report drift.html\n  \
                      hpipe monitor house@Staging new.parquet --window 1h --time at --on-drift 'repro register'\n\n\
        Every batch is compared with what chance makes of batches of its size, columns with the profile kept with the version. \
        The exit code is 1 after an alert that is critical."
    )]
    Monitor(Box<Monitor>),
    /// Start a project: write a pipeline.yaml that works.
    #[command(after_help = "Example: hpipe init my-project")]
    Init(Init),
    /// Print the JSON schema of pipeline.yaml, for editors that complete and check it.
    #[command(after_help = "Example: hpipe schema > pipeline.schema.json\n\n\
        With the first line `# yaml-language-server: $schema=pipeline.schema.json` in pipeline.yaml, editors use it.")]
    Schema,
}
