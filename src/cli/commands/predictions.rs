//! `hpipe predictions join`: what became true, added to the log of predictions.

use hpipe_core::{Table, Type, Values};
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
    if !PredictionLog::path_in(&models).exists() {
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
    let (mut joined, mut before) = (Joined::default(), 0);
    while let Some(part) = reader.next().map_err(unreadable)? {
        let some = log.join(&truths(&part, before, &arguments.on, truth)?)?;
        before += part.rows();
        joined.matched += some.matched;
        joined.unknown += some.unknown;
    }
    match arguments.json {
        true => session
            .ui
            .data(&json::joined(joined.matched, joined.unknown)),
        false => session.ui.data(&told(joined)),
    }
    Ok(Exit::Done)
}

fn told(joined: Joined) -> String {
    let known = format!(
        "{} their truth now",
        ui::count(joined.matched, "prediction")
    );
    let known = known.replacen(
        " their",
        if joined.matched == 1 {
            " knows its"
        } else {
            " know their"
        },
        1,
    );
    match joined.unknown {
        0 => known,
        unknown => format!("{known}; {} belong to none", ui::count(unknown, "row")),
    }
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
                help: match before {
                    0 => "nothing was added".to_owned(),
                    before => {
                        format!("the {before} rows before were added, and may be added again")
                    }
                },
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
