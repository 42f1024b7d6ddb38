//! A value of a body as a cell of the model's columns.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::rows::{Cell, Rows};

/// One cell.
pub(super) struct CellOf<'r, 'a> {
    pub(super) rows: &'r mut Rows<'a>,
    pub(super) column: usize,
}

impl<'de> DeserializeSeed<'de> for CellOf<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellOf<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.rows.set(self.column, Cell::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.rows.set(self.column, Cell::Integer(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.rows.set(self.column, unsigned(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.rows.set(self.column, Cell::Number(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.rows.set(self.column, Cell::Text(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.rows.set(self.column, Cell::Missing);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.rows.set(self.column, Cell::Nested);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.rows.set(self.column, Cell::Nested);
        Ok(())
    }
}

pub(super) fn unsigned(value: u64) -> Cell<'static> {
    i64::try_from(value).map_or(Cell::Large(value), Cell::Integer)
}

/// A value that was kept until it is known what it is.
pub(crate) fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Cell::Integer(value),
            (_, Some(value), _) => Cell::Large(value),
            (_, _, Some(value)) => Cell::Number(value),
            _ => Cell::Nested,
        },
        // a column vector, as tensors have them
        Value::Array(items) => match items.as_slice() {
            [one] if !one.is_array() => cell(one),
            _ => Cell::Nested,
        },
        Value::Object(_) => Cell::Nested,
    }
}
