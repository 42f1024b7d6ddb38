//! A checked pipeline: what `pipeline.yaml` says after interpolation and expansion.
//!
//! Every part keeps the span it came from, so that a fault found later (a dep that does not exist, a cycle) still points
//! at the line. Paths are relative to the project root whatever `wdir` and folder they were written in.

use hpipe_core::{Mapping, ProjectPath, Span, StageName, Value};

/// The stages of one pipeline file, expanded, in the file's order.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// The stages; `foreach` and `matrix` are expanded to one stage an item.
    pub stages: Vec<StageSpec>,
    /// Files whose text decided what the pipeline says: itself, `vars` files, and the default params file if anything
    /// is interpolated. One that was looked for and does not exist is among them, for it would matter if it did.
    pub read: Vec<ProjectPath>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct StageSpec {
    /// Its name, `group@item` for an instance.
    pub name: StageName,
    /// Its key under `stages:`.
    pub span: Span,
    /// What it executes.
    pub action: Action,
    /// Where its commands run.
    pub wdir: ProjectPath,
    /// Where `wdir:` is written; the stage's key if it is not.
    pub wdir_span: Span,
    /// What it reads.
    pub deps: Vec<Dep>,
    /// The params it reads.
    pub params: Vec<Param>,
    /// What it makes: outs, metrics and plots.
    pub outs: Vec<Out>,
    /// Environment it declares.
    pub env: Vec<EnvVar>,
    /// Never executed, its outs taken as they are.
    pub frozen: bool,
    /// Executed each time.
    pub always_changed: bool,
    /// What it is for.
    pub desc: Option<String>,
}

/// What a stage executes.
#[derive(Debug, Clone)]
pub enum Action {
    /// Shell commands, one after the other; stops at the first that fails.
    Command(Vec<Script>),
    /// A built-in stage.
    Builtin {
        /// The word after `uses:`.
        name: String,
        /// Where it is written.
        span: Span,
        /// Its options; empty when there is no `with:`.
        with: Mapping,
        /// Where each option is written, by dotted path; the path `""` is the section (or `uses:` if there is none). What
        /// an interpolation put there is written where its value is: in `vars:`, a params file, or `foreach:`.
        with_spans: Vec<(String, Span)>,
        /// The `${…}` of each option that an interpolation put there, by dotted path.
        with_uses: Vec<(String, Span)>,
    },
}

/// One item of `cmd:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The text given to the shell.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// A dep.
#[derive(Debug, Clone)]
pub struct Dep {
    /// What is read.
    pub path: ProjectPath,
    /// The role it fills for a built-in stage; none for a command's.
    pub role: Option<Role>,
    /// Where it is written.
    pub span: Span,
}

/// A role in a mapping `deps:` or `outs:` of a built-in stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The key.
    pub name: String,
    /// Where it is written.
    pub span: Span,
}

/// Params read from one file.
#[derive(Debug, Clone)]
pub struct Param {
    /// The params file.
    pub file: ProjectPath,
    /// Dotted names; none means the whole file.
    pub keys: Option<Vec<(String, Span)>>,
    /// Where the file is written, or the first key of the default file.
    pub span: Span,
}

/// An out.
#[derive(Debug, Clone)]
pub struct Out {
    /// What is made.
    pub path: ProjectPath,
    /// The role it fills for a built-in stage; none for a command's.
    pub role: Option<Role>,
    /// Which section it stands in.
    pub kind: OutKind,
    /// Kept in the cache; `cache: false` turns it off.
    pub cache: bool,
    /// Left in place before an execution.
    pub persist: bool,
    /// Where it is written.
    pub span: Span,
    /// Plot keys and other descriptive flags as written; none of them is part of the stage key.
    pub notes: Mapping,
}

/// Which section an out stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutKind {
    /// `outs:`
    Out,
    /// `metrics:`
    Metric,
    /// `plots:`
    Plot,
}

impl OutKind {
    /// The section's key.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Out => "outs",
            Self::Metric => "metrics",
            Self::Plot => "plots",
        }
    }
}

/// A declared environment variable.
#[derive(Debug, Clone)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// The value to set; none passes the value hpipe itself has.
    pub value: Option<String>,
    /// Where it is written.
    pub span: Span,
}

impl StageSpec {
    /// The value of an option of a built-in stage, by dotted path.
    pub fn option(&self, path: &str) -> Option<&Value> {
        match &self.action {
            Action::Builtin { with, .. } => {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                with.get(head)?.lookup(rest)
            }
            Action::Command(_) => None,
        }
    }
}
