//! A YAML value that remembers where it is written.
//!
//! Everything between the parser and the checked pipeline works on [`Node`]s, so that whatever is found wrong can point
//! at its text. Knows nothing of YAML's syntax (that is `yaml`) nor of what a pipeline means.

use hpipe_core::{Mapping, Span, Value};

/// A value and the place it is written at.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) data: Data,
    /// Where it is written; after interpolation, where its template is.
    pub(crate) span: Span,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order it is written, without duplicate keys.
    Map(Vec<Entry>),
    /// A text whose interpolation failed, which has been reported; readers take it for whatever they expect.
    Unresolved,
}

/// One `key: value` of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Key,
    /// The value.
    pub(crate) value: Node,
}

/// A key and the place it is written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its text: `1` for the number 1.
    pub(crate) text: String,
    /// Where it is written.
    pub(crate) span: Span,
}

impl Node {
    /// What kind of value this is, as a message would call it; none if interpolation failed.
    pub(crate) const fn kind(&self) -> Option<&'static str> {
        Some(match &self.data {
            Data::Null => "empty",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::Float(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Unresolved => return None,
        })
    }

    /// Whether nothing is written there.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Whether this is a list or a mapping.
    pub(crate) const fn is_collection(&self) -> bool {
        matches!(self.data, Data::List(_) | Data::Map(_))
    }

    /// Number of nodes in this tree, itself included.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.data {
            Data::List(items) => items.iter().map(Self::size).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }

    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Null | Data::Unresolved => Value::Null,
            Data::Bool(flag) => Value::Bool(*flag),
            Data::Int(number) => Value::Int(*number),
            Data::Float(number) => Value::Float(*number),
            Data::Text(text) => Value::Text(text.clone()),
            Data::List(items) => Value::List(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => Value::Map(to_mapping(entries)),
        }
    }

    /// A tree that stands at `span` as a whole: what an interpolation put there.
    pub(crate) fn from_value(value: &Value, span: Span) -> Self {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(flag) => Data::Bool(*flag),
            Value::Int(number) => Data::Int(*number),
            Value::Float(number) => Data::Float(*number),
            Value::Text(text) => Data::Text(text.clone()),
            Value::List(items) => {
                Data::List(items.iter().map(|v| Self::from_value(v, span)).collect())
            }
            Value::Map(map) => Data::Map(
                map.iter()
                    .map(|(key, value)| Entry::from_value(key, value, span))
                    .collect(),
            ),
        };
        Self { data, span }
    }
}

/// The mapping without its places.
pub(crate) fn to_mapping(entries: &[Entry]) -> Mapping {
    entries
        .iter()
        .map(|entry| (entry.key.text.clone(), entry.value.to_value()))
        .collect()
}

impl Entry {
    fn from_value(key: &str, value: &Value, span: Span) -> Self {
        Self {
            key: Key {
                text: key.to_owned(),
                span,
            },
            value: Node::from_value(value, span),
        }
    }
}
