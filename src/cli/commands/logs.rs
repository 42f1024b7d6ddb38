//! `hpipe logs`: what past executions printed.

use std::path::Path;

use hpipe_core::StageName;
use hpipe_engine::{Selection, Untargeted, Workspace};
use hpipe_store::{AttemptState, AttemptSummary};

use crate::args::Logs;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{LoggedAttempt, attempts_table};

/// Shows the output of one execution, or lists executions.
pub(super) fn logs(session: &Session, arguments: &Logs) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let names = names(&workspace, arguments.stage.as_deref())?;
    let only = match names.as_slice() {
        [only] if arguments.stage.is_some() && !arguments.all => Some(only),
        _ => None,
    };
    match only {
        Some(stage) => show(session, &workspace, stage, arguments.attempt.as_deref())?,
        None => list(session, &workspace, &names, arguments.all)?,
    }
    session.tell_warnings(&workspace);
    Ok(Exit::Done)
}

/// The stages a target names, or all.
fn names(workspace: &Workspace, target: Option<&str>) -> Result<Vec<StageName>, Error> {
    let selection = Selection {
        targets: target.into_iter().map(str::to_owned).collect(),
        folder: Some(workspace.location().folder.clone()),
        untargeted: Untargeted::Known,
        ..Selection::default()
    };
    let targets = workspace.plan(&selection)?.targets;
    Ok(targets
        .into_iter()
        .map(|stage| workspace.stage(stage).name.clone())
        .collect())
}

/// Prints the output of the attempt called `wanted`, or of the last one.
fn show(
    session: &Session,
    workspace: &Workspace,
    stage: &StageName,
    wanted: Option<&str>,
) -> Result<(), Error> {
    let attempts = workspace.store().attempts(stage)?;
    let chosen = attempts
        .iter()
        .find(|attempt| wanted.is_none_or(|wanted| attempt.id == wanted));
    match (chosen, wanted) {
        (Some(attempt), _) => session.ui.data(&read(&attempt.log_path)?),
        (None, Some(wanted)) => {
            return Err(Error::Usage {
                message: format!("stage `{stage}` has no attempt `{wanted}`"),
                help: format!("`hpipe logs {stage} --all` lists its attempts"),
            });
        }
        (None, None) => session
            .ui
            .note(&format!("stage `{stage}` never executed here")),
    }
    Ok(())
}

/// What an attempt printed; one that printed nothing has no log.
fn read(path: &Path) -> Result<String, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    };
    let bytes = bytes.map_err(|source| Error::File {
        attempt: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lists the last attempt of each stage, or with `all` every attempt.
fn list(
    session: &Session,
    workspace: &Workspace,
    names: &[StageName],
    all: bool,
) -> Result<(), Error> {
    let mut listed = Vec::new();
    for stage in names {
        let attempts = workspace.store().attempts(stage)?;
        let shown = if all { attempts.len() } else { 1 };
        listed.extend(
            attempts
                .into_iter()
                .take(shown)
                .map(|attempt| logged(stage, attempt)),
        );
    }
    if listed.is_empty() {
        session.ui.note("nothing executed here yet");
    } else {
        session.ui.data(&attempts_table(&listed));
    }
    Ok(())
}

fn logged(stage: &StageName, attempt: AttemptSummary) -> LoggedAttempt {
    let (outcome, seconds) = match attempt.state {
        AttemptState::Running => ("running".to_owned(), None),
        AttemptState::Interrupted => ("interrupted".to_owned(), None),
        AttemptState::Finished(end) => (end.outcome, Some(end.seconds)),
    };
    LoggedAttempt {
        stage: stage.clone(),
        id: attempt.id,
        outcome,
        seconds,
    }
}
