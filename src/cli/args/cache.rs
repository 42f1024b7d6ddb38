//! Words of `cache`.

use clap::{Args, Subcommand};
use hpipe_core::Digest;

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
