//! Exchanges the version that answers when the records mean another: a promotion, a rollback, an alias that moved.
//!
//! The records are asked ten times a second whether anything changed, which costs microseconds. A version that cannot be
//! loaded changes nothing: the one before answers on, and whoever runs the server is told, once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hpipe_core::with_causes;
use hpipe_track::ledger::Changes;

use crate::Told;
use crate::app::App;
use crate::lineup::Lineup;
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
    while stop.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        watcher.look();
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
                Ok(()) => self.told = None,
                Err(error) => self.failed(&error),
            },
            Err(error) => self.failed(&error),
        }
    }

    fn changed(&mut self) -> Result<bool, StartError> {
        let changes = match &mut self.changes {
            Some(changes) => changes,
            none => none.insert(self.source.ledger.changes()?),
        };
        Ok(changes.any()?)
    }

    /// Loads the version that is meant now, if it is another, and lets it answer.
    fn exchange(&self) -> Result<(), StartError> {
        let meant = self.source.meant()?;
        let now = self.app.primary();
        let answers = (&now.name, now.version, now.created);
        let is_same = answers == (&meant.name, meant.version, meant.created);
        if is_same && self.source.digest(&meant)? == Some(now.digest) {
            return Ok(());
        }
        let primary = Arc::new(self.source.load(&meant, &self.app.metrics)?);
        let to = primary.title();
        let before = self.app.stand.exchange(Lineup { primary });
        self.app.metrics.count_swap();
        let from = before.primary.title();
        (self.app.report)(Told::Swapped {
            from: &from,
            to: &to,
        });
        Ok(())
    }

    /// Tells what is wrong, once, and looks anew next time: what was refused may be there by then.
    fn failed(&mut self, error: &StartError) {
        self.changes = None;
        let now = self.app.primary().title();
        let attempted = match error {
            StartError::Records(error) if error.refusal().is_some() => "",
            _ => "failed to ",
        };
        let text = format!("{now} answers on: {attempted}{}", with_causes(error));
        if self.told.as_ref() != Some(&text) {
            self.app.metrics.count_failed_swap();
            (self.app.report)(Told::Warning(&text));
            self.told = Some(text);
        }
    }
}
