//! What adds up over batches until a report is made of it.

use std::collections::BTreeMap;

use hpipe_core::{Discriminator, Predictor, Table};

use crate::batches::{Scored, pairs};
use crate::domain::{Domain, Multivariate};
use crate::errors::ErrorSums;
use crate::quality::{self, Check, Checked, Findings};
use crate::report::{BatchReport, MOST_BATCHES};
use crate::segments::Segments;
use crate::settings::Settings;
use crate::window::Window;

/// Batches that are kept at all.
const MOST_KEPT: usize = 2 * MOST_BATCHES;

/// What was seen of some batches.
pub(crate) struct Seen {
    /// The names of the inputs, by the places that checks name.
    inputs: Vec<String>,
    pub(crate) window: Window,
    /// The rows of all columns together, where somebody can tell them apart.
    domain: Option<Domain>,
    pub(crate) segments: Segments,
    pub(crate) findings: Findings,
    pub(crate) sums: ErrorSums,
    pub(crate) truth: Truth,
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

impl Seen {
    /// Nothing yet; `discriminates` if rows of all columns together shall be kept.
    pub(crate) fn new(predictor: &dyn Predictor, settings: &Settings, discriminates: bool) -> Self {
        let profile = predictor.profile().cloned().unwrap_or_default();
        let inputs = predictor.card().inputs.iter();
        Self {
            inputs: inputs.map(|input| input.name.clone()).collect(),
            window: Window::new(&profile),
            domain: discriminates
                .then(|| Domain::new(&profile, settings.seed))
                .flatten(),
            segments: Segments::new(&profile, settings.segment.clone()),
            findings: BTreeMap::new(),
            sums: ErrorSums::default(),
            truth: Truth::default(),
            reports: Vec::new(),
            count: 0,
            rows: 0,
            valid: 0,
            alarmed: 0,
        }
    }

    /// Adds a batch: as it was read, as it was checked, which of its rows were predicted, and how.
    pub(crate) fn add(
        &mut self,
        raw: &Table,
        checked: &Checked,
        taken: &[usize],
        scored: Scored<'_>,
    ) {
        self.note(checked, raw);
        self.window.count_inputs(&checked.rows);
        if let Some(domain) = &mut self.domain {
            domain.add(&checked.rows);
        }
        self.window.count_outcomes(scored.predicted, scored.actual);
        pairs(scored)
            .into_iter()
            .for_each(|pair| self.sums.add(pair));
        self.segments.add(raw, taken, scored);
        self.rows += raw.rows();
        self.valid += taken.len();
        self.count += 1;
    }

    fn note(&mut self, checked: &Checked, raw: &Table) {
        for (row, check, place) in &checked.findings {
            let name = &self.inputs[*place];
            let found = self.findings.entry((*check, name.clone())).or_default();
            found.rows += 1;
            found.invalid += usize::from(!checked.is_valid[*row]);
            if found.example.is_none() && *check != Check::Missing {
                found.example = quality::cell(raw, name, *row);
            }
        }
    }

    /// Adds what the column `name` says was true, and what is wrong with it.
    pub(crate) fn add_truth(
        &mut self,
        raw: &Table,
        name: &str,
        actual: &[Option<f64>],
        faults: &[(usize, Check)],
    ) {
        for (row, check) in faults {
            let found = self.findings.entry((*check, name.to_owned())).or_default();
            found.rows += 1;
            if found.example.is_none() {
                found.example = quality::cell(raw, name, *row);
            }
        }
        self.truth.rows += raw.rows();
        self.truth.known += actual.iter().flatten().count();
        self.truth.unusable += faults.len();
    }

    /// Counts something that came in and is no row.
    pub(crate) fn unreadable(&mut self, what: &str) {
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

    /// Keeps what is said of the first batches, and of later ones with an alert: a stream has no end.
    pub(crate) fn keep(&mut self, report: &BatchReport) {
        let is_told = !report.alerts.is_empty() && self.reports.len() < MOST_KEPT;
        if self.reports.len() < MOST_BATCHES || is_told {
            self.reports.push(report.clone());
        }
    }

    /// Whether all columns together are as they were; none where nobody can tell. Not corrected for other tests.
    pub(crate) fn multivariate(
        &self,
        discriminator: Option<&dyn Discriminator>,
    ) -> Option<Multivariate> {
        self.domain.as_ref()?.judge(discriminator?)
    }
}
