//! Points of a Sobol sequence, scrambled or not.
//!
//! Sobol 1967 with the direction numbers of Joe and Kuo 2008 ("Constructing Sobol sequences with better two-dimensional
//! projections", SIAM J. Sci. Comput. 30), 32 bits. Scrambling is Matoušek's 1998 ("On the L2-discrepancy for anchored
//! boxes"), as in scipy: in each dimension the digits are multiplied by a random lower triangular matrix with a diagonal
//! of ones, and a random number is added digit by digit. It keeps every balance the sequence has: of the first 2^k points
//! of a dimension one lies in each of 2^k equal parts.
//!
//! Points are computed from their number alone; the order is that of the Gray code, as in scipy.

use super::sobol_directions::{DIRECTIONS, SOBOL_DIMENSIONS};
use crate::generator::{Generator, Stream};

const BITS: usize = 32;

/// A coordinate of a point, from 0 to just below 1; scrambled by a seed.
///
/// Point 0 of an unscrambled sequence is 0 everywhere.
pub(super) fn unit(number: u32, dimension: usize, seed: Option<u64>) -> f64 {
    assert!(
        dimension < SOBOL_DIMENSIONS,
        "bug: a study with more dimensions than there are direction numbers"
    );
    let mut directions = directions(dimension);
    let mut shift = 0;
    if let Some(seed) = seed {
        let mut generator = Generator::new(seed, Stream::Scrambling(dimension));
        scramble(&mut directions, &mut generator);
        shift = generator.bits();
    }
    let gray = number ^ (number >> 1);
    let digits = directions
        .iter()
        .enumerate()
        .filter(|(bit, _)| gray >> bit & 1 == 1)
        .fold(shift, |digits, (_, direction)| digits ^ direction);
    f64::from(digits) / 4_294_967_296.0
}

/// The direction numbers of a dimension, the most significant digit of each in the highest bit.
fn directions(dimension: usize) -> [u32; BITS] {
    let mut directions = [0; BITS];
    let Some(index) = dimension.checked_sub(1) else {
        return std::array::from_fn(|bit| 1 << (BITS - 1 - bit));
    };
    let (coefficients, initial) = DIRECTIONS[index];
    let degree = initial.len();
    for bit in 0..BITS {
        directions[bit] = match initial.get(bit) {
            Some(m) => m << (BITS - 1 - bit),
            None => {
                // Bratley and Fox 1988, equation 2: a recurrence by the primitive polynomial of this dimension
                let before = directions[bit - degree];
                (1..degree).fold(before ^ (before >> degree), |digits, k| {
                    let has = coefficients >> (degree - 1 - k) & 1 == 1;
                    digits ^ if has { directions[bit - k] } else { 0 }
                })
            }
        };
    }
    directions
}

/// Multiplies the digits of every direction number by a random lower triangular matrix.
fn scramble(directions: &mut [u32; BITS], generator: &mut Generator) {
    // row k says which of the digits 0 to k, counted from the highest, make digit k
    let rows: [u32; BITS] = std::array::from_fn(|k| {
        let diagonal = 1 << (BITS - 1 - k);
        let above = !(diagonal | (diagonal - 1));
        generator.bits() & above | diagonal
    });
    for direction in directions {
        *direction = rows.iter().enumerate().fold(0, |digits, (k, row)| {
            let digit = (*direction & row).count_ones() & 1;
            digits | digit << (BITS - 1 - k)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17: `scipy.stats.qmc.Sobol(d=5, scramble=False).random(8)`.
    #[test]
    fn agrees_with_scipy() {
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 0.0],
            [0.5, 0.5, 0.5, 0.5, 0.5],
            [0.75, 0.25, 0.25, 0.25, 0.75],
            [0.25, 0.75, 0.75, 0.75, 0.25],
            [0.375, 0.375, 0.625, 0.875, 0.375],
            [0.875, 0.875, 0.125, 0.375, 0.875],
            [0.625, 0.125, 0.875, 0.625, 0.625],
            [0.125, 0.625, 0.375, 0.125, 0.125],
        ];
        for (number, point) in expected.iter().enumerate() {
            for (dimension, value) in point.iter().enumerate() {
                assert_eq!(
                    unit(number as u32, dimension, None),
                    *value,
                    "{number}, {dimension}"
                );
            }
        }
    }

    /// The same of `Sobol(d=64, scramble=False).random(300)`: points 100 and 299 in dimensions 20, 40 and 63.
    #[test]
    fn agrees_with_scipy_far_out() {
        let at = |number| [20, 40, 63].map(|dimension| unit(number, dimension, None));
        assert_eq!(at(100), [0.7578125, 0.7109375, 0.6484375]);
        assert_eq!(at(299), [0.361328125, 0.701171875, 0.326171875]);
    }

    #[test]
    fn scrambling_keeps_every_dimension_stratified() {
        for dimension in 0..SOBOL_DIMENSIONS {
            let mut parts: Vec<u32> = (0..64)
                .map(|number| (unit(number, dimension, Some(5)) * 64.0) as u32)
                .collect();
            parts.sort_unstable();
            assert_eq!(parts, (0..64).collect::<Vec<_>>(), "dimension {dimension}");
        }
    }

    #[test]
    fn scrambling_keeps_pairs_in_balance() {
        // the first two dimensions are a (0, 2)-sequence: 64 points, one in each of 8 by 8 boxes
        let mut boxes: Vec<u32> = (0..64)
            .map(|n| {
                let part = |dimension| (unit(n, dimension, Some(9)) * 8.0) as u32;
                8 * part(0) + part(1)
            })
            .collect();
        boxes.sort_unstable();
        assert_eq!(boxes, (0..64).collect::<Vec<_>>());
    }
}
