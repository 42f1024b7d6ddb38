//! Columns of categories: one-hot encoded, a column of zeros and ones for each, or native, as one column of words.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::names;
use crate::table::{Cells, Column, Lookup, Table, Values};

/// A column of categories and how it is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Category {
    /// Its name in the table.
    pub(crate) column: String,
    /// What a missing value becomes; none: it is an error.
    pub(crate) impute: Option<CategoryFiller>,
    /// The known categories, in the order of their features.
    pub(crate) categories: Vec<String>,
    /// What features they become.
    pub(crate) encoding: Encoding,
    /// What becomes of a category that is not known.
    pub(crate) unseen: Unseen,
}

/// What a missing category becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CategoryFiller {
    /// This category.
    Constant(String),
    /// It stays missing; all features of an encoding are 0.
    Keep,
}

/// What features a column of categories becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// A feature of zeros and ones for each category.
    OneHot {
        /// The category without a feature of its own, which is all zeros; none: every category has one, and together
        /// they are collinear with an intercept.
        dropped: Option<String>,
    },
    /// One feature that holds the words themselves; a missing one is missing.
    Native,
}

/// What becomes of a category that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unseen {
    /// It is an error that names column, row and category.
    #[default]
    Error,
    /// All features are 0, as for the dropped category; a native feature is missing.
    Ignore,
    /// It is taken for this known category.
    As(String),
}

/// What [`Category::apply`] makes.
pub(crate) struct Encoded {
    /// The features: see [`Encoding`].
    pub(crate) columns: Vec<Column>,
    /// Number of rows with a category that is not known.
    pub(crate) unseen: usize,
}

impl Category {
    /// The name of the feature of a category: `ocean_proximity=ISLAND`.
    pub(crate) fn feature(&self, category: &str) -> String {
        format!("{}={category}", self.column)
    }

    /// Whether its features have a value where the column has none.
    pub(crate) const fn fills_gaps(&self) -> bool {
        matches!(self.encoding, Encoding::OneHot { .. })
    }

    /// The features of every row.
    pub(crate) fn apply(&self, table: &Table) -> Result<Encoded, Error> {
        let words = table.column(&self.column)?.words()?;
        let mut unseen = 0;
        let mut places = Vec::with_capacity(words.len());
        for (row, word) in words.iter().enumerate() {
            let Some(word) = self.filled(word.as_ref(), row)? else {
                places.push(None);
                continue;
            };
            let place = self.place(word);
            unseen += usize::from(place.is_none());
            places.push(match (place, &self.unseen) {
                (Some(place), _) => Some(place),
                (None, Unseen::As(known)) => self.place(known),
                (None, Unseen::Ignore) => None,
                (None, Unseen::Error) => return Err(self.refuse(word, row)),
            });
        }
        let columns = match &self.encoding {
            Encoding::OneHot { dropped } => self.one_hot(&places, dropped.as_ref()),
            Encoding::Native => vec![self.native(&places)],
        };
        Ok(Encoded { columns, unseen })
    }

    /// The word of a row, imputed where it is missing; none where a missing one is kept.
    fn filled<'a>(
        &'a self,
        word: Option<&'a String>,
        row: usize,
    ) -> Result<Option<&'a String>, Error> {
        match (word, &self.impute) {
            (Some(word), _) | (None, Some(CategoryFiller::Constant(word))) => Ok(Some(word)),
            (None, Some(CategoryFiller::Keep)) => Ok(None),
            (None, None) => Err(Error::MissingValue {
                column: self.column.clone(),
                row: row + 1,
            }),
        }
    }

    /// A feature of zeros and ones for each category that is not dropped.
    fn one_hot(&self, places: &[Option<usize>], dropped: Option<&String>) -> Vec<Column> {
        let kept = self.categories.iter().enumerate();
        let kept = kept.filter(|(_, category)| dropped != Some(*category));
        let columns = kept.map(|(place, category)| {
            let is = |found: &Option<usize>| if *found == Some(place) { 1.0 } else { 0.0 };
            let values = places.iter().map(|found| Some(is(found))).collect();
            Column::number(self.feature(category), values)
        });
        columns.collect()
    }

    /// The words themselves.
    fn native(&self, places: &[Option<usize>]) -> Column {
        let word = |place: &Option<usize>| place.map(|place| self.categories[place].clone());
        Column {
            name: self.column.clone(),
            values: Values::Text(places.iter().map(word).collect()),
        }
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

    fn encode(
        words: &[Option<&str>],
        dropped: Option<&str>,
        unseen: Unseen,
    ) -> Result<String, String> {
        let category = Category {
            column: "c".into(),
            impute: None,
            categories: vec!["<1H OCEAN".into(), "INLAND".into(), "ISLAND".into()],
            encoding: Encoding::OneHot {
                dropped: dropped.map(str::to_owned),
            },
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

    #[test]
    fn a_native_column_keeps_its_words() {
        let category = Category {
            column: "c".into(),
            impute: Some(CategoryFiller::Keep),
            categories: vec!["INLAND".into(), "ISLAND".into()],
            encoding: Encoding::Native,
            unseen: Unseen::Ignore,
        };
        let words = [Some("ISLAND"), None, Some("NEAR BAY")];
        let values = Values::Text(words.map(|word| word.map(str::to_owned)).to_vec());
        let name = "c".to_owned();
        let table = Table::new(vec![Column { name, values }]).expect("a table");
        let encoded = category.apply(&table).expect("a feature");
        let expect = Values::Text(vec![Some("ISLAND".into()), None, None]);
        assert_eq!((encoded.columns.len(), encoded.unseen), (1, 1));
        assert_eq!(encoded.columns[0].values, expect);
    }
}
