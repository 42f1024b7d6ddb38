//! What changed in metrics from one time to another.
//!
//! Metrics are compared by their path, with the equality of [`Value`]: `1` equals `1.0`, a boolean is no number, NaN
//! equals NaN. Knows neither where the times come from nor how a change is shown.

use hpipe_core::Value;

use crate::Comparison;

/// A metric at two times.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its path within the file, joined by dots; empty for a file that is a single number.
    pub metric: String,
    /// What it was; none where it was not.
    pub old: Option<Value>,
    /// What it is; none where it is no more.
    pub new: Option<Value>,
}

/// Sets the metrics of one file at two times side by side, in the order the file names them; null stands for no file.
///
/// Numbers, booleans and texts are metrics; lists and nulls are not, as in DVC.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    // The new file first: its order is what the user sees when he opens it.
    let files = [
        ("new".to_owned(), new.clone()),
        ("old".to_owned(), old.clone()),
    ];
    let rows = Comparison::new(&files).rows.into_iter();
    let change = |row: crate::Row| {
        let mut values = row.values.into_iter();
        let (new, old) = (values.next().flatten(), values.next().flatten());
        Change {
            metric: row.metric,
            old,
            new,
        }
    };
    rows.map(change).collect()
}

/// Sets every value of one file at two times side by side, lists and nulls too: of params, which are whatever they say.
pub fn changes_of_all(old: &Value, new: &Value) -> Vec<Change> {
    let leaves = |file: &Value| match file {
        Value::Null => Vec::new(),
        file => file
            .leaves()
            .into_iter()
            .map(|(name, value)| (name, value.clone()))
            .collect(),
    };
    let (mut old, new) = (leaves(old), leaves(new));
    let mut take = |name: &str| {
        let place = old.iter().position(|(known, _)| known == name)?;
        Some(old.remove(place).1)
    };
    let mut changes: Vec<_> = new
        .into_iter()
        .map(|(metric, new)| Change {
            old: take(&metric),
            new: Some(new),
            metric,
        })
        .collect();
    let is_below = |above: &str, leaf: &str| {
        let below = leaf.strip_prefix(above);
        below.is_some_and(|below| above.is_empty() && !below.is_empty() || below.starts_with('.'))
    };
    // a mapping that is empty at one time and filled at the other: what fills it tells all there is to tell
    old.retain(|(name, _)| !changes.iter().any(|change| is_below(name, &change.metric)));
    let left: Vec<String> = old.iter().map(|(name, _)| name.clone()).collect();
    changes.retain(|change| {
        change.old.is_some() || !left.iter().any(|name| is_below(&change.metric, name))
    });
    changes.extend(old.into_iter().map(|(metric, old)| Change {
        metric,
        old: Some(old),
        new: None,
    }));
    changes
}

impl Change {
    /// Whether the two differ.
    pub fn is_change(&self) -> bool {
        self.old != self.new
    }

    /// New minus old, exact for whole numbers; none unless both are finite numbers.
    pub fn delta(&self) -> Option<Value> {
        match (self.old.as_ref()?, self.new.as_ref()?) {
            (Value::Int(old), Value::Int(new)) => new.checked_sub(*old).map(Value::Int),
            (old, new) => {
                let delta = number(new)? - number(old)?;
                delta.is_finite().then_some(Value::Float(delta))
            }
        }
    }
}

/// The number a value is; booleans are none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

/// Whether `metric` fits `pattern`, in which `*` stands for any text, dots included.
pub fn fits(metric: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = metric.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(place) => rest = &rest[place + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_metrics;
    use hpipe_core::ProjectPath;

    fn told(old: &str, new: &str) -> Vec<String> {
        let read = |text| read_metrics(&ProjectPath::new("m.json"), text).expect("JSON");
        let cell = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let found = changes(&read(old), &read(new));
        found
            .iter()
            .map(|change| {
                let mark = if change.is_change() { "!" } else { "=" };
                let (old, new, delta) = (&change.old, &change.new, &change.delta());
                format!(
                    "{mark} {} {} {} {}",
                    change.metric,
                    cell(old),
                    cell(new),
                    cell(delta)
                )
            })
            .collect()
    }

    #[test]
    fn numbers_have_a_difference() {
        assert_eq!(
            told(
                r#"{"a": 3, "b": 0.5, "c": 1}"#,
                r#"{"b": 0.25, "a": 1, "c": 1.0}"#
            ),
            ["! b 0.5 0.25 -0.25", "! a 3 1 -2", "= c 1 1.0 0.0"]
        );
    }

    #[test]
    fn what_is_no_number_is_compared_all_the_same() {
        assert_eq!(
            told(
                r#"{"best": "ridge", "ok": false, "list": [1], "x": NaN, "y": NaN, "gone": 1}"#,
                r#"{"best": "lasso", "ok": true, "list": [2], "x": NaN, "y": 1, "came": 1}"#
            ),
            [
                "! best ridge lasso -",
                "! ok false true -",
                "= x .nan .nan -",
                "! y .nan 1 -",
                "! came - 1 -",
                "! gone 1 - -"
            ]
        );
    }

    #[test]
    fn a_file_may_come_go_or_be_a_number() {
        assert_eq!(told("", r#"{"a": {"b": 1}}"#), ["! a.b - 1 -"]);
        assert_eq!(told("1", "3"), ["!  1 3 2"]);
        assert_eq!(told("1", r#"{"a": 1}"#), ["! a - 1 -", "!  1 - -"]);
    }

    #[test]
    fn patterns_fit_nested_names() {
        for (pattern, fit) in [
            ("models.ridge.rmse", true),
            ("models.*.rmse", true),
            ("*.rmse", true),
            ("*", true),
            ("models*", true),
            ("*ridge*", true),
            ("rmse", false),
            ("models", false),
            ("*.mae", false),
            ("models.*.*.rmse", false),
            ("", false),
        ] {
            assert_eq!(fits("models.ridge.rmse", pattern), fit, "{pattern}");
        }
    }
}
