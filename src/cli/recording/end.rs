//! What an execution came to, read from what it made and written down.

use hpipe_core::{Code, ProjectPath, StageFailure, TableFiles};
use hpipe_engine::{Observed, ObservedEnd};
use hpipe_store::{LockOut, readable_time};
use hpipe_track::ledger::{
    ExecutionEnd, ExecutionRecord, Ledger, LedgerError, LoggedModel, MadeModel, NewLoggedModel,
    Pair, RunResults, StoredArtifact,
};
use hpipe_track::{DataTable, read_metrics};
use serde_json::{Value as Json, json};

use super::example::{self, EXAMPLE, SERVING_EXAMPLE};
use super::files::{self, Files, Made};
use super::model::Schema;
use super::series::{self, Points};
use super::study::Study;
use super::{Beginning, subject, words};

/// The name of a logged model, and of its file within it.
const MODEL: &str = "model";

/// Finds an example of what a model of this schema takes.
type Example<'a> = dyn Fn(&Schema) -> Option<Json> + 'a;

/// Writes down how an execution ended, beginning its run first if that failed before.
///
/// # Errors
/// What the records refuse. What a stage wrote is never an error: what cannot be read is no metric.
pub(super) fn write(
    ledger: &Ledger,
    tables: Option<&dyn TableFiles>,
    beginning: Beginning,
    execution: &Observed<'_>,
    end: &ObservedEnd<'_>,
) -> Result<(), LedgerError> {
    let begin = beginning.clone();
    let record = ledger.write(move |change| begin.begin(change))?;
    if !record.is_open {
        return Ok(());
    }
    let whole = gather(ledger, tables, execution, end, &record)?;
    ledger.write(move |change| change.end_execution(&beginning.attempt, &whole))
}

fn gather(
    ledger: &Ledger,
    tables: Option<&dyn TableFiles>,
    execution: &Observed<'_>,
    end: &ObservedEnd<'_>,
    record: &ExecutionRecord,
) -> Result<ExecutionEnd, LedgerError> {
    let started = i64::try_from(execution.started).unwrap_or(i64::MAX);
    let lasted = i64::try_from(end.duration.as_millis()).unwrap_or(i64::MAX);
    let now = started.saturating_add(lasted);
    let mut whole = ExecutionEnd {
        results: RunResults {
            status: status(end.failure).to_owned(),
            end_time: now,
            params: subject::params(execution.entry),
            ..RunResults::default()
        },
        ..ExecutionEnd::default()
    };
    whole.artifacts.extend(files::keep_log(ledger, end.log)?);
    if let Some(failure) = end.failure {
        whole.results.tags = reasons(failure);
        return Ok(whole);
    }
    let store = execution.workspace.store();
    let files = Files::new(store, execution.entry);
    let study = files.of_role("study").and_then(|made| files.text(&made));
    match study.as_deref().and_then(Study::read) {
        // Its table says again what its trials say, each in a run of its own.
        Some(study) => {
            let (params, metrics) = study.best(now);
            whole.results.params.extend(params);
            whole.results.metrics = series::united(measured(&files), Vec::new(), now);
            whole.results.metrics.extend(metrics);
            whole.children = study.trials(now);
        }
        None => {
            let (documents, tables) = (measured(&files), drawn(&files, execution));
            whole.results.metrics = series::united(documents, tables, now);
        }
    }
    keep_outs(ledger, &files, execution, &mut whole)?;
    if let Some(made) = files.of_role(MODEL) {
        let example = |schema: &Schema| example::of(tables, execution, &schema.features);
        match log_model(ledger, &files, &made, record, (now, &example))? {
            Some(model) => whole.models.push(model),
            None => whole.artifacts.extend(kept(ledger, &files, &made)?),
        }
    }
    Ok(whole)
}

const fn status(failure: Option<&StageFailure>) -> &'static str {
    match failure {
        None => "FINISHED",
        Some(failure) if matches!(failure.code, Code::Aborted) => "KILLED",
        Some(_) => "FAILED",
    }
}

fn reasons(failure: &StageFailure) -> Vec<Pair> {
    vec![
        words::tag("hpipe.failure", &failure.message),
        words::tag("hpipe.failure_code", failure.code.text()),
    ]
}

/// The metrics of the metrics files.
fn measured(files: &Files<'_>) -> Vec<(String, Points)> {
    let made = files.outs("metrics").flat_map(|out| files.in_out(out));
    let read = made.filter_map(|made| {
        let document = read_metrics(&made.path, &files.text(&made)?).ok()?;
        Some((stem(&made.path), series::of_document(&document)))
    });
    read.collect()
}

/// The metrics of the tables that are drawn.
fn drawn(files: &Files<'_>, execution: &Observed<'_>) -> Vec<(String, Points)> {
    let mut tables = Vec::new();
    for out in files.outs("plots") {
        let header = has_header(execution, out);
        tables.extend(files.in_out(out).into_iter().filter_map(|made| {
            let table = DataTable::read(&made.path, &files.text(&made)?, header).ok()?;
            Some((stem(&made.path), series::of_table(&table)))
        }));
    }
    tables
}

fn has_header(execution: &Observed<'_>, out: &LockOut) -> bool {
    let declared = execution
        .stage
        .outs
        .iter()
        .find(|spec| spec.path == out.path);
    let mut plots = declared.into_iter().flat_map(|spec| &spec.plots);
    plots.all(|plot| plot.header)
}

fn stem(path: &ProjectPath) -> String {
    let name = path.file_name();
    name.split_once('.')
        .map_or(name, |(stem, _)| stem)
        .to_owned()
}

/// Keeps what the execution made, each file under its path in the project.
fn keep_outs(
    ledger: &Ledger,
    files: &Files<'_>,
    execution: &Observed<'_>,
    whole: &mut ExecutionEnd,
) -> Result<(), LedgerError> {
    let outs = execution.entry.outs.iter();
    let outs = outs.filter(|out| files.is_kept(out) && out.role.as_deref() != Some(MODEL));
    let mut left_out = Vec::new();
    for made in outs.flat_map(|out| files.in_out(out)) {
        match made.fits() {
            true => whole.artifacts.extend(kept(ledger, files, &made)?),
            false => left_out.push(made.path.as_str().to_owned()),
        }
    }
    if !left_out.is_empty() {
        let tag = words::tag("hpipe.not_kept", &left_out.join(", "));
        whole.results.tags.push(tag);
    }
    Ok(())
}

/// A file as an artifact, under its path in the project.
fn kept(
    ledger: &Ledger,
    files: &Files<'_>,
    made: &Made,
) -> Result<Option<(String, StoredArtifact)>, LedgerError> {
    let path = place_of(made.path.as_str());
    let stored = files.keep(ledger, made)?;
    Ok(stored.map(|stored| (path, stored)))
}

/// Where the records keep what lies at a path: `up` stands for what leads out of the project, `root` for the machine's root,
/// and `_` for what separates paths elsewhere.
fn place_of(path: &str) -> String {
    let root = path.starts_with('/').then_some("root");
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts = parts.map(|part| if part == ".." { "up" } else { part });
    let parts: Vec<_> = root.into_iter().chain(parts).collect();
    parts.join("/").replace('\\', "_")
}

/// Makes the logged model of a model file, unless it is no model of ours: then the file is an artifact like others.
fn log_model(
    ledger: &Ledger,
    files: &Files<'_>,
    made: &Made,
    record: &ExecutionRecord,
    (now, example): (i64, &Example<'_>),
) -> Result<Option<MadeModel>, LedgerError> {
    let Some(stored) = files.keep(ledger, made)? else {
        return Ok(None);
    };
    let file = made.path.file_name().to_owned();
    let kept = ledger.open_stored(&stored, &file)?;
    let Some(schema) = Schema::read(kept) else {
        return Ok(None);
    };
    let (run, new) = (record.run.clone(), schema_model(&schema));
    let model: LoggedModel = ledger.write(move |change| change.begin_model_of(&run, new))?;
    let run = ledger.read(|records| records.run_info(&record.run))?;
    let about = (model.id.as_str(), model.artifact_location.as_str());
    let example = example(&schema);
    let kept = (file.as_str(), stored.size);
    let text = schema.mlmodel(&run, about, kept, example.is_some(), &readable_time(now));
    let mlmodel = files::keep_bytes(ledger, text.as_bytes())?;
    let mut files = vec![("MLmodel".to_owned(), mlmodel), (file, stored)];
    if let Some(example) = example {
        let served = json!({"dataframe_split": example});
        for (name, text) in [(EXAMPLE, example), (SERVING_EXAMPLE, served)] {
            let text = format!("{text}\n");
            files.push((name.to_owned(), files::keep_bytes(ledger, text.as_bytes())?));
        }
    }
    Ok(Some(MadeModel {
        id: model.id,
        files,
    }))
}

fn schema_model(schema: &Schema) -> NewLoggedModel {
    NewLoggedModel {
        name: Some(MODEL.to_owned()),
        model_type: Some(schema.kind.clone()),
        params: schema.params(),
        ..NewLoggedModel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lies_outside_has_a_place_of_its_own() {
        assert_eq!(place_of("plots/roc.csv"), "plots/roc.csv");
        assert_eq!(place_of("../a/x"), "up/a/x");
        assert_eq!(place_of("../../a/x"), "up/up/a/x");
        assert_eq!(place_of("/data/m.json"), "root/data/m.json");
        assert_eq!(place_of("d/a\\b.json"), "d/a_b.json");
    }
}
