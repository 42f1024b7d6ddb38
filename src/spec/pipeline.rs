//! A checked pipeline: what `pipeline.yaml` says after interpolation and expansion.
//!
//! Every part keeps the span it came from, so that a fault found later (a dep that does not exist, a cycle) still points
//! at the line. Paths are relative to the project root whatever `wdir` and folder they were written in.

use std::collections::HashSet;

use hpipe_core::{Mapping, ProjectPath, Span, StageName, Value};

use crate::beside::{Artifact, Dataset};
use crate::execution::{Execution, Pool};

/// The stages of one pipeline file, expanded, in the file's order.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// The stages; `foreach` and `matrix` are expanded to one stage an item.
    pub stages: Vec<StageSpec>,
    /// Stages that do not exist because their `when:` does not hold, with their keys under `stages:`.
    pub absent: Vec<(StageName, Span)>,
    /// Metrics files that are declared beside the stages, with the place of each.
    pub metrics: Vec<(ProjectPath, Span)>,
    /// Params files that are declared beside the stages, with the place of each.
    pub params: Vec<(ProjectPath, Span)>,
    /// Plots that are declared beside the stages.
    pub plots: Vec<PlotSpec>,
    /// Artifacts that are declared beside the stages.
    pub artifacts: Vec<Artifact>,
    /// Data sets that are declared beside the stages.
    pub datasets: Vec<Dataset>,
    /// Pools that are declared beside the stages.
    pub pools: Vec<Pool>,
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
    /// Executed each time: it says so, or is a command without deps, params and outs.
    pub always_changed: bool,
    /// How it is executed; none if it says nothing of that. Read it with [`StageSpec::execution`].
    pub execution: Option<Box<Execution>>,
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
    /// How it is drawn, once or in several ways; empty but for [`OutKind::Plot`].
    pub plots: Vec<PlotSpec>,
}

/// A plot: which columns of which files are drawn, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotSpec {
    /// What it is called: the file or folder it draws, or a name where `y` says which files.
    pub id: String,
    /// Where it is written; none for one that no file declares.
    pub span: Option<Span>,
    /// What is drawn upwards.
    pub y: Vec<PlotColumns>,
    /// What is drawn to the right.
    pub x: PlotX,
    /// What stands above; the id if it is not said.
    pub title: Option<String>,
    /// What stands along x; the column's name if it is not said.
    pub x_label: Option<String>,
    /// What stands along y; the column's name, if it is only one, where it is not said.
    pub y_label: Option<String>,
    /// The kind of plot: `linear`, `scatter`, ….
    pub template: Option<String>,
    /// Whether the first line of a table names its columns; else they are called `0`, `1`, ….
    pub header: bool,
}

/// Columns of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotColumns {
    /// The file, or a folder of files.
    pub file: ProjectPath,
    /// Their names; none named means the last column.
    pub columns: Vec<String>,
}

/// What is drawn to the right.
#[derive(Debug, Clone, PartialEq)]
pub enum PlotX {
    /// The number of the row, from 0.
    Row,
    /// This column of the file that y comes from.
    Column(String),
    /// These columns: one for all of y, or one for each.
    OfFiles(Vec<(ProjectPath, String)>),
}

impl PlotSpec {
    /// The last column of `file` over the number of the row.
    pub fn plain(id: String, file: ProjectPath, span: Option<Span>) -> Self {
        let columns = Vec::new();
        Self {
            id,
            span,
            y: vec![PlotColumns { file, columns }],
            x: PlotX::Row,
            title: None,
            x_label: None,
            y_label: None,
            template: None,
            header: true,
        }
    }

    /// Whether it says nothing but what is drawn.
    pub fn is_plain(&self) -> bool {
        let columns = self.y.iter().flat_map(|drawn| &drawn.columns);
        let texts = [&self.title, &self.x_label, &self.y_label, &self.template];
        self.x == PlotX::Row
            && self.header
            && columns.count() == 0
            && texts.iter().all(|text| text.is_none())
    }
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

impl Pipeline {
    /// Every metrics file, those that stages make first; each once.
    pub fn metrics_files(&self) -> Vec<ProjectPath> {
        let outs = self.stages.iter().flat_map(|stage| &stage.outs);
        let made = outs
            .filter(|out| out.kind == OutKind::Metric)
            .map(|out| &out.path);
        let declared = self.metrics.iter().map(|(path, _)| path);
        let mut seen = HashSet::new();
        made.chain(declared)
            .filter(|path| seen.insert(*path))
            .cloned()
            .collect()
    }

    /// Every params file, once: those of stages, then those declared beside them.
    pub fn params_files(&self) -> Vec<ProjectPath> {
        let read = self.stages.iter().flat_map(|stage| &stage.params);
        let read = read.map(|param| &param.file);
        let declared = self.params.iter().map(|(path, _)| path);
        let mut seen = HashSet::new();
        read.chain(declared)
            .filter(|path| seen.insert(*path))
            .cloned()
            .collect()
    }

    /// Every plot: those declared beside the stages, then those that stages make. One that a stage makes and says nothing
    /// of is left out where a declared one draws the same file.
    pub fn all_plots(&self) -> Vec<&PlotSpec> {
        let declared: HashSet<&str> = self.plots.iter().map(|plot| plot.id.as_str()).collect();
        let outs = self.stages.iter().flat_map(|stage| &stage.outs);
        let made = outs.flat_map(|out| &out.plots);
        let made = made.filter(|plot| !(plot.is_plain() && declared.contains(plot.id.as_str())));
        self.plots.iter().chain(made).collect()
    }
}

impl StageSpec {
    /// How it is executed.
    pub fn execution(&self) -> &Execution {
        static PLAIN: Execution = Execution::PLAIN;
        self.execution.as_deref().unwrap_or(&PLAIN)
    }

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
