//! The options of samplers: as written, checked, with Optuna's names and defaults where Optuna has them.

use hpipe_core::{Mapping, OptionFault, Value};

use super::Sampler;
use crate::faults::{Faults, suggest};

const SAMPLERS: [&str; 4] = ["tpe", "random", "grid", "qmc"];

/// Options of the tree-structured Parzen estimator; the defaults are those of Optuna 5.
#[derive(Debug, Clone, PartialEq)]
pub struct TpeOptions {
    /// Trials are drawn at random until so many have ended with a value.
    pub n_startup_trials: usize,
    /// How many candidates are drawn from the good density for each group of parameters.
    pub n_ei_candidates: usize,
    /// The fraction of trials that count as good, rounded up.
    pub gamma: f64,
    /// At most so many trials count as good.
    pub max_good_trials: usize,
    /// The last so many trials of a density count in full; those before rise linearly from 1/n.
    pub full_weight_trials: usize,
    /// What the prior counts, in trials; positive.
    pub prior_weight: f64,
    /// Whether kernels have a least width that shrinks with the number of trials.
    pub consider_magic_clip: bool,
    /// Whether the ends of a range count as neighbours where the outermost kernels get their width.
    pub consider_endpoints: bool,
    /// Whether parameters that are active together are modelled jointly.
    pub multivariate: bool,
    /// Whether trials that are running count as bad, so that the next ones stay away from them.
    pub constant_liar: bool,
}

impl Default for TpeOptions {
    fn default() -> Self {
        Self {
            n_startup_trials: 10,
            n_ei_candidates: 24,
            gamma: 0.1,
            max_good_trials: 25,
            full_weight_trials: 25,
            prior_weight: 1.0,
            consider_magic_clip: true,
            consider_endpoints: false,
            multivariate: true,
            constant_liar: true,
        }
    }
}

/// Options of the quasi-random search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QmcOptions {
    /// Whether the sequence is scrambled by the seed; if not, it is the same for every seed and begins at the lowest values.
    pub scramble: bool,
}

impl Default for QmcOptions {
    fn default() -> Self {
        Self { scramble: true }
    }
}

/// Reads a sampler: `tpe`, or `{tpe: {n_startup_trials: 20}}`.
pub(crate) fn parse(value: &Value) -> Result<Sampler, Vec<OptionFault>> {
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
            faults.refuse::<()>("", "a sampler such as `tpe` or `{tpe: {…}}`", other);
            return faults.into_result(Sampler::Random);
        }
    };
    let sampler = match name {
        "tpe" => Sampler::Tpe(tpe(options, &mut faults)),
        "qmc" => Sampler::Qmc(qmc(options, &mut faults)),
        "random" | "grid" => {
            for (key, _) in options.iter() {
                faults.add(
                    &format!("{name}.{key}"),
                    format!("`{name}` takes no options"),
                );
            }
            if name == "grid" {
                Sampler::Grid
            } else {
                Sampler::Random
            }
        }
        _ => {
            let help = suggest("samplers", name, &SAMPLERS);
            faults.add_with_help("", format!("there is no sampler `{name}`"), help);
            Sampler::Random
        }
    };
    faults.into_result(sampler)
}

fn tpe(map: &Mapping, faults: &mut Faults) -> TpeOptions {
    let mut options = TpeOptions::default();
    let known = [
        "n_startup_trials",
        "n_ei_candidates",
        "gamma",
        "max_good_trials",
        "full_weight_trials",
        "prior_weight",
        "consider_magic_clip",
        "consider_endpoints",
        "multivariate",
        "constant_liar",
    ];
    faults.unknown_keys("tpe", map, &known);
    for (key, value) in map.iter() {
        let path = format!("tpe.{key}");
        match key {
            // with no complete trial there would be nothing to model
            "n_startup_trials" => set(&mut options.n_startup_trials, faults.count(&path, value, 1)),
            "n_ei_candidates" => set(&mut options.n_ei_candidates, faults.count(&path, value, 1)),
            "max_good_trials" => set(&mut options.max_good_trials, faults.count(&path, value, 1)),
            "full_weight_trials" => {
                set(
                    &mut options.full_weight_trials,
                    faults.count(&path, value, 1),
                );
            }
            "gamma" => set(&mut options.gamma, fraction(faults, &path, value)),
            "prior_weight" => set(&mut options.prior_weight, faults.positive(&path, value)),
            "consider_magic_clip" => {
                set(
                    &mut options.consider_magic_clip,
                    faults.boolean(&path, value),
                );
            }
            "consider_endpoints" => {
                set(
                    &mut options.consider_endpoints,
                    faults.boolean(&path, value),
                );
            }
            "multivariate" => set(&mut options.multivariate, faults.boolean(&path, value)),
            "constant_liar" => set(&mut options.constant_liar, faults.boolean(&path, value)),
            _ => {}
        }
    }
    options
}

fn qmc(map: &Mapping, faults: &mut Faults) -> QmcOptions {
    let mut options = QmcOptions::default();
    faults.unknown_keys("qmc", map, &["scramble"]);
    if let Some(value) = map.get("scramble") {
        set(&mut options.scramble, faults.boolean("qmc.scramble", value));
    }
    options
}

/// A number above 0 and below 1.
fn fraction(faults: &mut Faults, path: &str, value: &Value) -> Option<f64> {
    let x = faults.positive(path, value)?;
    if x < 1.0 {
        return Some(x);
    }
    faults.add(path, format!("must be below 1, not {value}"));
    None
}

fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}
