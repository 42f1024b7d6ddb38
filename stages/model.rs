//! The model artifact: what a prediction needs, and where the model comes from.
//!
//! Self-describing: its card names its features in order, its target and its hyperparameters; the numbers it learned lie
//! beside the card in one file, `docs/formats/model.md`, whose bytes are known to `hpipe_learn::model_file`.

use std::fmt;
use std::path::Path;

use hpipe_core::PortPath;
use hpipe_learn::learned::Learned;
use hpipe_learn::linear::Convergence;
use hpipe_learn::model_file;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::artifact;
use crate::error::Error;
use crate::learner::LearnerKind;
use crate::schema::{Gaps, Schema};
use crate::scores::Scores;
use crate::table::Table;

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    /// What it is and where it comes from.
    pub(crate) card: Card,
    /// What it learned.
    pub(crate) learned: Learned,
}

/// What a model is and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// Which model.
    pub(crate) kind: ModelKind,
    /// The column it predicts, in that column's unit.
    pub(crate) target: String,
    /// The columns it predicts from, in the order of its parameters.
    pub(crate) features: Schema,
    /// What it was asked to be, complete with defaults.
    pub(crate) hyperparameters: Json,
    /// The seed of all draws.
    pub(crate) seed: u64,
    /// How the training went.
    pub(crate) training: Training,
}

/// How a model came to be: the learner's kind, or how others were put to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) enum ModelKind {
    /// A learner made it.
    Learner(LearnerKind),
    /// It weighs other models, made by the stage `stack`.
    Stack,
    /// A model of another program, by the stage `import`.
    Imported,
}

/// How the training of a model went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Training {
    /// Number of rows it was fitted on; 0 when nobody knows.
    pub(crate) rows: usize,
    /// Features with one value in all rows of a linear model, whose coefficients are 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) constant: Vec<String>,
    /// Features that are linear combinations of those before them; the coefficients are those of least norm then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) collinear: Vec<String>,
    /// How the iterations of a linear model ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) convergence: Option<Convergence>,
    /// The metric of every iteration of a booster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) history: Option<History>,
    /// R² of a forest on the rows that each of its trees was not grown on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out_of_bag: Option<f64>,
    /// What a stack is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) members: Vec<Member>,
    /// Scores of a stack on the validation part, each fold weighed by weights from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out_of_fold: Option<Scores>,
    /// The digest of the file of those rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out_of_fold_of: Option<String>,
    /// Scores on the rows it was fitted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) train: Option<Scores>,
    /// Scores on the validation rows, if the stage had them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<Scores>,
}

/// The metric of every iteration of a booster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    /// What is measured: `rmse`, `mean_squared_error`, …
    pub(crate) metric: String,
    /// On the rows it was fitted on.
    pub(crate) train: Vec<f64>,
    /// On the validation rows; empty when there were none.
    pub(crate) validation: Vec<f64>,
    /// How many trees the model keeps.
    pub(crate) best_iteration: usize,
}

/// A member of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The name of the model's file without extension.
    pub(crate) name: String,
    /// Which model.
    pub(crate) kind: ModelKind,
    /// How much its prediction counts.
    pub(crate) weight: f64,
    /// Its scores on the validation part.
    pub(crate) validation: Scores,
}

impl ModelKind {
    /// The word for it in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Learner(kind) => kind.name(),
            Self::Stack => "stack",
            Self::Imported => "imported",
        }
    }
}

impl From<ModelKind> for String {
    fn from(kind: ModelKind) -> Self {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for ModelKind {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let mut learners = LearnerKind::ALL.into_iter().map(Self::Learner);
        let found = match &*word {
            "stack" => Some(Self::Stack),
            "imported" => Some(Self::Imported),
            _ => learners.find(|kind| kind.name() == word),
        };
        found.ok_or_else(|| format!("`{word}` is no kind of model"))
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Model {
    /// The prediction for every row of `table`, in the target's unit; columns that are no features are ignored.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::NotFinite`]; [`Error::MissingValue`] for a model that does
    /// not know what to do without a value.
    pub(crate) fn predict(&self, table: &Table) -> Result<Vec<f64>, Error> {
        let records = self.card.features.records(table, gaps(&self.learned))?;
        Ok(self.learned.predict(records.view()))
    }

    /// What the model does with rows that lack a value.
    pub(crate) fn gaps(&self) -> Gaps {
        gaps(&self.learned)
    }

    /// Reads a model that must predict `target`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); [`Error::Mismatch`] when it predicts something else.
    pub(crate) fn read_of(port: &PortPath, target: &str) -> Result<Self, Error> {
        let model = Self::read(port)?;
        if model.card.target == target {
            return Ok(model);
        }
        Err(Error::Mismatch(
            port.declared.to_string(),
            "the option `target`".to_owned(),
            format!("it predicts `{}`, not `{target}`", model.card.target),
        ))
    }

    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::ReadFile`]; [`Error::NotAnArtifact`] when it is something else, cut short or damaged.
    pub(crate) fn read(port: &PortPath) -> Result<Self, Error> {
        Self::parse(&artifact::read_bytes(port)?, port.declared.as_str())
    }

    /// The model in the bytes of a file that errors call `name`.
    ///
    /// # Errors
    /// [`Error::NotAnArtifact`], as [`read`](Self::read).
    pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::NotAnArtifact {
            path: name.to_owned(),
            what: "a model",
            reason,
        };
        let (card, learned): (Card, Learned) =
            model_file::read(bytes).map_err(|error| refuse(error.to_string()))?;
        if card.features.features().len() != learned.n_features() {
            return Err(refuse(format!(
                "its card names {} features, and it predicts from {}",
                card.features.features().len(),
                learned.n_features(),
            )));
        }
        Ok(Self { card, learned })
    }

    /// Writes the model.
    ///
    /// # Errors
    /// [`Error::WriteFile`]; [`Error::Numerical`] when what was learned is no model.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let bytes = model_file::write(&self.card, &self.learned)
            .map_err(|error| Error::Numerical(error.to_string()))?;
        artifact::write_bytes(path, &bytes)
    }
}

/// What a model does with rows that lack a value: one that has a linear part refuses them.
fn gaps(learned: &Learned) -> Gaps {
    match learned {
        Learned::Linear { .. } => Gaps::Refused,
        Learned::Trees(_) => Gaps::Allowed,
        Learned::Linked(_, model) => gaps(model),
        Learned::Stack(stack) => {
            let refuses = |member: &Learned| gaps(member) == Gaps::Refused;
            if stack.members.iter().any(refuses) {
                Gaps::Refused
            } else {
                Gaps::Allowed
            }
        }
    }
}
