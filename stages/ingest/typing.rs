//! The types of columns: declared ones are enforced, others inferred from *all* values, never from the first rows.
//!
//! A text is inferred to be, in this order, an integer, a number, a boolean (`true` or `false` in any case), a text: the
//! first that all values of its column are. A column without values is a number. To keep the leading zeros of a code,
//! declare it `text`.

use rayon::prelude::*;

use super::params::{Declared, ValidIngestParams};
use crate::error::Error;
use crate::table::{Column, Table, Type, Values};

/// A table with types, and where the file contradicted the declared ones.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) table: Table,
    pub(super) misfits: Vec<Misfits>,
}

/// Values that are not of the declared type, and so became missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Misfits {
    pub(super) column: String,
    pub(super) declared: Type,
    /// Number of rows.
    pub(super) rows: usize,
    /// The first such row, counted from 1.
    pub(super) first_row: usize,
    /// What that row says.
    pub(super) example: String,
}

/// Gives every column of `table` its type; a missing-value token becomes a missing value.
///
/// # Errors
/// None of its own: what does not fit is returned, for the checks to judge.
pub(super) fn table(table: Table, params: &ValidIngestParams) -> Result<Typed, Error> {
    let typed: Vec<(Column, Option<Misfits>)> = table
        .columns()
        .par_iter()
        .map(|column| {
            let declared = params.schema.iter().find(|d| d.name == column.name);
            column_of(column, declared, |text| {
                params.missing_values.contains(text.trim())
            })
        })
        .collect();
    let (columns, misfits): (Vec<_>, Vec<_>) = typed.into_iter().unzip();
    Ok(Typed {
        table: Table::new(columns)?,
        misfits: misfits.into_iter().flatten().collect(),
    })
}

fn column_of(
    column: &Column,
    declared: Option<&Declared>,
    is_missing: impl Fn(&str) -> bool,
) -> (Column, Option<Misfits>) {
    let values = match &column.values {
        Values::Text(texts) => {
            let present = |text: &Option<String>| text.clone().filter(|text| !is_missing(text));
            Values::Text(texts.iter().map(present).collect())
        }
        other => other.clone(),
    };
    let wanted = declared
        .and_then(|declared| declared.kind)
        .unwrap_or_else(|| infer(&values));
    let (values, misfits) = convert(&values, wanted);
    let misfits = misfits.first().map(|(first, example)| Misfits {
        column: column.name.clone(),
        declared: wanted,
        rows: misfits.len(),
        first_row: first + 1,
        example: example.clone(),
    });
    let name = column.name.clone();
    (Column { name, values }, misfits)
}

fn infer(values: &Values) -> Type {
    let Values::Text(texts) = values else {
        return values.kind();
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

/// The values as `wanted`, and rows (from 0) whose value is none.
fn convert(values: &Values, wanted: Type) -> (Values, Vec<(usize, String)>) {
    let whole = |x: &f64| (x.fract() == 0.0 && x.abs() < 9.2e18).then_some(*x as i64);
    match (values, wanted) {
        (values, wanted) if values.kind() == wanted => (values.clone(), Vec::new()),
        (Values::Text(texts), Type::Number) => each(texts, |t| number(t), Values::Number),
        (Values::Text(texts), Type::Integer) => each(texts, |t| integer(t), Values::Integer),
        (Values::Text(texts), Type::Boolean) => each(texts, |t| boolean(t), Values::Boolean),
        (Values::Integer(n), Type::Number) => each(n, |n| Some(*n as f64), Values::Number),
        (Values::Number(x), Type::Integer) => each(x, whole, Values::Integer),
        (Values::Number(x), Type::Text) => each(x, |x| Some(x.to_string()), Values::Text),
        (Values::Integer(n), Type::Text) => each(n, |n| Some(n.to_string()), Values::Text),
        (Values::Boolean(b), Type::Text) => each(b, |b| Some(b.to_string()), Values::Text),
        (Values::Number(x), Type::Boolean) => each(x, |_| None, Values::Boolean),
        (Values::Integer(n), Type::Boolean) => each(n, |_| None, Values::Boolean),
        (Values::Boolean(b), Type::Number) => each(b, |_| None, Values::Number),
        (Values::Boolean(b), Type::Integer) => each(b, |_| None, Values::Integer),
        (values, _) => (values.clone(), Vec::new()),
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

/// A float as Rust and every spreadsheet write it; infinities are numbers, for the checks to judge, NaN is none.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|x: &f64| !x.is_nan())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::params::IngestParams;
    use crate::options::checked;
    use crate::options::tests::value;

    fn texts(values: &[&str]) -> Values {
        Values::Text(values.iter().map(|text| Some((*text).to_owned())).collect())
    }

    fn typed(values: Values, schema: &str) -> (Values, Vec<Misfits>) {
        let params = checked::<IngestParams>(&value(&format!(r#"{{"schema": {schema}}}"#)));
        let column = Column {
            name: "c".into(),
            values,
        };
        let raw = Table::new(vec![column]).expect("a table");
        let typed = table(raw, &params.expect("valid")).expect("typed");
        (typed.table.columns()[0].values.clone(), typed.misfits)
    }

    #[test]
    fn types_are_inferred_from_all_values() {
        let check = |values: &[&str], expect| assert_eq!(typed(texts(values), "[]").0, expect);
        check(
            &["1", " -2 ", "NA"],
            Values::Integer(vec![Some(1), Some(-2), None]),
        );
        check(
            &["1", "2.5", ""],
            Values::Number(vec![Some(1.0), Some(2.5), None]),
        );
        check(
            &["1", "inf"],
            Values::Number(vec![Some(1.0), Some(f64::INFINITY)]),
        );
        check(
            &["True", "false"],
            Values::Boolean(vec![Some(true), Some(false)]),
        );
        check(&["1", "2", "x "], texts(&["1", "2", "x "]));
        check(&["", "NaN"], Values::Number(vec![None, None]));
    }

    #[test]
    fn a_declared_type_is_enforced() {
        let number = r#"[{"name": "c", "type": "number"}]"#;
        let (values, misfits) = typed(texts(&["1", "two", "", "drei"]), number);
        assert_eq!(values, Values::Number(vec![Some(1.0), None, None, None]));
        let expect = Misfits {
            column: "c".into(),
            declared: Type::Number,
            rows: 2,
            first_row: 2,
            example: "two".into(),
        };
        assert_eq!(misfits, [expect]);
        let text = r#"[{"name": "c", "type": "text"}]"#;
        assert_eq!(typed(texts(&["007"]), text), (texts(&["007"]), vec![]));
        let integer = r#"[{"name": "c", "type": "integer"}]"#;
        let (values, misfits) = typed(Values::Number(vec![Some(2.0), Some(2.5)]), integer);
        assert_eq!(values, Values::Integer(vec![Some(2), None]));
        assert_eq!(misfits[0].example, "2.5");
    }
}
