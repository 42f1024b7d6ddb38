//! Errors by part of the data: where a model is worse than elsewhere, and whether it was so before.
//!
//! A part that was hard when all was well may stay hard. So its errors are compared with those of the same part among the
//! validation rows that the profile keeps: the place of each new error among the old ones, which Mann and Whitney's test adds up,
//! one row after the other and in no memory. All parts are corrected together.

use std::collections::BTreeMap;

use hpipe_core::{Column, Profile, ReferenceRows, Table};

use crate::alerts::Severity;
use crate::batches::Scored;
use crate::distribution::normal_tail;
use crate::errors::{ErrorSums, Errors};
use crate::quality;
use crate::shares::benjamini_hochberg;
use crate::sketch::Sketch;

/// Words of a column that are told apart; further ones are one segment.
const MOST: usize = 30;

/// What segments are told apart by when nobody asks for a column.
pub const DECILES: &str = "decile of prediction";

/// The name of the segment of further words.
const OTHERS: &str = "(others)";

/// Rows of a part, here and in the reference, below which nothing is said of it.
const FEWEST: usize = 20;

/// From here on it matters, and is not only significant: how much larger errors are than they were.
const MATTERS: f64 = 1.25;

/// Adds up errors by segment.
pub(crate) struct Segments {
    predictions: Option<Sketch>,
    deciles: BTreeMap<usize, Part>,
    column: Option<String>,
    /// The quantiles of a column of numbers, whose quarters are the segments.
    quantiles: Option<Sketch>,
    words: BTreeMap<String, Part>,
}

/// Rows of a segment.
#[derive(Default)]
struct Part {
    sums: ErrorSums,
    /// Sizes of the errors in the reference, ascending.
    reference: Vec<f64>,
    /// Of the rows, the shares of the reference below their errors, added up.
    above: f64,
}

/// A part of the data and the errors there.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// What it is told apart by: [`DECILES`], or a column.
    pub by: String,
    /// Which part.
    pub part: String,
    /// The errors there.
    pub errors: Errors,
    /// Whether they are as they were; none where the profile has too few rows of this part, or the input.
    pub judged: Option<SegmentVerdict>,
}

/// What is said of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentVerdict {
    /// The mean absolute error of its validation rows, in the target's unit.
    pub reference_mae: f64,
    /// The probability of errors as large by chance, corrected for all segments.
    pub p: f64,
    /// How bad it is; none where it can be chance.
    pub severity: Option<Severity>,
}

impl Segments {
    pub(crate) fn new(profile: &Profile, column: Option<String>) -> Self {
        let input = profile
            .inputs
            .iter()
            .find(|input| Some(&input.name) == column.as_ref());
        let mut segments = Self {
            predictions: Sketch::new(&profile.predictions),
            deciles: BTreeMap::new(),
            quantiles: input.and_then(|input| Sketch::new(&input.quantiles)),
            column,
            words: BTreeMap::new(),
        };
        if let Some(rows) = &profile.rows {
            segments.refer_to(rows);
        }
        segments
    }

    fn refer_to(&mut self, rows: &ReferenceRows) {
        let parts = self.parts(&rows.inputs);
        for (row, (actual, predicted)) in rows.actual.iter().zip(&rows.predicted).enumerate() {
            let part = parts.as_ref().map(|parts| parts[row].clone());
            for part in self.places(part, *predicted) {
                part.reference.push((actual - predicted).abs());
            }
        }
        let parts = self.deciles.values_mut().chain(self.words.values_mut());
        parts.for_each(|part| part.reference.sort_by(f64::total_cmp));
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
            let part = parts.as_ref().map(|parts| parts[*row].clone());
            for part in self.places(part, *predicted) {
                part.add([*actual, *predicted]);
            }
        }
    }

    /// The segments of a row: by its prediction and, if there is one, by the column.
    fn places(&mut self, part: Option<String>, predicted: f64) -> impl Iterator<Item = &mut Part> {
        let decile = self.predictions.as_ref().map(|sketch| {
            let decile = (sketch.below(predicted) * 10.0).floor().min(9.0) as usize;
            self.deciles.entry(decile).or_default()
        });
        let word = part.map(|part| {
            let is_known = self.words.contains_key(&part) || self.words.len() < MOST;
            let part = if is_known { part } else { OTHERS.to_owned() };
            self.words.entry(part).or_default()
        });
        decile.into_iter().chain(word)
    }

    /// The part of every row by the column.
    fn parts(&self, raw: &Table) -> Option<Vec<String>> {
        let column: &Column = raw.get(self.column.as_deref()?)?;
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

    /// All segments that have rows, at most a share `alpha` of what is told of them being chance.
    pub(crate) fn all(&self, alpha: f64) -> Vec<Segment> {
        let deciles = self
            .deciles
            .iter()
            .map(|(decile, part)| (DECILES, (decile + 1).to_string(), part));
        let by = self.column.as_deref().unwrap_or_default();
        let words = self
            .words
            .iter()
            .map(|(word, part)| (by, word.clone(), part));
        let known = deciles.chain(words).filter_map(|(by, name, part)| {
            let errors = part.sums.errors()?;
            let by = by.to_owned();
            let judged = part.judged();
            Some(Segment {
                by,
                part: name,
                errors,
                judged,
            })
        });
        let mut segments: Vec<Segment> = known.collect();
        let tests: Vec<_> = segments
            .iter()
            .filter_map(|segment| Some(segment.judged?.p))
            .collect();
        let mut corrected = benjamini_hochberg(&tests).into_iter();
        for segment in &mut segments {
            let mae = segment.errors.mae;
            if let Some((judged, p)) = segment
                .judged
                .as_mut()
                .and_then(|judged| Some((judged, corrected.next()?)))
            {
                judged.p = p;
                judged.severity =
                    (p < alpha).then_some(match mae >= MATTERS * judged.reference_mae {
                        true => Severity::Critical,
                        false => Severity::Warning,
                    });
            }
        }
        segments
    }
}

impl Part {
    fn add(&mut self, [actual, predicted]: [f64; 2]) {
        self.sums.add([actual, predicted]);
        let size = (actual - predicted).abs();
        let below = self.reference.partition_point(|other| *other < size);
        let up_to = self.reference.partition_point(|other| *other <= size);
        self.above +=
            f64::midpoint(below as f64, up_to as f64) / self.reference.len().max(1) as f64;
    }

    /// Mann and Whitney's test that errors are no larger than they were, by the normal limit.
    fn judged(&self) -> Option<SegmentVerdict> {
        let (rows, reference) = (self.sums.errors()?.rows, self.reference.len());
        if rows < FEWEST || reference < FEWEST {
            return None;
        }
        let (n, m) = (rows as f64, reference as f64);
        let deviation = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
        Some(SegmentVerdict {
            reference_mae: self.reference.iter().sum::<f64>() / m,
            p: normal_tail((self.above / n - 0.5) / deviation),
            severity: None,
        })
    }
}
