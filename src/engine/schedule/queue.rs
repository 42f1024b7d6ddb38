//! Stages that wait for a job and for their part of the machine, the most urgent first.
//!
//! Those that take the same wait in one line: when the first of a line does not fit, none of it does. So looking for the
//! next one asks each line once, however many stages wait for one mutex.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use crate::budget::Demand;
use crate::graph::StageIndex;

/// A stage that waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Queued {
    /// Seconds to go, its own and those of what needs it.
    pub(super) remaining: f64,
    /// Its place in the plan.
    pub(super) place: usize,
    pub(super) stage: StageIndex,
}

impl Eq for Queued {}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.remaining
            .total_cmp(&other.remaining)
            .then(other.place.cmp(&self.place))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Names a line within one queue.
type LineId = usize;

/// The lines of those who wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: Vec<BinaryHeap<Queued>>,
    /// Of stages that say what they take; all others are in the first line.
    line_of: HashMap<StageIndex, LineId>,
    /// The first of each line, and some that no longer are.
    firsts: BinaryHeap<(Queued, LineId)>,
    waiting: usize,
}

impl Queue {
    /// An empty one for stages with these demands.
    pub(super) fn new(demands: &HashMap<StageIndex, Demand>) -> Self {
        let mut known: HashMap<&Demand, LineId> = HashMap::new();
        let mut line = |demand| {
            let next = known.len() + 1;
            *known.entry(demand).or_insert(next)
        };
        let line_of: HashMap<_, _> = demands
            .iter()
            .map(|(stage, demand)| (*stage, line(demand)))
            .collect();
        Self {
            lines: vec![BinaryHeap::new(); known.len() + 1],
            line_of,
            ..Self::default()
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn push(&mut self, queued: Queued) {
        let id = self.line_of.get(&queued.stage).copied().unwrap_or(0);
        self.lines[id].push(queued);
        self.waiting += 1;
        if self.lines[id].peek() == Some(&queued) {
            self.firsts.push((queued, id));
        }
    }

    /// Takes the most urgent stage that is `Choice::Take`n; the first of each line is offered once, the most urgent first.
    pub(super) fn take(
        &mut self,
        mut offer: impl FnMut(StageIndex) -> Choice,
    ) -> Option<StageIndex> {
        let mut passed: Vec<(Queued, LineId)> = Vec::new();
        let mut taken = None;
        while let Some((first, id)) = self.firsts.pop() {
            let is_asked = passed.last() == Some(&(first, id));
            if is_asked || self.lines[id].peek() != Some(&first) {
                continue; // somebody more urgent came, or it has gone
            }
            match offer(first.stage) {
                Choice::Take => {
                    self.lines[id].pop();
                    self.waiting -= 1;
                    passed.extend(self.lines[id].peek().map(|next| (*next, id)));
                    taken = Some(first.stage);
                    break;
                }
                Choice::Pass => passed.push((first, id)),
                Choice::Stop => {
                    passed.push((first, id));
                    break;
                }
            }
        }
        self.firsts.extend(passed);
        taken
    }
}

/// What becomes of a stage that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is the one.
    Take,
    /// Another may be.
    Pass,
    /// None is.
    Stop,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(stage: usize, remaining: f64) -> Queued {
        Queued {
            remaining,
            place: stage,
            stage: StageIndex::new(stage),
        }
    }

    fn demand(mutex: &str) -> Demand {
        Demand {
            mutexes: vec![mutex.to_owned()],
            ..Demand::default()
        }
    }

    #[test]
    fn each_line_is_asked_once_and_the_most_urgent_first() {
        let of = |(stage, mutex): (usize, &str)| (StageIndex::new(stage), demand(mutex));
        let all = (0..1000).map(|stage| (stage, "m")).chain([(1000, "n")]);
        let mut queue = Queue::new(&all.map(of).collect());
        (0..1001).for_each(|stage| queue.push(queued(stage, 1.0)));
        queue.push(queued(1001, 0.5)); // says nothing of what it takes

        let mut offered = Vec::new();
        let taken = queue.take(|stage| {
            offered.push(stage.index());
            match stage.index() {
                1001 => Choice::Take,
                _ => Choice::Pass,
            }
        });
        assert_eq!(taken, Some(StageIndex::new(1001)));
        assert_eq!(offered, [0, 1000, 1001]);

        // Who was the first, and is again, is asked once.
        queue.push(queued(1002, 9.0));
        assert_eq!(queue.take(|_| Choice::Take), Some(StageIndex::new(1002)));
        queue.push(queued(1002, 9.0));
        let mut order = Vec::new();
        while let Some(stage) = queue.take(|_| Choice::Take) {
            order.push(stage.index());
        }
        assert_eq!(order[..3], [1002, 0, 1]);
        assert_eq!((order.len(), queue.is_empty()), (1002, true));
    }

    #[test]
    fn who_stops_keeps_everybody() {
        let mut queue = Queue::new(&HashMap::new());
        queue.push(queued(0, 1.0));
        queue.push(queued(1, 2.0));
        assert_eq!(queue.take(|_| Choice::Stop), None);
        assert_eq!(queue.take(|_| Choice::Take), Some(StageIndex::new(1)));
    }
}
