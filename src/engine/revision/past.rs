//! Reads what a commit says of itself: its pipeline and its lock files.
//!
//! Of all its pipeline files, those of sub-folders too. Whatever is wrong with them is a warning: a comparison goes on with
//! what can be had. Knows nothing of files beyond these and those that the pipeline's `vars` and params name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hpipe_core::{Diagnostic, ProjectPath, with_causes};
use hpipe_spec::{Files, Pipeline};
use hpipe_store::{LockFile, LockOut};

use super::{Past, Recorded};
use crate::discover::enters;
use crate::git::{Git, Tracked};
use crate::location::{BOUNDARIES, PIPELINE_FILES, lock_of};
use crate::path_range::around;
use crate::resolve::resolve;
use crate::{Error, Workspace};

impl Past {
    /// Reads pipeline and lock file of a commit.
    pub(super) fn read(
        workspace: &Workspace,
        revision: &str,
        git: Git,
        commit: String,
    ) -> Result<Self, Error> {
        let mut past = Self {
            git,
            commit,
            pipeline: None,
            outs: BTreeMap::new(),
            warnings: Vec::new(),
            folders: RefCell::default(),
        };
        past.read_pipelines(workspace, revision)?;
        Ok(past)
    }

    /// Reads the root's pipeline file and those of sub-folders as they were, and their lock files. A file of a folder that
    /// was a project of its own, that is ignored now, or that a stage made, is none of the project's.
    fn read_pipelines(&mut self, workspace: &Workspace, revision: &str) -> Result<(), Error> {
        for file in self.pipeline_files(workspace)? {
            let made = |outs: &Pipeline| {
                let mut outs = outs.stages.iter().flat_map(|stage| &stage.outs);
                outs.any(|out| file.is_within(&out.path))
            };
            if self.pipeline.as_ref().is_some_and(made) {
                continue;
            }
            let is_there = |other: &_| matches!(self.git.at(&self.commit, other), Ok(Some(_)));
            self.read_lock(&lock_of(&file, is_there), revision)?;
            let Some(Tracked::File(bytes)) = self.git.at(&self.commit, &file)? else {
                continue;
            };
            match self.parsed(&file, &bytes) {
                Ok(mut pipeline) => {
                    resolve(&mut pipeline, workspace.store().root());
                    self.add(pipeline);
                }
                Err(why) => {
                    let warning = format!("the {file} of {revision} cannot be read: {why}");
                    self.warnings.push(warning);
                }
            }
        }
        Ok(())
    }

    /// The pipeline files of the commit: the root's first, then those of sub-folders by path, one a folder.
    fn pipeline_files(&self, workspace: &Workspace) -> Result<Vec<ProjectPath>, Error> {
        let root = &workspace.location().root;
        let found = self.git.paths(&self.commit, concerns)?;
        let closed: Vec<_> = found.iter().filter_map(closed_folder).collect();
        let is_searched = |folder: &ProjectPath| {
            let is_closed = closed.iter().any(|closed| folder.is_within(closed));
            !is_closed && enters(root, &folder.on_disk(root))
        };
        let mut others: BTreeMap<ProjectPath, ProjectPath> = BTreeMap::new();
        for name in PIPELINE_FILES {
            for path in found.iter().filter(|path| path.file_name() == name) {
                let folder = path.parent().unwrap_or_default();
                if folder != ProjectPath::root() && is_searched(&folder) {
                    others.entry(folder).or_insert_with(|| path.clone());
                }
            }
        }
        let mut others: Vec<_> = others.into_values().collect();
        others.sort();
        Ok(self
            .root_file(workspace)?
            .into_iter()
            .chain(others)
            .collect())
    }

    /// The pipeline file of the root as it was called then.
    fn root_file(&self, workspace: &Workspace) -> Result<Option<ProjectPath>, Error> {
        let file = &workspace.location().file;
        let is_usual = PIPELINE_FILES.contains(&file.as_str());
        let usual = PIPELINE_FILES.iter().filter(|_| is_usual);
        for name in std::iter::once(file.clone()).chain(usual.map(|name| ProjectPath::new(name))) {
            if self.git.at(&self.commit, &name)?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Takes in what another pipeline file says.
    fn add(&mut self, mut other: Pipeline) {
        match &mut self.pipeline {
            None => self.pipeline = Some(other),
            Some(whole) => {
                whole.stages.append(&mut other.stages);
                whole.metrics.append(&mut other.metrics);
                whole.params.append(&mut other.params);
                whole.plots.append(&mut other.plots);
            }
        }
    }

    fn parsed(&self, name: &ProjectPath, bytes: &[u8]) -> Result<Pipeline, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let parsed = hpipe_spec::parse(name, text, self);
        let first = parsed.diagnostics.iter().find(|fault| fault.is_error());
        match (first, parsed.pipeline) {
            (None, Some(pipeline)) => Ok(pipeline),
            (Some(fault), _) => Err(told(fault, &parsed.sources)),
            (None, None) => Err("nobody can say why".to_owned()),
        }
    }

    fn read_lock(&mut self, name: &ProjectPath, revision: &str) -> Result<(), Error> {
        let Some(Tracked::File(bytes)) = self.git.at(&self.commit, name)? else {
            return Ok(());
        };
        match LockFile::parse(&bytes, &PathBuf::from(name.as_str())) {
            Ok(lock) => {
                let outs = lock
                    .stages
                    .into_values()
                    .flat_map(|entry| Arc::unwrap_or_clone(entry).outs);
                self.outs.extend(outs.map(recorded));
            }
            Err(error) => {
                let why = with_causes(&error);
                self.warnings
                    .push(format!("at {revision}, failed to {why}"));
            }
        }
        Ok(())
    }
}

/// Whether a file of a commit says which pipeline files there are.
fn concerns(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    PIPELINE_FILES.contains(&name) || closed_folder(&ProjectPath::new(path)).is_some()
}

/// The sub-folder that this file makes a project of its own.
fn closed_folder(path: &ProjectPath) -> Option<ProjectPath> {
    let mark = around(path).find(|step| BOUNDARIES.contains(&step.file_name()))?;
    mark.parent()
        .filter(|folder| *folder != ProjectPath::root())
}

fn recorded(out: LockOut) -> (ProjectPath, Recorded) {
    let LockOut {
        path,
        content,
        cached,
        ..
    } = out;
    (path, Recorded { content, cached })
}

/// What a pipeline refers to is read from the same commit.
impl Files for Past {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        match self.git.at(&self.commit, path) {
            Ok(Some(Tracked::File(bytes))) => {
                let text = String::from_utf8(bytes);
                text.map(Some).map_err(|_| "it is not UTF-8".to_owned())
            }
            Ok(_) => Ok(None),
            Err(error) => Err(with_causes(&error)),
        }
    }
}

/// A fault in one line, with its place.
fn told(fault: &Diagnostic, sources: &hpipe_core::Sources) -> String {
    let Some(label) = fault.labels.first() else {
        return fault.message.clone();
    };
    let place = sources.locate(label.span);
    format!("line {}: {}", place.line, fault.message)
}
