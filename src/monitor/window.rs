//! Drift: whether the rows of a window come from where the rows of the reference came from, column by column.
//!
//! Every column gets its distances and two or three tests; all p-values of a window are corrected together, so that a hundred
//! columns raise no more false alarms than one. What is significant need not matter: at a million rows everything is, so severity
//! asks for a distance as well.

use std::collections::HashMap;

use hpipe_core::{Column, Profile, ProfiledInput, Table, Values};
use rayon::prelude::*;

use crate::alerts::Severity;
use crate::batches::{Subject, for_each_number};
use crate::distribution::fisher_exact;
use crate::shares::{benjamini_hochberg, chi_squared, jensen_shannon, psi, psi_critical, psi_p};
use crate::sketch::{Counts, Distances, Sketch};

/// Rows of a window below which nothing is said of its distributions.
pub const FEWEST_ROWS: usize = 40;

/// From here on a distance matters, and not only its significance: of the stability index, of Kolmogorov's statistic, and of the
/// share of missing values.
const PSI_MATTERS: f64 = 0.1;
const KS_MATTERS: f64 = 0.1;
const MISSING_MATTERS: f64 = 0.05;

/// Rows from which columns are counted by several threads.
const WORTH_THREADS: usize = 2_000;

/// Counts the rows of a window against the profile of a model.
#[derive(Clone)]
pub struct Window {
    inputs: Vec<Counted>,
    prediction: Option<Counted>,
    target: Option<Counted>,
}

#[derive(Clone)]
struct Counted {
    subject: Subject,
    counts: Kind,
    rows: usize,
    missing: usize,
    reference_rows: usize,
    reference_missing: usize,
}

#[derive(Clone)]
enum Kind {
    Numbers(Sketch, Counts),
    Words(Words),
}

/// Words and how often they are in the reference and in the window; the last place is all others.
#[derive(Clone)]
struct Words {
    places: HashMap<String, usize>,
    reference: Vec<f64>,
    window: Vec<f64>,
}

/// How a column of a window differs from the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The column.
    pub subject: Subject,
    /// Number of rows with a value.
    pub rows: usize,
    /// Number of rows without one.
    pub missing: usize,
    /// The share of rows without a value in the reference.
    pub reference_missing: f64,
    /// How far apart the distributions are; none of too few rows.
    pub distances: Option<Distances>,
    /// The probability of such a difference in missing values by chance (Fisher's exact test, or Pearson's of many rows).
    pub missing_p: f64,
    /// The least p-value of the column, corrected for all tests of the window.
    pub p: f64,
    /// How bad it is; none where it can be chance.
    pub severity: Option<Severity>,
}

impl Window {
    /// An empty window before the reference `profile`.
    pub fn new(profile: &Profile) -> Self {
        let numbers = |subject, quantiles: &[f64], rows| {
            let sketch = Sketch::new(quantiles)?;
            let counts = sketch.counts();
            Some(Counted::new(
                subject,
                Kind::Numbers(sketch, counts),
                rows,
                0,
            ))
        };
        let input = |input: &ProfiledInput| {
            let subject = Subject::Input(input.name.clone());
            let kind = match Sketch::new(&input.quantiles) {
                Some(sketch) => Kind::Numbers(sketch.clone(), sketch.counts()),
                None => Kind::Words(Words::new(input)?),
            };
            let rows = profile.train_rows.saturating_sub(input.missing);
            Some(Counted::new(subject, kind, rows, input.missing))
        };
        Self {
            inputs: profile.inputs.iter().filter_map(input).collect(),
            prediction: numbers(
                Subject::Prediction,
                &profile.predictions,
                profile.validation_rows,
            ),
            target: numbers(Subject::Target, &profile.targets, profile.train_rows),
        }
    }

    /// Counts rows of input columns; columns that are not there count as nothing.
    pub fn count_inputs(&mut self, rows: &Table) {
        let by_name: HashMap<&str, &Column> = rows
            .columns()
            .iter()
            .map(|column| (column.name.as_str(), column))
            .collect();
        let count = |counted: &mut Counted| {
            if let Some(column) = by_name.get(counted.subject.name()) {
                counted.count(&column.values);
            }
        };
        match rows.rows() >= WORTH_THREADS {
            true => self.inputs.par_iter_mut().for_each(count),
            false => self.inputs.iter_mut().for_each(count),
        }
    }

    /// Counts predictions, and what was true where it is known.
    pub fn count_outcomes(&mut self, predicted: &[f64], actual: Option<&[Option<f64>]>) {
        if let Some(counted) = &mut self.prediction {
            counted.count_numbers(predicted.iter().copied());
        }
        if let (Some(counted), Some(actual)) = (&mut self.target, actual) {
            counted.count_numbers(actual.iter().flatten().copied());
        }
    }

    /// Judges every column that has rows, at most a share `alpha` of what is called drift being chance.
    pub fn judge(&self, alpha: f64) -> Vec<Drift> {
        self.judge_with(alpha, None).0
    }

    /// As [`judge`](Self::judge), with the p-value of another test of the same rows, which is corrected with the others.
    pub(crate) fn judge_with(&self, alpha: f64, another: Option<f64>) -> (Vec<Drift>, Option<f64>) {
        let all = self
            .inputs
            .iter()
            .chain(&self.prediction)
            .chain(&self.target);
        let counted: Vec<_> = all
            .filter(|counted| counted.rows + counted.missing > 0)
            .collect();
        let mut drifts: Vec<Drift> = counted
            .par_iter()
            .map(|counted| counted.drift(alpha))
            .collect();
        let tests = |drift: &Drift| {
            let of_values = drift
                .distances
                .map_or([1.0; 2], |found| [found.test.p, found.psi_p]);
            [of_values[0], of_values[1], drift.missing_p]
        };
        let tests = drifts.iter().flat_map(tests).chain(another);
        let corrected = benjamini_hochberg(&tests.collect::<Vec<_>>());
        for (drift, corrected) in drifts.iter_mut().zip(corrected.chunks(3)) {
            drift.p = corrected.iter().copied().fold(1.0, f64::min);
            drift.severity = (drift.p < alpha).then(|| drift.severity_if_real());
        }
        let another = another.and(corrected.last().copied());
        (drifts, another)
    }
}

impl Drift {
    /// The share of rows without a value.
    pub fn missing_share(&self) -> f64 {
        self.missing as f64 / (self.rows + self.missing).max(1) as f64
    }

    fn severity_if_real(&self) -> Severity {
        let matters = self.distances.is_some_and(|found| {
            // of words the statistic is chi-squared, which grows with the rows
            let is_numeric = found.wasserstein.is_some();
            found.psi >= PSI_MATTERS || (is_numeric && found.test.statistic >= KS_MATTERS)
        });
        let lacks = (self.missing_share() - self.reference_missing).abs() >= MISSING_MATTERS;
        match matters || lacks {
            true => Severity::Critical,
            false => Severity::Warning,
        }
    }
}

impl Counted {
    const fn new(
        subject: Subject,
        counts: Kind,
        reference_rows: usize,
        reference_missing: usize,
    ) -> Self {
        Self {
            subject,
            counts,
            rows: 0,
            missing: 0,
            reference_rows,
            reference_missing,
        }
    }

    fn count(&mut self, values: &Values) {
        let missing = values.missing();
        self.missing += missing;
        self.rows += values.len() - missing;
        match (&mut self.counts, values) {
            (Kind::Numbers(sketch, counts), values) => {
                for_each_number(values, &mut |x| sketch.count(counts, std::iter::once(x)));
            }
            (Kind::Words(words), Values::Text(texts)) => {
                texts.iter().flatten().for_each(|text| words.count(text));
            }
            (Kind::Words(words), Values::Boolean(values)) => {
                let text = |value: &bool| if *value { "true" } else { "false" };
                values
                    .iter()
                    .flatten()
                    .for_each(|value| words.count(text(value)));
            }
            (Kind::Words(_), Values::Number(_) | Values::Integer(_)) => {}
        }
    }

    fn count_numbers(&mut self, values: impl Iterator<Item = f64>) {
        if let Kind::Numbers(sketch, counts) = &mut self.counts {
            let before = counts.rows();
            sketch.count(counts, values);
            self.rows += (counts.rows() - before) as usize;
        }
    }

    fn drift(&self, alpha: f64) -> Drift {
        let distances = match &self.counts {
            _ if self.rows < FEWEST_ROWS => None,
            Kind::Numbers(sketch, counts) => sketch.distances(counts, self.reference_rows, alpha),
            Kind::Words(words) => words.distances(alpha),
        };
        let of_reference = (self.reference_rows + self.reference_missing).max(1);
        Drift {
            subject: self.subject.clone(),
            rows: self.rows,
            missing: self.missing,
            reference_missing: self.reference_missing as f64 / of_reference as f64,
            distances,
            missing_p: self.missing_p(),
            p: 1.0,
            severity: None,
        }
    }

    fn missing_p(&self) -> f64 {
        let cells = [
            self.missing,
            self.rows,
            self.reference_missing,
            self.reference_rows,
        ];
        if cells[0] + cells[2] == 0 || self.rows + self.missing < FEWEST_ROWS {
            return 1.0;
        }
        match cells.iter().min() {
            Some(least) if *least >= 10 => {
                let [a, b, c, d] = cells.map(|cell| cell as f64);
                chi_squared(&[a, b], &[c, d]).p
            }
            _ => {
                let [a, b, c, d] = cells.map(|cell| cell as u64);
                fisher_exact(a, b, c, d)
            }
        }
    }
}

impl Words {
    fn new(input: &ProfiledInput) -> Option<Self> {
        if input.categories.is_empty() {
            return None;
        }
        let names = input.categories.iter().map(|(word, _)| word.clone());
        let counts = input.categories.iter().map(|(_, rows)| *rows as f64);
        let reference: Vec<_> = counts.chain([input.others as f64]).collect();
        Some(Self {
            places: names.zip(0..).collect(),
            window: vec![0.0; reference.len()],
            reference,
        })
    }

    fn count(&mut self, word: &str) {
        let others = self.window.len() - 1;
        let place = self.places.get(word).copied().unwrap_or(others);
        self.window[place] += 1.0;
    }

    /// Words of which fewer than five are expected in the window are pooled.
    fn distances(&self, alpha: f64) -> Option<Distances> {
        let (n, m) = (
            self.window.iter().sum::<f64>(),
            self.reference.iter().sum::<f64>(),
        );
        let (mut window, mut reference) = (vec![0.0], vec![0.0]);
        for (here, there) in self.window.iter().zip(&self.reference) {
            let expected = (here + there) * n / (n + m);
            match expected < 5.0 {
                true => {
                    window[0] += here;
                    reference[0] += there;
                }
                false => {
                    window.push(*here);
                    reference.push(*there);
                }
            }
        }
        let used = |row: Vec<f64>, other: &[f64]| -> Vec<f64> {
            row.into_iter()
                .zip(other)
                .filter(|(a, b)| a + *b > 0.0)
                .map(|(a, _)| a)
                .collect()
        };
        let (window, reference) = (used(window.clone(), &reference), used(reference, &window));
        if window.len() < 2 {
            return None;
        }
        // half a row more where one is empty, as of numbers
        let shares = |counts: &[f64]| -> Vec<f64> {
            let more = if counts.contains(&0.0) { 0.5 } else { 0.0 };
            let whole = counts.iter().sum::<f64>() + more * counts.len() as f64;
            counts.iter().map(|count| (count + more) / whole).collect()
        };
        let (expected, actual) = (shares(&reference), shares(&window));
        let index = psi(&expected, &actual);
        let (bins, n, m) = (window.len(), n as usize, m as usize);
        Some(Distances {
            psi: index,
            psi_critical: psi_critical(bins, n, m, alpha),
            psi_p: psi_p(index, bins, n, m),
            test: chi_squared(&window, &reference),
            wasserstein: None,
            jensen_shannon: jensen_shannon(&expected, &actual),
        })
    }
}
