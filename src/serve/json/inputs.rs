//! `inputs`: rows, or columns of values by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::cells::cell;
use super::overflow;
use super::rows::read_list;
use super::split::ordered;
use crate::rows::{Place, Rows};

/// `inputs`: rows as in `instances`, or columns of values by name.
pub(super) struct Inputs<'r, 'a> {
    pub(super) rows: &'r mut Rows<'a>,
}

impl<'de> DeserializeSeed<'de> for Inputs<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inputs<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, or an object of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        read_list(self.rows, &mut list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut columns: Vec<(Option<usize>, Vec<Value>)> = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let column = ordered(self.rows, &[name.into_owned()]).remove(0);
            let values = match map.next_value()? {
                Value::Array(values) => values,
                one => vec![one],
            };
            columns.push((column, values));
        }
        by_column(self.rows, &columns);
        match self.rows.overflow {
            true => Err(overflow()),
            false => Ok(()),
        }
    }
}

/// Fills rows from columns of equal length.
pub(super) fn by_column(rows: &mut Rows<'_>, columns: &[(Option<usize>, Vec<Value>)]) {
    let length = columns.first().map_or(0, |(_, values)| values.len());
    if columns.iter().any(|(_, values)| values.len() != length) {
        rows.place = Place {
            numbered: false,
            ..rows.place
        };
        return rows.no_row("value_error", "Columns should be of equal length");
    }
    for row in 0..length {
        if !rows.has_room() {
            return;
        }
        for (column, values) in columns {
            if let Some(column) = column {
                rows.set(*column, cell(&values[row]));
            }
        }
        rows.end_row();
    }
}
