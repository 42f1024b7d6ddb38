//! Rows written as JSON objects, as a table.

use std::collections::HashMap;

use hpipe_core::{Column, Table, Values};
use serde_json::{Map, Value};

/// Columns of JSON objects: all that were ever seen, in that order, so that a record may leave out what it does not know.
#[derive(Default)]
pub(super) struct Objects {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Objects {
    /// The rows as columns of texts, as CSV gives them: what they mean is known to whoever asked.
    pub(super) fn table(&mut self, objects: Vec<Map<String, Value>>) -> Table {
        let rows = objects.len();
        let mut columns: Vec<Vec<Option<String>>> = vec![vec![None; rows]; self.names.len()];
        for (row, object) in objects.into_iter().enumerate() {
            for (name, value) in object {
                let next = self.names.len();
                let place = *self.places.entry(name.clone()).or_insert(next);
                if place == next {
                    self.names.push(name);
                    columns.push(vec![None; rows]);
                }
                columns[place][row] = text(value);
            }
        }
        let columns = self.names.iter().zip(columns).map(|(name, values)| Column {
            name: name.clone(),
            values: Values::Text(values),
        });
        match Table::new(columns.collect()) {
            Ok(table) => table,
            Err(error) => panic!("bug: {error}"),
        }
    }
}

/// What a value says; nothing of `null`. Lists and objects are no values of a cell, and are told as what they are.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_leaves_out_is_missing() {
        let mut objects = Objects::default();
        let mut table = |texts: &[&str]| {
            let parsed = texts
                .iter()
                .map(|text| serde_json::from_str(text).expect("an object"));
            let table = objects.table(parsed.collect());
            table
                .columns()
                .iter()
                .map(|column| format!("{} {:?}", column.name, column.values))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            table(&[r#"{"a": 1.5, "b": true}"#, r#"{"c": "x", "b": null}"#]),
            [
                r#"a Text([Some("1.5"), None])"#,
                r#"b Text([Some("true"), None])"#,
                r#"c Text([None, Some("x")])"#
            ]
        );
        assert_eq!(
            table(&[r#"{"c": [1]}"#]),
            [
                "a Text([None])",
                "b Text([None])",
                r#"c Text([Some("[1]")])"#
            ]
        );
    }
}
