//! Runs jobs as child processes of this one.
//!
//! Each script runs in a process group of its own, so that it can be stopped with everything it started, and whatever it
//! leaves behind is ended with it (`household` sees to what left the group). Its stdout and stderr are one open file, the
//! log, so that their order is kept and nobody copies bytes. Its stdin is the stage's lock file, which is empty and reads
//! as the end of input: if hpipe is killed while a command lives on, the lock stays held until that orphan ends, and the
//! next hpipe waits for it instead of working on half-made outs.
//!
//! No thread waits for a child: a descriptor of the process (`pidfd`) becomes readable when it ends. Where the system has
//! none, a thread that sleeps in `wait` writes into a pipe instead.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use super::executor::{End, Executor, Job, JobId, Status};
use super::household;
use crate::cancel::Urgency;

/// How long a job whose time is over may clean up before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// The jobs that run as children of this process.
#[derive(Debug, Default)]
pub(crate) struct Local {
    running: HashMap<JobId, Running>,
    /// What is to be told at the next time: jobs that ended, and what they left.
    news: Vec<(JobId, Status)>,
    /// How urgently everybody was told to stop, if so.
    urgency: Option<Urgency>,
}

#[derive(Debug)]
struct Running {
    job: Job,
    /// The place of the script that runs among the job's.
    script: usize,
    child: Child,
    leader: Pid,
    /// Readable when the child has ended.
    watch: OwnedFd,
    /// When its time is over, or its grace.
    deadline: Option<Instant>,
    told: Told,
}

/// Whether a job was told to stop; then its result counts for nothing, whatever its exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Stop,
    TimeIsOver,
}

impl Executor for Local {
    fn limit(&self) -> Option<usize> {
        None
    }

    fn submit(&mut self, batch: Vec<Job>) {
        for job in batch {
            let deadline = job
                .timeout
                .and_then(|after| Instant::now().checked_add(after));
            self.start(job, 0, deadline);
        }
    }

    fn poll(&mut self) -> Vec<(JobId, Status)> {
        self.end_what_is_due();
        let mut over = Vec::new();
        for (id, running) in &self.running {
            match has_ended(running.leader) {
                Ok(true) => over.push(*id),
                Ok(false) => {}
                Err(error) => self.news.push((*id, Status::Unknown(error.to_string()))),
            }
        }
        for id in over {
            if let Some(running) = self.running.remove(&id) {
                self.reap(running);
            }
        }
        std::mem::take(&mut self.news)
    }

    fn watched(&self) -> Vec<BorrowedFd<'_>> {
        self.running.values().map(|one| one.watch.as_fd()).collect()
    }

    fn due(&self) -> Option<Instant> {
        match self.news.is_empty() {
            true => self.running.values().filter_map(|one| one.deadline).min(),
            false => Some(Instant::now()),
        }
    }

    fn stop(&mut self, job: JobId) {
        if let Some(running) = self.running.get_mut(&job) {
            running.told = Told::Stop;
            running.deadline = Instant::now().checked_add(GRACE);
            signal(running.leader, Urgency::Ask);
        }
    }

    fn cancel(&mut self, urgency: Urgency) {
        self.urgency = self.urgency.max(Some(urgency));
        for running in self.running.values_mut() {
            running.told = Told::Stop;
            signal(running.leader, urgency);
        }
    }
}

impl Local {
    /// Starts the script at place `script` of `job`.
    fn start(&mut self, job: Job, script: usize, deadline: Option<Instant>) {
        if self.urgency.is_some() {
            self.end(job.id, End::Cancelled);
            return;
        }
        match spawn(&job, script) {
            Ok((child, leader, watch)) => {
                let running = Running {
                    script,
                    child,
                    leader,
                    watch,
                    deadline,
                    told: Told::Nothing,
                    job,
                };
                self.running.insert(running.job.id, running);
            }
            Err(error) => self.end(job.id, End::NotStarted(error)),
        }
    }

    fn end(&mut self, job: JobId, end: End) {
        self.news.push((job, Status::Ended(end)));
    }

    /// Takes leave of a child that has ended: ends what it left, and starts the next script or tells the end.
    fn reap(&mut self, mut running: Running) {
        let left = household::leave(running.leader, &mut running.child);
        let id = running.job.id;
        // That all of one which was told to stop is ended goes without saying.
        let ended = left
            .ended
            .into_iter()
            .filter(|_| running.told == Told::Nothing);
        let told = ended.chain(left.living);
        self.news.extend(told.map(|text| (id, Status::Note(text))));
        let end = match (running.told, left.status) {
            (Told::Stop, _) => End::Cancelled,
            (Told::TimeIsOver, _) => End::TimedOut(running.job.timeout.unwrap_or_default()),
            (Told::Nothing, Err(error)) => End::Lost(error),
            (Told::Nothing, Ok(status)) => {
                let next = running.script + 1;
                if status.success() && next < running.job.scripts.len() {
                    return self.start(running.job, next, running.deadline);
                }
                End::Exited(status)
            }
        };
        self.end(id, end);
    }

    /// Asks jobs whose time is over to end, and kills those whose grace is over too.
    fn end_what_is_due(&mut self) {
        let now = Instant::now();
        let is_due = |one: &&mut Running| one.deadline.is_some_and(|deadline| deadline <= now);
        for running in self.running.values_mut().filter(is_due) {
            let signal = match running.told {
                Told::Nothing => Signal::TERM,
                Told::Stop | Told::TimeIsOver => Signal::KILL,
            };
            household::signal_tree(running.leader, signal);
            running.deadline = (signal == Signal::TERM).then(|| now + GRACE);
            if running.told == Told::Nothing {
                running.told = Told::TimeIsOver;
            }
        }
    }
}

/// Whoever lets go of it while jobs run has met a bug of ours: nothing of them is to go on unwatched.
impl Drop for Local {
    fn drop(&mut self) {
        for (_, mut running) in self.running.drain() {
            household::signal_tree(running.leader, Signal::KILL);
            household::leave(running.leader, &mut running.child);
        }
    }
}

fn signal(leader: Pid, urgency: Urgency) {
    match urgency {
        Urgency::Ask => household::signal_group(leader, Signal::INT),
        Urgency::Kill => household::signal_tree(leader, Signal::KILL),
    }
}

fn spawn(job: &Job, script: usize) -> std::io::Result<(Child, Pid, OwnedFd)> {
    let mut words = job.scripts[script].iter();
    let program = words.next().map_or(OsStr::new(""), OsString::as_os_str);
    let mut command = Command::new(program);
    command.args(words).current_dir(&job.wdir).process_group(0);
    for (name, value) in &job.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .stdin(job.stdin.try_clone()?)
        .stdout(job.log.try_clone()?)
        .stderr(job.log.try_clone()?);
    command.env(household::MARK, &job.mark);
    let (mut child, leader) = household::welcome(&mut command, &job.mark)?;
    match watch(leader) {
        Ok(watch) => Ok((child, leader, watch)),
        Err(error) => {
            household::signal_tree(leader, Signal::KILL);
            household::leave(leader, &mut child);
            Err(error)
        }
    }
}

/// Something that becomes readable when the child ends.
#[cfg(target_os = "linux")]
fn watch(child: Pid) -> std::io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    match pidfd_open(child, PidfdFlags::empty()) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => watch_by_thread(child),
        opened => Ok(opened?),
    }
}

#[cfg(not(target_os = "linux"))]
fn watch(child: Pid) -> std::io::Result<OwnedFd> {
    watch_by_thread(child)
}

/// The other end of the pipe is closed when the child has ended.
fn watch_by_thread(child: Pid) -> std::io::Result<OwnedFd> {
    let (readable, held) = std::io::pipe()?;
    std::thread::Builder::new().spawn(move || {
        let _ = waitid(
            WaitId::Pid(child),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        drop(held);
    })?;
    Ok(readable.into())
}

/// Whether the child has ended; it is left for [`household::leave`] to be reaped.
fn has_ended(child: Pid) -> Result<bool, rustix::io::Errno> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(child), options) {
        Ok(answer) => Ok(answer.is_some()),
        Err(rustix::io::Errno::CHILD) => Ok(true), // and somebody else reaped it
        Err(error) => Err(error),
    }
}
