//! What a table looks like: the figures of the data-quality report, column by column.
//!
//! Figures only; whether they are good is decided in `checks.rs`. Fields and units: `docs/formats/data_quality.md`.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;

use super::params::OutlierParams;
use crate::statistics::{self, Sorted};
use crate::table::{Cells, Column, Table, Type, Values};

/// Categories listed for a column of texts, the most frequent first.
const CATEGORIES: usize = 20;

/// The figures of a table.
#[derive(Debug, Serialize)]
pub(super) struct Profile {
    pub(super) rows: usize,
    /// Rows that equal a row before them in every column.
    pub(super) duplicates: usize,
    pub(super) columns: Vec<ColumnProfile>,
}

/// The figures of a column.
#[derive(Debug, Serialize)]
pub(super) struct ColumnProfile {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: Type,
    /// Rows without a value.
    pub(super) missing: usize,
    pub(super) missing_fraction: f64,
    /// Different values, missing ones not counted.
    pub(super) distinct: usize,
    /// Whether all rows with a value have the same one.
    pub(super) constant: bool,
    /// For integers and numbers with at least one finite value.
    pub(super) numbers: Option<Numbers>,
    /// For texts and booleans: the most frequent words.
    pub(super) categories: Option<Vec<Category>>,
}

/// The figures of a column of numbers, over its finite values, in the column's unit.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    pub(super) infinite: usize,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) mean: f64,
    pub(super) standard_deviation: f64,
    pub(super) quantiles: BTreeMap<&'static str, f64>,
    pub(super) outliers_iqr: Outliers,
    pub(super) outliers_z: Outliers,
    /// How many rows have exactly the largest value.
    pub(super) at_max: usize,
}

/// Values outside of bounds.
#[derive(Debug, Serialize)]
pub(super) struct Outliers {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) below: usize,
    pub(super) above: usize,
}

impl Outliers {
    /// Values outside of the bounds.
    pub(super) const fn count(&self) -> usize {
        self.below + self.above
    }
}

/// A word and how many rows have it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Category {
    pub(super) value: String,
    pub(super) rows: usize,
}

impl Profile {
    /// The figures of `table`.
    pub(super) fn new(table: &Table, outliers: &OutlierParams) -> Self {
        let columns = table.columns().par_iter();
        Self {
            rows: table.rows(),
            duplicates: duplicates(table),
            columns: columns.map(|column| describe(column, outliers)).collect(),
        }
    }
}

fn describe(column: &Column, outliers: &OutlierParams) -> ColumnProfile {
    let rows = column.values.len();
    let missing = column.values.missing();
    let (distinct, numbers, categories) = match (&column.values, column.numbers()) {
        (Values::Number(_) | Values::Integer(_), Ok(values)) => {
            let sorted = Sorted::new(values.iter().flatten().copied().collect());
            (sorted.distinct(), describe_numbers(&sorted, outliers), None)
        }
        _ => {
            let words = column.words().unwrap_or_default();
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for word in words.iter().flatten() {
                *counts.entry(word).or_default() += 1;
            }
            (counts.len(), None, Some(most_frequent(&counts)))
        }
    };
    ColumnProfile {
        name: column.name.clone(),
        kind: column.values.kind(),
        missing,
        missing_fraction: fraction(missing, rows),
        distinct,
        constant: distinct == 1,
        numbers,
        categories,
    }
}

fn describe_numbers(sorted: &Sorted, params: &OutlierParams) -> Option<Numbers> {
    let all = sorted.values().len();
    let finite: Vec<f64> = sorted
        .values()
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .collect();
    let finite = Sorted::new(finite);
    let (min, max) = (finite.min()?, finite.max()?);
    let (mean, standard_deviation) = statistics::mean_and_deviation(finite.values());
    let (low, high) = (finite.quantile(0.25)?, finite.quantile(0.75)?);
    let reach = params.iqr_factor * (high - low);
    let sigma = params.z_score * standard_deviation;
    Some(Numbers {
        infinite: all - finite.values().len(),
        min,
        max,
        mean,
        standard_deviation,
        quantiles: finite.percentiles(),
        outliers_iqr: outside(&finite, low - reach, high + reach),
        outliers_z: outside(&finite, mean - sigma, mean + sigma),
        at_max: finite
            .values()
            .iter()
            .rev()
            .take_while(|x| **x == max)
            .count(),
    })
}

fn outside(sorted: &Sorted, lower: f64, upper: f64) -> Outliers {
    let values = sorted.values();
    Outliers {
        lower,
        upper,
        below: values.partition_point(|x| *x < lower),
        above: values.len() - values.partition_point(|x| *x <= upper),
    }
}

/// The most frequent words; equally frequent ones in alphabetical order.
fn most_frequent(counts: &BTreeMap<&str, usize>) -> Vec<Category> {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let categories = counts.into_iter().take(CATEGORIES);
    categories
        .map(|(value, rows)| Category {
            value: (*value).to_owned(),
            rows: *rows,
        })
        .collect()
}

/// Rows that equal a row before them; told by the blake3 hash of their values, each with a tag and texts with a length.
fn duplicates(table: &Table) -> usize {
    let hash_row = |row: usize| {
        let mut hasher = blake3::Hasher::new();
        for column in table.columns() {
            match &column.values {
                Values::Number(v) => match v[row] {
                    Some(x) => hasher.update(&[1]).update(&x.to_le_bytes()),
                    None => hasher.update(&[0]),
                },
                Values::Integer(v) => match v[row] {
                    Some(n) => hasher.update(&[1]).update(&n.to_le_bytes()),
                    None => hasher.update(&[0]),
                },
                Values::Boolean(v) => match v[row] {
                    Some(b) => hasher.update(&[1, u8::from(b)]),
                    None => hasher.update(&[0]),
                },
                Values::Text(v) => match &v[row] {
                    Some(text) => hasher
                        .update(&[1])
                        .update(&(text.len() as u64).to_le_bytes())
                        .update(text.as_bytes()),
                    None => hasher.update(&[0]),
                },
            };
        }
        *hasher.finalize().as_bytes()
    };
    let hashes: Vec<[u8; 32]> = (0..table.rows()).into_par_iter().map(hash_row).collect();
    table.rows() - hashes.into_iter().collect::<HashSet<_>>().len()
}

/// A part of a whole; 0 of nothing.
pub(super) fn fraction(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(values: Values) -> ColumnProfile {
        let column = Column {
            name: "c".into(),
            values,
        };
        describe(&column, &OutlierParams::default())
    }

    #[test]
    fn numbers_are_described() {
        let mut values: Vec<_> = (1..=9).map(|x| Some(f64::from(x))).collect();
        values.extend([Some(100.0), Some(100.0), None, Some(f64::INFINITY)]);
        let found = profile(Values::Number(values));
        assert_eq!(
            (found.missing, found.distinct, found.constant),
            (1, 11, false)
        );
        let numbers = found.numbers.expect("numbers");
        assert_eq!(
            (numbers.min, numbers.max, numbers.at_max, numbers.infinite),
            (1.0, 100.0, 2, 1)
        );
        // quartiles 3.5 and 8.5
        let iqr = &numbers.outliers_iqr;
        assert_eq!(
            (iqr.lower, iqr.upper, iqr.below, iqr.above),
            (-4.0, 16.0, 0, 2)
        );
        assert_eq!(numbers.outliers_z.count(), 0);
    }

    #[test]
    fn words_are_counted() {
        let words = ["b", "a", "b", "a", "c"]
            .map(|word| Some(word.to_owned()))
            .to_vec();
        let found = profile(Values::Text(words)).categories.expect("words");
        let found: Vec<_> = found.iter().map(|c| (c.value.as_str(), c.rows)).collect();
        assert_eq!(found, [("a", 2), ("b", 2), ("c", 1)]);
    }

    #[test]
    fn nothing_is_described_as_nothing() {
        let found = profile(Values::Number(vec![None, None]));
        assert_eq!(
            (found.missing_fraction, found.distinct, found.constant),
            (1.0, 0, false)
        );
        assert!(found.numbers.is_none());
        assert!(profile(Values::Integer(vec![Some(3), Some(3)])).constant);
    }

    #[test]
    fn duplicate_rows_are_counted() {
        let text = |words: [Option<&str>; 4]| Column {
            name: words.len().to_string(),
            values: Values::Text(words.map(|w| w.map(str::to_owned)).to_vec()),
        };
        let mut columns = vec![text([Some("a"), Some("a"), None, None])];
        columns.push(Column::number(
            "x",
            vec![Some(1.0), Some(1.0), Some(1.0), None],
        ));
        assert_eq!(duplicates(&Table::new(columns).expect("a table")), 1);
    }
}
