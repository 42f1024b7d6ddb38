//! Makes stages up to date: decides, starts what must work, publishes results.
//!
//! One loop on the calling thread owns all state; it sleeps on a channel until a worker, a waiter or a cancellation has
//! something to say, so nothing polls. Commands each get a thread that sleeps in `wait`; built-in stages and restoring
//! share one rayon pool of as many threads as there are jobs, so parallel trainings divide the cores among them.
//!
//! A stage that must work is locked first, so that two hpipe processes never execute it at once, and decided about again
//! under the lock: another process may have done the work meanwhile.

mod publish;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hpipe_core::{
    Digest, Event, EventSink, Outcome, ProjectPath, Reason, ReasonKind, StageFailure, StageName,
    Summary,
};
use hpipe_spec::Action;
use hpipe_store::{LockFile, StageLock};

use crate::cancel::Urgency;
use crate::checkout::{suppose_recorded, suppose_thawed, thaw};
use crate::decide::{Decision, Evidence, Known, declared_outs, recorded_outs};
use crate::exec::{Children, MemoUse, Setting, store_again};
use crate::graph::StageIndex;
use crate::inputs::{Gathered, Inputs};
use crate::lock_files::LockStamps;
use crate::plan::{Plan, Selection};
use crate::schedule::Schedule;
use crate::survey::survey_with;
use crate::workspace::Workspace;
use crate::{Cancellation, Error, check};
use publish::Unpublished;
use work::{Done, Task};

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
        rehearse(workspace, options, sink)
    } else {
        perform(workspace, options, sink, cancellation)
    }
}

fn rehearse(
    workspace: &Workspace,
    options: &ReproOptions,
    sink: &dyn EventSink,
) -> Result<Summary, Error> {
    let began = Instant::now();
    let (inputs, checked) = (Inputs::fresh(workspace), Inputs::fresh(workspace));
    let plan = workspace.plan(&options.selection)?;
    suppose_thawed(&checked, workspace, &plan)?;
    if options.allow_missing {
        suppose_recorded(&inputs, workspace)?;
        suppose_recorded(&checked, workspace)?;
    }
    let surveyed = survey_with(workspace, &options.selection, options.force, &inputs)?;
    let order: Vec<_> = surveyed.iter().map(|one| one.stage).collect();
    check::check(workspace, &checked, &order)?;
    sink.emit(&plan_event(workspace, &order));
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

fn perform(
    workspace: &Workspace,
    options: &ReproOptions,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
) -> Result<Summary, Error> {
    let began = Instant::now();
    let jobs = options.jobs.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|source| Error::Threads { jobs, source })?;
    let plan = workspace.plan(&options.selection)?;
    thaw(workspace, &plan, sink)?;
    let inputs = Inputs::fresh(workspace);
    pool.install(|| inputs.look_ahead(&workspace.paths_of(&plan)))?;
    if options.allow_missing {
        suppose_recorded(&inputs, workspace)?;
    }
    check::check(workspace, &inputs, &plan.order)?;
    let planned = plan.order.iter().map(|index| workspace.stage(*index));
    let no_sandbox = workspace.setup().sandbox.warning(planned)?;
    sink.emit(&plan_event(workspace, &plan.order));
    if let Some(text) = no_sandbox {
        sink.emit(&Event::Warning { text });
    }

    let (sender, receiver) = channel();
    let children = Children::default();
    let setting = Setting {
        workspace,
        sink,
        cancellation,
        children: &children,
        memo: MemoUse {
            recall: options.run_cache && !options.force,
            replace: options.force,
        },
        commit: options.commit,
    };
    let wake = sender.clone();
    let _listening = cancellation.subscribe(move |urgency| {
        // The loop may be over; then nobody needs to know.
        let _ = wake.send(Message::Cancelled(urgency));
    });
    let mut repro = Repro::new(setting, options, &inputs, &plan, sender.clone())?;
    std::thread::scope(|threads| {
        pool.in_place_scope_fifo(|pool| {
            repro.run(&receiver, |task: Task| {
                let sender = sender.clone();
                let sleeps = task.restore.is_none()
                    && matches!(workspace.stage(task.stage).action, Action::Command(_));
                let job = move || {
                    let done = work::work(setting, task);
                    // The loop waits for every worker, so somebody listens.
                    let _ = sender.send(Message::Done(Box::new(done)));
                };
                if sleeps {
                    threads.spawn(job);
                } else {
                    pool.spawn_fifo(move |_| job());
                }
            });
        });
    });
    repro.conclude(began)
}

fn plan_event(workspace: &Workspace, order: &[StageIndex]) -> Event {
    Event::Plan {
        stages: order
            .iter()
            .map(|index| workspace.stage(*index).name.clone())
            .collect(),
    }
}

/// What wakes the loop.
enum Message {
    /// A worker came to its end.
    Done(Box<Done>),
    /// Another process let go of a stage.
    Locked(StageIndex, Result<StageLock, hpipe_store::Error>),
    /// The user wants to stop.
    Cancelled(Urgency),
}

/// One `repro` at work.
struct Repro<'a> {
    setting: Setting<'a>,
    options: &'a ReproOptions,
    inputs: &'a Inputs<'a>,
    schedule: Schedule<'a>,
    sender: Sender<Message>,
    lock_file: LockFile,
    lock_stamp: LockStamps,
    unpublished: Unpublished,
    durations: HashMap<StageName, f64>,
    /// Locks of stages another process held, got by waiting.
    awaited: HashMap<StageIndex, StageLock>,
    /// Stages that are up to date, but whose outs are to be cached other than the lock file says.
    redeclared: Vec<StageIndex>,
    /// Number of stages in the plan.
    planned: usize,
    working: usize,
    waiting: usize,
    /// Warnings that were told.
    told: HashSet<String>,
    /// Starts nothing any more.
    stopping: bool,
    error: Option<Error>,
    summary: Summary,
}

impl<'a> Repro<'a> {
    fn new(
        setting: Setting<'a>,
        options: &'a ReproOptions,
        inputs: &'a Inputs<'a>,
        plan: &Plan,
        sender: Sender<Message>,
    ) -> Result<Self, Error> {
        let workspace = setting.workspace;
        let lock_stamp = workspace.lock_stamp();
        let durations = workspace.store().durations();
        let schedule = Schedule::new(
            workspace.graph(),
            plan,
            |stage| &workspace.stage(stage).name,
            |name| durations.get(name).copied(),
            workspace.pipeline().stages.len(),
        );
        Ok(Self {
            setting,
            options,
            inputs,
            schedule,
            sender,
            lock_file: workspace.read_lock()?,
            lock_stamp,
            unpublished: Unpublished::none(),
            durations,
            awaited: HashMap::new(),
            redeclared: Vec::new(),
            told: HashSet::new(),
            planned: plan.order.len(),
            working: 0,
            waiting: 0,
            stopping: setting.cancellation.is_requested(),
            error: None,
            summary: Summary::default(),
        })
    }

    /// Works until nothing is left to do, or to wait for.
    fn run(&mut self, receiver: &Receiver<Message>, start: impl Fn(Task)) {
        loop {
            if let Err(error) = self.advance(&start) {
                self.give_up(error);
            }
            let idle = self.working == 0 && (self.waiting == 0 || self.stopping);
            let is_over = idle && !self.can_advance();
            if (is_over || self.unpublished.patience() == Some(Duration::ZERO))
                && let Err(error) = self.publish()
            {
                self.give_up(error);
            }
            if is_over {
                return;
            }
            if !idle {
                let messages = self.wait(receiver);
                self.take(messages);
            }
        }
    }

    /// Sleeps until somebody has something to say, or results have waited long enough for the lock file.
    fn wait(&self, receiver: &Receiver<Message>) -> Vec<Message> {
        // We hold a sender ourselves, so the channel cannot be closed.
        let first = match self.unpublished.patience() {
            None => receiver.recv().ok(),
            Some(patience) => receiver.recv_timeout(patience).ok(),
        };
        first.into_iter().chain(receiver.try_iter()).collect()
    }

    fn can_advance(&self) -> bool {
        !self.stopping && self.schedule.has_next()
    }

    /// Decides about every stage that is ready, and starts as many as there are jobs.
    fn advance(&mut self, start: &impl Fn(Task)) -> Result<(), Error> {
        while !self.stopping {
            if let Some(stage) = self.schedule.next_ready() {
                self.look_at(stage)?;
            } else if self.working < self.options.jobs.max(1)
                && let Some(stage) = self.schedule.next_queued()
            {
                self.begin(stage, start)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Decides about a stage whose needs are done; what must work is queued.
    fn look_at(&mut self, index: StageIndex) -> Result<(), Error> {
        if self.setting.workspace.stage(index).frozen {
            self.finish(index, Outcome::Frozen, Duration::ZERO, Vec::new(), None);
            return Ok(());
        }
        match self.decide(index)? {
            Decision::UpToDate(_) => self.up_to_date(index),
            Decision::Restore(..) | Decision::Run(..) => {
                self.schedule.queue(index);
                Ok(())
            }
            Decision::Missing(reasons) => {
                self.vanished(index, reasons);
                Ok(())
            }
        }
    }

    /// Locks a queued stage, decides about it again, and hands it to a worker.
    fn begin(&mut self, index: StageIndex, start: &impl Fn(Task)) -> Result<(), Error> {
        let Some(lock) = self.lock(index)? else {
            return Ok(());
        };
        if self.lock_stamp != self.setting.workspace.lock_stamp() {
            self.catch_up()?;
        }
        let (known, reasons, restore) = match self.decide(index)? {
            Decision::UpToDate(_) => return self.up_to_date(index),
            Decision::Missing(reasons) => {
                self.vanished(index, reasons);
                return Ok(());
            }
            Decision::Restore(known, outs, reasons) => (known, reasons, Some(outs)),
            Decision::Run(known, reasons) => (known, reasons, None),
        };
        if restore.is_none() && self.options.allow_missing && self.lacks_deps(index)? {
            return Ok(());
        }
        self.working += 1;
        start(self.task(index, lock, known, reasons, restore));
        Ok(())
    }

    /// Fails a stage that must execute, but whose deps were only supposed to be there.
    fn lacks_deps(&mut self, index: StageIndex) -> Result<bool, Error> {
        let workspace = self.setting.workspace;
        let Gathered::Missing(paths) = Inputs::fresh(workspace).gather(workspace.stage(index))?
        else {
            return Ok(false);
        };
        let missing = |path: &ProjectPath| Reason::about(ReasonKind::DepMissing, path.as_str());
        self.vanished(index, paths.iter().map(missing).collect());
        Ok(true)
    }

    fn task(
        &self,
        stage: StageIndex,
        lock: StageLock,
        known: Known,
        reasons: Vec<Reason>,
        restore: Option<Vec<hpipe_store::OutRecord>>,
    ) -> Task {
        let name = &self.setting.workspace.stage(stage).name;
        Task {
            stage,
            lock,
            known,
            reasons,
            restore,
            recorded: self
                .lock_file
                .stages
                .get(name)
                .map(recorded_outs)
                .unwrap_or_default(),
            expected: self
                .durations
                .get(name)
                .copied()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    fn decide(&self, index: StageIndex) -> Result<Decision, Error> {
        let stage = self.setting.workspace.stage(index);
        let evidence = Evidence {
            store: self.setting.workspace.store(),
            inputs: self.inputs,
            recorded: self.lock_file.stages.get(&stage.name),
            forced: self.options.force,
            run_cache: self.options.run_cache,
        };
        evidence.decide(stage)
    }

    /// The lock of a stage; none when another process has it, and we will be told when it lets go.
    fn lock(&mut self, index: StageIndex) -> Result<Option<StageLock>, Error> {
        if let Some(lock) = self.awaited.remove(&index) {
            self.catch_up()?;
            return Ok(Some(lock));
        }
        let name = &self.setting.workspace.stage(index).name;
        let store = self.setting.workspace.store();
        let key = self.key_to_lock(index)?;
        let free = match &key {
            Some(key) => store.try_lock_key(key)?,
            None => store.try_lock_stage(name)?,
        };
        if free.is_some() {
            return Ok(free);
        }
        if !self.options.wait {
            return Err(Error::Busy(name.clone()));
        }
        self.setting.sink.emit(&Event::StageWaiting {
            stage: name.clone(),
        });
        self.waiting += 1;
        let sender = self.sender.clone();
        // Not joined: when the user interrupts, nobody waits for the other process.
        match &key {
            Some(key) => {
                let waiter = store.key_waiter(key);
                std::thread::spawn(move || sender.send(Message::Locked(index, waiter())))
            }
            None => {
                let waiter = store.stage_waiter(name);
                std::thread::spawn(move || sender.send(Message::Locked(index, waiter())))
            }
        };
        Ok(None)
    }

    /// In a replica, what is locked is the work and not the stage: replicas execute a stage beside each other with other
    /// params, and what is the same in several (the stages before) one executes and the others restore.
    fn key_to_lock(&self, index: StageIndex) -> Result<Option<Digest>, Error> {
        if !self.setting.workspace.store().is_replica() {
            return Ok(None);
        }
        Ok(self.decide(index)?.key())
    }

    /// Another process worked in this project: what we saw before may be half of what it made.
    fn catch_up(&mut self) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        self.inputs.forget_everything();
        self.lock_stamp = workspace.lock_stamp();
        self.lock_file = workspace.read_lock()?;
        Ok(())
    }

    fn take(&mut self, messages: Vec<Message>) {
        let mut batch = Vec::new();
        for message in messages {
            match message {
                Message::Done(done) => batch.push(*done),
                Message::Locked(stage, lock) => self.unblocked(stage, lock),
                Message::Cancelled(urgency) => {
                    self.stopping = true;
                    self.setting.children.stop(urgency);
                }
            }
        }
        self.working -= batch.len();
        if !batch.is_empty() {
            // Time has passed since anybody looked.
            self.inputs.expire();
        }
        self.settle(batch);
    }

    fn unblocked(&mut self, stage: StageIndex, lock: Result<StageLock, hpipe_store::Error>) {
        self.waiting -= 1;
        match lock {
            Ok(lock) => {
                self.awaited.insert(stage, lock);
                self.schedule.queue(stage);
            }
            Err(error) => self.give_up(error.into()),
        }
    }

    fn up_to_date(&mut self, index: StageIndex) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        let stage = workspace.stage(index);
        if let Some(entry) = self.lock_file.stages.get(&stage.name) {
            let declared = declared_outs(stage, entry);
            if self.options.commit {
                store_again(workspace.store(), declared.iter().filter(|out| out.cached))?;
            }
            if declared != recorded_outs(entry) {
                self.redeclared.push(index);
            }
        }
        self.finish(index, Outcome::UpToDate, Duration::ZERO, Vec::new(), None);
        Ok(())
    }

    /// A dep that was there when we began is gone.
    fn vanished(&mut self, index: StageIndex, reasons: Vec<Reason>) {
        let names: Vec<_> = reasons
            .iter()
            .filter_map(|reason| reason.name.clone())
            .collect();
        let failure = StageFailure {
            code: hpipe_core::Code::MissingDep,
            message: format!("{} does not exist any more", names.join(", ")),
            help: None,
            output: String::new(),
            log: None,
        };
        self.fail(index, Duration::ZERO, reasons, failure);
    }

    /// Reports a stage that came to a good end, and lets those that need it go on.
    fn finish(
        &mut self,
        index: StageIndex,
        outcome: Outcome,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: Option<StageFailure>,
    ) {
        self.report(index, outcome, duration, reasons, failure);
        self.schedule.done(index);
    }

    /// Reports a failed stage and everything that needs it.
    fn fail(
        &mut self,
        index: StageIndex,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: StageFailure,
    ) {
        self.report(index, Outcome::Failed, duration, reasons, Some(failure));
        let name = self.setting.workspace.stage(index).name.clone();
        for blocked in self.schedule.failed(index) {
            let reason = Reason::about(ReasonKind::Upstream, name.as_str());
            self.report(
                blocked,
                Outcome::Blocked,
                Duration::ZERO,
                vec![reason],
                None,
            );
        }
        self.stopping |= !self.options.keep_going;
    }

    fn report(
        &mut self,
        index: StageIndex,
        outcome: Outcome,
        duration: Duration,
        reasons: Vec<Reason>,
        failure: Option<StageFailure>,
    ) {
        self.summary.count(outcome);
        let stage = self.setting.workspace.stage(index).name.clone();
        self.setting.sink.emit(&Event::StageFinished {
            stage,
            outcome,
            duration,
            reasons,
            failure,
        });
        self.tell_warnings();
    }

    /// Tells what the store found damaged; what it meets twice is told once.
    fn tell_warnings(&mut self) {
        for text in self.setting.workspace.store().take_warnings() {
            if self.told.insert(text.clone()) {
                self.setting.sink.emit(&Event::Warning { text });
            }
        }
    }

    /// The machine failed: start nothing more, and say so at the end.
    fn give_up(&mut self, error: Error) {
        self.stopping = true;
        self.error.get_or_insert(error);
    }

    fn conclude(mut self, began: Instant) -> Result<Summary, Error> {
        if self.error.is_none()
            && let Err(error) = self.leave()
        {
            self.error = Some(error);
        }
        self.setting
            .workspace
            .store()
            .save_durations(&self.durations);
        self.setting.workspace.store().flush();
        self.tell_warnings();
        self.summary.not_started = self.planned - self.summary.stages();
        self.summary.duration = began.elapsed();
        self.setting.sink.emit(&Event::Finished(self.summary));
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }
}
