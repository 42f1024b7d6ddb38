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

/// Adds rows up, of any number, to their errors.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ErrorSums {
    rows: usize,
    squares: f64,
    absolute: f64,
    bias: f64,
    relative: f64,
    /// Mean of the actual values, and the sum of their squared distances from it (Welford 1962).
    mean: f64,
    spread: f64,
    has_zero: bool,
}

impl ErrorSums {
    /// Adds a row.
    pub fn add(&mut self, [actual, predicted]: [f64; 2]) {
        let error = predicted - actual;
        self.rows += 1;
        self.squares += error * error;
        self.absolute += error.abs();
        self.bias += error;
        self.has_zero |= actual == 0.0;
        self.relative += (error / actual).abs();
        let off = actual - self.mean;
        self.mean += off / self.rows as f64;
        self.spread += off * (actual - self.mean);
    }

    /// The errors; none of no rows.
    pub fn errors(&self) -> Option<Errors> {
        let n = self.rows as f64;
        (self.rows > 0).then(|| Errors {
            rows: self.rows,
            rmse: (self.squares / n).sqrt(),
            mae: self.absolute / n,
            r2: (self.spread > 0.0).then(|| 1.0 - self.squares / self.spread),
            mape: (!self.has_zero).then(|| self.relative / n),
            bias: self.bias / n,
        })
    }
}

impl Errors {
    /// The errors of rows `[actual, predicted]`; none of no rows.
    pub fn of(rows: &[[f64; 2]]) -> Option<Self> {
        let mut sums = ErrorSums::default();
        rows.iter().for_each(|row| sums.add(*row));
        sums.errors()
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
