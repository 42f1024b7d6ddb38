//! Calls about registered models and their versions.

use hpipe_track::LedgerError;
use hpipe_track::ledger::{Change, Ledger, NewModelVersion, Promotion, Records, RegistryQuery};
use serde_json::json;

use crate::answers::{Answer, done, one, page};
use crate::fields::Fields;
use crate::pages;

/// The version a request is about, written as a text or a number.
fn version(fields: &Fields<'_>) -> Result<i64, LedgerError> {
    match fields.integer("version") {
        Ok(Some(version)) => Ok(version),
        Ok(None) => fields.required("version").map(|_| 0),
        Err(_) => {
            let text = fields.required("version")?;
            Err(LedgerError::invalid(format!(
                "Parameter 'version' must be an integer, got '{text}'."
            )))
        }
    }
}

fn query(fields: &Fields<'_>, default: usize, most: usize) -> Result<RegistryQuery, LedgerError> {
    Ok(RegistryQuery {
        filter: fields.owned("filter")?.unwrap_or_default(),
        order: fields.texts("order_by")?,
        limit: pages::limit(fields, default, most)?,
        offset: pages::offset(fields)?,
    })
}

fn model(model: &hpipe_track::ledger::RegisteredModel) -> Answer {
    one("registered_model", model)
}

fn one_version(version: &hpipe_track::ledger::ModelVersion) -> Answer {
    one("model_version", version)
}

pub(super) fn create(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let description = fields.text("description")?;
    let made = change.create_registered_model(
        fields.required("name")?,
        description,
        &fields.pairs("tags")?,
    )?;
    model(&made)
}

pub(super) fn rename(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let new_name = fields.text("new_name")?.unwrap_or_default();
    model(&change.rename_registered_model(fields.required("name")?, new_name)?)
}

pub(super) fn update(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let description = fields.whole_text("description")?;
    model(&change.describe_registered_model(fields.required("name")?, description)?)
}

pub(super) fn delete(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_registered_model(fields.required("name")?)?;
    done()
}

pub(super) fn get(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    model(&records.registered_model(fields.required("name")?)?)
}

pub(super) fn search(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let found = records.search_registered_models(&query(fields, 100, 1000)?)?;
    page("registered_models", &found)
}

pub(super) fn latest_versions(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let stages = fields.texts("stages")?;
    let stages = stages.iter().map(|stage| records.stages().parse(stage));
    let stages = stages.collect::<Result<Vec<_>, LedgerError>>()?;
    let found = records.latest_versions(fields.required("name")?, &stages)?;
    one("model_versions", found.as_slice())
}

pub(super) fn set_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.set_model_tag(fields.required("name")?, &fields.pair()?)?;
    done()
}

pub(super) fn delete_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_model_tag(fields.required("name")?, fields.required("key")?)?;
    done()
}

pub(super) fn set_alias(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let (name, alias) = (fields.required("name")?, fields.required("alias")?);
    change.set_alias(name, alias, version(fields)?)?;
    done()
}

pub(super) fn delete_alias(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_alias(fields.required("name")?, fields.required("alias")?)?;
    done()
}

pub(super) fn get_by_alias(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    one_version(&records.version_by_alias(fields.required("name")?, fields.required("alias")?)?)
}

pub(super) fn create_version(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let made = change.create_model_version(&NewModelVersion {
        name: fields.required("name")?.to_owned(),
        source: fields.required("source")?.to_owned(),
        run_id: fields.owned("run_id")?,
        run_link: fields.owned("run_link")?,
        model_id: fields.owned("model_id")?,
        description: fields.owned("description")?,
        user: None,
        tags: fields.pairs("tags")?,
    })?;
    one_version(&made)
}

pub(super) fn update_version(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let description = fields.whole_text("description")?;
    let name = fields.required("name")?;
    one_version(&change.describe_model_version(name, version(fields)?, description)?)
}

pub(super) fn transition(ledger: &Ledger, fields: &Fields<'_>) -> Answer {
    let stage = ledger.stages().parse(fields.required("stage")?)?;
    let (name, version) = (fields.required("name")?, version(fields)?);
    let promoted = ledger.promote(Promotion {
        archives_existing: fields.is_set("archive_existing_versions")?,
        ..Promotion::new(name, version, stage)
    })?;
    let failed = promoted.checks.iter().filter(|check| !check.passed);
    let failed: Vec<_> = failed.map(|check| check.message.as_str()).collect();
    match promoted.is_moved {
        true => one_version(&ledger.read(|records| records.model_version(name, version))?),
        false => Err(LedgerError::conflict(format!(
            "Model Version (name={name}, version={version}) does not pass the gates of {}: {}",
            promoted.stage.name(),
            failed.join("; ")
        ))),
    }
}

pub(super) fn delete_version(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_model_version(fields.required("name")?, version(fields)?)?;
    done()
}

pub(super) fn get_version(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    one_version(&records.model_version(fields.required("name")?, version(fields)?)?)
}

pub(super) fn search_versions(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let found = records.search_model_versions(&query(fields, 10_000, 200_000)?)?;
    page("model_versions", &found)
}

pub(super) fn download_uri(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let uri = records.download_uri(fields.required("name")?, version(fields)?)?;
    Ok(json!({"artifact_uri": uri}).to_string())
}

pub(super) fn set_version_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.set_version_tag(fields.required("name")?, version(fields)?, &fields.pair()?)?;
    done()
}

pub(super) fn delete_version_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let (name, key) = (fields.required("name")?, fields.required("key")?);
    change.delete_version_tag(name, version(fields)?, key)?;
    done()
}
