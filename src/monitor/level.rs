//! Slow shifts: a moving average over batches of where their rows lie in the reference distribution.
//!
//! A row counts by the share of the reference below it, not by its value: one row a thousand times too large moves the average no
//! more than any other large one, and all columns have the same distribution without drift, uniform. The average is weighed
//! exponentially (EWMA, Roberts 1959), a batch by its rows as well, so that one of a single row says as little as it knows. It is
//! measured in its own standard deviations, which are known whatever the sizes of the batches.

/// The weight of the newest of equal batches: half of what is remembered is of the last two.
const WEIGHT: f64 = 0.3;

/// The moving average of one column, of the predictions or of the residuals.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    /// By how much the rows that are remembered lie above the middle, altogether.
    above: f64,
    /// Rows that are remembered, each by its weight; and by the square of it, which is the variance of independent ones.
    rows: f64,
    squares: f64,
}

impl Level {
    /// Adds a batch: `mean` is the mean of the shares below its `rows` rows, of a reference of `reference_rows` rows. Returns the
    /// average in standard deviations: without drift about normal, its tails no heavier. It is zero where the batch leans the
    /// other way: of what a large batch began, a small one that does not go on with it is no alarm.
    pub fn add(&mut self, mean: f64, rows: usize, reference_rows: usize) -> f64 {
        let rows = rows.max(1) as f64;
        let above = rows * (mean - 0.5);
        let kept = 1.0 - WEIGHT;
        self.above = kept * self.above + above;
        self.rows = kept * self.rows + rows;
        self.squares = kept * kept * self.squares + rows;
        // what the reference is off by stays the same in all batches, and no average makes it smaller
        let of_reference = self.rows * self.rows / reference_rows.max(1) as f64;
        let leans_on = above * self.above > 0.0;
        match leans_on {
            true => self.above / ((self.squares + of_reference) / 12.0).sqrt(),
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: usize = 1_000_000_000;

    #[test]
    fn one_batch_is_its_own_average() {
        let z = Level::default().add(0.6, 12, MANY);
        assert!((z - 0.1 * 12.0).abs() < 1e-6, "{z}"); // the mean of 12 uniform numbers has the standard deviation 1/12
        let beside = Level::default().add(0.6, 12, 12);
        assert!((beside - 1.2 / 2.0_f64.sqrt()).abs() < 1e-9, "{beside}");
    }

    #[test]
    fn a_single_row_does_not_hide_what_a_thousand_say() {
        let mut level = Level::default();
        let of_many = level.add(0.55, 1000, MANY);
        let after_one = level.add(0.51, 1, MANY);
        assert!(
            (after_one / of_many - 1.0).abs() < 0.01,
            "{of_many} {after_one}"
        );
    }

    #[test]
    fn a_batch_that_leans_the_other_way_is_no_alarm() {
        let mut level = Level::default();
        assert!(level.add(0.6, 1000, MANY) > 10.0);
        assert_eq!(level.add(0.4, 10, MANY), 0.0);
        assert!(level.add(0.6, 10, MANY) > 10.0);
    }

    /// Batches of one to ten thousand rows in turn: the average has the variance it is said to have.
    #[test]
    fn sizes_that_differ_raise_no_more_alarms() {
        let mut state = 7_u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) * 2.0_f64.powi(-53)
        };
        let mut normal = || (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos();
        let reference_rows = 3000;
        let (mut alarms, mut batches) = (0, 0);
        for _ in 0..4000 {
            let off = normal() / (12.0 * f64::from(reference_rows)).sqrt();
            let mut level = Level::default();
            for rows in [1, 10_000, 3, 200, 1, 5000, 10]
                .into_iter()
                .cycle()
                .take(50)
            {
                let mean = 0.5 + off + normal() / (12.0 * f64::from(rows)).sqrt();
                alarms += usize::from(
                    level
                        .add(mean, rows as usize, reference_rows as usize)
                        .abs()
                        > 2.5758,
                );
                batches += 1;
            }
        }
        assert!(alarms * 100 <= batches, "{alarms} of {batches}"); // 2.5758 is exceeded by one in a hundred
    }
}
