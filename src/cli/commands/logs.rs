//! `hpipe logs`: what past executions printed.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use hpipe_core::StageName;
use hpipe_engine::{Selection, Untargeted, Workspace};
use hpipe_store::{AttemptState, AttemptSummary};

use crate::args::Logs;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::{LoggedAttempt, attempts_table};

/// How long to wait before looking again whether a followed execution has printed something: a tenth of a second, which
/// feels immediate and costs nothing to speak of.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows the output of one execution, or lists executions.
pub(super) fn logs(session: &Session, arguments: &Logs) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let names = names(&workspace, arguments.stage.as_deref())?;
    let only = match names.as_slice() {
        [only] if arguments.stage.is_some() && !arguments.all => Some(only),
        _ => None,
    };
    match only {
        Some(stage) => show(session, &workspace, stage, arguments)?,
        None if arguments.follow => return Err(several(&names)),
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
    arguments: &Logs,
) -> Result<(), Error> {
    let wanted = arguments.attempt.as_deref();
    let attempts = workspace.store().attempts(stage)?;
    let chosen = attempts
        .iter()
        .find(|attempt| wanted.is_none_or(|wanted| attempt.id == wanted));
    match (chosen, wanted) {
        (Some(attempt), _) if arguments.follow => follow(session, workspace, stage, attempt)?,
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

fn several(names: &[StageName]) -> Error {
    let names: Vec<_> = names.iter().map(StageName::as_str).collect();
    Error::Usage {
        message: "only one stage can be followed".into(),
        help: format!("name one of {}", names.join(", ")),
    }
}

/// Prints what an execution has printed, and what it prints from now on, until it ends.
fn follow(
    session: &Session,
    workspace: &Workspace,
    stage: &StageName,
    attempt: &AttemptSummary,
) -> Result<(), Error> {
    let mut following = Following::default();
    let mut seen = attempt.clone();
    loop {
        let is_over = seen.state != AttemptState::Running;
        let opened = following.open(&seen.log_path, is_over);
        // Asked before the rest is read, so that the last words are not missed.
        let attempts = workspace.store().attempts(stage)?;
        let now = attempts.into_iter().find(|now| now.id == attempt.id);
        if !is_over && now.as_ref().is_none_or(|now| now.log_path != seen.log_path) {
            // What was opened may by now be what another execution prints.
            following.file = None;
        }
        let printed = opened.and_then(|()| following.more(is_over));
        session
            .ui
            .data(&printed.map_err(unreadable(&seen.log_path))?);
        match now {
            Some(now) if !is_over && !session.ui.is_stdout_lost() => seen = now,
            _ => return Ok(()),
        }
        if seen.state == AttemptState::Running {
            std::thread::sleep(PAUSE);
        }
    }
}

/// How far a log has been read.
#[derive(Debug, Default)]
struct Following {
    file: Option<File>,
    bytes: u64,
    /// The beginning of a line whose end is still to come.
    rest: Vec<u8>,
}

impl Following {
    /// Opens the log, if it is not, or is another by now: a log is moved when its execution is over.
    fn open(&mut self, path: &Path, is_over: bool) -> io::Result<()> {
        if self.file.is_none() || is_over {
            self.file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
        }
        Ok(())
    }

    /// What has been written since the last time, in whole lines; at the end whatever is left.
    fn more(&mut self, is_end: bool) -> io::Result<String> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(self.bytes))?;
            self.bytes += file.read_to_end(&mut self.rest)? as u64;
        }
        let whole = match self.rest.iter().rposition(|byte| *byte == b'\n') {
            _ if is_end => self.rest.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let rest = self.rest.split_off(whole);
        let printed = std::mem::replace(&mut self.rest, rest);
        Ok(String::from_utf8_lossy(&printed).into_owned())
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_is_followed_comes_in_whole_lines_and_to_the_last_byte() {
        let path = std::env::temp_dir().join(format!("hpipe-follow-{}", std::process::id()));
        let mut following = Following::default();
        following.open(&path, false).unwrap();
        assert_eq!(following.more(false).unwrap(), "", "no log yet");
        let mut log = File::create(&path).unwrap();
        let parts: [&[u8]; 4] = [b"a\xc3", b"\xa4\nb\n\xff c", b" d", b"\ne"];
        let mut seen = Vec::new();
        for part in parts {
            log.write_all(part).unwrap();
            following.open(&path, false).unwrap();
            seen.push(following.more(false).unwrap());
        }
        seen.push(following.more(true).unwrap());
        assert_eq!(seen, ["", "a\u{e4}\nb\n", "", "\u{fffd} c d\n", "e"]);
    }
}
