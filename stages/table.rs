//! Tables as plain columns, the common tongue of the stages.
//!
//! A [`Table`] is what is read from a file, what a transform is applied to (thousands of rows in training, one row in
//! serving), and what a matrix is made of. It knows neither polars nor ndarray nor files.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::names;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Type {
    /// A 64-bit float.
    Number,
    /// A 64-bit signed integer.
    Integer,
    /// A UTF-8 text.
    Text,
    /// True or false.
    Boolean,
}

impl Type {
    /// The word for this type in options, reports and messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Boolean => "boolean",
        }
    }
}

/// The values of a column, one a row; none where the value is missing.
///
/// A float is never NaN: NaN is read as missing. It may be infinite; the data-quality report counts that, `features`
/// refuses it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// 64-bit floats.
    Number(Vec<Option<f64>>),
    /// 64-bit signed integers.
    Integer(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Truth values.
    Boolean(Vec<Option<bool>>),
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// The name, unique in its table.
    pub(crate) name: String,
    /// The values.
    pub(crate) values: Values,
}

/// Columns of equal length with distinct names.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
}

impl Values {
    /// What the column holds.
    pub(crate) const fn kind(&self) -> Type {
        match self {
            Self::Number(_) => Type::Number,
            Self::Integer(_) => Type::Integer,
            Self::Text(_) => Type::Text,
            Self::Boolean(_) => Type::Boolean,
        }
    }

    /// Number of rows.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }

    /// Number of rows without a value.
    pub(crate) fn missing(&self) -> usize {
        fn count<T>(values: &[Option<T>]) -> usize {
            values.iter().filter(|value| value.is_none()).count()
        }
        match self {
            Self::Number(values) => count(values),
            Self::Integer(values) => count(values),
            Self::Text(values) => count(values),
            Self::Boolean(values) => count(values),
        }
    }

    /// The values of the given rows, in the given order.
    fn take(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[Option<T>], rows: &[usize]) -> Vec<Option<T>> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        match self {
            Self::Number(values) => Self::Number(pick(values, rows)),
            Self::Integer(values) => Self::Integer(pick(values, rows)),
            Self::Text(values) => Self::Text(pick(values, rows)),
            Self::Boolean(values) => Self::Boolean(pick(values, rows)),
        }
    }
}

impl Column {
    /// A column of floats.
    pub(crate) fn number(name: impl Into<String>, values: Vec<Option<f64>>) -> Self {
        let values = Values::Number(values);
        Self {
            name: name.into(),
            values,
        }
    }

    /// The values as floats; booleans as 0 and 1.
    ///
    /// # Errors
    /// [`Error::WrongType`] for texts.
    pub(crate) fn numbers(&self) -> Result<Cow<'_, [Option<f64>]>, Error> {
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

    /// The values as the words of a category: texts as they are, integers and booleans as they are written.
    ///
    /// # Errors
    /// [`Error::WrongType`] for floats, whose spelling is no name.
    pub(crate) fn words(&self) -> Result<Cow<'_, [Option<String>]>, Error> {
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

    /// Every value as a finite number.
    ///
    /// # Errors
    /// [`Error::WrongType`] for texts; [`Error::MissingValue`] and [`Error::NotFinite`] name the first such row.
    pub(crate) fn finite(&self) -> Result<Vec<f64>, Error> {
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

impl Table {
    /// A table of `columns`.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] when two have one name.
    ///
    /// # Panics
    /// When their lengths differ: a fault of the stage that made them.
    pub(crate) fn new(columns: Vec<Column>) -> Result<Self, Error> {
        if let [first, rest @ ..] = &columns[..] {
            assert!(
                rest.iter().all(|c| c.values.len() == first.values.len()),
                "bug: a table's columns differ in length"
            );
        }
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|other| other.name == column.name) {
                return Err(Error::DuplicateColumn(column.name.clone()));
            }
        }
        Ok(Self { columns })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The columns, in order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names of the columns, in order.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], with the nearest name there is.
    pub(crate) fn column(&self, name: &str) -> Result<&Column, Error> {
        self.columns
            .iter()
            .find(|column| column.name == name)
            .ok_or_else(|| Error::MissingColumn {
                column: name.to_owned(),
                help: names::suggest("columns", name, self.names()),
            })
    }

    /// The values of the column to predict, each a finite number.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`]; [`Error::BadTarget`] names the first row without such a value.
    pub(crate) fn target(&self, name: &str) -> Result<Vec<f64>, Error> {
        self.column(name)?.finite().map_err(|error| match error {
            Error::MissingValue { column, row } | Error::NotFinite { column, row, .. } => {
                Error::BadTarget { column, row }
            }
            other => other,
        })
    }

    /// The given rows, in the given order.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        let columns = self
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                values: column.values.take(rows),
            })
            .collect();
        Self { columns }
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

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let twice = vec![
            column("a", Values::Text(vec![])),
            column("a", Values::Text(vec![])),
        ];
        assert!(matches!(Table::new(twice), Err(Error::DuplicateColumn(name)) if name == "a"));
    }

    #[test]
    fn takes_rows_in_order() {
        let table = Table::new(vec![column(
            "a",
            Values::Integer(vec![Some(1), None, Some(3)]),
        )]);
        let taken = table.expect("a table").take(&[2, 0]);
        assert_eq!(
            taken.columns()[0].values,
            Values::Integer(vec![Some(3), Some(1)])
        );
    }
}
