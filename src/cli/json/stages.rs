//! `stage list --json`: what each stage reads and makes, in the file's order.

use hpipe_core::ProjectPath;
use hpipe_spec::{Action, OutKind, StageSpec};
use serde::Serialize;

use super::{VERSION, line};

#[derive(Serialize)]
struct Stages<'a> {
    v: u32,
    stages: Vec<Stage<'a>>,
}

#[derive(Serialize)]
struct Stage<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    desc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<&'a str>,
    wdir: &'a str,
    deps: Vec<&'a str>,
    params: Vec<Params<'a>>,
    outs: Vec<&'a str>,
    metrics: Vec<&'a str>,
    plots: Vec<&'a str>,
    frozen: bool,
    always_changed: bool,
}

#[derive(Serialize)]
struct Params<'a> {
    file: &'a str,
    /// Null for the whole file.
    keys: Option<Vec<&'a str>>,
}

/// Encodes what `stage list --json` prints.
pub(crate) fn stage_list(stages: &[&StageSpec]) -> String {
    line(&Stages {
        v: VERSION,
        stages: stages.iter().map(|stage| Stage::from(*stage)).collect(),
    })
}

impl<'a> From<&'a StageSpec> for Stage<'a> {
    fn from(stage: &'a StageSpec) -> Self {
        let (cmd, uses) = match &stage.action {
            Action::Command(scripts) => (
                Some(scripts.iter().map(|script| script.text.as_str()).collect()),
                None,
            ),
            Action::Builtin { name, .. } => (None, Some(name.as_str())),
        };
        let outs = |kind: OutKind| {
            let outs = stage.outs.iter().filter(move |out| out.kind == kind);
            outs.map(|out| out.path.as_str()).collect()
        };
        Self {
            name: stage.name.as_str(),
            desc: stage.desc.as_deref(),
            cmd,
            uses,
            wdir: path(&stage.wdir),
            deps: stage.deps.iter().map(|dep| path(&dep.path)).collect(),
            params: stage.params.iter().map(Params::from).collect(),
            outs: outs(OutKind::Out),
            metrics: outs(OutKind::Metric),
            plots: outs(OutKind::Plot),
            frozen: stage.frozen,
            always_changed: stage.always_changed,
        }
    }
}

impl<'a> From<&'a hpipe_spec::Param> for Params<'a> {
    fn from(param: &'a hpipe_spec::Param) -> Self {
        let keys = param.keys.as_ref();
        Self {
            file: path(&param.file),
            keys: keys.map(|keys| keys.iter().map(|(key, _)| key.as_str()).collect()),
        }
    }
}

/// A path relative to the root; the root is `.`.
fn path(path: &ProjectPath) -> &str {
    match path.as_str() {
        "" => ".",
        path => path,
    }
}
