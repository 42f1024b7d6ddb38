//! One thread writes, and what waits while it syncs shares its next transaction.
//!
//! SQLite lets one connection write at a time, and a durable commit costs a sync of the disk. So all changes go to one
//! thread, which takes everything that has arrived, does it in one transaction, each change in a savepoint of its own so
//! that a refused one undoes nothing but itself, commits once, and only then answers. Nobody is told that a change is done
//! before it would survive the loss of power.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::error::{LedgerError, Result};

/// Changes in one transaction at most, so that the first does not wait for ever.
const LARGEST_GROUP: usize = 512;

/// What is called with the outcome of a change.
pub(crate) type Reply<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// The thread that writes.
pub(crate) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// A change somebody waits for.
trait Job: Send {
    /// Makes the change; whether it stands.
    fn work(&mut self, connection: &Connection) -> bool;
    /// Tells the outcome; with a reason if the whole group could not be written.
    fn answer(self: Box<Self>, unwritten: Option<LedgerError>);
}

struct Task<T, W> {
    work: Option<W>,
    done: Option<Result<T>>,
    reply: Reply<T>,
}

impl<T: Send, W: FnOnce(&Connection) -> Result<T> + Send> Job for Task<T, W> {
    fn work(&mut self, connection: &Connection) -> bool {
        // A panic is our fault; it must not take the writer of all others along. Nobody is answered then.
        if let Some(work) = self.work.take() {
            self.done = catch_unwind(AssertUnwindSafe(|| work(connection))).ok();
        }
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, unwritten: Option<LedgerError>) {
        let outcome = match (unwritten, self.done) {
            (Some(error), Some(Ok(_)) | None) => Err(error),
            (_, Some(done)) => done,
            (None, None) => return,
        };
        (self.reply)(outcome);
    }
}

impl Writer {
    /// Starts the thread, which writes to the database at `path`.
    pub(crate) fn start(connection: Connection, path: PathBuf) -> Self {
        let (jobs, arriving) = channel();
        let thread = std::thread::spawn(move || run(&connection, &path, &arriving));
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
        }
    }

    /// Hands over a change.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        reply: Reply<T>,
    ) {
        let task = Task {
            work: Some(work),
            done: None,
            reply,
        };
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Box::new(task)); // a writer that ended drops the reply, which tells
        }
    }
}

/// Waits until everything handed over is written.
impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, path: &Path, arriving: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = arriving.recv() {
        let waiting = std::iter::from_fn(|| arriving.try_recv().ok());
        let jobs = std::iter::once(first).chain(waiting).take(LARGEST_GROUP);
        let mut group = Vec::new();
        let written = write_group(connection, jobs, &mut group);
        let reason = written.err().map(|error| {
            let text = error.to_string();
            (LedgerError::of(path, error).is_of_read_only(), text)
        });
        if reason.is_some() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        for job in group {
            job.answer(reason.as_ref().map(|(is_read_only, reason)| {
                let (path, reason) = (path.to_path_buf(), reason.clone());
                match is_read_only {
                    true => LedgerError::ReadOnly { path },
                    false => LedgerError::Unwritten { path, reason },
                }
            }));
        }
    }
}

/// Does the jobs in one transaction and commits it. All that were taken are in `group`, whatever happens.
fn write_group(
    connection: &Connection,
    jobs: impl Iterator<Item = Box<dyn Job>>,
    group: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    let begun = execute(connection, "BEGIN IMMEDIATE");
    let mut jobs = jobs.peekable();
    while let Some(mut job) = jobs.next() {
        let is_alone = group.is_empty() && jobs.peek().is_none();
        let outcome = match &begun {
            // The transaction itself is what is undone.
            Ok(()) if is_alone => {
                let stands = job.work(connection);
                group.push(job);
                return execute(connection, if stands { "COMMIT" } else { "ROLLBACK" });
            }
            Ok(()) => in_savepoint(connection, job.as_mut()),
            Err(_) => Ok(()),
        };
        group.push(job);
        outcome?;
    }
    begun?;
    execute(connection, "COMMIT")
}

fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    execute(connection, "SAVEPOINT job")?;
    if !job.work(connection) {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
