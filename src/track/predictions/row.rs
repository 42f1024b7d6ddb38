//! Rows of a table as JSON objects, as the log keeps them.

use hpipe_core::{Table, Values};
use serde::Serialize;

/// A table whose rows are written, one after the other.
pub(super) struct Rows<'a> {
    table: &'a Table,
    /// What comes before each value: names are quoted once a table, not once a row.
    names: Vec<Vec<u8>>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(table: &'a Table) -> Self {
        let name = |(place, name): (usize, &str)| {
            let mut bytes = vec![if place == 0 { b'{' } else { b',' }];
            json(&mut bytes, name);
            bytes.push(b':');
            bytes
        };
        Self {
            table,
            names: table.names().enumerate().map(name).collect(),
        }
    }

    /// A row; what is missing, and what is no finite number, is null.
    pub(super) fn write<'t>(&self, row: usize, text: &'t mut Vec<u8>) -> &'t str {
        text.clear();
        for (name, column) in self.names.iter().zip(self.table.columns()) {
            text.extend_from_slice(name);
            match &column.values {
                Values::Number(values) => json(text, &values[row]),
                Values::Integer(values) => json(text, &values[row]),
                Values::Boolean(values) => json(text, &values[row]),
                Values::Text(values) => json(text, &values[row]),
            }
        }
        if self.names.is_empty() {
            text.push(b'{');
        }
        text.push(b'}');
        match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => panic!("bug: JSON is no text: {error}"),
        }
    }
}

fn json(text: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    if let Err(error) = serde_json::to_writer(text, value) {
        panic!("bug: a value is no JSON: {error}");
    }
}
