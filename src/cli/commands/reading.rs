//! Reads the files of values of the project at some time: its metrics, or its params.

use hpipe_core::{Mapping, ProjectPath, Value};
use hpipe_engine::{Snapshot, Workspace};
use hpipe_spec::{ParamFile, Pipeline};
use hpipe_track::{as_text, read_metrics};

use crate::error::Error;
use crate::unread::{self, Unread};

/// Which values a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What stages measured.
    Metrics,
    /// What stages are told.
    Params {
        /// Only what stages declare.
        deps: bool,
    },
}

impl Kind {
    /// What one of the values is called.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metric",
            Self::Params { .. } => "param",
        }
    }

    /// The files that the pipeline of a snapshot declares; none where it has no pipeline.
    pub(super) fn declared(self, at: &Snapshot<'_>) -> Vec<ProjectPath> {
        let files = |pipeline: &Pipeline| match self {
            Self::Metrics => pipeline.metrics_files(),
            Self::Params { deps } => {
                let mut files = pipeline.params_files();
                let default = ProjectPath::new("params.yaml");
                if !deps && !files.contains(&default) {
                    files.insert(0, default);
                }
                files
            }
        };
        at.pipeline().map(files).unwrap_or_default()
    }

    fn read(self, path: &ProjectPath, text: &str) -> Result<Value, hpipe_track::Error> {
        match self {
            Self::Metrics => read_metrics(path, text),
            Self::Params { .. } => Ok(ParamFile::parse(path, text)?.value().clone()),
        }
    }

    /// What of a file's content is to be shown; none if nothing is.
    fn picked(self, at: &Snapshot<'_>, path: &ProjectPath, content: Value) -> Option<Value> {
        match (self, at.pipeline()) {
            (Self::Params { deps: true }, Some(pipeline)) => declared_in(pipeline, path, content),
            _ => Some(content),
        }
    }
}

/// The params of a file that stages declare.
fn declared_in(pipeline: &Pipeline, path: &ProjectPath, content: Value) -> Option<Value> {
    let params = pipeline.stages.iter().flat_map(|stage| &stage.params);
    let declared: Vec<_> = params.filter(|param| param.file == *path).collect();
    if declared.iter().any(|param| param.keys.is_none()) {
        return Some(content);
    }
    let keys = declared
        .iter()
        .flat_map(|param| param.keys.iter().flatten());
    let mut kept = Mapping::new();
    for (key, _) in keys {
        if let Some(value) = content.lookup(key) {
            insert(&mut kept, key, value);
        }
    }
    (!kept.is_empty()).then_some(Value::Map(kept))
}

/// Puts a value at a dotted path, as deep as its file has it.
fn insert(map: &mut Mapping, dotted: &str, value: &Value) {
    match dotted.split_once('.') {
        None => map.insert(dotted, value.clone()),
        Some((head, rest)) => {
            let mut inner = match map.get(head) {
                Some(Value::Map(inner)) => inner.clone(),
                // A whole section that is shown already holds it.
                Some(_) => return,
                None => Mapping::new(),
            };
            insert(&mut inner, rest, value);
            map.insert(head, Value::Map(inner));
        }
    }
}

/// What the files of a snapshot say.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Each file with its content.
    pub(super) files: Vec<(ProjectPath, Value)>,
    /// The files that could not be read.
    pub(super) unread: Vec<Unread>,
}

impl Reading {
    /// Reads these files, and those of the folders among them.
    pub(super) fn of(kind: Kind, at: &Snapshot<'_>, paths: &[ProjectPath]) -> Result<Self, Error> {
        let mut reading = Self::default();
        for (path, bytes) in unread::files(at, paths, holds_values, &mut reading.unread)? {
            match as_text(&path, bytes).and_then(|text| kind.read(&path, &text)) {
                Ok(content) => {
                    let content = kind.picked(at, &path, content);
                    reading.files.extend(content.map(|content| (path, content)));
                }
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

/// Reads one file that is there; one that cannot be read stops the command.
pub(super) fn read(
    kind: Kind,
    at: &Snapshot<'_>,
    path: &ProjectPath,
    bytes: Vec<u8>,
) -> Result<Option<Value>, Error> {
    let content = as_text(path, bytes).and_then(|text| kind.read(path, &text))?;
    Ok(kind.picked(at, path, content))
}

/// Whether a file of a folder is one of values, as its name tells.
fn holds_values(path: &ProjectPath) -> bool {
    let ending = path.file_name().rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ["json", "yaml", "yml", "toml"].contains(&ending))
}

/// The files that the user named, from the folder he is in.
pub(super) fn named(workspace: &Workspace, files: &[String]) -> Vec<ProjectPath> {
    let folder = &workspace.location().folder;
    files.iter().map(|file| folder.join(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_params_keep_their_sections() {
        let mut map = Mapping::new();
        insert(&mut map, "train.lr", &Value::Int(1));
        insert(&mut map, "train.depth", &Value::Int(2));
        insert(&mut map, "seed", &Value::Int(3));
        insert(&mut map, "seed.deeper", &Value::Int(4));
        let leaves = Value::Map(map);
        let leaves = leaves.leaves();
        let names: Vec<_> = leaves.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["train.lr", "train.depth", "seed"]);
    }
}
