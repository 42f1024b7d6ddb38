//! `hpipe runs export`: everything recorded, for other programs.

use std::collections::BTreeSet;
use std::fs::{File, create_dir_all};
use std::io;
use std::path::Path;

use hpipe_core::Value;
use hpipe_track::Ledger;
use hpipe_track::ledger::{Metric, Run};

use super::columns::Column;
use super::list::experiment_names;
use super::show::{PROXIED, artifacts};
use super::{find, needed};
use crate::args::{RunsExport, RunsFormat};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::csv;

/// Writes runs.
pub(super) fn export(session: &Session, arguments: &RunsExport) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let runs = match arguments.runs.is_empty() {
        true => find::chosen(&ledger, &arguments.chosen, &[], usize::MAX)?.0,
        false => {
            let named = arguments.runs.iter().map(|word| find::find(&ledger, word));
            named.collect::<Result<_, _>>()?
        }
    };
    let names = experiment_names(&ledger, &runs)?;
    match arguments.format {
        RunsFormat::Csv => session.ui.data(table(&runs).trim_end()),
        RunsFormat::Json => {
            for run in &runs {
                let files = artifacts(&ledger, run)?;
                let history = history(&ledger, run)?;
                session
                    .ui
                    .data(&json::run_whole(run, &names, &files, &history));
            }
        }
    }
    if let Some(folder) = &arguments.artifacts {
        let folder = session.folder().join(folder);
        for run in &runs {
            copy_artifacts(&ledger, run, &folder.join(&run.info.id))?;
        }
    }
    Ok(Exit::Done)
}

/// Every value of every metric.
fn history(ledger: &Ledger, run: &Run) -> Result<Vec<Metric>, Error> {
    let mut all = Vec::new();
    for metric in &run.data.metrics {
        let page =
            ledger.read(|records| records.metric_history(&run.info.id, &metric.key, None, 0));
        all.extend(page?.items);
    }
    Ok(all)
}

/// A table as MLflow's `search_runs` makes one.
fn table(runs: &[Run]) -> String {
    let mut keys: [BTreeSet<&str>; 3] = Default::default();
    for run in runs {
        keys[0].extend(run.data.metrics.iter().map(|metric| metric.key.as_str()));
        keys[1].extend(run.data.params.iter().map(|pair| pair.key.as_str()));
        keys[2].extend(run.data.tags.iter().map(|pair| pair.key.as_str()));
    }
    let [metrics, params, tags] = keys;
    let own = |keys: BTreeSet<&str>, column: fn(String) -> Column| {
        keys.into_iter()
            .map(|key| column(key.to_owned()))
            .collect::<Vec<_>>()
    };
    let columns = [
        own(metrics, Column::Metric),
        own(params, Column::Param),
        own(tags, Column::Tag),
    ]
    .concat();
    let mut heads: Vec<_> = [
        "run_id",
        "experiment_id",
        "status",
        "artifact_uri",
        "start_time",
        "end_time",
    ]
    .map(str::to_owned)
    .into();
    heads.extend(columns.iter().map(Column::word));
    let time = |millis: Option<i64>| {
        millis.map(|millis| Value::from(&*hpipe_store::readable_time(millis)))
    };
    let row = |run: &Run| {
        let info = &run.info;
        let mut row = vec![
            Some(Value::from(info.id.as_str())),
            Some(Value::Int(info.experiment.into())),
            Some(Value::from(info.status.as_str())),
            Some(Value::from(info.artifact_uri.as_str())),
            time(info.start_time),
            time(info.end_time),
        ];
        row.extend(columns.iter().map(|column| column.of(run, "", false)));
        row
    };
    csv(&heads, &runs.iter().map(row).collect::<Vec<_>>())
}

fn copy_artifacts(ledger: &Ledger, run: &Run, folder: &Path) -> Result<(), Error> {
    let Some(from) = run.info.artifact_uri.strip_prefix(PROXIED) else {
        return Ok(());
    };
    for (path, _) in artifacts(ledger, run)? {
        let (mut source, _) = ledger.open_artifact(&format!("{from}/{path}"))?;
        let target = folder.join(&path);
        let failed = |source| Error::File {
            attempt: "make",
            path: target.clone(),
            source,
        };
        if let Some(parent) = target.parent() {
            create_dir_all(parent).map_err(failed)?;
        }
        let mut file = File::create_new(&target).map_err(failed)?;
        io::copy(&mut source, &mut file).map_err(failed)?;
    }
    Ok(())
}
