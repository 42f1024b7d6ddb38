//! What is recorded, in memory. Times are milliseconds since 1970, UTC.

/// A tag, or a param.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Its name.
    pub key: String,
    /// Its text.
    pub value: String,
}

impl Pair {
    /// A tag or param.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

/// Whether something is there, or deleted and can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// It is there.
    Active,
    /// It is deleted.
    Deleted,
}

impl Lifecycle {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) const fn of(is_deleted: bool) -> Self {
        if is_deleted {
            Self::Deleted
        } else {
            Self::Active
        }
    }
}

/// Which of them a search is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Those that are there.
    #[default]
    Active,
    /// Those that are deleted.
    Deleted,
    /// All.
    All,
}

/// A named set of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its number; "Default" has 0.
    pub id: i64,
    /// Its name, which no other has.
    pub name: String,
    /// The URI below which artifacts of its runs lie.
    pub artifact_location: String,
    /// Whether it is deleted.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// Its tags, by key.
    pub tags: Vec<Pair>,
}

/// What is known of a run from its beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name; need not be its own.
    pub name: String,
    /// Who started it.
    pub user: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// When it began.
    pub start_time: Option<i64>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// The URI below which its artifacts lie.
    pub artifact_uri: String,
    /// Whether it is deleted.
    pub lifecycle: Lifecycle,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The value; NaN and the infinities are values too.
    pub value: f64,
    /// When it was measured.
    pub timestamp: i64,
    /// The step of the training it belongs to.
    pub step: i64,
    /// The logged model it was measured on.
    pub model_id: Option<String>,
    /// The data it was measured on.
    pub dataset_name: Option<String>,
    /// The digest of that data.
    pub dataset_digest: Option<String>,
    /// The run that logged it, where that is not plain.
    pub run_id: Option<String>,
}

/// What a run logged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunData {
    /// The last value of each metric, by key.
    pub metrics: Vec<Metric>,
    /// By key.
    pub params: Vec<Pair>,
    /// By key.
    pub tags: Vec<Pair>,
}

/// Data that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Its digest, as whoever logged it computes them.
    pub digest: String,
    /// Where its bytes come from: `local`, `code`, …
    pub source_type: String,
    /// JSON that says where.
    pub source: String,
    /// JSON of its columns.
    pub schema: Option<String>,
    /// JSON of a summary.
    pub profile: Option<String>,
}

/// Data that a run read, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetInput {
    /// The data.
    pub dataset: Dataset,
    /// Tags of the use: `mlflow.data.context`.
    pub tags: Vec<Pair>,
}

/// That a dataset was used in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetUse {
    /// The experiment.
    pub experiment: i64,
    /// The data's name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What it was used for: the tag `mlflow.data.context`.
    pub context: Option<String>,
}

/// A logged model that a run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOutput {
    /// The model.
    pub model_id: String,
    /// The step it was made at.
    pub step: i64,
}

/// What a run read and made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunInputs {
    /// Data it read.
    pub datasets: Vec<DatasetInput>,
    /// Logged models it read.
    pub models: Vec<String>,
    /// Logged models it made.
    pub outputs: Vec<ModelOutput>,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What is known of it from its beginning.
    pub info: RunInfo,
    /// What it logged.
    pub data: RunData,
    /// What it read and made.
    pub inputs: RunInputs,
}

/// A model as a run logged it, before anybody registers it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModel {
    /// `m-` and 32 hexadecimal digits.
    pub id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name; need not be its own.
    pub name: String,
    /// The URI below which its files lie.
    pub artifact_location: String,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY` or `LOGGED_MODEL_UPLOAD_FAILED`.
    pub status: String,
    /// What there is to say of its status.
    pub status_message: Option<String>,
    /// What kind of model, in its author's words.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<String>,
    /// By key.
    pub params: Vec<Pair>,
    /// By key.
    pub tags: Vec<Pair>,
    /// Every metric measured on it.
    pub metrics: Vec<Metric>,
}

/// Chooses metrics by the data they were measured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFilter {
    /// The data's name.
    pub name: String,
    /// Its digest, if only that one counts.
    pub digest: Option<String>,
}

/// A named line of model versions.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredModel {
    /// Its name, which no other has.
    pub name: String,
    /// What people should know of it.
    pub description: Option<String>,
    /// When it was made.
    pub created: i64,
    /// When it or a version of it was last changed.
    pub updated: i64,
    /// By key.
    pub tags: Vec<Pair>,
    /// Names for single versions, by name.
    pub aliases: Vec<(String, i64)>,
    /// The newest version of each stage that has one.
    pub latest: Vec<ModelVersion>,
}

/// One version of a registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// From 1; never given twice.
    pub version: i64,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// What people should know of it.
    pub description: Option<String>,
    /// Who made it.
    pub user: Option<String>,
    /// Where it stands.
    pub stage: String,
    /// The URI it was registered from.
    pub source: String,
    /// The URI its files are read from.
    pub storage_location: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A link to that run, if it is on another server.
    pub run_link: Option<String>,
    /// The logged model it was registered from.
    pub model_id: Option<String>,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    pub status: String,
    /// What there is to say of its status.
    pub status_message: Option<String>,
    /// By key.
    pub tags: Vec<Pair>,
    /// The model's names for this version.
    pub aliases: Vec<String>,
}
