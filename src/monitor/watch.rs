//! A model being watched: rows in, batch by batch; what is to be told out.

use std::collections::BTreeMap;
use std::sync::Arc;

use hpipe_core::{Column, PredictionFault, Predictor, Table, Values};

use crate::alerts::{Alert, Desk, Kind, RESIDUALS, Severity};
use crate::batches::{BatchVerdict, Batches, FALSE_ALARMS, Scored, pairs};
use crate::errors::ErrorSums;
use crate::quality::{self, Check, Findings, NoColumn};
use crate::report::{BatchReport, Report, conclude};
use crate::segments::Segments;
use crate::time;
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
    /// How often a batch without drift may raise an alarm, and how much of what is called drift may be chance.
    pub false_alarms: f64,
    /// The seed of the simulated limits.
    pub seed: u64,
}

/// Where a batch ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Cut {
    /// After so many rows.
    Rows(usize),
    /// Where a column's time enters the next window. Rows are in order of time.
    Window {
        /// The column.
        column: String,
        /// The length of a window, in seconds.
        seconds: f64,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cut: Cut::Rows(10),
            target: None,
            segment: None,
            cooldown: 10,
            false_alarms: FALSE_ALARMS,
            seed: 42,
        }
    }
}

/// Why rows cannot be watched at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A column is not there.
    #[error(transparent)]
    NoColumn(#[from] NoColumn),
    /// No row of many says a time.
    #[error("no row says a time in column `{0}`; times are seconds, or as 2026-11-22T21:05:00Z")]
    NoTime(String),
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
    /// Rows that no batch has taken yet.
    pending: Option<Table>,
    pub(crate) batches: Batches,
    pub(crate) window: Window,
    pub(crate) desk: Desk,
    pub(crate) findings: Findings,
    pub(crate) sums: ErrorSums,
    pub(crate) segments: Segments,
    pub(crate) reports: Vec<BatchReport>,
    pub(crate) rows: usize,
    pub(crate) valid: usize,
    /// Batches with an alarm, told or not.
    pub(crate) alarmed: usize,
}

impl Watch {
    /// Begins to watch. A model without a profile has its errors measured; there is nothing to judge them by.
    pub fn new(predictor: Arc<dyn Predictor>, settings: Settings) -> Self {
        let profile = predictor.profile().cloned().unwrap_or_default();
        Self {
            batches: Batches::new(&profile, settings.false_alarms, settings.seed),
            window: Window::new(&profile),
            desk: Desk::new(settings.cooldown),
            segments: Segments::new(&profile, settings.segment.clone()),
            findings: BTreeMap::new(),
            sums: ErrorSums::default(),
            reports: Vec::new(),
            pending: None,
            predictor,
            settings,
            rows: 0,
            valid: 0,
            alarmed: 0,
        }
    }

    /// Takes rows as they were read; returns the batches that are complete with them.
    ///
    /// # Errors
    /// A column is not there, or the model refuses whatever rows.
    pub fn push(&mut self, rows: Table, clock: Clock<'_>) -> Result<&[BatchReport], Fault> {
        let first = self.reports.len();
        let rows = match self.pending.take() {
            Some(pending) => append(pending, rows),
            None => rows,
        };
        let ends = self.ends(&rows)?;
        let mut from = 0;
        for end in ends {
            let batch = rows.take(&(from..end).collect::<Vec<_>>());
            self.batch(&batch, clock)?;
            from = end;
        }
        let rest: Vec<_> = (from..rows.rows()).collect();
        self.pending = (!rest.is_empty()).then(|| rows.take(&rest));
        Ok(&self.reports[first..])
    }

    /// Ends with what is left as a last batch, and judges the input as a whole.
    ///
    /// # Errors
    /// As of [`push`](Self::push).
    pub fn finish(mut self, clock: Clock<'_>) -> Result<Report, Fault> {
        if let Some(rest) = self.pending.take() {
            self.batch(&rest, clock)?;
        }
        let predictor = self.predictor.clone();
        Ok(conclude(self, &*predictor))
    }

    /// How it is watched.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// After which rows batches end.
    fn ends(&mut self, rows: &Table) -> Result<Vec<usize>, Fault> {
        match &self.settings.cut {
            Cut::Rows(size) => {
                let size = (*size).max(1);
                Ok((1..=rows.rows() / size).map(|batch| batch * size).collect())
            }
            Cut::Window { column, seconds } => {
                let times = rows
                    .get(column)
                    .ok_or_else(|| quality::no_column(column, rows))?;
                let mut ends = Vec::new();
                let mut current = None;
                let times = time::seconds(times);
                if !times.is_empty() && times.iter().all(Option::is_none) {
                    return Err(Fault::NoTime(column.clone()));
                }
                for (row, time) in times.into_iter().enumerate() {
                    let number = time.map(|time| (time / seconds).floor());
                    if number.is_some() && current.is_some() && number != current {
                        ends.push(row);
                    }
                    current = number.or(current); // a row without a time belongs to those before it
                }
                Ok(ends)
            }
        }
    }

    fn batch(&mut self, raw: &Table, clock: Clock<'_>) -> Result<(), Fault> {
        let mut checked = quality::check(self.predictor.card(), raw)?;
        if let Some(segment) = self.settings.segment.as_deref() {
            raw.get(segment)
                .ok_or_else(|| quality::no_column(segment, raw))?;
        }
        let start = clock.map(|now| now());
        let (taken, predicted) = self.predict(&mut checked)?;
        let latency = clock.zip(start).map(|(now, start)| now() - start);
        self.note(&checked, raw);
        let rows = checked.rows.take(&taken);
        let actual = self.actual(raw)?;
        let actual: Option<Vec<_>> =
            actual.map(|actual| taken.iter().map(|row| actual[*row]).collect());
        let scored = Scored {
            rows: &rows,
            predicted: &predicted,
            actual: actual.as_deref(),
        };
        let verdict = self.batches.judge(scored);
        self.window.count_inputs(&checked.rows);
        self.window.count_outcomes(&predicted, actual.as_deref());
        pairs(scored)
            .into_iter()
            .for_each(|pair| self.sums.add(pair));
        self.segments.add(raw, &taken, scored);
        self.rows += raw.rows();
        self.valid += taken.len();
        let report = self.told(raw.rows(), taken.len(), latency, verdict);
        self.reports.push(report);
        Ok(())
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
    fn actual(&self, raw: &Table) -> Result<Option<Vec<Option<f64>>>, Fault> {
        let name = self.settings.target.as_deref();
        let column = raw.get(name.unwrap_or(&self.predictor.card().target));
        match (column, name) {
            (None, Some(name)) => Err(quality::no_column(name, raw).into()),
            (column, _) => Ok(column.map(quality::numbers)),
        }
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

    /// The report of a batch, with the alarms that are told.
    fn told(
        &mut self,
        rows: usize,
        valid: usize,
        latency: Option<f64>,
        verdict: BatchVerdict,
    ) -> BatchReport {
        let number = self.reports.len() + 1;
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
            expected_rmse: limits
                .and_then(|limits| limits.expected("rmse", self.settings.false_alarms)),
            errors: verdict.errors,
            is_alarm,
            alerts,
        }
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

/// The rows of two tables with the columns of the first.
fn append(first: Table, second: Table) -> Table {
    let mut more: BTreeMap<String, Values> = second
        .into_columns()
        .into_iter()
        .map(|column| (column.name, column.values))
        .collect();
    let rows = more.values().next().map_or(0, Values::len);
    let columns = first.into_columns().into_iter().map(|column| {
        let kind = column.values.kind();
        let more = more.remove(&column.name).map(|values| values.cast(kind).0);
        Column {
            values: joined(column.values, more, rows),
            name: column.name,
        }
    });
    match Table::new(columns.collect()) {
        Ok(table) => table,
        Err(error) => panic!("bug: {error}"),
    }
}

fn joined(values: Values, more: Option<Values>, rows: usize) -> Values {
    fn all<T>(
        mut values: Vec<Option<T>>,
        more: Option<Vec<Option<T>>>,
        rows: usize,
    ) -> Vec<Option<T>> {
        match more {
            Some(more) => values.extend(more),
            None => values.extend(std::iter::repeat_with(|| None).take(rows)),
        }
        values
    }
    match (values, more) {
        (Values::Number(values), Some(Values::Number(more))) => {
            Values::Number(all(values, Some(more), rows))
        }
        (Values::Integer(values), Some(Values::Integer(more))) => {
            Values::Integer(all(values, Some(more), rows))
        }
        (Values::Text(values), Some(Values::Text(more))) => {
            Values::Text(all(values, Some(more), rows))
        }
        (Values::Boolean(values), Some(Values::Boolean(more))) => {
            Values::Boolean(all(values, Some(more), rows))
        }
        (Values::Number(values), _) => Values::Number(all(values, None, rows)),
        (Values::Integer(values), _) => Values::Integer(all(values, None, rows)),
        (Values::Text(values), _) => Values::Text(all(values, None, rows)),
        (Values::Boolean(values), _) => Values::Boolean(all(values, None, rows)),
    }
}
