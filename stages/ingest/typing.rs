//! The types of columns: declared ones are enforced, others inferred from *all* values, never from the first rows.
//!
//! A text is inferred to be, in this order, an integer, a number, a boolean (`true` or `false` in any case), a text: the
//! first that all values of its column are. A column without values is a number. To keep the leading zeros of a code,
//! declare it `text`.

use rayon::prelude::*;

use super::params::{Declared, ValidIngestParams};
use crate::error::Error;
use crate::table::{Column, Table, Type};

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
                params.missing_values.contains(text)
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
    let values = column.values.clone().without(is_missing);
    let wanted = declared
        .and_then(|declared| declared.kind)
        .unwrap_or_else(|| values.infer());
    let (values, misfits) = values.cast(wanted);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::params::IngestParams;
    use crate::options::checked;
    use crate::options::tests::value;
    use crate::table::Values;

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
