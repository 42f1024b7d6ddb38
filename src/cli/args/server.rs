//! Words of `server`.

use clap::Args;

/// Arguments of `server`.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Listen at this address; 0.0.0.0 is every address of the machine.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Listen on this port; 0 is any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 5000)]
    pub(crate) port: u16,
    /// Write JSON: where it listens, once it does.
    #[arg(long)]
    pub(crate) json: bool,
}
