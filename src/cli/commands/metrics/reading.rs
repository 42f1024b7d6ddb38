//! Reads the metrics files of the project at some time.

use hpipe_core::{ProjectPath, Value};
use hpipe_engine::{Snapshot, Workspace};
use hpipe_spec::Pipeline;
use hpipe_track::{as_text, read_metrics};

use crate::error::Error;
use crate::unread::{self, Unread};

/// What the metrics files of a snapshot say.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Each file with its content.
    pub(super) files: Vec<(ProjectPath, Value)>,
    /// The files that could not be read.
    pub(super) unread: Vec<Unread>,
}

impl Reading {
    /// Reads these files, and those of the folders among them.
    pub(super) fn of(at: &Snapshot<'_>, paths: &[ProjectPath]) -> Result<Self, Error> {
        let mut reading = Self::default();
        for (path, bytes) in unread::files(at, paths, holds_metrics, &mut reading.unread)? {
            match as_text(&path, bytes).and_then(|text| read_metrics(&path, &text)) {
                Ok(value) => reading.files.push((path, value)),
                Err(error) => reading.unread.push(Unread::unfit(at, &path, &error)),
            }
        }
        Ok(reading)
    }

    /// Whether the file, or a folder that holds it, is known to be unreadable.
    pub(super) fn lacks(&self, file: &ProjectPath) -> bool {
        let mut unread = self.unread.iter();
        unread.any(|unread| file.is_within(&unread.file))
    }

    /// What the file says; null if it is not there.
    pub(super) fn get(&self, file: &ProjectPath) -> Value {
        let found = self.files.iter().find(|(known, _)| known == file);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }
}

/// Whether a file of a folder is one of metrics, as its name tells.
fn holds_metrics(path: &ProjectPath) -> bool {
    let ending = path.file_name().rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ["json", "yaml", "yml", "toml"].contains(&ending))
}

/// The files that the user named, from the folder he is in.
pub(super) fn named(workspace: &Workspace, files: &[String]) -> Vec<ProjectPath> {
    let folder = &workspace.location().folder;
    files.iter().map(|file| folder.join(file)).collect()
}

/// The metrics files that the pipeline of a snapshot declares; none where it has no pipeline.
pub(super) fn declared(at: &Snapshot<'_>) -> Vec<ProjectPath> {
    at.pipeline()
        .map(Pipeline::metrics_files)
        .unwrap_or_default()
}
