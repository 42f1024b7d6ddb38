//! What JSON and UBJSON have in common: a tree of values, read with the path to each, so that an error says where.
//!
//! Vectors of one type of number stay such: UBJSON keeps them so, and a model is mostly those.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Error;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Bytes(Vec<u8>),
    Integers(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Map(Vec<(String, Self)>),
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// A map with its keys in the order given.
    pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Map(
            entries
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_)
            | Self::Bytes(_)
            | Self::Integers(_)
            | Self::Longs(_)
            | Self::Floats(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => values.serialize(serializer),
            Self::Bytes(values) => serializer.collect_seq(values),
            Self::Integers(values) => serializer.collect_seq(values),
            Self::Longs(values) => serializer.collect_seq(values),
            Self::Floats(values) => serializer.collect_seq(values),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { value, path }
    }

    /// That something is wrong here.
    pub(super) fn damaged(&self, reason: impl Into<String>) -> Error {
        let (place, reason) = (self.path.clone(), reason.into());
        Error::Damaged { place, reason }
    }

    /// That something here is nothing of ours.
    pub(super) fn unsupported(&self, reason: impl Into<String>) -> Error {
        let (place, reason) = (self.path.clone(), reason.into());
        Error::Unsupported { place, reason }
    }

    /// The value under `key`, if this is a map that has it.
    pub(super) fn find(&self, key: &str) -> Option<Self> {
        let Value::Map(entries) = self.value else {
            return None;
        };
        let (_, value) = entries.iter().find(|(found, _)| found == key)?;
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{key}", self.path);
        Some(Self { value, path })
    }

    /// The value under `key`.
    pub(super) fn get(&self, key: &str) -> Result<Self, Error> {
        self.find(key).ok_or_else(|| match self.value {
            Value::Map(_) => self.damaged(format!("there is no `{key}`")),
            _ => self.expected("a map"),
        })
    }

    fn expected(&self, what: &str) -> Error {
        self.damaged(format!("it is {}, not {what}", self.value.kind()))
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, Error> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// An integer, also one in a text.
    pub(super) fn integer(&self) -> Result<i64, Error> {
        match self.value {
            Value::Integer(value) => Ok(*value),
            Value::Text(text) => {
                let parsed = text.parse();
                parsed.map_err(|_| self.damaged(format!("`{text}` is no integer")))
            }
            _ => Err(self.expected("an integer")),
        }
    }

    /// The values of a list.
    pub(super) fn list(&self) -> Result<Vec<Self>, Error> {
        let Value::List(values) = self.value else {
            // an empty vector of numbers is an empty list of anything
            return match self.numbers() {
                Ok(numbers) if numbers.is_empty() => Ok(Vec::new()),
                _ => Err(self.expected("a list of values")),
            };
        };
        let numbered = values.iter().enumerate();
        let place = |(index, value)| Self {
            value,
            path: format!("{}[{index}]", self.path),
        };
        Ok(numbered.map(place).collect())
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        let places = self.list()?;
        let texts = places.iter().map(|place| place.text().map(str::to_owned));
        texts.collect()
    }

    /// A list of numbers.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, Error> {
        let number = |(index, value): (usize, &Value)| match value {
            Value::Integer(value) => Ok(*value as f64),
            Value::Float(value) => Ok(*value),
            Value::Bool(value) => Ok(f64::from(u8::from(*value))),
            other => {
                let found = other.kind();
                Err(self.damaged(format!("[{index}] is {found}, not a number")))
            }
        };
        match self.value {
            Value::Bytes(values) => Ok(values.iter().map(|x| f64::from(*x)).collect()),
            Value::Integers(values) => Ok(values.iter().map(|x| f64::from(*x)).collect()),
            Value::Longs(values) => Ok(values.iter().map(|x| *x as f64).collect()),
            Value::Floats(values) => Ok(values.iter().map(|x| f64::from(*x)).collect()),
            Value::List(values) => values.iter().enumerate().map(number).collect(),
            _ => Err(self.expected("a list of numbers")),
        }
    }

    /// A list of `expected` numbers.
    pub(super) fn exactly(&self, expected: usize) -> Result<Vec<f64>, Error> {
        let numbers = self.numbers()?;
        if numbers.len() == expected {
            return Ok(numbers);
        }
        let found = numbers.len();
        Err(self.damaged(format!(
            "it has {found} numbers where {expected} are needed"
        )))
    }

    /// A list of integers that are at least `lowest` and fit into 31 bits.
    pub(super) fn integers(&self, lowest: i64) -> Result<Vec<i64>, Error> {
        let numbers = self.numbers()?.into_iter().enumerate();
        let integer = |(index, number): (usize, f64)| {
            let integer = number as i64;
            if integer as f64 != number || integer < lowest || integer > i64::from(i32::MAX) {
                return Err(self.damaged(format!("[{index}] is {number}")));
            }
            Ok(integer)
        };
        numbers.map(integer).collect()
    }
}
