//! A YAML value that remembers where it is written.
//!
//! Everything between the parser and the checked pipeline works on [`Node`]s, so that whatever is found wrong can point
//! at its text. Knows nothing of YAML's syntax (that is `yaml`) nor of what a pipeline means.

use std::borrow::Cow;

use hpipe_core::{Mapping, Span, Value};

use crate::scalar::inserted;

/// A value and the place it is written at.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) data: Data,
    /// Where it is written; after interpolation, where its template is.
    pub(crate) span: Span,
    /// After interpolation, the place the value comes from: its `key: value` or its item.
    pub(crate) origin: Option<Span>,
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

impl Data {
    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null | Self::Unresolved => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Text(text) => Value::Text(text.clone()),
            Self::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            Self::Map(entries) => Value::Map(to_mapping(entries)),
        }
    }
}

impl Node {
    /// A value that is written at `span`.
    pub(crate) const fn new(data: Data, span: Span) -> Self {
        Self {
            data,
            span,
            origin: None,
        }
    }

    /// Where the value comes from.
    pub(crate) fn place(&self) -> Span {
        self.origin.unwrap_or(self.span)
    }

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

    /// The text it is. A number or a boolean that an interpolation put there counts as one, for there nobody can quote it.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match &self.data {
            Data::Text(text) => Some(Cow::Borrowed(text)),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) if self.origin.is_some() => {
                inserted(&self.to_value()).map(Cow::Owned)
            }
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
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
        self.data.to_value()
    }

    /// The value at a dotted path and the place it comes from, as [`Value::lookup`] finds it; `place` is this node's own.
    pub(crate) fn lookup(&self, dotted: &str, place: Span) -> Option<(&Self, Span)> {
        if dotted.is_empty() {
            return Some((self, place));
        }
        let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        match &self.data {
            Data::Map(entries) => lookup(entries, dotted),
            Data::List(items) => {
                let item = items.get(position(head, items.len())?)?;
                item.lookup(rest, item.place())
            }
            _ => None,
        }
    }

    /// This tree, which comes from `place`, as an interpolation puts it at `span`.
    pub(crate) fn put(&self, place: Span, span: Span) -> Self {
        let data = match &self.data {
            Data::List(items) => Data::List(items.iter().map(|i| i.put(i.place(), span)).collect()),
            Data::Map(entries) => Data::Map(entries.iter().map(|entry| entry.put(span)).collect()),
            scalar => scalar.clone(),
        };
        Self {
            data,
            span,
            origin: Some(place),
        }
    }

    /// A tree that stands at `span` as a whole: of a text whose places are not known.
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
        Self::new(data, span)
    }
}

/// The position in a list that a text names; below zero counts from the end, as in Python.
fn position(text: &str, length: usize) -> Option<usize> {
    match text.strip_prefix('-') {
        Some(from_end) => length.checked_sub(from_end.parse().ok().filter(|n| *n > 0)?),
        None => text.parse().ok(),
    }
}

/// The entry of a key.
pub(crate) fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.text == key)
}

/// The value at a dotted path in a mapping and the place it comes from.
pub(crate) fn lookup<'n>(entries: &'n [Entry], dotted: &str) -> Option<(&'n Node, Span)> {
    let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
    match find(entries, head) {
        Some(entry) => entry.value.lookup(rest, entry.place()),
        None => find(entries, dotted).map(|entry| (&entry.value, entry.place())),
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
    /// Where it comes from: the whole `key: value` if on one line, else the key.
    pub(crate) fn place(&self) -> Span {
        let (key, value) = (self.key.span, self.value.span);
        let follows = value.source == key.source && value.start >= key.end;
        match self.value.origin {
            Some(origin) => origin,
            None if follows && !self.value.is_collection() && !self.value.is_null() => Span {
                end: value.end,
                ..key
            },
            None => key,
        }
    }

    /// This entry as an interpolation puts it at `span`.
    fn put(&self, span: Span) -> Self {
        Self {
            key: Key {
                text: self.key.text.clone(),
                span,
            },
            value: self.value.put(self.place(), span),
        }
    }

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
