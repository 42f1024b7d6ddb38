//! Gathers the inputs of stages: contents of deps, values of params.
//!
//! [`Inputs`] remembers what it looked at and what executions made. What it looked at is filled in parallel before the
//! first decision, and forgotten as soon as time has passed ([`Inputs::expire`]: a stage came to its end; another process
//! was waited for): an edit meanwhile must be seen before the next stage is decided about, not after it executed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hpipe_core::{Code, Content, Diagnostic, Digest, ProjectPath, Span};
use hpipe_spec::{Action, Param, ParamFile, Role, StageSpec};
use hpipe_store::Store;
use rayon::prelude::*;

use crate::Error;
use crate::fingerprint::{ActionInput, DepInput, Fingerprint, OutInput, ParamInput};
use crate::path_range::{around, inside};
use crate::workspace::Workspace;

/// What is known of the inputs during one command.
pub(crate) struct Inputs<'a> {
    workspace: &'a Workspace,
    looked: Mutex<Contents>,
    made: Mutex<Contents>,
    params: Mutex<BTreeMap<ProjectPath, Arc<ParamFile>>>,
    /// The digest of each params file that was read; none where it was read with several texts.
    texts: Mutex<BTreeMap<ProjectPath, Option<Digest>>>,
}

type Contents = BTreeMap<ProjectPath, Option<Content>>;

/// A fingerprint, or why there is none yet.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// Every input is known.
    Whole(Fingerprint),
    /// These deps do not exist.
    Missing(Vec<ProjectPath>),
}

/// What a stage asks for: its fingerprint without contents and values, and what decides whether it executes.
#[derive(Debug, PartialEq)]
pub(crate) struct Asked {
    action: ActionInput,
    shell: Option<Vec<String>>,
    wdir: ProjectPath,
    env: BTreeMap<String, Option<String>>,
    deps: Vec<(ProjectPath, Option<String>)>,
    params: Vec<(ProjectPath, Option<Vec<String>>)>,
    outs: Vec<OutInput>,
    /// Of each out, whether it is cached.
    is_kept: Vec<bool>,
    frozen: bool,
    always_changed: bool,
}

impl<'a> Inputs<'a> {
    /// Knows nothing yet.
    pub(crate) fn fresh(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            looked: Mutex::default(),
            made: Mutex::default(),
            params: Mutex::default(),
            texts: Mutex::default(),
        }
    }

    /// The digest of the params file at `path`, if it had but one text all the time.
    pub(crate) fn text_digest(&self, path: &ProjectPath) -> Option<Digest> {
        hold(&self.texts).get(path).copied().flatten()
    }

    /// Knows what `before` has looked at, and nothing that was made.
    pub(crate) fn after(workspace: &'a Workspace, before: &Inputs<'_>) -> Self {
        let inputs = Self::fresh(workspace);
        hold(&inputs.looked).clone_from(&hold(&before.looked));
        inputs
    }

    /// Looks at many paths in parallel, so that later questions about them are answered from memory.
    pub(crate) fn look_ahead(&self, paths: &[&ProjectPath]) -> Result<(), Error> {
        let found: BTreeMap<_, _> = paths
            .par_iter()
            .map(|path| Ok(((*path).clone(), self.ask(path)?)))
            .collect::<Result<_, Error>>()?;
        hold(&self.looked).extend(found);
        Ok(())
    }

    /// What lies at `path`; none also for what is neither a file nor a folder of files, like a link that leads nowhere.
    pub(crate) fn content(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        for known in [&self.made, &self.looked] {
            if let Some(known) = hold(known).get(path) {
                return Ok(*known);
            }
        }
        let found = self.ask(path)?;
        hold(&self.looked).insert(path.clone(), found);
        Ok(found)
    }

    fn ask(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        match self.store().witnessed_content(path) {
            Err(error) if is_no_content(&error) => Ok(None),
            answer => Ok(answer?),
        }
    }

    /// Why what lies at `path` has no content, if that is so: it is, or holds, a link that leads nowhere, a pipe.
    pub(crate) fn unfit(&self, path: &ProjectPath) -> Option<hpipe_store::Error> {
        self.store().content(path).err().filter(is_no_content)
    }

    /// Takes notice that `path` now holds `content`; what lies around or inside it must be looked at again.
    pub(crate) fn made(&self, path: &ProjectPath, content: Option<Content>) {
        self.forget(path);
        hold(&self.made).insert(path.clone(), content);
    }

    /// Forgets what lies at `path`, around or inside it.
    pub(crate) fn forget(&self, path: &ProjectPath) {
        for known in [&self.made, &self.looked] {
            let mut known = hold(known);
            let inner: Vec<_> = inside(&known, path)
                .map(|(inner, _)| inner.clone())
                .collect();
            for stale in around(path).chain(inner) {
                known.remove(&stale);
            }
        }
        hold(&self.params).retain(|file, _| !file.is_within(path));
    }

    /// Forgets what was looked at, for it may have changed; what this command made is known to be whole.
    pub(crate) fn expire(&self) {
        hold(&self.looked).clear();
        hold(&self.params).clear();
    }

    /// Forgets everything, for another process was at work.
    pub(crate) fn forget_everything(&self) {
        self.expire();
        hold(&self.made).clear();
    }

    /// Everything the result of `stage` may depend on.
    pub(crate) fn gather(&self, stage: &StageSpec) -> Result<Gathered, Error> {
        let mut deps = Vec::with_capacity(stage.deps.len());
        let mut missing = Vec::new();
        for dep in &stage.deps {
            match self.content(&dep.path)? {
                Some(content) => deps.push(DepInput {
                    path: dep.path.clone(),
                    role: dep.role.as_ref().map(|role| role.name.clone()),
                    content,
                }),
                None => missing.push(dep.path.clone()),
            }
        }
        if !missing.is_empty() {
            return Ok(Gathered::Missing(missing));
        }
        Ok(Gathered::Whole(Fingerprint {
            action: self.action(stage),
            shell: shell(stage),
            wdir: stage.wdir.clone(),
            env: self.env(stage),
            deps,
            params: stage
                .params
                .iter()
                .map(|param| self.param(stage, param))
                .collect::<Result<_, _>>()?,
            outs: outs(stage),
        }))
    }

    /// What `stage` asks for, whatever lies at its deps and whatever its params are.
    pub(crate) fn asked(&self, stage: &StageSpec) -> Asked {
        let role = |role: &Option<Role>| role.as_ref().map(|role| role.name.clone());
        let deps = stage.deps.iter();
        let params = stage.params.iter().map(|param| {
            let keys = param.keys.as_ref();
            let names =
                |keys: &Vec<(String, Span)>| keys.iter().map(|(key, _)| key.clone()).collect();
            (param.file.clone(), keys.map(names))
        });
        Asked {
            action: self.action(stage),
            shell: shell(stage),
            wdir: stage.wdir.clone(),
            env: self.env(stage),
            deps: deps
                .map(|dep| (dep.path.clone(), role(&dep.role)))
                .collect(),
            params: params.collect(),
            outs: outs(stage),
            is_kept: stage.outs.iter().map(|out| out.cache).collect(),
            frozen: stage.frozen,
            always_changed: stage.always_changed,
        }
    }

    fn action(&self, stage: &StageSpec) -> ActionInput {
        match &stage.action {
            Action::Command(scripts) => {
                ActionInput::Command(scripts.iter().map(|script| script.text.clone()).collect())
            }
            Action::Builtin { name, with, .. } => ActionInput::Builtin {
                name: name.clone(),
                version: self
                    .workspace
                    .registry()
                    .get(name)
                    .map_or(0, hpipe_core::Stage::version),
                with: with.clone(),
            },
        }
    }

    fn env(&self, stage: &StageSpec) -> BTreeMap<String, Option<String>> {
        let value = |name: &str| self.workspace.environment().get(name).cloned();
        stage
            .env
            .iter()
            .map(|var| {
                (
                    var.name.clone(),
                    var.value.clone().or_else(|| value(&var.name)),
                )
            })
            .collect()
    }

    fn param(&self, stage: &StageSpec, param: &Param) -> Result<ParamInput, Error> {
        let faults = self.param_faults(stage, param)?;
        if !faults.is_empty() {
            return Err(Error::invalid(faults, self.workspace.sources()));
        }
        let file = self.param_file(&param.file)?;
        let lookup = |name: &String| {
            file.as_ref()
                .and_then(|file| file.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let values = match &param.keys {
            None => vec![(String::new(), lookup(&String::new()))],
            Some(keys) => keys
                .iter()
                .map(|(name, _)| (name.clone(), lookup(name)))
                .collect(),
        };
        Ok(ParamInput {
            file: param.file.clone(),
            values,
        })
    }

    /// What is wrong with the params `stage` reads from one file: the file or some of its names do not exist.
    pub(crate) fn param_faults(
        &self,
        stage: &StageSpec,
        param: &Param,
    ) -> Result<Vec<Diagnostic>, Error> {
        let read = self.param_file(&param.file).map_err(|error| match error {
            Error::Read { source, .. } if is_no_text(&source) => {
                let fault = no_param_file(stage, param, &param.file.on_disk(self.store().root()));
                Error::invalid(vec![fault], self.workspace.sources())
            }
            other => other,
        });
        let Some(file) = read? else {
            return Ok(vec![missing_param_file(stage, param)]);
        };
        let keys = param.keys.iter().flatten();
        Ok(keys
            .filter(|(name, _)| file.get(name).is_none())
            .map(|(name, span)| missing_param(stage, param, name, *span, &file))
            .collect())
    }

    /// The params file at `path`, read once; none when it does not exist.
    fn param_file(&self, path: &ProjectPath) -> Result<Option<Arc<ParamFile>>, Error> {
        if let Some(file) = hold(&self.params).get(path) {
            return Ok(Some(file.clone()));
        }
        let Some(text) = self.workspace.read_text(path)? else {
            return Ok(None);
        };
        let digest = Digest::blake3(*blake3::hash(text.as_bytes()).as_bytes());
        hold(&self.texts)
            .entry(path.clone())
            .and_modify(|known| *known = known.filter(|known| *known == digest))
            .or_insert(Some(digest));
        let file = Arc::new(ParamFile::parse(path, &text).map_err(|fault| Error::from(*fault))?);
        hold(&self.params).insert(path.clone(), file.clone());
        Ok(Some(file))
    }

    fn store(&self) -> &Store {
        self.workspace.store()
    }
}

/// Whether the store cannot say what lies at a path because of what lies there, not because of the machine.
pub(crate) const fn is_no_content(error: &hpipe_store::Error) -> bool {
    use hpipe_store::Error as Store;
    matches!(
        error,
        Store::DanglingLink { .. }
            | Store::LinkCycle { .. }
            | Store::NotContent { .. }
            | Store::TooDeep { .. }
    )
}

/// Locks what threads share; a thread that panicked leaves a map that is whole.
fn hold<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program that executes the commands of a stage, with its arguments, if the stage names one.
fn shell(stage: &StageSpec) -> Option<Vec<String>> {
    let shell = stage.execution().shell.as_ref()?;
    let program = std::iter::once(&shell.program);
    Some(program.chain(&shell.arguments).cloned().collect())
}

fn outs(stage: &StageSpec) -> Vec<OutInput> {
    let input = |out: &hpipe_spec::Out| OutInput {
        path: out.path.clone(),
        role: out.role.as_ref().map(|role| role.name.clone()),
        kind: out.kind,
        persist: out.persist,
    };
    stage.outs.iter().map(input).collect()
}

fn missing_param_file(stage: &StageSpec, param: &Param) -> Diagnostic {
    let message = format!(
        "stage `{}` reads params from `{}`, which does not exist",
        stage.name, param.file
    );
    Diagnostic::error(Code::BadParamFile, message)
        .at(param.span, "read here")
        .help("make it, or name the file that holds the params")
}

/// Whether a file cannot be read because of what it is, not because of the machine.
fn is_no_text(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory
    )
}

/// Says what lies at `path` in place of a params file.
fn no_param_file(stage: &StageSpec, param: &Param, path: &Path) -> Diagnostic {
    let bytes = std::fs::read(path).ok();
    let valid = bytes.as_deref().and_then(|bytes| {
        let error = std::str::from_utf8(bytes).err()?;
        bytes.get(..error.valid_up_to())
    });
    let (what, help) = match valid {
        Some(valid) => {
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            let what = format!("is not UTF-8 in line {line}");
            (what, "save it in the encoding UTF-8")
        }
        None => ("is a folder".to_owned(), "name a file"),
    };
    let message = format!(
        "stage `{}` reads params from `{}`, which {what}",
        stage.name, param.file
    );
    Diagnostic::error(Code::BadParamFile, message)
        .at(param.span, "read here")
        .help(help)
}

fn missing_param(
    stage: &StageSpec,
    param: &Param,
    name: &str,
    span: hpipe_core::Span,
    file: &ParamFile,
) -> Diagnostic {
    let message = format!(
        "stage `{}` reads the param `{name}`, which `{}` does not have",
        stage.name, param.file
    );
    let fault = Diagnostic::error(Code::MissingParam, message).at(span, "not found");
    match file.nearest(name) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("add `{name}` to `{}`", param.file)),
    }
}
