//! Replicas: the project with other params, brought up to date beside itself.
//!
//! A [`Replica`] is a copy of what the project's stages read (`sources`), in a folder below the cache that goes with it.
//! It shares the project's cache, so what is the same as in the project, or in another replica, is restored and not
//! executed; and what a replica executes is known to all from then on, for the stage key says nothing of where. A trial
//! whose results the run cache knows from end to end needs no replica at all ([`Known`]).
//!
//! A replica serves one trial after the other: between two of them the outs stay, as they do in the project between two
//! `repro`, so that what did not change is up to date. Outs declared `persist` are those of the project for every trial.
//!
//! Does not know what is searched, nor what the measured file says.

mod known;
mod recorder;
mod sources;

use std::sync::Arc;

use hpipe_core::{Code, Diagnostic, EventSink, ProjectPath, StageFailure, StageName};
use hpipe_store::Store;

use crate::budget::{self, Budget, Part};
use crate::observer::Observing;
use crate::plan::{Plan, Selection};
use crate::repro::{ReproOptions, repro};
use crate::setup::Setup;
use crate::workspace::Workspace;
use crate::{Cancellation, Error};
pub use known::Known;
use recorder::Recorder;
use sources::Sources;

/// A copy of a project in which stages execute with other params.
pub struct Replica<'a> {
    origin: &'a Workspace,
    store: Arc<Store>,
    setup: Arc<Setup>,
    selection: Selection,
    /// What an execution may read of the one before: the project's own is put back for each trial.
    persistent: Vec<ProjectPath>,
}

/// What one trial is.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'t> {
    /// Params files and the text each shall have; the same files in every trial.
    pub files: &'t [(ProjectPath, String)],
    /// The file that a stage makes and whose text is wanted.
    pub measured: &'t ProjectPath,
    /// How many of its stages work at once; also the number of threads built-in stages share.
    pub jobs: usize,
    /// Who is told of its executions, if somebody is.
    pub observing: Option<&'t Observing>,
}

/// How a trial ended.
#[derive(Debug, Clone)]
pub struct TrialEnd {
    /// The stages that executed; all others were restored, or had not to be looked at.
    pub executed: Vec<StageName>,
    /// The text of the measured file, or why there is none.
    pub result: Result<String, TrialFailure>,
}

/// Why a trial has no result.
#[derive(Debug, Clone)]
pub enum TrialFailure {
    /// A stage failed.
    Stage(StageName, StageFailure),
    /// The pipeline cannot be executed with these params, or did not make the measured file: one lowercase fragment.
    Pipeline(String),
    /// The user asked to stop.
    Interrupted,
}

impl<'a> Replica<'a> {
    /// Copies what the selected stages of `origin` read: what git does not ignore, what the pipeline names and no stage
    /// makes, and the paths in `also`. Python's virtual environments are linked, not copied. What executes in it has `part` of
    /// the machine: see [`parts`].
    ///
    /// # Errors
    /// [`Error::Invalid`] when stages reach out of the project, where copies would share what they write or miss what
    /// they read; [`Error::Read`] and [`Error::Store`] when the disk refuses.
    pub fn new(
        origin: &'a Workspace,
        selection: &Selection,
        also: &[ProjectPath],
        part: Part,
    ) -> Result<Self, Error> {
        let plan = origin.plan(selection)?;
        let faults = reaching_out(origin, &plan);
        if !faults.is_empty() {
            return Err(Error::invalid(faults, origin.sources()));
        }
        let sources = Sources::of(origin, &plan, also)?;
        let store = origin.store().replica()?;
        for path in &sources.copied {
            store.copy_from(origin.store(), path)?;
        }
        for path in &sources.linked {
            store.link_to(origin.store(), path)?;
        }
        let mut setup = origin.setup().clone();
        setup.share = part.share(&whole(origin, part.of));
        Ok(Self {
            origin,
            store: store.into(),
            setup: setup.into(),
            selection: selection.clone(),
            persistent: sources.persistent,
        })
    }

    /// Gives the files their text, makes the stages up to date and reads what they measured.
    ///
    /// # Errors
    /// When the machine refuses. A failed stage, and params with which the pipeline is at fault, are an end of the trial.
    pub fn perform(
        &self,
        trial: &Trial<'_>,
        sink: &dyn EventSink,
        cancellation: &Cancellation,
    ) -> Result<TrialEnd, Error> {
        let recorder = Recorder::new(sink);
        let result = match self.attempt(trial, &recorder, cancellation) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(self.failure(trial, &recorder, cancellation)),
            Err(Error::Invalid { diagnostics, .. }) => {
                let messages: Vec<_> = diagnostics.into_iter().map(|fault| fault.message).collect();
                Err(TrialFailure::Pipeline(messages.join("; ")))
            }
            Err(other) => return Err(other),
        };
        Ok(TrialEnd {
            executed: recorder.executed(),
            result,
        })
    }

    /// The text of the measured file; none when there is none, which the recorder or nobody can explain.
    fn attempt(
        &self,
        trial: &Trial<'_>,
        recorder: &Recorder<'_>,
        cancellation: &Cancellation,
    ) -> Result<Option<String>, Error> {
        for (file, text) in trial.files {
            self.store.create_parent(file)?;
            self.store.write_file(file, text.as_bytes())?;
        }
        let workspace = self
            .origin
            .open_copy(self.store.clone(), self.setup.clone())?;
        for path in &self.persistent {
            self.store.remove(path)?;
        }
        for path in sources::below(self.origin, &self.persistent)? {
            self.store.copy_from(self.origin.store(), &path)?;
        }
        let options = ReproOptions {
            selection: self.selection.clone(),
            jobs: trial.jobs,
            observing: trial.observing.cloned(),
            ..ReproOptions::default()
        };
        let summary = repro(&workspace, &options, recorder, cancellation)?;
        match summary.failed + summary.blocked + summary.not_started {
            0 => workspace.read_text(trial.measured),
            _ => Ok(None),
        }
    }

    fn failure(
        &self,
        trial: &Trial<'_>,
        recorder: &Recorder<'_>,
        cancellation: &Cancellation,
    ) -> TrialFailure {
        match recorder.failure() {
            _ if cancellation.is_requested() => TrialFailure::Interrupted,
            Some((stage, failure)) => TrialFailure::Stage(stage, failure),
            None => TrialFailure::Pipeline(format!("no stage made {}", trial.measured)),
        }
    }
}

/// How many replicas, at most `wanted`, can work beside each other so that each selected stage fits into the part of the
/// machine that every one of them has; and, where that is fewer, the stage that asks for so much.
///
/// # Errors
/// [`Error::Invalid`] when a target is none.
pub fn parts(
    workspace: &Workspace,
    selection: &Selection,
    wanted: usize,
) -> Result<(usize, Option<StageName>), Error> {
    let plan = workspace.plan(selection)?;
    let stages = plan.order.iter().map(|index| workspace.stage(*index));
    let (parts, stage) = budget::parts(&whole(workspace, wanted), stages, wanted);
    Ok((parts, stage.map(|stage| stage.name.clone())))
}

/// What the machine has for so many replicas.
fn whole(workspace: &Workspace, replicas: usize) -> Budget {
    let pools = &workspace.pipeline().pools;
    let machine = Budget::of_machine(replicas, pools, workspace.environment());
    machine.sharing(&workspace.setup().share)
}

/// Stages that replicas cannot execute beside each other, because they write or read by paths that lead out of the
/// project. Absolute paths of deps are fine: they lead to the same place from everywhere.
fn reaching_out(workspace: &Workspace, plan: &Plan) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for index in &plan.order {
        let stage = workspace.stage(*index);
        let mut refuse = |path: &ProjectPath, span, does: &str, help: &str| {
            let message = format!(
                "stage `{}` {does} `{path}`, outside of the project, so it cannot execute in a copy of it",
                stage.name
            );
            let fault = Diagnostic::error(Code::OutsideProject, message).at(span, "");
            faults.push(fault.help(help));
        };
        for out in stage.outs.iter().filter(|out| out.path.is_outside()) {
            refuse(&out.path, out.span, "makes", "make it inside the project");
        }
        let is_relative = |path: &ProjectPath| path.is_outside() && !path.as_str().starts_with('/');
        for dep in stage.deps.iter().filter(|dep| is_relative(&dep.path)) {
            let help = "write the absolute path, or put it inside the project";
            refuse(&dep.path, dep.span, "reads", help);
        }
        if stage.wdir.is_outside() {
            let help = "name a folder of the project after `wdir:`";
            refuse(&stage.wdir, stage.wdir_span, "executes in", help);
        }
    }
    faults
}
