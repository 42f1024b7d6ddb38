//! `hpipe watch --serve`: the server and the monitor beside a pipeline that is watched, in one process.
//!
//! The pipeline registers and promotes; the server notices that in the records and exchanges the version that answers; the monitor
//! reads what was answered from the log. None of them knows the others, and none waits for another: a server without a version in
//! Production yet begins when there is one.

mod judging;

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use clap::Command;
use hpipe_engine::Cancellation;

use crate::args::{Beside, Monitor, Serve};
use crate::commands::{models, serve};
use crate::deployed;
use crate::error::Error;
use crate::json;
use crate::session::Session;

/// How often it is looked whether there is a version to serve by now.
const EVERY: Duration = Duration::from_millis(250);

/// Says that all is over.
#[derive(Default)]
pub(super) struct Over {
    is_over: Mutex<bool>,
    told: Condvar,
}

impl Over {
    fn set(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits for it, not longer than this; says whether it is over.
    pub(super) fn within(&self, time: Duration) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .told
            .wait_timeout_while(is_over, time, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Ends the others however its own thread ends.
struct Ends<'a>(&'a Over);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Runs the pipeline with a server and a monitor beside it; both end with it. A server that cannot listen ends all.
pub(super) fn with_server<T>(
    session: &Session,
    beside: &Beside,
    as_json: bool,
    cancellation: &Cancellation,
    pipeline: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    deployed::loader(session)?;
    beside.model().map(models::parse).transpose()?;
    let begun = judging::newest(session)?;
    let over = Over::default();
    let (serving, monitoring) = (
        arguments::<Serve>(&beside.serving(as_json)),
        arguments::<Monitor>(&beside.monitoring(as_json)),
    );
    std::thread::scope(|scope| {
        let over = &over;
        let server = scope.spawn(move || {
            let served = served(session, &serving, over);
            if served.is_err() {
                cancellation.request();
            }
            served
        });
        scope.spawn(move || judging::judged(session, &monitoring, begun, over));
        let done = {
            let _ends = Ends(over);
            pipeline()
        };
        match server.join() {
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// What a command would be told by these words.
fn arguments<A: clap::Args>(words: &[String]) -> A {
    let command = A::augment_args(
        Command::new("hpipe")
            .no_binary_name(true)
            .allow_missing_positional(true),
    );
    let parsed = command
        .try_get_matches_from(words)
        .and_then(|matches| A::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => arguments,
        Err(error) => panic!("bug: {error}"),
    }
}

/// Serves as soon as there is a version, until all is over.
fn served(session: &Session, arguments: &Serve, over: &Over) -> Result<(), Error> {
    let mut told = None;
    let server = loop {
        match serve::bound(session, arguments) {
            Ok(server) => break server,
            // there is no such version yet, or it cannot be loaded: the pipeline may make another
            Err(error) if error.may_be_mended_by_a_version() => {
                let text = error.to_string();
                if told.as_ref() != Some(&text) {
                    match arguments.json {
                        true => session
                            .ui
                            .data(&json::serving_warning(&format!("not serving yet: {text}"))),
                        false => session.ui.note(&format!("not serving yet: {text}")),
                    }
                    told = Some(text);
                }
            }
            Err(error) => return Err(error),
        }
        if over.within(EVERY) {
            return Ok(());
        }
    };
    serve::tell_address(session, arguments, &server);
    let stopper = server.stopper();
    let ended = Over::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.within(EVERY) && !ended.within(Duration::ZERO) {}
            stopper.stop();
        });
        let _ends = Ends(&ended);
        Ok(server.run()?)
    })
}
