//! Sends a logged model that a run made: its words, its files, and that the run made it.

use std::io::Read as _;

use hpipe_track::ledger::{ForwardKind, LoggedModel, ModelOutput, Pair, Run};
use hpipe_track::{Ledger, LedgerError};
use serde_json::{Value, json};
use ureq::http::Method;

use crate::remote::Remote;
use crate::runs::{There, note, noted};
use crate::{ORIGIN, Result, wire};

/// The file that says what a model is, and names it and its run.
const DESCRIPTION: &str = "MLmodel";

/// More than this no such file is.
const LARGEST_DESCRIPTION: u64 = 64 << 20;

/// Where proxied artifacts lie.
const PROXIED: &str = "mlflow-artifacts:/";

/// Sends a model; one that was deleted here stays away.
pub(crate) fn send(
    ledger: &Ledger,
    remote: &Remote,
    run: &Run,
    there: &There,
    output: &ModelOutput,
) -> Result<()> {
    let model = match ledger.read(|records| records.logged_model(&output.model_id)) {
        Err(error) if error.refusal().is_some() => return Ok(()),
        found => found?,
    };
    let begun = begin(ledger, remote, &model, there)?;
    if let Some(folder) = model.artifact_location.strip_prefix(PROXIED)
        && Remote::takes(&begun.1)
    {
        let names = [
            (model.id.as_str(), begun.0.as_str()),
            (run.info.id.as_str(), there.id.as_str()),
        ];
        put_files(ledger, remote, folder, &begun.1, &names)?;
    }
    let id = &begun.0;
    let ready = json!({"model_id": id, "status": "LOGGED_MODEL_READY"});
    remote.call(Method::PATCH, &format!("/logged-models/{id}"), &ready)?;
    let made = json!({"run_id": there.id, "models": [{"model_id": id, "step": output.step}]});
    remote.post("/runs/outputs", &made)?;
    note(ledger, remote, ForwardKind::Model, &model.id, id, Some(""))
}

/// The id and the place of the model there, which is begun unless that is noted.
fn begin(
    ledger: &Ledger,
    remote: &Remote,
    model: &LoggedModel,
    there: &There,
) -> Result<(String, String)> {
    const CREATE: &str = "/logged-models";
    let known = noted(ledger, remote, ForwardKind::Model, &model.id)?;
    let found = match known {
        Some(id) => {
            let found = remote.get(&format!("/logged-models/{id}"), &[]);
            remote.unless(&["RESOURCE_DOES_NOT_EXIST"], found)?
        }
        None => None,
    };
    let found = match found {
        Some(found) => Some(found),
        None => of_origin(remote, &there.experiment, &model.id)?,
    };
    let answer = match found {
        Some(found) => found,
        None => {
            let origin = Pair::new(ORIGIN, model.id.as_str());
            let body = json!({
                "experiment_id": there.experiment,
                "name": model.name,
                "model_type": model.model_type,
                "source_run_id": there.id,
                "params": wire::pairs(&model.params),
                "tags": wire::pairs(model.tags.iter().chain([&origin])),
            });
            remote.post(CREATE, &body)?
        }
    };
    let text = |name: &str| wire::text(&answer, &["model", "info", name]);
    let place = text("model_id").zip(text("artifact_uri"));
    let (id, uri) = place.ok_or_else(|| remote.lacks(CREATE, "model"))?;
    note(ledger, remote, ForwardKind::Model, &model.id, &id, None)?;
    Ok((id, uri))
}

/// The model there that comes from what is called so here: one that was begun and never noted.
fn of_origin(remote: &Remote, experiment: &str, origin: &str) -> Result<Option<Value>> {
    let search = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{ORIGIN}` = '{origin}'"),
        "max_results": 1,
    });
    let mut found = remote.post("/logged-models/search", &search)?;
    let found = found["models"].get_mut(0).map(Value::take);
    Ok(found.map(|model| json!({"model": model})))
}

/// Puts files where the server wants them; in what describes the model, `names` of here become those of there.
pub(crate) fn put_files(
    ledger: &Ledger,
    remote: &Remote,
    folder: &str,
    uri: &str,
    names: &[(&str, &str)],
) -> Result<()> {
    for path in ledger.read(|records| records.artifact_paths(folder))? {
        let (file, size) = ledger.open_artifact(&format!("{folder}/{path}"))?;
        if path != DESCRIPTION || size > LARGEST_DESCRIPTION {
            remote.put(uri, &path, file)?;
            continue;
        }
        let mut text = String::new();
        let mut file = file;
        file.read_to_string(&mut text)
            .map_err(|error| LedgerError::invalid(format!("{folder}/{path}: {error}")))?;
        for (here, there) in names {
            let (bare, its) = (
                here.trim_start_matches("m-"),
                there.trim_start_matches("m-"),
            );
            text = text.replace(bare, its);
        }
        remote.put_bytes(uri, &path, text.as_bytes())?;
    }
    Ok(())
}
