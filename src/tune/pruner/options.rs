//! The options of pruners: as written, checked, with Optuna's names and defaults.

use hpipe_core::{OptionFault, Value};

use super::Pruner;
use crate::faults::Faults;
use crate::section::{Section, one_of};

/// Options of the median rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MedianOptions {
    /// Nothing is given up until so many trials are complete.
    pub n_startup_trials: usize,
    /// Nothing is given up before this step.
    pub n_warmup_steps: u64,
    /// From there on the rule is asked once in so many steps, at the first report; at least 1.
    pub interval_steps: u64,
    /// Nothing is given up at a step that fewer complete trials have reported.
    pub n_min_trials: usize,
}

impl Default for MedianOptions {
    fn default() -> Self {
        Self {
            n_startup_trials: 5,
            n_warmup_steps: 0,
            interval_steps: 1,
            n_min_trials: 1,
        }
    }
}

/// Options of asynchronous successive halving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalvingOptions {
    /// The step of the first rung; none: a hundredth of the steps of the first complete trial.
    pub min_resource: Option<u64>,
    /// One in so many is promoted at each rung; each rung is so many times as far as the one before. At least 2.
    pub reduction_factor: u64,
    /// So many rungs are left out at the beginning.
    pub min_early_stopping_rate: u32,
    /// At a rung that no more than so many trials have reached, this one included, nothing is promoted.
    pub bootstrap_count: usize,
}

impl Default for HalvingOptions {
    fn default() -> Self {
        Self {
            min_resource: None,
            reduction_factor: 4,
            min_early_stopping_rate: 0,
            bootstrap_count: 0,
        }
    }
}

/// Reads a pruner: `median`, or `{median: {n_warmup_steps: 10}}`.
pub(crate) fn parse(value: &Value) -> Result<Pruner, Vec<OptionFault>> {
    let names = ["median", "successive_halving", "none"];
    one_of(value, "pruner", &names, |name, section| match name {
        "median" => Pruner::Median(median(section)),
        "successive_halving" => Pruner::SuccessiveHalving(halving(section)),
        _ => Pruner::None,
    })
}

fn median(section: &mut Section<'_, '_>) -> MedianOptions {
    let default = MedianOptions::default();
    MedianOptions {
        n_startup_trials: section.count("n_startup_trials", 0, default.n_startup_trials),
        n_warmup_steps: section.steps("n_warmup_steps", 0, default.n_warmup_steps),
        interval_steps: section.steps("interval_steps", 1, default.interval_steps),
        n_min_trials: section.count("n_min_trials", 1, default.n_min_trials),
    }
}

fn halving(section: &mut Section<'_, '_>) -> HalvingOptions {
    let default = HalvingOptions::default();
    let resource = |faults: &mut Faults, path: &str, value: &Value| match value.as_text() {
        Some("auto") => None,
        _ => faults.count(path, value, 1).map(|steps| steps as u64),
    };
    let rate = section.count("min_early_stopping_rate", 0, 0);
    let options = HalvingOptions {
        min_resource: section.read("min_resource", resource),
        reduction_factor: section.steps("reduction_factor", 2, default.reduction_factor),
        min_early_stopping_rate: u32::try_from(rate).unwrap_or(u32::MAX),
        bootstrap_count: section.count("bootstrap_count", 0, default.bootstrap_count),
    };
    if options.bootstrap_count > 0 && options.min_resource.is_none() {
        let message =
            "needs a `min_resource`: with none the first complete trial says where the rungs are";
        section.blame("bootstrap_count", message);
    }
    options
}
