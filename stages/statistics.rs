//! Means, spreads and quantiles of plain numbers.
//!
//! Sums are taken in the order of the rows, so a result does not depend on the number of threads. Definitions are
//! numpy's: quantiles interpolate linearly, the deviation divides by `n`.

use std::collections::BTreeMap;

/// The arithmetic mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean and population standard deviation (divided by `n`), by two passes; 0 and 0 of nothing.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let mean = mean(values);
    let squares: Vec<f64> = values.iter().map(|x| (x - mean).powi(2)).collect();
    (mean, self::mean(&squares).sqrt())
}

/// Values in ascending order, to take quantiles of.
#[derive(Debug, Clone)]
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts values, none of which is NaN.
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    /// The values, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The smallest; none of nothing.
    pub(crate) fn min(&self) -> Option<f64> {
        self.0.first().copied()
    }

    /// The largest; none of nothing.
    pub(crate) fn max(&self) -> Option<f64> {
        self.0.last().copied()
    }

    /// The value below which the fraction `q` of all values lies, between neighbours by linear interpolation
    /// (Hyndman and Fan 1996, definition 7; numpy's default); none of nothing.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let place = q.clamp(0.0, 1.0) * last as f64;
        let (below, rest) = (place.floor() as usize, place.fract());
        let (low, high) = (self.0[below], self.0[(below + 1).min(last)]);
        Some(if rest == 0.0 {
            low
        } else {
            low + (high - low) * rest
        })
    }

    /// The median; none of nothing.
    pub(crate) fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The quantiles that reports show, `p01` to `p99`; none of nothing.
    pub(crate) fn percentiles(&self) -> BTreeMap<&'static str, f64> {
        const SHOWN: [(&str, f64); 7] = [
            ("p01", 0.01),
            ("p05", 0.05),
            ("p25", 0.25),
            ("p50", 0.5),
            ("p75", 0.75),
            ("p95", 0.95),
            ("p99", 0.99),
        ];
        let shown = SHOWN.iter();
        shown
            .filter_map(|(name, q)| Some((*name, self.quantile(*q)?)))
            .collect()
    }

    /// The inner bounds of `bins` ranges with equally many values; fewer when many values are equal.
    pub(crate) fn bounds(&self, bins: usize) -> Vec<f64> {
        let mut bounds: Vec<f64> = (1..bins)
            .filter_map(|i| self.quantile(i as f64 / bins as f64))
            .collect();
        bounds.dedup();
        bounds
    }

    /// Number of different values.
    pub(crate) fn distinct(&self) -> usize {
        self.0.chunk_by(|a, b| a == b).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_numpy() {
        // numpy.quantile([7, 1, 3, 2], [0, .1, .25, .5, .9, 1]), numpy.mean, numpy.std
        let values = vec![7.0, 1.0, 3.0, 2.0];
        let sorted = Sorted::new(values.clone());
        for (q, expect) in [
            (0.0, 1.0),
            (0.1, 1.3),
            (0.25, 1.75),
            (0.5, 2.5),
            (0.9, 5.8),
            (1.0, 7.0),
        ] {
            let found = sorted.quantile(q).expect("not empty");
            assert!((found - expect).abs() < 1e-12, "{q}: {found}");
        }
        let (mean, deviation) = mean_and_deviation(&values);
        assert!((mean - 3.25).abs() < 1e-15 && (deviation - 2.277_608_394_786_075).abs() < 1e-15);
        assert_eq!(
            (sorted.distinct(), sorted.min(), sorted.max()),
            (4, Some(1.0), Some(7.0))
        );
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sorted::new(vec![]).median(), None);
        assert_eq!(mean_and_deviation(&[]), (0.0, 0.0));
        assert_eq!(Sorted::new(vec![4.0]).quantile(0.3), Some(4.0));
    }
}
