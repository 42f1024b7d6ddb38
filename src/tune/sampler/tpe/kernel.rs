//! The kernels of one parameter: one for each observation, and the prior as the last.
//!
//! *Numbers* have normal kernels, cut off at the ends of the range, on the scale of the parameter (its logarithm if it is
//! searched so). With a step a value has the probability of the half step around it. The width of a kernel is the larger
//! of the distances to its two neighbours, at least `range / min(100, 2 + n)` (the *magic clip*) and at most the range;
//! the prior sits in the middle and is as wide as the range. (Bergstra et al. 2011 section 4.1; Watanabe 2023 section
//! 3.3.2, "hyperopt's" rule.)
//!
//! *Choices* have Aitchison and Aitken's 1976 kernels in the form of Bergstra's: the observed choice counts 1, and
//! `prior_weight` is spread over all observations and choices.

use crate::domain::{Domain, Range};
use crate::normal;
use crate::sampler::TpeOptions;

/// Widths are at least this where there is no magic clip, so that equal observations have any.
const LEAST_WIDTH: f64 = 1e-12;

/// Kernels over one parameter.
pub(crate) enum Kernels<'a> {
    /// Of a range of numbers.
    Normal(&'a Range, Vec<Normal>),
    /// Of choices: for each kernel the probability of each choice.
    Choice(Vec<Vec<f64>>),
}

/// A normal kernel, cut off at the ends of the scale.
pub(crate) struct Normal {
    mean: f64,
    width: f64,
    /// The ends of the scale, in widths from the mean.
    ends: (f64, f64),
    /// The logarithm of the probability between the ends.
    log_mass: f64,
    log_width: f64,
}

impl<'a> Kernels<'a> {
    /// The kernels of these observations.
    pub(crate) fn new(domain: &'a Domain, observations: &[f64], options: &TpeOptions) -> Self {
        match domain {
            Domain::Number(range) => Self::Normal(range, normals(range, observations, options)),
            Domain::Categorical(choices) => {
                let weight = options.prior_weight;
                Self::Choice(choice_kernels(choices.len(), observations, weight))
            }
        }
    }

    /// The value at the fraction `u` of a kernel.
    pub(super) fn sample(&self, kernel: usize, u: f64) -> f64 {
        match self {
            Self::Normal(range, normals) => {
                let Normal {
                    mean, width, ends, ..
                } = &normals[kernel];
                let z = normal::quantile_between(u, ends.0, ends.1);
                range.of_scale(mean + width * z)
            }
            Self::Choice(kernels) => {
                let mut sum = 0.0;
                let below = |probability: &&f64| {
                    sum += **probability;
                    sum <= u
                };
                let probabilities = &kernels[kernel];
                let place = probabilities.iter().take_while(below).count();
                place.min(probabilities.len() - 1) as f64
            }
        }
    }

    /// The logarithm of each kernel's density at `x`.
    pub(super) fn log_densities(&self, x: f64) -> Vec<f64> {
        match self {
            Self::Choice(kernels) => {
                let at = |probabilities: &Vec<f64>| libm::log(probabilities[x as usize]);
                kernels.iter().map(at).collect()
            }
            Self::Normal(range, normals) => match range.step {
                None => {
                    let place = range.to_scale(x);
                    let at = |normal: &Normal| normal.log_density(place);
                    normals.iter().map(at).collect()
                }
                Some(step) => {
                    let from = range.to_scale(x - step / 2.0);
                    let to = range.to_scale(x + step / 2.0);
                    let at = |normal: &Normal| normal.log_probability(from, to);
                    normals.iter().map(at).collect()
                }
            },
        }
    }
}

impl Normal {
    /// A kernel with this mean and width on a scale with these ends.
    pub(crate) fn new(mean: f64, width: f64, (low, high): (f64, f64)) -> Self {
        let ends = ((low - mean) / width, (high - mean) / width);
        Self {
            mean,
            width,
            ends,
            log_mass: libm::log(normal::between(ends.0, ends.1)),
            log_width: libm::log(width),
        }
    }

    /// How wide it is, on the scale.
    #[cfg(test)]
    pub(super) const fn width(&self) -> f64 {
        self.width
    }

    fn log_density(&self, place: f64) -> f64 {
        let z = (place - self.mean) / self.width;
        normal::log_density(z) - self.log_width - self.log_mass
    }

    /// The logarithm of the probability of an interval of the scale.
    pub(crate) fn log_probability(&self, from: f64, to: f64) -> f64 {
        let z = |place| (place - self.mean) / self.width;
        libm::log(normal::between(z(from), z(to))) - self.log_mass
    }
}

fn normals(range: &Range, observations: &[f64], options: &TpeOptions) -> Vec<Normal> {
    let (low, high) = range.scale();
    let means: Vec<f64> = observations.iter().map(|x| range.to_scale(*x)).collect();
    let widths = widths(&means, (low, high), options);
    let prior = (f64::midpoint(low, high), high - low);
    means
        .into_iter()
        .zip(widths)
        .chain([prior])
        .map(|(mean, width)| Normal::new(mean, width, (low, high)))
        .collect()
}

/// The width of the kernel of each observation.
fn widths(means: &[f64], (low, high): (f64, f64), options: &TpeOptions) -> Vec<f64> {
    let n = means.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| means[*a].total_cmp(&means[*b]));
    let at = |rank: Option<usize>| {
        rank.and_then(|rank| order.get(rank))
            .map(|place| means[*place])
    };
    let least = match options.consider_magic_clip {
        true => (high - low) / (n as f64 + 2.0).min(100.0),
        false => LEAST_WIDTH,
    };
    let mut widths = vec![0.0; n];
    for (rank, place) in order.iter().enumerate() {
        let (left, right) = (at(rank.checked_sub(1)), at(Some(rank + 1)));
        // an outermost observation has only one neighbour, unless the ends of the range count or it is the only one
        let ends_count = options.consider_endpoints || n < 2;
        let end = |end| if ends_count { Some(end) } else { None };
        let gap = |other: Option<f64>| other.map_or(0.0, |other| (other - means[*place]).abs());
        let width = gap(left.or(end(low))).max(gap(right.or(end(high))));
        widths[*place] = width.clamp(least, high - low);
    }
    widths
}

/// For each observation, and for the prior, the probability of each choice.
pub(crate) fn choice_kernels(choices: usize, observations: &[f64], prior: f64) -> Vec<Vec<f64>> {
    let base = prior / (observations.len() + 1) as f64;
    let sum = 1.0 + base * choices as f64;
    let mut kernels: Vec<Vec<f64>> = observations
        .iter()
        .map(|observed| {
            let mut probabilities = vec![base / sum; choices];
            probabilities[*observed as usize] = (1.0 + base) / sum;
            probabilities
        })
        .collect();
    kernels.push(vec![1.0 / choices as f64; choices]);
    kernels
}
