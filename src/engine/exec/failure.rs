//! What can be told of an execution that failed.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use hpipe_core::{Code, ProjectPath, StageFailure};
use hpipe_store::Attempt;

use super::executor::End;
use crate::decide::Known;
use crate::fingerprint::Fingerprint;
use crate::workspace::Workspace;

/// A failure that says no more than this.
pub(super) fn failure(code: Code, message: impl Into<String>) -> StageFailure {
    StageFailure {
        code,
        message: message.into(),
        help: None,
        output: String::new(),
        log: None,
    }
}

/// What the end of a job in `wdir`, whose scripts `program` executes, means for its stage.
pub(crate) fn verdict(end: End, program: &str, wdir: &Path) -> Result<(), StageFailure> {
    match end {
        End::Exited(status) if status.success() => Ok(()),
        End::Exited(status) => Err(failure(Code::StageFailed, describe(status))),
        End::Cancelled => Err(interrupted()),
        End::TimedOut(after) => Err(timed_out(after)),
        End::NotStarted(error) => Err(failure(
            Code::Machine,
            format!("cannot start {program} in {}: {error}", wdir.display()),
        )),
        End::Lost(error) => Err(failure(
            Code::Machine,
            format!("nobody knows how it ended: {error}"),
        )),
    }
}

/// The user wanted it to stop.
pub(super) fn interrupted() -> StageFailure {
    failure(Code::Aborted, "interrupted")
}

/// Its time was over.
pub(super) fn timed_out(after: Duration) -> StageFailure {
    let mut failure = failure(
        Code::StageFailed,
        format!("timed out after {after:?}, and was ended"),
    );
    failure.help = Some("raise the stage's `timeout`, or find out what it waits for".into());
    failure
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// Adds what the execution printed, and where that is kept: relative to the project for who is in its root.
pub(super) fn with_output(
    mut failure: StageFailure,
    attempt: &Attempt,
    workspace: &Workspace,
) -> StageFailure {
    if workspace.store().is_full() {
        failure.message += "; the disk of the cache is full, so what it printed may be lost";
        let help = "make room: `hpipe gc -w` removes from the cache what nothing needs";
        failure.help.get_or_insert_with(|| help.to_owned());
    }
    let Some((log, _)) = attempt.log() else {
        return failure;
    };
    let bytes = std::fs::read(log).unwrap_or_default();
    failure.output = String::from_utf8_lossy(&bytes).into_owned();
    let is_in_root = std::env::current_dir().is_ok_and(|here| here == workspace.store().root());
    let short = log
        .strip_prefix(workspace.store().root())
        .ok()
        .filter(|_| is_in_root);
    failure.log = Some(short.unwrap_or(log).to_owned());
    failure
}

/// A panic as the failure of the stage it came from.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> StageFailure {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    failure(
        Code::Bug,
        format!("the stage panicked: {}", text.unwrap_or("no message")),
    )
}

/// What lies at an out's path cannot be stored, like a link that leads nowhere.
pub(super) fn unfit_out(error: &hpipe_store::Error) -> StageFailure {
    let mut failure = failure(
        Code::StageFailed,
        format!("an out cannot be stored: failed to {error}"),
    );
    failure.help = Some("remove it, or let the stage make files and folders only".into());
    failure
}

/// It ended well, but these outs are not there.
pub(super) fn missing_outs(paths: &[&str]) -> StageFailure {
    let mut failure = failure(
        Code::MissingOut,
        format!("finished without making {}", paths.join(", ")),
    );
    failure.help =
        Some("check the paths under `outs:`; they are relative to the stage's `wdir`".into());
    failure
}

/// What it reads is not what it was when it began.
pub(super) fn changed_inputs(known: &Known, now: &Fingerprint) -> StageFailure {
    let before = &known.fingerprint;
    let deps = now.deps.iter().zip(&before.deps);
    let deps = deps.filter(|(now, then)| !now.content.same(&then.content));
    let params = now.params.iter().zip(&before.params);
    let params = params.filter(|(now, then)| now.values != then.values);
    let changed = deps.map(|(now, _)| &now.path);
    let changed: Vec<_> = changed.chain(params.map(|(now, _)| &now.file)).collect();
    unsteady(&changed, "changed")
}

/// These inputs were written meanwhile, perhaps with the same bytes in the end.
pub(super) fn written_inputs(paths: &[&ProjectPath]) -> StageFailure {
    unsteady(paths, "was written")
}

/// Nobody knows what a stage has read of these inputs.
fn unsteady(paths: &[&ProjectPath], what: &str) -> StageFailure {
    let names: Vec<_> = paths.iter().map(|path| path.as_str()).collect();
    let message = format!(
        "{} {what} while the stage executed, so its result is not recorded",
        names.join(", ")
    );
    let mut failure = failure(Code::StageFailed, message);
    failure.help = Some("run `hpipe repro` again".into());
    failure
}
