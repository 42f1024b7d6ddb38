//! What would be done, without doing it: `repro --dry`, `status` and `why`.
//!
//! The same walk as `repro`, stopped after each decision. A stage that would be restored counts as restored for those
//! that need it, for its outs are known; a stage that would execute leaves its dependents undecided, unless they have
//! reasons of their own.

use hpipe_core::{Diagnostic, Outcome, ProjectPath, Reason, ReasonKind, Severity, Sources};
use hpipe_store::{LockFile, LockOut};
use std::sync::Arc;

use crate::Error;
use crate::checkout::suppose_thawed;
use crate::data::suppose_back;
use crate::decide::{Decision, Evidence, Known};
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::location::Location;
use crate::plan::{Plan, Selection};
use crate::repro::ReproOptions;
use crate::workspace::Workspace;

/// What a survey supposes `repro` is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supposed {
    /// Every stage is to execute.
    pub(crate) forced: bool,
    /// So is whatever needs a stage that would work.
    pub(crate) force_downstream: bool,
    /// Whether the run cache may answer.
    pub(crate) run_cache: bool,
}

impl Supposed {
    pub(crate) const fn of(options: &ReproOptions) -> Self {
        Self {
            forced: options.force,
            force_downstream: options.force_downstream,
            run_cache: options.run_cache,
        }
    }
}

/// What is known of one stage without executing anything.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// Which stage.
    pub stage: StageIndex,
    /// What `repro` would do: [`Outcome::UpToDate`], [`Outcome::Frozen`], [`Outcome::WouldRun`],
    /// [`Outcome::WouldRestore`] or [`Outcome::MayRun`].
    pub outcome: Outcome,
    /// Why it is not up to date.
    pub reasons: Vec<Reason>,
    /// The stage key, where every input is known.
    pub key: Option<hpipe_core::Digest>,
    /// Each dep with its content and the stage that makes it.
    pub deps: Vec<SurveyedDep>,
    /// What keeps it from being decided about: `repro` would refuse it.
    pub faults: Option<InputFaults>,
}

/// What is wrong with inputs of a stage, as warnings: it concerns those alone who need the stage.
#[derive(Debug, Clone)]
pub struct InputFaults {
    /// A missing param, a params file that cannot be read.
    pub diagnostics: Vec<Diagnostic>,
    /// What their places point into.
    pub sources: Sources,
}

/// A dep as [`survey`] found it.
#[derive(Debug, Clone)]
pub struct SurveyedDep {
    /// The path.
    pub path: ProjectPath,
    /// What lies there; none when nothing does.
    pub content: Option<hpipe_core::Content>,
    /// The stage that makes it; none for a source file.
    pub made_by: Option<StageIndex>,
}

/// Surveys the selected stages, in the order they would execute.
///
/// # Errors
/// [`Error::Invalid`] when a target or the pipeline is faulty, [`Error::Store`] when the disk refuses.
pub fn survey(
    workspace: &Workspace,
    selection: &Selection,
    forced: bool,
) -> Result<Vec<Surveyed>, Error> {
    let inputs = Inputs::fresh(workspace);
    let supposed = Supposed {
        forced,
        force_downstream: false,
        run_cache: true,
    };
    survey_with(workspace, selection, supposed, &inputs)
}

/// As [`survey`], with what is known of the inputs already.
pub(crate) fn survey_with(
    workspace: &Workspace,
    selection: &Selection,
    supposed: Supposed,
    inputs: &Inputs<'_>,
) -> Result<Vec<Surveyed>, Error> {
    let plan = workspace.plan(selection)?;
    suppose_thawed(inputs, workspace, &plan)?;
    suppose_back(inputs, workspace, &plan)?;
    let lock = workspace.read_lock()?;
    let mut survey = Survey {
        workspace,
        inputs,
        lock: &lock,
        supposed,
        restored: vec![false; workspace.pipeline().stages.len()],
        pending: vec![false; workspace.pipeline().stages.len()],
    };
    inputs.look_ahead(&workspace.paths_of(&plan.order))?;
    plan.order
        .iter()
        .map(|stage| survey.look_at(*stage))
        .collect()
}

struct Survey<'a> {
    workspace: &'a Workspace,
    inputs: &'a Inputs<'a>,
    lock: &'a LockFile,
    supposed: Supposed,
    /// Stages that would be restored.
    restored: Vec<bool>,
    /// Stages whose outs are not known before they executed.
    pending: Vec<bool>,
}

impl Survey<'_> {
    fn look_at(&mut self, index: StageIndex) -> Result<Surveyed, Error> {
        let stage = self.workspace.stage(index);
        if stage.frozen {
            return self.frozen(index);
        }
        let is_new = !self.lock.stages.contains_key(&stage.name);
        let upstream = self.upstream(index);
        let decision = match self.decide(index) {
            // What a stage upstream will make may mend it.
            Err(Error::Invalid { .. }) if !upstream.is_empty() => Decision::Missing(Vec::new()),
            Err(Error::Invalid {
                diagnostics,
                sources,
            }) => return self.unfit(index, diagnostics, *sources),
            decided => decided?,
        };
        if !upstream.is_empty() {
            return self.undecided(index, decision, is_new, upstream);
        }
        match decision {
            Decision::UpToDate(known) => {
                self.surveyed(index, Outcome::UpToDate, Vec::new(), Some(known))
            }
            Decision::Restore(known, outs, reasons) => {
                for out in outs {
                    self.inputs.made(&out.path, Some(out.content));
                }
                self.restored[index.index()] = true;
                self.surveyed(index, Outcome::WouldRestore, reasons, Some(known))
            }
            Decision::Run(known, reasons) => {
                self.pending[index.index()] = true;
                self.surveyed(index, Outcome::WouldRun, reasons, Some(known))
            }
            Decision::Missing(reasons) => {
                self.pending[index.index()] = true;
                self.surveyed(index, Outcome::WouldRun, reasons, None)
            }
        }
    }

    fn decide(&self, index: StageIndex) -> Result<Decision, Error> {
        let stage = self.workspace.stage(index);
        let mut needs = self.workspace.graph().needs(index);
        let is_below = needs.any(|need| self.restored[need.index()]);
        let evidence = Evidence {
            store: self.workspace.store(),
            inputs: self.inputs,
            recorded: self.lock.entry(&stage.name),
            forced: self.supposed.forced || self.supposed.force_downstream && is_below,
            run_cache: self.supposed.run_cache,
        };
        evidence.decide(stage)
    }

    /// A stage whose params cannot be read: it is not up to date, and nobody knows more.
    fn unfit(
        &mut self,
        index: StageIndex,
        mut diagnostics: Vec<Diagnostic>,
        sources: Sources,
    ) -> Result<Surveyed, Error> {
        self.pending[index.index()] = true;
        let stage = self.workspace.stage(index);
        let mut reasons = Vec::new();
        for param in &stage.params {
            let file = param.file.as_str();
            match self.inputs.param_faults(stage, param) {
                Ok(faults) if faults.is_empty() => {}
                Ok(_) if self.inputs.content(&param.file)?.is_none() => {
                    let kind = ReasonKind::DepMissing;
                    reasons.push(Reason::unread_params(kind, file, "does not exist"));
                }
                Ok(_) => reasons.push(Reason::about(ReasonKind::ParamRemoved, file)),
                Err(Error::Invalid { .. }) => {
                    let kind = ReasonKind::ParamRemoved;
                    reasons.push(Reason::unread_params(kind, file, "cannot be read"));
                }
                Err(error) => return Err(error),
            }
        }
        for fault in &mut diagnostics {
            fault.severity = Severity::Warning;
        }
        Ok(Surveyed {
            faults: Some(InputFaults {
                diagnostics,
                sources,
            }),
            ..self.surveyed(index, Outcome::WouldRun, reasons, None)?
        })
    }

    /// A frozen stage, with the reasons it would have to work. A fault in its inputs stops nobody while it is frozen.
    fn frozen(&self, index: StageIndex) -> Result<Surveyed, Error> {
        let reasons = match self.decide(index) {
            Ok(decision) => decision.into_reasons(),
            Err(Error::Invalid { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.surveyed(index, Outcome::Frozen, reasons, None)
    }

    /// A stage that needs one that would execute: it may execute too, and surely will if it has reasons of its own.
    fn undecided(
        &mut self,
        index: StageIndex,
        decision: Decision,
        is_new: bool,
        upstream: Vec<Reason>,
    ) -> Result<Surveyed, Error> {
        self.pending[index.index()] = true;
        let mut own = decision.into_reasons();
        own.retain(|reason| is_own(reason.kind));
        if own.is_empty() && is_new {
            own.push(Reason::plain(ReasonKind::New));
        }
        let outcome = if own.is_empty() {
            Outcome::MayRun
        } else {
            Outcome::WouldRun
        };
        own.extend(upstream);
        self.surveyed(index, outcome, own, None)
    }

    fn upstream(&self, index: StageIndex) -> Vec<Reason> {
        let mut pending: Vec<_> = self
            .workspace
            .graph()
            .needs(index)
            .filter(|need| self.pending[need.index()])
            .collect();
        pending.sort();
        let name = |stage: StageIndex| self.workspace.stage(stage).name.as_str();
        pending
            .into_iter()
            .map(|stage| Reason::about(ReasonKind::Upstream, name(stage)))
            .collect()
    }

    fn surveyed(
        &self,
        stage: StageIndex,
        outcome: Outcome,
        reasons: Vec<Reason>,
        known: Option<Known>,
    ) -> Result<Surveyed, Error> {
        let deps = self.workspace.stage(stage).deps.iter().map(|dep| {
            Ok(SurveyedDep {
                path: dep.path.clone(),
                content: self.inputs.content(&dep.path)?,
                made_by: self.workspace.graph().makers(&dep.path).next(),
            })
        });
        let deps = deps.collect::<Result<_, Error>>()?;
        Ok(Surveyed {
            stage,
            outcome,
            reasons,
            key: known.map(|known| known.key),
            deps,
            faults: None,
        })
    }
}

/// Whether a reason holds whatever the upstream stages will make.
const fn is_own(kind: ReasonKind) -> bool {
    !matches!(
        kind,
        ReasonKind::DepChanged
            | ReasonKind::DepMissing
            | ReasonKind::OutChanged
            | ReasonKind::OutMissing
            | ReasonKind::Upstream
    )
}

impl Location {
    /// What these targets mean from the folder that the user is in.
    pub fn chosen(&self, targets: &[String]) -> Selection {
        Selection {
            targets: targets
                .iter()
                .map(|target| self.as_target(target))
                .collect(),
            folder: Some(self.folder.clone()),
            of_root: self.is_named,
            ..Selection::default()
        }
    }
}

impl Workspace {
    /// What these targets mean from the folder that the user is in.
    pub fn chosen(&self, targets: &[String]) -> Selection {
        self.location().chosen(targets)
    }

    /// The stages `selection` is about, in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a target names nothing, or needs a pipeline file that has faults.
    pub fn plan(&self, selection: &Selection) -> Result<Plan, Error> {
        let plan = Plan::new(self.pipeline(), self.graph(), self.files(), selection);
        let plan = plan.map_err(|faults| Error::invalid(faults, self.sources()))?;
        match self.needed_of_broken(&plan) {
            faults if faults.is_empty() => Ok(plan),
            faults => Err(Error::invalid(faults, self.sources())),
        }
    }

    /// The faults of pipeline files that are left out, but whose stages made what a planned stage needs, as far as their
    /// lock files tell.
    fn needed_of_broken(&self, plan: &Plan) -> Vec<Diagnostic> {
        let broken = self.files().iter().filter(|file| file.is_broken());
        let mut faults = Vec::new();
        for file in broken {
            // One that cannot be read tells nothing.
            let lock = self.store().read_lock(&file.lock_file());
            let entries = lock.into_iter().flat_map(|lock| lock.stages.into_values());
            let outs: Vec<_> = entries
                .flat_map(|entry| Arc::unwrap_or_clone(entry).outs)
                .collect();
            let makes = |path: &ProjectPath| {
                let is_of = |out: &LockOut| path.is_within(&out.path) || out.path.is_within(path);
                self.graph().makers(path).next().is_none() && outs.iter().any(is_of)
            };
            let stages = plan.order.iter().map(|index| self.stage(*index));
            let mut needed = stages.flat_map(|stage| {
                let params = stage.params.iter().map(|param| &param.file);
                stage.deps.iter().map(|dep| &dep.path).chain(params)
            });
            if needed.any(makes) {
                faults.extend(file.faults.iter().cloned());
            }
        }
        faults
    }

    /// Every path a decision about these stages looks at, once.
    pub(crate) fn paths_of(&self, stages: &[StageIndex]) -> Vec<&ProjectPath> {
        let stages = stages.iter().map(|index| self.stage(*index));
        let mut paths: Vec<_> = stages
            .flat_map(|stage| {
                stage
                    .deps
                    .iter()
                    .map(|dep| &dep.path)
                    .chain(stage.outs.iter().map(|out| &out.path))
            })
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}
