//! Errors by part of the data: where a model is worse than elsewhere.

use std::collections::BTreeMap;

use hpipe_core::{Profile, Table};

use crate::batches::Scored;
use crate::errors::{ErrorSums, Errors};
use crate::quality;
use crate::sketch::Sketch;

/// Words of a column that are told apart; further ones are one segment.
const MOST: usize = 30;

/// The name of the segment of further words.
const OTHERS: &str = "(others)";

/// Adds up errors by segment.
pub(crate) struct Segments {
    predictions: Option<Sketch>,
    deciles: BTreeMap<usize, ErrorSums>,
    column: Option<String>,
    /// The quantiles of a column of numbers, whose quarters are the segments.
    quantiles: Option<Sketch>,
    words: BTreeMap<String, ErrorSums>,
}

/// A part of the data and the errors there.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// What it is told apart by: `decile of prediction`, or a column.
    pub by: String,
    /// Which part.
    pub part: String,
    /// The errors there.
    pub errors: Errors,
}

impl Segments {
    pub(crate) fn new(profile: &Profile, column: Option<String>) -> Self {
        let input = profile
            .inputs
            .iter()
            .find(|input| Some(&input.name) == column.as_ref());
        Self {
            predictions: Sketch::new(&profile.predictions),
            deciles: BTreeMap::new(),
            quantiles: input.and_then(|input| Sketch::new(&input.quantiles)),
            column,
            words: BTreeMap::new(),
        }
    }

    /// Adds the rows whose truth is known; `taken` says which rows of `raw` were predicted.
    pub(crate) fn add(&mut self, raw: &Table, taken: &[usize], scored: Scored<'_>) {
        let parts = self.parts(raw);
        let actual = scored
            .actual
            .unwrap_or_default()
            .iter()
            .zip(scored.predicted);
        for ((actual, predicted), row) in actual.zip(taken) {
            let Some(actual) = actual else { continue };
            if let Some(sketch) = &self.predictions {
                let decile = (sketch.below(*predicted) * 10.0).floor().min(9.0) as usize;
                self.deciles
                    .entry(decile)
                    .or_default()
                    .add([*actual, *predicted]);
            }
            if let Some(parts) = &parts {
                let part = parts[*row].clone();
                let is_known = self.words.contains_key(&part) || self.words.len() < MOST;
                let part = if is_known { part } else { OTHERS.to_owned() };
                self.words
                    .entry(part)
                    .or_default()
                    .add([*actual, *predicted]);
            }
        }
    }

    /// The part of every row by the column.
    fn parts(&self, raw: &Table) -> Option<Vec<String>> {
        let column = raw.get(self.column.as_deref()?)?;
        let missing = || "(missing)".to_owned();
        let Some(sketch) = &self.quantiles else {
            let words = quality::words(column).into_iter();
            return Some(words.map(|word| word.unwrap_or_else(missing)).collect());
        };
        let quarter = |x: f64| {
            let quarter = (sketch.below(x) * 4.0).floor().min(3.0) as usize;
            let at =
                |quarter: usize| sketch.quantiles()[quarter * (sketch.quantiles().len() - 1) / 4];
            format!("{}: {} to {}", quarter + 1, at(quarter), at(quarter + 1))
        };
        let numbers = quality::numbers(column).into_iter();
        Some(numbers.map(|x| x.map_or_else(missing, quarter)).collect())
    }

    /// All segments that have rows.
    pub(crate) fn all(&self) -> Vec<Segment> {
        let deciles = self.deciles.iter().map(|(decile, sums)| {
            let part = (decile + 1).to_string();
            ("decile of prediction".to_owned(), part, sums)
        });
        let by = self.column.clone().unwrap_or_default();
        let words = self
            .words
            .iter()
            .map(|(word, sums)| (by.clone(), word.clone(), sums));
        let known = deciles.chain(words).filter_map(|(by, part, sums)| {
            let errors = sums.errors()?;
            Some(Segment { by, part, errors })
        });
        known.collect()
    }
}
