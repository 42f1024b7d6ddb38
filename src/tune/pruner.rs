//! Pruners: whether a trial that is under way is worth going on with.
//!
//! Like a proposal, a decision is a function of the trial's own series and of the trials that ended before its lag window;
//! it does not matter when it is asked, or how often. Rules and defaults are Optuna 5's.

mod halving;
mod median;
mod options;

pub(crate) use options::parse;
pub use options::{HalvingOptions, MedianOptions};

use crate::definition::Direction;
use crate::series::Series;
use crate::trial::Trial;

/// When a trial is given up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Pruner {
    /// Never.
    #[default]
    None,
    /// When its best value so far is worse than the median of the complete trials at the same step.
    Median(MedianOptions),
    /// Asynchronous successive halving: at rungs that are ever further apart, unless it is among the best there.
    SuccessiveHalving(HalvingOptions),
}

impl Pruner {
    /// Whether to give a trial up after the last step of its `series`; `known` are the trials it may be compared with.
    pub(crate) fn should_prune(
        &self,
        direction: Direction,
        known: &[Trial],
        series: &Series,
    ) -> bool {
        match self {
            Self::None => false,
            Self::Median(options) => median::should_prune(options, direction, known, series),
            Self::SuccessiveHalving(options) => {
                halving::should_prune(options, direction, known, series)
            }
        }
    }
}
