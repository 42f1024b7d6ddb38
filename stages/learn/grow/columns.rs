//! Which features a node may split by: drawn once a tree, once a level, once a node, each from those before.

use crate::random::{Draws, Purpose};

/// How many features are drawn; each draw is from what the one before left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ColumnRates {
    /// Share of the features that a tree may use.
    pub(crate) by_tree: f64,
    /// Share of the tree's features that a level may use.
    pub(crate) by_level: f64,
    /// Share of the level's features that a node may use.
    pub(crate) by_node: f64,
    /// Whether a node without a split among its features tries the others too, one by one, as in scikit-learn.
    pub(crate) insist: bool,
    /// Whether a node tries its features in random order, so that of equal splits a random one is taken, as in scikit-learn;
    /// else in the order of the matrix. In the small nodes of deep trees most splits have equals: were the first taken
    /// always, the trees of a forest would be too much alike (its test error then was 0.6 % higher).
    pub(crate) shuffle: bool,
}

impl Default for ColumnRates {
    fn default() -> Self {
        Self {
            by_tree: 1.0,
            by_level: 1.0,
            by_node: 1.0,
            insist: false,
            shuffle: false,
        }
    }
}

/// The features of one tree.
pub(crate) struct Columns {
    rates: ColumnRates,
    seed: u64,
    /// Those of the tree, ascending.
    tree: Vec<u32>,
    /// Those of each level so far.
    levels: Vec<Vec<u32>>,
    /// One stream for all nodes, which are searched in an order that the tree determines.
    ties: Draws,
}

/// At least one of `count`, and as many as `share` says, rounded down as in XGBoost.
fn part(count: usize, share: f64) -> usize {
    // a share like 1 / 3 of 3 features is one, though the product may be just below
    ((count as f64 * share + 1e-9) as usize).clamp(1, count)
}

impl Columns {
    /// The features of the tree of `seed`, of `features` there are.
    pub(crate) fn new(rates: ColumnRates, features: usize, seed: u64) -> Self {
        let count = part(features, rates.by_tree);
        let tree = if count == features {
            (0..features as u32).collect()
        } else {
            Draws::new(seed, Purpose::TreeColumns, 0).subset(features as u32, count as u32)
        };
        Self {
            rates,
            seed,
            tree,
            levels: Vec::new(),
            ties: Draws::new(seed, Purpose::Ties, 0),
        }
    }

    /// The features of the tree, ascending.
    pub(crate) fn tree(&self) -> &[u32] {
        &self.tree
    }

    /// Writes the features of a node into `order`, those it may use first and as they are tried; their number is returned.
    ///
    /// The others follow, in random order, when the node shall insist on a split.
    pub(crate) fn node(&mut self, depth: u32, place: u32, order: &mut Vec<u32>) -> usize {
        self.draw_levels(depth);
        let level = &self.levels[depth as usize];
        order.clear();
        order.extend_from_slice(level);
        let count = part(level.len(), self.rates.by_node);
        if count < level.len() {
            let drawn = if self.rates.insist {
                order.len()
            } else {
                count
            };
            Draws::new(self.seed, Purpose::NodeColumns, place.into()).bring_forward(order, drawn);
            if !self.rates.shuffle {
                order[..count].sort_unstable();
            }
            if !self.rates.insist {
                order.truncate(count);
            }
        } else if self.rates.shuffle {
            self.ties.bring_forward(order, count);
        }
        count
    }

    /// Draws the features of all levels down to `depth`.
    fn draw_levels(&mut self, depth: u32) {
        while self.levels.len() <= depth as usize {
            let number = self.levels.len() as u64;
            let count = part(self.tree.len(), self.rates.by_level);
            let level = if count == self.tree.len() {
                self.tree.clone()
            } else {
                let chosen = Draws::new(self.seed, Purpose::LevelColumns, number)
                    .subset(self.tree.len() as u32, count as u32);
                chosen
                    .iter()
                    .map(|&place| self.tree[place as usize])
                    .collect()
            };
            self.levels.push(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_is_from_the_one_before() {
        let rates = ColumnRates {
            by_tree: 0.5,
            by_level: 0.5,
            by_node: 0.5,
            ..ColumnRates::default()
        };
        let mut columns = Columns::new(rates, 16, 3);
        let mut order = Vec::new();
        for (depth, place) in [(0, 0), (1, 1), (1, 2), (2, 7)] {
            assert_eq!(columns.node(depth, place, &mut order), 2);
            assert_eq!(order.len(), 2);
            let level = &columns.levels[depth as usize];
            assert_eq!(level.len(), 4);
            assert!(order.iter().all(|feature| level.contains(feature)));
            assert!(level.iter().all(|feature| columns.tree.contains(feature)));
        }
        assert_eq!(columns.tree().len(), 8);
    }

    #[test]
    fn a_node_that_insists_knows_all_features() {
        let rates = ColumnRates {
            by_node: 0.25,
            insist: true,
            ..ColumnRates::default()
        };
        let mut order = Vec::new();
        assert_eq!(Columns::new(rates, 8, 1).node(3, 9, &mut order), 2);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn at_least_one_feature_is_drawn() {
        assert_eq!(part(3, 0.01), 1);
        assert_eq!(part(3, 1.0 / 3.0), 1);
        assert_eq!(part(10, 0.39), 3);
        assert_eq!(part(10, 1.0), 10);
    }
}
