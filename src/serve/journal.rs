//! The log of predictions, off the path of requests: they hand over what they computed anyway, and a thread writes it.
//!
//! What waits is bounded in bytes; what comes on top is lost, counted, and told.

use std::sync::atomic::{AtomicU64, Ordering};

use hpipe_core::{Table, Values, with_causes};
use hpipe_track::ledger::Clock;
use hpipe_track::predictions::{Answered, PredictionLog, Removed};

use crate::queue::Queue;
use crate::{Report, Told};

/// Bytes that wait at most.
const ROOM: usize = 64 * 1024 * 1024;

/// Bytes that an answer takes beyond its values.
const OVERHEAD: usize = 256;

/// Answers on their way into the log.
#[derive(Debug)]
pub(crate) struct Journal {
    queue: Queue<Answered>,
    logged: AtomicU64,
    lost: AtomicU64,
    removed: AtomicU64,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            queue: Queue::new(ROOM),
            logged: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            removed: AtomicU64::new(0),
        }
    }
}

impl Journal {
    /// Hands over an answer.
    pub(crate) fn push(&self, answer: Answered) {
        let rows = answer.predictions.len() as u64;
        let bytes = OVERHEAD
            + answer.request.len()
            + size_of::<f64>() * answer.predictions.capacity()
            + bytes_of(&answer.rows);
        if !self.queue.push(answer, bytes) {
            self.lost.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// Rows that were written, and that were lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.logged), load(&self.lost))
    }

    /// Rows that were removed with old files of the log.
    pub(crate) fn removed(&self) -> u64 {
        self.removed.load(Ordering::Relaxed)
    }

    /// Lets the thread write what waits, and end.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Writes until the journal is closed, and then the rest.
    pub(crate) fn write(&self, log: &mut PredictionLog, clock: &Clock, report: &Report) {
        let (mut is_told, mut complaint) = (false, None);
        while let Some(answers) = self.queue.take() {
            let rows = answers.iter().map(|answer| answer.predictions.len() as u64);
            let rows = rows.sum();
            match log.append(&answers) {
                Ok(()) if rows == 0 => {}
                Ok(()) => {
                    self.logged.fetch_add(rows, Ordering::Relaxed);
                    self.rotate(log, clock(), report, &mut complaint);
                }
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
        }
        self.tell(report);
    }

    /// Begins a new file where it is time, and tells which old ones went; what is wrong is told once.
    fn rotate(
        &self,
        log: &mut PredictionLog,
        now: i64,
        report: &Report,
        complaint: &mut Option<String>,
    ) {
        let removed = match log.rotate(now) {
            Ok(removed) => removed,
            Err(error) => {
                let why = with_causes(&error);
                let text = format!("the log goes on in the file it is in: failed to {why}");
                if complaint.as_ref() != Some(&text) {
                    report(Told::Warning(&text));
                    *complaint = Some(text);
                }
                return;
            }
        };
        for Removed { path, rows } in removed {
            self.removed.fetch_add(rows, Ordering::Relaxed);
            let path = &path.display().to_string();
            report(Told::Removed { path, rows });
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

/// Bytes that a table takes in memory.
pub(crate) fn bytes_of(table: &Table) -> usize {
    let of_values = |values: &Values| match values {
        Values::Number(values) => size_of::<Option<f64>>() * values.capacity(),
        Values::Integer(values) => size_of::<Option<i64>>() * values.capacity(),
        Values::Boolean(values) => size_of::<Option<bool>>() * values.capacity(),
        Values::Text(values) => {
            let texts = values.iter().flatten().map(String::capacity);
            size_of::<Option<String>>() * values.capacity() + texts.sum::<usize>()
        }
    };
    let columns = table.columns().iter();
    columns
        .map(|column| OVERHEAD / 4 + column.name.capacity() + of_values(&column.values))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::{Column, Digest};

    fn answered(text: &str) -> Answered {
        let values = Values::Text(vec![Some(text.to_owned())]);
        let name = "note".to_owned();
        Answered {
            request: "r".to_owned(),
            time: 0,
            name: "house".to_owned(),
            version: 1,
            digest: Digest::blake3([0; 32]),
            target: "price".to_owned(),
            is_shadow: false,
            latency: 1,
            rows: Table::new(vec![Column { name, values }]).expect("a table"),
            predictions: vec![1.0],
        }
    }

    /// Rows of few cells may be of many bytes: the room is one of bytes.
    #[test]
    fn long_texts_find_no_room_where_short_ones_do() {
        let journal = Journal::default();
        let long = "x".repeat(10 * 1024 * 1024);
        for _ in 0..10 {
            journal.push(answered(&long));
        }
        assert_eq!(journal.counts(), (0, 4), "six are 60 MiB");
        journal.push(answered("short"));
        assert_eq!(journal.counts(), (0, 4));
    }
}
