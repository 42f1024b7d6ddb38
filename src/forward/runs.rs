//! Sends a run: begun, its params, metrics with their history, tags, data, files and models, ended.

use hpipe_track::Ledger;
use hpipe_track::ledger::{Experiment, ForwardKind, Lifecycle, Metric, Pair, Run};
use serde_json::{Value, json};

use crate::remote::Remote;
use crate::{ORIGIN, Result, logged, wire};

/// The tag that names the run a run is within.
const PARENT: &str = "mlflow.parentRunId";

/// Where proxied artifacts lie.
const PROXIED: &str = "mlflow-artifacts:/";

/// Values of a metric read at once.
const PAGE: usize = 10_000;

/// A run on the server.
pub(crate) struct There {
    pub(crate) id: String,
    pub(crate) experiment: String,
    pub(crate) artifacts: String,
}

/// Sends a run; false if it waits for the run it is within.
pub(crate) fn send(ledger: &Ledger, remote: &Remote, id: &str) -> Result<bool> {
    let run = ledger.read(|records| records.run(id))?;
    let Some(tags) = tags(ledger, remote, &run)? else {
        return Ok(false);
    };
    let there = begin(ledger, remote, &run, &tags)?;
    log(ledger, remote, &run, &there, &tags)?;
    if Remote::takes(&there.artifacts)
        && let Some(folder) = run.info.artifact_uri.strip_prefix(PROXIED)
    {
        for path in ledger.read(|records| records.artifact_paths(folder))? {
            let (file, _) = ledger.open_artifact(&format!("{folder}/{path}"))?;
            remote.put(&there.artifacts, &path, file)?;
        }
    }
    for output in &run.inputs.outputs {
        logged::send(ledger, remote, &run, &there, output)?;
    }
    let body = json!({
        "run_id": there.id,
        "run_uuid": there.id,
        "status": run.info.status,
        "end_time": run.info.end_time,
    });
    remote.post("/runs/update", &body)?;
    note(ledger, remote, ForwardKind::Run, id, &there.id, Some(""))?;
    Ok(true)
}

/// Notes what something is called on the server; `state` once it is there whole.
pub(crate) fn note(
    ledger: &Ledger,
    remote: &Remote,
    kind: ForwardKind,
    local: &str,
    there: &str,
    state: Option<&str>,
) -> Result<()> {
    let server = remote.server().to_owned();
    let (local, there) = (local.to_owned(), there.to_owned());
    let state = state.map(str::to_owned);
    Ok(ledger.write(move |change| {
        change.note_forwarded(&server, kind, &local, &there, state.as_deref())
    })?)
}

/// What something is called on the server, if it is noted.
pub(crate) fn noted(
    ledger: &Ledger,
    remote: &Remote,
    kind: ForwardKind,
    local: &str,
) -> Result<Option<String>> {
    let known = ledger.read(|records| records.forwarded(remote.server(), kind, local))?;
    Ok(known.map(|known| known.remote))
}

/// Its tags as the server takes them; none while the run it is within is not there.
fn tags(ledger: &Ledger, remote: &Remote, run: &Run) -> Result<Option<Vec<Pair>>> {
    let mut tags = run.data.tags.clone();
    for tag in tags.iter_mut().filter(|tag| tag.key == PARENT) {
        match noted(ledger, remote, ForwardKind::Run, &tag.value)? {
            Some(there) => tag.value = there,
            None => {
                let parent = ledger.read(|records| records.run_info(&tag.value));
                if parent.is_ok_and(|parent| parent.lifecycle == Lifecycle::Active) {
                    return Ok(None);
                }
            }
        }
    }
    tags.push(Pair::new(ORIGIN, run.info.id.as_str()));
    Ok(Some(tags))
}

/// The run with this id there, if there is one.
pub(crate) fn find(remote: &Remote, id: &str) -> Result<Option<There>> {
    const GET: &str = "/runs/get";
    let found = remote.get(GET, &[("run_id", id)]);
    let found = remote.unless(&["RESOURCE_DOES_NOT_EXIST"], found)?;
    found
        .map(|found| of_answer(remote, GET, &found["run"]))
        .transpose()
}

/// The run on the server: noted, found there, or begun.
fn begin(ledger: &Ledger, remote: &Remote, run: &Run, tags: &[Pair]) -> Result<There> {
    if let Some(id) = noted(ledger, remote, ForwardKind::Run, &run.info.id)?
        && let Some(there) = find(remote, &id)?
    {
        return Ok(there);
    }
    let local = ledger.read(|records| records.experiment(run.info.experiment))?;
    let experiment = experiment(remote, &local)?;
    let there = match of_origin(remote, &experiment, &run.info.id)? {
        Some(there) => there,
        None => {
            let begun = json!({
                "experiment_id": experiment,
                "user_id": run.info.user,
                "run_name": run.info.name,
                "start_time": run.info.start_time,
                "tags": wire::pairs(tags.iter().filter(|tag| tag.key == ORIGIN || tag.key == PARENT)),
            });
            let made = remote.post("/runs/create", &begun)?;
            of_answer(remote, "/runs/create", &made["run"])?
        }
    };
    note(
        ledger,
        remote,
        ForwardKind::Run,
        &run.info.id,
        &there.id,
        None,
    )?;
    Ok(there)
}

/// The run there that comes from what is called so here.
fn of_origin(remote: &Remote, experiment: &str, origin: &str) -> Result<Option<There>> {
    const SEARCH: &str = "/runs/search";
    let search = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{ORIGIN}` = '{}'", origin.replace('\'', "\\'")),
        "max_results": 1,
    });
    let found = remote.post(SEARCH, &search)?;
    let found = found["runs"].get(0);
    found
        .map(|known| of_answer(remote, SEARCH, known))
        .transpose()
}

/// A run of the experiment "Default" that holds the files of something no run there made.
pub(crate) fn stand_in(remote: &Remote, name: &str, origin: &str, at: i64) -> Result<There> {
    const CREATE: &str = "/runs/create";
    if let Some(there) = of_origin(remote, "0", origin)? {
        return Ok(there);
    }
    let tag = Pair::new(ORIGIN, origin);
    let body = json!({
        "experiment_id": "0",
        "run_name": name,
        "start_time": at,
        "tags": wire::pairs([&tag]),
    });
    let made = remote.post(CREATE, &body)?;
    let there = of_answer(remote, CREATE, &made["run"])?;
    let ended = json!({"run_id": there.id, "status": "FINISHED", "end_time": at});
    remote.post("/runs/update", &ended)?;
    Ok(there)
}

fn of_answer(remote: &Remote, call: &str, run: &Value) -> Result<There> {
    let text = |name: &str| wire::text(run, &["info", name]);
    let found = (|| {
        Some(There {
            id: text("run_id")?,
            experiment: text("experiment_id")?,
            artifacts: text("artifact_uri")?,
        })
    })();
    found.ok_or_else(|| remote.lacks(call, "run"))
}

/// The number there of the experiment of the same name, which is made or restored if need be.
fn experiment(remote: &Remote, local: &Experiment) -> Result<String> {
    const GET: &str = "/experiments/get-by-name";
    let found = remote.get(GET, &[("experiment_name", &local.name)]);
    let Some(found) = remote.unless(&["RESOURCE_DOES_NOT_EXIST"], found)? else {
        let made = json!({"name": local.name, "tags": wire::pairs(&local.tags)});
        let made = remote.post("/experiments/create", &made)?;
        let id = wire::text(&made, &["experiment_id"]);
        return id.ok_or_else(|| remote.lacks("/experiments/create", "experiment_id"));
    };
    let text = |name: &str| wire::text(&found, &["experiment", name]);
    let id = text("experiment_id").ok_or_else(|| remote.lacks(GET, "experiment_id"))?;
    if text("lifecycle_stage").is_some_and(|stage| stage == "deleted") {
        remote.post("/experiments/restore", &json!({"experiment_id": id}))?;
    }
    Ok(id)
}

/// Logs everything but files and models.
fn log(ledger: &Ledger, remote: &Remote, run: &Run, there: &There, tags: &[Pair]) -> Result<()> {
    let batch = |field: &str, values: Value| {
        let mut body = json!({"run_id": there.id});
        body[field] = values;
        remote.post("/runs/log-batch", &body).map(drop)
    };
    for params in run.data.params.chunks(wire::PAIRS) {
        batch("params", wire::pairs(params))?;
    }
    for tags in tags.chunks(wire::PAIRS) {
        batch("tags", wire::pairs(tags))?;
    }
    for last in &run.data.metrics {
        let mut from = Some(0);
        while let Some(offset) = from {
            let page = ledger.read(|records| {
                records.metric_history(&run.info.id, &last.key, Some(PAGE), offset)
            })?;
            for values in page.items.chunks(wire::METRICS) {
                batch(
                    "metrics",
                    values
                        .iter()
                        .map(Metric::clone)
                        .map(|value| wire::metric(&value))
                        .collect(),
                )?;
            }
            from = page.next;
        }
    }
    for data in run.inputs.datasets.chunks(wire::PAIRS) {
        let data: Value = data.iter().map(wire::input).collect();
        remote.post(
            "/runs/log-inputs",
            &json!({"run_id": there.id, "datasets": data}),
        )?;
    }
    Ok(())
}
