//! Sends versions of registered models: their words, their files, where they stand and what they are called.
//!
//! What the server is told of a version later, when it moves or gets another alias, is what changed: the state that was sent
//! last is noted.

use hpipe_track::Ledger;
use hpipe_track::ledger::{ForwardKind, ModelVersion, Pair};
use serde_json::{Value, json};
use ureq::http::Method;

use crate::logged::put_files;
use crate::remote::Remote;
use crate::runs::{self, There, note, noted};
use crate::{ORIGIN, Result, wire};

/// Where proxied artifacts lie.
const PROXIED: &str = "mlflow-artifacts:/";

/// Stages that MLflow knows; what else there is, a tag says.
const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

/// The tag for other stages.
const STAGE: &str = "hpipe.stage";

/// What a version is called here, for the notes and for the server: a name that was given again after its model was deleted
/// is another one.
fn key(version: &ModelVersion) -> String {
    format!(
        "{}/{} of {}",
        version.name, version.version, version.created
    )
}

/// Where it stands, and its aliases.
fn state(version: &ModelVersion) -> String {
    let mut aliases = version.aliases.clone();
    aliases.sort();
    json!([version.stage, aliases]).to_string()
}

/// The versions that the server lacks, or of which it was told something else.
pub(crate) fn to_send(ledger: &Ledger, server: &str) -> Result<Vec<ModelVersion>> {
    let found = ledger.read(|records| {
        let mut found = Vec::new();
        for version in records.all_versions()? {
            let known = records.forwarded(server, ForwardKind::Version, &key(&version))?;
            let told = known.and_then(|known| known.state);
            if told.as_deref() != Some(&state(&version)) {
                found.push(version);
            }
        }
        Ok(found)
    });
    Ok(found?)
}

/// Sends a version, or what changed of it.
pub(crate) fn send(ledger: &Ledger, remote: &Remote, version: &ModelVersion) -> Result<bool> {
    let key = key(version);
    let known =
        ledger.read(|records| records.forwarded(remote.server(), ForwardKind::Version, &key))?;
    let told = known.as_ref().and_then(|known| known.state.clone());
    let number = match known {
        Some(known) => known.remote,
        None => {
            let number = make(ledger, remote, version, &key)?;
            note(ledger, remote, ForwardKind::Version, &key, &number, None)?;
            number
        }
    };
    let told: Value = told
        .and_then(|told| serde_json::from_str(&told).ok())
        .unwrap_or_else(|| json!(["None", []]));
    move_to(remote, version, &number, told[0].as_str().unwrap_or("None"))?;
    rename(ledger, remote, version, &number, &told[1])?;
    let state = state(version);
    note(
        ledger,
        remote,
        ForwardKind::Version,
        &key,
        &number,
        Some(&state),
    )?;
    Ok(true)
}

/// Makes a version there, unless it is found, and says its number.
fn make(ledger: &Ledger, remote: &Remote, version: &ModelVersion, key: &str) -> Result<String> {
    const CREATE: &str = "/model-versions/create";
    register(ledger, remote, &version.name)?;
    if let Some(number) = find(remote, &version.name, key)? {
        return Ok(number);
    }
    let run = run_of(ledger, remote, version, key)?;
    let model = match &version.model_id {
        Some(model) => noted(ledger, remote, ForwardKind::Model, model)?,
        None => None,
    };
    let source = match &model {
        Some(model) => format!("models:/{model}"),
        None => put(ledger, remote, version, &run)?,
    };
    let mut tags = version.tags.clone();
    tags.push(Pair::new(ORIGIN, key));
    let mut body = json!({
        "name": version.name,
        "source": source,
        "tags": wire::pairs(&tags),
    });
    let fields = [
        ("run_id", Some(run.id)),
        ("model_id", model),
        ("description", version.description.clone()),
    ];
    for (field, text) in fields {
        body[field] = Value::from(text);
    }
    let made = remote.post(CREATE, &body)?;
    let number = wire::text(&made, &["model_version", "version"]);
    number.ok_or_else(|| remote.lacks(CREATE, "version"))
}

/// The run there that made it; where none is known, one that stands for it, for what MLflow serves itself belongs to a run.
fn run_of(ledger: &Ledger, remote: &Remote, version: &ModelVersion, key: &str) -> Result<There> {
    if let Some(run) = &version.run_id
        && let Some(id) = noted(ledger, remote, ForwardKind::Run, run)?
        && let Some(there) = runs::find(remote, &id)?
    {
        return Ok(there);
    }
    let name = format!("{}/{}", version.name, version.version);
    runs::stand_in(remote, &name, key, version.created)
}

fn register(ledger: &Ledger, remote: &Remote, name: &str) -> Result<()> {
    let model = ledger.read(|records| records.registered_model(name))?;
    let body = json!({
        "name": name,
        "description": model.description,
        "tags": wire::pairs(&model.tags),
    });
    let made = remote.post("/registered-models/create", &body);
    remote.unless(&["RESOURCE_ALREADY_EXISTS"], made).map(drop)
}

/// The number of a version that was made there, but never noted here.
fn find(remote: &Remote, name: &str, key: &str) -> Result<Option<String>> {
    const SEARCH: &str = "/model-versions/search";
    let quoted = name.replace('\'', "\\'");
    let filter = format!("name = '{quoted}'");
    let mut page = String::new();
    loop {
        let found = remote.get(SEARCH, &[("filter", &filter), ("page_token", &page)])?;
        let versions = found["model_versions"].as_array().cloned();
        for version in versions.unwrap_or_default() {
            let tags = version["tags"].as_array().cloned().unwrap_or_default();
            if tags.contains(&json!({"key": ORIGIN, "value": key})) {
                return Ok(wire::text(&version, &["version"]));
            }
        }
        match wire::text(&found, &["next_page_token"]) {
            Some(next) if !next.is_empty() => page = next,
            _ => return Ok(None),
        }
    }
}

/// Puts its files among those of its run, and says where.
fn put(ledger: &Ledger, remote: &Remote, version: &ModelVersion, run: &There) -> Result<String> {
    let Some(folder) = version.storage_location.strip_prefix(PROXIED) else {
        return Ok(version.source.clone()); // somebody else keeps them
    };
    let number = format!("{}-{}", version.version, version.created);
    let uri = format!("{}/registered/{}/{number}", run.artifacts, version.name);
    let here = version.run_id.as_deref();
    let names: Vec<_> = here
        .map(|here| (here, run.id.as_str()))
        .into_iter()
        .collect();
    put_files(ledger, remote, folder, &uri, &names)?;
    Ok(uri)
}

fn move_to(remote: &Remote, version: &ModelVersion, number: &str, told: &str) -> Result<()> {
    if told == version.stage {
        return Ok(());
    }
    let known = |stage: &str| STAGES.contains(&stage);
    let there = if known(told) { told } else { "None" };
    let stage = match known(&version.stage) {
        true => version.stage.as_str(),
        false => "None",
    };
    if stage != there {
        let body = json!({
            "name": version.name,
            "version": number,
            "stage": stage,
            "archive_existing_versions": false,
        });
        remote.post("/model-versions/transition-stage", &body)?;
    }
    let tag =
        json!({"name": version.name, "version": number, "key": STAGE, "value": version.stage});
    remote.post("/model-versions/set-tag", &tag).map(drop)
}

/// Gives it the aliases it has here, and takes away those that mean nothing here any more.
fn rename(
    ledger: &Ledger,
    remote: &Remote,
    version: &ModelVersion,
    number: &str,
    told: &Value,
) -> Result<()> {
    const ALIAS: &str = "/registered-models/alias";
    for alias in &version.aliases {
        let body = json!({"name": version.name, "alias": alias, "version": number});
        remote.post(ALIAS, &body)?;
    }
    let meant = ledger.read(|records| records.registered_model(&version.name))?;
    let gone = told
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    for alias in gone.filter(|alias| meant.aliases.iter().all(|(known, _)| known != alias)) {
        let body = json!({"name": version.name, "alias": alias});
        let done = remote.call(Method::DELETE, ALIAS, &body);
        remote.unless(
            &["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"],
            done,
        )?;
    }
    Ok(())
}
