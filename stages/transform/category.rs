//! One-hot encoding: a column of categories becomes a column of zeros and ones for each.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::names;
use crate::table::{Column, Table};

/// A column of categories and how it is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Category {
    /// Its name in the table.
    pub(crate) column: String,
    /// What a missing value becomes; none: it is an error.
    pub(crate) impute: Option<String>,
    /// The known categories, in the order of their features.
    pub(crate) categories: Vec<String>,
    /// The category without a feature of its own, which is all zeros; none: every category has one, and together they
    /// are collinear with an intercept.
    pub(crate) dropped: Option<String>,
    /// What becomes of a category that is not known.
    pub(crate) unseen: Unseen,
}

/// What becomes of a category that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unseen {
    /// It is an error that names column, row and category.
    #[default]
    Error,
    /// All features are 0; so also looks the dropped category.
    Ignore,
    /// It is taken for this known category.
    As(String),
}

/// What [`Category::apply`] makes.
pub(crate) struct Encoded {
    /// A feature of zeros and ones for each category that is not dropped.
    pub(crate) columns: Vec<Column>,
    /// Number of rows with a category that is not known.
    pub(crate) unseen: usize,
}

impl Category {
    /// The name of the feature of a category: `ocean_proximity=ISLAND`.
    pub(crate) fn feature(&self, category: &str) -> String {
        format!("{}={category}", self.column)
    }

    /// The features of every row.
    pub(crate) fn apply(&self, table: &Table) -> Result<Encoded, Error> {
        let words = table.column(&self.column)?.words()?;
        let mut unseen = 0;
        let mut places = Vec::with_capacity(words.len());
        for (row, word) in words.iter().enumerate() {
            let word =
                word.as_ref()
                    .or(self.impute.as_ref())
                    .ok_or_else(|| Error::MissingValue {
                        column: self.column.clone(),
                        row: row + 1,
                    })?;
            let place = self.place(word);
            unseen += usize::from(place.is_none());
            places.push(match (place, &self.unseen) {
                (Some(place), _) => Some(place),
                (None, Unseen::As(known)) => self.place(known),
                (None, Unseen::Ignore) => None,
                (None, Unseen::Error) => return Err(self.refuse(word, row)),
            });
        }
        let kept = self.categories.iter().enumerate();
        let kept = kept.filter(|(_, category)| self.dropped.as_ref() != Some(category));
        let columns = kept.map(|(place, category)| {
            let is = |found: &Option<usize>| if *found == Some(place) { 1.0 } else { 0.0 };
            let values = places.iter().map(|found| Some(is(found))).collect();
            Column::number(self.feature(category), values)
        });
        Ok(Encoded {
            columns: columns.collect(),
            unseen,
        })
    }

    fn place(&self, word: &str) -> Option<usize> {
        self.categories.iter().position(|known| known == word)
    }

    fn refuse(&self, word: &str, row: usize) -> Error {
        let known = names::list(self.categories.iter().map(String::as_str));
        Error::UnseenCategory {
            column: self.column.clone(),
            category: word.to_owned(),
            row: row + 1,
            help: format!(
                "known are {known}; declare it under `categories`, or set `unseen` to `ignore` or `{{as: …}}`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Values;

    fn encode(
        words: &[Option<&str>],
        dropped: Option<&str>,
        unseen: Unseen,
    ) -> Result<String, String> {
        let category = Category {
            column: "c".into(),
            impute: None,
            categories: vec!["<1H OCEAN".into(), "INLAND".into(), "ISLAND".into()],
            dropped: dropped.map(str::to_owned),
            unseen,
        };
        let words = words.iter().map(|word| word.map(str::to_owned)).collect();
        let column = Column {
            name: "c".into(),
            values: Values::Text(words),
        };
        let table = Table::new(vec![column]).expect("a table");
        let encoded = category.apply(&table).map_err(|error| error.to_string())?;
        let show = |column: &Column| {
            let numbers = column.finite().expect("numbers");
            let digits: String = numbers.iter().map(|x| x.to_string()).collect();
            format!("{} {digits}", column.name)
        };
        let lines: Vec<String> = encoded.columns.iter().map(show).collect();
        Ok(format!("{} unseen; {}", encoded.unseen, lines.join("; ")))
    }

    #[test]
    fn each_category_is_a_feature_unless_dropped() {
        let words = [Some("INLAND"), Some("<1H OCEAN"), Some("INLAND")];
        assert_eq!(
            encode(&words, None, Unseen::Error).as_deref(),
            Ok("0 unseen; c=<1H OCEAN 010; c=INLAND 101; c=ISLAND 000")
        );
        assert_eq!(
            encode(&words, Some("<1H OCEAN"), Unseen::Error).as_deref(),
            Ok("0 unseen; c=INLAND 101; c=ISLAND 000")
        );
    }

    #[test]
    fn an_unseen_category_is_handled_as_configured() {
        let words = [Some("NEAR BAY"), Some("ISLAND")];
        let check = |unseen, expect: Result<&str, &str>| {
            let found = encode(&words, Some("<1H OCEAN"), unseen);
            assert_eq!(found.as_deref().map_err(String::as_str), expect);
        };
        check(Unseen::Ignore, Ok("1 unseen; c=INLAND 00; c=ISLAND 01"));
        check(
            Unseen::As("INLAND".into()),
            Ok("1 unseen; c=INLAND 10; c=ISLAND 01"),
        );
        check(
            Unseen::Error,
            Err("column `c` says `NEAR BAY` in row 1, a category that is not known"),
        );
        assert_eq!(
            encode(&[Some("INLAND"), None], None, Unseen::Ignore),
            Err("column `c` has no value in row 2".into())
        );
    }
}
