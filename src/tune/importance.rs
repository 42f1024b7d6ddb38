//! Which parameters mattered: PED-ANOVA.
//!
//! The importance of a parameter is how much the density of its values among the best trials differs from that among all
//! trials of a region (Pearson's divergence). Watanabe, Bansal and Hutter 2023, "PED-ANOVA: efficiently quantifying
//! hyperparameter importance in arbitrary subspaces" (IJCAI; arXiv 2304.10255, equation 16); conditional parameters as in
//! "Conditional PED-ANOVA" (arXiv 2601.20800, theorem 4.2), for the two regimes a parameter of a [`Space`] can be in:
//! active and not. Choices of detail and defaults are those of Optuna 5.0's `PedAnovaImportanceEvaluator`, with which the
//! numbers agree.

mod scott;

use std::cmp::Ordering;

use crate::definition::Direction;
use crate::domain::Domain;
use crate::space::Space;
use crate::trial::Trial;

/// Added to densities, so that none is 0.
const LEAST_DENSITY: f64 = 1e-12;

/// A regime of fewer trials says nothing.
const LEAST_TRIALS: usize = 2;

/// Options of [`importance`]; the defaults are those of Optuna 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportanceOptions {
    /// The fraction of trials that count as the best, above 0.
    pub target_quantile: f64,
    /// The fraction of trials they are compared with, above `target_quantile` and at most 1.
    pub region_quantile: f64,
    /// Whether they are compared with the trials of the region; if not, with the whole range of the parameter.
    pub evaluate_on_local: bool,
}

impl Default for ImportanceOptions {
    fn default() -> Self {
        Self {
            target_quantile: 0.1,
            region_quantile: 1.0,
            evaluate_on_local: true,
        }
    }
}

/// The importance of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Its name.
    pub param: String,
    /// The divergence, from 0.
    pub divergence: f64,
    /// Its share in the sum over all parameters; equal shares if nothing mattered.
    pub share: f64,
}

/// The importance of every parameter that is active in a complete trial, the most important first.
///
/// Only complete trials with a finite value count. Equal importance for all when there are fewer than two, or when the
/// target and the region are the same trials. Of equal ones the parameter declared first comes first. At least five trials
/// among the best make a stable figure.
///
/// # Panics
/// When not `0 < target_quantile < region_quantile <= 1`.
pub fn importance(
    space: &Space,
    direction: Direction,
    trials: &[Trial],
    options: &ImportanceOptions,
) -> Vec<Importance> {
    let (target, region) = (options.target_quantile, options.region_quantile);
    assert!(
        0.0 < target && target < region && region <= 1.0,
        "target_quantile and region_quantile must satisfy 0 < target < region <= 1"
    );
    let finite = |trial: &&Trial| trial.value().is_some_and(f64::is_finite);
    let all: Vec<&Trial> = trials.iter().filter(finite).collect();
    let target = best(&all, direction, target);
    let region = best(&all, direction, region);
    let divergence = |param: usize| match all.len() {
        0 | 1 => 0.0,
        _ => of_param(
            param,
            &space.params()[param].domain,
            &target,
            &region,
            options,
        ),
    };
    let is_seen = |param: &usize| all.iter().any(|trial| trial.point.get(*param).is_some());
    let found = (0..space.params().len()).filter(is_seen);
    let found: Vec<(usize, f64)> = found.map(|param| (param, divergence(param))).collect();
    shares(space, &found)
}

fn shares(space: &Space, found: &[(usize, f64)]) -> Vec<Importance> {
    let sum: f64 = found.iter().map(|(_, divergence)| divergence).sum();
    let share = |divergence| {
        if sum > 0.0 {
            divergence / sum
        } else {
            1.0 / found.len() as f64
        }
    };
    let mut importances: Vec<Importance> = found
        .iter()
        .map(|(param, divergence)| Importance {
            param: space.params()[*param].name.clone(),
            divergence: *divergence,
            share: share(*divergence),
        })
        .collect();
    importances.sort_by(|a, b| {
        b.divergence
            .partial_cmp(&a.divergence)
            .unwrap_or(Ordering::Equal)
    });
    importances
}

/// The trials at least as good as the best `quantile` of them.
fn best<'a>(trials: &[&'a Trial], direction: Direction, quantile: f64) -> Vec<&'a Trial> {
    let mut values: Vec<f64> = trials.iter().filter_map(|trial| trial.value()).collect();
    values.sort_by(|a, b| direction.order(*a, *b));
    let rank = (quantile * values.len() as f64).ceil() as usize;
    let Some(cutoff) = values
        .get(rank.saturating_sub(1))
        .filter(|_| quantile < 1.0)
    else {
        return trials.to_vec();
    };
    let is_in = |trial: &&&Trial| {
        trial
            .value()
            .is_some_and(|value| !direction.is_better(*cutoff, value))
    };
    trials.iter().filter(is_in).copied().collect()
}

/// The divergence of one parameter, over the regime in which it is active.
fn of_param(
    param: usize,
    domain: &Domain,
    target: &[&Trial],
    region: &[&Trial],
    options: &ImportanceOptions,
) -> f64 {
    let values = |trials: &[&Trial]| -> Vec<f64> {
        let value = |trial: &&Trial| trial.point.get(param);
        trials.iter().filter_map(value).collect()
    };
    let (in_target, in_region) = (values(target), values(region));
    if domain.count() == Some(1) || in_target.is_empty() || in_region.len() < LEAST_TRIALS {
        return 0.0;
    }
    let fraction = |part: usize, whole: usize| part as f64 / whole as f64;
    let quantile = fraction(target.len(), region.len());
    let alpha = fraction(in_target.len(), target.len());
    let beta = fraction(in_region.len(), region.len());
    let top = scott::density(domain, &in_target);
    let local = match options.evaluate_on_local {
        true => scott::density(domain, &in_region),
        false => vec![1.0 / top.len() as f64; top.len()],
    };
    quantile.powi(2) * alpha.powi(2) / beta * pearson(&top, &local, options.evaluate_on_local)
}

/// Pearson's divergence of one discrete density from another.
fn pearson(top: &[f64], local: &[f64], is_estimated: bool) -> f64 {
    let least = if is_estimated { LEAST_DENSITY } else { 0.0 };
    let term = |(top, local): (&f64, &f64)| {
        let (top, local) = (top + LEAST_DENSITY, local + least);
        local * (top / local - 1.0).powi(2)
    };
    top.iter().zip(local).map(term).sum()
}
