//! `hpipe checkout`: outs become what the lock files say, from the cache, without executing anything.
//!
//! For a clone, another branch, or outs that were deleted or edited. Nothing is lost: content that no record knows is
//! stored as an object first, and its digest is told. `frozen` stages whose outs are gone get them back in the same way
//! whenever something needs them, for they will not make them again.

use hpipe_core::{Code, Diagnostic, EventSink};
use hpipe_store::{LockEntry, LockFile, OutRecord};

use crate::Error;
use crate::data::suppose_added;
use crate::decide::recorded_outs;
use crate::exec::{Keeper, Stopped};
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::plan::{Plan, Selection};
use crate::stage_locks::Patience;
use crate::workspace::Workspace;

/// What `checkout` did about a stage.
#[derive(Debug, Clone)]
pub struct CheckedOut {
    /// Which stage.
    pub stage: StageIndex,
    /// The outs that were put in place; those that were right already are left out.
    pub restored: Vec<OutRecord>,
    /// The outs whose objects the cache does not have.
    pub missing: Vec<OutRecord>,
    /// Whether the lock file knows the stage at all.
    pub is_recorded: bool,
}

/// Puts the recorded outs of the selected stages in place, not of what they need; with `relink` also those that are right
/// already, linked as the settings say now.
///
/// Outs that are not cached are left to git. A stage that is changed since its record gets the outs of the record.
///
/// # Errors
/// [`Error::Invalid`] when a target names nothing; [`Error::Store`] when the disk refuses. A missing object is no error
/// here: see [`CheckedOut::missing`].
pub fn checkout(
    workspace: &Workspace,
    selection: &Selection,
    relink: bool,
    sink: &dyn EventSink,
) -> Result<Vec<CheckedOut>, Error> {
    let plan = workspace.plan(&Selection {
        single_item: true,
        ..selection.clone()
    })?;
    let mut stamp = workspace.lock_stamp();
    let mut recorded = workspace.read_lock()?;
    let mut look = |index: StageIndex| {
        let lock = workspace.hold(index, Patience::Endless)?;
        // Whoever held the stage until now may have made it anew.
        if stamp != workspace.lock_stamp() {
            stamp = workspace.lock_stamp();
            recorded = workspace.read_lock()?;
        }
        let done = one(workspace, &recorded, index, relink, sink);
        drop(lock);
        done
    };
    let done = plan.order.into_iter().map(&mut look).collect();
    workspace.store().flush();
    done
}

/// Checks out one stage, whose lock is held. An out it declares no more may be somebody else's by now, and is left alone.
fn one(
    workspace: &Workspace,
    recorded: &LockFile,
    index: StageIndex,
    relink: bool,
    sink: &dyn EventSink,
) -> Result<CheckedOut, Error> {
    let stage = workspace.stage(index);
    let mut done = CheckedOut {
        stage: index,
        restored: Vec::new(),
        missing: Vec::new(),
        is_recorded: false,
    };
    let Some(entry) = recorded.stages.get(&stage.name) else {
        return Ok(done);
    };
    done.is_recorded = true;
    let store = workspace.store();
    let outs = declared_of(workspace, index, entry);
    let keeper = Keeper {
        workspace,
        sink,
        stage: &stage.name,
        recorded: &outs,
    };
    for out in outs.iter().filter(|out| out.cached) {
        let found = Inputs::fresh(workspace).content(&out.path)?;
        let is_right = found.is_some_and(|found| found.same(&out.content));
        if is_right && !relink {
            continue;
        }
        if !store.has(&out.content) {
            done.missing.push(out.clone());
            continue;
        }
        let restored = match is_right {
            true => store.relink(&out.content, &out.path),
            false => {
                keeper.keep(&out.path).map_err(machine)?;
                store.restore(&out.content, &out.path)
            }
        };
        match restored {
            Ok(()) => done.restored.push(out.clone()),
            Err(hpipe_store::Error::NotInCache { .. }) => done.missing.push(out.clone()),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(done)
}

pub(crate) fn machine(stopped: Stopped) -> Error {
    match stopped {
        Stopped::Machine(error) => error,
        Stopped::Failed(failure) | Stopped::Unready(failure) => {
            let fault = Diagnostic::error(Code::StageFailed, failure.message);
            Error::invalid(vec![fault], &hpipe_core::Sources::default())
        }
    }
}

/// Brings back the missing outs of frozen stages that the plan reaches, as far as `patience` goes.
///
/// # Errors
/// [`Error::Store`] when the disk refuses; [`Error::Busy`]. What the cache does not have stays missing.
pub(crate) fn thaw(
    workspace: &Workspace,
    plan: &Plan,
    patience: Patience<'_>,
    sink: &dyn EventSink,
) -> Result<(), Error> {
    for (index, out) in missing_of_frozen(workspace, plan)? {
        let stage = workspace.stage(index);
        let Some(_lock) = workspace.hold(index, patience)? else {
            return Ok(()); // the user wants to stop
        };
        match workspace.store().restore(&out.content, &out.path) {
            Ok(()) => sink.emit(&hpipe_core::Event::StageNote {
                stage: stage.name.clone(),
                text: format!("restored {}, for the stage is frozen", out.path),
            }),
            Err(hpipe_store::Error::NotInCache { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Takes what [`thaw`] would bring back for present.
pub(crate) fn suppose_thawed(
    inputs: &Inputs<'_>,
    workspace: &Workspace,
    plan: &Plan,
) -> Result<(), Error> {
    for (_, out) in missing_of_frozen(workspace, plan)? {
        inputs.made(&out.path, Some(out.content));
    }
    Ok(())
}

/// Takes outs that are recorded, and data under control, that are neither there nor in the cache, for present.
///
/// # Errors
/// Those of reading the lock files and data files.
pub(crate) fn suppose_recorded(inputs: &Inputs<'_>, workspace: &Workspace) -> Result<(), Error> {
    let recorded = workspace.read_lock()?;
    let outs = recorded.stages.iter().filter_map(|(name, entry)| {
        let stage = workspace.graph().find(name.as_str())?;
        Some(declared_of(workspace, stage, entry))
    });
    for out in outs.flatten() {
        if !is_there(workspace, &out) && !workspace.store().has(&out.content) {
            inputs.made(&out.path, Some(out.content));
        }
    }
    suppose_added(inputs, workspace)
}

/// The recorded outs of a stage that it still declares: of others nobody knows whose they are by now.
fn declared_of(workspace: &Workspace, stage: StageIndex, entry: &LockEntry) -> Vec<OutRecord> {
    let mut outs = recorded_outs(entry);
    let declared = &workspace.stage(stage).outs;
    outs.retain(|out| declared.iter().any(|spec| spec.path == out.path));
    outs
}

fn is_there(workspace: &Workspace, out: &OutRecord) -> bool {
    let on_disk = out.path.on_disk(workspace.store().root());
    on_disk.symlink_metadata().is_ok()
}

/// The cached outs of frozen stages that are not there, and that the cache has.
fn missing_of_frozen(
    workspace: &Workspace,
    plan: &Plan,
) -> Result<Vec<(StageIndex, OutRecord)>, Error> {
    let frozen = |index: &&StageIndex| workspace.stage(**index).frozen;
    let mut found = Vec::new();
    let frozen: Vec<_> = plan.order.iter().filter(frozen).copied().collect();
    if frozen.is_empty() {
        return Ok(found);
    }
    let recorded = workspace.read_lock()?;
    for index in frozen {
        let entry = recorded.stages.get(&workspace.stage(index).name);
        for out in entry
            .into_iter()
            .flat_map(|entry| declared_of(workspace, index, entry))
        {
            if !is_there(workspace, &out) && workspace.store().has(&out.content) {
                found.push((index, out));
            }
        }
    }
    Ok(found)
}
