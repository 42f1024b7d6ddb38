//! `monitor`: rows before the profile of a model, as a stage.
//!
//! What is judged and how is `hpipe_monitor`'s and the same as in the command; a stage looks at no clock, so that batches have no
//! latency. The format of the report is `docs/formats/monitoring.md`.

use std::path::Path;
use std::sync::Arc;

use hpipe_core::{
    Arity, Execution, ModelFiles, ModelLoader, OptionFault, Port, PortPath, Predictor, Stage,
    StageError, TableFiles, TableFormat, Value,
};
use hpipe_monitor::{Cut, Report, Settings, Severity, Watch};
use serde::Deserialize;

use crate::artifact;
use crate::discriminator::Forest;
use crate::error::Error;
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::predictor::Loader;
use crate::table_files::Tables;

/// Rows read at once, unless a batch has more.
const ROWS: usize = 8_192;

/// The built-in stage `monitor`.
pub struct Monitor;

/// The options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MonitorParams {
    /// Rows of a batch.
    #[serde(default = "ten")]
    batch_rows: usize,
    /// The column that says what was true; without it the model's target.
    target: Option<String>,
    /// A column by which errors are told apart.
    segment: Option<String>,
    /// Batches for which an alarm that was told is not told again.
    #[serde(default = "ten")]
    cooldown: usize,
    /// The seed of the simulated limits.
    #[serde(default = "forty_two")]
    seed: u64,
    /// From which severity on an alert fails the stage.
    #[serde(default)]
    fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailOn {
    /// The report tells, whoever reads it decides.
    #[default]
    Never,
    /// Any alert.
    Warning,
    /// What chance does not do, and what matters.
    Critical,
}

const fn ten() -> usize {
    10
}

const fn forty_two() -> u64 {
    42
}

impl Options for MonitorParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        let mut faults = Faults::default();
        faults.require(self.batch_rows >= 1, "batch_rows", "must be at least 1");
        faults.into_result(self)
    }
}

impl Stage for Monitor {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn version(&self) -> u32 {
        3
    }

    fn summary(&self) -> &'static str {
        "watches a model over new rows: errors batch by batch, drift, quality of the rows"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("model", Arity::One, "the model (safetensors)"),
            dep(
                "transform",
                Arity::Optional,
                "what makes its features, as `features` fitted it (JSON)",
            ),
            dep(
                "profile",
                Arity::One,
                "what it looked like when all was well, from `profile` (JSON)",
            ),
            dep(
                "data",
                Arity::One,
                "the new rows before the transform, with the target if it is known (CSV or parquet)",
            ),
            out("report", Arity::One, "what was seen (JSON)"),
            out("page", Arity::Optional, "the same for people (HTML)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<MonitorParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<MonitorParams>(execution.with)?;
    let data = execution.dep("data");
    let report = watched(loaded(execution)?, data, &params).map_err(Error::Monitoring)?;
    let model = execution.dep("model").declared.to_string();
    let value = report.to_value(&model);
    let text = match serde_json::to_string(&value) {
        Ok(text) => format!("{text}\n"),
        Err(error) => panic!("bug: a report cannot be written: {error}"),
    };
    artifact::write_text(execution.out("report"), &text)?;
    let page = execution.outs.iter().find(|port| port.role == "page");
    if let Some(page) = page {
        artifact::write_text(
            &page.path,
            &report.to_html(&model, &data.declared.to_string()),
        )?;
    }
    for alert in &report.alerts {
        let (severity, kind) = (alert.severity.name(), alert.kind.name());
        execution.progress.log(&format!(
            "{severity}: {kind} of {}: {}",
            alert.subject, alert.message
        ));
    }
    let least = match params.fail_on {
        FailOn::Never => return Ok(()),
        FailOn::Warning => Severity::Warning,
        FailOn::Critical => Severity::Critical,
    };
    match report.severity() >= Some(least) {
        false => Ok(()),
        true => Err(Error::Monitoring(format!(
            "{} has drifted: {} alerts",
            data.declared,
            report.alerts.len()
        ))),
    }
}

fn loaded(execution: &Execution<'_>) -> Result<Arc<dyn Predictor>, Error> {
    let read = |port: &PortPath| {
        std::fs::read(&port.path).map_err(|source| Error::ReadFile {
            path: port.declared.to_string(),
            source,
        })
    };
    let model = read(execution.dep("model"))?;
    let transform = execution.optional_dep("transform").map(read).transpose()?;
    let profile = read(execution.dep("profile"))?;
    let files = ModelFiles {
        model: &model,
        transform: transform.as_deref(),
        profile: Some(&profile),
    };
    Loader.load(files).map_err(Error::Monitoring)
}

fn watched(
    predictor: Arc<dyn Predictor>,
    data: &PortPath,
    params: &MonitorParams,
) -> Result<Report, String> {
    let name = data.declared.to_string();
    let format = TableFormat::of_path(Path::new(&name));
    let format = format.ok_or_else(|| format!("{name} is neither .csv nor .parquet"))?;
    let mut reader = Tables.open(&data.path, format, ROWS.max(params.batch_rows))?;
    let settings = Settings {
        cut: Cut::Rows(params.batch_rows),
        target: params.target.clone(),
        segment: params.segment.clone(),
        cooldown: params.cooldown,
        seed: params.seed,
        ..Settings::default()
    };
    let mut watch = Watch::new(predictor, settings).discriminating(Arc::new(Forest));
    let unfit = |fault: hpipe_monitor::Fault| format!("{name}: {fault}");
    while let Some(part) = reader.next()? {
        watch.push(part, None).map_err(unfit)?;
    }
    watch.finish(None).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    #[test]
    fn options_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<MonitorParams>(json), expect);
        check(
            r#"{"batch_rows": 50, "segment": "ocean", "fail_on": "critical"}"#,
            "",
        );
        check(r#"{"batch_rows": 0}"#, "batch_rows: must be at least 1");
    }
}
