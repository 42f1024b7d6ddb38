//! What stages ask of tables, beyond what tables are ([`hpipe_core::Table`]), with the errors of stages.

use std::borrow::Cow;

pub(crate) use hpipe_core::{Column, Table, Type, Values};

use crate::error::Error;
use crate::names;

/// The cells of a column as what a stage needs.
pub(crate) trait Cells {
    /// The values as floats; booleans as 0 and 1.
    ///
    /// # Errors
    /// [`Error::WrongType`] for texts.
    fn numbers(&self) -> Result<Cow<'_, [Option<f64>]>, Error>;

    /// The values as the words of a category: texts as they are, integers and booleans as they are written.
    ///
    /// # Errors
    /// [`Error::WrongType`] for floats, whose spelling is no name.
    fn words(&self) -> Result<Cow<'_, [Option<String>]>, Error>;

    /// Every value as a finite number.
    ///
    /// # Errors
    /// [`Error::WrongType`] for texts; [`Error::MissingValue`] and [`Error::NotFinite`] name the first such row.
    fn finite(&self) -> Result<Vec<f64>, Error>;
}

/// The columns of a table by name.
pub(crate) trait Lookup {
    /// The column called `name`.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], with the nearest name there is.
    fn column(&self, name: &str) -> Result<&Column, Error>;

    /// The values of the column to predict, each a finite number.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`]; [`Error::BadTarget`] names the first row without such a value.
    fn target(&self, name: &str) -> Result<Vec<f64>, Error>;
}

impl Cells for Column {
    fn numbers(&self) -> Result<Cow<'_, [Option<f64>]>, Error> {
        match &self.values {
            Values::Number(values) => Ok(Cow::Borrowed(values)),
            Values::Integer(values) => {
                Ok(values.iter().map(|value| value.map(|n| n as f64)).collect())
            }
            Values::Boolean(values) => Ok(values
                .iter()
                .map(|value| value.map(|b| if b { 1.0 } else { 0.0 }))
                .collect()),
            Values::Text(_) => Err(Error::WrongType {
                column: self.name.clone(),
                expected: "numbers",
                found: "texts",
            }),
        }
    }

    fn words(&self) -> Result<Cow<'_, [Option<String>]>, Error> {
        fn spell<T: ToString>(values: &[Option<T>]) -> Vec<Option<String>> {
            values
                .iter()
                .map(|value| value.as_ref().map(T::to_string))
                .collect()
        }
        match &self.values {
            Values::Text(values) => Ok(Cow::Borrowed(values)),
            Values::Integer(values) => Ok(Cow::Owned(spell(values))),
            Values::Boolean(values) => Ok(Cow::Owned(spell(values))),
            Values::Number(_) => Err(Error::WrongType {
                column: self.name.clone(),
                expected: "categories (text, integer or boolean)",
                found: "numbers",
            }),
        }
    }

    fn finite(&self) -> Result<Vec<f64>, Error> {
        self.numbers()?
            .iter()
            .enumerate()
            .map(|(row, value)| match value {
                Some(x) if x.is_finite() => Ok(*x),
                Some(x) => Err(Error::NotFinite {
                    column: self.name.clone(),
                    row: row + 1,
                    value: *x,
                }),
                None => Err(Error::MissingValue {
                    column: self.name.clone(),
                    row: row + 1,
                }),
            })
            .collect()
    }
}

impl Lookup for Table {
    fn column(&self, name: &str) -> Result<&Column, Error> {
        self.get(name).ok_or_else(|| Error::MissingColumn {
            column: name.to_owned(),
            help: names::suggest("columns", name, self.names()),
        })
    }

    fn target(&self, name: &str) -> Result<Vec<f64>, Error> {
        self.column(name)?.finite().map_err(|error| match error {
            Error::MissingValue { column, row } | Error::NotFinite { column, row, .. } => {
                Error::BadTarget { column, row }
            }
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: Values) -> Column {
        Column {
            name: name.into(),
            values,
        }
    }

    #[test]
    fn numbers_come_from_all_but_text() {
        let check = |values, expect: Option<Vec<Option<f64>>>| {
            let numbers = column("c", values).numbers().ok().map(Cow::into_owned);
            assert_eq!(numbers, expect);
        };
        check(
            Values::Number(vec![Some(0.5), None]),
            Some(vec![Some(0.5), None]),
        );
        check(Values::Integer(vec![Some(2)]), Some(vec![Some(2.0)]));
        check(Values::Boolean(vec![Some(true)]), Some(vec![Some(1.0)]));
        check(Values::Text(vec![Some("1".into())]), None);
    }

    #[test]
    fn finite_names_the_row() {
        let error = |values| {
            column("c", Values::Number(values))
                .finite()
                .map_err(|e| e.to_string())
        };
        assert_eq!(error(vec![Some(1.0)]), Ok(vec![1.0]));
        insta::assert_snapshot!(
            error(vec![Some(1.0), None]).expect_err("missing"),
            @"column `c` has no value in row 2"
        );
        insta::assert_snapshot!(
            error(vec![Some(f64::INFINITY)]).expect_err("infinite"),
            @"column `c` is inf in row 1"
        );
    }

    #[test]
    fn a_missing_column_is_named_with_the_nearest() {
        let table = Table::new(vec![column("Latitude", Values::Number(vec![]))]).expect("a table");
        let error = table.column("latitude").expect_err("missing");
        insta::assert_snapshot!(error, @"there is no column `latitude`");
        assert!(
            matches!(error, Error::MissingColumn { help, .. } if help == "did you mean `Latitude`?")
        );
    }
}
