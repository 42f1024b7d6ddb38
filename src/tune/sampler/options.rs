//! The options of samplers: as written, checked, with Optuna's names and defaults where Optuna has them.

use hpipe_core::{OptionFault, Value};

use super::Sampler;
use crate::section::{Section, one_of};

/// Options of the tree-structured Parzen estimator; the defaults are those of Optuna 5.
#[derive(Debug, Clone, PartialEq)]
pub struct TpeOptions {
    /// Trials are drawn at random until so many have ended with a value; at least 1.
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
    let names = ["tpe", "random", "grid", "qmc"];
    one_of(value, "sampler", &names, |name, section| match name {
        "tpe" => Sampler::Tpe(tpe(section)),
        "qmc" => Sampler::Qmc(QmcOptions {
            scramble: section.flag("scramble", QmcOptions::default().scramble),
        }),
        "grid" => Sampler::Grid,
        _ => Sampler::Random,
    })
}

/// All candidates of a trial are in memory at once; the best of more is hardly better.
const MOST_CANDIDATES: usize = 100_000;

fn tpe(section: &mut Section<'_, '_>) -> TpeOptions {
    let default = TpeOptions::default();
    let options = TpeOptions {
        // with no trial at all there would be nothing to model
        n_startup_trials: section.count("n_startup_trials", 1, default.n_startup_trials),
        n_ei_candidates: section.count("n_ei_candidates", 1, default.n_ei_candidates),
        gamma: section.positive("gamma", default.gamma),
        max_good_trials: section.count("max_good_trials", 1, default.max_good_trials),
        full_weight_trials: section.count("full_weight_trials", 1, default.full_weight_trials),
        prior_weight: section.positive("prior_weight", default.prior_weight),
        consider_magic_clip: section.flag("consider_magic_clip", default.consider_magic_clip),
        consider_endpoints: section.flag("consider_endpoints", default.consider_endpoints),
        multivariate: section.flag("multivariate", default.multivariate),
        constant_liar: section.flag("constant_liar", default.constant_liar),
    };
    if options.n_ei_candidates > MOST_CANDIDATES {
        let message = format!("must be at most {MOST_CANDIDATES}");
        section.blame("n_ei_candidates", message);
    }
    if options.gamma >= 1.0 {
        section.blame("gamma", format!("must be below 1, not {}", options.gamma));
    }
    options
}
