//! Executes the trials of a study, several at once, and tells each as it ends.
//!
//! One loop owns the study; workers, each with a replica of the project, do the trials. Which trial is proposed next
//! depends on the study's concurrency alone, never on who was first, see `hpipe_tune`. A trial that the run cache knows
//! from end to end is not handed to a replica: a study that is searched again reads records only.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hpipe_core::{Code, Event, EventSink, ProjectPath, StageName};
use hpipe_engine::{
    Cancellation, Error, Known, Part, Replica, Trial, TrialEnd, TrialFailure, Workspace,
};
use hpipe_tune::{Ask, Outcome, Series, Study};

use super::{Asked, Goal};
use crate::recording::SearchRun;
use crate::ui::{Ui, Verbosity, started_line, trial_line};

/// So many trials that fail one after the other end a study: what they have in common is at fault.
const FAILURES_IN_A_ROW: usize = 5;

/// How a trial ended, besides its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// The stages that executed; none when everything was known.
    pub(crate) executed: Vec<StageName>,
    /// How long it took.
    pub(crate) duration: Duration,
    /// Why it has no value: one lowercase fragment.
    pub(crate) error: Option<String>,
    /// What the stage that failed printed.
    pub(crate) log: Option<PathBuf>,
}

/// Why a study ended before all its trials had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user asked to stop.
    Interrupted,
    /// The time was up.
    Timeout,
    /// Too many trials failed one after the other.
    Failing,
}

/// What a search came to.
pub(crate) struct Found {
    /// The study with all that was told to it.
    pub(crate) study: Study,
    /// How each trial ended, by number.
    pub(crate) ends: BTreeMap<usize, End>,
    /// Why it ended early.
    pub(crate) stop: Option<Stop>,
    /// How long all of it took.
    pub(crate) duration: Duration,
}

/// A trial for a worker.
struct Job {
    ask: Ask,
    files: Vec<(ProjectPath, String)>,
}

/// A trial that a worker is done with.
struct Told {
    number: usize,
    duration: Duration,
    end: Result<Result<TrialEnd, Error>, Box<dyn Any + Send>>,
}

/// Searches until all trials have ended, or something stops it.
///
/// # Errors
/// [`Error::Invalid`] when the pipeline is at fault, or the metric is not in its file; whatever the machine refuses.
pub(crate) fn search(
    workspace: &Workspace,
    asked: &Asked,
    goal: &Goal,
    jobs: usize,
    ui: &Ui,
    cancellation: &Cancellation,
    run: Option<&Arc<SearchRun>>,
) -> Result<Found, Error> {
    let began = Instant::now();
    let known = Known::new(workspace, &goal.selection)?;
    let sink = TrialSink {
        ui,
        is_alone: jobs == 1,
        heard: Mutex::default(),
    };
    let worker = Worker {
        workspace,
        asked,
        goal,
        known,
        sink: &sink,
        cancellation,
        threads: threads_of_each(jobs),
        run,
    };
    let mut search = Search {
        root: workspace.store().root(),
        asked,
        goal,
        study: Study::new(asked.definition.clone()),
        ends: BTreeMap::new(),
        working: 0,
        stop: None,
        began,
        ui,
        sink: &sink,
        cancellation,
    };
    with_workers(&worker, jobs, |give, told| search.run(give, told, jobs))?;
    Ok(Found {
        study: search.study,
        ends: search.ends,
        stop: search.stop,
        duration: began.elapsed(),
    })
}

/// Does `work` while so many workers take its jobs and tell what they are done with.
fn with_workers(
    worker: &Worker<'_>,
    jobs: usize,
    work: impl FnOnce(Sender<Job>, &Receiver<Told>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (give, given) = channel::<Job>();
    let (tell, told) = channel::<Told>();
    let given = Mutex::new(given);
    std::thread::scope(|threads| {
        for number in 0..jobs {
            let (tell, given) = (tell.clone(), &given);
            let part = Part { number, of: jobs };
            threads.spawn(move || worker.work(part, given, &tell));
        }
        let result = work(give, &told);
        if result.is_err() {
            worker.cancellation.request(); // nobody waits for the others
        }
        result
    })
}

/// The threads each of so many trials takes of the machine's.
fn threads_of_each(jobs: usize) -> usize {
    (hpipe_engine::cores() / jobs).max(1)
}

/// What workers share.
struct Worker<'a> {
    workspace: &'a Workspace,
    asked: &'a Asked,
    goal: &'a Goal,
    known: Known<'a>,
    sink: &'a TrialSink<'a>,
    cancellation: &'a Cancellation,
    threads: usize,
    run: Option<&'a Arc<SearchRun>>,
}

impl<'a> Worker<'a> {
    /// Does one trial after the other, with this part of the machine, until there are no more.
    fn work(&self, part: Part, jobs: &Mutex<Receiver<Job>>, tell: &Sender<Told>) {
        let mut replica = None;
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            let began = Instant::now();
            // A panic must not keep the loop waiting for this trial for ever.
            let end = catch_unwind(AssertUnwindSafe(|| self.trial(part, &job, &mut replica)));
            let told = Told {
                number: job.ask.number,
                duration: began.elapsed(),
                end,
            };
            if tell.send(told).is_err() {
                return;
            }
        }
    }

    fn trial(
        &self,
        part: Part,
        job: &Job,
        replica: &mut Option<Replica<'a>>,
    ) -> Result<TrialEnd, Error> {
        let observing = self.run.map(|run| run.trial(job.ask.number));
        let trial = Trial {
            files: &job.files,
            measured: &self.goal.file,
            jobs: self.threads,
            observing: observing.as_ref(),
        };
        if let Some(text) = self.known.recall(&trial)? {
            return Ok(TrialEnd {
                executed: Vec::new(),
                result: Ok(text),
            });
        }
        let replica = match replica {
            Some(replica) => replica,
            none => none.insert(Replica::new(
                self.workspace,
                &self.goal.selection,
                &self.asked.copy,
                part,
            )?),
        };
        replica.perform(&trial, self.sink, self.cancellation)
    }
}

/// The loop's own state.
struct Search<'a> {
    root: &'a Path,
    asked: &'a Asked,
    goal: &'a Goal,
    study: Study,
    ends: BTreeMap<usize, End>,
    working: usize,
    stop: Option<Stop>,
    began: Instant,
    ui: &'a Ui,
    sink: &'a TrialSink<'a>,
    cancellation: &'a Cancellation,
}

impl Search<'_> {
    fn run(&mut self, give: Sender<Job>, told: &Receiver<Told>, jobs: usize) -> Result<(), Error> {
        loop {
            while self.working < jobs
                && self.may_begin()
                && let Some(ask) = self.study.ask()
            {
                let files = self.goal.files(&ask.params)?;
                self.working += 1;
                if self.ui.verbosity() == Verbosity::Verbose {
                    self.ui.talk(&started_line(&ask));
                }
                // Workers live as long as we hold the sender.
                let _ = give.send(Job { ask, files });
            }
            if self.working == 0 {
                return Ok(());
            }
            // We hold no sender of this channel, but a worker that is busy does.
            let Ok(one) = told.recv() else { return Ok(()) };
            self.working -= 1;
            self.take(one)?;
        }
    }

    fn may_begin(&mut self) -> bool {
        let is_late = self
            .asked
            .timeout
            .is_some_and(|time| self.began.elapsed() >= time);
        if self.cancellation.is_requested() {
            self.stop = Some(Stop::Interrupted);
        } else if is_late && self.study.trials().len() < self.asked.definition.trials() {
            self.stop.get_or_insert(Stop::Timeout);
        }
        self.stop.is_none()
    }

    fn take(&mut self, told: Told) -> Result<(), Error> {
        let end = told.end.unwrap_or_else(|panic| resume_unwind(panic))?;
        let (outcome, mut report) = match end.result {
            Ok(text) => self.measured(&text)?,
            Err(TrialFailure::Interrupted) => {
                self.stop = Some(Stop::Interrupted);
                return Ok(());
            }
            Err(TrialFailure::Pipeline(message)) => (Outcome::Failed, failed(message)),
            Err(TrialFailure::Stage(stage, failure)) => {
                if failure.code == Code::Aborted {
                    self.stop = Some(Stop::Interrupted);
                    return Ok(());
                }
                let message = format!("stage `{stage}`: {}", failure.message);
                let log = failure.log.map(|log| self.shown(log));
                (
                    Outcome::Failed,
                    End {
                        log,
                        ..failed(message)
                    },
                )
            }
        };
        report.executed = end.executed;
        report.duration = told.duration;
        self.settle(told.number, outcome, report);
        Ok(())
    }

    /// A path for who is in the project's root as short as it can be.
    fn shown(&self, path: PathBuf) -> PathBuf {
        let is_in_root = std::env::current_dir().is_ok_and(|here| here == *self.root);
        let short = path.strip_prefix(self.root).ok().filter(|_| is_in_root);
        short.map(PathBuf::from).unwrap_or(path)
    }

    /// The value of a trial. A metric that is not in its file ends the study as long as no trial had one: it is misspelt.
    fn measured(&self, text: &str) -> Result<(Outcome, End), Error> {
        match self.goal.measure(text) {
            Ok(value) if value.is_nan() => {
                let message = format!("`{}` in {} is NaN", self.goal.key, self.goal.file);
                Ok((Outcome::Failed, failed(message)))
            }
            Ok(value) => Ok((Outcome::Complete(value), End::default())),
            Err((message, help)) if self.study.best().is_none() && !help.is_empty() => {
                let fault = self
                    .asked
                    .fault(Code::BadStudy, "metric", message)
                    .help(help);
                Err(self.asked.refuse(vec![fault]))
            }
            Err((message, _)) => Ok((Outcome::Failed, failed(message))),
        }
    }

    fn settle(&mut self, number: usize, outcome: Outcome, end: End) {
        if let Err(error) = self.study.tell(number, outcome, Series::default()) {
            panic!("bug: {error}");
        }
        if let Some(trial) = self.study.trials().get(number) {
            let is_best = self
                .study
                .best()
                .is_some_and(|best| best.trial.number == number);
            let line = trial_line(trial, &end, &self.goal.key, is_best);
            match &end.error {
                Some(_) => self.ui.talk(&line),
                None => self.ui.note(&line),
            }
        }
        self.sink.tell_waiting();
        self.ends.insert(number, end);
        if self.failures_in_a_row() >= FAILURES_IN_A_ROW {
            self.stop.get_or_insert(Stop::Failing);
        }
    }

    /// How many of the trials with the highest numbers that have ended failed, without one between them that did not.
    fn failures_in_a_row(&self) -> usize {
        let ends = self.ends.values().rev();
        ends.take_while(|end| end.error.is_some()).count()
    }
}

fn failed(message: String) -> End {
    End {
        error: Some(message),
        ..End::default()
    }
}

/// Tells what is odd in a trial, once, though many trials meet it.
struct TrialSink<'a> {
    ui: &'a Ui,
    /// Whether trials execute one after the other, so that whoever is waited for is none of ours.
    is_alone: bool,
    heard: Mutex<Heard>,
}

impl TrialSink<'_> {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of the stages that are still waited for though none of our trials executes them.
    fn tell_waiting(&self) {
        let mut heard = self.heard();
        for stage in std::mem::take(&mut heard.waiting) {
            heard.tell_waiting(&stage, self.ui);
        }
    }
}

#[derive(Default)]
struct Heard {
    told: HashSet<String>,
    /// How many of our own trials execute a stage just now.
    executing: BTreeMap<StageName, usize>,
    /// Stages that a trial waits for and none of ours has begun to execute: whoever has their locks is about to say so, if
    /// it is another trial.
    waiting: BTreeSet<StageName>,
}

impl EventSink for TrialSink<'_> {
    fn emit(&self, event: &Event) {
        let mut heard = self.heard();
        match event {
            Event::StageStarted { stage, .. } => {
                heard.waiting.remove(stage);
                *heard.executing.entry(stage.clone()).or_default() += 1
            }
            Event::StageFinished { stage, .. } => {
                heard.waiting.remove(stage);
                if let Some(executing) = heard.executing.get_mut(stage) {
                    *executing = executing.saturating_sub(1);
                }
            }
            Event::Warning { text } => heard.tell(text.clone(), |text| self.ui.warning(text)),
            Event::StageNote { stage, text } => {
                heard.tell(format!("{stage}: {text}"), |text| self.ui.warning(text));
            }
            // What trials have in common one of ours executes, and the others wait for it: nothing to tell.
            Event::StageWaiting { stage } if heard.executing.get(stage).is_none_or(|n| *n == 0) => {
                if self.is_alone {
                    heard.tell_waiting(stage, self.ui);
                } else {
                    heard.waiting.insert(stage.clone());
                }
            }
            _ => {}
        }
    }
}

impl Heard {
    fn tell_waiting(&mut self, stage: &StageName, ui: &Ui) {
        let text = format!(
            "waiting for {stage}: another hpipe, or a command that a killed one left behind, executes it"
        );
        self.tell(text, |text| ui.note(text));
    }

    fn tell(&mut self, text: String, tell: impl Fn(&str)) {
        if !self.told.contains(&text) {
            tell(&text);
            self.told.insert(text);
        }
    }
}
