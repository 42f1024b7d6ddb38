//! Calls about runs.

use hpipe_track::LedgerError;
use hpipe_track::ledger::{
    Change, Dataset, DatasetInput, ModelOutput, NewRun, Pair, Records, RunQuery, RunUpdate,
};
use serde_json::Value;

use super::experiments::view;
use super::{experiment_ids, experiment_number};
use crate::answers::{Answer, done, one, page};
use crate::fields::{Fields, missing};
use crate::pages;

/// The tag that lists models logged the old way.
const LOGGED_MODELS: &str = "mlflow.log-model.history";

/// Protobuf's numbers of statuses.
const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

pub(super) fn create(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let experiment = fields.text("experiment_id")?;
    let run = change.create_run(NewRun {
        experiment: experiment.map_or(Ok(0), experiment_number)?,
        name: fields.owned("run_name")?,
        user: fields.owned("user_id")?.unwrap_or_default(),
        start_time: fields.integer("start_time")?.unwrap_or_default(),
        tags: fields.pairs("tags")?,
    })?;
    one("run", &run)
}

pub(super) fn update(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let update = RunUpdate {
        status: status(fields)?,
        end_time: fields.integer("end_time")?,
        name: fields.owned("run_name")?,
    };
    let info = change.update_run(fields.run_id()?, &update)?;
    one("run_info", &info)
}

fn status(fields: &Fields<'_>) -> Result<Option<String>, LedgerError> {
    if let Ok(name) = fields.owned("status") {
        return Ok(name);
    }
    let number = fields.integer("status")?.unwrap_or_default();
    let index = usize::try_from(number - 1).ok();
    let name = index.and_then(|index| STATUSES.get(index));
    let name = name.ok_or_else(|| {
        LedgerError::invalid(format!(
            "Invalid value {number} for parameter 'status' supplied."
        ))
    })?;
    Ok(Some((*name).to_owned()))
}

pub(super) fn delete(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_run(fields.run_id()?)?;
    done()
}

pub(super) fn restore(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.restore_run(fields.run_id()?)?;
    done()
}

pub(super) fn get(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let run = records.run(fields.run_id()?)?;
    one("run", &run)
}

pub(super) fn search(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let found = records.search_runs(&RunQuery {
        names: Vec::new(),
        experiments: experiment_ids(fields)?,
        filter: fields.owned("filter")?.unwrap_or_default(),
        order: fields.texts("order_by")?,
        view: view(fields, "run_view_type")?,
        limit: pages::limit(fields, 1000, 50_000)?,
        offset: pages::offset(fields)?,
    })?;
    page("runs", &found)
}

pub(super) fn set_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.set_tag(fields.run_id()?, &fields.pair()?)?;
    done()
}

pub(super) fn delete_tag(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.delete_tag(fields.run_id()?, fields.required("key")?)?;
    done()
}

/// Notes a model the way clients before MLflow 3 do: in a tag that holds a list.
pub(super) fn log_model(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let (run, text) = (fields.run_id()?, fields.required("model_json")?);
    let model: Value = serde_json::from_str(text).map_err(|error| {
        LedgerError::invalid(format!("Malformed model info. \n {text} \n {error}"))
    })?;
    if let Some(lacking) = ["artifact_path", "flavors", "utc_time_created", "run_id"]
        .into_iter()
        .find(|key| model.get(key).is_none())
    {
        return Err(LedgerError::invalid(format!(
            "Model json is missing mandatory fields: {{'{lacking}'}}"
        )));
    }
    let tags = change.run(run)?.data.tags;
    let before = tags.iter().find(|tag| tag.key == LOGGED_MODELS);
    let before = before.and_then(|tag| serde_json::from_str(&tag.value).ok());
    let mut models: Vec<Value> = before.unwrap_or_default();
    models.push(model);
    let tag = Pair::new(LOGGED_MODELS, Value::Array(models).to_string());
    change.set_tag(run, &tag)?;
    done()
}

pub(super) fn log_inputs(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let data = fields.objects("datasets")?;
    let data = data.iter().map(dataset_input);
    let models = fields.objects("models")?;
    let models = models
        .iter()
        .map(|m| Ok(m.required("model_id")?.to_owned()));
    change.log_inputs(
        fields.run_id()?,
        &data.collect::<Result<Vec<_>, LedgerError>>()?,
        &models.collect::<Result<Vec<_>, LedgerError>>()?,
    )?;
    done()
}

fn dataset_input(fields: &Fields<'_>) -> Result<DatasetInput, LedgerError> {
    let data = fields.object("dataset")?;
    if data.is_empty() {
        return Err(missing("dataset"));
    }
    let dataset = Dataset {
        name: data.required("name")?.to_owned(),
        digest: data.required("digest")?.to_owned(),
        source_type: data.owned("source_type")?.unwrap_or_default(),
        source: data.owned("source")?.unwrap_or_default(),
        schema: data.owned("schema")?,
        profile: data.owned("profile")?,
    };
    let tags = fields.pairs("tags")?;
    Ok(DatasetInput { dataset, tags })
}

pub(super) fn log_outputs(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    if !fields.has("models") {
        return Err(missing("models"));
    }
    let models = fields.objects("models")?;
    let models = models.iter().map(|model| {
        Ok(ModelOutput {
            model_id: model.required("model_id")?.to_owned(),
            step: model.integer("step")?.unwrap_or_default(),
        })
    });
    change.log_outputs(
        fields.run_id()?,
        &models.collect::<Result<Vec<_>, LedgerError>>()?,
    )?;
    done()
}
