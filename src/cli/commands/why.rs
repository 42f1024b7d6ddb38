//! `hpipe why`: why one stage is stale, and where its inputs come from.

use hpipe_core::Reason;
use hpipe_engine::{Surveyed, Workspace, survey};
use hpipe_store::Difference;

use super::{reports, tell_faults};
use crate::args::Why;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{ChangedFile, Input, StageReport, why_text};

/// Surveys the stage and what it needs, and explains the stage.
pub(super) fn why(session: &Session, arguments: &Why) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = workspace.chosen(std::slice::from_ref(&arguments.stage));
    let targets = workspace.plan(&selection)?.targets;
    let surveyed = survey(&workspace, &selection, false)?;
    workspace.store().flush();
    tell_faults(session, &surveyed);
    session.tell_warnings(&workspace);
    let explained: Vec<_> = surveyed
        .iter()
        .filter(|one| targets.contains(&one.stage))
        .collect();
    let reports = reports(&workspace, explained.iter().copied());
    if arguments.json {
        session.ui.data(&json::status(&reports));
        return Ok(Exit::Done);
    }
    let texts: Vec<_> = explained
        .iter()
        .zip(&reports)
        .map(|(one, report)| explain(&workspace, one, report))
        .collect();
    session.ui.data(&texts.join("\n"));
    Ok(Exit::Done)
}

fn explain(workspace: &Workspace, surveyed: &Surveyed, report: &StageReport) -> String {
    let origin = |made_by: Option<hpipe_engine::StageIndex>| match made_by {
        Some(stage) => format!("made by `{}`", workspace.stage(stage).name),
        None => "a file of the project".to_owned(),
    };
    let inputs: Vec<_> = surveyed
        .deps
        .iter()
        .map(|dep| Input {
            path: dep.path.clone(),
            digest: dep.content.map(|content| content.digest),
            origin: origin(dep.made_by),
        })
        .collect();
    let files = |reason| changed_files(workspace, surveyed, reason);
    let files: Vec<_> = report.reasons.iter().map(files).collect();
    why_text(report, &files, &inputs)
}

/// The files that differ in the folder a reason names. Whoever cannot be told them has the reason itself.
fn changed_files(workspace: &Workspace, surveyed: &Surveyed, reason: &Reason) -> Vec<ChangedFile> {
    let changes = workspace.folder_changes(surveyed.stage, reason);
    let named = |(path, how)| ChangedFile {
        path,
        how: match how {
            Difference::Added => "added",
            Difference::Changed => "changed",
            Difference::Removed => "removed",
            Difference::Mode => "executable bit",
        },
    };
    changes.unwrap_or_default().into_iter().map(named).collect()
}
