//! How a command learns that the user wants it to stop.
//!
//! The first request asks running stages to end (commands get the signal, built-in stages see
//! [`Cancellation::is_requested`]); the second kills. Whoever must be woken subscribes, so nobody polls, and no longer
//! than he listens: `watch` makes many rounds with one wish to stop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How urgently to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Running stages may clean up.
    Ask,
    /// Running stages are killed.
    Kill,
}

impl Urgency {
    /// What so many requests mean.
    const fn of(requests: u64) -> Option<Self> {
        match requests {
            0 => None,
            1 => Some(Self::Ask),
            _ => Some(Self::Kill),
        }
    }
}

/// A wish to stop, shared between whoever hears of it (a signal handler's thread) and those who obey.
#[derive(Default)]
pub struct Cancellation {
    requests: AtomicU64,
    subscribers: Mutex<Subscribers>,
}

type Tell = Box<dyn Fn(Urgency) + Send>;

#[derive(Default)]
struct Subscribers {
    next: u64,
    listening: Vec<(u64, Tell)>,
}

impl Cancellation {
    /// Asks to stop; from the second time on, insists.
    pub fn request(&self) {
        let requests = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let Some(urgency) = Urgency::of(requests) else {
            return;
        };
        for (_, tell) in &self.subscribers().listening {
            tell(urgency);
        }
    }

    /// Whether somebody asked to stop.
    pub fn is_requested(&self) -> bool {
        self.urgency().is_some()
    }

    /// How urgently to stop; none when nobody asked.
    pub(crate) fn urgency(&self) -> Option<Urgency> {
        Urgency::of(self.requests.load(Ordering::SeqCst))
    }

    /// Calls `tell` at each request from now on, until the answer is dropped. `tell` must neither subscribe nor drop a
    /// subscription.
    pub(crate) fn subscribe(&self, tell: impl Fn(Urgency) + Send + 'static) -> Subscription<'_> {
        let mut subscribers = self.subscribers();
        let id = subscribers.next;
        subscribers.next += 1;
        subscribers.listening.push((id, Box::new(tell)));
        Subscription {
            cancellation: self,
            id,
        }
    }

    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody listens to a [`Cancellation`]; dropped, he does no longer.
#[must_use = "dropped, it listens no longer"]
pub(crate) struct Subscription<'a> {
    cancellation: &'a Cancellation,
    id: u64,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        let mut subscribers = self.cancellation.subscribers();
        subscribers.listening.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn tells_those_who_listen_and_only_as_long() {
        let cancellation = Cancellation::default();
        let listen = |name: &'static str| {
            let (sender, heard) = channel();
            let subscription = cancellation.subscribe(move |urgency| {
                sender.send((name, urgency)).expect("the test listens");
            });
            (subscription, heard)
        };
        let (first, first_heard) = listen("first");
        let (_second, second_heard) = listen("second");
        assert_eq!(cancellation.urgency(), None);

        cancellation.request();
        assert_eq!(cancellation.urgency(), Some(Urgency::Ask));
        drop(first);
        for _ in 0..300 {
            cancellation.request();
            assert_eq!(cancellation.urgency(), Some(Urgency::Kill));
        }
        assert_eq!(
            first_heard.iter().collect::<Vec<_>>(),
            [("first", Urgency::Ask)]
        );
        assert_eq!(second_heard.try_iter().count(), 301);
        assert_eq!(cancellation.subscribers().listening.len(), 1);
    }
}
