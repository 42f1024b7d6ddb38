//! Where a version comes from: the closed set of everything upstream of it, down to the data no stage makes.
//!
//! Taken from the lock file when the version is registered. The format is docs/formats/lineage.md.

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::{Digest, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The version of the format.
pub const LINEAGE_VERSION: u32 = 1;

/// The closed set that made a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The version of the format.
    pub v: u32,
    /// The version of hpipe that registered it.
    pub hpipe: String,
    /// The code, if the project lies in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The stage that registered it, or that made the model.
    pub stage: String,
    /// Pipeline and params files, as they were; their bytes are kept with the version.
    pub texts: Vec<Source>,
    /// What no stage makes: the data, scripts, and whatever else is read.
    pub sources: Vec<Source>,
    /// The stages, by name.
    pub stages: BTreeMap<String, StageLineage>,
}

/// What code there was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The commit that was checked out.
    pub commit: String,
    /// Whether files that git tracks, or could, differed from it.
    pub dirty: bool,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where it lay in the project.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
    /// Bytes: of the file, or of all files of the folder.
    pub size: u64,
    /// Of a folder: how many files it has, and the bytes of its root node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<(u64, u64)>,
    /// Whether its owner may execute it; of a folder its nodes tell.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref)] // serde hands out references
pub(super) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What made one stage's outs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageLineage {
    /// The stage key.
    pub key: Digest,
    /// What it executes.
    pub action: Action,
    /// Declared variables; null for one that was not set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Option<String>>,
    /// What it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<Source>,
    /// Params by file and dotted name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, BTreeMap<String, Json>>,
    /// What it made.
    pub outs: Vec<Made>,
}

/// What a stage executes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Shell commands.
    Cmd(Vec<String>),
    /// A built-in stage.
    Builtin {
        /// Which.
        uses: String,
        /// Its own version.
        version: u32,
        /// Its options.
        with: Json,
    },
}

/// Something that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Where.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
}

/// One thing that two lineages do not have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What kind of thing: `hpipe`, `commit`, `data`, `param`, `option`, `cmd`, `builtin`, `env`, `stage`.
    pub kind: &'static str,
    /// Which.
    pub name: String,
    /// As it is in the first; null where it is not.
    pub old: Option<Json>,
    /// As it is in the second.
    pub new: Option<Json>,
}

impl Lineage {
    /// Params and options of all stages: `train.lr` of a file, `train: seed` of a stage's options.
    fn words(&self) -> BTreeMap<(&'static str, String), Json> {
        let mut words = BTreeMap::new();
        words.insert(
            ("hpipe", "version".to_owned()),
            Json::from(self.hpipe.as_str()),
        );
        if let Some(code) = &self.code {
            let mark = if code.dirty { " with changes" } else { "" };
            let text = format!("{}{mark}", code.commit);
            words.insert(("commit", "HEAD".to_owned()), text.into());
        }
        for source in &self.sources {
            let digest = source.digest.to_string();
            words.insert(("data", source.path.clone()), digest.into());
        }
        for (name, stage) in &self.stages {
            stage.words(name, &mut words);
        }
        words
    }

    /// The seeds among the options and params, by where they stand.
    pub fn seeds(&self) -> BTreeMap<String, Json> {
        let words = self.words().into_iter();
        let is_seed = |name: &str| {
            name.rsplit(['.', ' '])
                .next()
                .is_some_and(|word| word.ends_with("seed"))
        };
        words
            .filter(|((kind, name), _)| matches!(*kind, "option" | "param") && is_seed(name))
            .map(|((_, name), value)| (name, value))
            .collect()
    }

    /// Reads the text of a lineage.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lineage: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match lineage.v {
            LINEAGE_VERSION => Ok(lineage),
            other => Err(format!("its format has version {other}")),
        }
    }

    /// The text of it.
    pub fn to_text(&self) -> String {
        match serde_json::to_string(self) {
            Ok(text) => text,
            Err(error) => panic!("bug: a lineage cannot be written: {error}"),
        }
    }
}

impl StageLineage {
    fn words(&self, stage: &str, words: &mut BTreeMap<(&'static str, String), Json>) {
        match &self.action {
            Action::Cmd(lines) => {
                words.insert(("cmd", stage.to_owned()), lines.join("; ").into());
            }
            Action::Builtin {
                uses,
                version,
                with,
            } => {
                words.insert(
                    ("builtin", stage.to_owned()),
                    format!("{uses} {version}").into(),
                );
                for (name, value) in leaves(with) {
                    words.insert(("option", format!("{stage}: {name}")), value);
                }
            }
        }
        for (file, values) in &self.params {
            for (name, value) in values {
                words.insert(("param", format!("{file}: {name}")), value.clone());
            }
        }
        for (name, value) in &self.env {
            words.insert(("env", format!("{stage}: {name}")), value.clone().into());
        }
    }
}

/// The values of a mapping by dotted name; lists are values.
fn leaves(value: &Json) -> Vec<(String, Json)> {
    let Json::Object(entries) = value else {
        return vec![(String::new(), value.clone())];
    };
    let below = entries.iter().flat_map(|(key, value)| {
        leaves(value)
            .into_iter()
            .map(move |(name, value)| match name.as_str() {
                "" => (key.clone(), value),
                _ => (format!("{key}.{name}"), value),
            })
    });
    below.collect()
}

/// What the second has otherwise than the first, sorted by kind and name.
pub fn differences(old: &Lineage, new: &Lineage) -> Vec<Difference> {
    let (before, after) = (old.words(), new.words());
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let told = keys
        .into_iter()
        .filter(|key| before.get(key) != after.get(key));
    told.map(|key| Difference {
        kind: key.0,
        name: key.1.clone(),
        old: before.get(key).cloned(),
        new: after.get(key).cloned(),
    })
    .collect()
}

/// A value as JSON; what JSON cannot say is a text.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Float(x) if !x.is_finite() => Json::from(x.to_string()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.to_owned(), json(value)))
            .collect(),
        plain => serde_json::to_value(plain).unwrap_or_default(),
    }
}
