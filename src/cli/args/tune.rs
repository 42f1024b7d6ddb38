//! Words of `tune`.

use std::path::PathBuf;

use clap::Args;

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
