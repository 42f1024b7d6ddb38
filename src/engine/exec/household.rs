//! The processes that commands started: nothing of them outlives its stage, and nobody else is touched.
//!
//! A command leads a process group, which is ended with it. A process may leave the group, by a session of its own or by
//! the job control of a shell; when its parents are gone the system then gives it to the nearest *subreaper* above, which
//! the program is when it called [`adopt_orphans`]. So whatever a stage left behind becomes a child of ours, and is looked
//! for when a command has ended.
//!
//! Not every child of ours is a command's: what started us may have had children before it became us, and the first
//! process of a container is given every orphan. Only one whose *origin* is known is ended: it is in the group of a command,
//! in a session that was met before, or its environment bears the mark of a stage ([`mark`]). It is ended when all commands
//! of that mark are over, however many others run; who leaves everything behind, his environment too, is left alone.
//!
//! Nobody is waited for that may not be ended, and for nobody longer than [`PATIENCE`]. Who is left is told.
//!
//! Shared by all executors of the process, for all share its children.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, waitpid,
};

/// The variable that marks what a stage started: the stage, and after [`WITHIN`] the one in which that hpipe ran.
pub(super) const MARK: &str = "HPIPE_STAGE";

/// Parts a stage from the one around it.
const WITHIN: &str = " < ";

/// How long all that a command left may take to be gone once it was killed.
const PATIENCE: Duration = Duration::from_secs(2);

static HOUSEHOLD: Mutex<Option<Household>> = Mutex::new(None);

#[derive(Default)]
struct Household {
    /// The system's list of our children, if we adopt.
    adopted: Option<File>,
    /// Commands that run, and their marks.
    leaders: HashMap<Pid, String>,
    /// Every mark there was.
    marks: HashSet<String>,
    /// Adopted processes, and the commands they may belong to.
    strangers: HashMap<Pid, HashSet<Pid>>,
    /// Sessions that strangers made, and the commands these may belong to.
    sessions: HashMap<Pid, HashSet<Pid>>,
}

/// How a command ended, and what became of what it left outside of its group.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) status: std::io::Result<ExitStatus>,
    /// What was ended: one fragment for each that is worth telling.
    pub(super) ended: Vec<String>,
    /// What lives on, and why.
    pub(super) living: Vec<String>,
}

/// What became of a process that a command left.
enum Fate {
    /// Nothing worth telling.
    Gone,
    Ended(String),
    Lives(String),
}

/// From now on, processes that commands leave behind become children of this process, which ends them.
///
/// For the program itself, once, at its start; an engine used as a library leaves the process as it is. Where the system
/// has no such thing, only the process groups of commands are ended with them.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if rustix::process::set_child_subreaper(Some(getpid())).is_ok() {
        let own = getpid().as_raw_nonzero();
        let list = File::open(format!("/proc/{own}/task/{own}/children"));
        household().get_or_insert_default().adopted = list.ok();
    }
}

/// The mark of what `stage` starts, in an hpipe that was started with the mark `around`.
pub(super) fn mark(stage: &str, around: Option<&str>) -> String {
    match around {
        Some(around) => format!("{stage}{WITHIN}{around}"),
        None => stage.to_owned(),
    }
}

/// Whether what bears the mark `found` was started by what bears `mark`, or by an hpipe in it.
fn bears(found: &str, mark: &str) -> bool {
    let within = found.strip_suffix(mark);
    within.is_some_and(|inner| inner.is_empty() || inner.ends_with(WITHIN))
}

/// Starts a command that leads a process group, and whose environment bears `mark`.
pub(super) fn welcome(command: &mut Command, mark: &str) -> std::io::Result<(Child, Pid)> {
    // Nobody looks for strangers between the start and the note that it is none.
    let mut household = household();
    let child = command.spawn()?;
    let leader = Pid::from_child(&child);
    let household = household.get_or_insert_default();
    household.leaders.insert(leader, mark.to_owned());
    if !household.marks.contains(mark) {
        household.marks.insert(mark.to_owned());
    }
    Ok((child, leader))
}

/// Reaps a command that has ended, after ending whatever it left.
///
/// Its group is ended first: until it is reaped, its number cannot be given to another process.
pub(super) fn leave(leader: Pid, child: &mut Child) -> Left {
    signal_group(leader, Signal::KILL);
    let mut household = household();
    let household = household.get_or_insert_default();
    // Children that are dead leave the list of children only when they are reaped: this one is met as itself.
    let fates = match household.adopted.is_some() {
        true => household.look_after(leader),
        false => Vec::new(),
    };
    household.leaders.remove(&leader);
    let mut left = Left {
        status: child.wait(),
        ended: Vec::new(),
        living: Vec::new(),
    };
    for fate in fates {
        match fate {
            Fate::Gone => {}
            Fate::Ended(text) => left.ended.push(text),
            Fate::Lives(text) => left.living.push(text),
        }
    }
    left
}

/// Signals a command and everything in its group; one that ended meanwhile is what we want.
pub(super) fn signal_group(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
}

/// Signals a command, its group, and every process below it that left the group.
pub(super) fn signal_tree(leader: Pid, signal: Signal) {
    let below = descendants(leader);
    signal_group(leader, signal);
    for process in below {
        let _ = kill_process(process, signal);
    }
}

/// The group and the session of a process; none of those whose leader is outside of our PID namespace, as it is for what
/// was started into a container.
///
/// Read from `/proc`, for the system answers 0 for such a leader, and 0 is no [`Pid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    group: Option<Pid>,
    session: Option<Pid>,
}

impl Place {
    /// None of a process that is gone.
    fn of(process: Pid) -> Option<Self> {
        let path = format!("/proc/{}/stat", process.as_raw_nonzero());
        Self::in_line(&std::fs::read(path).ok()?)
    }

    /// From the line of `/proc/PID/stat`: id, name in brackets, state, parent, group, session, and more.
    fn in_line(line: &[u8]) -> Option<Self> {
        // A name may hold anything, brackets too.
        let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
        let rest = str::from_utf8(&line[end_of_name + 1..]).ok()?;
        let mut numbers = rest.split_ascii_whitespace().skip(2);
        // A process that is being reaped has -1 there.
        let mut leader = || {
            let number: u32 = numbers.next()?.parse().ok()?;
            Some(Pid::from_raw(number.try_into().ok()?))
        };
        Some(Self {
            group: leader()?,
            session: leader()?,
        })
    }
}

impl Household {
    /// Ends what a command left behind that left its group; says what became of it.
    fn look_after(&mut self, ended: Pid) -> Vec<Fate> {
        let until = Instant::now() + PATIENCE;
        let mut told = Vec::new();
        // What is ended leaves children of its own to us.
        while self.meet_strangers() {
            if !self.end_strangers(ended, until, &mut told) || Instant::now() >= until {
                break;
            }
        }
        self.end_strangers(ended, until, &mut told);
        told
    }

    /// Takes note of children of ours that are of a command; says whether there are new ones. The dead are buried.
    fn meet_strangers(&mut self) -> bool {
        let mut is_new = false;
        let mut own = None; // seldom needed, and dear
        for child in self.children() {
            if self.leaders.contains_key(&child) || self.strangers.contains_key(&child) {
                continue;
            }
            let own = *own.get_or_insert_with(|| Place::of(getpid()));
            let (Some(own), Some(place)) = (own, Place::of(child)) else {
                continue;
            };
            // A child in hpipe's own group is nobody's stranger: whoever uses the engine may have children too.
            if place.group == own.group {
                continue;
            }
            // Nobody but us can take note of its end.
            if matches!(waitpid(Some(child), WaitOptions::NOHANG), Ok(Some(_))) {
                is_new = true; // its children are ours now
                continue;
            }
            if let Some(owners) = self.owners(child, place) {
                if let Some(session) = place.session
                    && own.session != Some(session)
                {
                    self.sessions.insert(session, owners.clone());
                }
                self.strangers.insert(child, owners);
                is_new = true;
            }
        }
        is_new
    }

    /// The commands that a child which lives may belong to; none if it is not known to be any command's.
    fn owners(&self, child: Pid, place: Place) -> Option<HashSet<Pid>> {
        let leads = |group: &Pid| self.leaders.contains_key(group);
        if let Some(leader) = place.group.filter(leads) {
            return Some(HashSet::from([leader]));
        }
        let known = place
            .session
            .and_then(|session| self.sessions.get(&session));
        if let Some(known) = known {
            return Some(known.clone());
        }
        let found = mark_of(child)?;
        let is_ours = self.marks.iter().any(|mark| bears(&found, mark));
        let owners = self.leaders.iter().filter(|(_, mark)| bears(&found, mark));
        is_ours.then(|| owners.map(|(leader, _)| *leader).collect())
    }

    /// Ends the strangers all of whose commands are over; says whether there were any.
    fn end_strangers(&mut self, ended: Pid, until: Instant, told: &mut Vec<Fate>) -> bool {
        let leaders = &self.leaders;
        let is_over = |owners: &mut HashSet<Pid>| {
            owners.retain(|owner| *owner != ended && leaders.contains_key(owner));
            owners.is_empty()
        };
        let over = self.strangers.extract_if(|_, owners| is_over(owners));
        let over: Vec<_> = over.map(|(stranger, _)| stranger).collect();
        told.extend(over.iter().map(|stranger| end(*stranger, ended, until)));
        self.sessions.retain(|_, owners| !is_over(owners));
        !over.is_empty()
    }

    /// The children of this process that it adopted: they are given to its first thread.
    fn children(&self) -> Vec<Pid> {
        let mut text = [0; 4096];
        let read = self.adopted.as_ref().map(|list| list.read_at(&mut text, 0));
        match read {
            Some(Ok(length)) if length < text.len() => {
                pids(&String::from_utf8_lossy(&text[..length]))
            }
            Some(Ok(_)) => children_of(getpid()),
            _ => Vec::new(),
        }
    }
}

/// Ends a process with all below it, and waits until it is gone. That of one which had stayed in the group of the command is
/// not worth telling.
fn end(process: Pid, command: Pid, until: Instant) -> Fate {
    let number = process.as_raw_nonzero();
    let name = std::fs::read_to_string(format!("/proc/{number}/comm")).unwrap_or_default();
    let name = name.trim();
    let in_group = Place::of(process).is_some_and(|place| place.group == Some(command));
    if matches!(waitpid(Some(process), WaitOptions::NOHANG), Ok(Some(_))) {
        return Fate::Gone; // by itself
    }
    let watch = watch(process);
    let below = descendants(process);
    let killed = kill_process(process, Signal::KILL);
    for one in below {
        let _ = kill_process(one, Signal::KILL);
    }
    if killed == Err(Errno::PERM) {
        let text = format!("`{name}` ({number}), which it left running, may not be ended by us");
        return Fate::Lives(text);
    }
    wait_until(watch, until);
    match waitpid(Some(process), WaitOptions::NOHANG) {
        Ok(None) => Fate::Lives(format!(
            "`{name}` ({number}), which it left running, does not end"
        )),
        _ if in_group => Fate::Gone,
        _ => Fate::Ended(format!("ended `{name}`, which it left running")),
    }
}

#[cfg(target_os = "linux")]
fn watch(process: Pid) -> Option<std::os::fd::OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(process, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn watch(_: Pid) -> Option<std::os::fd::OwnedFd> {
    None
}

/// Sleeps until what is watched has ended, but not longer than `until`.
fn wait_until(watch: Option<std::os::fd::OwnedFd>, until: Instant) {
    let Some(watch) = watch else { return };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(&watch, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

/// The mark in the environment that a process was started with; none of one that may not be read.
fn mark_of(process: Pid) -> Option<String> {
    let path = format!("/proc/{}/environ", process.as_raw_nonzero());
    let environment = std::fs::read(path).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables
        .find_map(|variable| variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn household() -> MutexGuard<'static, Option<Household>> {
    HOUSEHOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The children of every thread of `process`, for a child belongs to the thread that started it.
fn children_of(process: Pid) -> Vec<Pid> {
    let tasks = format!("/proc/{}/task", process.as_raw_nonzero());
    let tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| pids(&list)).collect()
}

fn pids(list: &str) -> Vec<Pid> {
    let numbers = list.split_ascii_whitespace();
    numbers
        .filter_map(|number| Pid::from_raw(number.parse().ok()?))
        .collect()
}

/// Every process below `leader`, nearest first.
fn descendants(leader: Pid) -> Vec<Pid> {
    let mut found = children_of(leader);
    let mut looked_at = 0;
    while let Some(next) = found.get(looked_at) {
        let below = children_of(*next);
        found.extend(below.into_iter().filter(|one| *one != leader));
        looked_at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_outside_of_the_container_are_nobody() {
        let place = |line: &str| Place::in_line(line.as_bytes()).map(|it| (it.group, it.session));
        let pid = Pid::from_raw;
        assert_eq!(place("7 (sleep) S 1 7 5 0 -1"), Some((pid(7), pid(5))));
        assert_eq!(place("7 (a) b 1) (2 3) Z 1 7 0 0 -1"), Some((pid(7), None)));
        assert_eq!(place("7 (sh) S 0 0 0 0 -1"), Some((None, None)));
        assert_eq!(place(""), None);
        assert_eq!(place("7 (sh) S 0"), None);
        assert_eq!(place("7 (sh) X 0 -1 -1 0 -1"), None);
        assert!(Place::of(getpid()).is_some());
    }

    #[test]
    fn a_mark_is_borne_by_the_stage_and_by_what_runs_within_it() {
        let outer = mark("outer", None);
        let inner = mark("train@0.1", Some(&outer));
        assert_eq!(inner, "train@0.1 < outer");
        assert!(bears(&outer, &outer) && bears(&inner, &outer) && bears(&inner, &inner));
        assert!(!bears(&outer, &inner));
        assert!(!bears("the outer", "outer") && !bears("other", "outer") && !bears("", "outer"));
    }
}
