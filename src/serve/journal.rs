//! The log of predictions, off the path of requests: they hand over what they computed anyway, and a thread writes it.
//!
//! What waits is bounded; what comes on top is lost, counted, and told. Nobody is woken for a single answer: the thread looks
//! five times a second, or when a quarter of the room is taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hpipe_core::with_causes;
use hpipe_track::predictions::{Answered, PredictionLog};

use crate::{Report, Told};

/// Cells that wait at most: some tens of megabytes.
const ROOM: usize = 1_000_000;

/// How often the thread looks.
const EVERY: Duration = Duration::from_millis(200);

/// Cells that an answer counts for beyond its own.
const OVERHEAD: usize = 8;

/// Answers on their way into the log.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    logged: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: Vec<Answered>,
    cells: usize,
    is_closed: bool,
}

impl Journal {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over an answer.
    pub(crate) fn push(&self, answer: Answered) {
        let cells = answer.predictions.len() * (answer.rows.columns().len() + OVERHEAD);
        let mut waiting = self.waiting();
        if waiting.cells + cells > ROOM {
            drop(waiting);
            let rows = answer.predictions.len() as u64;
            self.lost.fetch_add(rows, Ordering::Relaxed);
            return;
        }
        let before = waiting.cells;
        waiting.cells += cells;
        waiting.answers.push(answer);
        let is_much = before < ROOM / 4 && waiting.cells >= ROOM / 4;
        drop(waiting);
        if is_much {
            self.wake.notify_one();
        }
    }

    /// Rows that were written, and that were lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.logged), load(&self.lost))
    }

    /// Lets the thread write what waits, and end.
    pub(crate) fn close(&self) {
        self.waiting().is_closed = true;
        self.wake.notify_one();
    }

    /// Writes until the journal is closed, and then the rest.
    pub(crate) fn write(&self, log: &mut PredictionLog, report: &Report) {
        let mut is_told = false;
        loop {
            let waiting = self.waiting();
            let idle = |waiting: &mut Waiting| !waiting.is_closed && waiting.cells < ROOM / 4;
            let waited = self.wake.wait_timeout_while(waiting, EVERY, idle);
            let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let answers = std::mem::take(&mut waiting.answers);
            let is_closed = waiting.is_closed;
            waiting.cells = 0;
            drop(waiting);
            let rows = answers
                .iter()
                .map(|answer| answer.predictions.len() as u64)
                .sum();
            match log.append(&answers) {
                Ok(()) => drop(self.logged.fetch_add(rows, Ordering::Relaxed)),
                Err(error) => {
                    self.lost.fetch_add(rows, Ordering::Relaxed);
                    if !std::mem::replace(&mut is_told, true) {
                        let why = with_causes(&error);
                        report(Told::Warning(&format!(
                            "predictions are not logged: failed to {why}"
                        )));
                    }
                }
            }
            if is_closed && rows == 0 {
                return self.tell(report);
            }
        }
    }

    fn tell(&self, report: &Report) {
        let (logged, lost) = self.counts();
        if lost > 0 {
            let all = logged + lost;
            report(Told::Warning(&format!(
                "{lost} of {all} predictions are missing in the log"
            )));
        }
    }
}
