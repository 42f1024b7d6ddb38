//! Executes one stage, from removing its old outs to knowing the content of its new ones.
//!
//! Runs on a worker: a thread of its own that mostly sleeps for a command, the shared rayon pool for a built-in. Does
//! not publish: whether and when a result is recorded is the scheduler's business ([`crate::repro`]).
//!
//! Nothing is lost: content at an out's path that no record knows (somebody edited it, or it was there before the stage
//! was) is stored as an object before it is removed, and its digest is told.

mod builtin;
mod command;
mod memo;

use std::time::{Duration, Instant};

use hpipe_core::{Code, Event, EventSink, ProjectPath, StageFailure, StageName};
use hpipe_spec::{Action, StageSpec};
use hpipe_store::{Attempt, AttemptEnd, OutRecord, StageLock, Store};

use crate::Cancellation;
use crate::Error;
use crate::decide::Known;
use crate::fingerprint::Fingerprint;
use crate::inputs::{Gathered, Inputs, is_no_content};
use crate::sandbox::Sandbox;
use crate::witness::Witness;
use crate::workspace::Workspace;

pub(crate) use command::Children;
pub(crate) use memo::MemoUse;

/// What an execution needs besides its stage.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) sink: &'a dyn EventSink,
    pub(crate) cancellation: &'a Cancellation,
    pub(crate) children: &'a Children,
    pub(crate) memo: MemoUse,
    /// Whether outs are stored in the cache.
    pub(crate) commit: bool,
}

/// A successful execution.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) outs: Vec<OutRecord>,
    pub(crate) attempt: Attempt,
    pub(crate) duration: Duration,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The stage failed.
    Failed(Box<StageFailure>),
    /// The machine failed.
    Machine(Error),
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Machine(error.into())
    }
}

impl From<StageFailure> for Stopped {
    fn from(failure: StageFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Executes `stage`, whose inputs are `known`; `recorded` is what its outs should be now.
pub(crate) fn execute(
    setting: Setting<'_>,
    stage: &StageSpec,
    known: &Known,
    recorded: &[OutRecord],
    lock: &StageLock,
) -> Result<Executed, Stopped> {
    let store = setting.workspace.store();
    for out in &stage.outs {
        if !out.persist {
            keep_unknown(
                setting.workspace,
                setting.sink,
                &stage.name,
                &out.path,
                recorded,
            )?;
            // What does not count as the out's content (ignored files, a repository) was not kept, so it stays.
            store.remove_content(&out.path)?;
        }
        store.create_parent(&out.path)?;
        // What an execution finds and goes on with must not be an object under another name.
        if out.persist {
            store.unshare(&out.path)?;
        }
    }
    let sandbox = Sandbox::prepare(setting.workspace, stage, recorded)?;
    let witness = Witness::look(stage, store.root());
    let mut attempt = store.begin_attempt(&stage.name)?;
    let began = Instant::now();
    let ended = match &stage.action {
        Action::Command(scripts) => command::run(
            setting,
            stage,
            scripts,
            &known.fingerprint.env,
            lock,
            &attempt,
            sandbox.as_ref(),
        ),
        Action::Builtin { name, with, .. } => builtin::run(setting, stage, name, with, &attempt),
    };
    let duration = began.elapsed();
    let ended = match sandbox {
        Some(sandbox) => sandbox.conclude(setting.workspace, stage, ended, &attempt),
        None => ended,
    };
    let result = ended.and_then(|()| conclude(setting, stage, known, &witness));
    let outcome = if result.is_ok() { "ran" } else { "failed" };
    attempt.finish(&AttemptEnd {
        outcome: outcome.into(),
        key: known.key,
        seconds: duration.as_secs_f64(),
    })?;
    match result {
        Ok(outs) => Ok(Executed {
            outs,
            attempt,
            duration,
        }),
        Err(Stopped::Failed(failure)) => {
            Err(with_output(*failure, &attempt, setting.workspace).into())
        }
        Err(other) => Err(other),
    }
}

/// Looks at what the execution made, stores it, and makes sure that its inputs are still what they were.
fn conclude(
    setting: Setting<'_>,
    stage: &StageSpec,
    known: &Known,
    witness: &Witness,
) -> Result<Vec<OutRecord>, Stopped> {
    let store = setting.workspace.store();
    let mut outs = Vec::with_capacity(stage.outs.len());
    let mut missing = Vec::new();
    for out in &stage.outs {
        let content = if out.cache && setting.commit {
            store.commit(&out.path)
        } else {
            store.content(&out.path)
        };
        match content.map_err(unfit_out)? {
            Some(content) => outs.push(OutRecord {
                path: out.path.clone(),
                content,
                cached: out.cache,
            }),
            None => missing.push(out.path.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(missing_outs(&missing).into());
    }
    match Inputs::fresh(setting.workspace).gather(stage)? {
        Gathered::Whole(now) if now.key() == known.key => {}
        Gathered::Whole(now) => return Err(changed_inputs(known, &now).into()),
        Gathered::Missing(paths) => {
            return Err(written_inputs(&paths.iter().collect::<Vec<_>>()).into());
        }
    }
    match witness.written_since(store.root()).as_slice() {
        [] => Ok(outs),
        written => Err(written_inputs(written).into()),
    }
}

/// Stores what lies at an out's path if no record knows it.
pub(crate) fn keep_unknown(
    workspace: &Workspace,
    sink: &dyn EventSink,
    stage: &StageName,
    path: &ProjectPath,
    recorded: &[OutRecord],
) -> Result<(), Stopped> {
    let store = workspace.store();
    if store.is_replica() {
        return Ok(()); // no user writes there
    }
    let Some(found) = store.content(path).map_err(unfit_out)? else {
        return Ok(());
    };
    let is_recorded = recorded
        .iter()
        .any(|out| out.path == *path && out.content.same(&found));
    if is_recorded || found.files == 0 || store.has(&found) {
        return Ok(());
    }
    if let Some(kept) = store.commit(path)? {
        sink.emit(&Event::kept(stage, path, &kept.digest));
    }
    Ok(())
}

/// What lies at an out's path cannot be stored, like a link that leads nowhere: the stage's fault, not the machine's.
fn unfit_out(error: hpipe_store::Error) -> Stopped {
    if !is_no_content(&error) {
        return error.into();
    }
    let mut failure = failure(
        Code::StageFailed,
        format!("an out cannot be stored: failed to {error}"),
    );
    failure.help = Some("remove it, or let the stage make files and folders only".into());
    failure.into()
}

/// Puts `outs` in place; false when an object is missing or damaged, so that the stage must execute after all.
pub(crate) fn restore(
    setting: Setting<'_>,
    stage: &StageSpec,
    outs: &[OutRecord],
    recorded: &[OutRecord],
) -> Result<bool, Stopped> {
    let store = setting.workspace.store();
    for out in outs {
        let found = store.content(&out.path).map_err(unfit_out)?;
        if found.is_some_and(|found| found.same(&out.content)) {
            continue;
        }
        keep_unknown(
            setting.workspace,
            setting.sink,
            &stage.name,
            &out.path,
            recorded,
        )?;
        match store.restore(&out.content, &out.path) {
            Ok(()) => {}
            Err(hpipe_store::Error::NotInCache { .. }) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
    }
    let declared = outs.iter().filter(|out| {
        stage
            .outs
            .iter()
            .any(|spec| spec.path == out.path && spec.cache)
    });
    if setting.commit {
        store_again(store, declared)?;
    }
    Ok(true)
}

/// Stores again those outs, which are right, whose objects are not there.
pub(crate) fn store_again<'a>(
    store: &Store,
    outs: impl Iterator<Item = &'a OutRecord>,
) -> Result<(), hpipe_store::Error> {
    for out in outs.filter(|out| !store.has(&out.content)) {
        store.commit(&out.path)?;
    }
    Ok(())
}

fn failure(code: Code, message: impl Into<String>) -> StageFailure {
    StageFailure {
        code,
        message: message.into(),
        help: None,
        output: String::new(),
        log: None,
    }
}

/// Adds what the execution printed, and where that is kept: relative to the project for who is in its root.
fn with_output(
    mut failure: StageFailure,
    attempt: &Attempt,
    workspace: &Workspace,
) -> StageFailure {
    let log = attempt.log_path();
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

fn missing_outs(paths: &[&str]) -> StageFailure {
    let mut failure = failure(
        Code::MissingOut,
        format!("finished without making {}", paths.join(", ")),
    );
    failure.help =
        Some("check the paths under `outs:`; they are relative to the stage's `wdir`".into());
    failure
}

fn changed_inputs(known: &Known, now: &Fingerprint) -> StageFailure {
    let before = &known.fingerprint;
    let deps = now.deps.iter().zip(&before.deps);
    let deps = deps.filter(|(now, then)| !now.content.same(&then.content));
    let params = now.params.iter().zip(&before.params);
    let params = params.filter(|(now, then)| now.values != then.values);
    let changed = deps.map(|(now, _)| &now.path);
    written_inputs(
        &changed
            .chain(params.map(|(now, _)| &now.file))
            .collect::<Vec<_>>(),
    )
}

fn written_inputs(paths: &[&ProjectPath]) -> StageFailure {
    let names: Vec<_> = paths.iter().map(|path| path.as_str()).collect();
    let message = format!(
        "{} changed while the stage executed, so its result is not recorded",
        names.join(", ")
    );
    let mut failure = failure(Code::StageFailed, message);
    failure.help = Some("run `hpipe repro` again".into());
    failure
}
