//! The options of `explain`.

use hpipe_core::OptionFault;
use hpipe_plot::Quantity;
use serde::Deserialize;

use crate::options::{Faults, Options};
use crate::scores::Score;

/// The options, as written and, checked, as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainParams {
    /// The column the model predicts.
    pub(super) target: String,
    /// The target's unit, as people write it.
    pub(super) unit: Option<String>,
    /// What importance by permutation is measured with.
    #[serde(default = "rmse")]
    pub(super) metric: Score,
    /// How often each feature is shuffled.
    #[serde(default = "five")]
    pub(super) repeats: usize,
    /// How many test rows get SHAP values at most.
    #[serde(default = "five_hundred")]
    pub(super) rows: usize,
    /// The seed of the shuffles and of the choice of rows.
    #[serde(default)]
    pub(super) seed: u64,
}

const fn rmse() -> Score {
    Score::Rmse
}

const fn five() -> usize {
    5
}

/// More shuffles of a feature tell nothing new, and each has its place in memory.
const MOST_REPEATS: usize = 10_000;

const fn five_hundred() -> usize {
    500
}

impl Options for ExplainParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let repeats = 1..=MOST_REPEATS;
        let in_range = format!("must be from 1 to {MOST_REPEATS}");
        faults.require(repeats.contains(&self.repeats), "repeats", &in_range);
        faults.require(self.rows >= 1, "rows", "must be at least 1");
        faults.into_result(self)
    }
}

impl ExplainParams {
    /// The target with its unit.
    pub(super) fn quantity(&self) -> Quantity {
        Quantity {
            name: self.target.clone(),
            unit: self.unit.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    #[test]
    fn options_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<ExplainParams>(json), expect);
        check(r#"{"target": "y", "unit": "$"}"#, "");
        check(
            r#"{"target": "y", "repeats": 0, "rows": 0}"#,
            "repeats: must be from 1 to 10000\nrows: must be at least 1",
        );
        check(
            r#"{"target": "y", "repeats": 1000000000000000}"#,
            "repeats: must be from 1 to 10000",
        );
        check(
            r#"{"target": "y", "metric": "rsme"}"#,
            "metric: `rsme` is not a word for this (did you mean `rmse`?)",
        );
    }
}
