//! From one type of column to another, by one rule wherever tables come in: files, requests, batches.

use crate::{Type, Values};

/// Words that mean a missing value where nobody says otherwise.
pub const MISSING_WORDS: [&str; 7] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"];

impl Values {
    /// The values as `wanted`, and the rows (from 0) whose value is none, with what they say; those become missing.
    ///
    /// Texts are trimmed and read as Rust writes numbers; NaN is none; `true` and `false` in any case. A number becomes an
    /// integer where it is whole, also where it is written `5.0`. Booleans and numbers do not become each other.
    pub fn cast(&self, wanted: Type) -> (Self, Vec<(usize, String)>) {
        match (self, wanted) {
            (values, wanted) if values.kind() == wanted => (values.clone(), Vec::new()),
            (Self::Text(texts), Type::Number) => each(texts, |t| number(t), Self::Number),
            (Self::Text(texts), Type::Integer) => each(
                texts,
                |t| integer(t).or_else(|| whole(&number(t)?)),
                Self::Integer,
            ),
            (Self::Text(texts), Type::Boolean) => each(texts, |t| boolean(t), Self::Boolean),
            (Self::Integer(n), Type::Number) => each(n, |n| Some(*n as f64), Self::Number),
            (Self::Number(x), Type::Integer) => each(x, whole, Self::Integer),
            (Self::Number(x), Type::Text) => each(x, |x| Some(x.to_string()), Self::Text),
            (Self::Integer(n), Type::Text) => each(n, |n| Some(n.to_string()), Self::Text),
            (Self::Boolean(b), Type::Text) => each(b, |b| Some(b.to_string()), Self::Text),
            (Self::Number(x), Type::Boolean) => each(x, |_| None, Self::Boolean),
            (Self::Integer(n), Type::Boolean) => each(n, |_| None, Self::Boolean),
            (Self::Boolean(b), Type::Number) => each(b, |_| None, Self::Number),
            (Self::Boolean(b), Type::Integer) => each(b, |_| None, Self::Integer),
            (values, _) => (values.clone(), Vec::new()),
        }
    }

    /// The first of integer, number, boolean and text that all values are; texts are read, no value at all is a number.
    pub fn infer(&self) -> Type {
        let Self::Text(texts) = self else {
            return self.kind();
        };
        let all = |is: fn(&str) -> bool| texts.iter().flatten().all(|text| is(text));
        if texts.iter().all(Option::is_none) {
            Type::Number
        } else if all(|text| integer(text).is_some()) {
            Type::Integer
        } else if all(|text| number(text).is_some()) {
            Type::Number
        } else if all(|text| boolean(text).is_some()) {
            Type::Boolean
        } else {
            Type::Text
        }
    }

    /// The same with texts that `is_missing` names, trimmed, taken for missing.
    #[must_use]
    pub fn without(mut self, is_missing: impl Fn(&str) -> bool) -> Self {
        if let Self::Text(texts) = &mut self {
            for text in texts {
                text.take_if(|text| is_missing(text.trim()));
            }
        }
        self
    }
}

fn each<T: ToString, U>(
    values: &[Option<T>],
    convert: impl Fn(&T) -> Option<U>,
    kind: fn(Vec<Option<U>>) -> Values,
) -> (Values, Vec<(usize, String)>) {
    let mut misfits = Vec::new();
    let mut converted = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let new = value.as_ref().and_then(&convert);
        if let (Some(old), None) = (value, &new) {
            misfits.push((row, old.to_string()));
        }
        converted.push(new);
    }
    (kind(converted), misfits)
}

/// A float as Rust and every spreadsheet write it; infinities are numbers, for others to judge, NaN is none.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|x: &f64| !x.is_nan())
}

/// A float as an integer, where it is one and no other integer is the same float.
fn whole(x: &f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    (x.fract() == 0.0 && x.abs() <= EXACT).then_some(*x as i64)
}

fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
