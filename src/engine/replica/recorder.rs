//! Listens to one trial: which stages executed, and which failed first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hpipe_core::{Event, EventSink, StageFailure, StageName};

/// Passes events on and keeps what the end of the trial needs.
pub(super) struct Recorder<'a> {
    sink: &'a dyn EventSink,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    executed: Vec<StageName>,
    failure: Option<(StageName, StageFailure)>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(sink: &'a dyn EventSink) -> Self {
        Self {
            sink,
            heard: Mutex::default(),
        }
    }

    /// The stages that executed, in the order they started.
    pub(super) fn executed(&self) -> Vec<StageName> {
        self.heard().executed.clone()
    }

    /// The first failure.
    pub(super) fn failure(&self) -> Option<(StageName, StageFailure)> {
        self.heard().failure.clone()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Recorder<'_> {
    fn emit(&self, event: &Event) {
        match event {
            Event::StageStarted { stage, .. } => self.heard().executed.push(stage.clone()),
            Event::StageFinished {
                stage,
                failure: Some(failure),
                ..
            } => {
                let mut heard = self.heard();
                heard
                    .failure
                    .get_or_insert_with(|| (stage.clone(), failure.clone()));
            }
            _ => {}
        }
        self.sink.emit(event);
    }
}
