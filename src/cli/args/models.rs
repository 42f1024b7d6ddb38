//! Words of `models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with registered models. A version is named NAME/VERSION, NAME@STAGE, NAME@ALIAS or NAME@latest; NAME alone
/// means the one in Production.
#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List registered models.
    #[command(after_help = "Example: hpipe models list")]
    List(ModelsList),
    /// Show a model with its versions, or all that is known of a version.
    #[command(
        after_help = "Examples:\n  hpipe models show house\n  hpipe models show house@Production"
    )]
    Show(ModelsShow),
    /// Show who was in which stage from when to when, by whom, why, and what the gates said.
    #[command(after_help = "Example: hpipe models history house")]
    History(ModelsShow),
    /// Register a file as a new version; equal files with equal words are one version.
    #[command(
        after_help = "Example: hpipe models register models/best.bin --name house --metrics metrics.json\n\n\
        In a pipeline the stage `uses: register` does this whenever the model changes."
    )]
    Register(ModelsRegister),
    /// Move a version to a stage, if its gates pass.
    #[command(
        after_help = "Example: hpipe models promote house/3 Production --archive-existing --reason 'better at the coast'"
    )]
    Promote(ModelsPromote),
    /// Move a version to the archive.
    #[command(after_help = "Example: hpipe models archive house/2")]
    Archive(ModelsArchive),
    /// Bring back the version that stood in a stage before.
    #[command(after_help = "Example: hpipe models rollback house --reason 'too slow'")]
    Rollback(ModelsRollback),
    /// Set versions side by side: their metrics.
    #[command(
        after_help = "Examples:\n  hpipe models compare house\n  hpipe models compare house@Production house/7"
    )]
    Compare(ModelsCompare),
    /// Show what one version is made of and another is not: data, params, options, code; and how the metrics changed.
    #[command(after_help = "Example: hpipe models diff house/2 house/3")]
    Diff(ModelsDiff),
    /// Recompute the digests of everything a version is made of, and say what is missing or differs.
    #[command(after_help = "Example: hpipe models verify house@Production")]
    Verify(ModelsShow),
    /// Make a version anew from its commit, data and params, in a folder of its own, and compare.
    #[command(after_help = "Example: hpipe models reproduce house@Production -o /tmp/again")]
    Reproduce(ModelsReproduce),
    /// Write the whole registry as one JSON document, for reading and for git; or the files of a version.
    #[command(after_help = "Examples:\n  hpipe models export -o registry.json\n  \
        hpipe models export house@Production -o house\n  \
        hpipe models export house@Production --format mlflow -o house-mlflow")]
    Export(ModelsExport),
    /// Let an alias mean a version.
    #[command(
        after_help = "Examples:\n  hpipe models alias house/3 champion\n  hpipe models alias house@champion --remove"
    )]
    Alias(ModelsAlias),
    /// Set tags of a model or a version.
    #[command(
        after_help = "Examples:\n  hpipe models tag house/3 owner=ann\n  hpipe models tag house --remove owner"
    )]
    Tag(ModelsTag),
    /// Say what people should know of a model or a version.
    #[command(after_help = "Example: hpipe models describe house 'prices of districts'")]
    Describe(ModelsDescribe),
    /// Delete a version, or with NAME alone the model; the history stays.
    #[command(after_help = "Example: hpipe models delete house/1")]
    Delete(ModelsDelete),
}

/// Arguments of `models list`.
#[derive(Debug, Args)]
pub(crate) struct ModelsList {
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models show` and `models history`.
#[derive(Debug, Args)]
pub(crate) struct ModelsShow {
    /// The model, or a version of it.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models register`.
#[derive(Debug, Args)]
pub(crate) struct ModelsRegister {
    /// The model's file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The registered model.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) name: String,
    /// What makes features of its inputs.
    #[arg(long, value_name = "FILE")]
    pub(crate) transform: Option<PathBuf>,
    /// Its inputs and what they look like, as the stage `profile` says.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Metrics: all numbers in a JSON file, by dotted name.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Vec<PathBuf>,
    /// What people should know of the version.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Tags of the version.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
    #[command(flatten)]
    pub(crate) by: By,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who does it.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who does it, for the history [default: who is logged in].
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// Arguments of `models promote`.
#[derive(Debug, Args)]
pub(crate) struct ModelsPromote {
    /// The version.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Where it goes: Development, Staging, Production, Archived.
    #[arg(value_name = "STAGE")]
    pub(crate) stage: String,
    /// Move the versions that stand there to the archive.
    #[arg(long)]
    pub(crate) archive_existing: bool,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Promote it though its gates do not pass; the history keeps what they said.
    #[arg(long, requires = "reason")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) by: By,
    /// Say what the gates say, and do nothing.
    #[arg(long, conflicts_with = "force")]
    pub(crate) dry: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models archive`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArchive {
    /// The version.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models rollback`.
#[derive(Debug, Args)]
pub(crate) struct ModelsRollback {
    /// The model; NAME@STAGE for another stage than Production.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models compare`.
#[derive(Debug, Args)]
pub(crate) struct ModelsCompare {
    /// Versions; NAME alone means all of a model.
    #[arg(value_name = "MODEL", required = true)]
    pub(crate) models: Vec<String>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models diff`.
#[derive(Debug, Args)]
pub(crate) struct ModelsDiff {
    /// A version.
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// Another.
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models reproduce`.
#[derive(Debug, Args)]
pub(crate) struct ModelsReproduce {
    /// The version.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Work in this new folder, and keep it [default: below the cache, and remove it].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models export`.
#[derive(Debug, Args)]
pub(crate) struct ModelsExport {
    /// The version whose files are wanted; without it, the registry itself.
    #[arg(value_name = "MODEL", requires = "out")]
    pub(crate) model: Option<String>,
    /// `files` (default): all files of the version; `mlflow`: a folder that MLflow loads.
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "model",
        default_value = "files"
    )]
    pub(crate) format: ExportFormat,
    /// Write to this file, or, the files of a version, into this new folder [default: stdout].
    #[arg(short, long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}

/// What the files of a version are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// As they are kept.
    Files,
    /// As MLflow loads them.
    Mlflow,
}

/// Arguments of `models alias`.
#[derive(Debug, Args)]
pub(crate) struct ModelsAlias {
    /// The version; with `--remove`, NAME@ALIAS.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// The alias.
    #[arg(value_name = "ALIAS", required_unless_present = "remove")]
    pub(crate) alias: Option<String>,
    /// Remove the alias.
    #[arg(long, conflicts_with = "alias")]
    pub(crate) remove: bool,
}

/// Arguments of `models tag`.
#[derive(Debug, Args)]
pub(crate) struct ModelsTag {
    /// The model, or a version.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// What to set.
    #[arg(value_name = "KEY=VALUE", required_unless_present = "remove")]
    pub(crate) tags: Vec<String>,
    /// Remove the tag KEY.
    #[arg(long, value_name = "KEY")]
    pub(crate) remove: Vec<String>,
}

/// Arguments of `models describe`.
#[derive(Debug, Args)]
pub(crate) struct ModelsDescribe {
    /// The model, or a version.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// The description; empty for none.
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
}

/// Arguments of `models delete`.
#[derive(Debug, Args)]
pub(crate) struct ModelsDelete {
    /// The version, or the model with all its versions.
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Also what stands in Staging or Production.
    #[arg(short, long)]
    pub(crate) force: bool,
}
