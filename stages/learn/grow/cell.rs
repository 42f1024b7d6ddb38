//! What a bin of a histogram adds up: gradient, hessian and rows, as integers in one or two words.
//!
//! Gradients are rounded to multiples of a power of two that is chosen for every tree, so that no sum can overflow. Sums
//! of integers are exact: a histogram less its sibling's is what counting would have given, in any order and on any number
//! of threads. A step is below 2^-18 of the mean gradient for two million rows, below 2^-32 for twelve thousand.

/// The sums of the rows of a node or of a bin, in steps of [`Unit`]: whole numbers below 2^53, so exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sums {
    /// Sum of gradients.
    pub(crate) gradient: f64,
    /// Sum of hessians; the number of rows where all hessians are 1.
    pub(crate) hessian: f64,
    /// Number of rows: of different ones in [`Wide`], of draws in [`Packed`], which has one number for both.
    pub(crate) rows: f64,
}

impl Sums {
    /// What is left of `self` without `other`.
    pub(crate) fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }
}

/// How many target units a step of a cell is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit {
    /// Bits that count rows.
    pub(crate) bits: u32,
    /// A step of gradients, a power of two.
    pub(crate) gradient: f64,
    /// A step of hessians, a power of two.
    pub(crate) hessian: f64,
}

/// The gradient and the hessian of a row, and how often it was drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    pub(crate) times: u32,
}

/// Sums that a histogram holds.
pub(crate) trait Cell: Copy + Default + Eq + Send + Sync {
    /// The sum of both.
    fn plus(self, other: Self) -> Self;
    /// The difference of both.
    fn minus(self, other: Self) -> Self;
    /// The sums, as numbers.
    fn open(self, bits: u32) -> Sums;
    /// A row, rounded to steps of `unit`.
    fn pack(point: Point, unit: &Unit) -> Self;
    /// The finest unit in which the sums of these points fit.
    fn unit(points: impl Iterator<Item = Point> + Clone) -> Unit;

    /// Whether no row is in it.
    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Gradient above, number of draws below, in one word: for hessians of 1, where nobody asks how many rows were drawn twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Packed(u64);

/// Gradient in one word; hessian above and number of rows below in another: for rows with weights, also that of being drawn
/// several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wide([u64; 2]);

impl Cell for Packed {
    #[inline]
    fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    #[inline]
    fn open(self, bits: u32) -> Sums {
        let rows = (self.0 & ((1 << bits) - 1)) as i64 as f64;
        Sums {
            gradient: (self.0 as i64 >> bits) as f64,
            hessian: rows,
            rows,
        }
    }

    #[inline]
    fn pack(point: Point, unit: &Unit) -> Self {
        let gradient = whole(point.gradient * (1.0 / unit.gradient) * f64::from(point.times));
        Self(((gradient << unit.bits) as u64).wrapping_add(point.times.into()))
    }

    fn unit(points: impl Iterator<Item = Point> + Clone) -> Unit {
        let (size, rows) = points.fold((0.0, 0), |(size, rows), point| {
            let times = f64::from(point.times);
            (
                size + point.gradient.abs() * times,
                rows + u64::from(point.times),
            )
        });
        let bits = 64 - rows.leading_zeros();
        Unit {
            bits,
            gradient: step(size, bits),
            hessian: 1.0,
        }
    }
}

impl Cell for Wide {
    #[inline]
    fn plus(self, other: Self) -> Self {
        Self([
            self.0[0].wrapping_add(other.0[0]),
            self.0[1].wrapping_add(other.0[1]),
        ])
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        Self([
            self.0[0].wrapping_sub(other.0[0]),
            self.0[1].wrapping_sub(other.0[1]),
        ])
    }

    #[inline]
    fn open(self, bits: u32) -> Sums {
        Sums {
            gradient: self.0[0] as i64 as f64,
            hessian: (self.0[1] >> bits) as i64 as f64,
            rows: (self.0[1] & ((1 << bits) - 1)) as i64 as f64,
        }
    }

    #[inline]
    fn pack(point: Point, unit: &Unit) -> Self {
        let times = f64::from(point.times);
        let gradient = whole(point.gradient * (1.0 / unit.gradient) * times);
        let hessian = whole(point.hessian * (1.0 / unit.hessian) * times);
        let counted = ((hessian << unit.bits) as u64).wrapping_add(1);
        Self([gradient as u64, counted])
    }

    fn unit(points: impl Iterator<Item = Point> + Clone) -> Unit {
        let (mut size, mut weight, mut rows) = (0.0, 0.0, 0);
        for point in points {
            let times = f64::from(point.times);
            size += point.gradient.abs() * times;
            weight += point.hessian * times;
            rows += u64::from(point.times);
        }
        let bits = 64 - rows.leading_zeros();
        Unit {
            bits,
            gradient: step(size, 0),
            hessian: step(weight, bits),
        }
    }
}

/// The least power of two of which `size` is at most 2^(61 - bits), and at most 2^50, steps.
fn step(size: f64, bits: u32) -> f64 {
    let room = (61 - bits as i32).min(50);
    let exponent = if size > 0.0 {
        size.log2().ceil() as i32
    } else {
        0
    };
    2.0_f64.powi((exponent - room).clamp(-1000, 1000))
}

/// The whole number nearest to a number below 2^51: adding 1.5 · 2^52 leaves it in the lowest bits.
#[inline]
fn whole(number: f64) -> i64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    ((number + SHIFT).to_bits() as i64).wrapping_sub(SHIFT.to_bits() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(gradients: &[f64]) -> Vec<Point> {
        let point = |&gradient| Point {
            gradient,
            hessian: 1.0,
            times: 1,
        };
        gradients.iter().map(point).collect()
    }

    fn adds_up<C: Cell>(gradients: &[f64]) {
        let points = points(gradients);
        let unit = C::unit(points.iter().copied());
        let sum = points
            .iter()
            .fold(C::default(), |sum, &point| sum.plus(C::pack(point, &unit)));
        let sums = sum.open(unit.bits);
        let expected: f64 = gradients.iter().sum();
        let size: f64 = gradients.iter().map(|g| g.abs()).sum();
        let error = (sums.gradient * unit.gradient - expected).abs();
        assert!(error <= size * 1e-12, "{expected}: off by {error}");
        assert_eq!(sums.rows, gradients.len() as f64);
        assert_eq!(sums.hessian * unit.hessian, gradients.len() as f64);
        let rest = points
            .iter()
            .fold(sum, |sum, &point| sum.minus(C::pack(point, &unit)));
        assert!(rest.is_empty());
    }

    #[test]
    fn sums_are_those_of_the_numbers_and_differences_are_exact() {
        for gradients in [
            vec![1.0, -2.5, 1e-3],
            vec![-1e300, 3e299],
            vec![1e-280, -1e-281],
            vec![0.0; 5],
            (0..999).map(|i| f64::from(i).sin() * 1e5).collect(),
        ] {
            adds_up::<Packed>(&gradients);
            adds_up::<Wide>(&gradients);
        }
    }
}
