//! `hpipe predictions join`: what became true, added to the log of predictions.

use hpipe_core::{Table, Type, Values};
use hpipe_track::LedgerError;
use hpipe_track::predictions::{Joined, PredictionLog, Truth};

use super::models::root;
use crate::args::{Predictions, PredictionsJoin};
use crate::deployed;
use crate::error::{Error, Exit};
use crate::json;
use crate::registering::MODELS;
use crate::session::Session;
use crate::ui;

/// Rows that are joined at once.
const PART: usize = 10_000;

/// The column that tells rows of one request apart.
const ROW: &str = "row";

/// Carries out one of the commands.
pub(super) fn predictions(session: &Session, arguments: &Predictions) -> Result<Exit, Error> {
    match arguments {
        Predictions::Join(arguments) => join(session, arguments),
    }
}

fn join(session: &Session, arguments: &PredictionsJoin) -> Result<Exit, Error> {
    let models = root(session)?.join(MODELS);
    let nothing = || Error::Usage {
        message: "no predictions are logged here".to_owned(),
        help: "`hpipe serve` logs what it answers".to_owned(),
    };
    if !PredictionLog::exists(&models) {
        return Err(nothing());
    }
    let mut log = PredictionLog::open(&models)?;
    let target = log.target()?.ok_or_else(nothing)?;
    let truth = arguments.truth.as_deref().unwrap_or(&target);
    let path = &arguments.file;
    let format = deployed::format_of(path)?;
    let tables = deployed::tables(session)?;
    let unreadable = |message| Error::Table { message };
    let mut reader = tables.open(path, format, PART).map_err(unreadable)?;
    let mut join = log.join()?;
    let mut before = 0;
    while let Some(part) = reader.next().map_err(unreadable)? {
        let added = join.add(&truths(&part, before, &arguments.on, truth)?);
        added.map_err(contradicted)?;
        before += part.rows();
    }
    let joined = join.finish(arguments.replace)?;
    match arguments.json {
        true => session.ui.data(&json::joined(&joined)),
        false => session.ui.data(&told(joined)),
    }
    if joined.conflicting > 0 && !arguments.json {
        session.ui.warning(&format!(
            "{} another truth, and kept it; `--replace` puts the new one in its place",
            agreeing(joined.conflicting, "prediction", "knew", "knew")
        ));
    }
    Ok(Exit::Done)
}

fn contradicted(error: LedgerError) -> Error {
    match error.refusal() {
        Some(_) => Error::Usage {
            message: error.to_string(),
            help: "nothing was added; a column `row`, from 0, tells the rows of one request apart"
                .to_owned(),
        },
        None => error.into(),
    }
}

fn told(joined: Joined) -> String {
    let mut parts = vec![match joined.matched {
        1 => "1 prediction knows its truth now".to_owned(),
        matched => format!("{} know their truth now", ui::count(matched, "prediction")),
    }];
    if joined.known > 0 {
        let known = agreeing(joined.known, "prediction", "knew", "knew");
        parts.push(format!("{known} it before"));
    }
    if joined.unknown > 0 {
        let unknown = agreeing(joined.unknown, "row", "belongs", "belong");
        parts.push(format!("{unknown} to none"));
    }
    parts.join("; ")
}

/// `1 row belongs`, `2 rows belong`.
fn agreeing(count: usize, noun: &str, one: &str, several: &str) -> String {
    let verb = if count == 1 { one } else { several };
    format!("{} {verb}", ui::count(count, noun))
}

/// The truths in a part of a table, after `before` rows of it; rows without an id or a value say nothing.
fn truths(part: &Table, before: usize, on: &str, truth: &str) -> Result<Vec<Truth>, Error> {
    let column = |name: &str, kind: Type| {
        let column = part.get(name).ok_or_else(|| Error::Usage {
            message: format!("the file has no column `{name}`"),
            help: format!(
                "it has {}; `--on` names the column of ids, `--truth` that of values",
                part.names().collect::<Vec<_>>().join(", ")
            ),
        })?;
        let (values, misfits) = column.values.cast(kind);
        match misfits.first() {
            None => Ok(values),
            Some((row, word)) => Err(Error::Usage {
                message: format!(
                    "`{word}` in column `{name}`, row {}, is no {}",
                    before + row + 1,
                    kind.name()
                ),
                help: "nothing was added".to_owned(),
            }),
        }
    };
    let rows = match part.get(ROW) {
        Some(_) => Some(column(ROW, Type::Integer)?),
        None => None,
    };
    let (Values::Text(ids), Values::Number(values)) =
        (column(on, Type::Text)?, column(truth, Type::Number)?)
    else {
        panic!("bug: a cast column has another type");
    };
    let row_of = |row: usize| match &rows {
        Some(Values::Integer(rows)) => rows[row],
        _ => Some(0),
    };
    if let Some(row) = values
        .iter()
        .position(|value| value.is_some_and(f64::is_infinite))
    {
        return Err(Error::Usage {
            message: format!("column `{truth}`, row {}, is not finite", before + row + 1),
            help: "nothing was added; leave the value out where nobody knows it".to_owned(),
        });
    }
    let each = ids.into_iter().zip(values).enumerate();
    let known = each.filter_map(|(row, (request, value))| {
        Some(Truth {
            request: request?,
            row: row_of(row)?,
            value: value?,
        })
    });
    Ok(known.collect())
}
