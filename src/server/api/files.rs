//! Calls that list what runs and logged models have for artifacts.

use hpipe_track::LedgerError;
use hpipe_track::ledger::Records;
use serde_json::json;

use crate::answers::{Answer, Told};
use crate::artifacts::{plain_path, proxied_path};
use crate::fields::Fields;

pub(super) fn of_run(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let root = records.run_info(fields.run_id()?)?.artifact_uri;
    let folder = fields.text("path")?.unwrap_or_default();
    list(records, &root, folder)
}

pub(super) fn of_model(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let root = records
        .logged_model(fields.required("model_id")?)?
        .artifact_location;
    let folder = fields.text("artifact_directory_path")?.unwrap_or_default();
    list(records, &root, folder)
}

fn list(records: &Records<'_>, root: &str, folder: &str) -> Answer {
    let folder = plain_path(folder)?;
    let Some(above) = proxied_path(root) else {
        return Err(LedgerError::invalid(format!(
            "Artifacts at '{root}' are not kept by this server."
        )));
    };
    let path = match folder.as_str() {
        "" => above.to_owned(),
        folder => format!("{above}/{folder}"),
    };
    let mut entries = records.list_artifacts(&path)?;
    if !folder.is_empty() {
        for entry in &mut entries {
            entry.name = format!("{folder}/{}", entry.name); // each with its path from the root
        }
    }
    Ok(json!({"root_uri": root, "files": Told(entries.as_slice())}).to_string())
}
