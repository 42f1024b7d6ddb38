//! `hpipe freeze` and `hpipe unfreeze`: whether stages may execute, written into the pipeline file.

use std::collections::BTreeMap;

use hpipe_core::{Code, Diagnostic, ProjectPath, nearest};
use hpipe_engine::Workspace;
use hpipe_spec::set_frozen;

use super::edited::{Edited, file_and_name};
use crate::args::Freeze;
use crate::error::{Error, Exit};
use crate::session::Session;

/// Freezes stages, or thaws them; all of them or none.
pub(super) fn freeze(session: &Session, arguments: &Freeze, frozen: bool) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let word = if frozen { "frozen" } else { "no longer frozen" };
    let mut texts = BTreeMap::new();
    let mut told = Vec::new();
    for target in &arguments.stages {
        let (file, name) = file_and_name(&workspace, target);
        let text = current(&workspace, &texts, &file)?;
        let edited = set_frozen(&file, &text, &name, frozen);
        match edited
            .map_err(|error| elsewhere(&workspace, &name, hpipe_engine::Error::from(*error)))?
        {
            Some(edited) => {
                texts.insert(file, edited);
                told.push(format!("{target} is {word}"));
            }
            None if frozen => told.push(format!("{target} is frozen already")),
            None => told.push(format!("{target} is not frozen")),
        }
    }
    let edited = texts.into_iter().map(|(file, text)| Edited { file, text });
    Edited::write(&workspace, edited.collect())?;
    told.iter().for_each(|line| session.ui.note(line));
    Ok(Exit::Done)
}

/// Adds to the fault that a file has no such stage which other file has one.
fn elsewhere(workspace: &Workspace, name: &str, error: hpipe_engine::Error) -> hpipe_engine::Error {
    let hpipe_engine::Error::Invalid {
        mut diagnostics,
        sources,
    } = error
    else {
        return error;
    };
    let stages = || workspace.pipeline().stages.iter().map(|stage| &stage.name);
    let near = nearest(name, stages().map(|stage| stage.parts().1));
    let found = near.and_then(|near| stages().find(|stage| stage.parts().1 == near));
    let is_unknown = |fault: &&mut Diagnostic| fault.code == Code::UnknownTarget;
    if let (Some(found), Some(fault)) = (found, diagnostics.iter_mut().find(is_unknown))
        && !fault
            .help
            .as_ref()
            .is_some_and(|help| help.starts_with("did you mean"))
    {
        fault.help = Some(format!("did you mean `{found}`?"));
    }
    hpipe_engine::Error::Invalid {
        diagnostics,
        sources,
    }
}

/// The text of a file, as it is or as the stages before have made it.
fn current(
    workspace: &Workspace,
    texts: &BTreeMap<ProjectPath, String>,
    file: &ProjectPath,
) -> Result<String, Error> {
    match texts.get(file) {
        Some(text) => Ok(text.clone()),
        None => Ok(workspace.read_text(file)?.unwrap_or_default()),
    }
}
