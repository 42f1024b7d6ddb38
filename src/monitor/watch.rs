//! A model being watched: rows in, batch by batch; what is to be told out.
//!
//! What is seen adds up until somebody asks for a report ([`Watch::turn`]); moving averages, the batch that is open, and which
//! alarms were told go on, for a stream is one however many reports are made of it.

use std::sync::Arc;

use hpipe_core::{Discriminator, PredictionFault, Predictor, Table};

use crate::alerts::{Desk, of_batch};
use crate::batches::{BatchVerdict, Batches, Scored};
use crate::cut::Cutter;
use crate::quality::{self, Check, Need, NoColumn};
use crate::report::{BatchReport, Report, conclude};
use crate::seen::Seen;
use crate::settings::{Clock, Settings};

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

/// A model being watched.
pub struct Watch {
    predictor: Arc<dyn Predictor>,
    /// Who tells new rows from old ones, if somebody can.
    discriminator: Option<Arc<dyn Discriminator>>,
    settings: Settings,
    cutter: Cutter,
    batches: Batches,
    desk: Desk,
    /// Since the last report.
    seen: Seen,
    /// Batches before that.
    before: usize,
}

impl Watch {
    /// Begins to watch. A model without a profile has its errors measured; there is nothing to judge them by.
    pub fn new(predictor: Arc<dyn Predictor>, settings: Settings) -> Self {
        let profile = predictor.profile().cloned().unwrap_or_default();
        Self {
            batches: Batches::new(&profile, settings.false_alarms, settings.seed),
            desk: Desk::new(settings.cooldown),
            cutter: Cutter::new(settings.cut.clone()),
            seen: Seen::new(&*predictor, &settings, false),
            discriminator: None,
            before: 0,
            predictor,
            settings,
        }
    }

    /// The same, asking `discriminator` of all columns together, where the profile keeps rows to compare with.
    #[must_use]
    pub fn discriminating(self, discriminator: Arc<dyn Discriminator>) -> Self {
        Self {
            seen: Seen::new(&*self.predictor, &self.settings, true),
            discriminator: Some(discriminator),
            ..self
        }
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
        self.seen.unreadable(what);
    }

    /// Ends the batch that is open, if it has rows.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn flush(&mut self, clock: Clock<'_>) -> Result<Option<BatchReport>, Fault> {
        let rest = self.cutter.rest();
        rest.map(|rest| self.batch(&rest, clock)).transpose()
    }

    /// Judges as a whole what was seen since the beginning or the last report, and goes on: batches are numbered on, moving averages
    /// move on, and what was told is not told again for a while.
    pub fn turn(&mut self) -> Report {
        let next = Seen::new(
            &*self.predictor,
            &self.settings,
            self.discriminator.is_some(),
        );
        let mut seen = std::mem::replace(&mut self.seen, next);
        seen.findings.append(&mut self.cutter.findings);
        self.before += seen.count;
        let discriminator = self.discriminator.as_deref();
        let told = self.desk.take();
        conclude(seen, told, &self.settings, &*self.predictor, discriminator)
    }

    /// Ends with what is left as a last batch, and judges the input as a whole.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn finish(mut self, clock: Clock<'_>) -> Result<Report, Fault> {
        self.flush(clock)?;
        Ok(self.turn())
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
        self.seen.add(raw, &checked, &taken, scored);
        let report = BatchReport {
            answered: self.answered(raw),
            ..self.told(raw.rows(), taken.len(), latency, verdict)
        };
        self.seen.keep(&report);
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
        self.seen.add_truth(raw, name, &actual, &faults);
        Ok(Some(actual))
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

    /// The report of a batch, with the alarms that are told.
    fn told(
        &mut self,
        rows: usize,
        valid: usize,
        latency: Option<f64>,
        verdict: BatchVerdict,
    ) -> BatchReport {
        let number = self.before + self.seen.count;
        let alarms = of_batch(&verdict, rows, valid);
        self.seen.alarmed += usize::from(!alarms.is_empty());
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
