//! What waits for a thread of its own, off the path of requests: bounded by bytes, and taken all at once.
//!
//! Nobody is woken for a single thing: the thread looks five times a second, or when a quarter of the room is taken.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the thread looks.
const EVERY: Duration = Duration::from_millis(200);

/// Things on their way to a thread.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Bytes that wait at most.
    room: usize,
    waiting: Mutex<Waiting<T>>,
    wake: Condvar,
}

#[derive(Debug)]
struct Waiting<T> {
    things: Vec<T>,
    bytes: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    /// An empty one.
    pub(crate) const fn new(room: usize) -> Self {
        Self {
            room,
            waiting: Mutex::new(Waiting {
                things: Vec::new(),
                bytes: 0,
                is_closed: false,
            }),
            wake: Condvar::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over something of this many bytes; false if there is no room for it.
    pub(crate) fn push(&self, thing: T, bytes: usize) -> bool {
        let mut waiting = self.waiting();
        if waiting.bytes.saturating_add(bytes) > self.room {
            return false;
        }
        let before = waiting.bytes;
        waiting.bytes += bytes;
        waiting.things.push(thing);
        let is_much = before < self.room / 4 && waiting.bytes >= self.room / 4;
        drop(waiting);
        if is_much {
            self.wake.notify_one();
        }
        true
    }

    /// Lets the thread take what waits, and end.
    pub(crate) fn close(&self) {
        self.waiting().is_closed = true;
        self.wake.notify_one();
    }

    /// Takes what waits, after a while; none once it is closed and empty.
    pub(crate) fn take(&self) -> Option<Vec<T>> {
        let waiting = self.waiting();
        let idle = |waiting: &mut Waiting<T>| !waiting.is_closed && waiting.bytes < self.room / 4;
        let waited = self.wake.wait_timeout_while(waiting, EVERY, idle);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let things = std::mem::take(&mut waiting.things);
        waiting.bytes = 0;
        (!waiting.is_closed || !things.is_empty()).then_some(things)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_refused() {
        let queue = Queue::new(100);
        assert!(queue.push("a", 60) && !queue.push("b", 41) && queue.push("c", 40));
        assert_eq!(queue.take(), Some(vec!["a", "c"]));
        assert!(queue.push("d", 100) && !queue.push("e", 1));
        queue.close();
        assert_eq!((queue.take(), queue.take()), (Some(vec!["d"]), None));
    }
}
