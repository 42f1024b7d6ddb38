//! Rows against what the model was trained on: ranges of numbers, words it knows, values that were never missing.

use hpipe_core::{Input, Table, Values};
use serde_json::{Value, json};

use crate::fault::{Detail, Details};
use crate::options::Treatment;
use crate::rows::{Place, Shape};

/// Words of a category that are told.
const TOLD: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The request is to be refused.
    pub(crate) faults: Details,
    /// The request is answered all the same.
    pub(crate) warnings: Details,
}

/// What is odd about a value.
struct Odd {
    kind: &'static str,
    msg: String,
    input: Value,
    ctx: Option<Value>,
}

/// One column that is checked.
struct Checked<'a> {
    input: &'a Input,
    place: Place,
    treatment: Treatment,
    found: &'a mut Found,
}

/// Checks a table whose columns are those of the shape.
pub(crate) fn check(shape: &Shape, table: &Table, place: Place, treatment: Treatment) -> Found {
    let mut found = Found::default();
    let columns = shape.inputs.iter().zip(&shape.complete);
    for ((input, complete), column) in columns.zip(table.columns()) {
        let mut checked = Checked {
            input,
            place,
            treatment,
            found: &mut found,
        };
        let values = &column.values;
        if *complete && treatment != Treatment::Ignore && values.missing() > 0 {
            checked.missing(values);
        }
        match (values, input.range) {
            (Values::Number(values), Some(range)) if treatment != Treatment::Ignore => {
                checked.range(values, range, |value| (*value, Value::from(*value)));
            }
            (Values::Integer(values), Some(range)) if treatment != Treatment::Ignore => {
                checked.range(values, range, |value| (*value as f64, Value::from(*value)));
            }
            (Values::Text(values), _) if !input.categories.is_empty() => checked.words(values),
            _ => {}
        }
    }
    found
}

impl Checked<'_> {
    fn add(&mut self, row: usize, is_fault: bool, odd: impl FnOnce() -> Odd) {
        let into = match (is_fault, self.treatment) {
            (true, _) | (false, Treatment::Reject) => &mut self.found.faults,
            (false, Treatment::Warn) => &mut self.found.warnings,
            (false, Treatment::Ignore) => return,
        };
        let loc = || self.place.of(row, Some(&self.input.name));
        into.add(|| {
            let Odd {
                kind,
                msg,
                input,
                ctx,
            } = odd();
            Detail {
                kind,
                loc: loc(),
                msg,
                input,
                ctx,
            }
        });
    }

    fn missing(&mut self, values: &Values) {
        for row in (0..values.len()).filter(|row| is_missing(values, *row)) {
            self.add(row, false, || Odd {
                kind: "missing",
                msg: "Field should have a value: in training it always had".to_owned(),
                input: Value::Null,
                ctx: None,
            });
        }
    }

    fn range<T>(
        &mut self,
        values: &[Option<T>],
        [least, most]: [f64; 2],
        told: impl Fn(&T) -> (f64, Value),
    ) {
        for (row, value) in present(values) {
            let (number, input) = told(value);
            let (kind, words, bound) = if number < least {
                ("greater_than_equal", "greater", least)
            } else if number > most {
                ("less_than_equal", "less", most)
            } else {
                continue;
            };
            self.add(row, false, || Odd {
                kind,
                msg: format!(
                    "Input should be {words} than or equal to {bound}: training saw {least} to {most}"
                ),
                input,
                ctx: Some(json!({"ge": least, "le": most})),
            });
        }
    }

    fn words(&mut self, values: &[Option<String>]) {
        let known = &self.input.categories;
        for (row, word) in present(values).filter(|(_, word)| !known.contains(word)) {
            let is_fault = self.input.refuses_unseen;
            self.add(row, is_fault, || {
                let expected: Vec<_> = known.iter().take(TOLD).map(String::as_str).collect();
                Odd {
                    kind: "enum",
                    msg: format!(
                        "Input should be a word that training saw: {}",
                        expected.join(", ")
                    ),
                    input: Value::from(word.as_str()),
                    ctx: Some(json!({"expected": expected})),
                }
            });
        }
    }
}

fn present<T>(values: &[Option<T>]) -> impl Iterator<Item = (usize, &T)> {
    let rows = values.iter().enumerate();
    rows.filter_map(|(row, value)| Some((row, value.as_ref()?)))
}

fn is_missing(values: &Values, row: usize) -> bool {
    match values {
        Values::Number(values) => values[row].is_none(),
        Values::Integer(values) => values[row].is_none(),
        Values::Text(values) => values[row].is_none(),
        Values::Boolean(values) => values[row].is_none(),
    }
}
