//! How values, reasons and ordered mappings are written as JSON.
//!
//! Numbers keep their type. What JSON cannot say, NaN and the infinities, becomes the text `NaN`, `Infinity` or
//! `-Infinity`, as in the JSON form of protocol buffers.

use hpipe_core::{Reason, Value};
use serde::{Serialize, Serializer};

/// A value as JSON.
pub(super) struct JsonValue<'a>(pub(super) &'a Value);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Float(x) if x.is_nan() => serializer.serialize_str("NaN"),
            Value::Float(x) if *x == f64::INFINITY => serializer.serialize_str("Infinity"),
            Value::Float(x) if *x == f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            Value::List(items) => serializer.collect_seq(items.iter().map(JsonValue)),
            Value::Map(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (key, JsonValue(value))))
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// A value as a JSON document of its own.
pub(crate) fn value_of(value: &Value) -> serde_json::Value {
    serde_json::to_value(JsonValue(value)).unwrap_or_default()
}

/// A reason as JSON: `{kind, name?, old?, new?}`.
#[derive(Serialize)]
pub(super) struct JsonReason<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<JsonValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<JsonValue<'a>>,
}

impl<'a> From<&'a Reason> for JsonReason<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self {
            kind: reason.kind.name(),
            name: reason.name.as_deref(),
            old: reason.old.as_ref().map(JsonValue),
            new: reason.new.as_ref().map(JsonValue),
        }
    }
}

/// A JSON object whose keys keep the order they have here.
pub(super) struct InOrder<'a, T>(pub(super) Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::ReasonKind;

    fn json(value: &Value) -> String {
        serde_json::to_string(&JsonValue(value)).expect("a value can be written")
    }

    #[test]
    fn values_keep_their_type() {
        for (value, expect) in [
            (Value::Null, "null"),
            (Value::Bool(true), "true"),
            (Value::Int(1), "1"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(1e300), "1e+300"),
            (Value::Text("1".into()), "\"1\""),
            (Value::Text("a\n\"b".into()), "\"a\\n\\\"b\""),
            (Value::Float(f64::NAN), "\"NaN\""),
            (Value::Float(f64::INFINITY), "\"Infinity\""),
            (Value::Float(f64::NEG_INFINITY), "\"-Infinity\""),
            (Value::List(vec![Value::Float(f64::NAN)]), "[\"NaN\"]"),
            (
                Value::Int(i128::MAX),
                "170141183460469231731687303715884105727",
            ),
        ] {
            assert_eq!(json(&value), expect);
        }
    }

    #[test]
    fn a_null_value_is_not_an_absent_one() {
        let reason = Reason::changed(ReasonKind::ParamChanged, "lr", Value::Null, Value::Int(1));
        let text =
            serde_json::to_string(&JsonReason::from(&reason)).expect("a reason can be written");
        assert_eq!(
            text,
            r#"{"kind":"param_changed","name":"lr","old":null,"new":1}"#
        );
    }
}
