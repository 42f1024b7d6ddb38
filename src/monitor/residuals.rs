//! The errors a model made when all was well, as a distribution to draw from.

use hpipe_core::Profile;

use crate::random::Random;
use crate::sketch::Sketch;

/// Validation rows at equal steps of the rank of their residual, and what lies between them.
#[derive(Debug, Clone)]
pub struct Residuals {
    /// `[actual, predicted]`, by residual.
    rows: Vec<[f64; 2]>,
    residuals: Sketch,
    reference_rows: usize,
}

impl Residuals {
    /// The residuals of a profile; none where fewer than ten rows were kept.
    pub fn of(profile: &Profile) -> Option<Self> {
        let finite = |row: &&[f64; 2]| row.iter().all(|x| x.is_finite());
        let mut rows: Vec<_> = profile.sample.iter().filter(finite).copied().collect();
        rows.sort_by(|one, other| residual(one).total_cmp(&residual(other)));
        if rows.len() < 10 {
            return None;
        }
        let sorted: Vec<_> = rows.iter().map(residual).collect();
        Some(Self {
            residuals: Sketch::new(&sorted)?,
            reference_rows: profile.validation_rows.max(rows.len()),
            rows,
        })
    }

    /// Number of rows that the sample stands for.
    pub const fn reference_rows(&self) -> usize {
        self.reference_rows
    }

    /// The share of residuals below this one.
    pub(crate) fn below(&self, [actual, predicted]: [f64; 2]) -> f64 {
        self.residuals.below(actual - predicted)
    }

    /// A row `[actual, predicted]` as the model might have met it: residuals lie evenly between those of the sample. That makes
    /// the outermost half percent heavier than it was, which widens limits; filling it so that the mean square is the known one
    /// was tried, and cost three times the false alarms on heavy tails.
    pub(crate) fn draw(&self, random: &mut Random) -> [f64; 2] {
        let last = self.rows.len() - 1;
        let place = random.unit() * last as f64;
        let (low, share) = (place as usize, place.fract());
        let (one, next) = (self.rows[low], self.rows[low + 1]);
        let drawn = residual(&one) + share * (residual(&next) - residual(&one));
        let nearest = if share < 0.5 { one } else { next };
        [nearest[1] + drawn, nearest[1]]
    }
}

fn residual([actual, predicted]: &[f64; 2]) -> f64 {
    actual - predicted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_lies_between_the_rows_of_the_sample() {
        let profile = Profile {
            sample: (0..200)
                .map(|i| [5.0 + f64::from(i - 100) / 100.0, 5.0])
                .collect(),
            validation_rows: 4000,
            ..Profile::default()
        };
        let residuals = Residuals::of(&profile).expect("residuals");
        let mut random = Random::new(1, 0);
        let drawn: Vec<_> = (0..100_000)
            .map(|_| residual(&residuals.draw(&mut random)))
            .collect();
        assert!(drawn.iter().all(|r| (-1.0..=0.99 + 1e-9).contains(r)));
        let mean = drawn.iter().sum::<f64>() / 1e5;
        assert!((mean + 0.005).abs() < 0.01, "{mean}");
    }

    #[test]
    fn few_rows_are_no_reference() {
        assert!(Residuals::of(&Profile::default()).is_none());
    }
}
