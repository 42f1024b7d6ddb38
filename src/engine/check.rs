//! What must hold before the first stage executes or anything is deleted: deps exist, working folders exist, params can
//! be read.
//!
//! Finds all faults of all planned stages at once.

use std::collections::BTreeMap;

use hpipe_core::{Code, Diagnostic, ProjectPath};
use hpipe_spec::{Dep, StageSpec, nearest};

use crate::Error;
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::workspace::Workspace;

/// Checks the stages in `order`, which are among those of the plan.
///
/// # Errors
/// [`Error::Invalid`] with every missing dep, bad working folder and missing param.
pub(crate) fn check(
    workspace: &Workspace,
    inputs: &Inputs<'_>,
    plan: &[StageIndex],
    order: &[StageIndex],
) -> Result<(), Error> {
    let mut planned = vec![false; workspace.pipeline().stages.len()];
    for index in plan {
        planned[index.index()] = true;
    }
    let mut faults = Vec::new();
    for index in order {
        let stage = workspace.stage(*index);
        if stage.frozen {
            continue;
        }
        check_wdir(workspace, stage, &planned, &mut faults);
        check_deps(workspace, inputs, stage, &planned, &mut faults)?;
        check_params(workspace, inputs, stage, &planned, &mut faults)?;
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(faults, workspace.sources()))
    }
}

/// Whether a planned stage will make `path`, so that it need not exist yet.
fn will_be_made(workspace: &Workspace, path: &ProjectPath, planned: &[bool]) -> bool {
    workspace
        .graph()
        .makers(path)
        .any(|maker| planned[maker.index()] && !workspace.stage(maker).frozen)
}

fn check_wdir(
    workspace: &Workspace,
    stage: &StageSpec,
    planned: &[bool],
    faults: &mut Vec<Diagnostic>,
) {
    let folder = stage.wdir.on_disk(&workspace.location().root);
    if folder.is_dir() || will_be_made(workspace, &stage.wdir, planned) {
        return;
    }
    let what = if folder.exists() {
        "is no folder"
    } else {
        "does not exist"
    };
    faults.push(
        Diagnostic::error(
            Code::BadWdir,
            format!(
                "the working folder `{}` of stage `{}` {what}",
                stage.wdir, stage.name
            ),
        )
        .at(stage.wdir_span, what)
        .help("make the folder, or name another after `wdir:`"),
    );
}

fn check_deps(
    workspace: &Workspace,
    inputs: &Inputs<'_>,
    stage: &StageSpec,
    planned: &[bool],
    faults: &mut Vec<Diagnostic>,
) -> Result<(), Error> {
    for dep in &stage.deps {
        if inputs.content(&dep.path)?.is_some() || will_be_made(workspace, &dep.path, planned) {
            continue;
        }
        if let Some(error) = inputs.unfit(&dep.path) {
            faults.push(unfit_dep(stage, dep, &error));
            continue;
        }
        let maker = workspace.graph().makers(&dep.path).next();
        let message = match maker {
            Some(maker) => format!(
                "stage `{}` depends on `{}`, which stage `{}` has not made yet",
                stage.name,
                dep.path,
                workspace.stage(maker).name
            ),
            None => format!(
                "stage `{}` depends on a file no stage makes and that does not exist",
                stage.name
            ),
        };
        let fault = Diagnostic::error(Code::MissingDep, message).at(dep.span, "not found");
        faults.push(fault.help(dep_help(workspace, stage, &dep.path, maker)));
    }
    Ok(())
}

/// A dep that is there, but neither a file nor a folder of files.
fn unfit_dep(stage: &StageSpec, dep: &Dep, error: &hpipe_store::Error) -> Diagnostic {
    let message = format!(
        "stage `{}` depends on `{}`, which has no content: cannot {error}",
        stage.name, dep.path
    );
    Diagnostic::error(Code::MissingDep, message)
        .at(dep.span, "neither a file nor a folder of files")
        .help("remove it, mend it, or name it in `.hpipeignore`")
}

fn dep_help(
    workspace: &Workspace,
    stage: &StageSpec,
    path: &ProjectPath,
    maker: Option<StageIndex>,
) -> String {
    if let Some(maker) = maker {
        let maker = workspace.stage(maker);
        return match maker.frozen {
            true => format!(
                "stage `{}` is frozen; take that back, or put `{path}` there",
                maker.name
            ),
            false => format!("run `hpipe repro {}` first", maker.name),
        };
    }
    let outs = || workspace.graph().outs();
    let others = outs().filter(|(_, maker)| workspace.stage(*maker).name != stage.name);
    let near = nearest(path.as_str(), others.map(|(out, _)| out.as_str()));
    match near.and_then(|near| outs().find(|(out, _)| out.as_str() == near)) {
        Some((out, maker)) => {
            format!(
                "stage `{}` makes `{out}`; did you mean that?",
                workspace.stage(maker).name
            )
        }
        None => match workspace.tracked_by_dvc(path) {
            Some(file) => format!(
                "`{file}` tracks it: `dvc checkout {file}` or `dvc pull {file}` brings it back"
            ),
            None => format!("put `{path}` there, or add the stage that makes it"),
        },
    }
}

/// Whether a planned stage names the program that executes its commands.
pub(crate) fn names_shell(workspace: &Workspace, order: &[StageIndex]) -> bool {
    let mut stages = order.iter().map(|index| workspace.stage(*index));
    stages.any(|stage| stage.execution().shell.is_some())
}

/// The programs that planned stages execute their commands by and that are not there, as warnings: whoever needs such a
/// stage shall know before others have executed for an hour. No error, for it may be up to date, or somebody upstream may
/// make the program.
pub(crate) fn absent_shells(workspace: &Workspace, order: &[StageIndex]) -> Vec<String> {
    let mut told: BTreeMap<&str, &StageSpec> = BTreeMap::new();
    for stage in order.iter().map(|index| workspace.stage(*index)) {
        let shell = stage
            .execution
            .as_ref()
            .and(stage.execution().shell.as_ref());
        if let Some(shell) = shell.filter(|_| !stage.frozen)
            && !told.contains_key(shell.program.as_str())
            && !is_program(workspace, stage, &shell.program)
        {
            told.insert(&shell.program, stage);
        }
    }
    let text = |(program, stage): (&str, &StageSpec)| {
        let place = match program.contains('/') {
            true => "does not exist",
            false => "is not in PATH",
        };
        format!(
            "stage `{}` executes its command by `{program}`, which {place}; install it, or name another after `shell:`",
            stage.name
        )
    };
    told.into_iter().map(text).collect()
}

fn is_program(workspace: &Workspace, stage: &StageSpec, program: &str) -> bool {
    let wdir = stage.wdir.on_disk(&workspace.location().root);
    if program.contains('/') {
        return wdir.join(program).is_file();
    }
    let own = stage.env.iter().find(|variable| variable.name == "PATH");
    let own = own.and_then(|variable| variable.value.as_ref());
    let Some(folders) = own.or_else(|| workspace.environment().get("PATH")) else {
        return true; // the system has a default of its own
    };
    std::env::split_paths(folders).any(|folder| wdir.join(folder).join(program).is_file())
}

/// Reads the params of a stage once, so that a missing one is told now; those a planned stage makes are read later.
fn check_params(
    workspace: &Workspace,
    inputs: &Inputs<'_>,
    stage: &StageSpec,
    planned: &[bool],
    faults: &mut Vec<Diagnostic>,
) -> Result<(), Error> {
    for param in stage
        .params
        .iter()
        .filter(|param| !will_be_made(workspace, &param.file, planned))
    {
        faults.extend(inputs.param_faults(stage, param)?);
    }
    Ok(())
}
