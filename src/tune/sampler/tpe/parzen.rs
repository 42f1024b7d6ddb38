//! A Parzen estimator: a mixture with one kernel for each observation and one for the prior.
//!
//! A kernel is a product over the parameters. Weights: the prior counts `prior_weight`, the last `full_weight_trials`
//! observations 1, the ones before a ramp from `1/n` to 1 (Bergstra et al. 2013, as Optuna's `default_weights`).

use super::kernel::Kernels;
use crate::domain::Domain;
use crate::generator::Generator;
use crate::sampler::TpeOptions;

/// A density over some parameters.
pub(super) struct Parzen<'a> {
    /// The weights of the kernels, added up; the last is 1.
    cumulative: Vec<f64>,
    log_weights: Vec<f64>,
    dimensions: Vec<Kernels<'a>>,
}

impl<'a> Parzen<'a> {
    /// The density of `observations` (`n_observations × n_parameters`, the oldest first); of the prior alone if there are
    /// none.
    pub(super) fn new(
        domains: &[&'a Domain],
        observations: &[Vec<f64>],
        options: &TpeOptions,
    ) -> Self {
        let weights = weights(observations.len(), options);
        let cumulative = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let column = |place: usize| {
            observations
                .iter()
                .map(|row| row[place])
                .collect::<Vec<_>>()
        };
        Self {
            cumulative: cumulative.collect(),
            log_weights: weights.iter().map(|weight| libm::log(*weight)).collect(),
            dimensions: domains
                .iter()
                .enumerate()
                .map(|(place, domain)| Kernels::new(domain, &column(place), options))
                .collect(),
        }
    }

    /// Draws a point.
    pub(super) fn sample(&self, generator: &mut Generator) -> Vec<f64> {
        let u = generator.unit();
        let last = self.cumulative.len() - 1;
        let kernel = self.cumulative.partition_point(|sum| *sum <= u).min(last);
        self.dimensions
            .iter()
            .map(|kernels| kernels.sample(kernel, generator.unit()))
            .collect()
    }

    /// The logarithm of the density at a point; for steps and choices it is a probability.
    pub(super) fn log_density(&self, point: &[f64]) -> f64 {
        let mut terms = self.log_weights.clone();
        for (kernels, x) in self.dimensions.iter().zip(point) {
            kernels.add_log_density(*x, &mut terms);
        }
        log_sum(&terms)
    }
}

/// The weights of the observations and of the prior, which is the last; their sum is 1.
fn weights(observations: usize, options: &TpeOptions) -> Vec<f64> {
    let ramp = observations.saturating_sub(options.full_weight_trials);
    let first = 1.0 / observations as f64;
    let rise = (1.0 - first) / (ramp as f64 - 1.0).max(1.0);
    let mut weights: Vec<f64> = (0..observations)
        .map(|place| match place {
            place if place >= ramp => 1.0,
            place => first + rise * place as f64,
        })
        .collect();
    weights.push(if observations == 0 {
        1.0
    } else {
        options.prior_weight
    });
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The logarithm of the sum of numbers of which the logarithms are given.
fn log_sum(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = terms.iter().map(|term| libm::exp(term - largest)).sum();
    largest + libm::log(sum)
}
