//! The registration: what a version of a registered model is, as a file that a stage makes.
//!
//! The same inputs give the same bytes: it says nothing of when, where or by whom. Its digest is what makes registering it
//! again no second version. The format is docs/formats/registration.md.

use std::collections::BTreeMap;

use hpipe_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::gates::Gates;
use super::lineage::is_false;

/// The version of the format.
pub const REGISTRATION_VERSION: u32 = 1;

const FORMAT: &str = "hpipe-registration";

/// What a version is registered with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The registered model.
    pub name: String,
    /// What people should know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tags of the version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Names that mean this version from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Its files, the model first.
    pub files: Vec<RecordedFile>,
    /// The data its metrics were measured on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataUsed>,
    /// What it predicts, if a profile says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The columns it takes, with their types and the ranges they had in training, if a profile says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Json>,
    /// How good it is, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// How good it is for parts of the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// The verdict of the checks of the data: `passed`, `warnings` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Where it goes once it is registered, if its gates pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote: Option<Promote>,
    /// What it must pass to come into a stage, by stage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, Gates>,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// What it is: `model`, `transform`, `profile`, `package`, `metrics`, `file`.
    pub role: String,
    /// Where it lay in the project.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it lies in the folder of a package; none of a single file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Whether its owner may execute it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
}

/// Data that metrics were measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataUsed {
    /// Where it lay in the project.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
}

/// Metrics of a part of the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What the data is divided by: `region`, `target`.
    pub group: String,
    /// Which part.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its metrics, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// Where a version goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promote {
    /// The stage.
    pub stage: String,
    /// Whether those that stand there go to the archive.
    pub archives_existing: bool,
}

/// Why a file is no registration.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is something else, or cut short.
    #[error("read the registration {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer hpipe wrote it.
    #[error(
        "read the registration {path}: its format has version {found}, this hpipe knows {REGISTRATION_VERSION}"
    )]
    Version {
        /// The file.
        path: String,
        /// Its version.
        found: u64,
    },
}

#[derive(Serialize)]
struct Envelope<'a> {
    format: &'a str,
    version: u32,
    content: &'a Record,
}

impl RecordedFile {
    /// Where it lies in the folder of the version's files.
    pub fn stored_at(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        match (&self.within, self.role.as_str()) {
            (Some(within), _) => within.clone(),
            (None, "file" | "metrics") => format!("hpipe/{}", self.path),
            (None, role) => format!("hpipe/{role}/{name}"),
        }
    }
}

impl Record {
    /// The model's file.
    pub fn model(&self) -> Option<&RecordedFile> {
        self.file("model")
    }

    /// The first file of a role.
    pub fn file(&self, role: &str) -> Option<&RecordedFile> {
        self.files.iter().find(|file| file.role == role)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let envelope = Envelope {
            format: FORMAT,
            version: REGISTRATION_VERSION,
            content: self,
        };
        match serde_json::to_string_pretty(&envelope) {
            Ok(text) => (text + "\n").into_bytes(),
            Err(error) => panic!("bug: a registration cannot be written: {error}"),
        }
    }

    /// Reads the bytes of a file that messages call `path`.
    ///
    /// # Errors
    /// When it is cut short, something else, or of a newer version.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Self, RecordError> {
        let refuse = |reason: String| RecordError::Unreadable {
            path: path.to_owned(),
            reason,
        };
        let whole: Json =
            serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        match whole.get("format").and_then(Json::as_str) {
            Some(FORMAT) => {}
            Some(other) => return Err(refuse(format!("it says it is `{other}`"))),
            None => return Err(refuse("it is no registration".to_owned())),
        }
        let found = whole.get("version").and_then(Json::as_u64);
        if let Some(found) = found.filter(|found| *found != u64::from(REGISTRATION_VERSION)) {
            let path = path.to_owned();
            return Err(RecordError::Version { path, found });
        }
        let content = whole.get("content").cloned().unwrap_or_default();
        serde_json::from_value(content).map_err(|error| refuse(error.to_string()))
    }

    /// What tells this registration from others.
    pub fn digest_of(bytes: &[u8]) -> Digest {
        hpipe_store::hash_bytes(bytes)
    }
}
