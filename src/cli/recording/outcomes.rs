//! Which stage ended how: heard on the way to the sink that shows it.

use std::sync::{Mutex, PoisonError};

use hpipe_core::{Event, EventSink, Outcome, StageName};

/// Hears the outcomes of stages, and passes everything on.
pub(crate) struct Outcomes<'a> {
    sink: &'a dyn EventSink,
    heard: Mutex<Vec<(StageName, Outcome)>>,
}

impl<'a> Outcomes<'a> {
    /// Passes on to `sink`.
    pub(crate) fn on(sink: &'a dyn EventSink) -> Self {
        Self {
            sink,
            heard: Mutex::default(),
        }
    }

    /// What was heard, in order.
    pub(crate) fn into_heard(self) -> Vec<(StageName, Outcome)> {
        self.heard
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Outcomes<'_> {
    fn emit(&self, event: &Event) {
        if let Event::StageFinished { stage, outcome, .. } = event {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push((stage.clone(), *outcome));
        }
        self.sink.emit(event);
    }
}
