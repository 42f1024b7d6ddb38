//! How much interpolation and expansion may make: a guard for the memory.
//!
//! A file of a few lines can ask for more than any machine has: a text of a megabyte inserted a million times, a matrix of ten
//! axes. What is made is counted, and beyond the budget reading goes on without making more. Knows nothing of what is made.

use std::cell::Cell;

use crate::node::{Data, Node};

/// About how many bytes values may take that interpolations put somewhere, and stages that templates make.
const BYTES: usize = 1 << 30;

/// About how many bytes a value takes besides its text.
const VALUE: usize = 64;

/// How often the nearest name is looked for.
const SUGGESTIONS: usize = 100;

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Cell<usize>,
    suggestions: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: Cell::new(BYTES),
            suggestions: Cell::new(SUGGESTIONS),
        }
    }
}

impl Budget {
    /// Takes bytes; whether there were enough.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let left = self.bytes.get().checked_sub(bytes);
        self.bytes.set(left.unwrap_or_default());
        left.is_some()
    }

    /// Takes what a copy of a value needs; whether there was enough.
    pub(crate) fn take_copy(&self, node: &Node) -> bool {
        self.take(weight(node))
    }

    /// Whether the nearest name is to be looked for once more.
    pub(crate) fn take_suggestion(&self) -> bool {
        let left = self.suggestions.get().checked_sub(1);
        self.suggestions.set(left.unwrap_or_default());
        left.is_some()
    }
}

/// About how many bytes a value takes.
pub(crate) fn weight(node: &Node) -> usize {
    VALUE
        + match &node.data {
            Data::Text(text) => text.len(),
            Data::List(items) => items.iter().map(weight).sum(),
            Data::Map(entries) => entries
                .iter()
                .map(|entry| VALUE + entry.key.text.len() + weight(&entry.value))
                .sum(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_once() {
        let budget = Budget::default();
        assert!(budget.take(BYTES - 1) && budget.take(1));
        assert!(!budget.take(1));
        assert!((0..SUGGESTIONS).all(|_| budget.take_suggestion()));
        assert!(!budget.take_suggestion());
    }

    #[test]
    fn what_does_not_fit_leaves_nothing() {
        let budget = Budget::default();
        assert!(!budget.take(BYTES + 1));
        assert!(!budget.take(1), "one fault is enough");
    }
}
