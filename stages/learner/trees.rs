//! What the options of all tree learners have in common.

use hpipe_learn::binned::Binning;
use hpipe_learn::max_features;
use serde::{Deserialize, Serialize};

/// How many features a node may split by: a number from 2, a share, `sqrt` or `log2`; all of them unless given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub(super) enum MaxFeatures {
    #[default]
    All,
    Sqrt,
    Log2,
    Count(usize),
    Share(f64),
}

impl TryFrom<serde_json::Value> for MaxFeatures {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        use serde_json::Value as Json;
        match &value {
            Json::Null => Ok(Self::All),
            Json::String(word) if word == "all" => Ok(Self::All),
            Json::String(word) if word == "sqrt" => Ok(Self::Sqrt),
            Json::String(word) if word == "log2" => Ok(Self::Log2),
            Json::Number(number) => match (number.as_u64(), number.as_f64()) {
                // 1 and 1.0 are the same value here, and scikit-learn means opposites by them.
                (Some(1), _) => Err(
                    "found 1, which may mean one feature or all of them: write `all` for all"
                        .to_owned(),
                ),
                (Some(count), _) => Ok(Self::Count(usize::try_from(count).unwrap_or(usize::MAX))),
                (None, Some(share)) => Ok(Self::Share(share)),
                (None, None) => Err(format!("found {value}, expected a number")),
            },
            _ => Err(format!(
                "found {value}, expected a number of features, a share below 1, `sqrt`, `log2` or `all`"
            )),
        }
    }
}

impl From<MaxFeatures> for serde_json::Value {
    fn from(features: MaxFeatures) -> Self {
        match features {
            MaxFeatures::All => "all".into(),
            MaxFeatures::Sqrt => "sqrt".into(),
            MaxFeatures::Log2 => "log2".into(),
            MaxFeatures::Count(count) => count.into(),
            MaxFeatures::Share(share) => share.into(),
        }
    }
}

impl MaxFeatures {
    /// In the learner's words.
    pub(super) const fn of_learn(&self) -> max_features::MaxFeatures {
        match self {
            Self::All => max_features::MaxFeatures::All,
            Self::Sqrt => max_features::MaxFeatures::Sqrt,
            Self::Log2 => max_features::MaxFeatures::Log2,
            Self::Count(count) => max_features::MaxFeatures::Count(*count),
            Self::Share(share) => max_features::MaxFeatures::Share(*share),
        }
    }
}

/// How the matrix is cut into bins; `categorical` are the places of the features of codes.
pub(super) fn binning(max_bin: usize, categorical: &[usize]) -> Binning {
    Binning {
        max_bin,
        categorical: categorical.to_vec(),
        ..Binning::default()
    }
}

/// Limits that may be absent, as `#[serde(with = "limit")]`: a number, or the word `none`.
///
/// Options drop what says nothing, so that a null could not lift a limit that is there by default.
pub(crate) mod limit {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    /// Writes a limit.
    pub(crate) fn serialize<T, S>(limit: &Option<T>, to: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        match limit {
            Some(limit) => limit.serialize(to),
            None => to.serialize_str("none"),
        }
    }

    /// Reads a limit.
    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: TryFrom<u64>,
        D: Deserializer<'de>,
    {
        let written = Json::deserialize(from)?;
        if written == "none" {
            return Ok(None);
        }
        let limit = written.as_u64().and_then(|limit| T::try_from(limit).ok());
        let expect = || {
            D::Error::custom(format!(
                "found {written}, expected a whole number or `none`"
            ))
        };
        limit.map(Some).ok_or_else(expect)
    }
}
