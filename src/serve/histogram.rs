//! How long something took, how often: counters by length, eight to a doubling, so that a quantile is known to an eighth.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters to a doubling.
const STEPS: u64 = 8;

/// Counters: from a microsecond to half an hour.
const BUCKETS: usize = 8 * 29;

/// Powers of two of microseconds that are told as bounds: 32 µs to 16.8 s.
const TOLD: std::ops::RangeInclusive<u32> = 5..=24;

/// Durations, counted.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Vec<AtomicU64>,
    nanos: AtomicU64,
    /// How many there were when it was told last.
    told: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            nanos: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }
}

/// Which counter is for a number of microseconds: below 8 each has its own.
fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let doubling = u64::from(micros.ilog2()) - 3;
    let within = (micros >> doubling) - STEPS;
    ((STEPS * (doubling + 1) + within) as usize).min(BUCKETS - 1)
}

/// The number of microseconds at which a counter begins.
fn start(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match bucket.checked_sub(STEPS) {
        None => bucket,
        Some(above) => (STEPS + above % STEPS) << (above / STEPS),
    }
}

impl Histogram {
    /// Counts one.
    pub(crate) fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos / 1000)].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn counts(&self) -> Vec<u64> {
        let counts = self.buckets.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// How many took less than each bound in seconds, how many there were, and how long all took.
    pub(crate) fn cumulative(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let counts = self.counts();
        let below = |micros: u64| counts[..bucket(micros)].iter().sum();
        let bounds = TOLD.map(|power| (f64::from(1 << power) / 1e6, below(1 << power)));
        let sum = self.nanos.load(Ordering::Relaxed) as f64 / 1e9;
        (bounds.collect(), counts.iter().sum(), sum)
    }

    /// How many there were, if there are more than when this was asked last.
    pub(crate) fn untold(&self) -> Option<u64> {
        let count = self.counts().iter().sum();
        let before = self.told.swap(count, Ordering::Relaxed);
        (count > before).then_some(count)
    }

    /// The seconds below which this share of all took; none where nothing was counted.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let counts = self.counts();
        let total: u64 = counts.iter().sum();
        let wanted = ((total as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(start(found + 1) as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_has_its_counter() {
        for micros in (0..10_000).chain([1 << 20, (1 << 30) + 12345]) {
            let found = bucket(micros);
            assert!(
                start(found) <= micros && micros < start(found + 1),
                "{micros}"
            );
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_and_bounds_agree() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for micros in 1..=1000 {
            histogram.observe(Duration::from_micros(micros));
        }
        let half = histogram.quantile(0.5).expect("counted");
        assert!((0.0005..0.00057).contains(&half), "{half}");
        let (bounds, count, sum) = histogram.cumulative();
        assert_eq!((bounds[0], count), ((0.000_032, 31), 1000));
        assert!((sum - 0.5005).abs() < 1e-9);
    }
}
