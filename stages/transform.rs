//! The transform: from the columns of a table to the numeric features of a model.
//!
//! Fitted once, on the training part (`features/fit.rs`); applied through [`Transform::apply`] alone, to the parts of the
//! table today and to single rows in serving. It holds every figure it learned and never learns again: what a row becomes
//! depends on that row only. Its file is `docs/formats/transform.md`.
//!
//! The steps, in order: bound and impute numeric columns; compute derived columns and impute those; tell of the nearest
//! training rows; leave out dropped columns; scale; encode categories. It knows neither files nor polars.
//!
//! The training rows alone are an exception, for they are their own nearest neighbours: [`Transform::apply_to_training`].

mod category;
pub(crate) mod neighbours;
mod numeric;
mod recipe;

pub(crate) use category::{Category, CategoryFiller, Encoding, Unseen};
pub(crate) use numeric::{Derived, Filler, Numeric, Scaled};
pub(crate) use recipe::{Recipe, RecipeParams};

use serde::{Deserialize, Serialize};

use self::neighbours::{Neighbours, Rows};

use crate::artifact::Artifact;
use crate::error::Error;
use crate::table::{Column, Table};

/// What makes features of a table's columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transform {
    /// The column to predict; no feature, and not needed to apply the transform.
    pub(crate) target: String,
    /// The numeric columns it reads.
    pub(crate) numeric: Vec<Numeric>,
    /// The columns it computes, each from those before it.
    pub(crate) derived: Vec<Derived>,
    /// The groups of columns it makes of the nearest training rows.
    #[serde(default)]
    pub(crate) neighbours: Vec<Neighbours>,
    /// The numeric features, in order.
    pub(crate) scaled: Vec<Scaled>,
    /// The columns it encodes, whose features follow the numeric ones.
    pub(crate) categories: Vec<Category>,
}

impl Artifact for Transform {
    const FORMAT: &'static str = "hpipe-transform";
    const VERSION: u32 = 2;
    const WHAT: &'static str = "a transform";
}

/// What [`Transform::apply`] makes.
#[derive(Debug)]
pub(crate) struct Applied {
    /// `n_rows` × number of features; every value finite, or missing where the transform keeps what is missing.
    pub(crate) features: Table,
    /// For each column with categories that training did not see: its name and the number of such rows.
    pub(crate) unseen: Vec<(String, usize)>,
}

impl Transform {
    /// Makes the features of every row of `table`: as many rows, in the same order.
    ///
    /// Columns that the transform does not name are ignored.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`]; [`Error::NotFinite`] for an infinite value;
    /// [`Error::MissingValue`] and [`Error::Undefined`] where a value is missing or a recipe has none, and no imputation was
    /// configured;
    /// [`Error::UnseenCategory`] where that is configured to be one.
    pub(crate) fn apply(&self, table: &Table) -> Result<Applied, Error> {
        self.apply_to(table, Rows::New)
    }

    /// As [`apply`](Self::apply), of the table the transform was fitted on: no row is told of itself.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub(crate) fn apply_to_training(&self, train: &Table) -> Result<Applied, Error> {
        self.apply_to(train, Rows::Training)
    }

    fn apply_to(&self, table: &Table, rows: Rows) -> Result<Applied, Error> {
        let mut numbers = Numbers::default();
        for numeric in &self.numeric {
            numbers.add(&numeric.column, numeric.apply(table)?);
        }
        for derived in &self.derived {
            numbers.add(&derived.name, derived.apply(&numbers)?);
        }
        for group in &self.neighbours {
            for (name, values) in group.apply(&numbers, rows)? {
                numbers.add(name, values);
            }
        }
        let mut columns = Vec::new();
        for scaled in &self.scaled {
            let values = scaled.apply(&numbers)?;
            columns.push(Column::number(&scaled.column, values));
        }
        let mut unseen = Vec::new();
        for category in &self.categories {
            let encoded = category.apply(table)?;
            columns.extend(encoded.columns);
            if encoded.unseen > 0 {
                unseen.push((category.column.clone(), encoded.unseen));
            }
        }
        Ok(Applied {
            features: Table::new(columns)?,
            unseen,
        })
    }
}

/// Named columns of numbers, as they are between the steps: finite, or NaN where a missing one is kept.
#[derive(Debug, Default)]
pub(crate) struct Numbers(Vec<(String, Vec<f64>)>);

impl Numbers {
    /// Adds a column.
    pub(crate) fn add(&mut self, name: &str, values: Vec<f64>) {
        self.0.push((name.to_owned(), values));
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// [`Error::MissingColumn`]: only for a transform whose file somebody edited.
    pub(crate) fn get(&self, name: &str) -> Result<&[f64], Error> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, values)| &values[..])
            .ok_or_else(|| Error::MissingColumn {
                column: name.to_owned(),
                help: "no earlier step of the transform makes it".to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Values;

    fn transform() -> Transform {
        let json = r#"{
            "target": "y",
            "numeric": [
                {"column": "rooms", "bounds": [0.0, 9.0], "impute": {"constant": 5.0}},
                {"column": "people", "bounds": null, "impute": null}
            ],
            "derived": [{"name": "each", "recipe": {"ratio": ["rooms", "people"]}, "impute": {"constant": 1.5}}],
            "neighbours": [{
                "name": "near", "coordinates": [{"column": "each", "factor": 1.0}], "k": [2],
                "statistics": ["mean"], "of": ["y"], "weights": "uniform",
                "features": [{"name": "near_2_mean_y", "impute": null}],
                "reference": [
                    {"column": "each", "values": [0.0, 1.0, 3.0]}, {"column": "y", "values": [1.0, 2.0, 6.0]}
                ]
            }],
            "scaled": [
                {"column": "each", "center": 1.0, "scale": 0.5},
                {"column": "near_2_mean_y", "center": 0.0, "scale": 1.0}
            ],
            "categories": [{
                "column": "sea", "impute": {"constant": "near"}, "categories": ["far", "near"],
                "encoding": {"one_hot": {"dropped": "far"}}, "unseen": "ignore"
            }]
        }"#;
        serde_json::from_str(json).expect("a transform")
    }

    fn table() -> Table {
        let words = ["far", "near", "under", ""]
            .map(|word| Some(word.to_owned()).filter(|w| !w.is_empty()));
        Table::new(vec![
            Column::number("rooms", vec![Some(4.0), Some(100.0), None, Some(2.0)]),
            Column {
                name: "sea".into(),
                values: Values::Text(words.to_vec()),
            },
            Column {
                name: "people".into(),
                values: Values::Integer([2, 3, 5, 0].map(Some).to_vec()),
            },
        ])
        .expect("a table")
    }

    #[test]
    fn steps_are_applied_in_order() {
        let applied = transform().apply(&table()).expect("features");
        let expect = Table::new(vec![
            Column::number("each", [2.0, 4.0, 0.0, 1.0].map(Some).to_vec()),
            Column::number("near_2_mean_y", [4.0, 4.0, 1.5, 1.5].map(Some).to_vec()),
            Column::number("sea=near", [0.0, 1.0, 0.0, 1.0].map(Some).to_vec()),
        ]);
        assert_eq!(applied.features, expect.expect("a table"));
        assert_eq!(applied.unseen, [("sea".to_owned(), 1)]);
    }

    #[test]
    fn a_row_alone_becomes_what_it_becomes_among_others() {
        let (transform, table) = (transform(), table());
        let together = transform.apply(&table).expect("features").features;
        for row in 0..table.rows() {
            let alone = transform
                .apply(&table.take(&[row]))
                .expect("features")
                .features;
            assert_eq!(alone, together.take(&[row]), "row {row}");
        }
        let none = transform
            .apply(&table.take(&[]))
            .expect("features")
            .features;
        assert_eq!((none.rows(), none.columns().len()), (0, 3));
    }
}
