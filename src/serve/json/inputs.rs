//! `inputs`: rows, or columns of values by name, which go straight into the model's columns.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::OneCell;
use super::overflow;
use super::rows::read_list;
use crate::rows::{Cell, Place, Rows};

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
        let rows = self.rows;
        let mut order = rows.order();
        let (mut length, mut is_even) = (None, true);
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let column = order.add(rows, &name);
            let found = map.next_value_seed(ColumnOf { rows, column })?;
            is_even &= *length.get_or_insert(found) == found;
        }
        end_columns(rows, length.unwrap_or(0), is_even);
        Ok(())
    }
}

/// Ends the rows of columns that were filled one after the other.
pub(super) fn end_columns(rows: &mut Rows<'_>, length: usize, is_even: bool) {
    if is_even {
        return rows.end_rows(length);
    }
    rows.place = Place {
        numbered: false,
        ..rows.place
    };
    rows.no_row("value_error", "Columns should be of equal length");
}

/// A list of the values of a column, or one value; none: of a column that nobody wants. Its value is their number.
struct ColumnOf<'r, 'a> {
    rows: &'r mut Rows<'a>,
    column: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for ColumnOf<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ColumnOf<'_, '_> {
    fn single<E: Error>(self, cell: Cell<'_>) -> Result<usize, E> {
        if !self.rows.has_room() {
            return Err(overflow());
        }
        if let Some(column) = self.column {
            self.rows.set_in(0, column, cell);
        }
        Ok(1)
    }
}

impl<'de> Visitor<'de> for ColumnOf<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut row = 0;
        while let Some(cell) = list.next_element_seed(OneCell { in_list: true })? {
            if !self.rows.has_room_for(row) {
                return Err(overflow());
            }
            if let Some(column) = self.column {
                self.rows.set_in(row, column, cell);
            }
            row += 1;
        }
        Ok(row)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<usize, E> {
        self.single(Cell::Boolean(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<usize, E> {
        self.single(Cell::Integer(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<usize, E> {
        self.single(i64::try_from(value).map_or(Cell::Large(value), Cell::Integer))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<usize, E> {
        self.single(Cell::Number(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<usize, E> {
        self.single(Cell::Text(Cow::Borrowed(value)))
    }
    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        self.single(Cell::Missing)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.single(Cell::Nested)
    }
}
