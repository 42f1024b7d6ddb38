//! Calls about logged models, which MLflow 3 brought.

use hpipe_track::LedgerError;
use hpipe_track::ledger::{
    Change, DatasetFilter, LoggedModelQuery, ModelOrder, NewLoggedModel, Records,
};

use super::{experiment_id, experiment_ids};
use crate::answers::{Answer, done, one, page};
use crate::fields::{Fields, missing};
use crate::pages;

/// Protobuf's numbers of statuses.
const STATUSES: [&str; 4] = [
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
];

pub(super) fn create(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let model = change.create_logged_model(&NewLoggedModel {
        experiment: experiment_id(fields)?,
        name: fields.owned("name")?,
        source_run: fields.owned("source_run_id")?,
        model_type: fields.owned("model_type")?,
        params: fields.pairs("params")?,
        tags: fields.pairs("tags")?,
    })?;
    one("model", &model)
}

pub(super) fn get(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let id = fields.required("model_id")?;
    let model = match fields.is_set("allow_deleted")? {
        true => records.logged_model_even_deleted(id)?,
        false => records.logged_model(id)?,
    };
    one("model", &model)
}

pub(super) fn finalize(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    if !fields.has("status") {
        return Err(missing("status"));
    }
    let status = match fields.text("status") {
        Ok(Some(name)) if !name.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => {
            let number = fields.integer("status")?.unwrap_or_default();
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let name = STATUSES.get(index).copied();
            name.ok_or_else(|| LedgerError::invalid(format!("Unknown model status: {number}")))?
        }
    };
    let model = change.finalize_logged_model(fields.required("model_id")?, status)?;
    one("model", &model)
}

pub(super) fn delete(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_logged_model(fields.required("model_id")?)?;
    done()
}

pub(super) fn set_tags(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let (id, tags) = (fields.required("model_id")?, fields.pairs("tags")?);
    let model = change.set_logged_model_tags(id, &tags)?;
    one("model", &model)
}

pub(super) fn delete_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_logged_model_tag(fields.required("model_id")?, fields.required("tag_key")?)?;
    done()
}

pub(super) fn log_params(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let (id, params) = (fields.required("model_id")?, fields.pairs("params")?);
    change.log_model_params(id, &params)?;
    done()
}

pub(super) fn search(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    if !fields.has("experiment_ids") {
        return Err(missing("experiment_ids"));
    }
    let datasets = fields.objects("datasets")?;
    let order = fields.objects("order_by")?;
    let found = records.search_logged_models(&LoggedModelQuery {
        experiments: experiment_ids(fields)?,
        filter: fields.owned("filter")?.unwrap_or_default(),
        datasets: datasets.iter().map(dataset).collect::<Result<_, _>>()?,
        order: order.iter().map(model_order).collect::<Result<_, _>>()?,
        limit: pages::limit(fields, 100, 50_000)?,
        offset: pages::offset(fields)?,
    })?;
    page("models", &found)
}

fn dataset(fields: &Fields<'_>) -> Result<DatasetFilter, LedgerError> {
    let name = fields.owned("dataset_name")?.ok_or_else(|| {
        LedgerError::invalid("`dataset_name` in the `datasets` clause must be specified.")
    })?;
    let digest = fields.owned("dataset_digest")?;
    Ok(DatasetFilter { name, digest })
}

fn model_order(fields: &Fields<'_>) -> Result<ModelOrder, LedgerError> {
    let dataset = match fields.has("dataset_name") {
        true => Some(dataset(fields)?),
        false => None,
    };
    Ok(ModelOrder {
        field: fields.required("field_name")?.to_owned(),
        ascending: !fields.has("ascending") || fields.is_set("ascending")?,
        dataset,
    })
}
