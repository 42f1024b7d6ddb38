//! A watch at work: rows in, whatever they come from, and what is to be told of each batch as soon as it is known.

use std::time::Instant;

use hpipe_core::Table;
use hpipe_monitor::{Alert, BatchReport, Report, Settings, Watch};

use super::webhook::Webhook;
use super::{Watched, unfit};
use crate::args::Monitor;
use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::ui;

/// What was seen, and who is still being told of it.
pub(super) type Ended = (Report, Option<Webhook>);

/// A watch, and who hears of it.
pub(super) struct Watching<'a> {
    session: &'a Session,
    watch: Watch,
    begun: Instant,
    /// What came in, for people.
    input: String,
    as_json: bool,
    /// Whether every batch is told, and not only those with an alert.
    tells_all: bool,
    webhook: Option<Webhook>,
}

impl<'a> Watching<'a> {
    pub(super) fn new(
        session: &'a Session,
        arguments: &'a Monitor,
        model: &Watched,
        settings: Settings,
        input: &str,
    ) -> Result<Self, Error> {
        Ok(Self {
            session,
            watch: Watch::new(model.predictor.clone(), settings),
            begun: Instant::now(),
            input: input.to_owned(),
            as_json: arguments.json,
            tells_all: false,
            webhook: Webhook::of(session, arguments, &model.name(), input)?,
        })
    }

    /// The same, telling of every batch: who waits for a stream wants to see that it goes on.
    pub(super) fn telling_all(self) -> Self {
        Self {
            tells_all: true,
            ..self
        }
    }

    /// Takes rows, and tells of the batches that are complete with them.
    pub(super) fn push(&mut self, rows: Table) -> Result<(), Error> {
        let clock = clock(self.begun);
        let batches = self.watch.push(rows, Some(&clock));
        let batches = batches.map_err(|fault| unfit(&self.input, fault))?;
        batches.iter().for_each(|batch| self.tell(batch));
        Ok(())
    }

    /// Counts a record that cannot be read.
    pub(super) fn unreadable(&mut self, record: &str) {
        self.watch.unreadable(record);
    }

    /// Ends with what is left as a last batch.
    pub(super) fn finish(mut self) -> Result<Ended, Error> {
        let clock = clock(self.begun);
        let last = self.watch.flush(Some(&clock));
        if let Some(batch) = last.map_err(|fault| unfit(&self.input, fault))? {
            self.tell(&batch);
        }
        let report = self.watch.finish(None);
        let report = report.map_err(|fault| unfit(&self.input, fault))?;
        let webhook = self.webhook.inspect(|webhook| {
            let untold = |alert: &&Alert| alert.batch.is_none() || !self.tells_all;
            webhook.tell(report.alerts.iter().filter(untold));
        });
        Ok((report, webhook))
    }

    fn tell(&self, batch: &BatchReport) {
        let has_alert = !batch.alerts.is_empty();
        match (self.as_json, self.tells_all) {
            (true, tells_all) if tells_all || has_alert => {
                self.session.ui.data(&json::batch(&batch.to_value()));
            }
            (false, true) => self.session.ui.data(&ui::batch_text(batch)),
            _ => {}
        }
        if let Some(webhook) = self.webhook.as_ref().filter(|_| self.tells_all) {
            webhook.tell(batch.alerts.iter());
        }
    }
}

/// Seconds since the beginning.
fn clock(begun: Instant) -> impl Fn() -> f64 {
    move || begun.elapsed().as_secs_f64()
}
