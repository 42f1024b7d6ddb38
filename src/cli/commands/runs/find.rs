//! Which runs are meant: by the beginning of an id, by stage, by name; or by a filter.

use hpipe_core::nearest;
use hpipe_track::Ledger;
use hpipe_track::ledger::{Records, Result, Run, RunQuery, View};

use crate::args::RunsChosen;
use crate::error::Error;

/// Digits of an id that may be an id.
const FEWEST_DIGITS: usize = 4;

/// Runs found at once.
const PAGE: usize = 1000;

/// The run that `word` names: one whose id begins so, else the last of a stage or of this name.
pub(super) fn find(ledger: &Ledger, word: &str) -> std::result::Result<Run, Error> {
    let found = ledger.read(|records| {
        let of_id = by_id(records, word)?;
        if of_id.len() == 1 {
            return Ok((of_id, None));
        }
        Ok((of_id, last_named(records, word)?))
    })?;
    let id = match found {
        (ids, None) if ids.len() == 1 => ids[0].clone(),
        (_, Some(named)) => named,
        (ids, None) if ids.is_empty() => return Err(unknown(ledger, word)),
        (ids, None) => {
            let first: Vec<_> = ids.iter().take(3).map(|id| format!("`{id}`")).collect();
            return Err(Error::Usage {
                message: format!("several runs begin with `{word}`"),
                help: format!("write more digits: {}", first.join(", ")),
            });
        }
    };
    Ok(ledger.read(|records| records.run(&id))?)
}

fn by_id(records: &Records<'_>, word: &str) -> Result<Vec<String>> {
    let is_id = word.len() >= FEWEST_DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_id {
        true => records.runs_beginning(&word.to_ascii_lowercase(), 4),
        false => Ok(Vec::new()),
    }
}

/// The last run of a stage, or else of this name.
fn last_named(records: &Records<'_>, word: &str) -> Result<Option<String>> {
    for execution in records.executions_of(word)? {
        if let Ok(info) = records.run_info(&execution.run)
            && info.lifecycle == hpipe_track::ledger::Lifecycle::Active
        {
            return Ok(Some(execution.run));
        }
    }
    let query = RunQuery {
        experiments: experiments(records)?,
        names: vec![word.to_owned()],
        limit: 1,
        ..RunQuery::default()
    };
    let found = records.search_runs(&query)?.items;
    Ok(found.into_iter().next().map(|run| run.info.id))
}

fn unknown(ledger: &Ledger, word: &str) -> Error {
    let names = ledger.read(|records| {
        let query = RunQuery {
            experiments: experiments(records)?,
            limit: PAGE,
            ..RunQuery::default()
        };
        let runs = records.search_runs(&query)?.items;
        Ok(runs
            .into_iter()
            .map(|run| run.info.name)
            .collect::<Vec<_>>())
    });
    let names = names.unwrap_or_default();
    let near = nearest(word, names.iter().map(String::as_str));
    Error::Usage {
        message: format!("no run is called `{word}`, and the id of none begins so"),
        help: match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`hpipe runs list` lists them".to_owned(),
        },
    }
}

fn experiments(records: &Records<'_>) -> Result<Vec<i64>> {
    let all = records.search_experiments(&hpipe_track::ledger::ExperimentQuery {
        view: View::All,
        limit: usize::MAX / 4,
        ..Default::default()
    })?;
    Ok(all
        .items
        .into_iter()
        .map(|experiment| experiment.id)
        .collect())
}

/// The runs that are chosen, at most `limit`, and whether there are more; those of `names` if some are named.
pub(super) fn chosen(
    ledger: &Ledger,
    chosen: &RunsChosen,
    names: &[String],
    limit: usize,
) -> std::result::Result<(Vec<Run>, bool), Error> {
    let mut runs = Vec::new();
    let mut query = RunQuery {
        experiments: asked(ledger, &chosen.experiment)?,
        names: names.to_vec(),
        filter: filter(chosen),
        order: chosen.order_by.clone(),
        view: match chosen.deleted {
            true => View::Deleted,
            false => View::Active,
        },
        limit: limit.min(PAGE),
        offset: 0,
    };
    loop {
        let page = ledger.read(|records| records.search_runs(&query))?;
        runs.extend(page.items);
        match page.next {
            None => return Ok((runs, false)),
            Some(_) if runs.len() >= limit => return Ok((runs, true)),
            Some(next) => {
                query.offset = next;
                query.limit = (limit - runs.len()).min(PAGE);
            }
        }
    }
}

/// The experiments of these names; all if none is named.
fn asked(ledger: &Ledger, names: &[String]) -> std::result::Result<Vec<i64>, Error> {
    if names.is_empty() {
        return Ok(ledger.read(experiments)?);
    }
    let mut numbers = Vec::new();
    for name in names {
        let found = ledger.read(|records| records.experiment_by_name(name))?;
        numbers.push(
            found
                .map(|experiment| experiment.id)
                .ok_or_else(|| Error::Usage {
                    message: format!("no experiment is called `{name}`"),
                    help: "`hpipe runs list --columns id,experiment` shows the names".to_owned(),
                })?,
        );
    }
    Ok(numbers)
}

fn filter(chosen: &RunsChosen) -> String {
    let mut conditions: Vec<String> = chosen.filter.iter().cloned().collect();
    if !chosen.children {
        conditions.push("tags.`mlflow.parentRunId` IS NULL".to_owned());
    }
    conditions.join(" AND ")
}
