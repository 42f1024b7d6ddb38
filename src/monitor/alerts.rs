//! What is told: how bad it is, and not again and again.

use std::collections::BTreeMap;

use crate::batches::BatchVerdict;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is worth a look: one batch in a hundred is such by chance.
    Warning,
    /// It is real and matters.
    Critical,
}

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The errors of a batch.
    Errors,
    /// Where the rows of the last batches lie.
    Level,
    /// The distribution of a column over the whole input.
    Drift,
    /// Rows such as the model cannot take, or was not made for.
    Quality,
}

impl Kind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Level => "level",
            Self::Drift => "drift",
            Self::Quality => "quality",
        }
    }
}

/// Something that somebody should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The batch, from 1; none: the input as a whole.
    pub batch: Option<usize>,
    /// What it is about.
    pub kind: Kind,
    /// Of which metric or column.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// The probability of it by chance, where that is known.
    pub p: Option<f64>,
    /// One lowercase fragment.
    pub message: String,
}

impl Kind {
    /// Batches in a row with the same alarm that make it more than a warning: chance does not do that. A level is a moving average,
    /// most of which it shares with the one before, so by chance, too, its alarms come in rows.
    fn in_a_row(self, subject: &str) -> usize {
        match self {
            Self::Level => 10,
            Self::Errors if subject == RESIDUALS => 10,
            _ => 3,
        }
    }
}

/// What the moving average of the residuals is called.
pub(crate) const RESIDUALS: &str = "residuals";

/// Alerts of batches that are kept for the report; a stream tells more as they come.
const MOST: usize = 20_000;

/// Decides which alarms are told.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    cooldown: usize,
    states: BTreeMap<(Kind, String), State>,
    alerts: Vec<Alert>,
    suppressed: usize,
}

/// What was told of batches.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) alerts: Vec<Alert>,
    /// Alarms that were not told, as the same was told a short while before.
    pub(crate) suppressed: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    last: usize,
    in_a_row: usize,
    told: Option<(usize, Severity)>,
}

impl Desk {
    pub(crate) const fn new(cooldown: usize) -> Self {
        Self {
            cooldown,
            states: BTreeMap::new(),
            alerts: Vec::new(),
            suppressed: 0,
        }
    }

    /// Takes an alarm of a batch: it is told unless the same was, at most `cooldown` batches ago and no milder. Returns what is
    /// told.
    pub(crate) fn alarm(&mut self, batch: usize, mut alert: Alert) -> Option<Alert> {
        let state = self
            .states
            .entry((alert.kind, alert.subject.clone()))
            .or_default();
        state.in_a_row = if state.last + 1 == batch {
            state.in_a_row + 1
        } else {
            1
        };
        state.last = batch;
        if state.in_a_row >= alert.kind.in_a_row(&alert.subject) {
            alert.severity = Severity::Critical;
        }
        let is_quiet = |(told, severity): (usize, Severity)| {
            batch <= told + self.cooldown && alert.severity <= severity
        };
        if state.told.is_some_and(is_quiet) {
            self.suppressed += 1;
            return None;
        }
        state.told = Some((batch, alert.severity));
        alert.batch = Some(batch);
        if self.alerts.len() < MOST {
            self.alerts.push(alert.clone());
        }
        Some(alert)
    }

    /// What was told since the last time, and how many alarms were not; what is told later is judged by it all the same.
    pub(crate) fn take(&mut self) -> Told {
        Told {
            alerts: std::mem::take(&mut self.alerts),
            suppressed: std::mem::take(&mut self.suppressed),
        }
    }
}

/// The share of invalid rows in a batch from which on that is an alarm.
const INVALID: f64 = 0.2;

/// The alarms of a batch.
pub(crate) fn of_batch(verdict: &BatchVerdict, rows: usize, valid: usize) -> Vec<Alert> {
    let alert = |kind, subject: &str, p, message| Alert {
        batch: None,
        kind,
        subject: subject.to_owned(),
        severity: Severity::Warning,
        p,
        message,
    };
    let mut alarms = Vec::new();
    let named: BTreeMap<_, _> = verdict
        .errors
        .iter()
        .flat_map(|errors| errors.named())
        .collect();
    for judged in verdict.judged.iter().filter(|judged| judged.is_alarm) {
        let (subject, what) = match named.get(judged.signal) {
            Some(value) => (judged.signal, format!("{} is {value:.4}", judged.signal)),
            None => (RESIDUALS, "residuals have moved".to_owned()),
        };
        let message = format!("{what}, as in {} by chance", one_in(judged.p));
        alarms.push(alert(Kind::Errors, subject, Some(judged.p), message));
    }
    for level in verdict.levels.iter().filter(|level| level.is_alarm) {
        let way = if level.z > 0.0 { "larger" } else { "smaller" };
        let message = format!(
            "values are {way} than they were, by {:.1} standard deviations",
            level.z.abs()
        );
        alarms.push(alert(
            Kind::Level,
            level.subject.name(),
            Some(level.p),
            message,
        ));
    }
    let invalid = rows - valid;
    if invalid as f64 > INVALID * rows as f64 {
        let message = format!("{invalid} of {rows} rows cannot be predicted");
        alarms.push(alert(Kind::Quality, "rows", None, message));
    }
    alarms
}

fn one_in(p: f64) -> String {
    format!("one batch in {:.0}", 1.0 / p.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(subject: &str) -> Alert {
        Alert {
            batch: None,
            kind: Kind::Errors,
            subject: subject.to_owned(),
            severity: Severity::Warning,
            p: None,
            message: String::new(),
        }
    }

    #[test]
    fn the_same_is_told_again_only_after_a_while_or_when_it_is_worse() {
        let mut desk = Desk::new(5);
        let told: Vec<_> = [1, 2, 3, 4, 8, 9, 10]
            .into_iter()
            .filter_map(|batch| desk.alarm(batch, alert("rmse")))
            .map(|alert| (alert.batch, alert.severity))
            .collect();
        let expected = [
            (Some(1), Severity::Warning),
            (Some(3), Severity::Critical),
            (Some(9), Severity::Warning),
            (Some(10), Severity::Critical),
        ];
        assert_eq!(told, expected);
        assert_eq!(desk.suppressed, 3);
        assert!(desk.alarm(10, alert("mae")).is_some());
    }

    #[test]
    fn a_moving_average_takes_longer_to_be_more_than_a_warning() {
        for (kind, subject) in [(Kind::Level, "rooms"), (Kind::Errors, RESIDUALS)] {
            let mut desk = Desk::new(0);
            let alarm = |batch| {
                let alarm = Alert {
                    kind,
                    ..alert(subject)
                };
                desk.alarm(batch, alarm).map(|alert| alert.severity)
            };
            let told: Vec<_> = (1..=10).filter_map(alarm).collect();
            assert_eq!(told[..9], [Severity::Warning; 9]);
            assert_eq!(told[9], Severity::Critical);
        }
    }
}
