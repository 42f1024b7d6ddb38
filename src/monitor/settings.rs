//! How a model is watched: where batches end, which columns say what, and how often chance may raise an alarm.

use hpipe_core::Table;

use crate::batches::FALSE_ALARMS;
use crate::cut::Cut;
use crate::quality::{self, Need, NoColumn};

/// How a model is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where a batch ends.
    pub cut: Cut,
    /// The column that says what was true; without it the model's target, if there is a column of that name.
    pub target: Option<String>,
    /// A column by which errors are told apart.
    pub segment: Option<String>,
    /// Batches for which an alarm that was told is not told again.
    pub cooldown: usize,
    /// Where rows come with what was answered to them; else they are predicted here.
    pub logged: Option<Logged>,
    /// How often a batch without drift may raise an alarm, and how much of what is called drift may be chance.
    pub false_alarms: f64,
    /// The seed of the simulated limits.
    pub seed: u64,
}

/// Columns of a log of predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What was predicted, in the target's unit.
    pub prediction: String,
    /// How long the client waited, in seconds.
    pub latency: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cut: Cut::Rows(10),
            target: None,
            segment: None,
            cooldown: 10,
            logged: None,
            false_alarms: FALSE_ALARMS,
            seed: 42,
        }
    }
}

/// Seconds of a clock, for latencies; none where nobody may look at one.
pub type Clock<'a> = Option<&'a dyn Fn() -> f64>;

impl Logged {
    /// The rows that were answered with a number, and those numbers.
    pub(crate) fn taken(
        &self,
        raw: &Table,
        checked: &mut quality::Checked,
    ) -> Result<(Vec<usize>, Vec<f64>), NoColumn> {
        let column = raw.get(&self.prediction);
        let column =
            column.ok_or_else(|| quality::no_column(&self.prediction, Need::Model, raw))?;
        let predicted = quality::numbers(column).into_iter().enumerate();
        let mut answered = (Vec::new(), Vec::new());
        for (row, predicted) in predicted {
            match predicted.filter(|_| checked.is_valid[row]) {
                Some(predicted) => {
                    answered.0.push(row);
                    answered.1.push(predicted);
                }
                None => checked.is_valid[row] = false,
            }
        }
        Ok(answered)
    }
}
