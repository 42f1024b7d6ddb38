//! Bodies in JSON, straight into columns: no tree of values is made of what fits.
//!
//! Understood are a record, a list of records (or of rows in the model's order), `columns` and `data`, and MLflow's
//! `dataframe_split`, `dataframe_records`, `instances` and `inputs`. A key that is a column of the model is one, whatever
//! else it could mean.

mod cells;
mod inputs;
mod rows;
mod split;
pub(crate) mod tensors;

use std::fmt;

use hpipe_core::Table;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use self::cells::CellOf;
use self::inputs::Inputs;
use self::rows::{List, read_list};
use self::split::{Split, SplitOf};
use crate::fault::{Detail, Details, Fault, Loc};
use crate::rows::{Order, Place, Rows};

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

impl Word {
    /// Whether both say parts of one table.
    const fn goes_with(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Columns | Self::Data, Self::Columns | Self::Data)
        )
    }
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
    if let Some(order) = pass(body, &mut rows, dialect, None)? {
        rows.begin_again();
        pass(body, &mut rows, dialect, Some(order))?;
    }
    let place = rows.place;
    Ok((rows.finish()?, place))
}

/// Reads a body once; what it is to be read once more with, if it is.
fn pass(
    body: &[u8],
    rows: &mut Rows<'_>,
    dialect: Dialect,
    order: Option<Order>,
) -> Result<Option<Order>, Fault> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let whole = Body {
        rows,
        dialect,
        order,
    };
    let read = whole.deserialize(&mut json);
    let read = read.and_then(|again| json.end().map(|()| again));
    match rows.overflow {
        true => Err(too_many_rows(rows)),
        false => read.map_err(|error| invalid(&error)),
    }
}

fn too_many_rows(rows: &Rows<'_>) -> Fault {
    Fault::new(
        hyper::StatusCode::PAYLOAD_TOO_LARGE,
        "too_many_rows",
        format!("Request should have at most {} rows", rows.most()),
    )
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
    /// What the first reading found.
    order: Option<Order>,
}

impl<'de> DeserializeSeed<'de> for Body<'_, '_> {
    type Value = Option<Order>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Order>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_> {
    type Value = Option<Order>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, a list of records, or columns and data")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Order>, A::Error> {
        if self.dialect == Dialect::Named {
            self.rows.place = Place::RECORD;
            self.rows.no_row("dict_type", NAMED);
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(None);
        }
        self.rows.place = Place::LIST;
        read_list(self.rows, &mut list)?;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Order>, A::Error> {
        self.rows.place = Place::RECORD;
        let mut object = Object {
            rows: self.rows,
            dialect: self.dialect,
            table: Split::with(self.order),
            again: None,
            of_table: None,
            is_record: false,
            beside: None,
            expected: 0,
        };
        object.read(&mut map)?;
        Ok(object.end())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<Order>, E> {
        self.neither()
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Option<Order>, E> {
        self.neither()
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Option<Order>, E> {
        self.neither()
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Option<Order>, E> {
        self.neither()
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Option<Order>, E> {
        self.neither()
    }
    fn visit_unit<E: Error>(self) -> Result<Option<Order>, E> {
        self.neither()
    }
}

/// A body that is an object: a record, or rows behind a word.
struct Object<'r, 'a> {
    rows: &'r mut Rows<'a>,
    dialect: Dialect,
    table: Split,
    /// What the body is to be read once more with.
    again: Option<Order>,
    /// The word that said where rows are.
    of_table: Option<Word>,
    is_record: bool,
    /// A word that means nothing beside rows, and is none in a record.
    beside: Option<String>,
    /// The column that comes next in the model's order.
    expected: usize,
}

impl Object<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key {
            rows: self.rows,
            expected: self.expected,
            dialect: self.dialect,
        })? {
            match key {
                // a row has no place beside a table
                Found::Column(column) if self.of_table.is_some() => {
                    let name = self.rows.shape.inputs[column].name.clone();
                    self.rows.unknown_column(&name);
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Column(column) => self.column(column, map)?,
                Found::Word(word) if self.is_fitting(word) => {
                    self.of_table = Some(word);
                    self.word(word, map)?;
                }
                Found::Word(word) => {
                    self.rows.unknown_column(name_of(word));
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Unknown(name) => {
                    map.next_value::<IgnoredAny>()?;
                    self.unknown(name);
                }
            }
        }
        Ok(())
    }

    fn is_fitting(&self, word: Word) -> bool {
        !self.is_record && self.of_table.is_none_or(|of| word.goes_with(of))
    }

    fn column<'de, A: MapAccess<'de>>(
        &mut self,
        column: usize,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if !self.is_record && !self.rows.has_room() {
            return Err(overflow());
        }
        self.is_record = true;
        self.expected = column + 1;
        let rows = &mut *self.rows;
        map.next_value_seed(CellOf { rows, column })
    }

    /// What is not a column and no word of ours.
    fn unknown(&mut self, name: String) {
        if BESIDES.contains(&&*name) {
            self.beside = Some(name);
        } else if self.of_table.is_some() || self.dialect == Dialect::Named {
            self.rows.unknown_key(&name);
        } else {
            self.rows.unknown_column(&name);
        }
    }

    /// Notes what is lacking; what the body is to be read once more with.
    fn end(self) -> Option<Order> {
        let rows = self.rows;
        self.table.check(rows, Place::RECORD);
        match (self.of_table.is_some(), self.dialect) {
            (true, _) => {}
            (false, Dialect::Own) => {
                if let Some(name) = &self.beside {
                    rows.unknown_column(name);
                }
                rows.end_row();
            }
            (false, Dialect::Named) => rows.no_row("missing", NAMED),
        }
        self.again.or_else(|| self.table.again())
    }

    /// Reads what follows a word.
    fn word<'de, A: MapAccess<'de>>(&mut self, word: Word, map: &mut A) -> Result<(), A::Error> {
        let rows = &mut *self.rows;
        match word {
            Word::Columns | Word::Data => {
                rows.place = OWN_SPLIT;
                self.table.read(rows, word == Word::Columns, map)
            }
            Word::Split => {
                rows.place = SPLIT;
                let order = self.table.order.take();
                self.again = map.next_value_seed(SplitOf { rows, order })?;
                Ok(())
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
}

const NAMED: &str =
    "Body should be an object with dataframe_split, dataframe_records, instances or inputs";

impl Body<'_, '_> {
    fn neither<E>(self) -> Result<Option<Order>, E> {
        self.rows.place = Place::RECORD;
        let expected = "Body should be a record, a list of records, or columns and data";
        self.rows.no_row("dict_type", expected);
        Ok(None)
    }
}

fn name_of(word: Word) -> &'static str {
    let found = WORDS.iter().find(|(_, known)| *known == word);
    found.map_or("", |(name, _)| name)
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
