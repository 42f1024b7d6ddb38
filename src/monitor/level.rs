//! Slow shifts: a moving average over batches of where their rows lie in the reference distribution.
//!
//! A row counts by the share of the reference below it, not by its value: one row a thousand times too large moves the average no
//! more than any other large one, and all columns have the same distribution without drift, uniform. The average is weighed
//! exponentially (EWMA, Roberts 1959) and measured in its own standard deviations, which are known.

/// The weight of the newest batch: half of what is remembered is of the last two.
const WEIGHT: f64 = 0.3;

/// The moving average of one column, of the predictions or of the residuals.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    average: f64,
    /// What the batches left of the weight of the beginning, squared.
    begun: f64,
    batches: usize,
}

impl Level {
    /// Adds a batch: `mean` is the mean of the shares below its `rows` rows, of a reference of `reference_rows` rows. Returns the
    /// average in standard deviations: without drift about normal, its tails no heavier.
    pub fn add(&mut self, mean: f64, rows: usize, reference_rows: usize) -> f64 {
        let (own, of_reference) = (1.0 / rows.max(1) as f64, 1.0 / reference_rows.max(1) as f64);
        let spread = own + of_reference;
        let z = (mean - 0.5) / (spread / 12.0).sqrt();
        if self.batches == 0 {
            self.begun = 1.0;
        }
        self.batches += 1;
        self.average += WEIGHT * (z - self.average);
        self.begun *= (1.0 - WEIGHT) * (1.0 - WEIGHT);
        // what the reference is off by stays the same in all batches, and no average makes it smaller
        let averaged = WEIGHT / (2.0 - WEIGHT) * (1.0 - self.begun);
        self.average / ((averaged * own + of_reference) / spread).sqrt()
    }
}
