//! `explain`: what one model looks at, and why it predicts what it predicts.
//!
//! Importance of features by permutation and by gain, SHAP values (`explain/measure.rs`, by `hpipe_learn::explain`),
//! charts (`explain/charts.rs`) and a page (`explain/page.rs`). One model a stage, so that several are explained at the
//! same time. What it writes: `explanation.rs`, `docs/formats/explanation.md`.

mod charts;
mod measure;
mod page;
mod params;
mod subject;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};

use self::charts::Charts;
use self::measure::Contributions;
use self::params::ExplainParams;
use self::subject::Subject;
use crate::artifact;
use crate::error::Error;
use crate::explanation::Explanation;
use crate::markdown::figure;
use crate::options;
use crate::ports::{dep, out};

/// The built-in stage `explain`.
pub struct Explain;

impl Stage for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "measures what a model looks at: importance, SHAP values, charts"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("model", Arity::One, "the model to explain (safetensors)"),
            dep(
                "train",
                Arity::Optional,
                "the rows whose means are what linear models expect; else those of `test` (parquet)",
            ),
            dep(
                "test",
                Arity::One,
                "features and target of the rows to explain (parquet)",
            ),
            out(
                "explanation",
                Arity::One,
                "importance of features and SHAP values for programs (JSON)",
            ),
            out(
                "shap",
                Arity::Optional,
                "a row an explained row: what each feature adds to its prediction (CSV)",
            ),
            out(
                "plots",
                Arity::Optional,
                "charts of the model (a folder of SVG and PNG)",
            ),
            out("report", Arity::Optional, "the model for people (HTML)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<ExplainParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<ExplainParams>(execution.with)?;
    let subject = Subject::read(execution, &params)?;
    step(execution, 0, "shuffling features")?;
    let (permutation, spreads) = measure::permutation(&subject, &params)?;
    step(execution, 1, "computing SHAP values")?;
    let contributions = Contributions::compute(&subject, &params)?;
    let explanation = measure::explanation(&subject, permutation, &spreads, contributions.as_ref());
    artifact::write(execution.out("explanation"), &explanation)?;
    write_shap(execution, &subject, contributions.as_ref())?;
    step(execution, 2, "drawing")?;
    write_charts(
        execution,
        &Charts {
            subject: &subject,
            explanation: &explanation,
            contributions: contributions.as_ref(),
            params: &params,
        },
    )?;
    execution.progress.log(&summary(&subject, &explanation));
    Ok(())
}

/// Says what is next of the three steps, unless the stage shall stop.
fn step(execution: &Execution<'_>, done: u64, message: &str) -> Result<(), Error> {
    if execution.progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    execution.progress.report(done, Some(3), message);
    Ok(())
}

/// Writes the SHAP values, if they are asked for; a model that has none is told.
fn write_shap(
    execution: &Execution<'_>,
    subject: &Subject,
    contributions: Option<&Contributions>,
) -> Result<(), Error> {
    match (contributions, execution.optional_out("shap")) {
        (Some(contributions), Some(path)) => {
            artifact::write_text(path, &contributions.csv(subject))
        }
        (Some(_), None) => Ok(()),
        (None, Some(_)) => Err(Error::Ports {
            message: format!(
                "the prediction of {} is a function of a sum, so that no SHAP values add up to it",
                subject.path
            ),
            help: "leave out `shap` for this model",
        }),
        (None, None) => {
            let text = "no SHAP values: the model's prediction is a function of a sum";
            execution.progress.warn(text);
            Ok(())
        }
    }
}

fn write_charts(execution: &Execution<'_>, charts: &Charts<'_>) -> Result<(), Error> {
    let (plots, report) = (
        execution.optional_out("plots"),
        execution.optional_out("report"),
    );
    if plots.is_none() && report.is_none() {
        return Ok(());
    }
    let drawings = charts.draw()?;
    if let Some(folder) = plots {
        drawings.write(folder)?;
    }
    match report {
        Some(path) => artifact::write_text(path, &page::html(charts, &drawings)),
        None => Ok(()),
    }
}

/// The model and the features it looks at most, in a line.
fn summary(subject: &Subject, explanation: &Explanation) -> String {
    let metric = explanation.permutation.metric;
    let ranked = explanation.ranked();
    let first = ranked.iter().take(3).map(|feature| {
        let change = figure(feature.permutation.mean);
        format!("{} ({change})", feature.name)
    });
    format!(
        "{}: test {} {}; looks most at {}",
        subject.path,
        metric.name(),
        figure(explanation.permutation.baseline),
        first.collect::<Vec<_>>().join(", "),
    )
}
