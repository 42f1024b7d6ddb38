//! Random numbers that a seed and a trial's number determine.
//!
//! ChaCha with 8 rounds (Bernstein 2008): the key is the seed as 64 bits little-endian followed by zeros, the stream is the
//! number of the trial (or one of the [`Stream`]s that belong to no trial). So what a trial draws does not depend on what
//! was drawn before it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the numbers are drawn for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// The proposal of a trial.
    Trial(usize),
    /// The scrambling of one dimension of a Sobol sequence.
    Scrambling(usize),
}

/// A source of random numbers.
pub(crate) struct Generator(ChaCha8Rng);

impl Generator {
    /// The generator of a seed and a purpose.
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut chacha = ChaCha8Rng::from_seed(key);
        chacha.set_stream(match stream {
            Stream::Trial(number) => number as u64,
            Stream::Scrambling(dimension) => u64::MAX - dimension as u64,
        });
        Self(chacha)
    }

    /// A number from 0 to just below 1, a multiple of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
        (self.0.next_u64() >> 11) as f64 * STEP
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        (self.0.next_u64() >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        // Golden: a change here changes every user's study.
        let first = |seed, stream| Generator::new(seed, stream).unit();
        let golden = [
            first(0, Stream::Trial(0)),
            first(0, Stream::Trial(1)),
            first(1, Stream::Trial(0)),
            first(0, Stream::Scrambling(0)),
        ];
        insta::assert_snapshot!(format!("{golden:?}"), @"[0.8369197568826472, 0.7891618892784164, 0.381489413238261, 0.24180771917876842]");
    }

    #[test]
    fn the_unit_interval_is_covered_evenly() {
        let mut generator = Generator::new(7, Stream::Trial(0));
        let draws: Vec<f64> = (0..10_000).map(|_| generator.unit()).collect();
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = draws.iter().sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.015, "{mean}"); // five standard errors
    }
}
