//! `columns` and `data`: names once, then rows of values in their order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::rows::Row;
use crate::rows::{Place, Rows};

/// Columns and rows, in whatever order the two come.
#[derive(Default)]
pub(super) struct Split {
    pub(super) order: Option<Vec<Option<usize>>>,
    pub(super) kept: Option<Vec<Value>>,
    pub(super) is_read: bool,
    pub(super) is_there: bool,
}

impl Split {
    /// Reads the names of the columns, or the rows.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        rows: &mut Rows<'_>,
        names: bool,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.is_there = true;
        match (names, &self.order) {
            (true, _) => {
                let columns: Vec<String> = map.next_value()?;
                self.order = Some(ordered(rows, &columns));
            }
            (false, Some(order)) => {
                self.is_read = true;
                map.next_value_seed(Ordered { rows, order })?;
            }
            (false, None) => self.kept = Some(map.next_value()?),
        }
        if let (Some(order), Some(kept)) = (&self.order, &self.kept) {
            self.is_read = true;
            for row in kept {
                let seed = Row {
                    rows,
                    order: Some(order),
                };
                seed.deserialize(row).map_err(A::Error::custom)?;
            }
            self.kept = None;
        }
        Ok(())
    }

    /// Notes what is lacking.
    pub(super) fn check(&self, rows: &mut Rows<'_>, place: Place) {
        if self.is_there && !self.is_read {
            let former = std::mem::replace(&mut rows.place, place);
            rows.no_row("missing", "Both `columns` and `data` are required");
            rows.place = former;
        }
    }
}

/// Which column of the model each name is.
pub(super) fn ordered(rows: &mut Rows<'_>, names: &[String]) -> Vec<Option<usize>> {
    let mut order = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let column = rows.shape.find(name, i);
        if column.is_none() {
            let former = rows.place;
            rows.place.numbered = false;
            rows.unknown_column(name);
            rows.place = former;
        }
        order.push(column);
    }
    order
}

/// Rows whose values are in an order.
pub(super) struct Ordered<'r, 'a, 'o> {
    pub(super) rows: &'r mut Rows<'a>,
    pub(super) order: &'o [Option<usize>],
}

impl<'de> DeserializeSeed<'de> for Ordered<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Ordered<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let order = Some(self.order);
        while list
            .next_element_seed(Row {
                rows: self.rows,
                order,
            })?
            .is_some()
        {}
        Ok(())
    }
}

/// MLflow's `dataframe_split`.
pub(super) struct SplitOf<'r, 'a> {
    pub(super) rows: &'r mut Rows<'a>,
}

impl<'de> DeserializeSeed<'de> for SplitOf<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SplitOf<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with columns and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut split = Split {
            is_there: true,
            ..Split::default()
        };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "columns" => split.read(self.rows, true, &mut map)?,
                "data" => split.read(self.rows, false, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        const WHOLE: Place = Place {
            before: &["body", "dataframe_split"],
            numbered: false,
        };
        split.check(self.rows, WHOLE);
        Ok(())
    }
}
