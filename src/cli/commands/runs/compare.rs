//! `hpipe runs diff` and `hpipe runs compare`: what differs between runs.

use hpipe_core::Value;
use hpipe_track::ledger::Run;
use hpipe_track::{Change, Ledger};

use super::columns::SHORT;
use super::{find, needed};
use crate::args::{RunsCompare, RunsDiff};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{DifferenceTable, FileChanges, value_table};

/// Kinds of what a run has, in the order in which they are shown.
const KINDS: [&str; 3] = ["params", "metrics", "data"];

/// Shows what differs between two runs.
pub(super) fn diff(session: &Session, arguments: &RunsDiff) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let (old, new) = match &arguments.new {
        Some(new) => (
            find::find(&ledger, &arguments.old)?,
            find::find(&ledger, new)?,
        ),
        None => last_two(&ledger, &arguments.old)?,
    };
    let files = differences(&old, &new, arguments.all);
    let times = [short(&old), short(&new)];
    let times = [times[0].as_str(), times[1].as_str()];
    if arguments.json {
        session
            .ui
            .data(&json::values_diff("value", times, &files, &[]));
        return Ok(Exit::Done);
    }
    if files.is_empty() {
        let [old, new] = times;
        session
            .ui
            .note(&format!("no value differs between {old} and {new}"));
        return Ok(Exit::Done);
    }
    let table = DifferenceTable {
        word: "value",
        times,
        files: &files,
        precision: None,
        with_files: true,
    };
    let text = table.text(session.ui.columns().unwrap_or(100));
    session.ui.data(text.trim_end());
    Ok(Exit::Done)
}

/// The last run of a stage or name, and the one before.
fn last_two(ledger: &Ledger, word: &str) -> Result<(Run, Run), Error> {
    let chosen = crate::args::RunsChosen {
        filter: None,
        order_by: Vec::new(),
        experiment: Vec::new(),
        children: true,
        deleted: false,
    };
    let (mut runs, _) = find::chosen(ledger, &chosen, &[word.to_owned()], 2)?;
    match (runs.pop(), runs.pop()) {
        (Some(old), Some(new)) => Ok((old, new)),
        _ => Err(Error::Usage {
            message: format!("there are no two runs called `{word}` to compare"),
            help: "name two runs, as `hpipe runs list` shows them".to_owned(),
        }),
    }
}

fn short(run: &Run) -> String {
    run.info.id.chars().take(SHORT).collect()
}

/// What a run has of a kind, by name.
fn values(run: &Run, kind: &str) -> Vec<(String, Value)> {
    match kind {
        "params" => {
            let params = run.data.params.iter();
            params
                .map(|pair| (pair.key.clone(), number_or_text(&pair.value)))
                .collect()
        }
        "metrics" => {
            let metrics = run.data.metrics.iter();
            metrics
                .map(|metric| (metric.key.clone(), Value::Float(metric.value)))
                .collect()
        }
        _ => {
            let data = run.inputs.datasets.iter().map(|input| &input.dataset);
            data.map(|data| {
                let digest: String = data.digest.chars().take(8).collect();
                (data.name.clone(), Value::from(&*digest))
            })
            .collect()
        }
    }
}

fn number_or_text(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => Value::Int(whole.into()),
        (_, Ok(number)) if number.is_finite() => Value::Float(number),
        _ => Value::from(text),
    }
}

fn differences(old: &Run, new: &Run, all: bool) -> Vec<FileChanges> {
    let changes = KINDS.map(|kind| {
        let (before, after) = (values(old, kind), values(new, kind));
        let mut names: Vec<_> = before.iter().chain(&after).map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let get = |values: &[(String, Value)], name: &str| {
            let found = values.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let change = |name: &String| Change {
            metric: name.clone(),
            old: get(&before, name),
            new: get(&after, name),
        };
        let changes = names.into_iter().map(change);
        FileChanges {
            file: kind.to_owned(),
            changes: changes.filter(|change| all || change.is_change()).collect(),
        }
    });
    let changes = changes.into_iter();
    changes.filter(|kind| !kind.changes.is_empty()).collect()
}

/// Sets runs side by side, one a column.
pub(super) fn compare(session: &Session, arguments: &RunsCompare) -> Result<Exit, Error> {
    let ledger = needed(session)?;
    let runs = arguments.runs.iter().map(|word| find::find(&ledger, word));
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    let rows = side_by_side(&runs, arguments.all);
    if arguments.json {
        session.ui.data(&json::runs_compared(&runs, &rows));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        session.ui.note("no value differs between these runs");
        return Ok(Exit::Done);
    }
    let mut heads = vec![String::new(), String::new()];
    heads.extend(
        runs.iter()
            .map(|run| format!("{} {}", run.info.name, short(run))),
    );
    let cells = rows.into_iter().map(|row| {
        let names = [Some(Value::from(row.kind)), Some(Value::from(&*row.name))];
        names.into_iter().chain(row.values).collect()
    });
    let room = session.ui.columns().unwrap_or(120);
    let text = value_table(&heads, &cells.collect::<Vec<_>>(), room);
    session.ui.data(text.trim_end());
    Ok(Exit::Done)
}

/// A value of several runs.
pub(crate) struct Compared {
    /// `params`, `metrics` or `data`.
    pub(crate) kind: &'static str,
    /// Which.
    pub(crate) name: String,
    /// Of each run; none where it has none.
    pub(crate) values: Vec<Option<Value>>,
}

fn side_by_side(runs: &[Run], all: bool) -> Vec<Compared> {
    let mut rows = Vec::new();
    for kind in KINDS {
        let of_runs: Vec<_> = runs.iter().map(|run| values(run, kind)).collect();
        let mut names: Vec<_> = of_runs.iter().flatten().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        rows.extend(names.into_iter().filter_map(|name| {
            let value = |values: &Vec<(String, Value)>| {
                let found = values.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            };
            let values: Vec<_> = of_runs.iter().map(value).collect();
            let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
            (all || differs).then(|| Compared {
                kind,
                name: name.clone(),
                values,
            })
        }));
    }
    rows
}
