//! Bodies in JSON, straight into columns: no tree of values is made of what fits.
//!
//! Understood are a record, a list of records (or of rows in the model's order), `columns` and `data`, and MLflow's
//! `dataframe_split`, `dataframe_records`, `instances` and `inputs`. A key that is a column of the model is one, whatever
//! else it could mean.

use std::borrow::Cow;
use std::fmt;

use hpipe_core::Table;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::fault::{Detail, Details, Fault, Loc};
use crate::rows::{Cell, Place, Rows};

/// Whose words a body is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Ours: all of them.
    Own,
    /// MLflow's, and V1 of the inference protocol.
    Named,
}

/// The words that say what a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Columns,
    Data,
    Split,
    Records,
    Instances,
    Inputs,
}

const WORDS: &[(&str, Word)] = &[
    ("columns", Word::Columns),
    ("data", Word::Data),
    ("dataframe_split", Word::Split),
    ("dataframe_records", Word::Records),
    ("instances", Word::Instances),
    ("inputs", Word::Inputs),
];

/// What MLflow's and other clients send besides, which means nothing here.
const BESIDES: &[&str] = &["params", "index", "signature_name"];

const SPLIT: Place = place(&["body", "dataframe_split", "data"]);
const OWN_SPLIT: Place = place(&["body", "data"]);

const fn place(before: &'static [&'static str]) -> Place {
    Place {
        before,
        numbered: true,
    }
}

/// Reads a body into a table of the model's columns.
///
/// # Errors
/// What is wrong with the body or its rows.
pub(crate) fn read(
    body: &[u8],
    mut rows: Rows<'_>,
    dialect: Dialect,
) -> Result<(Table, Place), Fault> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Body {
        rows: &mut rows,
        dialect,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    if rows.overflow {
        return Err(Fault::new(
            hyper::StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_rows",
            format!("Request should have at most {} rows", rows.count()),
        ));
    }
    if let Err(error) = read {
        return Err(invalid(&error));
    }
    let place = rows.place;
    Ok((rows.finish()?, place))
}

/// The words for a body that is no JSON.
pub(crate) fn invalid(error: &serde_json::Error) -> Fault {
    let mut details = Details::default();
    details.add(|| Detail {
        kind: "json_invalid",
        loc: vec![Loc::Word("body".into())],
        msg: "JSON decode error".to_owned(),
        input: Value::Null,
        ctx: Some(json!({"error": error.to_string()})),
    });
    Fault::unprocessable(details)
}

/// The whole body.
struct Body<'r, 'a> {
    rows: &'r mut Rows<'a>,
    dialect: Dialect,
}

impl<'de> DeserializeSeed<'de> for Body<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, a list of records, or columns and data")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.dialect == Dialect::Named {
            self.rows.place = Place::RECORD;
            self.rows.no_row("dict_type", NAMED);
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        self.rows.place = Place::LIST;
        read_list(self.rows, &mut list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { rows, dialect } = self;
        let mut table = Split::default();
        let (mut is_record, mut is_table, mut expected) = (false, false, 0);
        rows.place = Place::RECORD;
        while let Some(key) = map.next_key_seed(Key {
            rows,
            expected,
            dialect,
        })? {
            match key {
                Found::Column(column) => {
                    if !is_record && !rows.has_room() {
                        return Err(overflow());
                    }
                    is_record = true;
                    map.next_value_seed(CellOf { rows, column })?;
                    expected = column + 1;
                }
                Found::Word(word) if !is_record => {
                    is_table = true;
                    read_word(rows, word, &mut table, &mut map)?;
                }
                Found::Word(word) => {
                    rows.unknown_column(name_of(word));
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Unknown(name) => {
                    let is_beside = is_table || BESIDES.contains(&&*name);
                    if dialect == Dialect::Own && (is_record || !is_beside) {
                        rows.unknown_column(&name);
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        table.check(rows, Place::RECORD);
        match (is_table, dialect) {
            (true, _) => {}
            (false, Dialect::Own) => rows.end_row(),
            (false, Dialect::Named) => rows.no_row("missing", NAMED),
        }
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

const NAMED: &str =
    "Body should be an object with dataframe_split, dataframe_records, instances or inputs";

impl Body<'_, '_> {
    fn neither<E>(self) -> Result<(), E> {
        self.rows.place = Place::RECORD;
        let expected = "Body should be a record, a list of records, or columns and data";
        self.rows.no_row("dict_type", expected);
        Ok(())
    }
}

fn name_of(word: Word) -> &'static str {
    let found = WORDS.iter().find(|(_, known)| *known == word);
    found.map_or("", |(name, _)| name)
}

/// Reads what follows a word.
fn read_word<'de, A: MapAccess<'de>>(
    rows: &mut Rows<'_>,
    word: Word,
    table: &mut Split,
    map: &mut A,
) -> Result<(), A::Error> {
    match word {
        Word::Columns | Word::Data => {
            rows.place = OWN_SPLIT;
            table.read(rows, word == Word::Columns, map)
        }
        Word::Split => {
            rows.place = SPLIT;
            map.next_value_seed(SplitOf { rows })
        }
        Word::Records => {
            rows.place = place(&["body", "dataframe_records"]);
            map.next_value_seed(List { rows })
        }
        Word::Instances => {
            rows.place = place(&["body", "instances"]);
            map.next_value_seed(List { rows })
        }
        Word::Inputs => {
            rows.place = place(&["body", "inputs"]);
            map.next_value_seed(Inputs { rows })
        }
    }
}

fn overflow<E: Error>() -> E {
    E::custom("too many rows")
}

/// A key of an object that may be a record.
struct Key<'r, 'a> {
    rows: &'r Rows<'a>,
    expected: usize,
    dialect: Dialect,
}

/// What a key is.
enum Found {
    Column(usize),
    Word(Word),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Found, E> {
        if self.dialect == Dialect::Own
            && let Some(column) = self.rows.shape.find(name, self.expected)
        {
            return Ok(Found::Column(column));
        }
        let mut words = WORDS.iter();
        let word = words.find(|(known, word)| {
            let is_own = matches!(word, Word::Columns | Word::Data);
            *known == name && (self.dialect == Dialect::Own || !is_own)
        });
        Ok(word.map_or_else(
            || Found::Unknown(name.to_owned()),
            |(_, word)| Found::Word(*word),
        ))
    }
}

/// One cell.
struct CellOf<'r, 'a> {
    rows: &'r mut Rows<'a>,
    column: usize,
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

fn unsigned(value: u64) -> Cell<'static> {
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

/// Reads the elements of a list as rows.
fn read_list<'de, A: SeqAccess<'de>>(rows: &mut Rows<'_>, list: &mut A) -> Result<(), A::Error> {
    while list.next_element_seed(Row { rows, order: None })?.is_some() {}
    Ok(())
}

/// A list of rows.
struct List<'r, 'a> {
    rows: &'r mut Rows<'a>,
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
struct Row<'r, 'a, 'o> {
    rows: &'r mut Rows<'a>,
    order: Option<&'o [Option<usize>]>,
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

/// Columns and rows, in whatever order the two come.
#[derive(Default)]
struct Split {
    order: Option<Vec<Option<usize>>>,
    kept: Option<Vec<Value>>,
    is_read: bool,
    is_there: bool,
}

impl Split {
    /// Reads the names of the columns, or the rows.
    fn read<'de, A: MapAccess<'de>>(
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
    fn check(&self, rows: &mut Rows<'_>, place: Place) {
        if self.is_there && !self.is_read {
            let former = std::mem::replace(&mut rows.place, place);
            rows.no_row("missing", "Both `columns` and `data` are required");
            rows.place = former;
        }
    }
}

/// Which column of the model each name is.
fn ordered(rows: &mut Rows<'_>, names: &[String]) -> Vec<Option<usize>> {
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
struct Ordered<'r, 'a, 'o> {
    rows: &'r mut Rows<'a>,
    order: &'o [Option<usize>],
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
struct SplitOf<'r, 'a> {
    rows: &'r mut Rows<'a>,
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

/// `inputs`: rows as in `instances`, or columns of values by name.
struct Inputs<'r, 'a> {
    rows: &'r mut Rows<'a>,
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
fn by_column(rows: &mut Rows<'_>, columns: &[(Option<usize>, Vec<Value>)]) {
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
