//! Shows what an execution prints while it prints it, until it ends.
//!
//! The kernel tells when the log grows and when the journal beside it is written, so nothing is looked at in between. That
//! the holder of a lock is gone (hpipe was killed) is told an instant before it is true, and some file systems tell nothing:
//! for these, one looks again after a while.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hpipe_core::StageName;
use hpipe_engine::Workspace;
use hpipe_store::{AttemptState, AttemptSummary};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::unreadable;
use crate::error::Error;
use crate::session::Session;

/// How long to wait at most before looking again.
const LONGEST: Duration = Duration::from_secs(2);

/// Prints what an execution has printed, and what it prints from now on, until it ends.
pub(super) fn follow(
    session: &Session,
    workspace: &Workspace,
    stage: &StageName,
    attempt: &AttemptSummary,
) -> Result<(), Error> {
    let mut following = Following::default();
    let mut seen = attempt.clone();
    let changes = Changes::of(&seen.log_path);
    loop {
        let is_over = seen.state != AttemptState::Running;
        let opened = following.open(&seen.log_path, is_over);
        // Asked before the rest is read, so that the last words are not missed.
        let attempts = workspace.store().attempts(stage)?;
        let now = attempts.into_iter().find(|now| now.id == attempt.id);
        if !is_over && now.as_ref().is_none_or(|now| now.log_path != seen.log_path) {
            // What was opened may by now be what another execution prints.
            following.file = None;
        }
        let printed = opened.and_then(|()| following.more(is_over));
        session
            .ui
            .data(&printed.map_err(unreadable(&seen.log_path))?);
        match now {
            Some(now) if !is_over && !session.ui.is_stdout_lost() => seen = now,
            _ => return Ok(()),
        }
        if seen.state == AttemptState::Running {
            changes.wait();
        }
    }
}

/// What happens in the folder of a log, as the kernel tells it.
struct Changes {
    happened: Receiver<()>,
    /// Tells as long as it lives; none where the kernel cannot watch, and then only time passes.
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// From now on, what is written into the log, or beside it when the execution ends, is noticed.
    fn of(log: &Path) -> Self {
        let (tell, happened) = channel();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.map_or(true, |event| is_change(event.kind)) {
                    // Whoever followed may be gone by now.
                    let _ = tell.send(());
                }
            })
            .ok();
        if let (Some(watcher), Some(folder)) = (&mut watcher, log.parent()) {
            // One that cannot be watched is looked at now and then.
            let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
        }
        Self {
            happened,
            _watcher: watcher,
        }
    }

    /// Waits until something happened, and takes all that did for one.
    fn wait(&self) {
        if self.happened.recv_timeout(LONGEST).is_ok() {
            self.happened.try_iter().for_each(drop);
        }
    }
}

/// Whether an event may mean that there is more to read; that we read ourselves is none.
const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// How far a log has been read.
#[derive(Debug, Default)]
struct Following {
    file: Option<File>,
    bytes: u64,
    /// The beginning of a line whose end is still to come.
    rest: Vec<u8>,
}

impl Following {
    /// Opens the log, if it is not, or is another by now: a log is moved when its execution is over.
    fn open(&mut self, path: &Path, is_over: bool) -> io::Result<()> {
        if self.file.is_none() || is_over {
            self.file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
        }
        Ok(())
    }

    /// What has been written since the last time, in whole lines; at the end whatever is left.
    fn more(&mut self, is_end: bool) -> io::Result<String> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(self.bytes))?;
            self.bytes += file.read_to_end(&mut self.rest)? as u64;
        }
        let whole = match self.rest.iter().rposition(|byte| *byte == b'\n') {
            _ if is_end => self.rest.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let rest = self.rest.split_off(whole);
        let printed = std::mem::replace(&mut self.rest, rest);
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_is_followed_comes_in_whole_lines_and_to_the_last_byte() {
        let path = std::env::temp_dir().join(format!("hpipe-follow-{}", std::process::id()));
        let mut following = Following::default();
        following.open(&path, false).unwrap();
        assert_eq!(following.more(false).unwrap(), "", "no log yet");
        let mut log = File::create(&path).unwrap();
        let parts: [&[u8]; 4] = [b"a\xc3", b"\xa4\nb\n\xff c", b" d", b"\ne"];
        let mut seen = Vec::new();
        for part in parts {
            log.write_all(part).unwrap();
            following.open(&path, false).unwrap();
            seen.push(following.more(false).unwrap());
        }
        seen.push(following.more(true).unwrap());
        assert_eq!(seen, ["", "a\u{e4}\nb\n", "", "\u{fffd} c d\n", "e"]);
    }
}
