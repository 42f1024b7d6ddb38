//! Statistics of the values of a few neighbours, nearest first.

/// What is told of a value of some neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The weighted mean.
    Mean,
    /// The weighted standard deviation, `√(Σ w (y − mean)² / Σ w)`: 0 for one neighbour.
    Deviation,
    /// The smallest value, whatever the weights.
    Min,
    /// The largest value, whatever the weights.
    Max,
}

/// How much a neighbour counts in means and deviations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Weighting {
    /// As much as any other.
    #[default]
    Uniform,
    /// `1 / (distance + offset)`. With an offset of 0, neighbours at distance 0 are the only ones that count if there are
    /// any: the `distance` of scikit-learn's `KNeighborsRegressor`.
    Inverse {
        /// In the unit of the coordinates, at least 0.
        offset: f64,
    },
}

impl Weighting {
    /// The weights of neighbours at ascending `distances`: relative to the nearest, so that none overflows.
    pub(super) fn weights(self, distances: &[f64]) -> Vec<f64> {
        match self {
            Self::Uniform => vec![1.0; distances.len()],
            Self::Inverse { offset } => {
                let nearest = distances.first().map_or(0.0, |d| d + offset);
                let weight = |d: &f64| match d + offset {
                    as_near if as_near == nearest => 1.0,
                    farther => nearest / farther,
                };
                distances.iter().map(weight).collect()
            }
        }
    }
}

impl Statistic {
    /// The statistic of `values` with their `weights`. NaN values are left out; NaN where nothing is left that counts, or
    /// where the result is too large for a float.
    pub(super) fn of(self, values: &[f64], weights: &[f64]) -> f64 {
        let known = || values.iter().zip(weights).filter(|(y, _)| !y.is_nan());
        let weight = || known().map(|(_, w)| w).sum::<f64>();
        let mean = || known().map(|(y, w)| w * y).sum::<f64>() / weight();
        let found = match self {
            Self::Mean => mean(),
            Self::Deviation => {
                let mean = mean();
                let squares: f64 = known().map(|(y, w)| w * (y - mean) * (y - mean)).sum();
                (squares / weight()).sqrt()
            }
            // of no values, and of NaN alone, both are NaN
            Self::Min => values.iter().copied().fold(f64::NAN, f64::min),
            Self::Max => values.iter().copied().fold(f64::NAN, f64::max),
        };
        super::finite(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Statistic; 4] = [
        Statistic::Mean,
        Statistic::Deviation,
        Statistic::Min,
        Statistic::Max,
    ];

    fn check(values: &[f64], weights: &[f64], expect: [f64; 4]) {
        let found = ALL.map(|statistic| statistic.of(values, weights));
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 || a.is_nan() && b.is_nan();
        assert!(found.iter().zip(&expect).all(same), "{values:?}: {found:?}");
    }

    #[test]
    fn values_are_weighed() {
        check(&[2.0, 6.0], &[1.0, 1.0], [4.0, 2.0, 2.0, 6.0]);
        check(&[2.0, 6.0], &[1.0, 0.0], [2.0, 0.0, 2.0, 6.0]);
        check(
            &[1.0, 5.0, 9.0],
            &[1.0, 0.5, 0.5],
            [4.0, 11f64.sqrt(), 1.0, 9.0],
        );
        check(&[3.0], &[1.0], [3.0, 0.0, 3.0, 3.0]);
    }

    #[test]
    fn what_is_missing_is_left_out() {
        check(&[f64::NAN, 6.0], &[1.0, 0.25], [6.0, 0.0, 6.0, 6.0]);
        check(&[], &[], [f64::NAN; 4]);
        check(&[f64::NAN], &[1.0], [f64::NAN; 4]);
        // the one that counts has no value
        check(
            &[f64::NAN, 6.0],
            &[1.0, 0.0],
            [f64::NAN, f64::NAN, 6.0, 6.0],
        );
        check(
            &[f64::MAX, f64::MAX],
            &[1.0, 1.0],
            [f64::NAN, f64::NAN, f64::MAX, f64::MAX],
        );
    }

    #[test]
    fn nearer_neighbours_weigh_more() {
        let check = |offset, distances: &[f64], expect: &[f64]| {
            assert_eq!(Weighting::Inverse { offset }.weights(distances), expect);
        };
        check(1.0, &[0.0, 1.0, 3.0], &[1.0, 0.5, 0.25]);
        check(0.0, &[1.0, 2.0], &[1.0, 0.5]);
        check(0.0, &[0.0, 0.0, 2.0], &[1.0, 1.0, 0.0]);
        check(0.0, &[5e-324, 1.0, f64::INFINITY], &[1.0, 5e-324, 0.0]);
        check(0.0, &[], &[]);
        assert_eq!(Weighting::Uniform.weights(&[0.0, 3.0]), [1.0, 1.0]);
    }
}
