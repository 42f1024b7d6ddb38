//! `stack`: one model that weighs the predictions of others.
//!
//! Stacked regression (Wolpert 1992; Breiman 1996): each member is fitted again on all folds of the training part but one,
//! and predicts that one, so that every row has a prediction of each member that never saw it; least squares without
//! negative weights over those predictions says how much each member counts. The members themselves are the models that
//! were trained on the whole part. What a member predicts of a fold is remembered, so another model changes only its own.

use std::sync::Arc;

use hpipe_core::{Arity, Execution, OptionFault, Port, PortPath, Stage, StageError, Value};
use hpipe_learn::learned::{Learned, Stack as Weighed};
use hpipe_learn::stacking;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::content_key::{self, ContentKey};
use crate::error::Error;
use crate::folds::{self, Fold};
use crate::frame;
use crate::learner::{Learner, Sample};
use crate::model::{Card, Member, Model, ModelKind, Training};
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::schema::{Gaps, Schema};
use crate::scores::Scores;

/// The built-in stage `stack`.
pub struct Stack;

/// The options, as written and, checked, as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StackParams {
    target: String,
    #[serde(default = "five")]
    folds: usize,
    #[serde(default)]
    seed: u64,
}

const fn five() -> usize {
    5
}

impl Options for StackParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        let mut faults = Faults::default();
        faults.require(self.folds >= 2, "folds", "must be at least 2");
        faults.into_result(self)
    }
}

impl Stage for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn version(&self) -> u32 {
        1
    }

    fn summary(&self) -> &'static str {
        "weighs the predictions of several models into one"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep(
                "train",
                Arity::One,
                "features and target the models were fitted on (parquet)",
            ),
            dep(
                "validation",
                Arity::Optional,
                "features and target whose scores the model records (parquet)",
            ),
            dep("models", Arity::Many, "the members (safetensors)"),
            out("model", Arity::One, "the stack (safetensors)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<StackParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

/// A model that takes part, and the learner that can fit it again.
struct Candidate {
    name: String,
    model: Model,
    learner: Learner,
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<StackParams>(execution.with)?;
    let port = execution.dep("train");
    let table = frame::read_parquet(port)?;
    let schema = Arc::new(Schema::learn(&table, &params.target));
    let candidates = execution
        .deps("models")
        .map(|model| candidate(model, &params, &schema))
        .collect::<Result<Vec<_>, _>>()?;
    let gaps = gaps(&candidates);
    let train = Sample::new(&schema, &table, &params.target, gaps);
    let train = train.map_err(|error| error.within(&port.declared))?;
    if train.rows() < params.folds {
        return Err(Error::TooFewRows {
            path: port.declared.to_string(),
            rows: train.rows(),
            needed: params.folds,
        });
    }
    let predictions = out_of_fold(execution, &params, &candidates, &train)?;
    let weighed = stacking::fit(predictions.view(), train.targets.view());
    let weighed = weighed.map_err(|error| Error::Numerical(error.to_string()))?;
    let mut model = assemble(&params, candidates, &weighed, &predictions, &train);
    model.card.training.train = Some(score(&model, &train));
    if let Some(port) = execution.optional_dep("validation") {
        let validation = frame::read_parquet(port)
            .and_then(|table| Sample::new(&schema, &table, &params.target, gaps));
        let validation = validation.map_err(|error| error.within(&port.declared))?;
        model.card.training.validation = Some(score(&model, &validation));
    }
    for line in summary(&model.card.training) {
        execution.progress.log(&line);
    }
    model.write(execution.out("model"))
}

/// Reads a member and makes sure that it can be fitted again to the same features.
fn candidate(port: &PortPath, params: &StackParams, schema: &Schema) -> Result<Candidate, Error> {
    let model = Model::read(port)?;
    let name = crate::ports::stem(port);
    let differs = |what: &str, reason: String| {
        Error::Mismatch(port.declared.to_string(), what.to_owned(), reason)
    };
    let card = &model.card;
    if card.target != params.target {
        let reason = format!("it predicts `{}`, not `{}`", card.target, params.target);
        return Err(differs("the option `target`", reason));
    }
    if card.features != *schema {
        let reason = "its features are not those of the training part".to_owned();
        return Err(differs("the dep `train`", reason));
    }
    let ModelKind::Learner(kind) = card.kind else {
        let reason = format!("a model of kind `{}` cannot be fitted again", card.kind);
        return Err(differs("the stage `stack`", reason));
    };
    let learner = Learner::new(kind, card.hyperparameters.clone(), card.seed);
    let mut learner = learner.map_err(Error::Options)?;
    if let (Some(_), Learned::Trees(ensemble)) = (&card.training.history, &model.learned) {
        learner = learner.with_trees(ensemble.trees.len());
    }
    Ok(Candidate {
        name,
        model,
        learner,
    })
}

fn gaps(candidates: &[Candidate]) -> Gaps {
    let refuses = |candidate: &Candidate| candidate.learner.gaps() == Gaps::Refused;
    if candidates.iter().any(refuses) {
        Gaps::Refused
    } else {
        Gaps::Allowed
    }
}

/// What each candidate predicts of rows that it was not fitted on: `n_rows × n_candidates`.
fn out_of_fold(
    execution: &Execution<'_>,
    params: &StackParams,
    candidates: &[Candidate],
    train: &Sample,
) -> Result<Array2<f64>, Error> {
    let data = content_key::digest_of(execution.dep("train"))?;
    let folds = folds::deal(train.rows(), params.folds, params.seed);
    let pairs: Vec<(Sample, Sample)> = folds
        .par_iter()
        .map(|fold| (train.take(&fold.fit), train.take(&fold.measure)))
        .collect();
    let jobs: Vec<(usize, usize)> = (0..candidates.len())
        .flat_map(|column| (0..folds.len()).map(move |fold| (column, fold)))
        .collect();
    let total = jobs.len() as u64;
    let done = std::sync::atomic::AtomicU64::new(0);
    let predicted: Vec<Vec<f64>> = jobs
        .par_iter()
        .map(|&(column, fold)| {
            let learner = &candidates[column].learner;
            let key = key(data.as_bytes(), params, learner, fold)?;
            let (fit, measure) = &pairs[fold];
            let predicted = predict_fold(execution, &key, learner, fit, measure)?;
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            execution
                .progress
                .report(done, Some(total), "fitting members out of fold");
            Ok(predicted)
        })
        .collect::<Result<_, Error>>()?;
    let mut all = Array2::zeros((train.rows(), candidates.len()));
    for (&(column, fold), values) in jobs.iter().zip(&predicted) {
        let Fold { measure, .. } = &folds[fold];
        for (&row, value) in measure.iter().zip(values) {
            all[[row, column]] = *value;
        }
    }
    Ok(all)
}

fn key(
    data: &[u8],
    params: &StackParams,
    learner: &Learner,
    fold: usize,
) -> Result<hpipe_core::Digest, Error> {
    let mut key = ContentKey::new("out of fold 1");
    key.bytes(data);
    key.text(&params.target);
    key.text(learner.kind().name());
    key.json(&learner.hyperparameters()?);
    for number in [
        learner.seed(),
        params.folds as u64,
        params.seed,
        fold as u64,
    ] {
        key.bytes(&number.to_le_bytes());
    }
    Ok(key.digest())
}

/// What a learner fitted to some rows predicts of others, recalled or computed.
fn predict_fold(
    execution: &Execution<'_>,
    key: &hpipe_core::Digest,
    learner: &Learner,
    fit: &Sample,
    measure: &Sample,
) -> Result<Vec<f64>, Error> {
    if let Some(known) = execution
        .memo
        .recall(key)
        .and_then(|bytes| from_bytes(&bytes))
    {
        if known.len() == measure.rows() {
            return Ok(known);
        }
    }
    let fitted = learner.fit(fit, None, &mut |_| {
        if execution.progress.is_cancelled() {
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    })?;
    if execution.progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let predicted = fitted.learned.predict(measure.records.view());
    let bytes: Vec<u8> = predicted.iter().flat_map(|x| x.to_le_bytes()).collect();
    execution.memo.remember(key, &bytes);
    Ok(predicted)
}

fn from_bytes(bytes: &[u8]) -> Option<Vec<f64>> {
    let numbers = bytes.chunks_exact(8);
    let is_whole = numbers.remainder().is_empty();
    let number = |chunk: &[u8]| chunk.try_into().ok().map(f64::from_le_bytes);
    numbers
        .map(number)
        .collect::<Option<_>>()
        .filter(|_| is_whole)
}

/// The stack of the members that count; its card tells of all of them.
fn assemble(
    params: &StackParams,
    candidates: Vec<Candidate>,
    weighed: &stacking::Weights,
    predictions: &Array2<f64>,
    train: &Sample,
) -> Model {
    let actual = train.targets.to_vec();
    let mut members = Vec::new();
    let mut stack = Weighed {
        intercept: weighed.intercept,
        weights: Vec::new(),
        members: Vec::new(),
    };
    for (place, candidate) in candidates.into_iter().enumerate() {
        let weight = weighed.weights[place];
        members.push(Member {
            name: candidate.name,
            kind: candidate.model.card.kind,
            weight,
            out_of_fold: Scores::new(&actual, &predictions.index_axis(Axis(1), place).to_vec()),
        });
        if weight > 0.0 {
            stack.weights.push(weight);
            stack.members.push(candidate.model.learned);
        }
    }
    Model {
        card: Card {
            kind: ModelKind::Stack,
            target: params.target.clone(),
            features: Schema::clone(&train.schema),
            hyperparameters: json!({"folds": params.folds}),
            seed: params.seed,
            training: Training {
                rows: train.rows(),
                members,
                ..Training::default()
            },
        },
        learned: Learned::Stack(stack),
    }
}

fn score(model: &Model, sample: &Sample) -> Scores {
    let predicted = model.learned.predict(sample.records.view());
    Scores::new(&sample.targets.to_vec(), &predicted)
}

/// How much each member counts, and what the stack is worth.
fn summary(training: &Training) -> Vec<String> {
    let member = |member: &Member| {
        format!(
            "{}: weight {:.3}, out-of-fold rmse {:.4}",
            member.name, member.weight, member.out_of_fold.rmse
        )
    };
    let mut lines: Vec<String> = training.members.iter().map(member).collect();
    if let Some(scores) = training.validation {
        lines.push(format!("stack: validation rmse {:.4}", scores.rmse));
    }
    lines
}
