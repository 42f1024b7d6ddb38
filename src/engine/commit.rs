//! `hpipe commit`: what lies at the outs of stages becomes their recorded result.
//!
//! For outs that were made otherwise than by `repro`: after `repro --no-commit`, by hand, by a stage started outside of
//! hpipe. Inputs that changed since the stage last ran need the user's word (`force`), for nobody has seen that these
//! inputs make these outs. Everything is looked at before anything is recorded.
//!
//! The run cache gets nothing: it answers for executions, and there was none.

use hpipe_core::{Code, Diagnostic, EventSink, Reason, ReasonKind};
use hpipe_spec::StageSpec;
use hpipe_store::{LockEntry, LockFile};
use std::sync::Arc;

use crate::Error;
use crate::decide::{reasons, recorded_outs};
use crate::fingerprint::Fingerprint;
use crate::gitignore;
use crate::graph::StageIndex;
use crate::inputs::{Gathered, Inputs};
use crate::lock_entry::{lock_entry, lock_out};
use crate::plan::Selection;
use crate::stage_locks::Patience;
use crate::workspace::Workspace;

/// What `commit` did about a stage.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Which stage.
    pub stage: StageIndex,
    /// What is recorded now and was not before; empty if its record was right.
    pub reasons: Vec<Reason>,
    /// Whether objects were stored that the cache did not have.
    pub stored: bool,
}

/// What was found about a stage that can be committed.
struct Candidate {
    stage: StageIndex,
    fingerprint: Fingerprint,
    reasons: Vec<Reason>,
    stored: bool,
}

/// How many stages are locked and published at once.
const GROUP: usize = 256;

/// Records the outs of the selected stages, not of what they need.
///
/// # Errors
/// [`Error::Invalid`], before anything is recorded, with every stage whose inputs changed (without `force`), or whose deps
/// or outs do not exist; [`Error::Store`] when the disk refuses.
pub fn commit(
    workspace: &Workspace,
    selection: &Selection,
    force: bool,
    sink: &dyn EventSink,
) -> Result<Vec<Committed>, Error> {
    let plan = workspace.plan(&Selection {
        single_item: true,
        ..selection.clone()
    })?;
    let candidates = candidates(workspace, &plan.order, force)?;
    let is_new = |one: &&Candidate| one.stored || !one.reasons.is_empty();
    let changed: Vec<_> = candidates.iter().filter(is_new).collect();
    for group in changed.chunks(GROUP) {
        let stages: Vec<_> = group.iter().map(|one| one.stage).collect();
        record(workspace, &stages, force, sink)?;
    }
    workspace.store().flush();
    let committed = candidates.into_iter().map(|one| Committed {
        stage: one.stage,
        reasons: one.reasons,
        stored: one.stored,
    });
    Ok(committed.collect())
}

/// Looks at stages as they are now.
fn candidates(
    workspace: &Workspace,
    stages: &[StageIndex],
    force: bool,
) -> Result<Vec<Candidate>, Error> {
    let recorded = workspace.read_lock()?;
    let inputs = Inputs::fresh(workspace);
    let (mut candidates, mut faults) = (Vec::new(), Vec::new());
    for stage in stages.iter().copied() {
        match look_at(workspace, &inputs, &recorded, stage, force)? {
            Ok((fingerprint, reasons, stored)) => candidates.push(Candidate {
                stage,
                fingerprint,
                reasons,
                stored,
            }),
            Err(found) => faults.extend(found),
        }
    }
    match faults.is_empty() {
        true => Ok(candidates),
        false => Err(Error::invalid(faults, workspace.sources())),
    }
}

type Looked = Result<(Fingerprint, Vec<Reason>, bool), Vec<Diagnostic>>;

/// What is to be recorded of a stage, or why it cannot be.
fn look_at(
    workspace: &Workspace,
    inputs: &Inputs<'_>,
    recorded: &LockFile,
    index: StageIndex,
    force: bool,
) -> Result<Looked, Error> {
    let stage = workspace.stage(index);
    let fingerprint = match inputs.gather(stage)? {
        Gathered::Whole(fingerprint) => fingerprint,
        Gathered::Missing(paths) => {
            let is_missing = |dep: &&hpipe_spec::Dep| paths.contains(&dep.path);
            let deps = stage.deps.iter().filter(is_missing);
            return Ok(Err(deps.map(|dep| missing_dep(stage, dep)).collect()));
        }
    };
    let entry = recorded.entry(&stage.name);
    let mut changes = match entry {
        Some(entry) if entry.key == fingerprint.key() => Vec::new(),
        _ => reasons(entry, &fingerprint),
    };
    if !changes.is_empty() && !force {
        return Ok(Err(vec![unseen(stage, &changes)]));
    }
    let mut faults = Vec::new();
    let mut stored = false;
    let known = entry.map(recorded_outs).unwrap_or_default();
    for out in &stage.outs {
        let Some(content) = inputs.content(&out.path)? else {
            faults.push(missing_out(stage, out));
            continue;
        };
        stored |= out.cache && !workspace.store().has(&content);
        let mut same = known.iter().filter(|known| known.path == out.path);
        if !same.any(|known| known.content.same(&content)) && entry.is_some() {
            changes.push(Reason::about(ReasonKind::OutChanged, out.path.as_str()));
        }
    }
    Ok(match faults.is_empty() {
        true => Ok((fingerprint, changes, stored)),
        false => Err(faults),
    })
}

/// Stores the outs, then writes the lock files. Looks again under the locks: somebody may have been executing.
fn record(
    workspace: &Workspace,
    stages: &[StageIndex],
    force: bool,
    sink: &dyn EventSink,
) -> Result<(), Error> {
    let mut locks = Vec::with_capacity(stages.len());
    for stage in stages {
        locks.push(workspace.hold(*stage, Patience::Endless)?);
    }
    let candidates = candidates(workspace, stages, force)?;
    let mut entries: Vec<(&StageSpec, Arc<LockEntry>)> = Vec::new();
    for candidate in &candidates {
        let stage = workspace.stage(candidate.stage);
        let mut outs = Vec::with_capacity(stage.outs.len());
        for out in &stage.outs {
            let content = match out.cache {
                true => workspace.store().commit(&out.path)?,
                false => workspace.store().content(&out.path)?,
            };
            // One that vanished since it was looked at is missing again at the next `repro`.
            outs.extend(content.map(|content| lock_out(out, content)));
        }
        entries.push((stage, lock_entry(&candidate.fingerprint, outs).into()));
    }
    workspace.update_lock(|lock| {
        let entries = entries.iter();
        lock.stages
            .extend(entries.map(|(stage, entry)| (stage.name.clone(), entry.clone())));
    })?;
    let outs = entries.iter().flat_map(|(stage, _)| &stage.outs);
    let cached = outs.filter(|out| out.cache).map(|out| &out.path);
    gitignore::ignore_or_tell(workspace, cached, sink);
    Ok(())
}

fn missing_dep(stage: &StageSpec, dep: &hpipe_spec::Dep) -> Diagnostic {
    let message = format!(
        "stage `{}` cannot be committed: `{}` does not exist",
        stage.name, dep.path
    );
    let help = format!("bring it back, or `hpipe repro {}`", stage.name);
    Diagnostic::error(Code::MissingDep, message)
        .at(dep.span, "not found")
        .help(help)
}

fn missing_out(stage: &StageSpec, out: &hpipe_spec::Out) -> Diagnostic {
    let message = format!(
        "stage `{}` cannot be committed: its out `{}` does not exist",
        stage.name, out.path
    );
    let help = format!(
        "`hpipe checkout {0}` brings back what was recorded, `hpipe repro {0}` makes it",
        stage.name
    );
    Diagnostic::error(Code::MissingOut, message)
        .at(out.span, "not found")
        .help(help)
}

/// Nobody has seen these inputs make these outs.
fn unseen(stage: &StageSpec, changes: &[Reason]) -> Diagnostic {
    let what = |reason: &Reason| match (&reason.name, reason.kind) {
        (_, ReasonKind::New) => "it never ran".to_owned(),
        (Some(name), kind) => format!("{} ({name})", kind.name().replace('_', " ")),
        (None, kind) => format!("{} changed", kind.name()),
    };
    let changes: Vec<_> = changes.iter().map(what).collect();
    let message = format!(
        "stage `{}` did not run with its inputs as they are: {}",
        stage.name,
        changes.join(", ")
    );
    let help = format!(
        "`hpipe repro {0}` executes it; `hpipe commit --force {0}` takes its outs for the result",
        stage.name
    );
    Diagnostic::error(Code::Unseen, message)
        .at(stage.span, "")
        .help(help)
}
