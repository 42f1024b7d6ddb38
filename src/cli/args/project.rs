//! Words of the commands about a project as a whole: `init`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to make a project of; made if it does not exist.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
