//! Sends what is recorded to the MLflow server that the settings name (`tracking.uri`), after everything is recorded here.
//!
//! A server that is away fails nothing: what it lacks is sent after the next execution, or by `hpipe runs push`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use hpipe_core::{Event, EventSink, with_causes};
use hpipe_forward::Forwarded;
use hpipe_track::Ledger;

use crate::error::Error;
use crate::registering::MODELS;
use crate::session::Session;
use crate::ui::count;

/// Sends what the server that the settings name lacks of the project at `root`; what cannot be sent is a warning.
pub(crate) fn forward(session: &Session, root: &Path) {
    let models = root.join(MODELS);
    let Some(server) = session.tracking_server() else {
        return;
    };
    if !Ledger::exists(&models) {
        return;
    }
    match sent(session, &models, server) {
        Ok(done) => tell(session, server, &done),
        Err(error) => session.ui.warning(&format!(
            "failed to {}; the next execution, or `hpipe runs push`, tries again",
            with_causes(&error)
        )),
    }
}

fn sent(session: &Session, models: &Path, server: &str) -> Result<Forwarded, Error> {
    let to = session.destination(server)?;
    let ledger = Ledger::open(models, Arc::new(hpipe_store::now_millis))?;
    Ok(hpipe_forward::forward(&ledger, &to, &mut |_| ())?)
}

/// Tells what was sent, and what was not.
pub(crate) fn tell(session: &Session, server: &str, done: &Forwarded) {
    for refused in &done.refused {
        session.ui.warning(&format!("failed to {refused}"));
    }
    let runs = (done.runs > 0).then(|| count(done.runs, "run"));
    let versions = (done.versions > 0).then(|| count(done.versions, "model version"));
    let parts: Vec<_> = runs.into_iter().chain(versions).collect();
    if !parts.is_empty() {
        let sent = parts.join(" and ");
        session.ui.note(&format!("sent {sent} to {server}"));
    }
}

/// Hears rounds of `watch`, and has what they recorded sent once each is over; on a thread of its own, so that the next
/// round waits for no server.
pub(crate) struct Rounds<'a> {
    sink: &'a dyn EventSink,
    has_executed: AtomicBool,
    over: Sender<()>,
}

/// Does `work` with a sink that passes on to `sink` and sends what each round recorded to the server that the settings
/// name, if they name one.
pub(crate) fn after_rounds<T>(
    session: &Session,
    root: &Path,
    sink: &dyn EventSink,
    work: impl FnOnce(&dyn EventSink) -> T,
) -> T {
    std::thread::scope(|threads| {
        let (over, heard) = channel();
        threads.spawn(move || heard.iter().for_each(|()| forward(session, root)));
        work(&Rounds {
            sink,
            has_executed: AtomicBool::new(false),
            over,
        })
    })
}

impl EventSink for Rounds<'_> {
    fn emit(&self, event: &Event) {
        match event {
            Event::StageStarted { .. } => self.has_executed.store(true, Ordering::Relaxed),
            Event::Watching { .. } if self.has_executed.swap(false, Ordering::Relaxed) => {
                let _ = self.over.send(()); // whoever listens does so until we are dropped
            }
            _ => {}
        }
        self.sink.emit(event);
    }
}
