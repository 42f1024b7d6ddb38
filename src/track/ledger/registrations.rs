//! Versions that are registered with a record of what they are: made once for each record, whoever asks how often.
//!
//! The files of a version lie below `registry/MODEL/VERSION` among the artifacts, where MLflow's client finds them, too.

use hpipe_core::Digest;
use rusqlite::{OptionalExtension as _, params};

use super::artifacts::StoredArtifact;
use super::error::{LedgerError, Result};
use super::model_versions::NewModelVersion;
use super::promotion::{Promoted, Promotion};
use super::values::Pair;
use super::{Change, Records, Stage};
use crate::registry::{Lineage, Measured, Record};

/// What shall be registered.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// What it is.
    pub record: Record,
    /// The bytes of the record as a stage made them, which tell it from others.
    pub text: String,
    /// Where it comes from.
    pub lineage: Option<Lineage>,
    /// Its files, taken in already: where each lies in the folder of the version.
    pub files: Vec<(String, StoredArtifact)>,
    /// Who registers it.
    pub user: Option<String>,
    /// Whether a version of the same record that was deleted is made anew.
    pub renews: bool,
}

/// What came of a registration.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The version of that record.
    pub version: i64,
    /// Whether it was made just now.
    pub is_new: bool,
    /// Whether it was deleted since it was made.
    pub is_deleted: bool,
    /// What came of its promotion, if it is new and was to be promoted.
    pub promoted: Option<Promoted>,
}

/// What a version was registered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// The digest of the record's bytes.
    pub digest: Digest,
    /// What it is.
    pub record: Record,
    /// Where it comes from, if somebody knew.
    pub lineage: Option<Lineage>,
}

/// The folder of a version's files among the artifacts.
fn folder(model: i64, version: i64) -> String {
    format!("registry/{model}/{version}")
}

impl Records<'_> {
    /// What a version was registered with; none when it was registered by a client of MLflow.
    ///
    /// # Errors
    /// When there is no such version, or its record cannot be read.
    pub fn registration(&self, name: &str, version: i64) -> Result<Option<Registration>> {
        self.model_version(name, version)?;
        let sql = "SELECT r.digest, r.record, r.lineage FROM registrations r JOIN model_versions v ON v.number = r.version
                   JOIN registered_models m ON m.number = v.model WHERE m.name = ?1 AND v.version = ?2";
        let row = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![name, version], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Option<String>>(2)?,
                ))
            })
            .optional()?;
        let Some((digest, record, lineage)) = row else {
            return Ok(None);
        };
        let what = format!("{name}/{version}");
        let unreadable = |reason: String| LedgerError::BadRecord {
            what: what.clone(),
            reason,
        };
        let record = Record::parse(record.as_bytes(), &what)
            .map_err(|error| unreadable(error.to_string()))?;
        let lineage = lineage.map(|text| Lineage::parse(&text)).transpose();
        Ok(Some(Registration {
            digest: Digest::blake3(digest),
            record,
            lineage: lineage.map_err(unreadable)?,
        }))
    }

    /// The version with the record of this digest, and whether it is deleted; none if there never was one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn version_of_record(&self, name: &str, digest: &Digest) -> Result<Option<(i64, bool)>> {
        let sql = "SELECT v.version, v.is_deleted FROM registrations r JOIN model_versions v ON v.number = r.version
                   JOIN registered_models m ON m.number = r.model WHERE m.name = ?1 AND r.digest = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = params![name, digest.as_bytes()];
        Ok(statement
            .query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// The folder among the artifacts that holds the files of a version.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn version_folder(&self, name: &str, version: i64) -> Result<String> {
        Ok(folder(self.model_number(name)?, version))
    }
}

impl Records<'_> {
    /// The run of the execution that made the model: of stages that have it among their outs, the one that did not read it
    /// from another comes first.
    fn run_of(&self, new: &NewRegistration) -> Result<Option<String>> {
        let (Some(lineage), Some(model)) = (&new.lineage, new.record.model()) else {
            return Ok(None);
        };
        let stages = lineage.stages.values();
        let mut makers: Vec<_> = stages
            .filter(|stage| stage.outs.iter().any(|out| out.digest == model.digest))
            .collect();
        makers.sort_by_key(|stage| stage.deps.iter().any(|dep| dep.digest == model.digest));
        for maker in makers {
            let run = self.run_that_made(&maker.key.to_string())?;
            if run.is_some() {
                return Ok(run);
            }
        }
        Ok(None)
    }
}

impl Change<'_> {
    /// Makes a version of a record, unless there is one, and promotes it where the record says so and its gates pass.
    /// What those ask to be measured was not: [`Ledger::register`](super::Ledger::register) measures.
    ///
    /// # Errors
    /// When something of the record cannot be registered.
    pub fn register(&self, new: &NewRegistration) -> Result<Registered> {
        self.register_measured(new, &Measured::default())
    }

    /// As [`register`](Self::register), with what was measured.
    pub(crate) fn register_measured(
        &self,
        new: &NewRegistration,
        measured: &Measured,
    ) -> Result<Registered> {
        let name = new.record.name.as_str();
        let digest = Record::digest_of(new.text.as_bytes());
        let known = self.version_of_record(name, &digest)?;
        if let Some((version, is_deleted)) = known.filter(|(_, deleted)| !(new.renews && *deleted))
        {
            return Ok(Registered {
                version,
                is_new: false,
                is_deleted,
                promoted: None,
            });
        }
        if self
            .connection
            .prepare_cached("SELECT 1 FROM registered_models WHERE name = ?1")?
            .exists([name])?
        {
            // its description is the model's own, and stays
        } else {
            self.create_registered_model(name, None, &[])?;
        }
        let version = self.make_version(new, &digest)?;
        for alias in &new.record.aliases {
            self.set_alias(name, alias, version)?;
        }
        let promoted = match &new.record.promote {
            None => None,
            Some(promote) => {
                let promotion = Promotion {
                    archives_existing: promote.archives_existing,
                    user: new.user.clone(),
                    reason: Some("registered by the pipeline".to_owned()),
                    ..Promotion::new(name, version, Stage::recorded(&promote.stage))
                };
                Some(self.promote_measured(&promotion, measured)?)
            }
        };
        Ok(Registered {
            version,
            is_new: true,
            is_deleted: false,
            promoted,
        })
    }

    fn make_version(&self, new: &NewRegistration, digest: &Digest) -> Result<i64> {
        let (record, name) = (&new.record, new.record.name.as_str());
        let model = self.model_number(name)?;
        let next: i64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE model = ?1",
            )?
            .query_row([model], |row| row.get(0))?;
        let tags = record.tags.iter();
        let made = self.create_model_version(&NewModelVersion {
            name: name.to_owned(),
            source: format!("mlflow-artifacts:/{}", folder(model, next)),
            description: record.description.clone(),
            user: new.user.clone(),
            tags: tags.map(|(key, value)| Pair::new(key, value)).collect(),
            run_id: self.run_of(new)?,
            ..NewModelVersion::default()
        })?;
        for (path, stored) in &new.files {
            self.place_artifact(&format!("{}/{path}", folder(model, made.version)), stored)?;
        }
        let sql = "INSERT INTO registrations (version, model, digest, record, lineage)
                   VALUES ((SELECT number FROM model_versions WHERE model = ?1 AND version = ?2), ?1, ?3, ?4, ?5)
                   ON CONFLICT (model, digest) DO UPDATE SET version = excluded.version, record = excluded.record,
                   lineage = excluded.lineage";
        let lineage = new.lineage.as_ref().map(Lineage::to_text);
        self.connection.prepare_cached(sql)?.execute(params![
            model,
            made.version,
            digest.as_bytes(),
            new.text,
            lineage
        ])?;
        Ok(made.version)
    }

    /// Forgets the files of a version that is deleted; what it was registered with is known by its digest alone.
    pub(crate) fn forget_registration(&self, model: i64, version: i64) -> Result<()> {
        let sql = "UPDATE registrations SET record = '', lineage = NULL WHERE version =
                   (SELECT number FROM model_versions WHERE model = ?1 AND version = ?2)";
        self.connection
            .prepare_cached(sql)?
            .execute([model, version])?;
        self.forget_artifacts(&folder(model, version)).map(drop)
    }
}
