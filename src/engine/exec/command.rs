//! Executes shell commands as child processes.
//!
//! Each command runs in a process group of its own, so that it can be stopped with everything it started, and whatever
//! it leaves behind is ended with it. Its stdout and stderr are one open file, the log, so that their order is kept and
//! no thread copies bytes. Its stdin is the stage's lock file, which is empty and reads as the end of input: if hpipe is
//! killed while a command lives on, the lock stays held until that orphan ends, and the next hpipe waits for it instead
//! of working on half-made outs.

use std::collections::{BTreeMap, HashMap};
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
use crate::sandbox::Sandbox;

const SHELL: &str = "/bin/sh";

/// The process groups of running commands, so that they can be stopped.
#[derive(Debug, Default)]
pub(crate) struct Children(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    groups: HashMap<Pid, Told>,
    /// How urgently everybody was told to stop, if so.
    urgency: Option<Urgency>,
}

/// Whether a command was told to stop; then its result counts for nothing, whatever its exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Stop,
}

impl Children {
    /// Tells every running command to stop, and those that are started later too.
    pub(crate) fn stop(&self, urgency: Urgency) {
        let mut running = self.running();
        running.urgency = running.urgency.max(Some(urgency));
        for (group, told) in &mut running.groups {
            *told = Told::Stop;
            signal(*group, urgency);
        }
    }

    /// Starts a command in a process group of its own.
    fn start(&self, command: &mut Command) -> std::io::Result<Child> {
        // Nobody is told to stop between the start and the note that it runs.
        let mut running = self.running();
        let child = command.process_group(0).spawn()?;
        let group = Pid::from_child(&child);
        let told = match running.urgency {
            None => Told::Nothing,
            Some(urgency) => {
                signal(group, urgency);
                Told::Stop
            }
        };
        running.groups.insert(group, told);
        Ok(child)
    }

    /// Waits for `child`, then ends whatever it left in its group.
    ///
    /// The child is reaped only after its group is ended: until then its number cannot be given to another process.
    fn wait(&self, child: &mut Child) -> std::io::Result<(ExitStatus, Told)> {
        let group = Pid::from_child(child);
        let ended = waitid(
            WaitId::Pid(group),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        let told = self.running().groups.remove(&group);
        let _ = kill_process_group(group, Signal::KILL);
        ended?;
        Ok((child.wait()?, told.unwrap_or(Told::Nothing)))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signal(group: Pid, urgency: Urgency) {
    let signal = match urgency {
        Urgency::Ask => Signal::INT,
        Urgency::Kill => Signal::KILL,
    };
    // A group that ended meanwhile is what we want.
    let _ = kill_process_group(group, signal);
}

/// Runs each script, until one fails.
pub(super) fn run(
    setting: Setting<'_>,
    stage: &StageSpec,
    scripts: &[Script],
    env: &BTreeMap<String, Option<String>>,
    lock: &StageLock,
    attempt: &Attempt,
    sandbox: Option<&Sandbox>,
) -> Result<(), Stopped> {
    let wdir = stage.wdir.on_disk(&setting.workspace.location().root);
    for script in scripts {
        if setting.cancellation.is_requested() {
            return Err(interrupted().into());
        }
        let mut command = shell(script, &wdir, sandbox);
        for (name, value) in env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (stdout, stderr) = (attempt.log_file()?, attempt.log_file()?);
        let ended = lock.handle().and_then(|stdin| {
            command.stdin(stdin).stdout(stdout).stderr(stderr);
            let mut child = setting.children.start(&mut command)?;
            setting.children.wait(&mut child)
        });
        match ended.map_err(|error| cannot_start(&wdir, &error))? {
            (_, Told::Stop) => return Err(interrupted().into()),
            (status, Told::Nothing) if status.success() => {}
            (status, Told::Nothing) => {
                return Err(failure(Code::StageFailed, describe(status)).into());
            }
        }
    }
    Ok(())
}

/// A script of several lines stops at the first command that fails, as a list of commands does.
fn shell(script: &Script, wdir: &Path, sandbox: Option<&Sandbox>) -> Command {
    let mut command = match sandbox {
        None => Command::new(SHELL),
        Some(sandbox) => {
            let (launcher, arguments) = sandbox.launch();
            let mut command = Command::new(launcher);
            command.args(arguments).arg(SHELL);
            command.env("TMPDIR", sandbox.temporary());
            command
        }
    };
    if script.text.trim_end().contains('\n') {
        command.arg("-e");
    }
    command.arg("-c").arg(&script.text).current_dir(wdir);
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
