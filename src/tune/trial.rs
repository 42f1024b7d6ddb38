//! A trial: what was proposed, and what became of it.

use hpipe_core::Mapping;

use crate::series::Series;
use crate::space::Point;

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It ran to its end with this value of the objective. Infinite values are kept and rank as such; NaN is a failure.
    Complete(f64),
    /// It was given up at `step`, where it had `value`; NaN ranks last.
    Pruned {
        /// The last step it reported.
        step: u64,
        /// The value it reported there.
        value: f64,
    },
    /// It has no value: it counts as a trial, and samplers and pruners do as if it had not been.
    Failed,
}

/// Where a trial is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Asked, not told.
    Running,
    /// Told.
    Finished(Outcome),
}

/// One trial of a study.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// The active parameters by name, in the order of the space; dotted names stay dotted.
    pub params: Mapping,
    /// Where it is.
    pub state: State,
    /// What it reported on its way; empty until told.
    pub series: Series,
    /// The same as `params`, as samplers see it.
    pub(crate) point: Point,
}

impl Trial {
    /// The value of the objective, if the trial is complete.
    pub const fn value(&self) -> Option<f64> {
        match self.state {
            State::Finished(Outcome::Complete(value)) => Some(value),
            _ => None,
        }
    }
}

/// The best complete trial of a study.
#[derive(Debug, Clone, Copy)]
pub struct Best<'a> {
    /// The value of the objective.
    pub value: f64,
    /// The trial; of equally good ones the first.
    pub trial: &'a Trial,
}
