//! The job of a stage that executes commands.
//!
//! A script is given to the stage's shell, `/bin/sh` if it names none, after `-c`; one of several lines stops at the first
//! command that fails (`-e`), as a list of commands does.

use std::ffi::OsString;

use hpipe_spec::{Script, StageSpec};
use hpipe_store::StageLock;

use super::executor::Job;
use super::failure::failure;
use super::{Prepared, Setting, Stopped, household};
use crate::decide::Known;
use crate::graph::StageIndex;
use crate::observer::Variables;
use crate::sandbox::Sandbox;

const SHELL: &str = "/bin/sh";

/// What an executor is to do for the stage `id`, whose `scripts` these are. `gpus` are those it may use, `told`
/// is what its observer wants them to know.
pub(crate) fn job(
    setting: Setting<'_>,
    id: StageIndex,
    scripts: &[Script],
    known: &Known,
    lock: &StageLock,
    prepared: &Prepared,
    (gpus, told): (Option<&str>, Variables),
) -> Result<Job, Stopped> {
    let stage = setting.workspace.stage(id);
    let mut env = known.fingerprint.env.clone();
    // what the stage declares is a part of its key, so it gets that and nothing else
    for (name, value) in told {
        env.entry(name).or_insert(Some(value));
    }
    if let Some(gpus) = gpus {
        let visible = env.entry("CUDA_VISIBLE_DEVICES".into());
        visible.or_insert_with(|| Some(gpus.to_owned()));
    }
    let sandbox = prepared.sandbox.as_ref();
    if let Some(sandbox) = sandbox {
        let folder = sandbox.temporary().to_string_lossy().into_owned();
        env.entry("TMPDIR".into()).or_insert(Some(folder));
    }
    let stdin = lock.handle().map_err(|error| {
        let message = format!("cannot hand on the lock of the stage: {error}");
        failure(hpipe_core::Code::Machine, message)
    })?;
    Ok(Job {
        id,
        scripts: scripts
            .iter()
            .map(|script| words(stage, script, sandbox))
            .collect(),
        wdir: stage.wdir.on_disk(&setting.workspace.location().root),
        env,
        mark: household::mark(
            stage.name.as_str(),
            setting
                .workspace
                .environment()
                .get(household::MARK)
                .map(String::as_str),
        ),
        stdin,
        log: prepared.attempt.log_file()?,
        timeout: stage.execution().timeout,
    })
}

/// The program that executes the scripts of `stage`.
pub(crate) fn program(stage: &StageSpec) -> &str {
    let shell = stage.execution().shell.as_ref();
    shell.map_or(SHELL, |shell| &shell.program)
}

/// The command line of a script, which in a sandbox is that of what confines itself and becomes the rest.
fn words(stage: &StageSpec, script: &Script, sandbox: Option<&Sandbox>) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(sandbox) = sandbox {
        let (launcher, arguments) = sandbox.launch();
        words.push(launcher.into());
        words.extend(arguments);
    }
    let shell = stage.execution().shell.as_ref();
    let arguments = shell.into_iter().flat_map(|shell| &shell.arguments);
    words.push(program(stage).into());
    words.extend(arguments.map(OsString::from));
    if script.text.trim_end().contains('\n') {
        words.push("-e".into());
    }
    words.push("-c".into());
    words.push(script.text.clone().into());
    words
}
