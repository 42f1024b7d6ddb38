//! A version that sees what was asked and is not heard: it predicts off the path of requests, and the log keeps what it said.
//!
//! What waits is bounded in bytes; what comes on top is not scored, counted, and told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hpipe_core::Table;
use hpipe_track::predictions::Answered;

use crate::Told;
use crate::app::App;
use crate::journal::bytes_of;
use crate::lineup::Served;
use crate::queue::Queue;

/// Bytes that wait at most.
const ROOM: usize = 32 * 1024 * 1024;

/// Bytes that a request takes beyond its rows.
const OVERHEAD: usize = 128;

/// A request that was answered by another.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) request: String,
    /// When, in milliseconds since 1970, UTC.
    pub(crate) time: i64,
    /// Its rows, as the model that answered took them.
    pub(crate) rows: Table,
}

/// Requests on their way to the shadow.
#[derive(Debug)]
pub(crate) struct Shadow {
    queue: Queue<Seen>,
    lost: AtomicU64,
    refused: AtomicU64,
}

impl Default for Shadow {
    fn default() -> Self {
        Self {
            queue: Queue::new(ROOM),
            lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

impl Shadow {
    /// Hands over a request.
    pub(crate) fn push(&self, seen: Seen) {
        let rows = seen.rows.rows() as u64;
        let bytes = OVERHEAD + seen.request.len() + bytes_of(&seen.rows);
        if !self.queue.push(seen, bytes) {
            self.lost.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// Rows that found no room, and rows that the shadow could not predict.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.lost), load(&self.refused))
    }

    /// Lets the thread score what waits, and end.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Scores until it is closed, and then the rest.
    pub(crate) fn score(&self, app: &App) {
        let mut is_told = false;
        while let Some(all) = self.queue.take() {
            let lineup = app.stand.now();
            let Some(served) = &lineup.shadow else {
                continue;
            };
            for seen in all {
                let rows = seen.rows.rows() as u64;
                if let Err(why) = one(app, served, seen) {
                    self.refused.fetch_add(rows, Ordering::Relaxed);
                    if !std::mem::replace(&mut is_told, true) {
                        let title = served.title();
                        let text = format!("the shadow {title} does not predict all rows: {why}");
                        (app.report)(Told::Warning(&text));
                    }
                }
            }
        }
        let (lost, _) = self.counts();
        if lost > 0 {
            let text = format!("{lost} rows came too fast for the shadow, which did not see them");
            (app.report)(Told::Warning(&text));
        }
    }
}

/// Predicts a request and logs it.
fn one(app: &App, served: &Served, seen: Seen) -> Result<(), String> {
    let began = Instant::now();
    let predict = || {
        let rows = served.predictor.card().columns_of(&seen.rows)?;
        let predictions = match rows.rows() {
            0 => Vec::new(),
            _ => served.predictor.predict(&rows)?,
        };
        Ok((rows, predictions))
    };
    let done = catch_unwind(AssertUnwindSafe(predict));
    let bug = |_| Err("it met a bug in hpipe (E107)".to_owned());
    let done: Result<_, hpipe_core::PredictionFault> = match done {
        Ok(done) => done,
        Err(panic) => return bug(panic),
    };
    let (rows, predictions) = done.map_err(|fault| fault.to_string())?;
    let count = predictions.len() as u64;
    served.metrics.shadowed.fetch_add(count, Ordering::Relaxed);
    if let Some(journal) = &app.journal {
        journal.push(Answered {
            request: seen.request,
            time: seen.time,
            name: served.name.clone(),
            version: served.version,
            digest: served.digest,
            target: served.shape.target.clone(),
            is_shadow: true,
            latency: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            rows,
            predictions,
        });
    }
    Ok(())
}
