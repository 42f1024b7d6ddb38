//! Batches one after the other, each judged by what chance makes of a batch of its size.

use std::collections::BTreeMap;

use hpipe_core::{Profile, Table, Values};

use crate::distribution::{normal_quantile_of_tail, normal_tail};
use crate::errors::Errors;
use crate::level::Level;
use crate::limits::{Judged, Limits, mean_share_below};
use crate::residuals::Residuals;
use crate::samples::effective_rows;
use crate::sketch::Sketch;

/// How often a batch without drift may raise an alarm: by its errors, or by where its rows lie.
pub const FALSE_ALARMS: f64 = 0.01;

/// The share of false alarms left to errors and to levels; what remains is for what a few quantiles of a sample do not know.
const BY_ERRORS: f64 = 0.3;
const BY_LEVELS: f64 = 0.4;

/// Judges the batches of one model.
#[derive(Clone)]
pub struct Batches {
    residuals: Option<Residuals>,
    residual_level: Level,
    /// By the number of rows they were simulated for.
    limits: BTreeMap<usize, Limits>,
    charts: Vec<Chart>,
    false_alarms: f64,
    seed: u64,
}

/// The moving average of a column.
#[derive(Clone)]
struct Chart {
    subject: Subject,
    sketch: Sketch,
    reference_rows: usize,
    level: Level,
}

/// What a distribution is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An input column.
    Input(String),
    /// What the model predicts.
    Prediction,
    /// What was true.
    Target,
}

impl Subject {
    /// How people and files call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Input(name) => name,
            Self::Prediction => "prediction",
            Self::Target => "target",
        }
    }

    /// What it is: `input`, `prediction` or `target`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Prediction => "prediction",
            Self::Target => "target",
        }
    }
}

/// The rows of a batch, all of them such that the model could predict them.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The input columns.
    pub rows: &'a Table,
    /// A prediction a row.
    pub predicted: &'a [f64],
    /// What was true, a value a row where it is known.
    pub actual: Option<&'a [Option<f64>]>,
}

/// What is said of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchVerdict {
    /// The errors of the rows whose truth is known; none where it is of none.
    pub errors: Option<Errors>,
    /// What of them was judged; empty without a reference.
    pub judged: Vec<Judged>,
    /// Where the rows lie.
    pub levels: Vec<LevelVerdict>,
}

/// Where the rows of the last batches lie in the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelVerdict {
    /// Of what.
    pub subject: Subject,
    /// The moving average in standard deviations; above zero, values are larger than they were.
    pub z: f64,
    /// The probability of one as far away.
    pub p: f64,
    /// Whether that is too little for chance.
    pub is_alarm: bool,
}

impl Batches {
    /// Begins with no batch. Of [`FALSE_ALARMS`], another share may be allowed.
    pub fn new(profile: &Profile, false_alarms: f64, seed: u64) -> Self {
        let chart = |subject, quantiles: &[f64], reference_rows| {
            Some(Chart {
                subject,
                sketch: Sketch::new(quantiles)?,
                reference_rows,
                level: Level::default(),
            })
        };
        let inputs = profile.inputs.iter().filter_map(|input| {
            let rows = profile.train_rows.saturating_sub(input.missing);
            chart(Subject::Input(input.name.clone()), &input.quantiles, rows)
        });
        let prediction = chart(
            Subject::Prediction,
            &profile.predictions,
            profile.validation_rows,
        );
        let target = chart(Subject::Target, &profile.targets, profile.train_rows);
        Self {
            residuals: Residuals::of(profile),
            residual_level: Level::default(),
            limits: BTreeMap::new(),
            charts: inputs.chain(prediction).chain(target).collect(),
            false_alarms,
            seed,
        }
    }

    /// The same, with the limits for batches of `rows` rows simulated already.
    #[must_use]
    pub fn prepared(mut self, rows: usize) -> Self {
        self.simulate(rows);
        self
    }

    /// Judges the next batch.
    pub fn judge(&mut self, batch: Scored<'_>) -> BatchVerdict {
        let pairs = pairs(batch);
        let errors = Errors::of(&pairs);
        BatchVerdict {
            judged: errors.map_or_else(Vec::new, |errors| self.judge_errors(&errors, &pairs)),
            errors,
            levels: self.judge_levels(batch),
        }
    }

    fn judge_errors(&mut self, errors: &Errors, pairs: &[[f64; 2]]) -> Vec<Judged> {
        self.simulate(pairs.len());
        let (Some(residuals), Some(limits)) = (&self.residuals, self.limits(pairs.len())) else {
            return Vec::new();
        };
        let mean = mean_share_below(residuals, pairs);
        let mut moving = self.residual_level;
        let level = moving.add(mean, pairs.len(), residuals.reference_rows());
        let judged = limits.judge(errors, level);
        self.residual_level = moving;
        judged
    }

    /// Simulates batches of this size, unless that was done.
    fn simulate(&mut self, rows: usize) {
        let Some(residuals) = &self.residuals else {
            return;
        };
        let size = simulated_size(rows, residuals.reference_rows());
        let alpha = self.false_alarms * BY_ERRORS;
        let simulate = || Limits::simulate(residuals, size, alpha, self.seed);
        self.limits.entry(size).or_insert_with(simulate);
    }

    fn judge_levels(&mut self, batch: Scored<'_>) -> Vec<LevelVerdict> {
        let alpha = self.false_alarms * BY_LEVELS / self.charts.len().max(1) as f64;
        let limit = normal_quantile_of_tail(alpha / 2.0);
        let judged = self.charts.iter_mut().filter_map(|chart| {
            let z = chart.add(batch)?;
            Some(LevelVerdict {
                subject: chart.subject.clone(),
                z,
                p: 2.0 * normal_tail(z.abs()),
                is_alarm: z.abs() > limit,
            })
        });
        judged.collect()
    }

    /// The limits for batches of `rows` rows, once one was judged.
    pub fn limits(&self, rows: usize) -> Option<&Limits> {
        let size = simulated_size(rows, self.residuals.as_ref()?.reference_rows());
        self.limits.get(&size)
    }
}

impl Chart {
    fn add(&mut self, batch: Scored<'_>) -> Option<f64> {
        let (mut sum, mut rows) = (0.0, 0);
        let mut count = |x: f64| {
            sum += self.sketch.below(x);
            rows += 1;
        };
        match &self.subject {
            Subject::Prediction => batch.predicted.iter().copied().for_each(&mut count),
            Subject::Target => batch.actual?.iter().flatten().copied().for_each(&mut count),
            Subject::Input(name) => for_each_number(&batch.rows.get(name)?.values, &mut count),
        }
        (rows > 0).then(|| {
            self.level
                .add(sum / f64::from(rows), rows as usize, self.reference_rows)
        })
    }
}

/// Calls `visit` with each finite number of a column.
pub(crate) fn for_each_number(values: &Values, visit: &mut impl FnMut(f64)) {
    match values {
        Values::Number(values) => values
            .iter()
            .flatten()
            .copied()
            .filter(|x| x.is_finite())
            .for_each(visit),
        Values::Integer(values) => values.iter().flatten().map(|x| *x as f64).for_each(visit),
        Values::Text(_) | Values::Boolean(_) => {}
    }
}

/// Rows `[actual, predicted]` whose truth is known.
pub(crate) fn pairs(batch: Scored<'_>) -> Vec<[f64; 2]> {
    let actual = batch.actual.unwrap_or_default().iter().zip(batch.predicted);
    actual
        .filter_map(|(actual, predicted)| Some([(*actual).filter(|x| x.is_finite())?, *predicted]))
        .collect()
}

/// For how many rows batches of this size are simulated: as many as tell as much beside a reference that is itself a sample,
/// to two digits, rounded down: fewer rows have wider limits.
fn simulated_size(rows: usize, reference_rows: usize) -> usize {
    let rows = match rows.saturating_mul(50) < reference_rows {
        true => rows,
        false => effective_rows(rows, reference_rows).max(1),
    };
    let mut step = 1;
    while rows / step >= 100 {
        step *= 10;
    }
    rows / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_are_simulated() {
        let sizes = [10, 99, 123, 5000].map(|rows| simulated_size(rows, 1_000_000));
        assert_eq!(sizes, [10, 99, 120, 5000]);
        assert_eq!(simulated_size(10, 10), 5);
        assert_eq!(simulated_size(1_000_000, 3303), 3200);
    }
}
