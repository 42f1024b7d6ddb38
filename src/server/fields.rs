//! The fields of a request: protobuf's JSON, or the words of a query.
//!
//! As in protobuf: `run_id` may be written `runId`, a whole number may be a text, a floating-point number may be `"NaN"` or
//! `"Infinity"`, null is absent, and a field nobody knows is nothing.

use std::borrow::Cow;

use hpipe_track::LedgerError;
use hpipe_track::ledger::Pair;
use serde_json::{Map, Value};

const SEE: &str = " See the API docs for more information about request parameters.";

/// The fields of a request, or of an object in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a>(Cow<'a, Map<String, Value>>);

type Result<T> = std::result::Result<T, LedgerError>;

impl Fields<'_> {
    /// Reads a body; an empty one has no fields. Old clients send JSON in a text.
    pub(crate) fn of_json(body: &[u8]) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let broken =
            |error: serde_json::Error| LedgerError::invalid(format!("Invalid JSON: {error}"));
        let mut value: Value = serde_json::from_slice(body).map_err(broken)?;
        if let Value::String(text) = &value {
            value = serde_json::from_str(text).map_err(broken)?;
        }
        match value {
            Value::Object(fields) => Ok(Self(Cow::Owned(fields))),
            Value::Null => Ok(Self::default()),
            _ => Err(LedgerError::invalid(
                "Invalid JSON: the request is no object",
            )),
        }
    }

    /// Reads the words after the `?` of an address; one that is said several times is a list.
    pub(crate) fn of_query(query: &str) -> Result<Self> {
        let mut fields = Map::new();
        for word in query.split('&').filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let (name, value) = (unquote(name, true)?, Value::String(unquote(value, true)?));
            match fields.get_mut(&name) {
                None => drop(fields.insert(name, value)),
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Ok(Self(Cow::Owned(fields)))
    }

    /// Adds what the path of an address says.
    pub(crate) fn insert(&mut self, name: &str, value: &str) {
        self.0.to_mut().insert(name.to_owned(), Value::from(value));
    }

    /// Whether there is no field.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field, under its name or its name in camel case.
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.get(name).or_else(|| {
            let other = name.contains('_').then(|| camel(name))?;
            self.0.get(&other)
        });
        found.filter(|value| !value.is_null())
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>> {
        Ok(self.whole_text(name)?.filter(|text| !text.is_empty()))
    }

    /// A text, which may be empty.
    pub(crate) fn whole_text(&self, name: &str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// An owned text, if it is there.
    pub(crate) fn owned(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// The run that a request is about: `run_id`, or `run_uuid` of old clients.
    pub(crate) fn run_id(&self) -> Result<&str> {
        match self.text("run_id")? {
            Some(id) => Ok(id),
            None => self.text("run_uuid")?.ok_or_else(|| missing("run_id")),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.get(name)
            .map(|value| whole(value).ok_or_else(|| wrong(name, value)))
            .transpose()
    }

    /// A floating-point number that must be there.
    pub(crate) fn number(&self, name: &str) -> Result<f64> {
        let value = self.get(name).ok_or_else(|| missing(name))?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| wrong(name, value))
    }

    /// Yes or no; absent is no.
    pub(crate) fn is_set(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None | Some(Value::Bool(false)) => Ok(false),
            Some(Value::Bool(true)) => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(wrong(name, other)),
        }
    }

    fn list(&self, name: &str) -> Result<&[Value]> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            // A list of one, in a query.
            Some(one @ Value::String(_)) => Ok(std::slice::from_ref(one)),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let texts = self.list(name)?.iter().map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong(name, other)),
        });
        texts.collect()
    }

    /// A list of objects.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Fields<'_>>> {
        let objects = self.list(name)?.iter().map(|value| match value {
            Value::Object(fields) => Ok(Fields(Cow::Borrowed(fields))),
            other => Err(wrong(name, other)),
        });
        objects.collect()
    }

    /// An object, without fields if it is absent.
    pub(crate) fn object(&self, name: &str) -> Result<Fields<'_>> {
        match self.get(name) {
            None => Ok(Fields::default()),
            Some(Value::Object(fields)) => Ok(Fields(Cow::Borrowed(fields))),
            Some(other) => Err(wrong(name, other)),
        }
    }

    /// A list of tags or params.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<Pair>> {
        let pairs = self.objects(name)?;
        pairs.iter().map(Fields::pair).collect()
    }

    /// A tag or param: `key` and `value`, of which the value may be empty.
    pub(crate) fn pair(&self) -> Result<Pair> {
        let value = self.whole_text("value")?.unwrap_or_default();
        Ok(Pair::new(self.required("key")?, value))
    }
}

/// A field that must be there is not.
pub(crate) fn missing(name: &str) -> LedgerError {
    LedgerError::invalid(format!(
        "Missing value for required parameter '{name}'.{SEE}"
    ))
}

/// A field has a value of the wrong type.
pub(crate) fn wrong(name: &str, value: &Value) -> LedgerError {
    let kind = match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    };
    LedgerError::invalid(format!(
        "Invalid value {value} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'.{SEE}"
    ))
}

/// A whole number, also one written as a text or with a fraction of nothing.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// Takes the `%41` and, in a query, the `+` out of a text.
pub(crate) fn unquote(text: &str, is_query: bool) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if is_query => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => {
                        return Err(LedgerError::invalid(format!(
                            "Invalid URL encoding: {text}"
                        )));
                    }
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes)
        .map_err(|_| LedgerError::invalid(format!("Invalid URL encoding: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields<'static> {
        Fields::of_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_may_be_texts_and_texts_may_be_numbers_that_are_none() {
        let fields = fields(
            r#"{"a": 5, "b": "5", "c": "NaN", "d": "-Infinity", "e": 5.0, "f": true, "runId": "x", "g": null}"#,
        );
        assert_eq!(fields.integer("a").unwrap(), Some(5));
        assert_eq!(fields.integer("b").unwrap(), Some(5));
        assert_eq!(fields.integer("e").unwrap(), Some(5));
        assert_eq!(fields.integer("g").unwrap(), None);
        assert!(fields.number("c").unwrap().is_nan());
        assert_eq!(fields.number("d").unwrap(), f64::NEG_INFINITY);
        assert_eq!(fields.run_id().unwrap(), "x");
        assert_eq!(
            fields.integer("f").unwrap_err().to_string(),
            "Invalid value true for parameter 'f' supplied:  Hint: Value was of type 'bool'. See the API docs for more \
             information about request parameters."
        );
        assert_eq!(
            fields.required("x").unwrap_err().to_string(),
            "Missing value for required parameter 'x'. See the API docs for more information about request parameters."
        );
    }

    #[test]
    fn bodies_may_be_empty_or_wrapped() {
        assert!(fields("").is_empty());
        assert!(fields("null").is_empty());
        assert_eq!(fields(r#""{\"a\": \"b\"}""#).text("a").unwrap(), Some("b"));
        assert!(Fields::of_json(b"[1]").is_err());
        assert!(Fields::of_json(b"{").is_err());
    }

    #[test]
    fn queries_are_decoded() {
        let fields = Fields::of_query("a=1&b=x+y%2Fz&c=1&c=2&d").unwrap();
        assert_eq!(fields.integer("a").unwrap(), Some(1));
        assert_eq!(fields.text("b").unwrap(), Some("x y/z"));
        assert_eq!(fields.texts("c").unwrap(), ["1", "2"]);
        assert_eq!(fields.texts("a").unwrap(), ["1"]);
        assert_eq!(fields.text("d").unwrap(), None);
        assert!(Fields::of_query("a=%zz").is_err());
        assert!(Fields::of_query("a=%ff").is_err());
    }
}
