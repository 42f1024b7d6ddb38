//! `columns` and `data`: names once, then rows of values in their order.
//!
//! Where the rows come before the names they are passed over, and the body is read a second time with the names known:
//! that costs time, where keeping the rows would cost many times their size in memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::rows::Row;
use crate::rows::{Order, Place, Rows};

/// Columns and rows, in whatever order the two come.
#[derive(Default)]
pub(super) struct Split {
    /// Which columns rows have, as far as it is known.
    pub(super) order: Option<Order>,
    is_there: bool,
    is_named: bool,
    has_rows: bool,
    is_passed_over: bool,
}

impl Split {
    /// None of which is read; the columns may be known from a reading before.
    pub(super) fn with(order: Option<Order>) -> Self {
        Self {
            order,
            ..Self::default()
        }
    }

    /// Reads the names of the columns, or the rows.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        rows: &mut Rows<'_>,
        names: bool,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.is_there = true;
        let (word, is_known) = match names {
            true => ("columns", &mut self.is_named),
            false => ("data", &mut self.has_rows),
        };
        if std::mem::replace(is_known, true) {
            let before = rows.place.before;
            let whole = Place {
                before: &before[..before.len().saturating_sub(1)],
                numbered: false,
            };
            let former = std::mem::replace(&mut rows.place, whole);
            rows.twice(word);
            rows.place = former;
            return map.next_value::<IgnoredAny>().map(drop);
        }
        if names {
            self.order = Some(map.next_value_seed(Names { rows })?);
            return Ok(());
        }
        match &self.order {
            Some(order) => map.next_value_seed(Ordered { rows, order }),
            None => {
                self.is_passed_over = true;
                map.next_value::<IgnoredAny>().map(drop)
            }
        }
    }

    /// Notes what is lacking.
    pub(super) fn check(&self, rows: &mut Rows<'_>, place: Place) {
        if self.is_there && !(self.is_named && self.has_rows) {
            let former = std::mem::replace(&mut rows.place, place);
            rows.no_row("missing", "Both `columns` and `data` are required");
            rows.place = former;
        }
    }

    /// With what the body is to be read once more, if it is.
    pub(super) fn again(self) -> Option<Order> {
        self.order.filter(|_| self.is_passed_over)
    }
}

/// The names of the columns.
struct Names<'r, 'a> {
    rows: &'r mut Rows<'a>,
}

impl<'de> DeserializeSeed<'de> for Names<'_, '_> {
    type Value = Order;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Order, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Names<'_, '_> {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Order, A::Error> {
        let mut order = self.rows.order();
        while let Some(name) = list.next_element::<Cow<'de, str>>()? {
            order.add(self.rows, &name);
        }
        Ok(order)
    }
}

/// Rows whose values are in an order.
struct Ordered<'r, 'a, 'o> {
    rows: &'r mut Rows<'a>,
    order: &'o Order,
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
        let order = Some(self.order.columns());
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

/// MLflow's `dataframe_split`; its value is what the body is to be read once more with.
pub(super) struct SplitOf<'r, 'a> {
    pub(super) rows: &'r mut Rows<'a>,
    /// What the first reading found.
    pub(super) order: Option<Order>,
}

impl<'de> DeserializeSeed<'de> for SplitOf<'_, '_> {
    type Value = Option<Order>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Order>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SplitOf<'_, '_> {
    type Value = Option<Order>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with columns and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Order>, A::Error> {
        let mut split = Split {
            is_there: true,
            ..Split::with(self.order)
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
        Ok(split.again())
    }
}
