//! What a model predicts from: named features, and the matrix they make of a table.
//!
//! Numbers stay numbers. A column of texts is a categorical feature: its words become codes, numbered in alphabetical
//! order as training saw them; a word that training did not see counts as missing.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, ShapeBuilder};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::markdown::counted;
use crate::table::{Cells, Column, Lookup, Table, Values};

/// How many words of a categorical feature tree learners can tell apart.
pub(crate) const MOST_LEVELS: usize = 255;

/// A column that a model predicts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feature {
    /// Its name.
    pub(crate) name: String,
    /// The words behind the codes 0, 1, …; none for a column of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) levels: Option<Vec<String>>,
}

/// The features of a model, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Schema(Vec<Feature>);

/// What a model does with rows that lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// They are an error, and so are columns of words.
    Refused,
    /// A missing value becomes NaN.
    Allowed,
}

impl Schema {
    /// Every column of `table` but `target`, in the table's order.
    pub(crate) fn learn(table: &Table, target: &str) -> Self {
        let columns = table.columns().iter().filter(|c| c.name != target);
        Self(columns.map(Feature::learn).collect())
    }

    /// Columns of numbers.
    pub(crate) fn of_numbers(names: Vec<String>) -> Self {
        let feature = |name| Feature { name, levels: None };
        Self(names.into_iter().map(feature).collect())
    }

    /// The features, in order.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.0
    }

    /// Their names, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|feature| feature.name.clone()).collect()
    }

    /// The words of the features of codes, by their names; a word's place is its code.
    pub(crate) fn levels(&self) -> BTreeMap<String, Vec<String>> {
        let features = self.0.iter();
        let levels = features.filter_map(|one| Some((one.name.clone(), one.levels.clone()?)));
        levels.collect()
    }

    /// The places of the features of codes.
    pub(crate) fn categorical(&self) -> Vec<usize> {
        let places = self.0.iter().enumerate();
        let coded = places.filter(|(_, feature)| feature.levels.is_some());
        coded.map(|(place, _)| place).collect()
    }

    /// The first categorical feature that has more words than tree learners can tell apart.
    pub(crate) fn with_too_many_levels(&self) -> Option<&Feature> {
        let is_too_many = |feature: &&Feature| {
            let levels = feature.levels.as_ref();
            levels.is_some_and(|levels| levels.len() > MOST_LEVELS)
        };
        self.0.iter().find(is_too_many)
    }

    /// What is worth telling of words in the rows of `table`, read from `path`, that training did not see.
    pub(crate) fn unseen(&self, table: &Table, path: &str) -> Vec<String> {
        let note = |feature: &Feature| {
            let levels = feature.levels.as_ref()?;
            let words = table.column(&feature.name).ok()?.words().ok()?;
            let is_unseen = |word: &&String| levels.binary_search(word).is_err();
            let unseen: Vec<&String> = words.iter().flatten().filter(is_unseen).collect();
            let first = unseen.first()?;
            Some(format!(
                "{path}: {} with a word of `{}` that training did not see, such as `{first}`; it counts as missing",
                counted(unseen.len(), "row"),
                feature.name,
            ))
        };
        self.0.iter().filter_map(note).collect()
    }

    /// The features of every row of `table`: `n_rows × n_features`, column-major, NaN where a value is missing.
    ///
    /// Columns that are no features are ignored.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::NotFinite`]; [`Error::MissingValue`] where gaps are refused.
    pub(crate) fn records(&self, table: &Table, gaps: Gaps) -> Result<Array2<f64>, Error> {
        let mut values = Vec::with_capacity(table.rows() * self.0.len());
        for feature in &self.0 {
            values.extend(feature.values(table.column(&feature.name)?, gaps)?);
        }
        let shape = (table.rows(), self.0.len()).f();
        Array2::from_shape_vec(shape, values).map_err(|error| Error::Numerical(error.to_string()))
    }
}

impl Feature {
    fn learn(column: &Column) -> Self {
        let levels = match &column.values {
            Values::Text(words) => {
                let words: BTreeSet<&String> = words.iter().flatten().collect();
                Some(words.into_iter().cloned().collect())
            }
            _ => None,
        };
        Self {
            name: column.name.clone(),
            levels,
        }
    }

    fn values(&self, column: &Column, gaps: Gaps) -> Result<Vec<f64>, Error> {
        match (&self.levels, gaps) {
            (None, Gaps::Allowed) => finite_or_missing(column),
            (Some(levels), Gaps::Allowed) => codes(column, levels),
            (_, Gaps::Refused) => column.finite(),
        }
    }
}

/// The numbers of a column, NaN for a missing one.
fn finite_or_missing(column: &Column) -> Result<Vec<f64>, Error> {
    let numbers = column.numbers()?;
    if let Some((row, value)) = infinite(&numbers) {
        return Err(Error::NotFinite {
            column: column.name.clone(),
            row: row + 1,
            value,
        });
    }
    Ok(numbers.iter().map(|x| x.unwrap_or(f64::NAN)).collect())
}

fn infinite(numbers: &[Option<f64>]) -> Option<(usize, f64)> {
    let mut rows = numbers.iter().enumerate();
    rows.find_map(|(row, x)| x.filter(|x| x.is_infinite()).map(|x| (row, x)))
}

/// The codes of a column's words, NaN for a missing or unknown one.
fn codes(column: &Column, levels: &[String]) -> Result<Vec<f64>, Error> {
    let known: BTreeMap<&str, f64> = levels
        .iter()
        .enumerate()
        .map(|(code, word)| (word.as_str(), code as f64))
        .collect();
    let code = |word: &Option<String>| {
        let code = word.as_ref().and_then(|word| known.get(word.as_str()));
        code.copied().unwrap_or(f64::NAN)
    };
    Ok(column.words()?.iter().map(code).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let words = [Some("b"), None, Some("a")].map(|word| word.map(str::to_owned));
        Table::new(vec![
            Column::number("x", vec![Some(1.0), Some(2.0), None]),
            Column::number("y", vec![Some(5.0), Some(6.0), Some(7.0)]),
            Column {
                name: "c".into(),
                values: Values::Text(words.to_vec()),
            },
        ])
        .expect("a table")
    }

    #[test]
    fn columns_become_columns_and_words_codes() {
        let schema = Schema::learn(&table(), "y");
        assert_eq!(schema.names(), ["x", "c"]);
        assert_eq!(schema.categorical(), [1]);
        let records = schema.records(&table(), Gaps::Allowed).expect("a matrix");
        assert_eq!(records.strides(), [1, 3]);
        let found: Vec<String> = records.iter().map(f64::to_string).collect();
        assert_eq!(found, ["1", "1", "2", "NaN", "NaN", "0"]);
    }

    #[test]
    fn an_unseen_word_counts_as_missing() {
        let schema = Schema::learn(&table().take(&[0]), "y");
        let records = schema.records(&table(), Gaps::Allowed).expect("a matrix");
        assert!(records[[2, 1]].is_nan() && records[[0, 1]] == 0.0);
        assert!(schema.unseen(&table().take(&[0, 1]), "t").is_empty());
        assert_eq!(
            schema.unseen(&table(), "t"),
            [
                "t: 1 row with a word of `c` that training did not see, such as `a`; it counts as missing"
            ]
        );
    }

    #[test]
    fn who_refuses_gaps_says_where() {
        let schema = Schema::learn(&table(), "y");
        let error = schema.records(&table(), Gaps::Refused).expect_err("a gap");
        insta::assert_snapshot!(error, @"column `x` has no value in row 3");
        let (rows, words) = (table().take(&[0]), "c");
        let error = schema.records(&rows, Gaps::Refused).expect_err("words");
        assert!(matches!(error, Error::WrongType { column, .. } if column == words));
    }
}
