//! How predictions miss what was true, over some rows.

/// The errors of some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    /// Number of rows.
    pub rows: usize,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: f64,
    /// Mean absolute error, in the target's unit.
    pub mae: f64,
    /// Share of the variance explained; none where all rows have one actual value.
    pub r2: Option<f64>,
    /// Mean absolute error as a share of the actual value; none where one of them is zero.
    pub mape: Option<f64>,
    /// Mean of predicted minus actual, in the target's unit: above zero, predictions are too high.
    pub bias: f64,
}

impl Errors {
    /// The errors of rows `[actual, predicted]`; none of no rows.
    pub fn of(rows: &[[f64; 2]]) -> Option<Self> {
        let n = rows.len() as f64;
        if rows.is_empty() {
            return None;
        }
        let mean = rows.iter().map(|row| row[0]).sum::<f64>() / n;
        let (mut squares, mut absolute, mut bias, mut spread, mut relative) =
            (0.0, 0.0, 0.0, 0.0, 0.0);
        for [actual, predicted] in rows {
            let error = predicted - actual;
            squares += error * error;
            absolute += error.abs();
            bias += error;
            spread += (actual - mean) * (actual - mean);
            relative += (error / actual).abs();
        }
        let is_spread = rows.iter().any(|row| row[0] != rows[0][0]);
        let has_zero = rows.iter().any(|row| row[0] == 0.0);
        Some(Self {
            rows: rows.len(),
            rmse: (squares / n).sqrt(),
            mae: absolute / n,
            r2: is_spread.then(|| 1.0 - squares / spread),
            mape: (!has_zero).then(|| relative / n),
            bias: bias / n,
        })
    }

    /// The metrics that are defined, by name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let all = [
            ("rmse", Some(self.rmse)),
            ("mae", Some(self.mae)),
            ("r2", self.r2),
            ("mape", self.mape),
            ("bias", Some(self.bias)),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_rows() {
        let errors = Errors::of(&[[1.0, 2.0], [4.0, 2.0]]).expect("rows");
        let named: Vec<_> = errors.named().collect();
        let expected = [
            ("rmse", 2.5_f64.sqrt()),
            ("mae", 1.5),
            ("r2", 1.0 - 5.0 / 4.5),
            ("mape", 0.75),
            ("bias", -0.5),
        ];
        assert_eq!(named, expected);
        assert_eq!(Errors::of(&[]), None);
        let flat = Errors::of(&[[0.0, 1.0], [0.0, 1.0]]).expect("rows");
        assert_eq!((flat.r2, flat.mape), (None, None));
    }
}
