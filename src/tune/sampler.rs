//! Samplers: the proposal for a trial, given what is known of those before it.
//!
//! Each is a function of the space, its options, the seed, the number of the trial and a [`History`]; none keeps state
//! between trials. What a trial draws comes from the generator of its own number.

mod grid;
mod options;
mod qmc;
mod sobol;
mod sobol_directions;
mod tpe;

use crate::definition::Direction;
use crate::generator::{Generator, Stream};
use crate::space::{Point, Space};
use crate::trial::Outcome;

pub(crate) use grid::total as grid_total;
pub(crate) use options::parse;
pub use options::{QmcOptions, TpeOptions};
pub use sobol_directions::SOBOL_DIMENSIONS;
pub(crate) use tpe::kernel;

/// How the next trial is proposed.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// A tree-structured Parzen estimator.
    Tpe(TpeOptions),
    /// Every value independently at random.
    Random,
    /// Every combination, the parameter declared last changing fastest.
    Grid,
    /// A scrambled Sobol sequence.
    Qmc(QmcOptions),
}

/// A trial as a sampler sees it.
pub(crate) struct Seen<'a> {
    /// What was proposed.
    pub(crate) point: &'a Point,
    /// How it ended; none while it counts as running.
    pub(crate) outcome: Option<Outcome>,
}

/// What a sampler is asked.
pub(crate) struct Question<'a> {
    /// The space.
    pub(crate) space: &'a Space,
    /// Which values are better.
    pub(crate) direction: Direction,
    /// The seed of the study.
    pub(crate) seed: u64,
    /// The trials before the one to propose, by number.
    pub(crate) history: &'a [Seen<'a>],
    /// Values that are already chosen.
    pub(crate) fixed: Point,
}

impl Question<'_> {
    /// The number of the trial to propose.
    pub(crate) const fn number(&self) -> usize {
        self.history.len()
    }

    /// The generator of the trial to propose.
    fn generator(&self) -> Generator {
        Generator::new(self.seed, Stream::Trial(self.number()))
    }
}

impl Sampler {
    /// Proposes a trial; none when a grid has no more.
    pub(crate) fn propose(&self, question: &Question<'_>) -> Option<Point> {
        match self {
            Self::Tpe(options) => Some(tpe::propose(options, question)),
            Self::Random => Some(random(question, &mut question.generator())),
            Self::Grid => grid::after(
                question.space,
                question.history.last().map(|seen| seen.point),
            ),
            Self::Qmc(options) => Some(qmc::propose(options, question)),
        }
    }
}

/// Draws every value that is not fixed independently.
fn random(question: &Question<'_>, generator: &mut Generator) -> Point {
    let mut point = question.fixed.clone();
    question
        .space
        .complete(&mut point, |_, domain| domain.of_unit(generator.unit()));
    point
}
