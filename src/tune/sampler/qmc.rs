//! Quasi-random search: a scrambled Sobol sequence over the parameters, one dimension each.
//!
//! Trial `n` takes point `n` of the sequence, so a study can be raised without a break; numbers of trials that are powers
//! of two fill the space most evenly. A parameter that is not active leaves its dimension unused.

use super::options::QmcOptions;
use super::{Question, sobol};
use crate::space::Point;

/// Proposes a point of the sequence.
pub(super) fn propose(options: &QmcOptions, question: &Question<'_>) -> Point {
    let number = question.number() as u32;
    let mut point = question.fixed.clone();
    question.space.complete(&mut point, |param, domain| {
        let scrambling = options.scramble.then_some(question.seed);
        domain.of_unit(sobol::unit(number, param, scrambling))
    });
    point
}
