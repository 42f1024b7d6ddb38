//! CSV as we write it.

use crate::table::{Table, Values};

/// A line; fields are quoted where they must be.
pub(crate) fn line(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.map(quoted).collect();
    format!("{}\n", fields.join(","))
}

fn quoted(field: String) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// The rows of a table, after a line of names if there shall be one. Numbers are the shortest texts that read back to the same
/// bits, a missing value is an empty field.
pub(crate) fn table(table: &Table, with_names: bool) -> String {
    let mut text = String::new();
    if with_names {
        text += &line(table.names().map(str::to_owned));
    }
    for row in 0..table.rows() {
        let cells = table
            .columns()
            .iter()
            .map(|column| cell(&column.values, row));
        text += &line(cells);
    }
    text
}

fn cell(values: &Values, row: usize) -> String {
    fn shown<T: ToString>(value: Option<&T>) -> String {
        value.map(T::to_string).unwrap_or_default()
    }
    match values {
        Values::Number(values) => shown(values[row].as_ref()),
        Values::Integer(values) => shown(values[row].as_ref()),
        Values::Text(values) => shown(values[row].as_ref()),
        Values::Boolean(values) => shown(values[row].as_ref()),
    }
}
