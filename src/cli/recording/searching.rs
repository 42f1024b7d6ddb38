//! A search with `hpipe tune` is a run, and within it are its trials and every execution in them.
//!
//! The executions happen in replicas of the project, whose attempts go with them; so nobody could tell later whether one
//! that is open in the records is still under way. They all belong to one name, which the search holds locked as long as
//! it lives: once nobody holds it, [`settle`](super::Recorder::settle) closes what was left.

use std::sync::Arc;

use hpipe_core::{Mapping, StageName, Value, with_causes};
use hpipe_engine::{Observed, ObservedEnd, Observer, Observing, Variables, Workspace};
use hpipe_spec::StageSpec;
use hpipe_store::{LockName, StageLock};
use hpipe_track::ledger::{
    ExecutionEnd, Ledger, LedgerError, Metric, NewRun, Pair, RunResults, new_id,
};

use super::words::{self, Params};
use super::{Recorder, subject};

/// The tag that names the run a run is within.
const PARENT: &str = "mlflow.parentRunId";

/// The tag that says in which trial of its search a stage executed.
const TRIAL: &str = "hpipe.trial";

/// What a search is, before its first trial.
#[derive(Debug, Default)]
pub(crate) struct SearchSubject {
    /// What the user calls it.
    pub(crate) name: Option<String>,
    /// What is asked for, by name.
    pub(crate) params: Vec<(&'static str, Value)>,
}

/// What a trial came to.
#[derive(Debug)]
pub(crate) struct TrialResult {
    /// Its number.
    pub(crate) number: usize,
    /// The values that it tried.
    pub(crate) params: Mapping,
    /// What was measured, if it came to that.
    pub(crate) value: Option<f64>,
    /// Why not.
    pub(crate) failure: Option<String>,
    /// Whether no other is better.
    pub(crate) is_best: bool,
}

/// What a search came to.
#[derive(Debug)]
pub(crate) struct SearchResult {
    /// `FINISHED`, `FAILED` or `KILLED`.
    pub(crate) status: &'static str,
    /// The name of what was measured.
    pub(crate) metric: String,
    /// All trials that ended.
    pub(crate) trials: Vec<TrialResult>,
}

/// The run of a search that is under way.
pub(crate) struct SearchRun {
    recorder: Arc<Recorder>,
    attempt: String,
    run: String,
    /// What its executions belong to in the records, instead of their stages: the last run of a stage is none of a trial.
    name: String,
    _held: StageLock,
}

/// Writes down the executions of one trial.
struct TrialRecorder {
    search: Arc<SearchRun>,
    trial: usize,
}

impl SearchRun {
    /// Begins the run of a search; none where no stage of the project is tracked, or the records refuse, which is told.
    pub(crate) fn begin(
        recorder: &Arc<Recorder>,
        workspace: &Workspace,
        subject: &SearchSubject,
    ) -> Option<Arc<Self>> {
        if !workspace.pipeline().stages.iter().any(subject::is_tracked) {
            return None;
        }
        recorder.prepare(workspace);
        let ledger = recorder.ledger()?;
        match Self::begun(recorder, ledger, workspace, subject) {
            Ok(run) => run.map(Arc::new),
            Err(error) => {
                let why = with_causes(&error);
                let text = format!("the search is not recorded: failed to {why}");
                recorder.ui.warning(&text);
                None
            }
        }
    }

    fn begun(
        recorder: &Arc<Recorder>,
        ledger: &Ledger,
        workspace: &Workspace,
        subject: &SearchSubject,
    ) -> Result<Option<Self>, LedgerError> {
        let attempt = new_id()?;
        let name = format!("hpipe tune {attempt}");
        let held = LockName::Stage(StageName::known(name.as_str()));
        let Some(held) = workspace.store().try_lock(&held)? else {
            return Ok(None); // nobody else has this name
        };
        let tags = recorder
            .source
            .tags(&recorder.root, &recorder.file, &recorder.user);
        let new = NewRun {
            experiment: 0,
            name: Some(subject.name.clone().unwrap_or_else(|| "tune".to_owned())),
            user: recorder.user.clone(),
            start_time: now(),
            tags,
        };
        let mut params = Params::default();
        for (name, value) in &subject.params {
            params.add(name, value, "tune");
        }
        let params = params.into_pairs();
        let (id, owner) = (attempt.clone(), name.clone());
        let experiment = recorder.experiment.clone();
        let begun = ledger.write(move |change| {
            let experiment = change.ensure_experiment(&experiment)?;
            let new = NewRun { experiment, ..new };
            let begun = change.begin_execution(&id, (&owner, ""), new)?;
            change.log_much(&begun.run, &params, &[], &[])?;
            Ok(begun)
        })?;
        Ok(Some(Self {
            recorder: recorder.clone(),
            attempt,
            run: begun.run,
            name,
            _held: held,
        }))
    }

    /// Listens to the executions of a trial.
    pub(crate) fn trial(self: &Arc<Self>, trial: usize) -> Observing {
        Observing::new(Arc::new(TrialRecorder {
            search: self.clone(),
            trial,
        }))
    }

    /// Writes down what the search came to.
    pub(crate) fn end(&self, result: &SearchResult) {
        let Some(ledger) = self.recorder.ledger() else {
            return;
        };
        let end = ended(result, now());
        let attempt = self.attempt.clone();
        if let Err(error) = ledger.write(move |change| change.end_execution(&attempt, &end)) {
            self.recorder.refused("record the search", &error);
        }
    }
}

fn now() -> i64 {
    hpipe_store::now_millis()
}

/// The search with its trials, each a run within it.
fn ended(result: &SearchResult, now: i64) -> ExecutionEnd {
    let best = result.trials.iter().find(|trial| trial.is_best);
    let mut params = Params::default();
    let mut metrics = Vec::new();
    if let Some(best) = best {
        params.add("best", &Value::Map(best.params.clone()), "tune");
        metrics.extend(measured(result, best, now));
        metrics.push(metric("best_trial", best.number as f64, now));
    }
    let trials = result.trials.iter();
    ExecutionEnd {
        results: RunResults {
            status: result.status.to_owned(),
            end_time: now,
            params: params.into_pairs(),
            metrics,
            tags: Vec::new(),
        },
        children: trials
            .map(|trial| {
                let name = format!("trial {}", trial.number);
                (name, of_trial(result, trial, now))
            })
            .collect(),
        ..ExecutionEnd::default()
    }
}

fn of_trial(result: &SearchResult, trial: &TrialResult, now: i64) -> RunResults {
    let mut params = Params::default();
    params.add("", &Value::Map(trial.params.clone()), "tune");
    let mut tags = vec![words::tag(TRIAL, &trial.number.to_string())];
    let failure = trial.failure.iter();
    tags.extend(failure.map(|why| words::tag("hpipe.failure", why)));
    let best = trial.is_best;
    tags.extend(best.then(|| words::tag("hpipe.best_trial", "true")));
    RunResults {
        status: match trial.failure {
            Some(_) => "FAILED".to_owned(),
            None => "FINISHED".to_owned(),
        },
        end_time: now,
        params: params.into_pairs(),
        metrics: measured(result, trial, now).into_iter().collect(),
        tags,
    }
}

fn measured(result: &SearchResult, trial: &TrialResult, now: i64) -> Option<Metric> {
    trial.value.map(|value| metric(&result.metric, value, now))
}

fn metric(name: &str, value: f64, now: i64) -> Metric {
    Metric {
        key: words::key(name),
        value,
        timestamp: now,
        ..Metric::default()
    }
}

impl TrialRecorder {
    fn beginning(&self, execution: &Observed<'_>) -> super::Beginning {
        let recorder = &self.search.recorder;
        let mut beginning = recorder.beginning_now(execution);
        beginning.stage = self.search.name.clone();
        beginning.experiment = recorder.experiment.clone(); // where its search is
        let trial = self.trial.to_string();
        let within = [
            Pair::new(PARENT, self.search.run.as_str()),
            Pair::new(TRIAL, trial),
        ];
        beginning.new.tags.extend(within);
        beginning
    }
}

impl Observer for TrialRecorder {
    fn observes(&self, stage: &StageSpec) -> bool {
        subject::is_tracked(stage)
    }

    fn begins(&self, execution: &Observed<'_>) -> Variables {
        let beginning = self.beginning(execution);
        self.search.recorder.begin(beginning, execution.stage)
    }

    fn ends(&self, execution: &Observed<'_>, end: &ObservedEnd<'_>) {
        let beginning = self.beginning(execution);
        self.search.recorder.end(beginning, execution, end);
    }

    fn is_settled(&self) -> bool {
        self.search.recorder.is_settled()
    }
}
