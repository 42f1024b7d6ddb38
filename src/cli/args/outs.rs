//! Words of the commands that move outs between the workspace and the cache: `add`, `commit` and `checkout`.

use clap::Args;

use super::choosing::Choosing;

/// Arguments of `commit`.
#[derive(Debug, Args)]
pub(crate) struct Commit {
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Also commit stages that did not run with their inputs as they are.
    #[arg(short, long)]
    pub(crate) force: bool,
}

/// Arguments of `add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Files and folders that no stage makes.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
}

/// Arguments of `checkout`. Data under control can be named as well.
#[derive(Debug, Args)]
pub(crate) struct Checkout {
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Put also what is right already in place anew, linked or copied as `cache.link` says now.
    #[arg(long)]
    pub(crate) relink: bool,
    /// End well even if the cache lacks objects.
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Accepted for scripts made for DVC: an edited out is always stored before it is replaced, so nothing needs force.
    #[arg(short, long)]
    pub(crate) force: bool,
}
