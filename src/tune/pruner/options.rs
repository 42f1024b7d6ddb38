//! The options of pruners: as written, checked, with Optuna's names and defaults.

use hpipe_core::{Mapping, OptionFault, Value};

use super::Pruner;
use crate::faults::{Faults, suggest};

const PRUNERS: [&str; 3] = ["none", "median", "successive_halving"];

/// Options of the median rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MedianOptions {
    /// Nothing is given up until so many trials are complete.
    pub n_startup_trials: usize,
    /// Nothing is given up before this step.
    pub n_warmup_steps: u64,
    /// From there on the rule is asked once in so many steps, at the first report.
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
    /// One in so many is promoted at each rung; each rung is so many times as far as the one before.
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
    let mut faults = Faults::default();
    let none = Mapping::new();
    let (name, options) = match value {
        Value::Text(name) => (name.as_str(), &none),
        Value::Map(map) if map.len() == 1 => match map.iter().next() {
            Some((name, Value::Map(options))) => (name, options),
            Some((name, Value::Null)) => (name, &none),
            Some((name, other)) => {
                faults.refuse::<()>(name, "a mapping of options", other);
                (name, &none)
            }
            None => ("", &none),
        },
        other => {
            faults.refuse::<()>("", "a pruner such as `median` or `{median: {…}}`", other);
            return faults.into_result(Pruner::None);
        }
    };
    let pruner = match name {
        "none" => {
            faults.unknown_keys(name, options, &[]);
            Pruner::None
        }
        "median" => Pruner::Median(median(options, &mut faults)),
        "successive_halving" => Pruner::SuccessiveHalving(halving(options, &mut faults)),
        _ => {
            let help = suggest("pruners", name, &PRUNERS);
            faults.add_with_help("", format!("there is no pruner `{name}`"), help);
            Pruner::None
        }
    };
    faults.into_result(pruner)
}

fn median(map: &Mapping, faults: &mut Faults) -> MedianOptions {
    let known = [
        "n_startup_trials",
        "n_warmup_steps",
        "interval_steps",
        "n_min_trials",
    ];
    faults.unknown_keys("median", map, &known);
    let default = MedianOptions::default();
    let mut count = |key: &str, least: usize| {
        let path = format!("median.{key}");
        map.get(key)
            .and_then(|value| faults.count(&path, value, least))
    };
    MedianOptions {
        n_startup_trials: count("n_startup_trials", 0).unwrap_or(default.n_startup_trials),
        n_warmup_steps: count("n_warmup_steps", 0).map_or(default.n_warmup_steps, |n| n as u64),
        interval_steps: count("interval_steps", 1).map_or(default.interval_steps, |n| n as u64),
        n_min_trials: count("n_min_trials", 1).unwrap_or(default.n_min_trials),
    }
}

fn halving(map: &Mapping, faults: &mut Faults) -> HalvingOptions {
    let known = [
        "min_resource",
        "reduction_factor",
        "min_early_stopping_rate",
        "bootstrap_count",
    ];
    faults.unknown_keys("successive_halving", map, &known);
    let default = HalvingOptions::default();
    let mut count = |key: &str, least: usize| {
        let path = format!("successive_halving.{key}");
        let value = map
            .get(key)
            .filter(|value| value.as_text() != Some("auto") || key != "min_resource");
        value.and_then(|value| faults.count(&path, value, least))
    };
    let options = HalvingOptions {
        min_resource: count("min_resource", 1).map(|n| n as u64),
        reduction_factor: count("reduction_factor", 2)
            .map_or(default.reduction_factor, |n| n as u64),
        min_early_stopping_rate: count("min_early_stopping_rate", 0)
            .map_or(default.min_early_stopping_rate, |n| {
                u32::try_from(n).unwrap_or(u32::MAX)
            }),
        bootstrap_count: count("bootstrap_count", 0).unwrap_or(default.bootstrap_count),
    };
    if options.bootstrap_count > 0 && options.min_resource.is_none() {
        let message =
            "needs a `min_resource`: with none the first complete trial says where the rungs are";
        faults.add("successive_halving.bootstrap_count", message);
    }
    options
}
