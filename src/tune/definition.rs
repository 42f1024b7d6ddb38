//! What is searched and how: everything that a study's trials depend on, but for their results.
//!
//! Reading one from a config, with all its faults, is in `definition/parse.rs`.

mod parse;

use std::cmp::Ordering;

use hpipe_core::{OptionFault, Value};

use crate::pruner::Pruner;
use crate::sampler::Sampler;
use crate::space::{Point, Space};

/// Which values of the objective are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smaller ones.
    #[default]
    Minimize,
    /// Larger ones.
    Maximize,
}

impl Direction {
    /// The better value first; NaN last, equal to itself.
    pub fn order(self, a: f64, b: f64) -> Ordering {
        match (a.is_nan(), b.is_nan()) {
            (false, false) => match self {
                Self::Minimize => a.partial_cmp(&b),
                Self::Maximize => b.partial_cmp(&a),
            }
            .unwrap_or(Ordering::Equal),
            (a_is_none, b_is_none) => a_is_none.cmp(&b_is_none),
        }
    }

    /// Whether `a` is better than `b`; NaN is worse than anything.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        self.order(a, b) == Ordering::Less
    }
}

/// A checked definition of a study.
///
/// Two studies with equal definitions, whose trials have equal results, have equal trials. `trials` alone may differ: the
/// shorter study is the beginning of the longer one.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(crate) space: Space,
    pub(crate) direction: Direction,
    pub(crate) sampler: Sampler,
    pub(crate) pruner: Pruner,
    pub(crate) trials: usize,
    pub(crate) seed: u64,
    pub(crate) concurrency: usize,
    pub(crate) initial: Vec<Point>,
}

impl Definition {
    /// Trials of a study that does not say, unless it is a grid, which has as many as it has points.
    pub const TRIALS: usize = 50;
    /// How many trials may run at once in a study that does not say.
    pub const CONCURRENCY: usize = 4;
    /// The keys that [`parse`](Self::parse) knows, for a file that holds others besides.
    pub const KEYS: [&'static str; 8] = [
        "space",
        "direction",
        "sampler",
        "pruner",
        "trials",
        "seed",
        "concurrency",
        "initial",
    ];

    /// Reads a definition.
    ///
    /// | key | is | default |
    /// |---|---|---|
    /// | `space` | what is searched, see [`Space::parse`] | required |
    /// | `direction` | `minimize` or `maximize` | `minimize` |
    /// | `sampler` | `tpe`, `random`, `grid`, `qmc`, or one with options: `{tpe: {n_startup_trials: 20}}` | `tpe` |
    /// | `pruner` | `none`, `median`, `successive_halving`, or one with options | `none` |
    /// | `trials` | how many | 50; all of a grid |
    /// | `seed` | a whole number from 0 | 0 |
    /// | `concurrency` | how many trials may run at once; the lag of the study | 4 |
    /// | `initial` | a list of mappings: the first trials, what they leave out drawn at random | none |
    ///
    /// # Errors
    /// Every fault, with its path below `value`.
    pub fn parse(value: &Value) -> Result<Self, Vec<OptionFault>> {
        parse::definition(value)
    }

    /// What is searched.
    pub const fn space(&self) -> &Space {
        &self.space
    }

    /// Which values are better.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// How trials are proposed.
    pub const fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// How trials are given up.
    pub const fn pruner(&self) -> &Pruner {
        &self.pruner
    }

    /// How many trials the study has; for a grid at most its points.
    pub const fn trials(&self) -> usize {
        self.trials
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many trials may run at once: trial `n` is proposed from the results of the trials up to `n - concurrency`.
    pub const fn concurrency(&self) -> usize {
        self.concurrency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listed_keys_are_those_that_are_read() {
        let all = Definition::KEYS.map(|key| (key.to_owned(), Value::Null));
        let faults = Definition::parse(&Value::Map(all.into_iter().collect()))
            .expect_err("a space is required");
        let told: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(told, ["space"], "a listed key is not read");
        let other = Value::Map([("spice".to_owned(), Value::Null)].into_iter().collect());
        let faults = Definition::parse(&other).expect_err("there is no such key");
        let help = faults.iter().filter_map(|fault| fault.help.as_deref());
        assert!(help.clone().any(|help| help.contains("`space`")));
    }
}
