//! A Parzen estimator: a mixture with one kernel for each observation and one for the prior.
//!
//! A kernel is a product over the parameters. Weights: the prior counts `prior_weight`, the last `full_weight_trials`
//! observations 1, the ones before a ramp from `1/n` to 1 (Bergstra et al. 2013, as Optuna's `default_weights`).

use std::collections::BTreeMap;

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

    /// The logarithm of the density at each point; for steps and choices it is a probability.
    ///
    /// Many points at once, since candidates often share a step or a choice, and kernels with steps are dear.
    pub(super) fn log_densities(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let mut terms = vec![self.log_weights.clone(); points.len()];
        for (place, kernels) in self.dimensions.iter().enumerate() {
            let mut known: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            for (terms, point) in terms.iter_mut().zip(points) {
                let x = point[place];
                let at_x = known
                    .entry(x.to_bits())
                    .or_insert_with(|| kernels.log_densities(x));
                terms
                    .iter_mut()
                    .zip(at_x)
                    .for_each(|(term, at_x)| *term += *at_x);
            }
        }
        terms.iter().map(|terms| log_sum(terms)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Stream;
    use crate::space::Space;

    #[test]
    fn old_observations_count_less() {
        let options = TpeOptions {
            full_weight_trials: 2,
            prior_weight: 0.5,
            ..TpeOptions::default()
        };
        let sum = 0.25 + 1.0 + 1.0 + 1.0 + 0.5;
        let expected = [0.25, 1.0, 1.0, 1.0, 0.5].map(|weight| weight / sum);
        assert_eq!(weights(4, &options), expected);
        assert_eq!(weights(0, &options), [1.0]);
    }

    /// What is drawn has the density that is claimed: frequencies of 40,000 points within five standard errors.
    #[test]
    fn draws_follow_the_density() {
        let space = r#"{"depth": {"int": [1, 6]}, "leaves": {"int": [1, 5], "log": true},
            "share": {"float": [0, 1], "step": 0.25}, "loss": {"categorical": ["a", "b", "c"]}}"#;
        let space = serde_json::from_str(space).expect("JSON");
        let space = Space::parse(&space).expect("valid");
        let domains: Vec<&Domain> = space.params().iter().map(|param| &param.domain).collect();
        let observed = [
            [2.0, 1.0, 0.25, 2.0],
            [6.0, 5.0, 0.75, 0.0],
            [5.0, 2.0, 0.0, 2.0],
        ];
        let observed: Vec<Vec<f64>> = observed.iter().map(|row| row.to_vec()).collect();
        let parzen = Parzen::new(&domains, &observed, &TpeOptions::default());
        let mut generator = Generator::new(11, Stream::Trial(0));
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..40_000 {
            let point = parzen.sample(&mut generator);
            let key: Vec<u64> = point.iter().map(|x| (x * 4.0) as u64).collect();
            counts.entry(key).or_insert((0.0, point)).0 += 1.0;
        }
        let density =
            |point: &Vec<f64>| libm::exp(parzen.log_densities(std::slice::from_ref(point))[0]);
        for (count, point) in counts.values() {
            let expected = 40_000.0 * density(point);
            let error = (count - expected).abs() / expected.max(1.0).sqrt();
            assert!(error < 5.0, "{point:?}: {count} times, expected {expected}");
        }
        let total: f64 = counts.values().map(|(_, point)| density(point)).sum();
        assert!(total > 0.99 && total < 1.0 + 1e-9, "{total}");
    }

    /// A continuous density integrates to 1.
    #[test]
    fn a_density_is_a_density() {
        let space = serde_json::from_str(r#"{"x": {"float": [-1, 3]}}"#).expect("JSON");
        let space = Space::parse(&space).expect("valid");
        let domains = [&space.params()[0].domain];
        let observed: Vec<Vec<f64>> = [-0.9, 0.3, 0.35, 2.9].map(|x| vec![x]).to_vec();
        let parzen = Parzen::new(&domains, &observed, &TpeOptions::default());
        let points: Vec<Vec<f64>> = (0..4000)
            .map(|k| vec![-1.0 + 4.0 * (f64::from(k) + 0.5) / 4000.0])
            .collect();
        let densities = parzen.log_densities(&points);
        let integral = densities.into_iter().map(libm::exp).sum::<f64>() * 4.0 / 4000.0;
        assert!((integral - 1.0).abs() < 1e-6, "{integral}");
    }
}
