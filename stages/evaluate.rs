//! `evaluate`: every model against every part, compared, examined, and judged by thresholds.
//!
//! Scores (`scores.rs`) on train, validation and test; residuals of the test part (`evaluate/residuals.rs`), by decile of
//! the target and by region; verdicts (`params.rs`); which model is the best, and why (`selection.rs`); the files
//! (`report.rs`, `docs/formats/evaluation.md`); charts and the page for people (`charts.rs`, `page.rs`), which also shows
//! what `explain` and `tune` found (`supplements.rs`).

mod charts;
mod page;
mod params;
mod report;
mod residuals;
mod selection;
mod supplements;

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::{Arity, Execution, OptionFault, Port, PortPath, Stage, StageError, Value};
use rayon::prelude::*;

use self::charts::Findings;
use self::params::{EvaluateParams, RegionKind, ValidEvaluateParams};
use self::report::{Evaluation, Judged};
use self::residuals::{Regions, Residuals};
use self::supplements::Supplements;
use crate::artifact;
use crate::content_key;
use crate::error::Error;
use crate::frame;
use crate::model::{Card, Model};
use crate::options::{self, Faults};
use crate::ports::{self, dep, out};
use crate::scores::Scores;
use crate::split::Part;
use crate::table::{Lookup, Table};

/// The built-in stage `evaluate`.
pub struct Evaluate;

impl Stage for Evaluate {
    fn name(&self) -> &'static str {
        "evaluate"
    }

    fn version(&self) -> u32 {
        2
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
                "the models to compare (safetensors), each named by its file",
            ),
            dep(
                "regions",
                Arity::Optional,
                "the test rows before `features`, in the same order, for the columns that `regions` names (parquet)",
            ),
            dep(
                "explanations",
                Arity::Any,
                "what `explain` measured of some of the models, for `html` (JSON)",
            ),
            dep(
                "studies",
                Arity::Any,
                "what `tune` found for some of the models, for `html` (JSON)",
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
            out(
                "best",
                Arity::Optional,
                "the model that is selected, byte for byte (safetensors)",
            ),
            out(
                "selection",
                Arity::Optional,
                "which model is selected, and why (JSON)",
            ),
            out(
                "html",
                Arity::Optional,
                "the evaluation for people, with charts (HTML)",
            ),
            out(
                "plots",
                Arity::Optional,
                "the charts (a folder of SVG and PNG)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<EvaluateParams>(with).map(drop)
    }

    fn check_deps(&self, with: &Value, given: &[&str]) -> Result<(), Vec<OptionFault>> {
        let params = options::checked::<EvaluateParams>(with)?;
        let mut faults = Faults::default();
        let (message, help) = match (params.regions.is_some(), given.contains(&"regions")) {
            (true, false) => REGIONS_FROM_NOWHERE,
            (false, true) => REGIONS_OF_NOTHING,
            _ => return Ok(()),
        };
        faults.add_with_help("regions", message, help);
        faults.into_result(())
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
    let parts: Vec<Rows<'_>> = Part::ALL
        .par_iter()
        .map(|part| rows(execution.dep(part.name()), &params.target))
        .collect::<Result<_, _>>()?;
    let models: Vec<(String, &PortPath)> = names(execution.deps("models").collect());
    let (judged, predictions) = judge_all(execution, &params, &models, &parts)?;
    for unseen in unseen(&judged, &parts) {
        execution.progress.warn(&unseen);
    }
    let evaluation = Evaluation::new(&params, judged);
    let selection = evaluation.selection();
    let supplements = Supplements::read(execution, &evaluation)?;
    let findings = Findings {
        evaluation: &evaluation,
        selection: &selection,
        supplements: &supplements,
        actual: &parts[2].actual,
        predicted: &predictions[evaluation.given(0)],
    };
    write_tables(execution, &findings, &predictions)?;
    write_selected(execution, &models, &findings)?;
    write_charts(execution, &findings)?;
    conclude(execution, &findings)
}

/// Scores and examines every model; also returns their predictions of the test rows.
fn judge_all(
    execution: &Execution<'_>,
    params: &ValidEvaluateParams,
    models: &[(String, &PortPath)],
    parts: &[Rows<'_>],
) -> Result<(Vec<Judged>, Vec<Vec<f64>>), Error> {
    let regions = regions(execution, params, &parts[2])?;
    go_on(execution, 0, &format!("scoring {} models", models.len()))?;
    let judged: Vec<(Judged, Vec<f64>)> = models
        .par_iter()
        .map(|(name, port)| judge(name, port, params, parts, regions.as_ref()))
        .collect::<Result<_, _>>()?;
    Ok(judged.into_iter().unzip())
}

/// Says what is next of the two steps, unless the stage shall stop.
fn go_on(execution: &Execution<'_>, done: u64, message: &str) -> Result<(), Error> {
    if execution.progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    execution.progress.report(done, Some(2), message);
    Ok(())
}

/// Logs what was found, and fails the stage where that is asked for.
fn conclude(execution: &Execution<'_>, findings: &Findings<'_>) -> Result<(), Error> {
    let evaluation = findings.evaluation;
    for line in evaluation.summary() {
        execution.progress.log(&line);
    }
    execution.progress.log(&findings.selection.reason);
    match evaluation.failures() {
        failures if !failures.is_empty() && evaluation.params().fails() => {
            Err(Error::Thresholds(failures))
        }
        _ => Ok(()),
    }
}

/// Writes metrics, comparison, predictions and the report without charts.
fn write_tables(
    execution: &Execution<'_>,
    findings: &Findings<'_>,
    predictions: &[Vec<f64>],
) -> Result<(), Error> {
    let evaluation = findings.evaluation;
    artifact::write_json(execution.out("metrics"), &evaluation.metrics())?;
    if let Some(path) = execution.optional_out("comparison") {
        artifact::write_text(path, &evaluation.comparison())?;
    }
    if let Some(path) = execution.optional_out("predictions") {
        artifact::write_text(path, &evaluation.predictions(findings.actual, predictions))?;
    }
    match execution.optional_out("report") {
        Some(path) => artifact::write_text(path, &evaluation.markdown()),
        None => Ok(()),
    }
}

/// Copies the model that is selected, and says why it is.
fn write_selected(
    execution: &Execution<'_>,
    models: &[(String, &PortPath)],
    findings: &Findings<'_>,
) -> Result<(), Error> {
    if let Some(path) = execution.optional_out("best") {
        let (_, port) = models[findings.evaluation.given(0)];
        artifact::write_bytes(path, &artifact::read_bytes(port)?)?;
    }
    match execution.optional_out("selection") {
        Some(path) => artifact::write_json(path, findings.selection),
        None => Ok(()),
    }
}

fn write_charts(execution: &Execution<'_>, findings: &Findings<'_>) -> Result<(), Error> {
    let (plots, html) = (
        execution.optional_out("plots"),
        execution.optional_out("html"),
    );
    if plots.is_none() && html.is_none() {
        return Ok(());
    }
    go_on(execution, 1, "drawing")?;
    let drawings = findings.draw()?;
    if let Some(folder) = plots {
        drawings.write(folder)?;
    }
    match html {
        Some(path) => artifact::write_text(path, &page::html(findings, &drawings)?),
        None => Ok(()),
    }
}

fn rows<'a>(port: &'a PortPath, target: &str) -> Result<Rows<'a>, Error> {
    let features = frame::read_rows(port)?;
    let actual = features.target(target);
    Ok(Rows {
        port,
        actual: actual.map_err(|error| error.within(&port.declared))?,
        features,
    })
}

/// What is worth telling of words that the models did not see in training, each once.
fn unseen(judged: &[Judged], parts: &[Rows<'_>]) -> BTreeSet<String> {
    let of_part = |rows: &Rows<'_>| -> Vec<String> {
        let path = rows.port.declared.as_str();
        let of_model = |model: &Judged| model.card.features.unseen(&rows.features, path);
        judged.iter().flat_map(of_model).collect()
    };
    parts.iter().flat_map(of_part).collect()
}

/// The region of every test row, if regions are wanted.
fn regions(
    execution: &Execution<'_>,
    params: &ValidEvaluateParams,
    test: &Rows<'_>,
) -> Result<Option<Regions>, Error> {
    let (message, help) = match (execution.optional_dep("regions"), &params.regions) {
        (Some(port), Some(wanted)) => return regions_in(port, wanted, test).map(Some),
        (None, None) => return Ok(None),
        (Some(_), None) => REGIONS_OF_NOTHING,
        (None, Some(_)) => REGIONS_FROM_NOWHERE,
    };
    let message = message.to_owned();
    Err(Error::Ports { message, help })
}

/// What is said where there is an option and no dep, and how to mend it.
const REGIONS_FROM_NOWHERE: (&str, &str) = (
    "there is an option `regions`, but no dep `regions` to take them from",
    "add the test part before `features` as the dep `regions`",
);

/// What is said where there is a dep and no option, and how to mend it.
const REGIONS_OF_NOTHING: (&str, &str) = (
    "there is a dep `regions`, but no option `regions`",
    "say which columns make a region: `regions: {columns: [X, Y], cell: 1}`, or `{column: NAME}`",
);

/// The region of every test row, as `port` has it.
fn regions_in(port: &PortPath, wanted: &RegionKind, test: &Rows<'_>) -> Result<Regions, Error> {
    let table = frame::read_parquet(port)?;
    if table.rows() != test.actual.len() {
        return Err(Error::Mismatch(
            port.declared.to_string(),
            test.port.declared.to_string(),
            format!("{} rows, and {}", table.rows(), test.actual.len()),
        ));
    }
    Regions::new(wanted, &table).map_err(|error| error.within(&port.declared))
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

/// The scores of a stack on rows that its weights have seen are those it recorded out of fold.
fn honest(card: &Card, port: &PortPath, scored: Scores) -> Result<Scores, Error> {
    let training = &card.training;
    match (&training.out_of_fold, &training.out_of_fold_of) {
        (Some(recorded), Some(rows)) if content_key::digest_of(port)?.hex() == *rows => {
            Ok(*recorded)
        }
        _ => Ok(scored),
    }
}

/// Scores and examines one model; also returns its predictions of the test rows.
fn judge(
    name: &str,
    port: &PortPath,
    params: &ValidEvaluateParams,
    parts: &[Rows<'_>],
    regions: Option<&Regions>,
) -> Result<(Judged, Vec<f64>), Error> {
    let model = Model::read_of(port, &params.target)?;
    let mut scores = BTreeMap::new();
    let mut predicted = Vec::new();
    for (part, rows) in Part::ALL.into_iter().zip(parts) {
        let path = &rows.port.declared;
        predicted = model
            .predict(&rows.features)
            .map_err(|error| error.within(format!("{path}, for {}", port.declared)))?;
        let scored = Scores::new(&rows.actual, &predicted);
        scores.insert(part, honest(&model.card, rows.port, scored)?);
    }
    let test = &parts[2];
    let residuals = Residuals::new(&test.actual, &predicted, regions);
    let judged = Judged {
        name: name.to_owned(),
        path: port.declared.to_string(),
        kind: model.card.kind,
        violations: params.violations(&scores),
        scores,
        residuals,
        card: model.card,
    };
    Ok((judged, predicted))
}
