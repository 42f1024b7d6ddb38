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
        if validation.rows() == 0 {
            return Err(Error::NoRows {
                path: port.declared.to_string(),
            });
        }
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
    let key = key(params, ground, &learner)?;
    if let Some(ended) = execution
        .memo
        .recall(&key)
        .and_then(|bytes| replay(&bytes, prunes))
    {
        return Ok(ended);
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
        execution.memo.remember(&key, &bytes);
    }
    Ok(ended)
}

/// Everything a trial depends on but for the pruner, which [`replay`] asks again.
fn key(params: &ValidTuneParams, ground: &Ground, learner: &Learner) -> Result<Digest, Error> {
    let mut key = ContentKey::new("trial 1");
    key.bytes(ground.digest.as_bytes());
    key.text(params.objective.metric.name());
    key.text(&params.target);
    key.text(learner.kind().name());
    key.json(&learner.hyperparameters()?);
    key.bytes(&params.seed.to_le_bytes());
    Ok(key.digest())
}

/// How a remembered trial ends under the pruner of today; none when that cannot be told without executing it.
fn replay(bytes: &[u8], prunes: &dyn Fn(&Series) -> bool) -> Option<Ended> {
    let remembered: Remembered = serde_json::from_slice(bytes).ok()?;
    let mut series = Series::default();
    for (step, value) in remembered.steps {
        series.push(step, value);
        if prunes(&series) {
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
}

/// Fits and measures on the whole ground.
fn measure(
    params: &ValidTuneParams,
    ground: &Ground,
    learner: &Learner,
    prunes: &dyn Fn(&Series) -> bool,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Ended, Error> {
    let in_folds = ground.pairs.len() > 1;
    let mut series = Series::default();
    let mut sum = 0.0;
    for (number, (train, test)) in ground.pairs.iter().enumerate() {
        let mut stopped = None;
        let mut observe = |iteration: &Iteration| {
            if let Some(metric) = iteration.validation.filter(|_| !in_folds) {
                series.push(iteration.number as u64, metric);
            }
            if is_cancelled() {
                stopped = Some(Stopped::Cancelled);
            } else if !in_folds && series.last().is_some() && prunes(&series) {
                stopped = Some(Stopped::Pruned);
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
            None => {}
        }
        let learned = match fitted {
            Ok(fitted) => fitted.learned,
            Err(error) => return Ok(Ended::failed(error.to_string(), series)),
        };
        let predicted = learned.predict(test.records.view());
        let scores = Scores::new(&test.targets.to_vec(), &predicted);
        let Some(score) = scores.get(params.objective.metric) else {
            let reason = format!("{} is undefined here", params.objective.metric.name());
            return Ok(Ended::failed(reason, series));
        };
        sum += score;
        let mean = sum / (number + 1) as f64;
        if in_folds {
            series.push(number as u64 + 1, mean);
            if number + 1 < ground.pairs.len() && prunes(&series) {
                return Ok(Ended::pruned(series));
            }
        }
    }
    Ok(Ended::complete(sum / ground.pairs.len() as f64, series))
}
