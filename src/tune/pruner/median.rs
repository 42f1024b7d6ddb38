//! The median stopping rule (Golovin et al. 2017, "Google Vizier", section 3.2.2), as Optuna has it.

use super::MedianOptions;
use crate::definition::Direction;
use crate::series::Series;
use crate::trial::Trial;

/// Whether the best value of `series` is worse than the median of the complete trials at its last step.
///
/// A trial that has reported nothing but NaN is given up; NaN of others does not count.
pub(super) fn should_prune(
    options: &MedianOptions,
    direction: Direction,
    known: &[Trial],
    series: &Series,
) -> bool {
    let complete = || known.iter().filter(|trial| trial.value().is_some());
    let enough = complete().count() >= options.n_startup_trials.max(1);
    let Some((step, _)) = series.last().filter(|_| enough) else {
        return false;
    };
    if !is_check(options, step, series) {
        return false;
    }
    let best = series
        .iter()
        .map(|(_, value)| value)
        .min_by(|a, b| direction.order(*a, *b));
    let Some(best) = best.filter(|best| !best.is_nan()) else {
        return true;
    };
    let reported: Vec<f64> = complete()
        .filter_map(|trial| trial.series.at(step))
        .collect();
    if reported.len() < options.n_min_trials {
        return false;
    }
    median(reported).is_some_and(|median| direction.is_better(median, best))
}

/// Whether `step` is the first that was reported in its interval, after the warm-up.
fn is_check(options: &MedianOptions, step: u64, series: &Series) -> bool {
    let Some(since) = step.checked_sub(options.n_warmup_steps) else {
        return false;
    };
    let begin = options.n_warmup_steps + since / options.interval_steps * options.interval_steps;
    let before = series.iter().rev().nth(1);
    before.is_none_or(|(before, _)| before < begin)
}

/// The median of the values that are not NaN; none if there are none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = values[values.len() / 2 - 1];
    Some(if lower == upper {
        upper
    } else {
        f64::midpoint(lower, upper)
    })
}
