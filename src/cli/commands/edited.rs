//! Pipeline files that a command has changed: which one a stage is written in, and writing them once all is well.

use hpipe_core::{ProjectPath, StageName};
use hpipe_engine::{PipelineFile, Workspace};

use crate::error::Error;

/// A pipeline file and its new text.
pub(super) struct Edited {
    /// The file.
    pub(super) file: ProjectPath,
    /// What it shall say.
    pub(super) text: String,
}

impl Edited {
    /// Writes files, after the project as they would make it has been read without fault.
    pub(super) fn write(workspace: &Workspace, edited: Vec<Self>) -> Result<(), Error> {
        let texts = edited
            .iter()
            .map(|file| (file.file.clone(), file.text.clone()));
        let after = workspace.supposing(texts.collect())?;
        let files: Vec<_> = edited.iter().map(|edited| edited.file.clone()).collect();
        Self::check(&after, &files)?;
        for Self { file, text } in edited {
            workspace.store().write_file(&file, text.as_bytes())?;
        }
        Ok(())
    }

    /// Tells the faults of these files, which a project is read without.
    pub(super) fn check(workspace: &Workspace, files: &[ProjectPath]) -> Result<(), Error> {
        let edited = workspace
            .files()
            .iter()
            .filter(|file| files.contains(&file.path));
        let diagnostics: Vec<_> = edited.flat_map(|file| file.faults.clone()).collect();
        match diagnostics.is_empty() {
            true => Ok(()),
            false => Err(Error::Engine(hpipe_engine::Error::Invalid {
                diagnostics,
                sources: Box::new(workspace.sources().clone()),
            })),
        }
    }
}

/// The pipeline file a stage is written in, and what that file calls it: `sub/pipeline.yaml:train` says both, `train` is
/// of the nearest file, upwards from the user's folder, or of the root's if only that has it.
pub(super) fn file_and_name(workspace: &Workspace, target: &str) -> (ProjectPath, String) {
    let folder = &workspace.location().folder;
    let files = workspace.files();
    match target.split_once(".yaml:") {
        Some((stem, name)) => {
            let written = ProjectPath::new(&format!("{stem}.yaml"));
            let from_here = folder.join(&format!("{stem}.yaml"));
            let is_file = |path: &ProjectPath| files.iter().any(|file| file.path == *path);
            let file = match is_file(&from_here) || !is_file(&written) {
                true => from_here,
                false => written,
            };
            (file, name.to_owned())
        }
        None => {
            let above = files.iter().filter(|file| folder.is_within(&file.folder()));
            let nearest = match workspace.location().is_named {
                true => files.first(),
                false => above.max_by_key(|file| (!file.is_root, file.folder().as_str().len())),
            };
            let has = |file: &PipelineFile| {
                let name = file.qualified(&StageName::known(target));
                let mut stages = workspace.pipeline().stages.iter();
                stages.any(|stage| stage.name == name || stage.name.group() == Some(name.as_str()))
            };
            let of_root = files.iter().find(|file| file.is_root && has(file));
            let file = match nearest {
                Some(nearest) if !has(nearest) && !nearest.is_broken() => of_root.or(Some(nearest)),
                nearest => nearest,
            };
            let file = file.map_or(&workspace.location().file, |file| &file.path);
            (file.clone(), target.to_owned())
        }
    }
}
