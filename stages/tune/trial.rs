//! One trial: a model fitted with the hyperparameters that were proposed, and measured.
//!
//! What is remembered of a trial is what it reported, step by step, and how it ended. Recalled, the pruner is asked again
//! at every step, for it may be another one now: a trial that was given up, and would not be any more, is executed again.

use std::ops::ControlFlow;

use hpipe_core::{Digest, Execution, Mapping, PortPath};
use hpipe_learn::history::Iteration;
use hpipe_tune::{Outcome, Series};
use serde::{Deserialize, Serialize};

use super::params::ValidTuneParams;
use crate::content_key::{self, ContentKey};
use crate::error::Error;
use crate::folds;
use crate::learner::{Learner, Sample};
use crate::scores::Scores;
use crate::study::TrialState;

/// What trials are fitted to and measured on: one part, or every fold.
pub(super) struct Ground {
    pairs: Vec<(Sample, Sample)>,
    /// Of everything in it.
    digest: Digest,
}

impl Ground {
    /// The training part to fit, the validation part to measure on.
    pub(super) fn parts(
        train_port: &PortPath,
        train: Sample,
        port: &PortPath,
        validation: Sample,
    ) -> Result<Self, Error> {
        let mut key = ContentKey::new("parts");
        for port in [train_port, port] {
            key.bytes(content_key::digest_of(port)?.as_bytes());
        }
        Ok(Self {
            pairs: vec![(train, validation)],
            digest: key.digest(),
        })
    }

    /// The rows of the training part, dealt to `count` folds.
    pub(super) fn folds(
        port: &PortPath,
        train: &Sample,
        count: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        if train.rows() < count {
            return Err(Error::TooFewRows {
                path: port.declared.to_string(),
                rows: train.rows(),
                needed: count,
            });
        }
        let folds = folds::deal(train.rows(), count, seed);
        let pairs = folds
            .iter()
            .map(|fold| (train.take(&fold.fit), train.take(&fold.measure)));
        let mut key = ContentKey::new("folds");
        key.bytes(content_key::digest_of(port)?.as_bytes());
        key.bytes(&(count as u64).to_le_bytes());
        key.bytes(&seed.to_le_bytes());
        Ok(Self {
            pairs: pairs.collect(),
            digest: key.digest(),
        })
    }
}

/// How a trial ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) state: TrialState,
    pub(super) value: Option<f64>,
    pub(super) series: Series,
    pub(super) failure: Option<String>,
    /// Whether nothing had to be fitted for it.
    pub(super) is_recalled: bool,
}

impl Ended {
    /// As the study takes it.
    pub(super) fn outcome(&self) -> Outcome {
        match (self.state, self.value, self.series.last()) {
            (TrialState::Complete, Some(value), _) => Outcome::Complete(value),
            (TrialState::Pruned, _, Some((step, value))) => Outcome::Pruned { step, value },
            _ => Outcome::Failed,
        }
    }

    fn complete(value: f64, series: Series) -> Self {
        Self {
            state: TrialState::Complete,
            value: Some(value),
            series,
            failure: None,
            is_recalled: false,
        }
    }

    fn pruned(series: Series) -> Self {
        Self {
            state: TrialState::Pruned,
            value: series.last().map(|(_, value)| value),
            series,
            failure: None,
            is_recalled: false,
        }
    }

    fn failed(reason: String, series: Series) -> Self {
        Self {
            state: TrialState::Failed,
            value: None,
            series,
            failure: Some(reason),
            is_recalled: false,
        }
    }
}

/// What is remembered of a trial.
#[derive(Serialize, Deserialize)]
struct Remembered {
    state: TrialState,
    value: Option<f64>,
    steps: Vec<(u64, f64)>,
    failure: Option<String>,
}

/// Runs or recalls the trial with the hyperparameters `proposed`; `prunes` says whether to give it up after a step.
///
/// # Errors
/// [`Error::Cancelled`] alone: a trial whose model cannot be fitted has failed, and the study goes on.
pub(super) fn run(
    execution: &Execution<'_>,
    params: &ValidTuneParams,
    ground: &Ground,
    proposed: &Mapping,
    prunes: &dyn Fn(&Series) -> bool,
) -> Result<Ended, Error> {
    let learner = match params.learner(proposed) {
        Ok(learner) => learner,
        Err(faults) => {
            let reason = Error::Options(faults).to_string();
            return Ok(Ended::failed(reason, Series::default()));
        }
    };
    let in_folds = ground.pairs.len() > 1;
    for state in [TrialState::Complete, TrialState::Pruned] {
        let known = execution
            .memo
            .recall(&key(params, ground, &learner, state)?);
        if let Some(ended) = known.and_then(|bytes| replay(&bytes, in_folds, prunes)) {
            return Ok(ended);
        }
    }
    let is_cancelled = || execution.progress.is_cancelled();
    let ended = measure(params, ground, &learner, prunes, &is_cancelled)?;
    let remembered = Remembered {
        state: ended.state,
        value: ended.value,
        steps: ended.series.iter().collect(),
        failure: ended.failure.clone(),
    };
    if let Ok(bytes) = serde_json::to_vec(&remembered) {
        let key = key(params, ground, &learner, ended.state)?;
        execution.memo.remember(&key, &bytes);
    }
    Ok(ended)
}

/// Everything a trial depends on but for the pruner, which [`replay`] asks again.
///
/// A trial that was given up has a key of its own: what is remembered first stands, and must not keep the whole trial out.
fn key(
    params: &ValidTuneParams,
    ground: &Ground,
    learner: &Learner,
    state: TrialState,
) -> Result<Digest, Error> {
    let mut key = ContentKey::new("trial 5");
    key.text(if state == TrialState::Pruned {
        "pruned"
    } else {
        "ended"
    });
    key.bytes(ground.digest.as_bytes());
    key.text(params.objective.metric.name());
    key.text(&params.target);
    key.text(learner.kind().name());
    key.json(&learner.hyperparameters()?);
    key.bytes(&params.seed.to_le_bytes());
    Ok(key.digest())
}

/// How a remembered trial ends under the pruner of today; none when that cannot be told without executing it.
fn replay(bytes: &[u8], in_folds: bool, prunes: &dyn Fn(&Series) -> bool) -> Option<Ended> {
    let remembered: Remembered = serde_json::from_slice(bytes).ok()?;
    let mut series = Series::default();
    let last = remembered.steps.len();
    for (place, (step, value)) in remembered.steps.into_iter().enumerate() {
        series.push(step, value);
        // After the last fold there is nothing left to spare, and nobody asks.
        let is_asked = !(in_folds && place + 1 == last && remembered.state != TrialState::Pruned);
        if is_asked && prunes(&series) {
            let pruned = Ended::pruned(series);
            return Some(Ended {
                is_recalled: true,
                ..pruned
            });
        }
    }
    (remembered.state != TrialState::Pruned).then_some(Ended {
        state: remembered.state,
        value: remembered.value,
        series,
        failure: remembered.failure,
        is_recalled: true,
    })
}

/// Why a fit ended before its time.
enum Stopped {
    Pruned,
    Cancelled,
    /// The metric is not finite any more.
    Diverged,
}

/// Fits and measures on the whole ground.
fn measure(
    params: &ValidTuneParams,
    ground: &Ground,
    learner: &Learner,
    prunes: &dyn Fn(&Series) -> bool,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Ended, Error> {
    if let [pair] = &ground.pairs[..] {
        return measure_part(params, learner, pair, prunes, is_cancelled);
    }
    let mut series = Series::default();
    let mut sum = 0.0;
    for (number, pair) in ground.pairs.iter().enumerate() {
        let ended = measure_part(params, learner, pair, &|_| false, is_cancelled)?;
        let Some(value) = ended.value else {
            let reason = ended.failure.unwrap_or_default();
            return Ok(Ended::failed(reason, series));
        };
        sum += value;
        series.push(number as u64 + 1, sum / (number + 1) as f64);
        if number + 1 < ground.pairs.len() && prunes(&series) {
            return Ok(Ended::pruned(series));
        }
    }
    Ok(Ended::complete(sum / ground.pairs.len() as f64, series))
}

/// Fits to one part and measures on another; a booster reports after every tree.
fn measure_part(
    params: &ValidTuneParams,
    learner: &Learner,
    (train, test): &(Sample, Sample),
    prunes: &dyn Fn(&Series) -> bool,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Ended, Error> {
    let metric = params.objective.metric;
    let variance = test.targets.var(0.0);
    let mut series = Series::default();
    let mut stopped = None;
    let mut observe = |iteration: &Iteration| {
        let measured = iteration.validation;
        let report = measured.and_then(|it| learner.reported(it, metric, variance));
        if is_cancelled() {
            stopped = Some(Stopped::Cancelled);
        } else if measured.is_some_and(|measured| !measured.is_finite()) {
            stopped = Some(Stopped::Diverged);
        } else if let Some(report) = report {
            series.push(iteration.number as u64, report);
            if prunes(&series) {
                stopped = Some(Stopped::Pruned);
            }
        }
        match stopped {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let fitted = learner.fit(train, Some(test), &mut observe);
    match stopped {
        Some(Stopped::Cancelled) => return Err(Error::Cancelled),
        Some(Stopped::Pruned) => return Ok(Ended::pruned(series)),
        Some(Stopped::Diverged) => return Ok(Ended::failed("it diverged".to_owned(), series)),
        None => {}
    }
    let learned = match fitted {
        Ok(fitted) => fitted.learned,
        Err(error) => return Ok(Ended::failed(error.to_string(), series)),
    };
    let predicted = learned.predict(test.records.view());
    let scores = Scores::new(&test.targets.to_vec(), &predicted);
    Ok(match scores.get(metric).filter(|score| score.is_finite()) {
        Some(score) => Ended::complete(score, series),
        None => Ended::failed(format!("its {} is no number", metric.name()), series),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_remembered_trial_are_read_and_written() {
        let golden = br#"{"state":"pruned","value":0.30000000000000004,"steps":[[1,0.5],[2,0.30000000000000004]],"failure":null}"#;
        let remembered: Remembered = serde_json::from_slice(golden).expect("readable");
        assert_eq!(remembered.state, TrialState::Pruned);
        assert_eq!(remembered.steps, [(1, 0.5), (2, 0.1 + 0.2)]);
        assert_eq!(serde_json::to_vec(&remembered).expect("JSON"), golden);
    }

    #[test]
    fn what_is_no_remembered_trial_is_executed() {
        for bytes in [&b""[..], b"{", br#"{"state":"pruned"}"#, b"\0\0\0"] {
            assert!(replay(bytes, false, &|_| false).is_none());
        }
    }
}
