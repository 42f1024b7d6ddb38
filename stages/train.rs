//! `train`: one model from the features of the training part.
//!
//! Which models there are and what their hyperparameters mean: `learner.rs`. The model it writes: `model.rs`. A study of
//! the stage `tune` may say the hyperparameters: those it found stand before those of the options.

use std::ops::ControlFlow;
use std::sync::Arc;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::frame;
use crate::learner::{Fitted, Learner, LearnerKind, Sample};
use crate::markdown::figure;
use crate::model::{Card, Model, ModelKind, Training};
use crate::names;
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::schema::Schema;
use crate::scores::Scores;
use crate::study::StudyRecord;
use crate::table::Table;

/// The built-in stage `train`.
pub struct Train;

/// The options of `train`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainParams {
    model: LearnerKind,
    target: String,
    #[serde(default)]
    hyperparameters: Map<String, Json>,
    #[serde(default)]
    seed: u64,
}

/// The options of `train`, checked.
#[derive(Debug)]
struct ValidTrainParams {
    learner: Learner,
    target: String,
    /// As written: what a study found goes over them.
    hyperparameters: Map<String, Json>,
    seed: u64,
}

impl Options for TrainParams {
    type Checked = ValidTrainParams;

    fn check(self) -> Result<ValidTrainParams, Vec<OptionFault>> {
        let written = Json::Object(self.hyperparameters.clone());
        let learner = Learner::new(self.model, written, self.seed).map_err(|below| {
            let mut faults = Faults::default();
            faults.extend("hyperparameters", below);
            faults.into_vec()
        })?;
        Ok(ValidTrainParams {
            learner,
            target: self.target,
            hyperparameters: self.hyperparameters,
            seed: self.seed,
        })
    }
}

impl ValidTrainParams {
    /// The learner with the hyperparameters that a study found.
    fn with_study(&self, study: &StudyRecord) -> Result<Learner, Error> {
        let kind = self.learner.kind();
        if study.model != kind {
            return Err(Error::Mismatch(
                "the study".to_owned(),
                "the option `model`".to_owned(),
                format!("it is of a model `{}`, not `{kind}`", study.model),
            ));
        }
        if study.target != self.target {
            return Err(Error::Mismatch(
                "the study".to_owned(),
                "the option `target`".to_owned(),
                format!(
                    "it is of the target `{}`, not `{}`",
                    study.target, self.target
                ),
            ));
        }
        let mut written = self.hyperparameters.clone();
        written.extend(study.best.hyperparameters.clone());
        Learner::new(kind, Json::Object(written), self.seed).map_err(Error::Options)
    }
}

impl Stage for Train {
    fn name(&self) -> &'static str {
        "train"
    }

    fn version(&self) -> u32 {
        8
    }

    fn summary(&self) -> &'static str {
        "trains a linear model, a tree, a forest or a booster"
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
                "features and target whose scores the model records, and which early stopping watches (parquet)",
            ),
            dep(
                "study",
                Arity::Optional,
                "the study whose best hyperparameters go before those of the options (JSON)",
            ),
            out("model", Arity::One, "the fitted model (safetensors)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<TrainParams>(with).map(drop)
    }

    fn check_deps(&self, with: &Value, given: &[&str]) -> Result<(), Vec<OptionFault>> {
        let params = options::checked::<TrainParams>(with)?;
        let mut faults = Faults::default();
        // a study has its own words on it
        let can_stop = given.contains(&"validation") || given.contains(&"study");
        if let (Some(option), false) = (params.learner.stops_early(), can_stop) {
            faults.add_with_help(
                format!("hyperparameters.{option}"),
                "there are no rows to measure on, so that it could never stop",
                "add the dep `validation`, or leave this out",
            );
        }
        faults.into_result(())
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<TrainParams>(execution.with)?;
    let learner = match execution.optional_dep("study") {
        Some(port) => {
            let study = StudyRecord::read(port)?;
            let learner = params.with_study(&study);
            learner.map_err(|error| error.within(&port.declared))?
        }
        None => params.learner.clone(),
    };
    let port = execution.dep("train");
    let table = frame::read_rows(port)?;
    let schema = Arc::new(Schema::learn(&table, &params.target));
    let sample = |table: &Table| Sample::new(&schema, table, &params.target, learner.gaps());
    let train = sample(&table).map_err(|error| error.within(&port.declared))?;
    let validation = match execution.optional_dep("validation") {
        Some(port) => {
            let table = frame::read_rows(port)?;
            let sample = sample(&table).map_err(|error| error.within(&port.declared))?;
            for unseen in schema.unseen(&table, port.declared.as_str()) {
                execution.progress.warn(&unseen);
            }
            Some(sample)
        }
        None => None,
    };
    let fitted = fit(execution, &learner, &train, validation.as_ref());
    let model = card(
        &params,
        &learner,
        fitted.map_err(|error| error.within(&port.declared))?,
        &train,
        validation.as_ref(),
    )?;
    execution.progress.log(&summary(&model.card));
    for odd in oddities(&model.card.training) {
        execution.progress.warn(&odd);
    }
    model.write(execution.out("model"))
}

/// Fits the model, telling after each tree how far it is.
fn fit(
    execution: &Execution<'_>,
    learner: &Learner,
    train: &Sample,
    validation: Option<&Sample>,
) -> Result<Fitted, Error> {
    let progress = execution.progress;
    let message = format!("fitting {}", learner.kind());
    progress.report(0, None, &message);
    let fitted = learner.fit(train, validation, &mut |iteration| {
        progress.report(iteration.number as u64, Some(iteration.of as u64), &message);
        if progress.is_cancelled() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    Ok(fitted)
}

/// The model of what was learned, with its scores.
fn card(
    params: &ValidTrainParams,
    learner: &Learner,
    fitted: Fitted,
    train: &Sample,
    validation: Option<&Sample>,
) -> Result<Model, Error> {
    let learned = fitted.learned;
    let names = train.schema.names();
    let score = |sample: &Sample| {
        let predicted = learned.predict(sample.records.view());
        let scores = Scores::new(&sample.targets.to_vec(), &predicted);
        if scores.rmse.is_finite() {
            return Ok(scores);
        }
        let reason = "its errors are too large for floating point: scale the target, or lower the learning rate";
        Err(Error::Numerical(reason.to_owned()))
    };
    let is_constant = |&&i: &&usize| train.is_constant(i);
    let (constant, collinear): (Vec<_>, Vec<_>) = fitted.collinear.iter().partition(is_constant);
    let named = |places: Vec<usize>| places.into_iter().map(|i| names[i].clone()).collect();
    let training = Training {
        rows: train.rows(),
        constant: named(constant),
        collinear: named(collinear),
        convergence: fitted.convergence,
        history: fitted.history,
        out_of_bag: fitted.out_of_bag,
        members: Vec::new(),
        out_of_fold: None,
        out_of_fold_of: None,
        train: Some(score(train)?),
        validation: validation.map(score).transpose()?,
    };
    Ok(Model {
        card: Card {
            kind: ModelKind::Learner(learner.kind()),
            target: params.target.clone(),
            features: Schema::clone(&train.schema),
            hyperparameters: learner.hyperparameters()?,
            seed: params.seed,
            training,
        },
        learned,
    })
}

/// What a model is, in a line.
fn summary(card: &Card) -> String {
    let training = &card.training;
    let rmse = |part: &str, scores: Option<Scores>| match scores {
        Some(scores) => format!(", {part} rmse {:.4}", scores.rmse),
        None => String::new(),
    };
    let trees = match &training.history {
        Some(history) => format!(
            ", {} of {} trees",
            history.best_iteration,
            history.train.len()
        ),
        None => String::new(),
    };
    format!(
        "{}: {} rows, {} features{trees}{}{}",
        card.kind,
        training.rows,
        card.features.features().len(),
        rmse("train", training.train),
        rmse("validation", training.validation),
    )
}

/// What is odd about a model.
fn oddities(training: &Training) -> Vec<String> {
    let mut odd = Vec::new();
    if !training.constant.is_empty() {
        odd.push(format!(
            "constant in train, so that the model cannot tell what they are worth (coefficient 0): {}",
            names::list(training.constant.iter().map(String::as_str))
        ));
    }
    if !training.collinear.is_empty() {
        odd.push(format!(
            "combinations of other features, so that the coefficients are one choice of many (that of least norm): {}",
            names::list(training.collinear.iter().map(String::as_str))
        ));
    }
    if let Some(how) = training.convergence.as_ref().filter(|how| !how.converged) {
        odd.push(format!(
            "not converged after {} iterations (duality gap {:.3e}): raise max_iter or tol",
            how.iterations, how.duality_gap
        ));
    }
    if let Some(r2) = training
        .train
        .and_then(|scores| scores.r2)
        .filter(|r2| *r2 < -1e-9)
    // a constant prediction is off by the rounding of its mean
    {
        let cure = match training.history {
            Some(_) => ": lower `learning_rate`",
            None => "",
        };
        odd.push(format!(
            "worse on the train rows than their mean would be (R² {}){cure}",
            figure(r2)
        ));
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    #[test]
    fn hyperparameters_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<TrainParams>(json), expect);
        check(r#"{"model": "linear", "target": "y"}"#, "");
        check(
            r#"{"model": "ridge", "target": "y", "hyperparameters": {"alpha": 0}}"#,
            "",
        );
        check(
            r#"{"model": "ridge", "target": "y", "hyperparameters": {"alpha": -1, "l1_ratio": 0.5}}"#,
            "hyperparameters.l1_ratio: the model `ridge` has no such hyperparameter (it takes alpha, fit_intercept)\n\
             hyperparameters.alpha: must be 0 or more, not -1",
        );
        check(
            r#"{"model": "elastic_net", "target": "y", "hyperparameters": {"alpha": 0, "l1_ratio": 1.5, "tol": 0, "max_iter": 0}}"#,
            "hyperparameters.alpha: must be more than 0 (at 0, use the model `linear`), not 0\n\
             hyperparameters.l1_ratio: must be from 0 to 1, not 1.5\n\
             hyperparameters.tol: must be more than 0, not 0\n\
             hyperparameters.max_iter: must be at least 1, not 0",
        );
        check(
            r#"{"model": "lasoo", "target": "y", "hyperparameters": {"alhpa": 1}}"#,
            "model: `lasoo` is not a word for this (did you mean `lasso`?)",
        );
    }

    #[test]
    fn hyperparameters_of_trees_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<TrainParams>(json), expect);
        check(
            r#"{"model": "xgboost", "target": "y", "hyperparameters": {"max_depth": "none", "max_leaves": 31, "grow_policy": "lossguide"}}"#,
            "",
        );
        check(
            r#"{"model": "random_forest", "target": "y", "hyperparameters": {"max_features": "sqrt", "max_depth": 0}}"#,
            "hyperparameters.max_depth: must be at least 1, or none, not 0",
        );
        check(
            r#"{"model": "xgboost", "target": "y", "hyperparameters": {"learning_rate": 0}}"#,
            "hyperparameters.learning_rate: must be above 0, not 0",
        );
        check(
            r#"{"model": "gradient_boosting", "target": "y", "hyperparameters": {"los": "huber", "n_estimators": -1, "max_depth": "deep"}}"#,
            "hyperparameters.los: unknown option (did you mean `loss`?)\n\
             hyperparameters.max_depth: found \"deep\", expected a whole number or `none`\n\
             hyperparameters.n_estimators: found the number `-1`, expected a whole number from 0",
        );
    }
}
