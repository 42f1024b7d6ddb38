//! Bodies in CSV (RFC 4180), by the types that the model takes: nothing is guessed, so that a batch of digits in a column of
//! texts stays texts.

use std::borrow::Cow;

use hpipe_core::{MISSING_WORDS, Table, Type};

use crate::fault::Fault;
use crate::rows::{Cell, Place, Rows};

/// One field, and whether it stood in quotes.
type Field<'a> = (Cow<'a, str>, bool);

/// Reads a body into a table of the model's columns.
///
/// # Errors
/// What is wrong with the body or its rows.
pub(crate) fn read(body: &[u8], mut rows: Rows<'_>) -> Result<(Table, Place), Fault> {
    let text =
        std::str::from_utf8(body).map_err(|_| Fault::body("csv_invalid", "CSV should be UTF-8"))?;
    let mut lines = Lines {
        rest: text.trim_start_matches('\u{feff}'),
    };
    let header = lines.next().ok_or_else(|| {
        Fault::body("csv_invalid", "CSV should begin with the names of columns")
    })??;
    rows.place = Place::RECORD;
    let mut order = rows.order();
    for (name, _) in &header {
        order.add(&mut rows, name);
    }
    let order = order.columns();
    rows.place = Place::LIST;
    for line in lines {
        let fields = line?;
        if fields.len() == 1 && fields[0] == (Cow::Borrowed(""), false) && order.len() > 1 {
            continue; // an empty line
        }
        if !rows.has_room() {
            let most = rows.most();
            let msg = format!("Request should have at most {most} rows");
            return Err(Fault::new(
                hyper::StatusCode::PAYLOAD_TOO_LARGE,
                "too_many_rows",
                msg,
            ));
        }
        read_row(&mut rows, order, fields);
    }
    Ok((rows.finish()?, Place::LIST))
}

fn read_row(rows: &mut Rows<'_>, order: &[Option<usize>], fields: Vec<Field<'_>>) {
    let (found, wanted) = (fields.len(), order.len());
    if found != wanted {
        let kind = if found < wanted {
            "too_short"
        } else {
            "too_long"
        };
        rows.no_row(
            kind,
            &format!("Row should have {wanted} values, not {found}"),
        );
    }
    for (field, column) in fields.into_iter().zip(order) {
        if let Some(column) = *column {
            let cell = typed(field, rows.shape.inputs[column].kind);
            rows.set(column, cell);
        }
    }
    rows.end_row();
}

/// A field as a value of the type that the model takes, by the words of `ingest`; what is none stays a text, and is told.
fn typed((text, _): Field<'_>, kind: Type) -> Cell<'_> {
    if MISSING_WORDS.contains(&text.trim()) {
        return Cell::Missing;
    }
    let value = match kind {
        Type::Number => text
            .trim()
            .parse::<f64>()
            .ok()
            .map(|value| match value.is_nan() {
                true => Cell::Missing,
                false => Cell::Number(value),
            }),
        Type::Integer => match text.trim().parse() {
            Ok(value) => Some(Cell::Integer(value)),
            // `5.0` is one, as in JSON; of `5.5` is told that it has a fraction
            Err(_) => {
                let number = text.trim().parse::<f64>().ok();
                number.filter(|value| value.is_finite()).map(Cell::Number)
            }
        },
        Type::Boolean => match text.trim() {
            word if word.eq_ignore_ascii_case("true") => Some(Cell::Boolean(true)),
            word if word.eq_ignore_ascii_case("false") => Some(Cell::Boolean(false)),
            _ => None,
        },
        Type::Text => None,
    };
    value.unwrap_or(Cell::Text(text))
}

/// The lines of a text, as fields.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Vec<Field<'a>>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok((field, is_last)) => {
                    fields.push(field);
                    if is_last {
                        return Some(Ok(fields));
                    }
                }
                Err(fault) => {
                    self.rest = "";
                    return Some(Err(fault));
                }
            }
        }
    }
}

impl<'a> Lines<'a> {
    /// The next field, and whether it is the last of its line.
    fn field(&mut self) -> Result<(Field<'a>, bool), Fault> {
        let field = match self.rest.strip_prefix('"') {
            Some(rest) => (self.quoted(rest)?, true),
            None => {
                let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
                let (field, rest) = self.rest.split_at(end);
                self.rest = rest;
                (Cow::Borrowed(field), false)
            }
        };
        let ends = [("\r\n", true), ("\n", true), ("\r", true), (",", false)];
        for (end, is_last) in ends {
            if let Some(rest) = self.rest.strip_prefix(end) {
                self.rest = rest;
                return Ok((field, is_last));
            }
        }
        match self.rest.is_empty() {
            true => Ok((field, true)),
            false => Err(Fault::body(
                "csv_invalid",
                "CSV has a text behind a quoted field",
            )),
        }
    }

    fn quoted(&mut self, inside: &'a str) -> Result<Cow<'a, str>, Fault> {
        let mut text = Cow::Borrowed("");
        let mut rest = inside;
        loop {
            let end = rest
                .find('"')
                .ok_or_else(|| Fault::body("csv_invalid", "CSV ends within a quoted field"))?;
            text += &rest[..end];
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(more) => {
                    text += "\"";
                    rest = more;
                }
                None => {
                    self.rest = rest;
                    return Ok(text);
                }
            }
        }
    }
}
