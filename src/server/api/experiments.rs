//! Calls about experiments.

use hpipe_track::LedgerError;
use hpipe_track::ledger::{Change, ExperimentQuery, NewExperiment, Records, View};

use super::{experiment_id, experiment_ids};
use crate::answers::{Answer, done, one, page};
use crate::fields::Fields;
use crate::pages;

pub(super) fn create(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let id = change.create_experiment(&NewExperiment {
        name: fields.required("name")?.to_owned(),
        artifact_location: fields.owned("artifact_location")?,
        tags: fields.pairs("tags")?,
    })?;
    Ok(format!(r#"{{"experiment_id":"{id}"}}"#))
}

pub(super) fn search(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let found = records.search_experiments(&ExperimentQuery {
        filter: fields.owned("filter")?.unwrap_or_default(),
        order: fields.texts("order_by")?,
        view: view(fields, "view_type")?,
        limit: pages::limit(fields, 1000, 50_000)?,
        offset: pages::offset(fields)?,
    })?;
    page("experiments", &found)
}

pub(super) fn get(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    one("experiment", &records.experiment(experiment_id(fields)?)?)
}

pub(super) fn get_by_name(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let name = fields.required("experiment_name")?;
    match records.experiment_by_name(name)? {
        Some(found) => one("experiment", &found),
        None => Err(LedgerError::missing(format!(
            "Could not find experiment with name '{name}'"
        ))),
    }
}

pub(super) fn delete(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_experiment(experiment_id(fields)?)?;
    done()
}

pub(super) fn restore(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.restore_experiment(experiment_id(fields)?)?;
    done()
}

pub(super) fn update(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.rename_experiment(experiment_id(fields)?, fields.required("new_name")?)?;
    done()
}

pub(super) fn set_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.set_experiment_tag(experiment_id(fields)?, &fields.pair()?)?;
    done()
}

pub(super) fn delete_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_experiment_tag(experiment_id(fields)?, fields.required("key")?)?;
    done()
}

pub(super) fn search_datasets(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let uses = records.datasets(&experiment_ids(fields)?)?;
    one("dataset_summaries", uses.as_slice())
}

/// Which of active and deleted are asked for; by name, or by protobuf's number.
pub(super) fn view(fields: &Fields<'_>, name: &str) -> Result<View, LedgerError> {
    let word = match fields.text(name) {
        Ok(word) => word.map(str::to_owned),
        Err(_) => fields.integer(name)?.map(|number| number.to_string()),
    };
    match word.as_deref() {
        None | Some("ACTIVE_ONLY" | "1") => Ok(View::Active),
        Some("DELETED_ONLY" | "2") => Ok(View::Deleted),
        Some("ALL" | "3") => Ok(View::All),
        Some(other) => Err(LedgerError::invalid(format!(
            "Invalid value \"{other}\" for parameter '{name}' supplied."
        ))),
    }
}
