//! The result of a trial that was executed before, read from the cache without putting anything in place.
//!
//! The walk of `repro` on records alone: the key of a stage gives the content of its outs, these the keys of the stages
//! that need them, until the measured file's content is known, whose bytes are an object. Only where every dep is a source
//! file or exactly an out: of a folder that holds outs among other things, no record knows the content.

use std::collections::BTreeSet;

use hpipe_core::{Content, ProjectPath};
use hpipe_spec::StageSpec;
use hpipe_store::{LockFile, OutRecord};

use crate::Error;
use crate::decide::{covers, is_known_by_key, recorded_outs};
use crate::inputs::{Gathered, Inputs};
use crate::path_range::around;
use crate::plan::{Plan, Selection};
use crate::replica::Trial;
use crate::workspace::Workspace;

/// What is known of a project, for trials that were executed before.
pub struct Known<'a> {
    origin: &'a Workspace,
    selection: Selection,
    /// The project's own files as they were in the beginning.
    sources: Inputs<'a>,
}

impl<'a> Known<'a> {
    /// Looks at what the selected stages of `origin` read.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(origin: &'a Workspace, selection: &Selection) -> Result<Self, Error> {
        let plan = origin.plan(selection)?;
        let sources = Inputs::fresh(origin);
        sources.look_ahead(&origin.paths_of(&plan.order))?;
        Ok(Self {
            origin,
            selection: selection.clone(),
            sources,
        })
    }

    /// The text of the file a trial measures, if the run cache knows the results of all selected stages. Touches nothing
    /// in the project.
    ///
    /// # Errors
    /// When the machine refuses.
    pub fn recall(&self, trial: &Trial<'_>) -> Result<Option<String>, Error> {
        let supposed = self.origin.supposing(trial.files.iter().cloned().collect());
        let workspace = match supposed {
            Ok(workspace) => workspace,
            // The way through a replica says what is wrong.
            Err(Error::Invalid { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let plan = workspace.plan(&self.selection)?;
        if !is_told_by_records(&workspace, &plan, trial) {
            return Ok(None);
        }
        let Some(content) = self.measured(&workspace, &plan, trial)? else {
            return Ok(None);
        };
        let store = workspace.store();
        let bytes = store.stored_bytes(&content)?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// The content of the measured file.
    fn measured(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        trial: &Trial<'_>,
    ) -> Result<Option<Content>, Error> {
        let inputs = Inputs::after(workspace, &self.sources);
        let lock = workspace.read_lock()?;
        let mut found = None;
        for index in &plan.order {
            let stage = workspace.stage(*index);
            if stage.frozen {
                continue; // its outs are those on disk
            }
            let Some(outs) = outs_of(workspace, &inputs, &lock, stage)? else {
                return Ok(None);
            };
            for out in outs {
                inputs.made(&out.path, Some(out.content));
                if trial.measured.is_within(&out.path) {
                    found = content_in(workspace, &out, trial.measured)?;
                }
            }
        }
        Ok(found)
    }
}

/// The content of a file that is an out or lies within one.
fn content_in(
    workspace: &Workspace,
    out: &OutRecord,
    file: &ProjectPath,
) -> Result<Option<Content>, Error> {
    if out.path == *file {
        return Ok(Some(out.content));
    }
    let files = workspace.store().stored_files(&out.content)?;
    let mut files = files.into_iter().flatten();
    Ok(files
        .find(|(name, _)| out.path.join(name) == *file)
        .map(|(_, content)| content))
}

/// The outs of a stage, if its key is known to the lock file or the run cache.
fn outs_of(
    workspace: &Workspace,
    inputs: &Inputs<'_>,
    lock: &LockFile,
    stage: &StageSpec,
) -> Result<Option<Vec<OutRecord>>, Error> {
    let fingerprint = match inputs.gather(stage) {
        Ok(Gathered::Whole(fingerprint)) => fingerprint,
        Ok(Gathered::Missing(_)) | Err(Error::Invalid { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let key = fingerprint.key();
    let recorded = lock
        .stages
        .get(&stage.name)
        .filter(|entry| entry.key == key);
    let outs = match recorded {
        Some(entry) => Some(recorded_outs(entry)),
        None => workspace.store().run_record(&key).map(|record| record.outs),
    };
    Ok(outs.filter(|outs| covers(outs, stage)))
}

/// Whether records can tell what each stage reads.
fn is_told_by_records(workspace: &Workspace, plan: &Plan, trial: &Trial<'_>) -> bool {
    let made: BTreeSet<&ProjectPath> = workspace.graph().outs().map(|(path, _)| path).collect();
    let supposed: BTreeSet<&ProjectPath> = trial.files.iter().map(|(file, _)| file).collect();
    let is_file = |path: &ProjectPath| is_apart(path, &made);
    let is_told =
        |path: &ProjectPath| (made.contains(path) || is_file(path)) && is_apart(path, &supposed);
    let tells = |stage: &StageSpec| {
        let is_known = is_known_by_key(stage) && !stage.always_changed;
        let mut deps = stage.deps.iter().map(|dep| &dep.path);
        let mut params = stage.params.iter().map(|param| &param.file);
        stage.frozen || is_known && deps.all(is_told) && params.all(is_file)
    };
    workspace.pipeline().read.iter().all(is_file)
        && plan
            .order
            .iter()
            .all(|index| tells(workspace.stage(*index)))
}

/// Whether a path is none of these, and neither lies within one nor holds one.
fn is_apart(path: &ProjectPath, others: &BTreeSet<&ProjectPath>) -> bool {
    !around(path).any(|folder| others.contains(&folder))
        && !others.iter().any(|other| other.is_within(path))
}
