//! From the words for a version to its bytes: which version a reference means, and the files it predicts with.
//!
//! Whoever serves, scores or watches begins here. What is handed out was verified: a file that is not what was registered
//! is an error, never a model.

use std::fs::File;
use std::io::Read as _;

use hpipe_core::{Digest, ModelFiles};

use super::error::{LedgerError, Result};
use super::{Ledger, ModelVersion, Records, Stage};
use crate::registry::{ModelReference, Record, RecordedFile, Which};

/// The files a version predicts with, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFiles {
    /// The digest of the model's bytes.
    pub digest: Digest,
    /// The model.
    pub model: Vec<u8>,
    /// What makes its features.
    pub transform: Option<Vec<u8>>,
    /// What it looked like when all was well.
    pub profile: Option<Vec<u8>>,
}

impl VersionFiles {
    /// Those of them that a record names, as `read` finds them.
    pub(crate) fn of(
        record: &Record,
        read: impl Fn(&RecordedFile) -> Result<Vec<u8>>,
    ) -> Result<Self> {
        let optional = |role: &str| record.file(role).map(&read).transpose();
        let model = record.model();
        let model = model.ok_or_else(|| LedgerError::state("nothing in it is its model"))?;
        Ok(Self {
            digest: model.digest,
            model: read(model)?,
            transform: optional("transform")?,
            profile: optional("profile")?,
        })
    }

    /// The bytes, to whoever makes a predictor of them.
    pub fn as_files(&self) -> ModelFiles<'_> {
        ModelFiles {
            model: &self.model,
            transform: self.transform.as_deref(),
            profile: self.profile.as_deref(),
        }
    }
}

impl Records<'_> {
    /// The version a reference means; a name alone means the newest in Production.
    ///
    /// # Errors
    /// When there is no such model, or none of its versions is meant.
    pub fn referred(&self, reference: &ModelReference) -> Result<ModelVersion> {
        let name = reference.name.as_str();
        let versions = self.model_versions(name)?;
        let in_stage = |stage: Stage| {
            let stage = [stage];
            let newest = self.latest_versions(name, &stage)?.into_iter().next();
            newest.ok_or_else(|| {
                let stage = stage[0].name();
                LedgerError::missing(format!("no version of `{name}` is in {stage}"))
            })
        };
        let absent = |what: String| LedgerError::missing(format!("`{name}` has no {what}"));
        let mut versions = versions.into_iter();
        match &reference.which {
            None => in_stage(Stage::Production),
            Some(Which::Latest) => versions.next_back().ok_or_else(|| absent("version".into())),
            Some(Which::Number(number)) => versions
                .find(|version| version.version == *number)
                .ok_or_else(|| absent(format!("version {number}"))),
            Some(Which::Word(word)) => match self.stages.parse(word) {
                Ok(stage) => in_stage(stage),
                Err(_) => versions
                    .find(|version| version.aliases.contains(word))
                    .ok_or_else(|| absent(format!("stage and no alias `{word}`"))),
            },
        }
    }
}

impl Ledger {
    /// Reads the files that a version predicts with.
    ///
    /// # Errors
    /// When it was registered by a client of MLflow, has no model, or a file is missing or not what was registered.
    pub fn version_files(&self, version: &ModelVersion) -> Result<VersionFiles> {
        let (name, number) = (version.name.as_str(), version.version);
        let (folder, known) = self.read(|records| {
            let folder = records.version_folder(name, number)?;
            Ok((folder, records.registration(name, number)?))
        })?;
        let known = known.ok_or_else(|| {
            LedgerError::state(format!(
                "{name}/{number} was registered by a client of MLflow: what it is made of is not recorded"
            ))
        })?;
        if known.record.model().is_none() {
            return Err(LedgerError::state(format!("{name}/{number} has no model")));
        }
        VersionFiles::of(&known.record, |file| {
            let path = format!("{folder}/{}", file.stored_at());
            let (source, _) = self.open_artifact(&path)?;
            Self::stored_file(&path, source, file)
        })
    }

    /// The bytes of a file of a version; what they are is asked of the bytes themselves, not of the file they came from.
    pub(crate) fn stored_file(
        path: &str,
        mut source: File,
        file: &RecordedFile,
    ) -> Result<Vec<u8>> {
        let damaged = || LedgerError::DamagedArtifact {
            path: path.to_owned(),
            digest: file.digest,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or_default());
        source.read_to_end(&mut bytes).map_err(|_| damaged())?;
        match hpipe_store::hash_bytes(&bytes) == file.digest {
            true => Ok(bytes),
            false => Err(damaged()),
        }
    }
}
