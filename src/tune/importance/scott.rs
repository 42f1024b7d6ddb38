//! The density of a parameter's values on a grid, with Scott's bandwidth.
//!
//! Values are counted on at most 50 points of the parameter's scale. Each point that was met has a normal kernel with the
//! probability of a whole grid cell, and there is a prior as wide as the grid, which counts as one trial. All kernels have
//! one width: 1.059 · min(standard deviation, interquartile range / 1.34) · n^(-1/5) (Scott 1992, "Multivariate density
//! estimation"), at least 0.5 / 1.64 cells, so that nine tenths of a kernel lie in its cell.

use crate::domain::{Domain, Range};
use crate::sampler::kernel::{Normal, choice_kernels};

/// At most so many points of a scale are told apart.
const STEPS: u64 = 50;

/// What the prior counts, in trials.
const PRIOR: f64 = 1.0;

/// The probability of each point of the grid, or of each choice.
pub(super) fn density(domain: &Domain, values: &[f64]) -> Vec<f64> {
    let counts = counts(domain, values);
    let met: Vec<(f64, f64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(place, count)| (place as f64, *count as f64))
        .collect();
    let total: f64 = met.iter().map(|(_, weight)| weight).sum::<f64>() + PRIOR;
    let weights = met.iter().map(|(_, weight)| *weight).chain([PRIOR]);
    let kernels = match domain {
        Domain::Categorical(choices) => {
            let places: Vec<f64> = met.iter().map(|(place, _)| *place).collect();
            choice_kernels(choices.len(), &places, PRIOR)
        }
        Domain::Number(_) => normal_kernels(&met, counts.len()),
    };
    let mut density = vec![0.0; counts.len()];
    for (kernel, weight) in kernels.iter().zip(weights) {
        for (sum, probability) in density.iter_mut().zip(kernel) {
            *sum += weight / total * probability;
        }
    }
    density
}

/// How often each point of the grid was met.
fn counts(domain: &Domain, values: &[f64]) -> Vec<usize> {
    let len = match domain {
        Domain::Categorical(choices) => choices.len(),
        Domain::Number(range) => grid_len(range) as usize,
    };
    let mut counts = vec![0; len];
    for value in values {
        let place = match domain {
            Domain::Categorical(_) => *value as usize,
            Domain::Number(range) => grid_place(range, len, *value),
        };
        counts[place] += 1;
    }
    counts
}

/// The points of a range's grid: all its values if they are few; of whole numbers on a logarithmic scale one for each
/// doubling.
fn grid_len(range: &Range) -> u64 {
    match range.count() {
        Some(count) if range.log => {
            let doublings = (libm::log(count as f64) / std::f64::consts::LN_2).ceil() as u64 + 1;
            doublings.min(STEPS)
        }
        Some(count) => count.min(STEPS),
        None => STEPS,
    }
}

/// The point of the grid nearest to a value; of two the lower.
fn grid_place(range: &Range, len: usize, value: f64) -> usize {
    let (low, high) = (range.to_scale(range.low), range.to_scale(range.high));
    let cell = (high - low) / (len as f64 - 1.0);
    let place = ((range.to_scale(value) - low) / cell - 0.5).ceil();
    (place.max(0.0) as usize).min(len - 1)
}

/// The probabilities of each kernel, and of the prior, on a grid.
fn normal_kernels(met: &[(f64, f64)], len: usize) -> Vec<Vec<f64>> {
    let width = scott_width(met).max(0.5 / 1.64);
    let high = len as f64 - 1.0;
    let ends = (-0.5, high + 0.5);
    let prior = Normal::new(high / 2.0, high + 1.0, ends);
    let kernel = |normal: Normal| {
        (0..len)
            .map(|place| {
                let place = place as f64;
                libm::exp(normal.log_probability(place - 0.5, place + 0.5))
            })
            .collect()
    };
    met.iter()
        .map(|(place, _)| Normal::new(*place, width, ends))
        .chain([prior])
        .map(kernel)
        .collect()
}

/// Scott's bandwidth of weighted places, which are sorted.
fn scott_width(met: &[(f64, f64)]) -> f64 {
    let n: f64 = met.iter().map(|(_, weight)| weight).sum();
    let mean = met.iter().map(|(x, weight)| x * weight).sum::<f64>() / n;
    let squares: f64 = met.iter().map(|(x, w)| w * (x - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
    let cumulative: Vec<f64> = met
        .iter()
        .scan(0.0, |sum, (_, weight)| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let first = cumulative.partition_point(|sum| *sum < (n / 4.0).floor());
    let third = cumulative.partition_point(|sum| *sum <= (n * 3.0 / 4.0).floor());
    let range = met[third.min(met.len() - 1)].0 - met[first].0;
    1.059 * (range / 1.34).min(deviation) * libm::pow(n, -0.2)
}
