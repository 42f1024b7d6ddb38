//! A watch at work: rows in, whatever they come from, and what is to be told of each batch as soon as it is known.

use std::time::Instant;

use hpipe_core::Table;
use hpipe_monitor::{Alert, BatchReport, Kind, Report, Settings, Severity, Watch};

use super::webhook::{Poster, Webhook};
use super::{Watched, unfit};
use crate::args::Monitor;
use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::ui;

/// Which batches are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// All, as they come.
    All,
    /// Those with an alert, as they come.
    Alarms,
    /// Those with an alert, as events: who reads a file reads the whole report.
    Events,
    /// None.
    None,
}

/// A watch, and who hears of it.
pub(in crate::commands) struct Watching<'a> {
    session: &'a Session,
    watch: Watch,
    begun: Instant,
    /// What came in, for people.
    input: String,
    as_json: bool,
    tells: Tells,
    /// Whether a batch had an alert that is critical.
    is_critical: bool,
    webhook: Option<Webhook>,
}

impl<'a> Watching<'a> {
    pub(in crate::commands) fn new(
        session: &'a Session,
        arguments: &'a Monitor,
        model: &Watched,
        settings: Settings,
        input: &str,
        poster: Option<&Poster>,
    ) -> Self {
        Self {
            session,
            watch: match session.registry().discriminator.clone() {
                Some(discriminator) => {
                    Watch::new(model.predictor.clone(), settings).discriminating(discriminator)
                }
                None => Watch::new(model.predictor.clone(), settings),
            },
            begun: Instant::now(),
            input: input.to_owned(),
            as_json: arguments.json,
            tells: Tells::Events,
            is_critical: false,
            webhook: poster.map(|poster| poster.about(&model.name(), input)),
        }
    }

    /// The same, telling of every batch: who waits for a stream wants to see that it goes on.
    pub(super) fn telling_all(self) -> Self {
        Self {
            tells: Tells::All,
            ..self
        }
    }

    /// The same, telling of batches with an alert as they come.
    pub(in crate::commands) fn telling_alarms(self) -> Self {
        Self {
            tells: Tells::Alarms,
            ..self
        }
    }

    /// The same, telling nothing before the end.
    pub(in crate::commands) fn quietly(self) -> Self {
        Self {
            tells: Tells::None,
            ..self
        }
    }

    /// Whether a batch had an alert that training anew may mend, and that is critical.
    pub(in crate::commands) const fn is_critical(&self) -> bool {
        self.is_critical
    }

    /// Takes rows, and tells of the batches that are complete with them.
    pub(in crate::commands) fn push(&mut self, rows: Table) -> Result<(), Error> {
        let clock = clock(self.begun);
        let batches = self.watch.push(rows, Some(&clock));
        let batches = batches.map_err(|fault| unfit(&self.input, fault))?;
        for batch in &batches {
            self.tell(batch);
        }
        Ok(())
    }

    /// Counts a record that cannot be read.
    pub(super) fn unreadable(&mut self, record: &str) {
        self.watch.unreadable(record);
    }

    /// Ends with what is left as a last batch.
    pub(in crate::commands) fn finish(mut self) -> Result<Report, Error> {
        let clock = clock(self.begun);
        let last = self.watch.flush(Some(&clock));
        if let Some(batch) = last.map_err(|fault| unfit(&self.input, fault))? {
            self.tell(&batch);
        }
        Ok(self.turn())
    }

    /// Judges as a whole what came in since the last time, and goes on.
    pub(in crate::commands) fn turn(&mut self) -> Report {
        self.is_critical = false;
        let report = self.watch.turn();
        if let Some(webhook) = &self.webhook {
            let untold = |alert: &&Alert| alert.batch.is_none() || !self.tells.posts();
            webhook.tell(report.alerts.iter().filter(untold));
        }
        report
    }

    fn tell(&mut self, batch: &BatchReport) {
        let has_alert = !batch.alerts.is_empty();
        let is_real =
            |alert: &Alert| alert.kind != Kind::Quality && alert.severity == Severity::Critical;
        self.is_critical |= batch.alerts.iter().any(is_real);
        let is_told = match self.tells {
            Tells::All => true,
            Tells::Alarms => has_alert,
            Tells::Events => has_alert && self.as_json,
            Tells::None => false,
        };
        match (is_told, self.as_json) {
            (true, true) => self.session.ui.data(&json::batch(&batch.to_value())),
            (true, false) => self.session.ui.data(&ui::batch_text(batch)),
            (false, _) => {}
        }
        if let Some(webhook) = self.webhook.as_ref().filter(|_| self.tells.posts()) {
            webhook.tell(batch.alerts.iter());
        }
    }
}

impl Tells {
    /// Whether alerts are posted as they come, and not all at the end.
    const fn posts(self) -> bool {
        matches!(self, Self::All | Self::Alarms)
    }
}

/// Seconds since the beginning.
fn clock(begun: Instant) -> impl Fn() -> f64 {
    move || begun.elapsed().as_secs_f64()
}
