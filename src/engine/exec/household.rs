//! The processes that commands started: nothing of them outlives its stage.
//!
//! A command leads a process group, which is ended with it. A process may leave the group, by a session of its own or by
//! the job control of a shell; when its parents are gone the system then gives it to the nearest *subreaper* above, which
//! the program is when it called [`adopt_orphans`]. So whatever a stage left behind becomes a child of ours, and is looked
//! for when a command has ended.
//!
//! Such a stranger may belong to a command that still runs, and must live as long: it is ended when all the commands are
//! over that ran when it was first seen. A child in hpipe's own process group is nobody's stranger: whoever uses the
//! engine as a library may have children too.
//!
//! Shared by all executors of the process, for all share its children.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{
    Pid, Signal, WaitOptions, getpgid, getpid, kill_process, kill_process_group, waitpid,
};

static HOUSEHOLD: Mutex<Option<Household>> = Mutex::new(None);

#[derive(Default)]
struct Household {
    /// The system's list of our children, if we adopt.
    adopted: Option<File>,
    /// Commands that run.
    leaders: HashSet<Pid>,
    /// Adopted processes, and the commands they may belong to.
    strangers: HashMap<Pid, HashSet<Pid>>,
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

/// Starts a command that leads a process group.
pub(super) fn welcome(command: &mut Command) -> std::io::Result<(Child, Pid)> {
    // Nobody looks for strangers between the start and the note that it is none.
    let mut household = household();
    let child = command.spawn()?;
    let leader = Pid::from_child(&child);
    household.get_or_insert_default().leaders.insert(leader);
    Ok((child, leader))
}

/// Reaps a command that has ended, after ending whatever it left.
///
/// Its group is ended first: until it is reaped, its number cannot be given to another process.
pub(super) fn leave(leader: Pid, child: &mut Child) -> std::io::Result<ExitStatus> {
    signal_group(leader, Signal::KILL);
    let status = child.wait();
    let mut household = household();
    let household = household.get_or_insert_default();
    household.leaders.remove(&leader);
    if household.adopted.is_some() {
        household.look_after(leader);
    }
    status
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

impl Household {
    /// Ends what a command left behind that left its group.
    fn look_after(&mut self, ended: Pid) {
        // What is ended leaves children of its own to us.
        while self.meet_strangers(ended) {
            self.end_strangers();
        }
        self.end_strangers();
    }

    /// Takes note of children of ours that no command is; says whether there are new ones. Such a one may belong to any
    /// command that runs, or to the one that has just ended.
    fn meet_strangers(&mut self, ended: Pid) -> bool {
        let mut is_new = false;
        for child in self.children() {
            if self.leaders.contains(&child) || self.strangers.contains_key(&child) {
                continue;
            }
            let Ok(group) = getpgid(Some(child)) else {
                continue; // it has ended
            };
            let owners = match group {
                own if Some(own) == getpgid(None).ok() => continue,
                group if group == ended || self.leaders.contains(&group) => HashSet::from([group]),
                _ => self.leaders.iter().copied().chain([ended]).collect(),
            };
            self.strangers.insert(child, owners);
            is_new = true;
        }
        is_new
    }

    /// Ends the strangers whose commands are all over.
    fn end_strangers(&mut self) {
        let leaders = &self.leaders;
        self.strangers.retain(|stranger, owners| {
            owners.retain(|owner| leaders.contains(owner));
            if owners.is_empty() {
                signal_tree(*stranger, Signal::KILL);
                // Without our reaping it would stay in the process table as long as we live.
                let _ = waitpid(Some(*stranger), WaitOptions::empty());
            }
            !owners.is_empty()
        });
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
