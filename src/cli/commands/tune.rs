//! `hpipe tune`: searches the params that make a metric best.

use std::path::Path;

use hpipe_core::{ProjectPath, Value};
use hpipe_engine::{ReproOptions, Workspace};
use hpipe_spec::{Document, ParamFile, edit_params};
use hpipe_tune::{Direction, ImportanceOptions};

use crate::args::Tune;
use crate::error::{Error, Exit};
use crate::forwarding;
use crate::json;
use crate::recording::{Recorder, SearchResult, SearchRun, SearchSubject, TrialResult};
use crate::session::Session;
use crate::tune::{Asked, Found, Goal, Stop, search};
use crate::ui::{Silence, applied_line, search_lines};

/// Searches, tells what was found, and writes it where the user wants it.
pub(super) fn tune(session: &Session, arguments: &Tune) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let folder = &workspace.location().folder;
    let document = match &arguments.study {
        Some(path) => read_study(&session.folder().join(path), path)?,
        None => Document::default(),
    };
    let asked = Asked::read(arguments, document, folder)?;
    let goal = Goal::find(&workspace, &asked)?;
    let cancellation = session.cancellation()?;
    let wanted = jobs(session, arguments, &asked);
    let jobs = fitting(session, &workspace, &goal, wanted)?;
    check_pipeline(&workspace, &goal, &cancellation)?;
    let recorder = Recorder::new(session, workspace.location());
    recorder.settle(&workspace, &[]);
    let run = SearchRun::begin(&recorder, &workspace, &subject(&asked, &goal));
    let found = search(
        &workspace,
        &asked,
        &goal,
        jobs,
        &session.ui,
        &cancellation,
        run.as_ref(),
    );
    if let Some(run) = run {
        run.end(&came_to(&goal, found.as_ref().ok()));
        forwarding::forward(session, &workspace.location().root);
    }
    let found = found?;
    session.tell_warnings(&workspace);
    tell(session, arguments, &workspace, &asked, &goal, &found)?;
    Ok(exit(&found))
}

fn read_study(path: &Path, written: &Path) -> Result<Document, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        attempt: "read",
        path: written.to_owned(),
        source,
    })?;
    let document = Document::read(&written.to_string_lossy(), &text);
    Ok(document.map_err(|error| hpipe_engine::Error::from(*error))?)
}

/// How many trials to work on at once; more than the study allows would wait for each other.
fn jobs(session: &Session, arguments: &Tune, asked: &Asked) -> usize {
    let cores = || session.jobs();
    let wanted = arguments.jobs.map_or_else(cores, usize::from);
    let allowed = asked.definition.concurrency();
    if arguments.jobs.is_some() && wanted > allowed {
        session.ui.note(&format!(
            "note: the study allows {allowed} trials at once; `--concurrency {wanted}` allows more, and makes it another study"
        ));
    }
    wanted.min(allowed).min(asked.definition.trials()).max(1)
}

/// How many of `wanted` trials have room beside each other; tells where that is fewer.
fn fitting(
    session: &Session,
    workspace: &Workspace,
    goal: &Goal,
    wanted: usize,
) -> Result<usize, Error> {
    let (fitting, narrowest) = hpipe_engine::parts(workspace, &goal.selection, wanted)?;
    if let Some(stage) = narrowest {
        let trials = match fitting {
            1 => "one trial".to_owned(),
            some => format!("{some} trials"),
        };
        session.ui.note(&format!(
            "note: {trials} at a time, not {wanted}: stage `{stage}` asks for that much of the machine"
        ));
    }
    Ok(fitting)
}

/// Finds what is wrong with the pipeline itself before the first trial: as `repro --dry` would.
fn check_pipeline(
    workspace: &Workspace,
    goal: &Goal,
    cancellation: &hpipe_engine::Cancellation,
) -> Result<(), Error> {
    let options = ReproOptions {
        selection: goal.selection.clone(),
        dry: true,
        ..ReproOptions::default()
    };
    hpipe_engine::repro(workspace, &options, &Silence, cancellation)?;
    Ok(())
}

fn tell(
    session: &Session,
    arguments: &Tune,
    workspace: &Workspace,
    asked: &Asked,
    goal: &Goal,
    found: &Found,
) -> Result<(), Error> {
    let importance = found.study.importance(&ImportanceOptions::default());
    let lines = search_lines(found, &goal.key, &importance);
    match exit(found) {
        Exit::Done => session.ui.note(&lines),
        _ => session.ui.talk(&lines),
    }
    let record = json::study(asked, goal, found, &importance);
    if let Some(report) = &arguments.report {
        let path = workspace.location().folder.join(&report.to_string_lossy());
        workspace.store().create_parent(&path)?;
        workspace
            .store()
            .write_file(&path, format!("{record}\n").as_bytes())?;
    }
    if arguments.json {
        session.ui.data(&record);
    }
    if arguments.apply && found.stop != Some(Stop::Interrupted) {
        apply(session, workspace, goal, found)?;
    }
    Ok(())
}

/// Writes the params of the best trial into their files, as these are now.
fn apply(
    session: &Session,
    workspace: &Workspace,
    goal: &Goal,
    found: &Found,
) -> Result<(), Error> {
    let Some(best) = found.study.best() else {
        session
            .ui
            .note("no trial has a value, so there is nothing to apply");
        return Ok(());
    };
    for file in goal.params_files() {
        let values = goal.values_of(file, &best.trial.params);
        let text = workspace.read_text(file)?.unwrap_or_default();
        let edited =
            edit_params(file, &text, &values).map_err(|error| hpipe_engine::Error::from(*error))?;
        if edited != text {
            workspace.store().write_file(file, edited.as_bytes())?;
        }
        tell_applied(session, file, &text, &values)?;
    }
    session
        .ui
        .note("now `hpipe repro` restores what the best trial made");
    Ok(())
}

fn tell_applied(
    session: &Session,
    file: &ProjectPath,
    text: &str,
    values: &[(String, Value)],
) -> Result<(), Error> {
    let before = ParamFile::parse(file, text).map_err(|error| hpipe_engine::Error::from(*error))?;
    for (name, value) in values {
        let old = before.get(name).cloned().unwrap_or_default();
        session
            .ui
            .note(&applied_line(name, &old, value, file.as_str()));
    }
    Ok(())
}

/// What the run of the search says before its first trial.
fn subject(asked: &Asked, goal: &Goal) -> SearchSubject {
    let definition = &asked.definition;
    let direction = match definition.direction() {
        Direction::Minimize => "minimize",
        Direction::Maximize => "maximize",
    };
    let number = |number: usize| Value::Int(number as i128);
    SearchSubject {
        name: asked.name.clone(),
        params: vec![
            ("metric", Value::Text(format!("{}:{}", goal.file, goal.key))),
            ("direction", Value::Text(direction.to_owned())),
            ("trials", number(definition.trials())),
            ("seed", Value::Int(definition.seed().into())),
        ],
    }
}

/// What the run of the search says in the end; a search that could not go on has no trials to tell of.
fn came_to(goal: &Goal, found: Option<&Found>) -> SearchResult {
    let best = found.and_then(|found| Some(found.study.best()?.trial.number));
    let trials = found.into_iter().flat_map(|found| {
        let ends = found.ends.iter();
        ends.filter_map(|(number, end)| Some((found.study.trials().get(*number)?, end)))
    });
    SearchResult {
        status: match found.map(exit) {
            Some(Exit::Done) => "FINISHED",
            Some(Exit::Interrupted) => "KILLED",
            _ => "FAILED",
        },
        metric: goal.key.clone(),
        trials: trials
            .map(|(trial, end)| TrialResult {
                number: trial.number,
                params: trial.params.clone(),
                value: trial.value(),
                failure: end.error.clone(),
                is_best: best == Some(trial.number),
            })
            .collect(),
    }
}

fn exit(found: &Found) -> Exit {
    match (found.stop, found.study.best()) {
        (Some(Stop::Interrupted), _) => Exit::Interrupted,
        (Some(Stop::Failing), _) | (_, None) => Exit::StageFailed,
        _ => Exit::Done,
    }
}
