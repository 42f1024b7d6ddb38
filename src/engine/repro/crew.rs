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

/// Someone still has jobs to give.
#[must_use = "dropped, it sends the crew home"]
pub(super) struct Duty<'crew, 'job>(&'crew Crew<'job>);

impl Drop for Duty<'_, '_> {
    fn drop(&mut self) {
        self.0.dismiss();
    }
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

    /// Sends the threads home when everything is done: as soon as the answer is dropped, which it also is when the loop
    /// falls over, for else they would wait for ever.
    pub(super) const fn on_duty(&self) -> Duty<'_, 'job> {
        Duty(self)
    }

    fn dismiss(&self) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A bug in the loop ends the program, and does not leave it hanging.
    #[test]
    fn the_crew_goes_home_when_the_loop_falls_over() {
        let crew = Crew::new(2);
        let fell = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            std::thread::scope(|threads| {
                let _duty = crew.on_duty();
                crew.give(threads, Box::new(|| {}));
                panic!("a bug");
            });
        }));
        assert!(fell.is_err());
    }
}
