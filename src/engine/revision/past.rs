//! Reads what a commit says of itself: its pipeline and its lock file.
//!
//! Whatever is wrong with them is a warning: a comparison goes on with what can be had. Knows nothing of files beyond
//! these two and those that the pipeline's `vars` and params name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use hpipe_core::{Diagnostic, ProjectPath, with_causes};
use hpipe_spec::{Files, Pipeline};
use hpipe_store::{LockFile, LockOut};

use super::{Past, Recorded};
use crate::git::{Git, Tracked};
use crate::location::PIPELINE_FILES;
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
        past.read_pipeline(workspace, revision)?;
        past.read_lock(workspace, revision)?;
        Ok(past)
    }

    fn read_pipeline(&mut self, workspace: &Workspace, revision: &str) -> Result<(), Error> {
        let file = &workspace.location().file;
        let usual = PIPELINE_FILES.contains(&file.as_str());
        let others = PIPELINE_FILES.iter().filter(|_| usual);
        let names = [file.clone()]
            .into_iter()
            .chain(others.map(|name| ProjectPath::new(name)));
        for name in names {
            let Some(Tracked::File(bytes)) = self.git.at(&self.commit, &name)? else {
                continue;
            };
            match self.parsed(&name, &bytes) {
                Ok(mut pipeline) => {
                    resolve(&mut pipeline, workspace.store().root());
                    self.pipeline = Some(pipeline);
                }
                Err(why) => {
                    let warning = format!("the {name} of {revision} cannot be read: {why}");
                    self.warnings.push(warning);
                }
            }
            break;
        }
        Ok(())
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

    fn read_lock(&mut self, workspace: &Workspace, revision: &str) -> Result<(), Error> {
        let name = workspace.lock_file();
        let Some(Tracked::File(bytes)) = self.git.at(&self.commit, &name)? else {
            return Ok(());
        };
        match LockFile::parse(&bytes, &PathBuf::from(name.as_str())) {
            Ok(lock) => {
                let outs = lock.stages.into_values().flat_map(|entry| entry.outs);
                self.outs = outs.map(recorded).collect();
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
