//! A shuffle that is the same on every machine, for ever.
//!
//! The generator is ChaCha with 8 rounds (Bernstein 2008), its key the seed as 64 bits little-endian followed by zeros,
//! its stream 0. A number below `n` is drawn by multiplication with rejection (Lemire 2019, "Fast random integer
//! generation in an interval", algorithm 5), without bias. The shuffle is Fisher and Yates' in Durstenfeld's form, from
//! the last place to the second. It is written out here, not taken from `rand`, whose shuffle changes between versions.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of random numbers that a seed determines.
pub(crate) struct Generator(ChaCha8Rng);

impl Generator {
    /// The generator of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Puts `items` in random order, every order equally likely.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// A number from 0 to `bound - 1`, each equally likely.
    fn below(&mut self, bound: u64) -> u64 {
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_seed_never_changes() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..10).collect();
            Generator::new(seed).shuffle(&mut items);
            items
        };
        // Golden, and computed a second time by an implementation in Python: a change here changes every user's split.
        assert_eq!(shuffled(0), [9, 2, 3, 4, 6, 7, 0, 1, 5, 8]);
        assert_eq!(shuffled(42), [7, 6, 5, 1, 0, 4, 8, 9, 2, 3]);
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut generator = Generator::new(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            generator.shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 expected of each; 5 standard deviations are 144
        assert!(
            counts.values().all(|n| (856..1144).contains(n)),
            "{counts:?}"
        );
    }
}
