//! Tables as plain columns, the common tongue of stages, serving and monitoring.
//!
//! A [`Table`] is what is read from a file or a request, what a transform is applied to (thousands of rows in training, one
//! row in serving), and what a matrix is made of. It knows neither polars nor ndarray, neither files nor HTTP.

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Boolean => "boolean",
        }
    }

    /// A column's values of this type, of no rows.
    pub const fn no_values(self) -> Values {
        match self {
            Self::Number => Values::Number(Vec::new()),
            Self::Integer => Values::Integer(Vec::new()),
            Self::Text => Values::Text(Vec::new()),
            Self::Boolean => Values::Boolean(Vec::new()),
        }
    }
}

/// The values of a column, one a row; none where the value is missing.
///
/// A float is never NaN: NaN is read as missing. It may be infinite; who reads it decides what that means.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
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
pub struct Column {
    /// The name, unique in its table.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// Columns of equal length with distinct names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<Column>,
}

/// Two columns of one table have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two columns are called `{0}`")]
pub struct DuplicateColumn(pub String);

impl Values {
    /// What the column holds.
    pub const fn kind(&self) -> Type {
        match self {
            Self::Number(_) => Type::Number,
            Self::Integer(_) => Type::Integer,
            Self::Text(_) => Type::Text,
            Self::Boolean(_) => Type::Boolean,
        }
    }

    /// Number of rows.
    pub const fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows without a value.
    pub fn missing(&self) -> usize {
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
    pub fn number(name: impl Into<String>, values: Vec<Option<f64>>) -> Self {
        let values = Values::Number(values);
        Self {
            name: name.into(),
            values,
        }
    }
}

impl Table {
    /// A table of `columns`.
    ///
    /// # Errors
    /// [`DuplicateColumn`] when two have one name.
    ///
    /// # Panics
    /// When their lengths differ: a fault of whoever made them.
    pub fn new(columns: Vec<Column>) -> Result<Self, DuplicateColumn> {
        if let [first, rest @ ..] = &columns[..] {
            assert!(
                rest.iter().all(|c| c.values.len() == first.values.len()),
                "bug: a table's columns differ in length"
            );
        }
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|other| other.name == column.name) {
                return Err(DuplicateColumn(column.name.clone()));
            }
        }
        Ok(Self { columns })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, in order, to whoever takes the table apart.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The column called `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
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
    fn two_columns_of_one_name_are_refused() {
        let twice = vec![
            column("a", Values::Text(vec![])),
            column("a", Values::Text(vec![])),
        ];
        assert_eq!(Table::new(twice), Err(DuplicateColumn("a".into())));
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
        assert_eq!(
            (
                taken.rows(),
                taken.get("b"),
                taken.columns()[0].values.missing()
            ),
            (2, None, 0)
        );
    }
}
