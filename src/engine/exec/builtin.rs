//! Executes a built-in stage in this process, on the thread it is called on.
//!
//! A panic in a stage fails that stage, as our bug; the others go on. One whose time is over is asked to stop, and has
//! failed however it then ends: a thread cannot be ended from outside.

use std::fs::File;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use hpipe_core::{
    Code, Event, EventSink, Execution, Mapping, PortPath, Progress, ProjectPath, StageError,
    StageFailure, StageName, Value, with_causes,
};
use hpipe_spec::{Role, StageSpec};
use hpipe_store::Attempt;

use super::failure::{failure, interrupted, panicked, timed_out};
use super::memo::StoredMemo;
use super::{Setting, Stopped};
use crate::Cancellation;

/// Executes the built-in `name` with the options `with`; it is asked to stop when `is_overtaken` by a change.
pub(crate) fn run(
    setting: Setting<'_>,
    stage: &StageSpec,
    (name, with): (&str, &Mapping),
    attempt: &Attempt,
    is_overtaken: &(dyn Fn() -> bool + Sync),
) -> Result<(), Stopped> {
    let Some(builtin) = setting.workspace.registry().get(name) else {
        return Err(failure(
            Code::Bug,
            format!("the built-in `{name}` vanished after the pipeline was checked"),
        )
        .into());
    };
    let timeout = stage.execution().timeout;
    let reporter = Reporter {
        stage: &stage.name,
        sink: setting.sink,
        cancellation: setting.cancellation,
        is_overtaken,
        log: attempt.log_file()?,
        deadline: timeout.and_then(|after| Instant::now().checked_add(after)),
    };
    let with = Value::Map(with.clone());
    let deps = ports(setting, stage.deps.iter().map(|dep| (&dep.role, &dep.path)));
    let outs = ports(setting, stage.outs.iter().map(|out| (&out.role, &out.path)));
    let memo = StoredMemo {
        store: setting.workspace.store(),
        builtin,
        usage: setting.memo.of(stage),
        stage: &stage.name,
        sink: setting.sink,
        gave_up: AtomicBool::new(false),
    };
    let execution = Execution {
        with: &with,
        deps: &deps,
        outs: &outs,
        progress: &reporter,
        memo: &memo,
    };
    match catch_unwind(AssertUnwindSafe(|| builtin.execute(&execution))) {
        Ok(_) if reporter.is_late() => Err(timed_out(timeout.unwrap_or_default()).into()),
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) if setting.cancellation.is_requested() || is_overtaken() => {
            Err(interrupted().into())
        }
        Ok(Err(error)) => Err(failed(&error, &reporter).into()),
        Err(panic) => Err(panicked(&*panic).into()),
    }
}

fn ports<'a>(
    setting: Setting<'_>,
    declared: impl Iterator<Item = (&'a Option<Role>, &'a ProjectPath)>,
) -> Vec<PortPath> {
    let root = &setting.workspace.location().root;
    declared
        .map(|(role, path)| PortPath {
            role: role
                .as_ref()
                .map(|role| role.name.clone())
                .unwrap_or_default(),
            declared: path.clone(),
            path: path.on_disk(root),
        })
        .collect()
}

/// Says the error with all its causes, and writes the same to the log.
fn failed(error: &StageError, reporter: &Reporter<'_>) -> StageFailure {
    let message = with_causes(error);
    reporter.log(&message);
    StageFailure {
        help: error.help.clone(),
        ..failure(Code::StageFailed, message)
    }
}

/// Passes what a stage reports to the sink and its log.
struct Reporter<'a> {
    stage: &'a StageName,
    sink: &'a dyn EventSink,
    cancellation: &'a Cancellation,
    is_overtaken: &'a (dyn Fn() -> bool + Sync),
    log: File,
    /// When its time is over.
    deadline: Option<Instant>,
}

impl Reporter<'_> {
    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }
}

impl Progress for Reporter<'_> {
    fn report(&self, done: u64, total: Option<u64>, message: &str) {
        self.sink.emit(&Event::StageProgress {
            stage: self.stage.clone(),
            done,
            total,
            message: message.to_owned(),
        });
    }

    fn log(&self, line: &str) {
        // A log that cannot be written (a full disk) must not fail the stage; its outs will tell.
        // Several threads may log: a line is one write to a file opened for appending.
        let _ = (&self.log).write_all(format!("{line}\n").as_bytes());
    }

    fn warn(&self, text: &str) {
        self.log(text);
        self.sink.emit(&Event::StageNote {
            stage: self.stage.clone(),
            text: text.to_owned(),
        });
    }

    fn is_cancelled(&self) -> bool {
        self.cancellation.is_requested() || (self.is_overtaken)() || self.is_late()
    }
}
