//! Rows from standard input, judged as they come: CSV with a line of names, or JSON lines.
//!
//! A thread reads record by record and hands them on through a short queue; whoever judges takes what is there, so that a slow
//! stream is judged row by row and a fast one in large parts. What is in memory is the queue and the batch that is open. A record
//! that cannot be read is counted and told, and the stream goes on.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use hpipe_core::{Table, TableFiles, TableFormat};
use hpipe_monitor::Report;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::rows::Objects;
use super::{ROWS, Watching};
use crate::deployed;
use crate::error::Error;
use crate::session::Session;

/// Records that wait to be judged.
const QUEUE: usize = 1_024;

/// Bytes of a record that is read.
const LARGEST: usize = 16 << 20;

/// Records that cannot be read of which each is told.
const TOLD: usize = 5;

enum Came {
    Record(Record),
    Failed(std::io::Error),
    /// The stream ended, or the user ended it.
    End,
}

struct Record {
    /// The line it begins in, from 1.
    line: usize,
    bytes: Vec<u8>,
}

/// Judges what comes until it ends, or the user ends it.
pub(super) fn watched(session: &Session, watching: Watching<'_>) -> Result<Report, Error> {
    let mut watching = watching.telling_all();
    let tables = deployed::tables(session)?;
    let records = listen()?;
    let (mut form, mut unread) = (None, 0);
    loop {
        let (came, is_over) = take(&records)?;
        if let Some(first) = came.first() {
            let form = form.get_or_insert_with(|| Form::of(first));
            let (table, unreadable) = form.table(&*tables, came);
            for record in unreadable {
                unread += 1;
                watching.unreadable(&String::from_utf8_lossy(&record.bytes));
                if unread <= TOLD {
                    session.ui.warning(&format!(
                        "line {} of standard input cannot be read as {}",
                        record.line,
                        form.name()
                    ));
                }
            }
            if let Some(table) = table {
                watching.push(table)?;
            }
        }
        if is_over {
            return watching.finish();
        }
    }
}

/// Reads on a thread of its own, which ends with the stream or the program.
fn listen() -> Result<Receiver<Came>, Error> {
    let (send, records) = sync_channel(QUEUE);
    let stop = send.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::Signals)?;
    std::thread::spawn(move || {
        signals
            .forever()
            .try_for_each(|_| stop.send(Came::End).ok())
    });
    std::thread::spawn(move || read(BufReader::new(std::io::stdin()), &send));
    Ok(records)
}

/// What has come, at least something, and whether that was all.
fn take(records: &Receiver<Came>) -> Result<(Vec<Record>, bool), Error> {
    let mut taken = Vec::new();
    let mut next = records.recv().ok();
    loop {
        match next {
            Some(Came::Record(record)) => taken.push(record),
            Some(Came::Failed(source)) => {
                let path = "standard input".into();
                return Err(Error::File {
                    attempt: "read",
                    path,
                    source,
                });
            }
            Some(Came::End) | None => return Ok((taken, true)),
        }
        match records.try_recv() {
            Ok(came) if taken.len() < ROWS => next = Some(came),
            Ok(Came::Record(record)) => {
                taken.push(record);
                return Ok((taken, false));
            }
            Ok(came) => next = Some(came),
            Err(_) => return Ok((taken, false)),
        }
    }
}

/// Hands on records: lines, or several where a quoted cell has breaks; empty lines are none.
fn read(mut source: impl BufRead, send: &SyncSender<Came>) {
    let (mut line, mut is_json) = (1, None);
    loop {
        let mut bytes = Vec::new();
        let begun = line;
        let ended = loop {
            let from = bytes.len();
            let most = (LARGEST - from) as u64;
            match source.by_ref().take(most).read_until(b'\n', &mut bytes) {
                Err(error) => {
                    let _ = send.send(Came::Failed(error));
                    return;
                }
                Ok(0) => break from == 0 || from < LARGEST,
                Ok(_) => line += usize::from(bytes.ends_with(b"\n")),
            }
            let is_json = *is_json.get_or_insert_with(|| begins_json(&bytes));
            if is_json || quotes(&bytes).is_multiple_of(2) {
                break false;
            }
        };
        let is_empty = bytes.iter().all(u8::is_ascii_whitespace);
        let record = Record { line: begun, bytes };
        if !is_empty && send.send(Came::Record(record)).is_err() {
            return; // nobody listens any more
        }
        if ended {
            let _ = send.send(Came::End);
            return;
        }
    }
}

fn quotes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'"').count()
}

fn begins_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// How records are written.
enum Form {
    /// With the line of names; whether it was seen as a record.
    Csv {
        header: Vec<u8>,
        is_begun: bool,
    },
    Json(Objects),
}

impl Form {
    fn of(first: &Record) -> Self {
        match begins_json(&first.bytes) {
            true => Self::Json(Objects::default()),
            false => Self::Csv {
                header: first.bytes.clone(),
                is_begun: false,
            },
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "CSV",
            Self::Json(_) => "JSON",
        }
    }

    /// The table of some records, and those that are no rows.
    fn table(
        &mut self,
        tables: &dyn TableFiles,
        mut records: Vec<Record>,
    ) -> (Option<Table>, Vec<Record>) {
        match self {
            Self::Csv { header, is_begun } => {
                if !std::mem::replace(is_begun, true) {
                    records.remove(0);
                }
                csv(tables, header, records)
            }
            Self::Json(objects) => {
                let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
                for record in records {
                    match serde_json::from_slice(&record.bytes) {
                        Ok(row) => rows.push(row),
                        Err(_) => unreadable.push(record),
                    }
                }
                ((!rows.is_empty()).then(|| objects.table(rows)), unreadable)
            }
        }
    }
}

/// All records at once; where one of them is no row, each by itself.
fn csv(
    tables: &dyn TableFiles,
    header: &[u8],
    records: Vec<Record>,
) -> (Option<Table>, Vec<Record>) {
    let decoded = |records: &[&Record]| {
        let mut bytes = header.to_vec();
        for record in records {
            bytes.extend_from_slice(&record.bytes);
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
        }
        tables
            .decode(&bytes, TableFormat::Csv)
            .ok()
            .filter(|table| table.rows() == records.len())
    };
    let all: Vec<_> = records.iter().collect();
    if all.is_empty() {
        return (None, Vec::new());
    }
    if let Some(table) = decoded(&all) {
        return (Some(table), Vec::new());
    }
    let readable: Vec<bool> = records
        .iter()
        .map(|record| decoded(&[record]).is_some())
        .collect();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (record, is_readable) in records.into_iter().zip(readable) {
        match is_readable {
            true => good.push(record),
            false => bad.push(record),
        }
    }
    let good: Vec<_> = good.iter().collect();
    let table = (!good.is_empty()).then(|| decoded(&good)).flatten();
    (table, bad)
}
