//! `hpipe logs`: what past executions printed.

mod follow;

use std::io;
use std::path::Path;

use hpipe_core::StageName;
use hpipe_engine::{Selection, Untargeted, Workspace};
use hpipe_store::{AttemptState, AttemptSummary};

use crate::args::Logs;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{LoggedAttempt, attempts_table};
use follow::follow;

/// Shows the output of one execution, or lists executions.
pub(super) fn logs(session: &Session, arguments: &Logs) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let names = names(&workspace, &arguments.stage)?;
    let only = match names.as_slice() {
        [only] if arguments.stage.is_some() && !arguments.all => Some(only),
        _ => None,
    };
    match only {
        Some(stage) => show(session, &workspace, stage, arguments)?,
        None if arguments.follow => return Err(several(&names)),
        None => list(session, &workspace, &names, arguments)?,
    }
    session.tell_warnings(&workspace);
    Ok(Exit::Done)
}

/// The stages a target names, or all.
fn names(workspace: &Workspace, target: &Option<String>) -> Result<Vec<StageName>, Error> {
    let selection = Selection {
        untargeted: Untargeted::Known,
        ..workspace.chosen(target.as_slice())
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
    arguments: &Logs,
) -> Result<(), Error> {
    let wanted = arguments.attempt.as_deref();
    let attempts = workspace.store().attempts(stage)?;
    let chosen = attempts
        .iter()
        .find(|attempt| wanted.is_none_or(|wanted| attempt.id == wanted));
    match (chosen, wanted) {
        (Some(attempt), _) if arguments.follow => follow(session, workspace, stage, attempt)?,
        (Some(attempt), _) if arguments.json => {
            let output = read(&attempt.log_path)?;
            let told = [(logged(stage, attempt.clone()), Some(output))];
            session.ui.data(&json::attempts(&told));
        }
        (Some(attempt), _) => {
            let output = read(&attempt.log_path)?;
            if output.is_empty() {
                let told = logged(stage, attempt.clone());
                let text = format!(
                    "stage `{stage}` printed nothing ({} {})",
                    told.outcome, told.id
                );
                session.ui.note(&text);
            }
            session.ui.data(&output);
        }
        (None, Some(wanted)) => {
            return Err(Error::Usage {
                message: format!("stage `{stage}` has no attempt `{wanted}`"),
                help: format!("`hpipe logs {stage} --all` lists its attempts"),
            });
        }
        (None, None) if arguments.json => session.ui.data(&json::attempts(&[])),
        (None, None) => session
            .ui
            .note(&format!("stage `{stage}` never executed here")),
    }
    Ok(())
}

fn several(names: &[StageName]) -> Error {
    let names: Vec<_> = names.iter().map(StageName::as_str).collect();
    Error::Usage {
        message: "only one stage can be followed".into(),
        help: format!("name one of {}", names.join(", ")),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        attempt: "read",
        path,
        source,
    }
}

/// What an attempt printed; one that printed nothing has no log.
fn read(path: &Path) -> Result<String, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    };
    let bytes = bytes.map_err(unreadable(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lists the last attempt of each stage, or with `--all` every attempt.
fn list(
    session: &Session,
    workspace: &Workspace,
    names: &[StageName],
    arguments: &Logs,
) -> Result<(), Error> {
    let mut listed = Vec::new();
    for stage in names {
        let attempts = workspace.store().attempts(stage)?;
        let shown = if arguments.all { attempts.len() } else { 1 };
        listed.extend(
            attempts
                .into_iter()
                .take(shown)
                .map(|attempt| logged(stage, attempt)),
        );
    }
    if arguments.json {
        let listed: Vec<_> = listed.into_iter().map(|attempt| (attempt, None)).collect();
        session.ui.data(&json::attempts(&listed));
    } else if listed.is_empty() {
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
