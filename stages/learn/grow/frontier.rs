//! The nodes of a growing tree that wait to be split, and whose turn it is.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use super::cell::Sums;
use super::score::Bounds;
use super::search::Found;

/// Which node is split next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The newest: least memory, and the same tree as by levels when leaves are not limited.
    DepthFirst,
    /// The oldest.
    LevelByLevel,
    /// The one whose split gains most; of equal ones the oldest.
    BestFirst,
}

/// A node whose best split is known.
pub(super) struct Candidate<K> {
    pub(super) place: usize,
    pub(super) rows: Range<usize>,
    pub(super) depth: u32,
    pub(super) sums: Sums,
    pub(super) bounds: Bounds,
    pub(super) gain: f64,
    pub(super) found: Found,
    pub(super) kept: K,
}

/// Nodes that wait to be split.
pub(super) enum Frontier<K> {
    Stack(Vec<Candidate<K>>),
    Queue(VecDeque<Candidate<K>>),
    Heap(BinaryHeap<Ranked<K>>),
}

impl<K> Frontier<K> {
    /// Nobody waits yet.
    pub(super) fn new(order: Order) -> Self {
        match order {
            Order::DepthFirst => Self::Stack(Vec::new()),
            Order::LevelByLevel => Self::Queue(VecDeque::new()),
            Order::BestFirst => Self::Heap(BinaryHeap::new()),
        }
    }

    /// A node waits for its turn.
    pub(super) fn push(&mut self, candidate: Candidate<K>) {
        match self {
            Self::Stack(stack) => stack.push(candidate),
            Self::Queue(queue) => queue.push_back(candidate),
            Self::Heap(heap) => heap.push(Ranked(candidate)),
        }
    }

    /// The node whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Candidate<K>> {
        match self {
            Self::Stack(stack) => stack.pop(),
            Self::Queue(queue) => queue.pop_front(),
            Self::Heap(heap) => heap.pop().map(|ranked| ranked.0),
        }
    }
}

/// A node ranked by what its split gains; of equal ones the one with the lower place is greater.
pub(super) struct Ranked<K>(Candidate<K>);

impl<K> Ord for Ranked<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        let gains = self.0.gain.total_cmp(&other.0.gain);
        gains.then(other.0.place.cmp(&self.0.place))
    }
}

impl<K> PartialOrd for Ranked<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Ranked<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K> Eq for Ranked<K> {}
