//! Values of params and options: what YAML, JSON and TOML can say.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A value from a params file, a `with` section or an interpolation.
///
/// Equality is what the stage key uses: `1` equals `1.0`, `true` does not equal `1`, the order of a mapping's keys does
/// not matter, NaN equals NaN.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number, infinities and NaN included.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in the order it was written.
    Map(Mapping),
}

/// A mapping from texts to values that remembers the order it was written in.
#[derive(Debug, Clone, Default)]
pub struct Mapping(Vec<(String, Value)>);

impl Mapping {
    /// A mapping without entries.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value)
    }

    /// Sets `key` to `value`, in its old place when it has one.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) {
        let key = key.into();
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// The entries, in the order they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries sorted by key.
    pub fn sorted(&self) -> Vec<(&str, &Value)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        entries
    }
}

/// Collects entries; of a key that comes twice the last value counts, in the first place.
impl FromIterator<(String, Value)> for Mapping {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut collected: Vec<(String, Value)> = Vec::new();
        for (key, value) in entries {
            match places.get(&key) {
                Some(place) => collected[*place].1 = value,
                None => {
                    places.insert(key.clone(), collected.len());
                    collected.push((key, value));
                }
            }
        }
        Self(collected)
    }
}

impl Eq for Mapping {}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.sorted() == other.sorted()
    }
}

impl Value {
    /// The value at a dotted path: `train.epochs`, `layers.0.units`.
    ///
    /// A key that itself contains dots is found only when no shorter key leads there.
    pub fn lookup(&self, dotted: &str) -> Option<&Self> {
        if dotted.is_empty() {
            return Some(self);
        }
        let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        match self {
            Self::Map(map) => match map.get(head) {
                Some(value) => value.lookup(rest),
                None => map.get(dotted),
            },
            Self::List(items) => items.get(head.parse::<usize>().ok()?)?.lookup(rest),
            _ => None,
        }
    }

    /// The mapping this value is, if it is one.
    pub fn as_map(&self) -> Option<&Mapping> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text this value is, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, as a message would call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// The whole number this value equals: `1` and `1.0` both are 1.
    ///
    /// Negative zero is left a float, so that a stage that prints its sign is not given another's result.
    pub fn whole(&self) -> Option<i128> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: beyond, a float no longer says which integer it is
        match self {
            Self::Int(n) => Some(*n),
            Self::Float(x)
                if x.fract() == 0.0 && x.abs() < EXACT && !(*x == 0.0 && x.is_sign_negative()) =>
            {
                Some(*x as i128)
            }
            _ => None,
        }
    }

    /// Every leaf below this value with its dotted path; lists, empty mappings and scalars are leaves.
    pub fn leaves(&self) -> Vec<(String, &Self)> {
        let mut found = Vec::new();
        self.collect_leaves(String::new(), &mut found);
        found
    }

    fn collect_leaves<'a>(&'a self, path: String, found: &mut Vec<(String, &'a Self)>) {
        match self {
            Self::Map(map) if !map.is_empty() => {
                for (key, value) in map.iter() {
                    let path = if path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{path}.{key}")
                    };
                    value.collect_leaves(path, found);
                }
            }
            _ => found.push((path, self)),
        }
    }
}

impl Eq for Value {}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => {
                match (self.whole(), other.whole()) {
                    (Some(a), Some(b)) => a == b,
                    (None, None) => self.float_bits() == other.float_bits(),
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

impl Value {
    /// The bits of a float with every NaN made equal; 0 for anything else.
    pub fn float_bits(&self) -> u64 {
        match self {
            Self::Float(x) if x.is_nan() => f64::NAN.to_bits(),
            Self::Float(x) => x.to_bits(),
            _ => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Writes the value on one line, as YAML's flow style would: `{lr: 0.1, layers: [64, 32]}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(x) if x.is_nan() => f.write_str(".nan"),
            Self::Float(x) if x.is_infinite() => {
                f.write_str(if *x > 0.0 { ".inf" } else { "-.inf" })
            }
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(n) => match (i64::try_from(*n), u64::try_from(*n)) {
                (Ok(n), _) => serializer.serialize_i64(n),
                (_, Ok(n)) => serializer.serialize_u64(n),
                _ => serializer.serialize_i128(*n),
            },
            Self::Float(x) => serializer.serialize_f64(*x),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(map) => serializer.collect_map(map.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        value
            .try_into()
            .map(Value::Int)
            .map_err(|_| E::custom(format!("the number {value} is too large")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            entries.push((key, value));
        }
        Ok(Value::Map(entries.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(
            entries
                .iter()
                .map(|(k, v)| ((*k).to_owned(), v.clone()))
                .collect(),
        )
    }

    #[test]
    fn equality_is_typed_but_not_pedantic() {
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_ne!(Value::Bool(true), Value::Int(1));
        assert_ne!(Value::Text("1".into()), Value::Int(1));
        assert_ne!(Value::Float(-0.0), Value::Int(0));
        assert_eq!(Value::Float(f64::NAN), Value::Float(-f64::NAN));
        assert_ne!(
            Value::Int(9_007_199_254_740_993),
            Value::Float(9_007_199_254_740_992.0)
        );
        assert_eq!(
            map(&[("a", Value::Int(1)), ("b", Value::Null)]),
            map(&[("b", Value::Null), ("a", Value::Float(1.0))])
        );
    }

    #[test]
    fn looks_up_dotted_paths() {
        let layers = Value::List(vec![map(&[("units", Value::Int(64))])]);
        let value = map(&[("net", map(&[("layers", layers)])), ("a.b", Value::Int(2))]);
        assert_eq!(value.lookup("net.layers.0.units"), Some(&Value::Int(64)));
        assert_eq!(value.lookup("a.b"), Some(&Value::Int(2)));
        assert_eq!(value.lookup("net.layers.1"), None);
        assert_eq!(value.lookup("net.depth"), None);
    }

    #[test]
    fn displays_on_one_line() {
        let value = map(&[
            ("lr", Value::Float(0.1)),
            ("layers", Value::List(vec![Value::Int(64), Value::Null])),
        ]);
        assert_eq!(value.to_string(), "{lr: 0.1, layers: [64, null]}");
    }

    #[test]
    fn lists_leaves_with_their_paths() {
        let value = map(&[
            ("a", map(&[("b", Value::Int(1))])),
            ("c", Value::List(vec![])),
        ]);
        let paths: Vec<_> = value.leaves().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a.b", "c"]);
    }
}
