//! `hpipe stage add`: writes a new stage into the pipeline file of the current folder.

use clap::Args as _;
use hpipe_core::{Code, ProjectPath, StageName, nearest};
use hpipe_engine::Workspace;
use hpipe_spec::{NewOut, NewStage, add_stage};

use super::words;
use crate::args::{Repro, StageAdd, Working};
use crate::commands::edited::Edited;
use crate::commands::{init, repro};
use crate::error::{Error, Exit};
use crate::session::Session;

/// The names a pipeline file may have; the first is that of a new one.
const FILES: [&str; 2] = ["pipeline.yaml", "dvc.yaml"];

/// Writes the stage, once the project is known to be without fault with it; then executes it if asked to.
pub(in crate::commands) fn add(session: &Session, arguments: &StageAdd) -> Result<Exit, Error> {
    StageName::written(&arguments.name).map_err(|error| Error::Usage {
        message: format!(
            "`{}` cannot be the name of a stage: {error}",
            arguments.name
        ),
        help: "name it with letters, digits, `-`, `_` and `/`".to_owned(),
    })?;
    refuse_option(arguments)?;
    let stage = new_stage(arguments);
    let file = match session.open() {
        Ok(workspace) => into_project(session, &workspace, &stage, arguments.force)?,
        Err(error) if error.is(Code::NoPipeline) && !session.names_file() => {
            into_new(session, &stage)?
        }
        Err(error) => return Err(error),
    };
    session.ui.note(&format!("added {} to {file}", stage.name));
    match arguments.run {
        true => {
            let name = StageName::known(stage.name);
            let name = match file.parent() {
                Some(folder) if !folder.as_str().is_empty() => name.in_file(file.as_str()),
                _ => name,
            };
            run(session, name.as_str())
        }
        false => Ok(Exit::Done),
    }
}

/// Refuses a command that begins with an option: no program is called so, but options are misspelt.
fn refuse_option(arguments: &StageAdd) -> Result<(), Error> {
    let Some(word) = arguments
        .command
        .first()
        .filter(|word| word.starts_with('-'))
    else {
        return Ok(());
    };
    let option = word.split('=').next().unwrap_or(word);
    let command = StageAdd::augment_args(clap::Command::new("add"));
    let known: Vec<_> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    let name = option.trim_start_matches('-');
    let begun = |known: &&str| name.len() > 2 && known.get(..3) == name.get(..3);
    let meant = nearest(name, known.iter().copied()).or(known.iter().copied().find(begun));
    Err(Error::Usage {
        message: format!("`stage add` has no option `{option}`"),
        help: match meant {
            Some(meant) => format!("did you mean `--{meant}`?"),
            None => {
                "`hpipe stage add --help` lists the options; the command comes after them".into()
            }
        },
    })
}

fn new_stage(arguments: &StageAdd) -> NewStage {
    let outs = |paths: &[String], cache, persist| {
        let out = move |path: &String| NewOut {
            path: path.clone(),
            cache,
            persist,
        };
        paths.iter().map(out).collect::<Vec<_>>()
    };
    NewStage {
        name: arguments.name.clone(),
        desc: arguments.desc.clone(),
        cmd: vec![words::command_line(&arguments.command)],
        wdir: arguments.wdir.clone(),
        deps: arguments.deps.clone(),
        params: words::params(&arguments.params),
        outs: [
            outs(&arguments.outs, true, false),
            outs(&arguments.outs_no_cache, false, false),
            outs(&arguments.outs_persist, true, true),
            outs(&arguments.outs_persist_no_cache, false, true),
        ]
        .concat(),
        metrics: [
            outs(&arguments.metrics, true, false),
            outs(&arguments.metrics_no_cache, false, false),
        ]
        .concat(),
        plots: [
            outs(&arguments.plots, true, false),
            outs(&arguments.plots_no_cache, false, false),
        ]
        .concat(),
        always_changed: arguments.always_changed,
    }
}

/// Adds to the file of the user's folder, which need not exist yet.
fn into_project(
    session: &Session,
    workspace: &Workspace,
    stage: &NewStage,
    replace: bool,
) -> Result<ProjectPath, Error> {
    let location = workspace.location();
    let here = FILES.map(|name| location.folder.join(name));
    let there = |file: &&ProjectPath| file.on_disk(&location.root).is_file();
    let file = match session.names_file() {
        true => location.file.clone(),
        false => here.iter().find(there).unwrap_or(&here[0]).clone(),
    };
    let text = workspace.read_text(&file)?.unwrap_or_default();
    let text = add_stage(&file, &text, stage, replace)
        .map_err(|error| hpipe_engine::Error::from(*error))?;
    let edited = Edited {
        file: file.clone(),
        text,
    };
    Edited::write(workspace, vec![edited])?;
    Ok(file)
}

/// Begins a project with the stage.
fn into_new(session: &Session, stage: &NewStage) -> Result<ProjectPath, Error> {
    let file = ProjectPath::new(FILES[0]);
    let text =
        add_stage(&file, "", stage, false).map_err(|error| hpipe_engine::Error::from(*error))?;
    let begun = session.open_new(&file, &text)?;
    Edited::check(&begun, std::slice::from_ref(&file))?;
    let path = session.folder().join(file.as_str());
    init::write_new(&path, &text)?;
    Ok(file)
}

fn run(session: &Session, name: &str) -> Result<Exit, Error> {
    let arguments = Repro {
        working: Working::on(name),
        ..Repro::default()
    };
    repro::repro(session, &arguments)
}
