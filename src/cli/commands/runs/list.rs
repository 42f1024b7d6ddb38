//! `hpipe runs list`: a run a line.

use std::collections::HashMap;

use hpipe_core::Value;
use hpipe_track::Ledger;
use hpipe_track::ledger::Run;

use super::columns::Column;
use super::{find, records};
use crate::args::RunsList;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{csv, value_table};

/// Lists runs.
pub(super) fn list(session: &Session, arguments: &RunsList) -> Result<Exit, Error> {
    let columns: Result<Vec<_>, _> = arguments
        .columns
        .iter()
        .map(|word| Column::read(word))
        .collect();
    let mut columns = columns?;
    let (runs, names, has_more) = match records(session)? {
        None => (Vec::new(), HashMap::new(), false),
        Some(ledger) => {
            let found = find::chosen(
                &ledger,
                &arguments.chosen,
                &arguments.stages,
                arguments.limit,
            );
            let (runs, has_more) = found?;
            let names = experiment_names(&ledger, &runs)?;
            (runs, names, has_more)
        }
    };
    if arguments.json {
        session.ui.data(&json::runs(&runs, &names));
        return Ok(Exit::Done);
    }
    if columns.is_empty() {
        columns = Column::usual(&runs);
    }
    let rows = |short| rows(&runs, &columns, &names, short);
    if arguments.csv {
        let heads: Vec<_> = columns.iter().map(Column::word).collect();
        session.ui.data(csv(&heads, &rows(false)).trim_end());
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        session.ui.note("no runs");
        return Ok(Exit::Done);
    }
    let heads: Vec<_> = columns.iter().map(Column::heading).collect();
    let room = session.ui.columns().unwrap_or(120);
    session
        .ui
        .data(value_table(&heads, &rows(true), room).trim_end());
    if has_more {
        session.ui.note("there are more; `-n` lists more of them");
    }
    Ok(Exit::Done)
}

fn rows(
    runs: &[Run],
    columns: &[Column],
    names: &HashMap<i64, String>,
    short: bool,
) -> Vec<Vec<Option<Value>>> {
    let row = |run: &Run| {
        let experiment = names.get(&run.info.experiment).map_or("", String::as_str);
        let cells = columns
            .iter()
            .map(|column| column.of(run, experiment, short));
        cells.collect()
    };
    runs.iter().map(row).collect()
}

/// The names of the experiments of these runs.
pub(super) fn experiment_names(
    ledger: &Ledger,
    runs: &[Run],
) -> Result<HashMap<i64, String>, Error> {
    let mut names = HashMap::new();
    for run in runs {
        let number = run.info.experiment;
        if let std::collections::hash_map::Entry::Vacant(place) = names.entry(number) {
            let experiment = ledger.read(|records| records.experiment(number))?;
            place.insert(experiment.name);
        }
    }
    Ok(names)
}
