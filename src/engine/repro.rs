//! Makes stages up to date, or says what would be done.
//!
//! The work is that of a loop ([`driver`]) on the calling thread: it decides, starts what must work, and publishes results.
//! Commands are children that an executor watches; built-in stages and whatever takes long have threads of their own
//! ([`crew`]). What built-ins do in parallel is done by rayon's threads, as many as there are jobs, so parallel trainings
//! divide the cores among them.

mod crew;
mod driver;
mod locks;
mod observe;
mod overtaken;
mod post;
mod publish;
mod recall;
mod report;
mod retry;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hpipe_core::{Code, Diagnostic, Event, EventSink, Outcome, Reason, StageName, Summary};
use hpipe_store::LockFile;

use crate::alarm::Alarm;
use crate::budget::{self, Budget, Demand};
use crate::checkout::{suppose_recorded, suppose_thawed, thaw};
use crate::data::{bring_back, store_again, suppose_back};
use crate::exec::{MemoUse, Setting};
use crate::graph::StageIndex;
use crate::handing::Handing;
use crate::inputs::Inputs;
use crate::lock_files::LockStamps;
use crate::observer::Observing;
use crate::plan::{Plan, Selection};
use crate::stage_locks::Patience;
use crate::survey::{Supposed, Surveyed, survey_with};
use crate::workspace::Workspace;
use crate::{Cancellation, Error, check};
use crew::Crew;
use driver::{Message, Repro};
use recall::Recall;

/// How `repro` shall go about it.
#[derive(Debug, Clone)]
pub struct ReproOptions {
    /// Which stages.
    pub selection: Selection,
    /// Execute them whatever is known.
    pub force: bool,
    /// After a failure, go on with what does not need the failed stage.
    pub keep_going: bool,
    /// Say what would be done, and do nothing.
    pub dry: bool,
    /// How many stages work at once; also the number of threads built-in stages share.
    pub jobs: usize,
    /// Whether the run cache may answer.
    pub run_cache: bool,
    /// Wait for a stage that another hpipe is executing, instead of failing.
    pub wait: bool,
    /// Store outs in the cache; without, they are recorded and left to `commit`.
    pub commit: bool,
    /// Take outs and data that are not there, but whose digests are recorded, for present.
    pub allow_missing: bool,
    /// A stage, or whatever a target may name: what comes after it in the plan is left alone.
    pub stop_after: Option<String>,
    /// Go on after a failure, also with what needs the failed stage.
    pub ignore_errors: bool,
    /// Execute whatever needs a stage that was executed or restored, even if its own inputs are what they were.
    pub force_downstream: bool,
    /// Asks before each stage that must execute; all do when there is nobody to ask.
    pub confirm: Option<Confirm>,
    /// Who is handed what stages made.
    pub handing: Option<Handing>,
    /// Is told of executions.
    pub observing: Option<Observing>,
}

impl Default for ReproOptions {
    /// Every stage that needs it, as many at once as there are cores; the cache is used and filled.
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            force: false,
            keep_going: false,
            dry: false,
            jobs: budget::cores(),
            run_cache: true,
            wait: true,
            commit: true,
            allow_missing: false,
            stop_after: None,
            ignore_errors: false,
            force_downstream: false,
            confirm: None,
            handing: None,
            observing: None,
        }
    }
}

/// Somebody who is asked whether a stage, for these reasons, shall execute.
#[derive(Clone)]
pub struct Confirm(Arc<Ask>);

type Ask = dyn Fn(&StageName, &[Reason]) -> bool + Send + Sync;

impl Confirm {
    /// Asks `ask`. The loop waits for the answer; what runs meanwhile goes on.
    pub fn new(ask: impl Fn(&StageName, &[Reason]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) fn ask(&self, stage: &StageName, reasons: &[Reason]) -> bool {
        (self.0)(stage, reasons)
    }
}

impl fmt::Debug for Confirm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Confirm")
    }
}

/// Makes the selected stages up to date, or with `dry` says what would be done.
///
/// # Errors
/// [`Error::Invalid`] before anything executes; [`Error::Store`] when the machine refuses, after running stages came to
/// their end; [`Error::Busy`] without `wait`. A failed stage is no error: see [`Summary::failed`].
pub fn repro(
    workspace: &Workspace,
    options: &ReproOptions,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
) -> Result<Summary, Error> {
    if options.dry {
        return rehearse(workspace, options, sink);
    }
    let plan = planned(workspace, options)?;
    let done = perform(
        workspace,
        options,
        Assignment::of(&plan),
        sink,
        cancellation,
    )?;
    Ok(done.summary)
}

/// What came of one of several rounds in a process, and what the next one need not read again.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) summary: Summary,
    /// None when it did not come to begin.
    pub(crate) carried: Option<Carried>,
}

/// What was known at the end of a round.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) lock_file: LockFile,
    /// The state the lock files were in then.
    pub(crate) lock_stamp: LockStamps,
    /// How long stages took, in seconds.
    pub(crate) durations: HashMap<StageName, f64>,
}

fn rehearse(
    workspace: &Workspace,
    options: &ReproOptions,
    sink: &dyn EventSink,
) -> Result<Summary, Error> {
    let began = Instant::now();
    let (inputs, checked) = (Inputs::fresh(workspace), Inputs::fresh(workspace));
    let plan = planned(workspace, options)?;
    suppose_thawed(&checked, workspace, &plan)?;
    suppose_back(&checked, workspace, &plan)?;
    if options.allow_missing {
        suppose_recorded(&inputs, workspace)?;
        suppose_recorded(&checked, workspace)?;
    }
    let mut surveyed = survey_with(
        workspace,
        &options.selection,
        Supposed::of(options),
        &inputs,
    )?;
    if options.stop_after.is_some() {
        surveyed.retain(|one| plan.order.contains(&one.stage));
    }
    let order: Vec<_> = surveyed.iter().map(|one| one.stage).collect();
    let would_run = surveyed
        .iter()
        .filter(|one| one.outcome == Outcome::WouldRun);
    let would_run: Vec<_> = would_run.map(|one| one.stage).collect();
    refuse_unplaceable(workspace, &would_run, &budget_of(workspace, options))?;
    check::check(workspace, &checked, &order, &order)?;
    sink.emit(&plan_event(workspace, &order));
    for text in check::absent_shells(workspace, &order) {
        sink.emit(&Event::Warning { text });
    }
    let mut summary = Summary::default();
    for one in surveyed {
        summary.count(one.outcome);
        sink.emit(&Event::StageFinished {
            stage: workspace.stage(one.stage).name.clone(),
            outcome: one.outcome,
            duration: Duration::ZERO,
            reasons: one.reasons,
            failure: None,
        });
    }
    summary.duration = began.elapsed();
    sink.emit(&Event::Finished(summary));
    Ok(summary)
}

/// What a round is to do.
pub(crate) struct Assignment<'a> {
    /// Which stages.
    pub(crate) plan: &'a Plan,
    /// What the round before carried over, if there was one.
    pub(crate) carried: Option<Carried>,
    /// Who tells of changes meanwhile, if anybody does.
    pub(crate) alarm: Option<&'a Alarm>,
}

impl<'a> Assignment<'a> {
    /// This plan, with nothing known of it.
    pub(crate) const fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            carried: None,
            alarm: None,
        }
    }
}

/// Makes the stages of a plan up to date.
pub(crate) fn perform(
    workspace: &Workspace,
    options: &ReproOptions,
    assignment: Assignment<'_>,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
) -> Result<Round, Error> {
    let Assignment {
        plan,
        carried,
        alarm,
    } = assignment;
    let began = Instant::now();
    let jobs = options.jobs.max(1);
    // The first in a process decides; a pool that is there already serves as well.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build_global();
    let budget = budget_of(workspace, options);
    let demands = demands_of(workspace, options, plan, &budget)?;
    let patience = match options.wait {
        true => Patience::UntilStopped(cancellation, sink),
        false => Patience::None,
    };
    thaw(workspace, plan, patience, sink)?;
    bring_back(workspace, plan, sink)?;
    if options.commit {
        store_again(workspace, plan)?;
    }
    let inputs = Inputs::fresh(workspace);
    let mut recall = Recall::new(workspace, options, plan);
    let open = recall.open();
    inputs.look_ahead(&workspace.paths_of(&open))?;
    if cancellation.is_requested() {
        return Ok(Round {
            summary: nothing_done(workspace, plan, sink, began),
            carried: None,
        });
    }
    if options.allow_missing {
        suppose_recorded(&inputs, workspace)?;
    }
    check::check(workspace, &inputs, &plan.order, &open)?;
    let planned = plan.order.iter().map(|index| workspace.stage(*index));
    let no_sandbox = workspace.setup().sandbox.warning(planned)?;
    sink.emit(&plan_event(workspace, &plan.order));
    if no_sandbox.is_some() || check::names_shell(workspace, &plan.order) {
        recall.leave_no_seal(); // it may be told again, or for the first time
    }
    let shells = check::absent_shells(workspace, &plan.order);
    for text in no_sandbox.into_iter().chain(shells) {
        sink.emit(&Event::Warning { text });
    }

    let (post, mailbox) = post::open().map_err(Error::Wait)?;
    let setting = Setting {
        workspace,
        sink,
        cancellation,
        memo: MemoUse::default(),
        commit: options.commit,
        observer: options.observing.as_ref().map(Observing::observer),
    };
    let wake = post.clone();
    let _listening = cancellation.subscribe(move |urgency| wake.send(Message::Cancelled(urgency)));
    if let Some(alarm) = alarm {
        let tell = post.clone();
        alarm.listen(move |changed| tell.send(Message::Changed(changed)));
    }
    let known = (carried, recall);
    let mut repro = Repro::new(
        setting,
        options,
        &inputs,
        plan,
        known,
        (budget, demands),
        post,
    )?;
    let crew = Crew::new(jobs);
    std::thread::scope(|threads| {
        let _duty = crew.on_duty();
        repro.run(&mailbox, |job| crew.give(threads, job));
    });
    repro.conclude(began)
}

/// What is told when the user wanted to stop before the first stage.
fn nothing_done(
    workspace: &Workspace,
    plan: &Plan,
    sink: &dyn EventSink,
    began: Instant,
) -> Summary {
    let summary = Summary {
        not_started: plan.order.len(),
        duration: began.elapsed(),
        ..Summary::default()
    };
    sink.emit(&plan_event(workspace, &plan.order));
    sink.emit(&Event::Finished(summary));
    summary
}

/// The stages to look at.
pub(crate) fn planned(workspace: &Workspace, options: &ReproOptions) -> Result<Plan, Error> {
    let mut plan = workspace.plan(&options.selection)?;
    if let Some(last) = &options.stop_after {
        let named = Selection {
            single_item: true,
            ..workspace.chosen(std::slice::from_ref(last))
        };
        let named = workspace.plan(&named)?.targets;
        let place = plan.order.iter().rposition(|stage| named.contains(stage));
        let place = place.ok_or_else(|| not_planned(last, workspace))?;
        plan.order.truncate(place + 1);
    }
    Ok(plan)
}

fn not_planned(last: &str, workspace: &Workspace) -> Error {
    let message = format!("`{last}` is none of the stages to be made up to date");
    let fault = Diagnostic::error(Code::UnknownTarget, message);
    let help = "`--stop-after` names one of the targets, or a stage they need";
    Error::invalid(vec![fault.help(help)], workspace.sources())
}

/// What the machine has, after making sure that no stage asks for more.
fn budget_of(workspace: &Workspace, options: &ReproOptions) -> Budget {
    let pools = &workspace.pipeline().pools;
    Budget::of_machine(options.jobs.max(1), pools, workspace.environment())
        .sharing(&workspace.setup().share)
}

fn refuse_unplaceable(
    workspace: &Workspace,
    stages: &[StageIndex],
    budget: &Budget,
) -> Result<(), Error> {
    match budget::unplaceable(workspace, stages, budget) {
        faults if faults.is_empty() => Ok(()),
        faults => Err(Error::invalid(faults, workspace.sources())),
    }
}

/// What the stages take. One that asks for what is not there stops everything if it must execute, or may have to; what it
/// needs no execution for, to be up to date or restored, it can have anywhere.
fn demands_of(
    workspace: &Workspace,
    options: &ReproOptions,
    plan: &Plan,
    budget: &Budget,
) -> Result<HashMap<StageIndex, Demand>, Error> {
    let mut demands = Demand::all(workspace.pipeline());
    if budget::unplaceable(workspace, &plan.order, budget).is_empty() {
        return Ok(demands);
    }
    let inputs = Inputs::fresh(workspace);
    if options.allow_missing {
        suppose_recorded(&inputs, workspace)?;
    }
    let supposed = Supposed::of(options);
    let surveyed = survey_with(workspace, &options.selection, supposed, &inputs)?;
    let executes = |one: &Surveyed| matches!(one.outcome, Outcome::WouldRun | Outcome::MayRun);
    let (working, idle): (Vec<_>, Vec<_>) = surveyed.into_iter().partition(executes);
    let of_plan = |one: &Surveyed| plan.order.contains(&one.stage).then_some(one.stage);
    let working: Vec<_> = working.iter().filter_map(of_plan).collect();
    refuse_unplaceable(workspace, &working, budget)?;
    for one in idle {
        if !budget::unplaceable(workspace, &[one.stage], budget).is_empty() {
            demands.remove(&one.stage);
        }
    }
    Ok(demands)
}

fn plan_event(workspace: &Workspace, order: &[StageIndex]) -> Event {
    Event::Plan {
        stages: order
            .iter()
            .map(|index| workspace.stage(*index).name.clone())
            .collect(),
    }
}
