//! Words of `cache` and `gc`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use hpipe_core::Digest;

use crate::amount;

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Put the file or folder stored under a digest at a path where nothing is.
    #[command(after_help = "Example: hpipe cache restore blake3:1eeec6b0… model.old")]
    Restore(CacheRestore),
    /// Read everything in the cache, and say what is damaged or missing; exits with 1 when bytes are lost.
    #[command(after_help = "Example: hpipe cache verify --repair")]
    Verify(CacheVerify),
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
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `cache verify`.
#[derive(Debug, Args)]
pub(crate) struct CacheVerify {
    /// Put what is damaged aside, and store again what outs in place still have.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gc`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("scope").required(true).multiple(true)
    .args(["workspace", "all_branches", "all_tags", "all_commits", "revisions"]))]
pub(crate) struct Gc {
    /// Keep what the lock files in the workspace need; all scopes do.
    #[arg(short, long)]
    pub(crate) workspace: bool,
    /// Keep also what the tips of all local branches need.
    #[arg(short = 'a', long)]
    pub(crate) all_branches: bool,
    /// Keep also what all tags need.
    #[arg(short = 'T', long)]
    pub(crate) all_tags: bool,
    /// Keep also what all commits need that a branch or tag leads to.
    #[arg(short = 'A', long)]
    pub(crate) all_commits: bool,
    /// Keep also what this git revision needs.
    #[arg(long = "rev", value_name = "REV")]
    pub(crate) revisions: Vec<String>,
    /// Of each --rev, N commits, itself included.
    #[arg(short = 'n', long, value_name = "N", requires = "revisions")]
    pub(crate) num: Option<usize>,
    /// Keep also what these projects need, which share the cache.
    #[arg(short, long, value_name = "DIR", num_args = 1..)]
    pub(crate) projects: Vec<PathBuf>,
    /// Keep also what is not older than AGE: 12h, 30d, 2w.
    #[arg(long, value_name = "AGE", value_parser = amount::age)]
    pub(crate) older_than: Option<Duration>,
    /// Keep also the results of the N latest executions.
    #[arg(long, value_name = "N")]
    pub(crate) keep_runs: Option<usize>,
    /// Keep also, the latest first, as much as fits: 500MB, 10GiB.
    #[arg(long, value_name = "SIZE", value_parser = amount::size)]
    pub(crate) keep_size: Option<u64>,
    /// Say what would be removed, and remove nothing.
    #[arg(short, long, visible_alias = "dry-run")]
    pub(crate) dry: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
