//! Exchanges the version that answers when the records mean another: a promotion, a rollback, an alias that moved.
//!
//! The records are asked ten times a second whether anything changed, which costs microseconds. A version that cannot be
//! loaded changes nothing: the one before answers on, and whoever runs the server is told, once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use hpipe_core::with_causes;
use hpipe_track::ledger::Changes;
use hpipe_track::registry::ModelReference;

use crate::Told;
use crate::app::App;
use crate::lineup::{Lineup, Served};
use crate::source::{Source, StartError};

/// How often the records are asked.
const EVERY: Duration = Duration::from_millis(100);

/// Watches until the sender is dropped.
pub(crate) fn watch(app: &Arc<App>, source: &Source, stop: &Receiver<()>) {
    let mut watcher = Watcher {
        app,
        source,
        changes: None,
        told: None,
    };
    let (every, mut told) = (app.options.tell_latencies, Instant::now());
    while stop.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        watcher.look();
        if every.is_some_and(|every| told.elapsed() >= every) {
            app.metrics.tell_latencies(&app.report);
            told = Instant::now();
        }
    }
    if every.is_some() {
        app.metrics.tell_latencies(&app.report);
    }
}

struct Watcher<'a> {
    app: &'a Arc<App>,
    source: &'a Source,
    changes: Option<Changes>,
    /// What is wrong, as it was told.
    told: Option<String>,
}

impl Watcher<'_> {
    fn look(&mut self) {
        match self.changed() {
            Ok(false) => {}
            Ok(true) => match self.exchange() {
                wrong if wrong.is_empty() => self.told = None,
                wrong => self.failed(&wrong),
            },
            Err(error) => {
                let now = self.app.primary();
                self.failed(&[complaint(&now, &error)]);
            }
        }
    }

    fn changed(&mut self) -> Result<bool, StartError> {
        let changes = match &mut self.changes {
            Some(changes) => changes,
            none => none.insert(self.source.ledger.changes()?),
        };
        Ok(changes.any()?)
    }

    /// Loads the versions that are meant now, where they are others, and lets them answer; what is wrong with some keeps
    /// those that were there.
    fn exchange(&self) -> Vec<String> {
        let (app, source) = (self.app, self.source);
        let now = app.stand.now();
        let mut known: Vec<Arc<Served>> = now.roles().map(|(served, ..)| served.clone()).collect();
        let (mut wrong, mut exchanged) = (Vec::new(), Vec::new());
        let mut current = |before: &Arc<Served>, reference: &ModelReference| {
            let served = match source.current(reference, &known, &app.metrics) {
                Ok(served) => served,
                Err(error) => {
                    wrong.push(complaint(before, &error));
                    return before.clone();
                }
            };
            if !Arc::ptr_eq(before, &served) {
                exchanged.push((before.title(), served.title()));
                known.push(served.clone());
            }
            served
        };
        let primary = current(&now.primary, &source.model);
        let canaries = now.canaries.iter().zip(&source.canaries);
        let canaries = canaries
            .map(|((before, share), canary)| (current(before, &canary.model), *share))
            .collect();
        let shadow = now.shadow.as_ref().zip(source.shadow.as_ref());
        let shadow = shadow.map(|(before, reference)| current(before, reference));
        if !exchanged.is_empty() {
            app.stand.exchange(Lineup {
                primary,
                canaries,
                shadow,
            });
        }
        for (from, to) in exchanged {
            app.metrics.count_swap();
            let (from, to) = (&from, &to);
            (app.report)(Told::Swapped { from, to });
        }
        wrong
    }

    /// Tells what is wrong, once, and looks anew next time: what was refused may be there by then.
    fn failed(&mut self, wrong: &[String]) {
        self.changes = None;
        let text = wrong.join("; ");
        if self.told.as_ref() != Some(&text) {
            self.app.metrics.count_failed_swap();
            (self.app.report)(Told::Warning(&text));
            self.told = Some(text);
        }
    }
}

fn complaint(now: &Served, error: &StartError) -> String {
    let attempted = match error {
        StartError::Records(error) if error.refusal().is_some() => "",
        _ => "failed to ",
    };
    format!(
        "{} answers on: {attempted}{}",
        now.title(),
        with_causes(error)
    )
}
