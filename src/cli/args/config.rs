//! Words of `config`.

use clap::{Args, Subcommand};

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// List the settings in force, each with where it is set.
    #[command(after_help = "Example: hpipe config list --json")]
    List(ConfigList),
    /// Print the value of a setting; exits with 1 when it is not set.
    #[command(after_help = "Example: hpipe config get cache.folder")]
    Get(ConfigGet),
    /// Set a setting in hpipe.toml; comments and layout stay.
    #[command(
        after_help = "Examples:\n  hpipe config set cache.link hardlink,copy\n  hpipe config set --local jobs 4"
    )]
    Set(ConfigSet),
    /// Take a setting out of hpipe.toml, so that what other files or nobody says holds again.
    #[command(
        after_help = "Examples:\n  hpipe config unset cache.link\n  hpipe config unset --local jobs"
    )]
    Unset(ConfigUnset),
}

/// Arguments of `config list`.
#[derive(Debug, Args)]
pub(crate) struct ConfigList {
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `config get`.
#[derive(Debug, Args)]
pub(crate) struct ConfigGet {
    /// The setting: `cache.folder`.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

/// Arguments of `config set`.
#[derive(Debug, Args)]
pub(crate) struct ConfigSet {
    /// The setting: `cache.folder`.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Its value; a list is separated by commas.
    #[arg(value_name = "VALUE")]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) place: ConfigPlace,
}

/// Arguments of `config unset`.
#[derive(Debug, Args)]
pub(crate) struct ConfigUnset {
    /// The setting: `cache.folder`.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) place: ConfigPlace,
}

/// Which settings file is written.
#[derive(Debug, Args)]
pub(crate) struct ConfigPlace {
    /// In hpipe.local.toml, for this checkout alone.
    #[arg(long, conflicts_with = "global")]
    pub(crate) local: bool,
    /// In the user's config folder, for all projects.
    #[arg(long)]
    pub(crate) global: bool,
}
