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
use crate::rows::{Place, Rows};

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
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Body {
        rows: &mut rows,
        dialect,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    if rows.overflow {
        return Err(too_many_rows(&rows));
    }
    if let Err(error) = read {
        return Err(invalid(&error));
    }
    let place = rows.place;
    Ok((rows.finish()?, place))
}

fn too_many_rows(rows: &Rows<'_>) -> Fault {
    Fault::new(
        hyper::StatusCode::PAYLOAD_TOO_LARGE,
        "too_many_rows",
        format!("Request should have at most {} rows", rows.count()),
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
        let (mut is_record, mut of_table, mut expected) = (false, None, 0);
        rows.place = Place::RECORD;
        while let Some(key) = map.next_key_seed(Key {
            rows,
            expected,
            dialect,
        })? {
            match key {
                // a row has no place beside a table
                Found::Column(column) if of_table.is_some() => {
                    let name = rows.shape.inputs[column].name.clone();
                    rows.unknown_column(&name);
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Column(column) => {
                    if !is_record && !rows.has_room() {
                        return Err(overflow());
                    }
                    is_record = true;
                    map.next_value_seed(CellOf { rows, column })?;
                    expected = column + 1;
                }
                Found::Word(word) if !is_record && of_table.is_none_or(|of| word.goes_with(of)) => {
                    of_table = Some(word);
                    read_word(rows, word, &mut table, &mut map)?;
                }
                Found::Word(word) => {
                    rows.unknown_column(name_of(word));
                    map.next_value::<IgnoredAny>()?;
                }
                Found::Unknown(name) => {
                    let is_beside = of_table.is_some() || BESIDES.contains(&&*name);
                    if dialect == Dialect::Own && (is_record || !is_beside) {
                        rows.unknown_column(&name);
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        table.check(rows, Place::RECORD);
        match (of_table.is_some(), dialect) {
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
