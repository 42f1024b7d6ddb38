//! Models of other tools: what they trained predicts here, what we trained predicts there.
//!
//! | module | reads | writes |
//! |---|---|---|
//! | [`xgboost`] | JSON and UBJSON models | JSON and UBJSON models |
//! | [`lightgbm`] | text models | |
//! | [`onnx`] | | ONNX models |
//!
//! Bytes in, bytes out. What cannot be said exactly in the other tool's words is refused with its place, never
//! approximated silently; the limits are in `docs/interchange.md`, and `tests/interchange.rs` compares predictions with
//! the real tools.

mod document;
pub mod lightgbm;
pub mod onnx;
mod ubjson;
pub mod xgboost;

use std::collections::BTreeMap;

use crate::learned::{Invalid, Learned};

/// Why a model does not come over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not JSON, or cut short.
    #[error("it is no JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The bytes are not UBJSON, or cut short.
    #[error("it is no UBJSON: {reason} at byte {at}")]
    Ubjson {
        /// Where reading stopped.
        at: usize,
        /// What was met there.
        reason: String,
    },
    /// A part of the file is missing or makes no sense.
    #[error("{place}: {reason}")]
    Damaged {
        /// A path of keys (`learner.objective.name`) or a line (`line 12, Tree=3`).
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// The file is in order, but its model is of a kind that we do not have.
    #[error("{place}: {reason}")]
    Unsupported {
        /// Where it says so.
        place: String,
        /// What it is and what could be read instead.
        reason: String,
    },
    /// The format has no words for our model.
    #[error("{0}")]
    NoWords(String),
    /// The numbers are no model.
    #[error("the model cannot predict: {0}")]
    Invalid(#[from] Invalid),
}

/// A model that another tool trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What it learned, over the features in their order.
    pub learned: Learned,
    /// Names of the features, if the file tells; as many as the model has features.
    pub features: Option<Vec<String>>,
    /// The tool's name of what it was trained for: `reg:squarederror`, `regression`.
    pub objective: String,
}

/// Which rounds of a boosting that stopped early predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounds {
    /// Up to the best one, if the file names it: as scikit-learn's interface to XGBoost predicts.
    #[default]
    Best,
    /// All that were trained: as XGBoost's `Booster` predicts unless told otherwise.
    All,
}

/// An ensemble in the words of most formats: what is inside, and the function around it.
fn trees_of<'a>(
    learned: &'a Learned,
    format: &str,
) -> Result<(&'a crate::tree::Ensemble, Option<crate::learned::Link>), Error> {
    match learned {
        Learned::Trees(ensemble) => Ok((ensemble, None)),
        Learned::Linked(link, model) => match &**model {
            Learned::Trees(ensemble) => Ok((ensemble, Some(*link))),
            _ => Err(Error::NoWords(format!(
                "{format} has no link around this kind of model"
            ))),
        },
        Learned::Linear { .. } | Learned::Stack(_) => {
            let reason = "takes trees, not a linear model or a stack; ONNX takes every model";
            Err(Error::NoWords(format!("{format} {reason}")))
        }
    }
}

/// The smallest `f32` that is not below `threshold`: for values that are `f32` the comparison stays the same.
fn single_threshold(threshold: f64) -> f32 {
    let short = threshold as f32;
    let above = if f64::from(short) < threshold {
        short.next_up()
    } else {
        short
    };
    above.clamp(f32::MIN, f32::MAX)
}

/// The number as `f32`, unless it is too large.
fn single(x: f64, what: &str) -> Result<f32, Error> {
    match x as f32 {
        short if short.is_finite() => Ok(short),
        _ => Err(Error::NoWords(format!(
            "{what} is {x}, too large for numbers of 32 bits"
        ))),
    }
}

/// Whether the code has its bit set.
fn holds(set: &[u64], code: u32) -> bool {
    let word = set.get(code as usize / 64).copied().unwrap_or(0);
    word >> (code % 64) & 1 == 1
}

/// What the features of a model are called that is written for another program.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// The names, one a feature.
    pub names: &'a [String],
    /// Of features of codes the words, a word's place being its code: written along where a format has room for what it
    /// does not know ([`LEVELS`]).
    pub levels: Option<&'a BTreeMap<String, Vec<String>>>,
}

/// Under which key the words of categories are written, as JSON: a list of words for each name.
pub const LEVELS: &str = "hpipe.levels";

impl<'a, T: AsRef<[String]> + ?Sized> From<&'a T> for Columns<'a> {
    fn from(names: &'a T) -> Self {
        Self {
            names: names.as_ref(),
            levels: None,
        }
    }
}

impl Columns<'_> {
    /// Checks that there is a name for every feature.
    fn check(&self, learned: &Learned) -> Result<(), Error> {
        let (names, count) = (self.names.len(), learned.n_features());
        if names == count {
            return Ok(());
        }
        Err(Error::NoWords(format!(
            "{names} names for {count} features"
        )))
    }

    /// The key and the words of categories, where there are any.
    fn words(&self) -> Result<Option<(&'static str, String)>, Error> {
        let levels = self.levels.filter(|levels| !levels.is_empty());
        let words = levels.map(serde_json::to_string).transpose();
        Ok(words.map_err(Error::Json)?.map(|words| (LEVELS, words)))
    }
}
