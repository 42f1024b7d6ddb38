//! `tune`: a search for the hyperparameters of one model.
//!
//! Samplers, pruners and the order of trials are `hpipe_tune`'s; what a trial does is in `tune/trial.rs`. Every trial is
//! remembered by the content it depends on, so that a killed study resumes and a longer one executes only what is new.

mod params;
mod report;
mod trial;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};

use hpipe_core::{Arity, Execution, Mapping, OptionFault, Port, Stage, StageError, Value};
use hpipe_tune::{Ask, Definition, ImportanceOptions, Pruner, Series, Study};

use self::params::{TuneParams, ValidTuneParams};
use self::trial::{Ended, Ground};
use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::learner::{Learner, Sample};
use crate::markdown::figure;
use crate::options::{self, Faults};
use crate::ports::{dep, out};
use crate::schema::Schema;
use crate::study::{Best, ParamImportance, StudyRecord, TrialRecord};

/// The built-in stage `tune`.
pub struct Tune;

impl Stage for Tune {
    fn name(&self) -> &'static str {
        "tune"
    }

    fn version(&self) -> u32 {
        6
    }

    fn summary(&self) -> &'static str {
        "searches the hyperparameters of a model"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep(
                "train",
                Arity::One,
                "features and target to fit on (parquet)",
            ),
            dep(
                "validation",
                Arity::Optional,
                "features and target to measure on; needed unless the objective has folds (parquet)",
            ),
            out("study", Arity::One, "the best trial and all others (JSON)"),
            out("trials", Arity::Optional, "a row a trial (CSV)"),
            out(
                "report",
                Arity::Optional,
                "history, importance and slices for people (HTML)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<TuneParams>(with).map(drop)
    }

    fn check_deps(&self, with: &Value, given: &[&str]) -> Result<(), Vec<OptionFault>> {
        let params = options::checked::<TuneParams>(with)?;
        let mut faults = Faults::default();
        if params.objective.folds.is_none() && !given.contains(&"validation") {
            let (message, help) = NOTHING_TO_MEASURE_ON;
            faults.add_with_help("objective", message, help);
        }
        faults.into_result(())
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<TuneParams>(execution.with)?;
    let ground = ground(execution, &params)?;
    let record = record(&params, search(execution, &params, &ground)?)?;
    let summary = format!(
        "{}: {} {} of trial {}",
        record.model,
        record.objective.metric.name(),
        figure(record.best.value),
        record.best.number,
    );
    execution.progress.log(&summary);
    artifact::write(execution.out("study"), &record)?;
    if let Some(path) = execution.optional_out("trials") {
        artifact::write_text(path, &report::csv(&params, &record))?;
    }
    if let Some(path) = execution.optional_out("report") {
        artifact::write_text(path, &report::html(&params, &record))?;
    }
    Ok(())
}

/// The rows that trials are fitted to and measured on.
fn ground(execution: &Execution<'_>, params: &ValidTuneParams) -> Result<Ground, Error> {
    let port = execution.dep("train");
    let table = frame::read_rows(port)?;
    let schema = Arc::new(Schema::learn(&table, &params.target));
    let gaps = params.gaps();
    let sample = Sample::new(&schema, &table, &params.target, gaps);
    let train = sample.map_err(|error| error.within(&port.declared))?;
    match (params.objective.folds, execution.optional_dep("validation")) {
        (Some(folds), _) => Ground::folds(port, &train, folds, params.seed),
        (None, Some(validation)) => {
            let table = frame::read_rows(validation)?;
            let sample = Sample::new(&schema, &table, &params.target, gaps);
            let sample = sample.map_err(|error| error.within(&validation.declared))?;
            for unseen in schema.unseen(&table, validation.declared.as_str()) {
                execution.progress.warn(&unseen);
            }
            Ground::parts(port, train, validation, sample)
        }
        (None, None) => {
            let (message, help) = NOTHING_TO_MEASURE_ON;
            let message = message.to_owned();
            Err(Error::Ports { message, help })
        }
    }
}

/// What is said, and how to mend it.
const NOTHING_TO_MEASURE_ON: (&str, &str) = (
    "there is nothing to measure trials on",
    "add the dep `validation`, or set `objective: {folds: 5}`",
);

/// What a search found.
struct Search {
    trials: Vec<(Mapping, Ended)>,
    /// The number of the best complete trial and its value.
    best: Option<(usize, f64)>,
    importance: Vec<ParamImportance>,
}

/// Runs every trial; without anything to search it is one, of the hyperparameters as they are.
fn search(
    execution: &Execution<'_>,
    params: &ValidTuneParams,
    ground: &Ground,
) -> Result<Search, Error> {
    let search = match &params.definition {
        Some(definition) => {
            if is_idle(definition.pruner(), params) {
                execution.progress.log(&format!(
                    "the pruner has nothing to do: `{}` tells its {} only when it is fitted",
                    params.model,
                    params.objective.metric.name()
                ));
            }
            run_study(execution, params, ground, definition)?
        }
        None => {
            let nothing = Mapping::default();
            let ended = trial::run(execution, params, ground, &nothing, &|_| false)?;
            Search {
                best: ended.value.map(|value| (0, value)),
                trials: vec![(nothing, ended)],
                importance: Vec::new(),
            }
        }
    };
    let recalled = search.trials.iter().filter(|(_, trial)| trial.is_recalled);
    let (all, recalled) = (search.trials.len(), recalled.count());
    execution.progress.log(&format!(
        "{all} trials: {} executed, {recalled} recalled",
        all - recalled
    ));
    Ok(search)
}

/// Whether nothing is known of a trial before its end, so that no pruner can give it up.
fn is_idle(pruner: &Pruner, params: &ValidTuneParams) -> bool {
    let learner = params.learner(&Mapping::default());
    let tells = |learner: Learner| learner.reports(params.objective.metric);
    !matches!(pruner, Pruner::None) && params.objective.folds.is_none() && !learner.is_ok_and(tells)
}

/// Runs a study: whenever a trial ends, those begin that waited for it.
///
/// What is proposed and what is pruned depends on trials so many places back, never on which trial happened to end first
/// (`docs/decisions/006-search.md`): results are the same whatever the number of threads.
fn run_study(
    execution: &Execution<'_>,
    params: &ValidTuneParams,
    ground: &Ground,
    definition: &Definition,
) -> Result<Search, Error> {
    let study = RwLock::new(Study::new(definition.clone()));
    let run = |ask: &Ask| {
        let prunes = |series: &Series| read(&study).should_prune(ask.number, series);
        trial::run(execution, params, ground, &ask.params, &prunes)
    };
    let ask = || write(&study).ask();
    let (sender, results) = mpsc::channel();
    let mut ended: BTreeMap<usize, Ended> = BTreeMap::new();
    // first in, first out: the trial that others wait for longest goes first
    rayon::in_place_scope_fifo(|scope| {
        let mut running = 0;
        loop {
            report_progress(execution, params, &read(&study));
            while let Some(ask) = ask() {
                let (sender, run) = (sender.clone(), &run);
                running += 1;
                scope.spawn_fifo(move |_| {
                    let result = run(&ask);
                    // nobody listens any more after the first error
                    let _ = sender.send((ask.number, result));
                });
            }
            if running == 0 {
                return Ok::<_, Error>(());
            }
            let (number, result) = next(&results);
            let result: Ended = result?;
            running -= 1;
            let told = write(&study).tell(number, result.outcome(), result.series.clone());
            told.map_err(|error| Error::Numerical(error.to_string()))?;
            ended.insert(number, result);
        }
    })?;
    Ok(found(&read(&study), ended.into_values().collect()))
}

/// The next result. A thread of the pool works on trials meanwhile, for it may be the only one.
fn next<T>(results: &mpsc::Receiver<T>) -> T {
    loop {
        match results.try_recv() {
            Ok(result) => return result,
            Err(_) if rayon::yield_now() == Some(rayon::Yield::Executed) => {}
            Err(_) => return results.recv().expect("bug: the sender is ours and alive"),
        }
    }
}

fn read(study: &RwLock<Study>) -> RwLockReadGuard<'_, Study> {
    study.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(study: &RwLock<Study>) -> RwLockWriteGuard<'_, Study> {
    study.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a study found; `ended` are its trials in order.
fn found(study: &Study, ended: Vec<Ended>) -> Search {
    let importance = study.importance(&ImportanceOptions::default());
    let params = study.trials().iter().map(|trial| trial.params.clone());
    Search {
        best: study.best().map(|best| (best.trial.number, best.value)),
        importance: importance
            .into_iter()
            .map(|found| ParamImportance {
                param: found.param,
                share: found.share,
            })
            .collect(),
        trials: params.zip(ended).collect(),
    }
}

fn report_progress(execution: &Execution<'_>, params: &ValidTuneParams, study: &Study) {
    let metric = params.objective.metric.name();
    let message = match study.best() {
        Some(best) => format!("tuning {}: {metric} {}", params.model, figure(best.value)),
        None => format!("tuning {}", params.model),
    };
    let (done, total) = (study.trials().len(), study.definition().trials());
    execution
        .progress
        .report(done as u64, Some(total as u64), &message);
}

/// The study as a file.
///
/// # Errors
/// [`Error::NoTrial`] when none is complete.
fn record(params: &ValidTuneParams, search: Search) -> Result<StudyRecord, Error> {
    let Some((number, value)) = search.best else {
        let reason = search
            .trials
            .iter()
            .find_map(|(_, trial)| trial.failure.clone());
        return Err(Error::NoTrial {
            trials: search.trials.len(),
            reason: reason.unwrap_or_else(|| "all were pruned".to_owned()),
        });
    };
    let best = Best {
        number,
        value,
        params: params::to_json(&search.trials[number].0),
        hyperparameters: params.hyperparameters(&search.trials[number].0),
    };
    let trial = |(number, (proposed, ended)): (usize, (Mapping, Ended))| TrialRecord {
        number,
        state: ended.state,
        value: ended.value,
        params: params::to_json(&proposed),
        steps: ended.series.iter().count() as u64,
        failure: ended.failure,
    };
    Ok(StudyRecord {
        model: params.model,
        target: params.target.clone(),
        objective: params.objective,
        best,
        importance: search.importance,
        trials: search.trials.into_iter().enumerate().map(trial).collect(),
    })
}
