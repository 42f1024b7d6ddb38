//! One thread writes, and what waits while it syncs shares its next transaction.
//!
//! SQLite lets one connection write at a time, and a commit that reaches the disk costs a sync. So all changes go to one
//! thread, which takes everything that has arrived, does it in one transaction, each change in a savepoint of its own so
//! that a refused one undoes nothing but itself, commits once, and only then answers.
//!
//! A commit hands its pages to the kernel, where the death of this program does not reach them; the sync after it saves them from a
//! loss of power as well. Nobody is told that a change is done before it would survive the latter, but for those that were handed
//! over to be there [`Soon`](Safety::Soon): values that a run logs, many a second, for which syncing is most of the cost. They are on
//! the disk a second later, and before anything that is acknowledged after them as safe (docs/decisions/020-tracking.md).

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::{LedgerError, Result};

/// Changes in one transaction at most, so that the first does not wait for ever.
const LARGEST_GROUP: usize = 512;

/// How long a change that was to be safe soon waits for a sync, at most.
const SOON: Duration = Duration::from_secs(1);

/// What a change must survive before somebody is told that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// The loss of power.
    Now,
    /// The death of this program; the loss of power within a second.
    Soon,
}

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
    /// What it must survive before it is answered.
    fn safety(&self) -> Safety;
    /// Tells the outcome; with a reason if the whole group could not be written.
    fn answer(self: Box<Self>, unwritten: Option<LedgerError>);
}

struct Task<T, W> {
    safety: Safety,
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

    fn safety(&self) -> Safety {
        self.safety
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
        let disk = Disk::of(&path);
        let thread = std::thread::spawn(move || run(&connection, &path, &arriving, disk));
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
        }
    }

    /// Hands over a change.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        safety: Safety,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        reply: Reply<T>,
    ) {
        let task = Task {
            safety,
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

fn run(
    connection: &Connection,
    path: &Path,
    arriving: &Receiver<Box<dyn Job>>,
    mut disk: Disk<impl FnMut() -> io::Result<()>>,
) {
    while let Some(first) = disk.next(arriving) {
        let waiting = std::iter::from_fn(|| arriving.try_recv().ok());
        let jobs = std::iter::once(first).chain(waiting).take(LARGEST_GROUP);
        let mut group = Vec::new();
        let written = match write_group(connection, jobs, &mut group) {
            Ok(stands) => disk.committed(stands).map_err(|error| {
                let path = path.to_path_buf();
                let reason = format!("it could not be brought to the disk: {error}");
                LedgerError::Unwritten { path, reason }
            }),
            Err(error) => {
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                Err(unwritten(path, error))
            }
        };
        let failure = written.err();
        for job in group {
            job.answer(failure.as_ref().map(again));
        }
        disk.settle();
    }
}

/// That a group could not be written.
fn unwritten(path: &Path, error: rusqlite::Error) -> LedgerError {
    let reason = error.to_string();
    let path = path.to_path_buf();
    match LedgerError::of(&path, error).is_of_read_only() {
        true => LedgerError::ReadOnly { path },
        false => LedgerError::Unwritten { path, reason },
    }
}

/// The same failure for another who waits.
fn again(failure: &LedgerError) -> LedgerError {
    match failure {
        LedgerError::Unwritten { path, reason } => LedgerError::Unwritten {
            path: path.clone(),
            reason: reason.clone(),
        },
        LedgerError::ReadOnly { path } => LedgerError::ReadOnly { path: path.clone() },
        other => panic!("bug: {other} is told to several"),
    }
}

/// The file that SQLite logs changes in, and since when something in it waits for a sync.
///
/// SQLite itself syncs it before it takes it apart (`synchronous=NORMAL`); when else is decided here.
struct Disk<S> {
    sync: S,
    soon: Duration,
    since: Option<Instant>,
    /// The last sync failed. Until one succeeds every change has to be safe before its answer, so that somebody is told.
    has_failed: bool,
}

impl Disk<()> {
    /// Of the database at `path`.
    fn of(path: &Path) -> Disk<impl FnMut() -> io::Result<()> + use<>> {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        let (log, mut file) = (PathBuf::from(name), None);
        // The file is there as long as the connection that writes is open.
        let sync = move || {
            let file = match &mut file {
                Some(file) => file,
                none => none.insert(File::open(&log)?),
            };
            file.sync_data()
        };
        Disk {
            sync,
            soon: SOON,
            since: None,
            has_failed: false,
        }
    }
}

impl<S: FnMut() -> io::Result<()>> Disk<S> {
    /// The next change, with a sync while none comes; none when no more will come.
    fn next(&mut self, arriving: &Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        loop {
            let Some(since) = self.since else {
                return arriving.recv().ok();
            };
            match arriving.recv_timeout(self.soon.saturating_sub(since.elapsed())) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = (self.sync)(); // nobody waits for it who could be told
                    return None;
                }
            }
        }
    }

    /// Changes of this kind were committed, if any were: those that must be safe now are, then, and all before them.
    fn committed(&mut self, stands: Option<Safety>) -> io::Result<()> {
        if stands.is_some() {
            self.since.get_or_insert_with(Instant::now);
        }
        match stands {
            Some(Safety::Soon) if !self.has_failed => Ok(()),
            Some(_) => self.sync(),
            None => Ok(()),
        }
    }

    /// Syncs if something has waited for it long enough. If that fails it is tried again as late, and whoever comes next is
    /// told.
    fn settle(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= self.soon) && self.sync().is_err() {
            self.since = Some(Instant::now());
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = (self.sync)();
        self.has_failed = synced.is_err();
        if synced.is_ok() {
            self.since = None;
        }
        synced
    }
}

/// Does the jobs in one transaction and commits it; says what those that stand must survive, if any does. All that were taken are in
/// `group`, whatever happens.
fn write_group(
    connection: &Connection,
    jobs: impl Iterator<Item = Box<dyn Job>>,
    group: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<Option<Safety>> {
    let begun = execute(connection, "BEGIN IMMEDIATE");
    let mut jobs = jobs.peekable();
    let mut standing = None;
    while let Some(mut job) = jobs.next() {
        let is_alone = group.is_empty() && jobs.peek().is_none();
        let safety = job.safety();
        let outcome = match &begun {
            // The transaction itself is what is undone.
            Ok(()) if is_alone => {
                let stands = job.work(connection);
                group.push(job);
                execute(connection, if stands { "COMMIT" } else { "ROLLBACK" })?;
                return Ok(stands.then_some(safety));
            }
            Ok(()) => in_savepoint(connection, job.as_mut()),
            Err(_) => Ok(false),
        };
        group.push(job);
        if outcome? && standing != Some(Safety::Now) {
            standing = Some(safety);
        }
    }
    begun?;
    execute(connection, "COMMIT")?;
    Ok(standing)
}

/// Does a job that others share the transaction with; whether it stands.
fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<bool> {
    execute(connection, "SAVEPOINT job")?;
    let stands = job.work(connection);
    if !stands {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")?;
    Ok(stands)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A writer to a database in memory, and how often it has synced.
    fn writer(soon: Duration) -> (Writer, Arc<AtomicUsize>) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let syncs = Arc::new(AtomicUsize::new(0));
        let (jobs, arriving) = channel();
        let counted = syncs.clone();
        let thread = std::thread::spawn(move || {
            let sync = || {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(())
            };
            let disk = Disk {
                sync,
                soon,
                since: None,
                has_failed: false,
            };
            run(&connection, Path::new("track.db"), &arriving, disk);
        });
        let writer = Writer {
            jobs: Some(jobs),
            thread: Some(thread),
        };
        (writer, syncs)
    }

    /// Inserts a row; how many syncs there were when it was told to be done.
    fn insert(writer: &Writer, syncs: &Arc<AtomicUsize>, safety: Safety, fails: bool) -> usize {
        let (told, hear) = channel();
        let syncs = syncs.clone();
        writer.submit(
            safety,
            move |connection| match fails {
                true => Err(LedgerError::invalid("no")),
                false => Ok(connection.execute("INSERT INTO t VALUES (1)", [])?),
            },
            Box::new(move |done| {
                assert_eq!(done.is_err(), fails);
                told.send(syncs.load(Ordering::SeqCst)).unwrap();
            }),
        );
        hear.recv().unwrap()
    }

    #[test]
    fn what_must_be_safe_now_is_synced_before_it_is_told() {
        let (writer, syncs) = writer(Duration::from_secs(3600));
        assert_eq!(insert(&writer, &syncs, Safety::Now, false), 1);
        assert_eq!(insert(&writer, &syncs, Safety::Soon, false), 1);
        assert_eq!(
            insert(&writer, &syncs, Safety::Now, true),
            1,
            "nothing was changed"
        );
        assert_eq!(insert(&writer, &syncs, Safety::Now, false), 2);
        drop(writer);
        assert_eq!(syncs.load(Ordering::SeqCst), 2, "nothing waits");
    }

    #[test]
    fn what_may_wait_is_synced_soon_and_at_the_end() {
        let (waiting, syncs) = writer(Duration::from_secs(3600));
        assert_eq!(insert(&waiting, &syncs, Safety::Soon, false), 0);
        drop(waiting);
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
        let (soon, syncs) = writer(Duration::ZERO);
        insert(&soon, &syncs, Safety::Soon, false);
        insert(&soon, &syncs, Safety::Soon, false);
        assert!(
            syncs.load(Ordering::SeqCst) >= 1,
            "the first before the second"
        );
    }

    #[test]
    fn who_comes_after_a_sync_that_failed_is_told_until_one_succeeds() {
        let outcomes = [false, false, true, true];
        let mut outcomes = outcomes.into_iter();
        let sync = || match outcomes.next() {
            Some(true) => Ok(()),
            Some(false) => Err(io::Error::other("the disk is gone")),
            None => panic!("nothing waits any more"),
        };
        let mut disk = Disk {
            sync,
            soon: Duration::ZERO,
            since: None,
            has_failed: false,
        };
        assert!(
            disk.committed(Some(Safety::Soon)).is_ok(),
            "nobody knows yet"
        );
        disk.settle();
        assert!(disk.since.is_some(), "it is tried again");
        assert!(disk.committed(Some(Safety::Soon)).is_err());
        assert!(disk.committed(Some(Safety::Soon)).is_ok());
        assert!(disk.committed(Some(Safety::Soon)).is_ok());
        disk.settle();
        disk.settle();
    }
}
