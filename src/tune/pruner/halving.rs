//! Asynchronous successive halving (Li et al. 2020, "A system for massively parallel hyperparameter tuning", algorithm 2),
//! in Optuna's form: a trial is never paused; at each rung it goes on at once or is given up.
//!
//! Rung `k` is at step `min_resource · reduction_factor^(min_early_stopping_rate + k)`; a trial's value there is that of
//! its first report at this step or after it. It goes on if it is among the best `1 / reduction_factor` of the trials that
//! reached the rung, itself included, or the best of all while they are fewer than `reduction_factor`.

use super::HalvingOptions;
use crate::definition::Direction;
use crate::series::Series;
use crate::trial::Trial;

/// Whether a trial failed at a rung that its series has reached. NaN at a rung fails.
pub(super) fn should_prune(
    options: &HalvingOptions,
    direction: Direction,
    known: &[Trial],
    series: &Series,
) -> bool {
    let Some(least) = options.min_resource.or_else(|| estimated_resource(known)) else {
        return false;
    };
    (0..)
        .map_while(|rung| rung_step(options, least, rung))
        .map_while(|step| Some((step, series.from(step)?.1)))
        .any(|(step, value)| fails(options, direction, known, step, value))
}

/// The step of a rung; none beyond the largest number.
fn rung_step(options: &HalvingOptions, least: u64, rung: u32) -> Option<u64> {
    let power = options.min_early_stopping_rate.checked_add(rung)?;
    least.checked_mul(options.reduction_factor.checked_pow(power)?)
}

/// A hundredth of the steps of the first trial that ran to its end, at least 1; of the first, so that the rungs stay where
/// they are.
fn estimated_resource(known: &[Trial]) -> Option<u64> {
    known
        .iter()
        .filter(|trial| trial.value().is_some())
        .find_map(|trial| trial.series.last())
        .map(|(step, _)| (step / 100).max(1))
}

fn fails(
    options: &HalvingOptions,
    direction: Direction,
    known: &[Trial],
    step: u64,
    value: f64,
) -> bool {
    if value.is_nan() {
        return true;
    }
    let others = known.iter().filter_map(|trial| trial.series.from(step));
    let mut competing: Vec<f64> = others
        .map(|(_, value)| value)
        .filter(|value| !value.is_nan())
        .chain([value])
        .collect();
    if competing.len() <= options.bootstrap_count {
        return true;
    }
    competing.sort_by(|a, b| direction.order(*a, *b));
    let promoted = (competing.len() as u64 / options.reduction_factor).max(1) as usize;
    direction.is_better(competing[promoted - 1], value)
}
