//! Versions of registered models: made, moved between stages, tagged, deleted.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::{LedgerError, Result};
use super::history::Transition;
use super::values::{ModelVersion, Pair};
use super::{Change, Records, Stage, limits};

/// A version to be made.
#[derive(Debug, Clone, Default)]
pub struct NewModelVersion {
    /// The registered model.
    pub name: String,
    /// The URI of the model's files, or a `models:/` URI that leads to them.
    pub source: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A link to that run.
    pub run_link: Option<String>,
    /// The logged model it is made from.
    pub model_id: Option<String>,
    /// What people should know of it.
    pub description: Option<String>,
    /// Who makes it.
    pub user: Option<String>,
    /// Its tags; of equal keys the last counts.
    pub tags: Vec<Pair>,
}

pub(crate) const COLUMNS: &str = "v.number, v.model, m.name, v.version, v.created, v.updated, v.description, v.user, v.stage, v.source, \
     v.storage_location, v.run, v.run_link, v.logged_model, v.status, v.status_message";

/// Numbers of a version and of its model in the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VersionNumber {
    pub(crate) version: i64,
    pub(crate) model: i64,
}

/// Reads a row of [`COLUMNS`]; without tags and aliases.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<(VersionNumber, ModelVersion)> {
    let number = VersionNumber {
        version: row.get(0)?,
        model: row.get(1)?,
    };
    let version = ModelVersion {
        name: row.get(2)?,
        version: row.get(3)?,
        created: row.get(4)?,
        updated: row.get(5)?,
        description: row.get(6)?,
        user: row.get(7)?,
        stage: row.get(8)?,
        source: row.get(9)?,
        storage_location: row.get(10)?,
        run_id: row.get(11)?,
        run_link: row.get(12)?,
        model_id: row.get(13)?,
        status: row.get(14)?,
        status_message: row.get(15)?,
        tags: Vec::new(),
        aliases: Vec::new(),
    };
    Ok((number, version))
}

impl Records<'_> {
    /// A version of a registered model.
    ///
    /// # Errors
    /// When there is none, or it is deleted.
    pub fn model_version(&self, name: &str, version: i64) -> Result<ModelVersion> {
        let (number, version) = self.version_row(name, version)?;
        self.whole_version(number, version)
    }

    /// Adds to a version's row its tags and aliases.
    pub(crate) fn whole_version(
        &self,
        number: VersionNumber,
        version: ModelVersion,
    ) -> Result<ModelVersion> {
        let tags = "SELECT key, value FROM model_version_tags WHERE version = ?1 ORDER BY key";
        let aliases = self.aliases(number.model)?.into_iter();
        let meant = aliases.filter(|(_, meant)| *meant == version.version);
        Ok(ModelVersion {
            tags: self.pairs(tags, &number.version)?,
            aliases: meant.map(|(alias, _)| alias).collect(),
            ..version
        })
    }

    fn version_row(&self, name: &str, version: i64) -> Result<(VersionNumber, ModelVersion)> {
        limits::model_name(name)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM registered_models m JOIN model_versions v ON v.model = m.number
             WHERE m.name = ?1 AND v.version = ?2 AND NOT v.is_deleted"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement
            .query_row(params![name, version], from_row)
            .optional()?;
        found.ok_or_else(|| {
            LedgerError::missing(format!(
                "Model Version (name={name}, version={version}) not found"
            ))
        })
    }

    /// The versions of a model that are not deleted, the oldest first.
    pub(crate) fn versions_of(&self, model: i64) -> Result<Vec<ModelVersion>> {
        self.versions_where(
            "v.model = ?1 AND NOT v.is_deleted ORDER BY v.version",
            model,
        )
    }

    /// The newest version of each stage of a model.
    pub(crate) fn latest_of(&self, model: i64) -> Result<Vec<ModelVersion>> {
        self.versions_where(
            "v.number IN (SELECT number FROM (SELECT number, max(version) FROM model_versions
             WHERE model = ?1 AND NOT is_deleted GROUP BY stage)) ORDER BY v.version",
            model,
        )
    }

    /// Every version that is not deleted, by the order in which they were made.
    pub(crate) fn every_version(&self) -> Result<Vec<ModelVersion>> {
        self.versions_where("?1 = ?1 AND NOT v.is_deleted ORDER BY v.number", 0)
    }

    fn versions_where(&self, condition: &str, model: i64) -> Result<Vec<ModelVersion>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM model_versions v JOIN registered_models m ON m.number = v.model WHERE {condition}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([model], from_row)?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        let whole = found
            .into_iter()
            .map(|(number, version)| self.whole_version(number, version));
        whole.collect()
    }

    /// The URI from which the files of a version are read.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn download_uri(&self, name: &str, version: i64) -> Result<String> {
        Ok(self.version_row(name, version)?.1.storage_location)
    }

    /// Where the files lie that a `models:/` URI names; any other source is where they lie.
    fn storage_of(&self, new: &NewModelVersion) -> Result<(String, Option<String>)> {
        let run = new.run_id.clone();
        let Some(rest) = new.source.strip_prefix("models:") else {
            let made = new.model_id.as_deref().filter(|_| run.is_none());
            let source_run = made.and_then(|id| self.logged_model(id).ok()?.source_run);
            return Ok((new.source.clone(), run.or(source_run)));
        };
        let rest = rest.trim_start_matches('/');
        let unknown = |error: LedgerError| {
            LedgerError::invalid(format!(
                "Unable to fetch model from model URI source artifact location '{}'. Error: {error}",
                new.source
            ))
        };
        if rest.starts_with("m-") && !rest.contains('/') {
            let model = self.logged_model(rest).map_err(unknown)?;
            return Ok((model.artifact_location, run.or(model.source_run)));
        }
        let found = match (rest.split_once('/'), rest.split_once('@')) {
            (Some((name, version)), _) => self.named_version(name, version),
            (None, Some((name, alias))) => self.version_by_alias(name, alias),
            (None, None) => Err(LedgerError::invalid(format!(
                "Not a proper models:/ URI: {}",
                new.source
            ))),
        };
        Ok((found.map_err(unknown)?.storage_location, run))
    }

    fn named_version(&self, name: &str, version: &str) -> Result<ModelVersion> {
        if let Ok(number) = version.parse() {
            return self.model_version(name, number);
        }
        let stages = match version.eq_ignore_ascii_case("latest") {
            true => Vec::new(),
            false => vec![self.stages.parse(version)?],
        };
        let latest = self.latest_versions(name, &stages)?;
        let newest = latest.into_iter().max_by_key(|found| found.version);
        newest.ok_or_else(|| {
            LedgerError::missing(format!("No versions of model with name '{name}' found"))
        })
    }
}

impl Change<'_> {
    /// Makes the next version of a registered model, in the stage `None`.
    ///
    /// # Errors
    /// When there is no such model, a `models:/` source leads nowhere, or something is wrong with a tag.
    pub fn create_model_version(&self, new: &NewModelVersion) -> Result<ModelVersion> {
        limits::model_name(&new.name)?;
        for tag in &new.tags {
            limits::registry_tag(tag)?;
        }
        let (storage, run) = self.storage_of(new)?;
        let model = self.model_number(&new.name)?;
        let version: i64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE model = ?1",
            )?
            .query_row([model], |row| row.get(0))?;
        let sql = "INSERT INTO model_versions (model, version, created, updated, description, user, stage, source,
                   storage_location, run, run_link, logged_model, status)
                   VALUES (?1, ?2, ?3, ?3, ?4, ?5, 'None', ?6, ?7, ?8, ?9, ?10, 'READY')";
        self.connection.prepare_cached(sql)?.execute(params![
            model,
            version,
            self.now,
            new.description,
            new.user,
            new.source,
            storage,
            run,
            new.run_link,
            new.model_id
        ])?;
        let number = self.connection.last_insert_rowid();
        for tag in &new.tags {
            self.put_version_tag(number, tag)?;
        }
        let mut event = self.event(&new.name, version, "created");
        event.to_stage = Some(Stage::None.name().to_owned());
        event.user = new.user.clone();
        self.append_history(model, &event)?;
        self.touch_model(model)?;
        self.model_version(&new.name, version)
    }

    /// Changes the description of a version.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn describe_model_version(
        &self,
        name: &str,
        version: i64,
        description: Option<&str>,
    ) -> Result<ModelVersion> {
        let (number, _) = self.version_row(name, version)?;
        self.connection
            .prepare_cached(
                "UPDATE model_versions SET description = ?2, updated = ?3 WHERE number = ?1",
            )?
            .execute(params![number.version, description, self.now])?;
        self.model_version(name, version)
    }

    /// Moves a version to a stage and writes down who did it and why; with `archives_existing` the versions that stand
    /// there go to the archive, in the same change.
    ///
    /// # Errors
    /// When there is no such version, or others shall leave a stage in which versions are not in use.
    pub fn transition(&self, transition: &Transition) -> Result<ModelVersion> {
        let stage = &transition.stage;
        if transition.archives_existing && !stage.is_active() {
            return Err(LedgerError::invalid(format!(
                "Model version transition cannot archive existing model versions because '{}' is not an Active stage. \
                 Valid stages are ['Staging', 'Production']",
                stage.name()
            )));
        }
        let (number, version) = self.version_row(&transition.name, transition.version)?;
        if transition.archives_existing {
            for other in self.versions_of(number.model)? {
                if other.stage == stage.name() && other.version != version.version {
                    let archived = Transition {
                        version: other.version,
                        stage: Stage::Archived,
                        archives_existing: false,
                        gates: None,
                        is_forced: false,
                        ..transition.clone()
                    };
                    let (number, _) = self.version_row(&other.name, other.version)?;
                    self.put_stage(number, &other, &archived)?;
                }
            }
        }
        self.put_stage(number, &version, transition)?;
        self.touch_model(number.model)?;
        self.model_version(&transition.name, transition.version)
    }

    /// As [`transition`](Self::transition), told as a step back.
    pub(crate) fn move_back(&self, to: &Transition) -> Result<()> {
        let (number, version) = self.version_row(&to.name, to.version)?;
        self.put_stage_as("rolled_back", number, &version, to)?;
        self.touch_model(number.model)
    }

    fn put_stage(
        &self,
        number: VersionNumber,
        version: &ModelVersion,
        to: &Transition,
    ) -> Result<()> {
        self.put_stage_as("moved", number, version, to)
    }

    fn put_stage_as(
        &self,
        event: &str,
        number: VersionNumber,
        version: &ModelVersion,
        to: &Transition,
    ) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE model_versions SET stage = ?2, updated = ?3 WHERE number = ?1")?
            .execute(params![number.version, to.stage.name(), self.now])?;
        let mut event = self.event(&version.name, version.version, event);
        event.from_stage = Some(version.stage.clone());
        event.to_stage = Some(to.stage.name().to_owned());
        event.user = to.user.clone();
        event.reason = to.reason.clone();
        event.gates = to.gates.clone();
        event.is_forced = to.is_forced;
        self.append_history(number.model, &event)
    }

    /// Deletes a version with its aliases; its number is not given again, and its history stays.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn delete_model_version(&self, name: &str, version: i64) -> Result<()> {
        let (number, found) = self.version_row(name, version)?;
        self.forget_registration(number.model, version)?;
        self.connection
            .prepare_cached("DELETE FROM model_aliases WHERE model = ?1 AND version = ?2")?
            .execute(params![number.model, version])?;
        self.connection
            .prepare_cached("DELETE FROM model_version_tags WHERE version = ?1")?
            .execute([number.version])?;
        let sql = "UPDATE model_versions SET is_deleted = 1, updated = ?2, description = NULL, user = NULL, source = '',
                   storage_location = '', run = NULL, run_link = NULL, status_message = NULL WHERE number = ?1";
        self.connection
            .prepare_cached(sql)?
            .execute(params![number.version, self.now])?;
        let mut event = self.event(name, version, "deleted");
        event.from_stage = Some(found.stage);
        self.append_history(number.model, &event)?;
        self.touch_model(number.model)
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// When there is no such version, or something is wrong with the tag.
    pub fn set_version_tag(&self, name: &str, version: i64, tag: &Pair) -> Result<()> {
        limits::registry_tag(tag)?;
        let (number, _) = self.version_row(name, version)?;
        self.put_version_tag(number.version, tag)
    }

    /// Removes a tag of a version; one that is not there is no error.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn delete_version_tag(&self, name: &str, version: i64, key: &str) -> Result<()> {
        limits::name(key, "key")?;
        let (number, _) = self.version_row(name, version)?;
        self.connection
            .prepare_cached("DELETE FROM model_version_tags WHERE version = ?1 AND key = ?2")?
            .execute(params![number.version, key])?;
        Ok(())
    }

    fn put_version_tag(&self, version: i64, tag: &Pair) -> Result<()> {
        let sql = "INSERT INTO model_version_tags (version, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection
            .prepare_cached(sql)?
            .execute(params![version, tag.key, tag.value])?;
        Ok(())
    }

    fn touch_model(&self, model: i64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE registered_models SET updated = ?2 WHERE number = ?1")?
            .execute(params![model, self.now])?;
        Ok(())
    }
}
