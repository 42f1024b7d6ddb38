//! The tree-structured Parzen estimator, as Optuna 5 does it by default.
//!
//! Trials are divided into a few good ones and the rest; each side becomes a density over the parameters; candidates are
//! drawn from the good density, and the one whose good density exceeds its bad density most is proposed.
//!
//! Sources: Bergstra, Bardenet, Bengio and Kégl 2011 ("Algorithms for hyper-parameter optimization") for the idea;
//! Bergstra, Yamins and Cox 2013 ("Making a science of model search") for the weights of old trials; Falkner, Klein and
//! Hutter 2018 (BOHB) for joint kernels; Watanabe 2023 ("Tree-structured Parzen estimator: understanding its algorithm
//! components", arXiv 2304.11127), whose names the options have; Ginsbourger, Le Riche and Carraro 2010 for counting
//! running trials as bad (the constant liar). Defaults and details follow Optuna 5.0's `TPESampler`.
//!
//! Where we differ from Optuna: a conditional space is known from its declaration, so parameters are modelled in the
//! groups that are always active together from the first trial on (Optuna's `group=True`, without having to see a trial
//! of each branch first).

pub(crate) mod kernel;
mod parzen;
mod split;

#[cfg(test)]
mod golden;

use parzen::Parzen;

use super::{Question, Seen, TpeOptions, random};
use crate::domain::Domain;
use crate::generator::Generator;
use crate::space::Point;
use split::Split;

/// Proposes a trial.
pub(super) fn propose(options: &TpeOptions, question: &Question<'_>) -> Point {
    let mut generator = question.generator();
    let ended = question
        .history
        .iter()
        .filter(|seen| split::has_ended(seen));
    let ended = ended.count();
    if ended < options.n_startup_trials {
        return random(question, &mut generator);
    }
    let good = (options.gamma * ended as f64).ceil() as usize;
    let good = good.min(options.max_good_trials);
    let split = Split::new(question, good, options.constant_liar);
    let mut point = question.fixed.clone();
    for group in question.space.groups() {
        if question.space.is_active(group[0], &point) {
            fill(options, question, &split, group, &mut point, &mut generator);
        }
    }
    point
}

/// Chooses the values of a group that is active.
fn fill(
    options: &TpeOptions,
    question: &Question<'_>,
    split: &Split<'_>,
    group: &[usize],
    point: &mut Point,
    generator: &mut Generator,
) {
    let (open, single) = open(question, group, point);
    for param in single {
        let only = question.space.params()[param].domain.of_unit(0.0);
        point.set(param, Some(only));
    }
    let at_once = if options.multivariate { open.len() } else { 1 };
    for params in open.chunks(at_once.max(1)) {
        let values = best_candidate(options, question, split, params, generator);
        for (param, value) in params.iter().zip(values) {
            point.set(*param, Some(value));
        }
    }
}

/// The parameters of a group that are still to be chosen: those with several values, and those with only one.
fn open(question: &Question<'_>, group: &[usize], point: &Point) -> (Vec<usize>, Vec<usize>) {
    group
        .iter()
        .filter(|param| point.get(**param).is_none())
        .partition(|param| question.space.params()[**param].domain.count() != Some(1))
}

/// Of some candidates from the good density the one with the highest ratio of good to bad; of equal ones the first.
fn best_candidate(
    options: &TpeOptions,
    question: &Question<'_>,
    split: &Split<'_>,
    params: &[usize],
    generator: &mut Generator,
) -> Vec<f64> {
    let domains: Vec<&Domain> = params
        .iter()
        .map(|param| &question.space.params()[*param].domain)
        .collect();
    let density = |trials: &[&Seen<'_>]| Parzen::new(&domains, &observed(trials, params), options);
    let (good, bad) = (density(&split.good), density(&split.bad));
    let mut candidates: Vec<Vec<f64>> = (0..options.n_ei_candidates)
        .map(|_| good.sample(generator))
        .collect();
    let (in_good, in_bad) = (
        good.log_densities(&candidates),
        bad.log_densities(&candidates),
    );
    let gain = |place: usize| in_good[place] - in_bad[place];
    let mut best = 0;
    for place in 1..candidates.len() {
        if gain(place) > gain(best) {
            best = place;
        }
    }
    candidates.swap_remove(best)
}

/// The values of `params` in the trials that have them all.
fn observed(trials: &[&Seen<'_>], params: &[usize]) -> Vec<Vec<f64>> {
    let values = |seen: &&Seen<'_>| params.iter().map(|param| seen.point.get(*param)).collect();
    trials.iter().filter_map(values).collect()
}
