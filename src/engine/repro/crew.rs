//! Threads for what would keep the loop too long: built-in stages, large outs, restoring.
//!
//! As many as there are jobs at most, each started when it is first needed. A job stays on its thread until it is done:
//! a built-in uses rayon's threads for its parts, but is none of these parts itself, so it neither waits for another
//! stage's parts nor is it held up by a stage that one of its own threads picked up meanwhile.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};

use super::driver::Job;

/// Bytes: room for the deepest folder the store walks.
const STACK: usize = 8 * 1024 * 1024;

/// The threads and what waits for them.
pub(super) struct Crew<'job> {
    queue: Mutex<Queue<'job>>,
    call: Condvar,
    limit: usize,
}

struct Queue<'job> {
    jobs: VecDeque<Job<'job>>,
    threads: usize,
    idle: usize,
    is_over: bool,
}

impl<'job> Crew<'job> {
    /// At most `limit` threads, none yet.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            queue: Mutex::new(Queue {
                jobs: VecDeque::new(),
                threads: 0,
                idle: 0,
                is_over: false,
            }),
            call: Condvar::new(),
            limit,
        }
    }

    /// Has `job` done by one of the threads; by this one when there are none to be had.
    pub(super) fn give<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, job: Job<'job>)
    where
        'job: 'scope,
    {
        let mut queue = self.queue();
        queue.jobs.push_back(job);
        if queue.jobs.len() > queue.idle && queue.threads < self.limit {
            let thread = Builder::new().stack_size(STACK);
            match thread.spawn_scoped(scope, || self.work()) {
                Ok(_) => queue.threads += 1,
                Err(_) if queue.threads > 0 => {}
                Err(_) => {
                    let job = queue.jobs.pop_back();
                    drop(queue);
                    job.into_iter().for_each(|job| job());
                    return;
                }
            }
        }
        self.call.notify_one();
    }

    /// Sends the threads home when everything is done.
    pub(super) fn dismiss(&self) {
        self.queue().is_over = true;
        self.call.notify_all();
    }

    fn work(&self) {
        let mut queue = self.queue();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                job();
                queue = self.queue();
            } else if queue.is_over {
                return;
            } else {
                queue.idle += 1;
                queue = self
                    .call
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<'job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
