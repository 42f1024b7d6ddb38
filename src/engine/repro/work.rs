//! What is done for one stage that must work: its outs are restored, or it executes.
//!
//! In two steps, [`open`] and [`close`], between which an executor runs the stage's commands. Each is done by the loop
//! itself when it is a matter of microseconds ([`Task::opens_fast`], [`Task::closes_fast`]), for handing it to a thread
//! would cost more; else by a thread of the crew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use hpipe_core::{Content, ContentKind, Event, ProjectPath, Reason, ReasonKind};
use hpipe_spec::{Action, StageSpec};
use hpipe_store::{OutRecord, Published, RunRecord};

use super::locks::Held;
use super::observe::{self, Told};
use super::overtaken::Overtaken;
use crate::Error;
use crate::decide::{Known, is_known_by_key};
use crate::exec::executor::{End, Job};
use crate::exec::{self, Executed, MemoUse, Prepared, Setting, Stopped, builtin, failure};
use crate::graph::StageIndex;

/// Bytes up to which hashing and storing a file takes no longer than waking a thread that does it.
const SMALL: u64 = 64 * 1024;

/// A stage to work on.
pub(super) struct Task {
    pub(super) stage: StageIndex,
    pub(super) held: Held,
    pub(super) known: Known,
    pub(super) reasons: Vec<Reason>,
    /// The outs to put in place; none to execute.
    pub(super) restore: Option<Vec<OutRecord>>,
    /// What its outs should be now, as the lock file says.
    pub(super) recorded: Vec<OutRecord>,
    /// How long it took last time.
    pub(super) expected: Option<Duration>,
    /// The GPUs it may use, if that was said.
    pub(super) gpus: Option<String>,
    /// How often it was tried, this time included.
    pub(super) attempt: u32,
    /// What it may make of what former executions remembered.
    pub(super) memo: MemoUse,
    /// Whether it shall end, because its inputs are others by now.
    pub(super) overtaken: Overtaken,
    pub(super) began: Instant,
}

/// A stage that is ready for an executor.
pub(super) struct Launched {
    pub(super) task: Task,
    prepared: Prepared,
}

/// What opening a task came to.
pub(super) enum Opened {
    /// Its commands are to be executed.
    Launched(Box<Launched>, Job),
    /// It is done already.
    Done(Box<Done>),
}

/// A stage that was worked on. Its lock is held until the result is published.
pub(super) struct Done {
    pub(super) task: Task,
    pub(super) duration: Duration,
    pub(super) result: Result<Worked, Stopped>,
    /// What hinders others from finding the result by its key. It is a result all the same.
    pub(super) trouble: Option<Error>,
}

/// How the outs came to be.
pub(super) enum Worked {
    Ran(Executed),
    Restored(Vec<OutRecord>),
}

/// Restores the stage, or does what comes before its commands. A built-in executes here.
pub(super) fn open(setting: Setting<'_>, task: Task) -> Opened {
    let setting = task.within(setting);
    // A panic must not keep the loop waiting for this stage for ever.
    let begun = catch_unwind(AssertUnwindSafe(|| begin(setting, &task)));
    match begun.unwrap_or_else(|panic| Err(failure::panicked(&*panic).into())) {
        Ok(Begun::Launched(prepared, job)) => {
            let prepared = *prepared;
            Opened::Launched(Box::new(Launched { task, prepared }), *job)
        }
        Ok(Begun::Done(concluded)) => Opened::Done(Box::new(task.done(Ok(*concluded)))),
        Err(stopped) => Opened::Done(Box::new(task.done(Err(stopped)))),
    }
}

enum Begun {
    Launched(Box<Prepared>, Box<Job>),
    Done(Box<Concluded>),
}

/// What was worked, and what hinders others from finding it by its key.
type Concluded = (Worked, Option<Error>);

fn begin(setting: Setting<'_>, task: &Task) -> Result<Begun, Stopped> {
    let stage = setting.workspace.stage(task.stage);
    if let Some(outs) = &task.restore
        && exec::restore(setting, stage, outs, &task.recorded)?
    {
        return Ok(Begun::Done(Box::new((
            Worked::Restored(outs.clone()),
            None,
        ))));
    }
    setting.sink.emit(&Event::StageStarted {
        stage: stage.name.clone(),
        reasons: task.reasons.clone(),
        expected: task.expected,
    });
    let prepared = exec::prepare(setting, stage, &task.recorded)?;
    let told = observe::begins(setting, task, &prepared.attempt);
    let ended = match &stage.action {
        Action::Command(scripts) => {
            let gpus = task.gpus.as_deref();
            let (known, lock) = (&task.known, &task.held.stage);
            let about = (gpus, told);
            match exec::job(setting, task.stage, scripts, known, lock, &prepared, about) {
                Ok(job) => return Ok(Begun::Launched(Box::new(prepared), Box::new(job))),
                Err(stopped) => Err(stopped),
            }
        }
        Action::Builtin { name, with, .. } => {
            builtin::run(setting, stage, (name, with), &prepared.attempt, &|| {
                task.overtaken.is_set()
            })
        }
    };
    Ok(Begun::Done(Box::new(conclude(
        setting, task, prepared, ended,
    )?)))
}

/// Takes what the commands of a stage came to.
pub(super) fn close(setting: Setting<'_>, launched: Launched, end: End) -> Done {
    let Launched { task, prepared } = launched;
    let setting = task.within(setting);
    let stage = setting.workspace.stage(task.stage);
    let wdir = stage.wdir.on_disk(&setting.workspace.location().root);
    let ended = failure::verdict(end, exec::program(stage), &wdir).map_err(Stopped::from);
    let concluded = AssertUnwindSafe(|| conclude(setting, &task, prepared, ended));
    let result =
        catch_unwind(concluded).unwrap_or_else(|panic| Err(failure::panicked(&*panic).into()));
    task.done(result)
}

/// Stores what was made, and records it in the run cache: from then on it is not executed again whatever happens to us.
fn conclude(
    setting: Setting<'_>,
    task: &Task,
    prepared: Prepared,
    ended: Result<(), Stopped>,
) -> Result<Concluded, Stopped> {
    let stage = setting.workspace.stage(task.stage);
    let told = Told::of(&prepared.attempt);
    let began = prepared.began;
    let mut executed = exec::conclude(setting, stage, &task.known, prepared, ended);
    let mut trouble = None;
    if let Ok(executed) = &mut executed {
        match record(setting, stage, task, executed) {
            Ok(record) => executed.record = record.map(Box::new),
            // Its objects are there: what cannot be recorded in the run cache can still be in the lock file.
            Err(error) => trouble = Some(error),
        }
    }
    let duration = executed
        .as_ref()
        .map_or_else(|_| began.elapsed(), |executed| executed.duration);
    observe::ends(setting, task, &told, duration, executed.as_ref());
    Ok((Worked::Ran(executed?), trouble))
}

fn record(
    setting: Setting<'_>,
    stage: &StageSpec,
    task: &Task,
    executed: &Executed,
) -> Result<Option<RunRecord>, Error> {
    // A record stands for objects; without them it would be a reference to nothing.
    if !is_known_by_key(stage) || !setting.commit {
        return Ok(None);
    }
    let store = setting.workspace.store();
    let (outs, seconds) = (executed.outs.clone(), executed.duration.as_secs_f64());
    let record = store.record_of(&executed.attempt, task.known.key, outs, seconds)?;
    let asked_for_new = setting.memo.of(stage).replace;
    if let Published::Differs(first) = store.publish_run(&record, asked_for_new)? {
        let differing = executed.outs.iter().filter(|out| !first.outs.contains(out));
        let paths: Vec<_> = differing.map(|out| out.path.as_str()).collect();
        let text = format!(
            "not reproducible: with equal inputs it made another {} than in attempt {}; the cache keeps the first",
            paths.join(", "),
            first.attempt
        );
        setting.sink.emit(&Event::StageNote {
            stage: stage.name.clone(),
            text,
        });
        return Ok(None);
    }
    Ok(Some(record))
}

impl Task {
    fn done(self, result: Result<Concluded, Stopped>) -> Done {
        let (result, trouble) = match result {
            Ok((worked, trouble)) => (Ok(worked), trouble),
            Err(stopped) => (Err(stopped), None),
        };
        Done {
            duration: self.began.elapsed(),
            task: self,
            result,
            trouble,
        }
    }

    /// The setting of this execution.
    fn within<'a>(&self, setting: Setting<'a>) -> Setting<'a> {
        let memo = self.memo;
        Setting { memo, ..setting }
    }

    /// Whether [`open`] takes no longer than waking a thread.
    pub(super) fn opens_fast(&self, setting: Setting<'_>) -> bool {
        let stage = setting.workspace.stage(self.stage);
        let is_command = matches!(stage.action, Action::Command(_));
        let mut restored = self.restore.iter().flatten().map(|out| &out.content);
        let mut outs = stage.outs.iter().map(|out| &out.path);
        let is_gone = |out: &ProjectPath| {
            let mut reasons = self.reasons.iter();
            reasons.any(|why| {
                why.kind == ReasonKind::OutMissing && why.name.as_deref() == Some(out.as_str())
            })
        };
        is_command
            && setting.observer_of(stage).is_none()
            && restored.all(is_small)
            && outs.all(|out| is_gone(out) || lies_small(setting, out))
    }
}

impl Done {
    /// Whether there is no result, because it was told to end.
    pub(super) fn is_overtaken(&self) -> bool {
        self.task.overtaken.is_set() && matches!(self.result, Err(Stopped::Failed(_)))
    }
}

impl Launched {
    /// Whether a dep was written since it began, so that there will be no result.
    pub(super) fn has_written_inputs(&self) -> bool {
        self.prepared.has_written_inputs()
    }

    /// Whether [`close`] takes no longer than waking a thread: what it looks at are a few small files.
    pub(super) fn closes_fast(&self, setting: Setting<'_>) -> bool {
        let stage = setting.workspace.stage(self.task.stage);
        let deps = &self.task.known.fingerprint.deps;
        let mut outs = stage.outs.iter().map(|out| &out.path);
        setting.observer_of(stage).is_none()
            && deps.iter().all(|dep| is_small(&dep.content))
            && outs.all(|out| lies_small(setting, out))
    }
}

fn is_small(content: &Content) -> bool {
    content.kind == ContentKind::File && content.size <= SMALL
}

/// Whether there is nothing at `path`, or a small file.
fn lies_small(setting: Setting<'_>, path: &ProjectPath) -> bool {
    let root = &setting.workspace.location().root;
    let found = std::fs::metadata(path.on_disk(root));
    found.map_or(true, |found| found.is_file() && found.len() <= SMALL)
}
