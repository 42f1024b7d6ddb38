//! `evaluate`: every model against every part, compared, examined, and judged by thresholds.
//!
//! Scores (`scores.rs`) on train, validation and test; residuals of the test part (`evaluate/residuals.rs`), by decile of
//! the target and by region; verdicts (`evaluate/params.rs`); the files (`evaluate/report.rs`,
//! `docs/formats/evaluation.md`).

mod params;
mod report;
mod residuals;

use std::collections::BTreeMap;

use hpipe_core::{Arity, Execution, OptionFault, Port, PortPath, Stage, StageError, Value};
use rayon::prelude::*;

use self::params::{EvaluateParams, ValidEvaluateParams};
use self::report::{Evaluation, Judged};
use self::residuals::{Regions, Residuals};
use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::model::Model;
use crate::options;
use crate::ports::{self, dep, out};
use crate::scores::Scores;
use crate::split::Part;
use crate::table::Table;

/// The built-in stage `evaluate`.
pub struct Evaluate;

impl Stage for Evaluate {
    fn name(&self) -> &'static str {
        "evaluate"
    }

    fn version(&self) -> u32 {
        1
    }

    fn summary(&self) -> &'static str {
        "scores and compares models, analyses residuals and decides by thresholds"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep(
                "train",
                Arity::One,
                "features and target of the train rows (parquet)",
            ),
            dep(
                "validation",
                Arity::One,
                "features and target of the validation rows (parquet)",
            ),
            dep(
                "test",
                Arity::One,
                "features and target of the test rows (parquet)",
            ),
            dep(
                "models",
                Arity::Many,
                "the models to compare (JSON), each named by its file",
            ),
            dep(
                "regions",
                Arity::Optional,
                "the test rows before `features`, in the same order, for the columns that `regions` names (parquet)",
            ),
            out(
                "metrics",
                Arity::One,
                "scores, residuals and verdicts for programs (JSON)",
            ),
            out("comparison", Arity::Optional, "a row a model (CSV)"),
            out(
                "predictions",
                Arity::Optional,
                "target and predictions of the test rows (CSV)",
            ),
            out(
                "report",
                Arity::Optional,
                "the evaluation for people (Markdown)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<EvaluateParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

/// Features and target of a part.
struct Rows<'a> {
    port: &'a PortPath,
    features: Table,
    actual: Vec<f64>,
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<EvaluateParams>(execution.with)?;
    let progress = execution.progress;
    let parts: Vec<Rows<'_>> = Part::ALL
        .par_iter()
        .map(|part| rows(execution.dep(part.name()), &params.target))
        .collect::<Result<_, _>>()?;
    let test = &parts[2];
    let regions = regions(execution, &params, test)?;
    if progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let models: Vec<(String, &PortPath)> = names(execution.deps("models").collect());
    progress.report(0, None, &format!("scoring {} models", models.len()));
    let judged: Vec<(Judged, Vec<f64>)> = models
        .par_iter()
        .map(|(name, port)| judge(name, port, &params, &parts, regions.as_ref()))
        .collect::<Result<_, _>>()?;
    let (judged, predictions): (Vec<Judged>, Vec<Vec<f64>>) = judged.into_iter().unzip();
    let evaluation = Evaluation::new(&params, judged);

    artifact::write_json(execution.out("metrics"), &evaluation.metrics())?;
    if let Some(path) = execution.optional_out("comparison") {
        artifact::write_text(path, &evaluation.comparison())?;
    }
    if let Some(path) = execution.optional_out("predictions") {
        artifact::write_text(path, &evaluation.predictions(&test.actual, &predictions))?;
    }
    if let Some(path) = execution.optional_out("report") {
        artifact::write_text(path, &evaluation.markdown())?;
    }
    for line in evaluation.summary() {
        progress.log(&line);
    }
    match evaluation.failures() {
        failures if !failures.is_empty() && params.fails() => Err(Error::Thresholds(failures)),
        _ => Ok(()),
    }
}

fn rows<'a>(port: &'a PortPath, target: &str) -> Result<Rows<'a>, Error> {
    let features = frame::read_parquet(port)?;
    if features.rows() == 0 {
        return Err(Error::NoRows {
            path: port.declared.to_string(),
        });
    }
    let actual = features.target(target);
    Ok(Rows {
        port,
        actual: actual.map_err(|error| error.within(&port.declared))?,
        features,
    })
}

/// The region of every test row, if regions are wanted.
fn regions(
    execution: &Execution<'_>,
    params: &ValidEvaluateParams,
    test: &Rows<'_>,
) -> Result<Option<Regions>, Error> {
    let (port, wanted) = match (execution.optional_dep("regions"), &params.regions) {
        (Some(port), Some(wanted)) => (port, wanted),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(Error::Ports {
                message: "there is a dep `regions`, but no option `regions`".to_owned(),
                help: "say which columns make a region: `regions: {columns: [X, Y], cell: 1}`, or `{column: NAME}`",
            });
        }
        (None, Some(_)) => {
            return Err(Error::Ports {
                message: "there is an option `regions`, but no dep `regions` to take them from"
                    .to_owned(),
                help: "add the test part before `features` as the dep `regions`",
            });
        }
    };
    let table = frame::read_parquet(port)?;
    if table.rows() != test.actual.len() {
        return Err(Error::Mismatch(
            port.declared.to_string(),
            test.port.declared.to_string(),
            format!("{} rows, and {}", table.rows(), test.actual.len()),
        ));
    }
    let regions = Regions::new(wanted, &table);
    Ok(Some(regions.map_err(|error| error.within(&port.declared))?))
}

/// A name for each model: its file's without extension, or, where two have that, its path.
fn names(ports: Vec<&PortPath>) -> Vec<(String, &PortPath)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for port in &ports {
        *counts.entry(ports::stem(port)).or_default() += 1;
    }
    let name = |port: &PortPath| match counts.get(&ports::stem(port)) {
        Some(1) => ports::stem(port),
        _ => port.declared.to_string(),
    };
    ports.into_iter().map(|port| (name(port), port)).collect()
}

/// Scores and examines one model; also returns its predictions of the test rows.
fn judge(
    name: &str,
    port: &PortPath,
    params: &ValidEvaluateParams,
    parts: &[Rows<'_>],
    regions: Option<&Regions>,
) -> Result<(Judged, Vec<f64>), Error> {
    let model = Model::read(port)?;
    if model.card.target != params.target {
        return Err(Error::Mismatch(
            port.declared.to_string(),
            "the option `target`".to_owned(),
            format!(
                "it predicts `{}`, not `{}`",
                model.card.target, params.target
            ),
        ));
    }
    let mut scores = BTreeMap::new();
    let mut predicted = Vec::new();
    for (part, rows) in Part::ALL.into_iter().zip(parts) {
        let path = &rows.port.declared;
        predicted = model
            .predict(&rows.features)
            .map_err(|error| error.within(format!("{path}, for {}", port.declared)))?;
        scores.insert(part, Scores::new(&rows.actual, &predicted));
    }
    let test = &parts[2];
    let residuals = Residuals::new(&test.actual, &predicted, regions);
    let judged = Judged {
        name: name.to_owned(),
        kind: model.card.kind,
        violations: params.violations(&scores),
        scores,
        residuals,
    };
    Ok((judged, predicted))
}
