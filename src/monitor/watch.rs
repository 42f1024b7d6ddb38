//! A model being watched: rows in, batch by batch; what is to be told out.

use std::collections::BTreeMap;
use std::sync::Arc;

use hpipe_core::{Discriminator, PredictionFault, Predictor, Table};

use crate::alerts::{Alert, Desk, Kind, RESIDUALS, Severity};
use crate::batches::{BatchVerdict, Batches, FALSE_ALARMS, Scored, pairs};
use crate::cut::{Cut, Cutter};
use crate::domain::{Domain, Multivariate};
use crate::errors::ErrorSums;
use crate::quality::{self, Check, Findings, Need, NoColumn};
use crate::report::{BatchReport, MOST_BATCHES, Report, conclude};
use crate::segments::Segments;
use crate::window::Window;

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

/// Batches that are kept at all.
const MOST_KEPT: usize = 2 * MOST_BATCHES;

/// Why rows cannot be watched at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A column is not there.
    #[error(transparent)]
    NoColumn(#[from] NoColumn),
    /// No row of many says a time.
    #[error("no row says a time in column `{0}`; times are seconds, or as 2026-11-22T21:05:00Z")]
    NoTime(String),
    /// A row belongs to a window that is over.
    #[error(
        "row {row} is of a window that is over: `{column}` is `{time}`, and later ones came before"
    )]
    OutOfOrder {
        /// The column that says the time.
        column: String,
        /// Which row, from 1.
        row: usize,
        /// What it says.
        time: String,
    },
    /// The model refuses the rows, and not for one of them.
    #[error(transparent)]
    Prediction(#[from] PredictionFault),
}

/// Seconds of a clock, for latencies; none where nobody may look at one.
pub type Clock<'a> = Option<&'a dyn Fn() -> f64>;

/// A model being watched.
pub struct Watch {
    predictor: Arc<dyn Predictor>,
    settings: Settings,
    cutter: Cutter,
    pub(crate) batches: Batches,
    pub(crate) window: Window,
    /// The rows of all columns together, and who tells them apart.
    domain: Option<(Domain, Arc<dyn Discriminator>)>,
    pub(crate) desk: Desk,
    pub(crate) findings: Findings,
    pub(crate) sums: ErrorSums,
    pub(crate) truth: Truth,
    pub(crate) segments: Segments,
    /// What is kept of the batches: the first ones, and later ones of which something is told.
    pub(crate) reports: Vec<BatchReport>,
    /// How many there were.
    pub(crate) count: usize,
    pub(crate) rows: usize,
    pub(crate) valid: usize,
    /// Batches with an alarm, told or not.
    pub(crate) alarmed: usize,
}

/// What the rows say was true.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Truth {
    /// Rows that have a column for it.
    pub(crate) rows: usize,
    /// Rows of which it is known.
    pub(crate) known: usize,
    /// Rows that say something that is no number.
    pub(crate) unusable: usize,
}

impl Watch {
    /// Begins to watch. A model without a profile has its errors measured; there is nothing to judge them by.
    pub fn new(predictor: Arc<dyn Predictor>, settings: Settings) -> Self {
        let profile = predictor.profile().cloned().unwrap_or_default();
        Self {
            batches: Batches::new(&profile, settings.false_alarms, settings.seed),
            window: Window::new(&profile),
            domain: None,
            desk: Desk::new(settings.cooldown),
            segments: Segments::new(&profile, settings.segment.clone()),
            findings: BTreeMap::new(),
            sums: ErrorSums::default(),
            reports: Vec::new(),
            count: 0,
            truth: Truth::default(),
            cutter: Cutter::new(settings.cut.clone()),
            predictor,
            settings,
            rows: 0,
            valid: 0,
            alarmed: 0,
        }
    }

    /// The same, asking `discriminator` of all columns together, where the profile keeps rows to compare with.
    #[must_use]
    pub fn discriminating(mut self, discriminator: Arc<dyn Discriminator>) -> Self {
        let profile = self.predictor.profile();
        let domain = profile.and_then(|profile| Domain::new(profile, self.settings.seed));
        self.domain = domain.map(|domain| (domain, discriminator));
        self
    }

    /// Whether all columns together are as they were; none where nobody can tell. Not corrected for other tests.
    pub(crate) fn multivariate(&self) -> Option<Multivariate> {
        let (domain, discriminator) = self.domain.as_ref()?;
        domain.judge(&**discriminator)
    }

    /// Takes rows as they were read; returns the batches that are complete with them.
    ///
    /// # Errors
    /// A column is not there, or the model refuses whatever rows.
    pub fn push(&mut self, rows: Table, clock: Clock<'_>) -> Result<Vec<BatchReport>, Fault> {
        let batches = self.cutter.push(rows)?;
        batches
            .iter()
            .map(|batch| self.batch(batch, clock))
            .collect()
    }

    /// Counts something that came in and is no row, such as a line of a stream that cannot be read.
    pub fn unreadable(&mut self, what: &str) {
        self.rows += 1;
        let found = self
            .findings
            .entry((Check::Record, "input".to_owned()))
            .or_default();
        found.rows += 1;
        found.invalid += 1;
        found
            .example
            .get_or_insert_with(|| what.trim().chars().take(60).collect());
    }

    /// Ends the batch that is open, if it has rows.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn flush(&mut self, clock: Clock<'_>) -> Result<Option<BatchReport>, Fault> {
        let rest = self.cutter.rest();
        rest.map(|rest| self.batch(&rest, clock)).transpose()
    }

    /// Ends with what is left as a last batch, and judges the input as a whole.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn finish(mut self, clock: Clock<'_>) -> Result<Report, Fault> {
        self.flush(clock)?;
        self.findings.append(&mut self.cutter.findings);
        let predictor = self.predictor.clone();
        Ok(conclude(self, &*predictor))
    }

    /// How it is watched.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn batch(&mut self, raw: &Table, clock: Clock<'_>) -> Result<BatchReport, Fault> {
        let mut checked = quality::check(self.predictor.card(), raw)?;
        if let Some(segment) = self.settings.segment.as_deref() {
            raw.get(segment)
                .ok_or_else(|| quality::no_column(segment, Need::Segment, raw))?;
        }
        let start = clock.map(|now| now());
        let (taken, predicted) = match &self.settings.logged {
            Some(logged) => logged.taken(raw, &mut checked)?,
            None => self.predict(&mut checked)?,
        };
        let is_timed = self.settings.logged.is_none();
        let latency = clock
            .zip(start)
            .filter(|_| is_timed)
            .map(|(now, start)| now() - start);
        self.note(&checked, raw);
        let rows = checked.rows.take(&taken);
        let actual: Option<Vec<_>> = self
            .actual(raw)?
            .map(|actual| taken.iter().map(|row| actual[*row]).collect());
        let scored = Scored {
            rows: &rows,
            predicted: &predicted,
            actual: actual.as_deref(),
        };
        let verdict = self.batches.judge(scored);
        self.window.count_inputs(&checked.rows);
        if let Some((domain, _)) = &mut self.domain {
            domain.add(&checked.rows);
        }
        self.window.count_outcomes(&predicted, actual.as_deref());
        pairs(scored)
            .into_iter()
            .for_each(|pair| self.sums.add(pair));
        self.segments.add(raw, &taken, scored);
        self.rows += raw.rows();
        self.valid += taken.len();
        self.count += 1;
        let report = BatchReport {
            answered: self.answered(raw),
            ..self.told(raw.rows(), taken.len(), latency, verdict)
        };
        self.keep(&report);
        Ok(report)
    }

    /// Predicts the rows that are valid; one that the model still refuses is not.
    fn predict(&self, checked: &mut quality::Checked) -> Result<(Vec<usize>, Vec<f64>), Fault> {
        loop {
            let valid = checked
                .is_valid
                .iter()
                .enumerate()
                .filter(|(_, valid)| **valid);
            let taken: Vec<_> = valid.map(|(row, _)| row).collect();
            if taken.is_empty() {
                return Ok((taken, Vec::new()));
            }
            let fault = match self.predictor.predict(&checked.rows.take(&taken)) {
                Ok(predicted) => return Ok((taken, predicted)),
                Err(fault) => fault,
            };
            let Some(row) = fault.row.and_then(|row| taken.get(row)) else {
                return Err(fault.into());
            };
            let inputs = &self.predictor.card().inputs;
            let of = |name: &String| inputs.iter().position(|input| input.name == *name);
            let place = fault.column.as_ref().and_then(of).unwrap_or(0);
            checked.is_valid[*row] = false;
            checked.findings.push((*row, Check::Refused, place));
        }
    }

    /// What was true; none where no column says it.
    fn actual(&mut self, raw: &Table) -> Result<Option<Vec<Option<f64>>>, Fault> {
        let named = self.settings.target.as_deref();
        let name = named.unwrap_or(&self.predictor.card().target);
        let Some(column) = raw.get(name) else {
            return match named {
                Some(name) => Err(quality::no_column(name, Need::Truth, raw).into()),
                None => Ok(None),
            };
        };
        let (actual, faults) = quality::checked_numbers(column);
        for (row, check) in &faults {
            let found = self.findings.entry((*check, name.to_owned())).or_default();
            found.rows += 1;
            if found.example.is_none() {
                found.example = quality::cell(raw, name, *row);
            }
        }
        self.truth.rows += raw.rows();
        self.truth.known += actual.iter().flatten().count();
        self.truth.unusable += faults.len();
        Ok(Some(actual))
    }

    fn note(&mut self, checked: &quality::Checked, raw: &Table) {
        let inputs = &self.predictor.card().inputs;
        for (row, check, place) in &checked.findings {
            let name = &inputs[*place].name;
            let found = self.findings.entry((*check, name.clone())).or_default();
            found.rows += 1;
            found.invalid += usize::from(!checked.is_valid[*row]);
            if found.example.is_none() && *check != Check::Missing {
                found.example = quality::cell(raw, name, *row);
            }
        }
    }

    /// How long clients waited, in the middle and of the slowest twentieth, where a log says.
    fn answered(&self, raw: &Table) -> Option<[f64; 2]> {
        let column = raw.get(&self.settings.logged.as_ref()?.latency)?;
        let mut seconds: Vec<_> = quality::numbers(column).into_iter().flatten().collect();
        seconds.sort_by(f64::total_cmp);
        let rank = |share: f64| (share * seconds.len() as f64).ceil() as usize;
        let at = |share: f64| seconds.get(rank(share).saturating_sub(1)).copied();
        Some([at(0.5)?, at(0.95)?])
    }

    /// Keeps what is said of the first batches, and of later ones with an alert: a stream has no end.
    fn keep(&mut self, report: &BatchReport) {
        let is_told = !report.alerts.is_empty() && self.reports.len() < MOST_KEPT;
        if self.reports.len() < MOST_BATCHES || is_told {
            self.reports.push(report.clone());
        }
    }

    /// The report of a batch, with the alarms that are told.
    fn told(
        &mut self,
        rows: usize,
        valid: usize,
        latency: Option<f64>,
        verdict: BatchVerdict,
    ) -> BatchReport {
        let number = self.count;
        let alarms = alarms(&verdict, rows, valid);
        self.alarmed += usize::from(!alarms.is_empty());
        let is_alarm = !alarms.is_empty();
        let told = alarms
            .into_iter()
            .filter_map(|alarm| self.desk.alarm(number, alarm));
        let alerts = told.collect();
        let size = verdict.errors.map_or(0, |errors| errors.rows);
        let limits = self.batches.limits(size);
        BatchReport {
            number,
            rows,
            valid,
            latency,
            answered: None,
            expected_rmse: limits
                .and_then(|limits| limits.expected("rmse", self.settings.false_alarms)),
            errors: verdict.errors,
            is_alarm,
            alerts,
        }
    }
}

impl Logged {
    /// The rows that were answered with a number, and those numbers.
    fn taken(
        &self,
        raw: &Table,
        checked: &mut quality::Checked,
    ) -> Result<(Vec<usize>, Vec<f64>), Fault> {
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

/// The share of invalid rows in a batch from which on that is an alarm.
const INVALID: f64 = 0.2;

/// The alarms of a batch.
fn alarms(verdict: &BatchVerdict, rows: usize, valid: usize) -> Vec<Alert> {
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
