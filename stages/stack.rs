//! `stack`: one model that weighs the predictions of others.
//!
//! Stacked regression (Wolpert 1992; Breiman 1996): the weights are least squares without negative weights over what the
//! members predict of rows that none of them was fitted on, the validation part. Nothing is fitted again. Members are not
//! refitted out of fold on the training part, as is often done: where a feature tells of the targets of neighbouring
//! training rows, the row that is left out still speaks through its neighbours, and those predictions look too good.
//!
//! The stack has seen the validation part. What it is worth there is therefore told out of fold: each fold is weighed by
//! weights from the others.

use hpipe_core::{Arity, Execution, OptionFault, Port, PortPath, Stage, StageError, Value};
use hpipe_learn::learned::{Learned, Stack as Weighed};
use hpipe_learn::stacking::{self, Weights};
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::content_key;
use crate::error::Error;
use crate::folds;
use crate::frame;
use crate::model::{Card, Member, Model, ModelKind, Training};
use crate::options::{self, Faults, Options};
use crate::ports::{self, dep, out};
use crate::scores::Scores;
use crate::table::{Lookup, Table};

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
        2
    }

    fn summary(&self) -> &'static str {
        "weighs the predictions of several models into one"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep(
                "validation",
                Arity::One,
                "features and target that no member was fitted on (parquet)",
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

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<StackParams>(execution.with)?;
    let port = execution.dep("validation");
    let table = frame::read_parquet(port)?;
    let within = |error: Error| error.within(&port.declared);
    let targets = Array1::from(table.target(&params.target).map_err(within)?);
    if targets.len() < params.folds {
        return Err(Error::TooFewRows {
            path: port.declared.to_string(),
            rows: targets.len(),
            needed: params.folds,
        });
    }
    let models: Vec<&PortPath> = execution.deps("models").collect();
    let members = read(&models, &params)?;
    let predictions = predict(&members, &table).map_err(within)?;
    if execution.progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let weights = fit(&predictions, &targets)?;
    if !weights.converged {
        let odd = "the weights are not settled: some members predict nearly the same";
        execution.progress.warn(odd);
    }
    let judged = Judged {
        each: predictions
            .columns()
            .into_iter()
            .map(|column| Scores::new(&targets.to_vec(), &column.to_vec()))
            .collect(),
        stack: out_of_fold(&params, &predictions, &targets)?,
        rows: content_key::digest_of(port)?.hex(),
    };
    if tells_nothing(&weights) {
        let text = "no member tells anything about the target: the stack predicts the mean of the validation part";
        execution.progress.warn(text);
    }
    let names = models.iter().map(|port| ports::stem(port)).collect();
    let model = assemble(&params, names, members, &weights, judged)?;
    for line in summary(&model.card.training) {
        execution.progress.log(&line);
    }
    model.write(execution.out("model"))
}

/// Reads the members and makes sure that they predict one target from the same features.
fn read(ports: &[&PortPath], params: &StackParams) -> Result<Vec<Model>, Error> {
    let members = ports.iter().map(|port| Model::read(port));
    let members: Vec<Model> = members.collect::<Result<_, _>>()?;
    for (port, member) in ports.iter().zip(&members) {
        let differs = |what: &str, reason: &str| {
            Error::Mismatch(
                port.declared.to_string(),
                what.to_owned(),
                reason.to_owned(),
            )
        };
        if member.card.target != params.target {
            let reason = format!("it predicts `{}`", member.card.target);
            return Err(differs("the option `target`", &reason));
        }
        if member.card.features != members[0].card.features {
            let first = ports[0].declared.to_string();
            return Err(differs(&first, "they have other features"));
        }
    }
    Ok(members)
}

/// What each member predicts: `n_rows × n_members`.
fn predict(members: &[Model], table: &Table) -> Result<Array2<f64>, Error> {
    let columns: Vec<Array1<f64>> = members
        .par_iter()
        .map(|member| member.predict(table).map(Array1::from))
        .collect::<Result<_, _>>()?;
    let views: Vec<_> = columns.iter().map(Array1::view).collect();
    ndarray::stack(Axis(1), &views).map_err(|error| Error::Numerical(error.to_string()))
}

fn fit(predictions: &Array2<f64>, targets: &Array1<f64>) -> Result<Weights, Error> {
    stacking::fit(predictions.view(), targets.view())
        .map_err(|error| Error::Numerical(error.to_string()))
}

/// Scores of the stack where the rows of a fold are weighed by the others.
fn out_of_fold(
    params: &StackParams,
    predictions: &Array2<f64>,
    targets: &Array1<f64>,
) -> Result<Scores, Error> {
    let mut stacked = vec![0.0; targets.len()];
    for fold in folds::deal(targets.len(), params.folds, params.seed) {
        let others = predictions.select(Axis(0), &fold.fit);
        let weights = fit(&others, &targets.select(Axis(0), &fold.fit))?;
        for &row in &fold.measure {
            let members = predictions.row(row);
            stacked[row] = weights.intercept + members.dot(&Array1::from(weights.weights.clone()));
        }
    }
    Ok(Scores::new(&targets.to_vec(), &stacked))
}

/// What members and stack are worth on the validation part.
struct Judged {
    each: Vec<Scores>,
    stack: Scores,
    /// The digest of the file.
    rows: String,
}

/// The stack of the members that count; its card tells of all of them.
fn assemble(
    params: &StackParams,
    names: Vec<String>,
    models: Vec<Model>,
    weights: &Weights,
    judged: Judged,
) -> Result<Model, Error> {
    let Some(first) = models.first() else {
        return Err(Error::NothingToFit("models"));
    };
    let features = first.card.features.clone();
    let rows = models.iter().map(|model| model.card.training.rows).max();
    let mut members = Vec::new();
    let mut stack = Weighed {
        intercept: weights.intercept,
        weights: Vec::new(),
        members: Vec::new(),
    };
    for (place, (name, model)) in names.into_iter().zip(models).enumerate() {
        let weight = weights.weights[place];
        members.push(Member {
            name,
            kind: model.card.kind,
            weight,
            validation: judged.each[place],
        });
        // a stack of nothing but its intercept keeps its first member for what it knows of features
        if weight > 0.0 || (place == 0 && tells_nothing(weights)) {
            stack.weights.push(weight);
            stack.members.push(model.learned);
        }
    }
    Ok(Model {
        card: Card {
            kind: ModelKind::Stack,
            target: params.target.clone(),
            features,
            hyperparameters: json!({"folds": params.folds}),
            seed: params.seed,
            training: Training {
                rows: rows.unwrap_or(0),
                members,
                out_of_fold: Some(judged.stack),
                out_of_fold_of: Some(judged.rows),
                ..Training::default()
            },
        },
        learned: Learned::Stack(stack),
    })
}

/// Whether no member has a weight: the target is constant, or every member is worse than its mean. The stack is that mean then.
fn tells_nothing(weights: &Weights) -> bool {
    weights.weights.iter().all(|&weight| weight <= 0.0)
}

/// How much each member counts, and what the stack is worth.
fn summary(training: &Training) -> Vec<String> {
    let member = |member: &Member| {
        format!(
            "{}: weight {:.3}, validation rmse {:.4}",
            member.name, member.weight, member.validation.rmse
        )
    };
    let mut lines: Vec<String> = training.members.iter().map(member).collect();
    if let Some(scores) = training.out_of_fold {
        lines.push(format!(
            "stack: validation rmse {:.4}, out of fold",
            scores.rmse
        ));
    }
    lines
}
