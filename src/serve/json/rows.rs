//! Lists of rows: records, or values in the model's order.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::CellOf;
use super::{Dialect, Found, Key, name_of, overflow};
use crate::rows::Rows;

/// Reads the elements of a list as rows.
pub(super) fn read_list<'de, A: SeqAccess<'de>>(
    rows: &mut Rows<'_>,
    list: &mut A,
) -> Result<(), A::Error> {
    while list.next_element_seed(Row { rows, order: None })?.is_some() {}
    Ok(())
}

/// A list of rows.
pub(super) struct List<'r, 'a> {
    pub(super) rows: &'r mut Rows<'a>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        read_list(self.rows, &mut list)
    }
}

/// One row: a record, or values in an order (the model's, if none is said).
pub(super) struct Row<'r, 'a, 'o> {
    pub(super) rows: &'r mut Rows<'a>,
    pub(super) order: Option<&'o [Option<usize>]>,
}

impl<'de> DeserializeSeed<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if !self.rows.has_room() {
            return Err(overflow());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: an object, or a list of values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.rows;
        let mut expected = 0;
        while let Some(key) = map.next_key_seed(Key {
            rows,
            expected,
            dialect: Dialect::Own,
        })? {
            match key {
                Found::Column(column) => {
                    map.next_value_seed(CellOf { rows, column })?;
                    expected = column + 1;
                }
                Found::Word(word) => {
                    rows.unknown_column(name_of(word));
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Unknown(name) => {
                    rows.unknown_column(&name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        rows.end_row();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { rows, order } = self;
        let width = order.map_or(rows.shape.inputs.len(), <[_]>::len);
        for i in 0..width {
            let column = order.map_or(Some(i), |order| order[i]);
            let there = match column {
                Some(column) => list.next_element_seed(CellOf { rows, column })?,
                None => list.next_element::<IgnoredAny>()?.map(drop),
            };
            if there.is_none() {
                rows.no_row(
                    "too_short",
                    &format!("Row should have {width} values, not {i}"),
                );
                break;
            }
        }
        if list.next_element::<IgnoredAny>()?.is_some() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            rows.no_row(
                "too_long",
                &format!("Row should have at most {width} values"),
            );
        }
        rows.end_row();
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.neither()
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.neither()
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.neither()
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.neither()
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.neither()
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.neither()
    }
}

impl Row<'_, '_, '_> {
    fn neither<E>(self) -> Result<(), E> {
        let expected = "Row should be an object, or a list of values";
        self.rows.no_row("dict_type", expected);
        self.rows.end_row();
        Ok(())
    }
}
