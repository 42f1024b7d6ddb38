//! What is recorded, as MLflow's calls take it.

use hpipe_track::ledger::{DatasetInput, Metric, Pair};
use serde_json::{Value, json};

/// Metrics, and pairs, of one call.
pub(crate) const METRICS: usize = 500;
pub(crate) const PAIRS: usize = 100;

/// Tags and params.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Value {
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| json!({"key": pair.key, "value": pair.value}))
        .collect()
}

/// A value of a metric; NaN and the infinities are texts.
pub(crate) fn metric(metric: &Metric) -> Value {
    let value = match metric.value {
        value if value.is_nan() => Value::from("NaN"),
        f64::INFINITY => Value::from("Infinity"),
        f64::NEG_INFINITY => Value::from("-Infinity"),
        value => Value::from(value),
    };
    json!({"key": metric.key, "value": value, "timestamp": metric.timestamp, "step": metric.step})
}

/// Data that a run read.
pub(crate) fn input(input: &DatasetInput) -> Value {
    let data = &input.dataset;
    let mut dataset = json!({
        "name": data.name,
        "digest": data.digest,
        "source_type": data.source_type,
        "source": data.source,
    });
    for (key, text) in [("schema", &data.schema), ("profile", &data.profile)] {
        if let Some(text) = text {
            dataset[key] = Value::from(text.as_str());
        }
    }
    json!({"dataset": dataset, "tags": pairs(&input.tags)})
}

/// A text of an answer, by the names that lead to it.
pub(crate) fn text(answer: &Value, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(answer, |value, key| value.get(key))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
