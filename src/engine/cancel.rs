//! How a command learns that the user wants it to stop.
//!
//! The first request asks running stages to end (commands get the signal, built-in stages see
//! [`Cancellation::is_requested`]); the second kills. Whoever must be woken subscribes, so nobody polls.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

/// How urgently to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Running stages may clean up.
    Ask,
    /// Running stages are killed.
    Kill,
}

type Subscriber = Box<dyn Fn(Urgency) + Send>;

/// A wish to stop, shared between whoever hears of it (a signal handler's thread) and those who obey.
#[derive(Default)]
pub struct Cancellation {
    requests: AtomicU8,
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Cancellation {
    /// Asks to stop; from the second time on, insists.
    pub fn request(&self) {
        let urgency = match self.requests.fetch_add(1, Ordering::SeqCst) {
            0 => Urgency::Ask,
            _ => Urgency::Kill,
        };
        for tell in self
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            tell(urgency);
        }
    }

    /// Whether somebody asked to stop.
    pub fn is_requested(&self) -> bool {
        self.requests.load(Ordering::SeqCst) > 0
    }

    /// Calls `tell` at each request from now on.
    pub(crate) fn subscribe(&self, tell: impl Fn(Urgency) + Send + 'static) {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(tell));
    }
}
