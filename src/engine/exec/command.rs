//! Executes shell commands as child processes.
//!
//! Each command runs in a process group of its own, so that it can be stopped with everything it started, and whatever
//! it leaves behind is ended with it. Its stdout and stderr are one open file, the log, so that their order is kept and
//! no thread copies bytes. Its stdin is the stage's lock file, which is empty and reads as the end of input: if hpipe is
//! killed while a command lives on, the lock stays held until that orphan ends, and the next hpipe waits for it instead
//! of working on half-made outs.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hpipe_core::{Code, StageFailure};
use hpipe_spec::{Script, StageSpec};
use hpipe_store::{Attempt, StageLock};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Setting, Stopped, failure};
use crate::cancel::Urgency;

const SHELL: &str = "/bin/sh";

/// The process groups of running commands, so that they can be signalled.
#[derive(Debug, Default)]
pub(crate) struct Children {
    running: Mutex<HashSet<Pid>>,
}

impl Children {
    /// Tells every running command to stop.
    pub(crate) fn stop(&self, urgency: Urgency) {
        let signal = match urgency {
            Urgency::Ask => Signal::INT,
            Urgency::Kill => Signal::KILL,
        };
        for group in self.running().iter() {
            // A group that ended meanwhile is what we want.
            let _ = kill_process_group(*group, signal);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashSet<Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `child`, then ends whatever it left in its group.
    ///
    /// The child is reaped only after its group is ended: until then its number cannot be given to another process.
    fn wait(&self, child: &mut Child) -> std::io::Result<ExitStatus> {
        let group = Pid::from_child(child);
        let ended = waitid(
            WaitId::Pid(group),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        self.running().remove(&group);
        let _ = kill_process_group(group, Signal::KILL);
        ended?;
        child.wait()
    }
}

/// Runs each script, until one fails.
pub(super) fn run(
    setting: Setting<'_>,
    stage: &StageSpec,
    scripts: &[Script],
    env: &BTreeMap<String, Option<String>>,
    lock: &StageLock,
    attempt: &Attempt,
) -> Result<(), Stopped> {
    let wdir = stage.wdir.on_disk(&setting.workspace.location().root);
    for script in scripts {
        if setting.cancellation.is_requested() {
            return Err(interrupted().into());
        }
        let mut command = shell(script, &wdir);
        for (name, value) in env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (stdout, stderr) = (attempt.log_file()?, attempt.log_file()?);
        let spawned = lock.handle().and_then(|stdin| {
            let mut running = setting.children.running();
            let child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()?;
            running.insert(Pid::from_child(&child));
            Ok(child)
        });
        let mut child = spawned.map_err(|error| cannot_start(&wdir, &error))?;
        if setting.cancellation.is_requested() {
            // The request came between the check and the spawn; whoever signalled did not see this child.
            setting.children.stop(Urgency::Ask);
        }
        let status = setting
            .children
            .wait(&mut child)
            .map_err(|error| cannot_start(&wdir, &error))?;
        match (status.success(), setting.cancellation.is_requested()) {
            (true, _) => {}
            (false, true) => return Err(interrupted().into()),
            (false, false) => return Err(failure(Code::StageFailed, describe(status)).into()),
        }
    }
    Ok(())
}

/// A script of several lines stops at the first command that fails, as a list of commands does.
fn shell(script: &Script, wdir: &Path) -> Command {
    let mut command = Command::new(SHELL);
    if script.text.trim_end().contains('\n') {
        command.arg("-e");
    }
    command
        .arg("-c")
        .arg(&script.text)
        .current_dir(wdir)
        .process_group(0);
    command
}

fn interrupted() -> StageFailure {
    failure(Code::Aborted, "interrupted")
}

fn cannot_start(wdir: &Path, error: &std::io::Error) -> StageFailure {
    failure(
        Code::Machine,
        format!("cannot start {SHELL} in {}: {error}", wdir.display()),
    )
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
