//! Random draws that a seed determines, on every machine and for ever.
//!
//! ChaCha with 8 rounds (Bernstein 2008); numbers below a bound by multiplication with rejection (Lemire 2019, algorithm
//! 5). Every tree, and every node that draws features, has a stream of its own, so that no draw depends on which thread
//! came first.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of random numbers.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The draws of `seed`; `purpose` and `number` tell those of a tree or a node from all others.
    pub(crate) fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        key[16..24].copy_from_slice(&number.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 to `bound - 1`, each equally likely.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let unfair = bound.wrapping_neg() % bound;
            while (product as u32) < unfair {
                product = u64::from(self.0.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// A seed for draws below these.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Puts `count` of the items, drawn without replacement, in front, in the order in which they were drawn.
    pub(crate) fn bring_forward<T>(&mut self, items: &mut [T], count: usize) {
        for place in 0..count.min(items.len().saturating_sub(1)) {
            let other = place + self.below((items.len() - place) as u32) as usize;
            items.swap(place, other);
        }
    }

    /// `count` of the numbers below `bound`, without replacement, ascending.
    ///
    /// Selection sampling (Knuth, TAOCP volume 2, algorithm S).
    pub(crate) fn subset(&mut self, bound: u32, count: u32) -> Vec<u32> {
        let mut chosen = Vec::with_capacity(count as usize);
        let mut wanted = count.min(bound);
        for number in 0..bound {
            if wanted == bound - number || self.below(bound - number) < wanted {
                chosen.push(number);
                wanted -= 1;
                if wanted == 0 {
                    break;
                }
            }
        }
        chosen
    }
}

/// What random numbers are drawn for.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Purpose {
    /// The rows from which the bins of a large matrix are made.
    Bins = 1,
    /// The rows of a tree.
    Rows = 2,
    /// The features of a tree.
    TreeColumns = 3,
    /// The features of a level of a tree.
    LevelColumns = 4,
    /// The features of a node.
    NodeColumns = 5,
    /// The seeds of the trees of a model.
    Trees = 6,
    /// The order of rows in which a feature is shuffled.
    Shuffle = 7,
    /// The order in which the nodes of a tree try their features.
    Ties = 8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draws_of_a_seed_never_change() {
        let mut draws = Draws::new(7, Purpose::Rows, 3);
        let numbers: Vec<u32> = (0..6).map(|_| draws.below(100)).collect();
        assert_eq!(numbers, [86, 55, 19, 68, 59, 58]);
        assert_eq!(Draws::new(7, Purpose::Trees, 0).subset(10, 4), [0, 1, 2, 6]);
    }

    #[test]
    fn every_subset_is_equally_likely() {
        let mut seen = std::collections::BTreeMap::new();
        for number in 0..6000 {
            let subset = Draws::new(1, Purpose::Rows, number).subset(4, 2);
            *seen.entry(subset).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        // 1000 expected; five standard deviations are 144
        assert!(
            seen.values().all(|count| (856..=1144).contains(count)),
            "{seen:?}"
        );
    }
}
