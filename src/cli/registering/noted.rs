//! `.cache/registered-v1`: which records the ledger was found to have. The format is docs/formats/registered.md.
//!
//! Deleting it costs one reading of the pipeline. It is believed only as long as the ledger has everything it names.

use std::collections::BTreeMap;
use std::path::Path;

use hpipe_core::{Digest, ProjectPath, StageName};
use hpipe_engine::Workspace;
use hpipe_track::Ledger;
use serde::{Deserialize, Serialize};

use super::MODELS;
use crate::error::Error;

/// The file, from the project's root.
const FILE: &str = ".cache/registered-v1";

/// Of each `register` stage, the model and the digest of its record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Noted(BTreeMap<String, (String, Digest)>);

impl Noted {
    /// What is noted; nothing where the file is not there or cannot be read.
    fn read(root: &Path) -> Self {
        let bytes = std::fs::read(root.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Notes that the ledger has the record of a stage; stages that are gone are forgotten.
    pub(super) fn add(
        workspace: &Workspace,
        stage: &StageName,
        model: &str,
        digest: &Digest,
    ) -> Result<(), Error> {
        let known = Self::read(workspace.store().root());
        let mut noted = known.clone();
        noted
            .0
            .retain(|name, _| workspace.graph().find(name).is_some());
        noted
            .0
            .insert(stage.to_string(), (model.to_owned(), *digest));
        if noted == known {
            return Ok(());
        }
        let text = match serde_json::to_vec(&noted) {
            Ok(text) => text,
            Err(error) => panic!("bug: what is registered cannot be noted: {error}"),
        };
        let path = ProjectPath::new(FILE);
        workspace.store().create_parent(&path)?;
        Ok(workspace.store().write_file(&path, &text)?)
    }

    /// What is noted, and whether the ledger has it; nothing where nothing is noted.
    pub(super) fn standing(root: &Path) -> Vec<u8> {
        let noted = Self::read(root);
        if noted.0.is_empty() {
            return Vec::new();
        }
        let has_all = Ledger::look(&root.join(MODELS), |records| {
            for (model, digest) in noted.0.values() {
                if records.version_of_record(model, digest)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        // A ledger that lacks something, or cannot be read, has nothing that could be relied on.
        let word: &[u8] = match has_all {
            Ok(Some(true)) => b"all of ",
            _ => b"not all of ",
        };
        [word, format!("{noted:?}").as_bytes()].concat()
    }
}
