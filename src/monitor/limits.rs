//! What batches of a size look like without drift: simulated from the reference, and the limits that follow.
//!
//! At ten rows R² swings from far below zero to nearly one; only the distribution of a metric at that very size says what is
//! bad. All metrics and the moving average are simulated together, so that the limit is right for looking at all of them at once,
//! however they depend on each other.

use rayon::prelude::*;

use crate::errors::Errors;
use crate::level::Level;
use crate::random::Random;
use crate::residuals::Residuals;

/// What of a batch's errors is judged.
pub const SIGNALS: [&str; 6] = ["rmse", "mae", "r2", "mape", "bias", "level"];

/// How bad each signal of a batch is: larger is worse; none where it is not defined.
pub(crate) type Badness = [Option<f64>; SIGNALS.len()];

/// Batches simulated in one row, one after the other, so that the moving average is as in life.
const IN_A_ROW: usize = 500;

/// The limits of batches of one size.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of each signal, how bad it is in the simulated batches, sorted.
    simulated: Vec<Vec<f64>>,
    /// The middle of the bias.
    bias: f64,
    /// What the least p-value of all signals falls below in a share `alpha` of the batches.
    least_p: f64,
}

/// What is said of one signal of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Which signal.
    pub signal: &'static str,
    /// The probability of a batch at least as bad.
    pub p: f64,
    /// Whether that is too little for chance.
    pub is_alarm: bool,
}

impl Limits {
    /// Simulates batches of `rows` rows: up to 20,000 of them, fewer of large ones.
    pub fn simulate(residuals: &Residuals, rows: usize, alpha: f64, seed: u64) -> Self {
        let rows = rows.max(1);
        let in_all = (4_000_000 / rows).clamp(2_000, 20_000);
        let bias = median_bias(residuals, rows, seed);
        let series = |number: usize| {
            let mut random = Random::new(seed, number as u64 + 1);
            simulated_series(residuals, rows, bias, &mut random)
        };
        let batches: Vec<Badness> = (0..in_all / IN_A_ROW)
            .into_par_iter()
            .flat_map_iter(series)
            .collect();
        let mut limits = Self {
            simulated: (0..SIGNALS.len())
                .map(|signal| sorted_signal(&batches, signal))
                .collect(),
            bias,
            least_p: 0.0,
        };
        let least = |batch: &Badness| {
            limits
                .p_values(batch)
                .fold(1.0, |least: f64, (_, p)| least.min(p))
        };
        let mut least: Vec<f64> = batches.iter().map(least).collect();
        least.sort_by(f64::total_cmp);
        limits.least_p = least[(alpha * least.len() as f64) as usize];
        limits
    }

    /// The p-value of each signal that is defined.
    fn p_values<'a>(&'a self, batch: &'a Badness) -> impl Iterator<Item = (usize, f64)> + 'a {
        let each = self.simulated.iter().zip(batch).enumerate();
        each.filter_map(|(signal, (simulated, badness))| {
            let badness = (*badness)?;
            let better = simulated.partition_point(|other| *other < badness);
            let p = (simulated.len() - better + 1) as f64 / (simulated.len() + 1) as f64;
            Some((signal, p))
        })
    }

    /// Judges the errors of a batch and the moving average of its residuals.
    pub fn judge(&self, errors: &Errors, level: f64) -> Vec<Judged> {
        let batch = badness(errors, level, self.bias);
        let judged = self.p_values(&batch).map(|(signal, p)| Judged {
            signal: SIGNALS[signal],
            p,
            is_alarm: p < self.least_p,
        });
        judged.collect()
    }

    /// What a metric is in the middle of the batches and, on its bad side, in the worst `share` of them.
    pub fn expected(&self, signal: &str, share: f64) -> Option<[f64; 2]> {
        let place = SIGNALS.iter().position(|known| *known == signal)?;
        let simulated = &self.simulated[place];
        let at = |share: f64| {
            simulated
                .get(((1.0 - share) * simulated.len() as f64) as usize)
                .copied()
        };
        let as_metric = |badness: f64| if signal == "r2" { -badness } else { badness };
        Some([
            as_metric(at(0.5)?),
            as_metric(at(share).or_else(|| simulated.last().copied())?),
        ])
    }
}

fn badness(errors: &Errors, level: f64, bias: f64) -> Badness {
    [
        Some(errors.rmse),
        Some(errors.mae),
        errors.r2.map(|r2| -r2),
        errors.mape,
        Some((errors.bias - bias).abs()),
        Some(level.abs()),
    ]
}

fn sorted_signal(batches: &[Badness], signal: usize) -> Vec<f64> {
    let mut values: Vec<_> = batches.iter().filter_map(|batch| batch[signal]).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn drawn(residuals: &Residuals, rows: usize, random: &mut Random) -> Vec<[f64; 2]> {
    (0..rows).map(|_| residuals.draw(random)).collect()
}

fn median_bias(residuals: &Residuals, rows: usize, seed: u64) -> f64 {
    let mut random = Random::new(seed, 0);
    let bias =
        |_| Errors::of(&drawn(residuals, rows, &mut random)).map_or(0.0, |errors| errors.bias);
    let mut biases: Vec<_> = (0..1001).map(bias).collect();
    biases.sort_by(f64::total_cmp);
    biases[500]
}

/// Batches one after the other; the first ones, in which the average still settles, are as good as any: it is measured in
/// its own deviations from the beginning.
fn simulated_series(
    residuals: &Residuals,
    rows: usize,
    bias: f64,
    random: &mut Random,
) -> Vec<Badness> {
    let mut level = Level::default();
    let batch = |_| {
        let batch = drawn(residuals, rows, random);
        let mean = mean_share_below(residuals, &batch);
        let level = level.add(mean, rows, residuals.reference_rows());
        Errors::of(&batch).map(|errors| badness(&errors, level, bias))
    };
    (0..IN_A_ROW).filter_map(batch).collect()
}

pub(crate) fn mean_share_below(residuals: &Residuals, batch: &[[f64; 2]]) -> f64 {
    batch.iter().map(|row| residuals.below(*row)).sum::<f64>() / batch.len() as f64
}
