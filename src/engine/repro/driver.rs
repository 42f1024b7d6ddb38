//! The loop that makes stages up to date.
//!
//! It owns all state and runs on the calling thread; it sleeps until a thread, an executor or the user has something to
//! say (`post`), so nothing polls by the clock. What takes microseconds it does itself, for waking a thread would cost
//! more; what takes longer it hands to the crew.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use hpipe_core::{Event, Outcome, ProjectPath, Reason, StageName, Summary};
use hpipe_store::{LockFile, OutRecord};

use super::locks::Held;
use super::overtaken::{AtWork, Overtaken};
use super::post::{Mailbox, Post};
use super::publish::Unpublished;
use super::recall::Recall;
use super::retry::Retries;
use super::work::{self, Done, Launched, Opened, Task};
use super::{Carried, ReproOptions, Round};
use crate::Error;
use crate::alarm::Changed;
use crate::budget::{Budget, Demand};
use crate::cancel::Urgency;
use crate::decide::{Decision, Evidence, Known, recorded_outs};
use crate::exec::executor::{Executor, JobId, Status};
use crate::exec::{Local, MemoUse, Setting};
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::lock_files::LockStamps;
use crate::observer::Observer;
use crate::plan::Plan;
use crate::schedule::Schedule;
use crate::workspace::Workspace;

/// How long to wait before an executor that could not tell is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What a thread of the crew does.
pub(super) type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What wakes the loop.
pub(super) enum Message {
    /// What comes before the commands of a stage is done.
    Opened(Opened),
    /// A stage came to its end.
    Done(Box<Done>),
    /// Another process let go of a stage.
    Locked(StageIndex, Result<Held, hpipe_store::Error>),
    /// Sources changed while we work.
    Changed(Changed),
    /// The user wants to stop.
    Cancelled(Urgency),
}

/// One `repro` at work.
pub(super) struct Repro<'a> {
    pub(super) setting: Setting<'a>,
    pub(super) options: &'a ReproOptions,
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) schedule: Schedule<'a>,
    pub(super) post: Post<Message>,
    pub(super) executor: Local,
    /// Stages whose commands an executor runs.
    pub(super) launched: HashMap<JobId, Launched>,
    /// Of these, those it could not tell about, and when to ask again.
    unknown: HashSet<JobId>,
    ask_again: Option<Instant>,
    pub(super) lock_file: LockFile,
    pub(super) lock_stamp: LockStamps,
    pub(super) unpublished: Unpublished,
    pub(super) durations: HashMap<StageName, f64>,
    /// Locks of stages another process held, got by waiting.
    pub(super) awaited: HashMap<StageIndex, Held>,
    /// Stages that failed and are tried again.
    pub(super) retries: Retries,
    /// Stages at work.
    pub(super) at_work: AtWork,
    /// Stages that executed or were restored.
    pub(super) worked: HashSet<StageIndex>,
    /// Stages that came to a good end and whose outs somebody is waiting for.
    pub(super) to_hand_on: Vec<StageIndex>,
    /// Stages that are up to date, but whose outs are to be cached other than the lock file says.
    pub(super) redeclared: Vec<StageIndex>,
    /// The `.gitignore` files that keep outs of ours out of git; none as long as nobody has looked.
    pub(super) ignoring: Option<BTreeSet<ProjectPath>>,
    pub(super) recall: Recall<'a>,
    /// Number of stages in the plan.
    pub(super) planned: usize,
    pub(super) working: usize,
    pub(super) waiting: usize,
    /// Warnings that were told.
    pub(super) told: HashSet<String>,
    /// Starts nothing any more.
    pub(super) stopping: bool,
    pub(super) error: Option<Error>,
    pub(super) summary: Summary,
}

impl<'a> Repro<'a> {
    pub(super) fn new(
        setting: Setting<'a>,
        options: &'a ReproOptions,
        inputs: &'a Inputs<'a>,
        plan: &Plan,
        (carried, mut recall): (Option<Carried>, Recall<'a>),
        (budget, demands): (Budget, HashMap<StageIndex, Demand>),
        post: Post<Message>,
    ) -> Result<Self, Error> {
        let workspace = setting.workspace;
        let Carried {
            lock_file,
            lock_stamp,
            durations,
        } = Carried::still(carried, workspace)?;
        let schedule = Schedule::new(
            workspace.graph(),
            plan,
            |stage| &workspace.stage(stage).name,
            |name| durations.get(name).copied(),
            workspace.pipeline().stages.len(),
            budget,
            demands,
        );
        recall.begin_with(workspace, &lock_file);
        Ok(Self {
            setting,
            options,
            inputs,
            schedule,
            post,
            executor: Local::default(),
            launched: HashMap::new(),
            unknown: HashSet::new(),
            ask_again: None,
            lock_file,
            lock_stamp,
            unpublished: Unpublished::none(),
            durations,
            awaited: HashMap::new(),
            retries: Retries::default(),
            at_work: AtWork::default(),
            worked: HashSet::new(),
            to_hand_on: Vec::new(),
            redeclared: Vec::new(),
            told: HashSet::new(),
            ignoring: None,
            recall,
            planned: plan.order.len(),
            working: 0,
            waiting: 0,
            stopping: setting.cancellation.is_requested(),
            error: None,
            summary: Summary::default(),
        })
    }

    /// Works until nothing is left to do, or to wait for. `hand` gives a job to the crew.
    pub(super) fn run(&mut self, mailbox: &Mailbox<Message>, hand: impl Fn(Job<'a>)) {
        loop {
            if let Err(error) = self.advance(&hand) {
                self.give_up(error);
            }
            self.look_at_retries();
            let awaits = self.waiting > 0 || !self.retries.is_empty();
            let idle = self.working == 0 && (!awaits || self.stopping);
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
                let messages = mailbox.wait(&self.executor.watched(), self.due());
                self.take(messages);
                self.ask_executor(&hand);
            }
        }
    }

    /// When to wake up though nobody has anything to say.
    fn due(&self) -> Option<Instant> {
        let publication = self.unpublished.due();
        let due = [
            publication,
            self.executor.due(),
            self.ask_again,
            self.retries.due(),
        ];
        due.into_iter().flatten().min()
    }

    fn can_advance(&self) -> bool {
        !self.stopping && self.schedule.has_next()
    }

    /// Decides about every stage that is ready, and starts as many as there are jobs.
    fn advance(&mut self, hand: &impl Fn(Job<'a>)) -> Result<(), Error> {
        let jobs = self.options.jobs.max(1);
        let limit = self.executor.limit().unwrap_or(jobs).min(jobs);
        while !self.stopping {
            if let Some(stage) = self.schedule.next_ready() {
                self.look_at(stage)?;
            } else if self.working < limit
                && let Some(stage) = self.schedule.next_queued()
            {
                self.begin(stage, hand)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Decides about a stage whose needs are done; what must work is queued.
    fn look_at(&mut self, index: StageIndex) -> Result<(), Error> {
        if self.leaves(index) {
            return Ok(());
        }
        if self.setting.workspace.stage(index).frozen {
            self.finish(index, Outcome::Frozen, Duration::ZERO, Vec::new(), None);
            return Ok(());
        }
        if self.recall.is_up_to_date(index) {
            self.finish(index, Outcome::UpToDate, Duration::ZERO, Vec::new(), None);
            return Ok(());
        }
        // Whether the run cache knows it is asked when it is its turn.
        match self.decide_with(index, false)? {
            Decision::UpToDate(_) => self.up_to_date(index),
            Decision::Restore(..) | Decision::Run(..) => {
                self.recall.must_work(self.setting.workspace, index);
                self.schedule.queue(index);
                Ok(())
            }
            Decision::Missing(reasons) => {
                self.vanished(index, reasons);
                Ok(())
            }
        }
    }

    /// Locks a queued stage, decides about it again, and begins to work on it.
    fn begin(&mut self, index: StageIndex, hand: &impl Fn(Job<'a>)) -> Result<(), Error> {
        if self.leaves(index) {
            return Ok(());
        }
        let Some(held) = self.lock(index)? else {
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
            Decision::Run(_, reasons) if !self.is_wanted(index, &reasons) => {
                self.schedule.failed(index);
                return Ok(());
            }
            Decision::Run(known, reasons) => (known, reasons, None),
        };
        if restore.is_none() && self.options.allow_missing && self.lacks_deps(index)? {
            return Ok(());
        }
        self.keep_out_of_git();
        self.working += 1;
        let overtaken = self.at_work.begin(index, known.key);
        let task = self.task(index, held, known, reasons, restore);
        self.open(Task { overtaken, ..task }, hand);
        Ok(())
    }

    fn task(
        &self,
        stage: StageIndex,
        held: Held,
        known: Known,
        reasons: Vec<Reason>,
        restore: Option<Vec<OutRecord>>,
    ) -> Task {
        let name = &self.setting.workspace.stage(stage).name;
        Task {
            stage,
            held,
            known,
            reasons,
            restore,
            recorded: self
                .lock_file
                .entry(name)
                .map(recorded_outs)
                .unwrap_or_default(),
            expected: self
                .durations
                .get(name)
                .copied()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            gpus: self.schedule.gpus(stage),
            attempt: self.retries.attempt(stage),
            memo: self.memo_of(stage),
            overtaken: Overtaken::default(),
            began: Instant::now(),
        }
    }

    /// Does what comes before a stage's commands, or has it done.
    fn open(&mut self, task: Task, hand: &impl Fn(Job<'a>)) {
        let setting = self.setting;
        if task.opens_fast(setting) {
            self.opened(work::open(setting, task));
        } else {
            let post = self.post.clone();
            hand(Box::new(move || {
                post.send(Message::Opened(work::open(setting, task)));
            }));
        }
    }

    /// Hands the commands of a stage to an executor, if there are any left to execute.
    fn opened(&mut self, opened: Opened) {
        match opened {
            Opened::Done(done) => self.done(*done),
            Opened::Launched(launched, job) => {
                let (id, is_overtaken) = (job.id, launched.task.overtaken.is_set());
                self.launched.insert(id, *launched);
                self.executor.submit(vec![job]);
                if is_overtaken {
                    self.executor.stop(id);
                }
            }
        }
    }

    /// Takes what executors have to tell.
    fn ask_executor(&mut self, hand: &impl Fn(Job<'a>)) {
        self.ask_again = None;
        for (id, status) in self.executor.poll() {
            match status {
                Status::Unknown(why) => self.cannot_tell(id, why),
                Status::Note(text) => self.setting.sink.emit(&Event::StageNote {
                    stage: self.setting.workspace.stage(id).name.clone(),
                    text,
                }),
                Status::Ended(end) => {
                    self.unknown.remove(&id);
                    let Some(launched) = self.launched.remove(&id) else {
                        continue;
                    };
                    let setting = self.setting;
                    if launched.closes_fast(setting) {
                        self.done(work::close(setting, launched, end));
                    } else {
                        let post = self.post.clone();
                        hand(Box::new(move || {
                            let done = work::close(setting, launched, end);
                            post.send(Message::Done(Box::new(done)));
                        }));
                    }
                }
            }
        }
    }

    /// An executor does not know how a job stands: that is told once, and asked again.
    fn cannot_tell(&mut self, id: JobId, why: String) {
        self.ask_again = Some(Instant::now() + ASK_AGAIN);
        if self.unknown.insert(id) {
            self.setting.sink.emit(&Event::StageNote {
                stage: self.setting.workspace.stage(id).name.clone(),
                text: format!("it is not known whether it still runs: {why}"),
            });
        }
    }

    fn done(&mut self, done: Done) {
        self.working -= 1;
        self.at_work.end(done.task.stage);
        // Time has passed since anybody looked.
        self.inputs.expire();
        self.recall.expire();
        if done.is_overtaken() {
            return self.begin_anew(done);
        }
        match self.delay_of(&done) {
            Some(delay) => self.try_again(done, delay),
            None => self.settle(done),
        }
    }

    /// Whether whoever is asked wants the stage, which must execute, to do so. One that is not wanted counts as not
    /// started, and what needs it too.
    fn is_wanted(&self, index: StageIndex, reasons: &[Reason]) -> bool {
        // Who wanted it wants it to come to an end.
        let is_new = self.retries.attempt(index) == 1;
        let confirm = self.options.confirm.as_ref().filter(|_| is_new);
        confirm
            .is_none_or(|confirm| confirm.ask(&self.setting.workspace.stage(index).name, reasons))
    }

    pub(super) fn decide(&self, index: StageIndex) -> Result<Decision, Error> {
        self.decide_with(index, self.options.run_cache)
    }

    fn decide_with(&self, index: StageIndex, run_cache: bool) -> Result<Decision, Error> {
        let stage = self.setting.workspace.stage(index);
        let evidence = Evidence {
            store: self.setting.workspace.store(),
            inputs: self.inputs,
            recorded: self.lock_file.entry(&stage.name),
            forced: self.is_forced(index),
            run_cache,
        };
        evidence.decide(stage)
    }

    /// Whether the user asked for an execution, whatever is known.
    fn is_forced(&self, index: StageIndex) -> bool {
        let mut needs = self.setting.workspace.graph().needs(index);
        let is_below = |need| self.worked.contains(&need);
        self.options.force || self.options.force_downstream && needs.any(is_below)
    }

    /// Who asked for an execution wants all of it anew.
    fn memo_of(&self, index: StageIndex) -> MemoUse {
        let forced = self.is_forced(index);
        MemoUse {
            recall: self.options.run_cache && !forced,
            replace: forced,
        }
    }

    fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            match message {
                Message::Opened(opened) => self.opened(opened),
                Message::Done(done) => self.done(*done),
                Message::Locked(stage, lock) => self.unblocked(stage, lock),
                Message::Changed(changed) => self.changed(&changed),
                Message::Cancelled(urgency) => {
                    self.stopping = true;
                    self.executor.cancel(urgency);
                }
            }
        }
    }

    /// The machine failed: start nothing more, and say so at the end.
    pub(super) fn give_up(&mut self, error: Error) {
        self.stopping = true;
        self.error.get_or_insert(error);
    }

    pub(super) fn conclude(mut self, began: Instant) -> Result<Round, Error> {
        let is_settled = |observer: &dyn Observer| observer.is_settled();
        if !self.setting.observer.is_none_or(is_settled) {
            self.recall.leave_no_seal(); // so that the next one looks at what is not written down
        }
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
        self.hand_on();
        self.seal();
        self.tell_warnings();
        self.summary.not_started = self.planned - self.summary.stages();
        self.summary.duration = began.elapsed();
        self.setting.sink.emit(&Event::Finished(self.summary));
        match self.error {
            Some(error) => Err(error),
            None => Ok(Round {
                summary: self.summary,
                carried: Some(Carried {
                    lock_file: self.lock_file,
                    lock_stamp: self.lock_stamp,
                    durations: self.durations,
                }),
            }),
        }
    }
}

impl Carried {
    /// What was carried over, if the lock files are still what they were; else read anew.
    fn still(carried: Option<Self>, workspace: &Workspace) -> Result<Self, Error> {
        let lock_stamp = workspace.lock_stamp();
        match carried {
            Some(carried) if carried.lock_stamp == lock_stamp => Ok(carried),
            _ => Ok(Self {
                durations: workspace.store().durations(),
                lock_file: workspace.read_lock()?,
                lock_stamp,
            }),
        }
    }
}
