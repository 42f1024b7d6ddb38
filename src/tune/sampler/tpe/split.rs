//! Which trials count as good and which as bad.
//!
//! Complete trials by their value come before pruned ones; of pruned ones those that got further come first, then the
//! better value at the last step, NaN last. Failed trials are not there at all. Trials that are running count as bad, or
//! not at all.

use std::cmp::Ordering;

use crate::definition::Direction;
use crate::sampler::{Question, Seen};
use crate::trial::Outcome;

/// Trials in the order of their numbers.
pub(super) struct Split<'a> {
    /// The good ones.
    pub(super) good: Vec<&'a Seen<'a>>,
    /// The rest.
    pub(super) bad: Vec<&'a Seen<'a>>,
}

/// Whether a trial ended with a value.
pub(super) const fn has_ended(seen: &Seen<'_>) -> bool {
    matches!(
        seen.outcome,
        Some(Outcome::Complete(_) | Outcome::Pruned { .. })
    )
}

impl<'a> Split<'a> {
    /// The best `good` trials, and the rest.
    pub(super) fn new(question: &Question<'a>, good: usize, running_are_bad: bool) -> Self {
        let mut ended: Vec<(usize, Outcome)> = question
            .history
            .iter()
            .enumerate()
            .filter_map(|(number, seen)| Some((number, seen.outcome?)))
            .filter(|(number, _)| has_ended(&question.history[*number]))
            .collect();
        // stable: of equal trials the earlier is the better
        ended.sort_by(|(_, a), (_, b)| order(a, b, question.direction));
        let mut is_good = vec![false; question.history.len()];
        ended
            .iter()
            .take(good)
            .for_each(|(number, _)| is_good[*number] = true);
        let mut split = Self {
            good: Vec::new(),
            bad: Vec::new(),
        };
        for (seen, is_good) in question.history.iter().zip(is_good) {
            if is_good {
                split.good.push(seen);
            } else if has_ended(seen) || (running_are_bad && seen.outcome.is_none()) {
                split.bad.push(seen);
            }
        }
        split
    }
}

/// The better first.
fn order(a: &Outcome, b: &Outcome, direction: Direction) -> Ordering {
    match (a, b) {
        (Outcome::Complete(a), Outcome::Complete(b)) => direction.order(*a, *b),
        (Outcome::Complete(_), _) => Ordering::Less,
        (_, Outcome::Complete(_)) => Ordering::Greater,
        (Outcome::Pruned { step: s, value: a }, Outcome::Pruned { step: t, value: b }) => {
            t.cmp(s).then(direction.order(*a, *b))
        }
        (Outcome::Failed, _) | (_, Outcome::Failed) => Ordering::Equal,
    }
}
