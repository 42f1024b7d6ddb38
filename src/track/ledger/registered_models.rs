//! Registered models: names under which versions are kept, with tags and aliases.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::{LedgerError, Result};
use super::values::{ModelVersion, Pair, RegisteredModel};
use super::{Change, Records, Stage, limits};

/// The tag of what MLflow keeps among registered models but is a prompt.
pub(crate) const IS_PROMPT: &str = "mlflow.prompt.is_prompt";

pub(crate) const COLUMNS: &str = "m.number, m.name, m.description, m.created, m.updated";

/// Reads a row of [`COLUMNS`]: the number, and the model without what belongs to it.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<(i64, RegisteredModel)> {
    let model = RegisteredModel {
        name: row.get(1)?,
        description: row.get(2)?,
        created: row.get(3)?,
        updated: row.get(4)?,
        tags: Vec::new(),
        aliases: Vec::new(),
        latest: Vec::new(),
    };
    Ok((row.get(0)?, model))
}

impl Records<'_> {
    /// The registered model of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn registered_model(&self, name: &str) -> Result<RegisteredModel> {
        limits::model_name(name)?;
        let sql = format!("SELECT {COLUMNS} FROM registered_models m WHERE m.name = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row([name], from_row).optional()?;
        let (number, model) = found.ok_or_else(|| not_found(name))?;
        self.whole_model(number, model)
    }

    /// Adds to a model's row what belongs to it.
    pub(crate) fn whole_model(
        &self,
        number: i64,
        model: RegisteredModel,
    ) -> Result<RegisteredModel> {
        let tags = "SELECT key, value FROM registered_model_tags WHERE model = ?1 ORDER BY key";
        Ok(RegisteredModel {
            tags: self.pairs(tags, &number)?,
            aliases: self.aliases(number)?,
            latest: self.latest_of(number)?,
            ..model
        })
    }

    /// The aliases of a model, by name, with the versions they mean.
    pub(crate) fn aliases(&self, model: i64) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT alias, version FROM model_aliases WHERE model = ?1 ORDER BY alias";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map([model], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest version in each of the stages, or of every stage if none is named.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn latest_versions(&self, name: &str, stages: &[Stage]) -> Result<Vec<ModelVersion>> {
        let mut latest = self.registered_model(name)?.latest;
        latest.retain(|version| {
            stages.is_empty() || stages.iter().any(|stage| stage.name() == version.stage)
        });
        Ok(latest)
    }

    /// The version that an alias means.
    ///
    /// # Errors
    /// When model or alias do not exist.
    pub fn version_by_alias(&self, name: &str, alias: &str) -> Result<ModelVersion> {
        let model = self.model_number(name)?;
        let sql = "SELECT version FROM model_aliases WHERE model = ?1 AND alias = ?2";
        let version = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![model, alias], |row| row.get(0))
            .optional()?;
        match version {
            Some(version) => self.model_version(name, version),
            None => Err(LedgerError::invalid(format!(
                "Registered model alias {alias} not found."
            ))),
        }
    }

    /// The number of a model in the database.
    pub(crate) fn model_number(&self, name: &str) -> Result<i64> {
        limits::model_name(name)?;
        let number = self
            .connection
            .prepare_cached("SELECT number FROM registered_models WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        number.ok_or_else(|| not_found(name))
    }
}

fn not_found(name: &str) -> LedgerError {
    LedgerError::missing(format!("Registered Model with name={name} not found"))
}

impl Change<'_> {
    /// Makes a registered model.
    ///
    /// # Errors
    /// When the name is taken or is no good.
    pub fn create_registered_model(
        &self,
        name: &str,
        description: Option<&str>,
        tags: &[Pair],
    ) -> Result<RegisteredModel> {
        limits::model_name(name)?;
        for tag in tags {
            limits::registry_tag(tag)?;
        }
        let sql = "INSERT INTO registered_models (name, description, created, updated) VALUES (?1, ?2, ?3, ?3)
                   ON CONFLICT DO NOTHING";
        let row = params![name, description, self.now];
        if self.connection.prepare_cached(sql)?.execute(row)? == 0 {
            return Err(name_taken(name));
        }
        let model = self.connection.last_insert_rowid();
        for tag in tags {
            self.put_model_tag(model, tag)?;
        }
        self.registered_model(name)
    }

    /// Gives a model another name; its versions, tags and aliases go along.
    ///
    /// # Errors
    /// When there is none of the old name, or one of the new.
    pub fn rename_registered_model(&self, name: &str, new_name: &str) -> Result<RegisteredModel> {
        if new_name.trim().is_empty() {
            return Err(LedgerError::invalid(
                "Missing value for required parameter 'new_name'.",
            ));
        }
        limits::model_name(new_name)?;
        let model = self.model_number(name)?;
        let sql =
            "UPDATE OR IGNORE registered_models SET name = ?2, updated = ?3 WHERE number = ?1";
        let row = params![model, new_name, self.now];
        if self.connection.prepare_cached(sql)?.execute(row)? == 0 {
            return Err(name_taken(new_name));
        }
        self.connection
            .prepare_cached("UPDATE model_versions SET updated = ?2 WHERE model = ?1")?
            .execute(params![model, self.now])?;
        self.registered_model(new_name)
    }

    /// Changes the description.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn describe_registered_model(
        &self,
        name: &str,
        description: Option<&str>,
    ) -> Result<RegisteredModel> {
        let model = self.model_number(name)?;
        self.connection
            .prepare_cached(
                "UPDATE registered_models SET description = ?2, updated = ?3 WHERE number = ?1",
            )?
            .execute(params![model, description, self.now])?;
        self.registered_model(name)
    }

    /// Deletes a model with all its versions; its history stays.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn delete_registered_model(&self, name: &str) -> Result<()> {
        let model = self.model_number(name)?;
        for version in self.versions_of(model)? {
            let mut event = self.event(name, version.version, "deleted");
            event.from_stage = Some(version.stage);
            self.append_history(model, &event)?;
            self.forget_registration(model, version.version)?;
        }
        self.connection
            .prepare_cached("DELETE FROM registered_models WHERE number = ?1")?
            .execute([model])?;
        Ok(())
    }

    /// Sets a tag of a model.
    ///
    /// # Errors
    /// When there is no such model, or something is wrong with the tag.
    pub fn set_model_tag(&self, name: &str, tag: &Pair) -> Result<()> {
        limits::registry_tag(tag)?;
        let model = self.model_number(name)?;
        self.put_model_tag(model, tag)
    }

    /// Removes a tag of a model; one that is not there is no error.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn delete_model_tag(&self, name: &str, key: &str) -> Result<()> {
        limits::name(key, "key")?;
        let model = self.model_number(name)?;
        self.connection
            .prepare_cached("DELETE FROM registered_model_tags WHERE model = ?1 AND key = ?2")?
            .execute(params![model, key])?;
        Ok(())
    }

    /// Lets an alias mean a version, whatever it meant before.
    ///
    /// # Errors
    /// When the version does not exist, or the alias is no good.
    pub fn set_alias(&self, name: &str, alias: &str, version: i64) -> Result<()> {
        limits::alias(alias)?;
        self.model_version(name, version)?;
        let sql = "INSERT INTO model_aliases (model, alias, version) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET version = excluded.version";
        self.connection.prepare_cached(sql)?.execute(params![
            self.model_number(name)?,
            alias,
            version
        ])?;
        Ok(())
    }

    /// Removes an alias; one that is not there is no error.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn delete_alias(&self, name: &str, alias: &str) -> Result<()> {
        let model = self.model_number(name)?;
        self.connection
            .prepare_cached("DELETE FROM model_aliases WHERE model = ?1 AND alias = ?2")?
            .execute(params![model, alias])?;
        Ok(())
    }

    fn put_model_tag(&self, model: i64, tag: &Pair) -> Result<()> {
        let sql = "INSERT INTO registered_model_tags (model, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.connection
            .prepare_cached(sql)?
            .execute(params![model, tag.key, tag.value])?;
        Ok(())
    }
}

fn name_taken(name: &str) -> LedgerError {
    LedgerError::exists(format!("Registered Model (name={name}) already exists."))
}
