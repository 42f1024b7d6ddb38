//! `train`: one model from the features of the training part.
//!
//! Which models there are and what their hyperparameters mean: `linear.rs`. The model it writes: `model.rs`.

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use serde::Deserialize;

use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::linear::{self, Hyperparameters, LinearKind, ValidLinear};
use crate::matrix;
use crate::model::{Model, Parameters, Training};
use crate::names;
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::scores::Scores;
use crate::table::Table;

/// The built-in stage `train`.
pub struct Train;

/// The options of `train`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainParams {
    model: LinearKind,
    target: String,
    #[serde(default)]
    hyperparameters: Hyperparameters,
}

/// The options of `train`, checked.
#[derive(Debug)]
struct ValidTrainParams {
    model: ValidLinear,
    target: String,
}

impl Options for TrainParams {
    type Checked = ValidTrainParams;

    fn check(self) -> Result<ValidTrainParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let model = self
            .hyperparameters
            .check(self.model, "hyperparameters", &mut faults);
        faults.into_result(ValidTrainParams {
            model,
            target: self.target,
        })
    }
}

impl Stage for Train {
    fn name(&self) -> &'static str {
        "train"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "trains a linear, ridge, lasso or elastic-net model"
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
                "features and target whose scores the model records (parquet)",
            ),
            out("model", Arity::One, "the fitted model (JSON)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<TrainParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<TrainParams>(execution.with)?;
    let progress = execution.progress;
    let port = execution.dep("train");
    let table = frame::read_parquet(port)?;
    progress.report(0, Some(2), &format!("fitting {}", params.model.kind()));
    let mut model = fit(&params, &table).map_err(|error| error.within(&port.declared))?;
    if progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    if let Some(port) = execution.optional_dep("validation") {
        progress.report(1, Some(2), "scoring the validation part");
        let scores = score(&model, &frame::read_parquet(port)?);
        model.training.validation = Some(scores.map_err(|error| error.within(&port.declared))?);
    }
    progress.log(&summary(&model));
    for odd in oddities(&model) {
        progress.warn(&odd);
    }
    artifact::write(execution.out("model"), &model)
}

/// Fits the model and scores it on the rows it was fitted on.
fn fit(params: &ValidTrainParams, table: &Table) -> Result<Model, Error> {
    let dataset = matrix::dataset(table, &params.target)?;
    if dataset.targets.is_empty() {
        return Err(Error::NothingToFit("rows"));
    }
    let features = dataset.feature_names().to_vec();
    let fitted = linear::fit(&params.model, &dataset)?;
    let collinear = fitted.collinear.iter();
    let collinear = collinear.map(|&place| features[place].clone());
    let mut model = Model {
        kind: params.model.kind(),
        target: params.target.clone(),
        hyperparameters: linear::hyperparameters(&params.model),
        training: Training {
            rows: table.rows(),
            collinear: collinear.collect(),
            convergence: fitted.convergence,
            train: Scores::new(&[], &[]),
            validation: None,
        },
        parameters: Parameters::Linear(fitted.model),
        features,
    };
    model.training.train = score(&model, table)?;
    Ok(model)
}

fn score(model: &Model, table: &Table) -> Result<Scores, Error> {
    let actual = table.target(&model.target)?;
    Ok(Scores::new(&actual, &model.predict(table)?))
}

/// What a model is, in a line.
fn summary(model: &Model) -> String {
    let training = &model.training;
    let validation = training.validation.map_or_else(String::new, |scores| {
        format!(", validation rmse {:.4}", scores.rmse)
    });
    format!(
        "{}: {} rows, {} features, train rmse {:.4}{validation}",
        model.kind,
        training.rows,
        model.features.len(),
        training.train.rmse,
    )
}

/// What is odd about a model.
fn oddities(model: &Model) -> Vec<String> {
    let Training {
        collinear,
        convergence,
        ..
    } = &model.training;
    let mut odd = Vec::new();
    if !collinear.is_empty() {
        odd.push(format!(
            "combinations of other features, so that the coefficients are one choice of many (that of least norm): {}",
            names::list(collinear.iter().map(String::as_str))
        ));
    }
    if let Some(how) = convergence.as_ref().filter(|how| !how.converged) {
        odd.push(format!(
            "not converged after {} iterations (duality gap {:.3e}): raise max_iter or tol",
            how.iterations, how.duality_gap
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
            r#"{"model": "lasoo", "hyperparameters": {"alhpa": 1}}"#,
            "hyperparameters.alhpa: unknown option (did you mean `alpha`?)\n\
             model: `lasoo` is not a word for this (did you mean `lasso`?)",
        );
    }
}
