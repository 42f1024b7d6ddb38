//! `hpipe runs show`: everything that is recorded of a run.

use hpipe_core::{StageName, Value};
use hpipe_track::Ledger;
use hpipe_track::ledger::{Pair, Run};

use super::list::experiment_names;
use super::{columns, find, needed};
use crate::amount;
use crate::args::RunsShow;
use crate::error::{Error, Exit};
use crate::json;
use crate::recording;
use crate::session::Session;
use crate::ui::{NamedValues as Lines, count, lasted, sections};

/// Where proxied artifacts lie.
pub(super) const PROXIED: &str = "mlflow-artifacts:/";

/// Shows a run.
pub(super) fn show(session: &Session, arguments: &RunsShow) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let run = find::find(&ledger, &arguments.run)?;
    let names = experiment_names(&ledger, std::slice::from_ref(&run))?;
    let artifacts = artifacts(&ledger, &run)?;
    if arguments.json {
        session.ui.data(&json::run(&run, &names, &artifacts));
        return Ok(Exit::Done);
    }
    let experiment = names.get(&run.info.experiment).map_or("", String::as_str);
    let mut parts = vec![(String::new(), head(session, &ledger, &run, experiment)?)];
    parts.push(("params".to_owned(), pairs(&run.data.params)));
    parts.push(("metrics".to_owned(), metrics(&ledger, &run)?));
    parts.push(("data".to_owned(), data(&run)));
    parts.push(("tags".to_owned(), pairs(&run.data.tags)));
    let files = artifacts.into_iter();
    let files = files.map(|(path, size)| (path, Some(Value::from(&*amount::bytes(size)))));
    parts.push(("artifacts".to_owned(), files.collect()));
    session.ui.data(sections(&parts).trim_end());
    Ok(Exit::Done)
}

fn head(session: &Session, ledger: &Ledger, run: &Run, experiment: &str) -> Result<Lines, Error> {
    let text = |text: &str| Some(Value::from(text));
    let mut lines = vec![
        ("run".to_owned(), text(&run.info.id)),
        ("name".to_owned(), text(&run.info.name)),
        ("experiment".to_owned(), text(experiment)),
        ("status".to_owned(), text(&run.info.status.to_lowercase())),
    ];
    let started = run.info.start_time.map(hpipe_store::readable_time);
    lines.extend(started.map(|time| ("started".to_owned(), text(&format!("{time} UTC")))));
    lines.extend(columns::took(run).map(|took| ("took".to_owned(), text(&lasted(took)))));
    for output in &run.inputs.outputs {
        lines.push(("model".to_owned(), text(&output.model_id)));
    }
    lines.extend(standing(session, ledger, run)?);
    let children = children(ledger, run)?;
    if children > 0 {
        lines.push(("within it".to_owned(), text(&count(children, "run"))));
    }
    Ok(lines)
}

/// Whose the outs are that the run's stage holds now: its own, or, where they were restored, those of another run.
fn standing(
    session: &Session,
    ledger: &Ledger,
    run: &Run,
) -> Result<Option<(String, Option<Value>)>, Error> {
    let recorded = ledger.read(|records| records.execution_of_run(&run.info.id))?;
    let Some(recorded) = recorded else {
        return Ok(None);
    };
    let opening = session.find_with(|_| ());
    let Ok(workspace) = opening.and_then(|opening| session.read(opening)) else {
        return Ok(None); // a project that cannot be read has its runs none the less
    };
    let maker = recording::maker(&workspace, &StageName::known(recorded.stage.as_str()));
    let text = maker.map(|maker| match maker == run.info.id {
        true => format!("what `{}` holds now", recorded.stage),
        false => format!("`{}` holds what run {maker} made", recorded.stage),
    });
    Ok(text.map(|text| ("outs".to_owned(), Some(Value::from(text.as_str())))))
}

fn children(ledger: &Ledger, run: &Run) -> Result<usize, Error> {
    let query = hpipe_track::ledger::RunQuery {
        experiments: vec![run.info.experiment],
        filter: format!("tags.`mlflow.parentRunId` = '{}'", run.info.id),
        limit: 100_000,
        ..Default::default()
    };
    Ok(ledger
        .read(|records| records.search_runs(&query))?
        .items
        .len())
}

fn pairs(pairs: &[Pair]) -> Lines {
    let line = |pair: &Pair| (pair.key.clone(), Some(Value::from(pair.value.as_str())));
    pairs.iter().map(line).collect()
}

/// The last values, and of how many they are the last.
fn metrics(ledger: &Ledger, run: &Run) -> Result<Lines, Error> {
    let counts = ledger.read(|records| records.metric_keys(&run.info.id))?;
    let line = |metric: &hpipe_track::ledger::Metric| {
        let of = counts.iter().find(|(key, _)| *key == metric.key);
        let key = match of {
            Some((_, many)) if *many > 1 => {
                format!("{} (step {}, the last of {many})", metric.key, metric.step)
            }
            _ => metric.key.clone(),
        };
        (key, Some(Value::Float(metric.value)))
    };
    Ok(run.data.metrics.iter().map(line).collect())
}

fn data(run: &Run) -> Lines {
    let inputs = run.inputs.datasets.iter();
    let line = |input: &hpipe_track::ledger::DatasetInput| {
        let digest = Value::from(input.dataset.digest.as_str());
        (input.dataset.name.clone(), Some(digest))
    };
    inputs.map(line).collect()
}

/// The artifacts of a run, with their sizes.
pub(super) fn artifacts(ledger: &Ledger, run: &Run) -> Result<Vec<(String, u64)>, Error> {
    let Some(folder) = run.info.artifact_uri.strip_prefix(PROXIED) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    walk(ledger, folder, "", &mut files)?;
    Ok(files)
}

fn walk(
    ledger: &Ledger,
    folder: &str,
    below: &str,
    files: &mut Vec<(String, u64)>,
) -> Result<(), Error> {
    for entry in ledger.read(|records| records.list_artifacts(folder))? {
        let path = match below {
            "" => entry.name.clone(),
            below => format!("{below}/{}", entry.name),
        };
        match entry.size {
            Some(size) => files.push((path, size)),
            None => walk(ledger, &format!("{folder}/{}", entry.name), &path, files)?,
        }
    }
    Ok(())
}
