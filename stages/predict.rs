//! `predict`: the predictions of a model for the rows of a table, read and written in parts.

use hpipe_core::{
    Arity, Execution, Keep, ModelFiles, ModelLoader, OptionFault, Port, PortPath, ROWS_AT_ONCE,
    ScoringError, ScoringOptions, Stage, StageError, TableFiles, TableFormat, Value, score_file,
};
use serde::Deserialize;

use crate::artifact;
use crate::error::Error;
use crate::markdown::counted;
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::predictor::Loader;
use crate::table_files::Tables;

/// The built-in stage `predict`.
pub struct Predict;

/// The options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictParams {
    #[serde(default = "default_column")]
    column: String,
    keep: Option<Vec<String>>,
    #[serde(default)]
    skip_bad_rows: bool,
}

fn default_column() -> String {
    "prediction".to_owned()
}

impl Options for PredictParams {
    type Checked = ScoringOptions;

    fn check(self) -> Result<ScoringOptions, Vec<OptionFault>> {
        let mut faults = Faults::default();
        if self.column.is_empty() {
            faults.add("column", "a column needs a name");
        }
        let keep = match self.keep {
            Some(names) => Keep::Only(names),
            None => Keep::All,
        };
        faults.into_result(ScoringOptions {
            column: self.column,
            keep,
            skip_bad_rows: self.skip_bad_rows,
        })
    }
}

impl Stage for Predict {
    fn name(&self) -> &'static str {
        "predict"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "predicts every row of a table with a model and its transform"
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
                Arity::Optional,
                "what `profile` made of the model: columns have its types, as in `serve` and `predict NAME`",
            ),
            dep("data", Arity::One, "the rows to predict (parquet or CSV)"),
            out(
                "predictions",
                Arity::One,
                "the rows with their predictions (parquet or CSV)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<PredictParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let options = options::executable::<PredictParams>(execution.with)?;
    let model = artifact::read_bytes(execution.dep("model"))?;
    let transform = execution.optional_dep("transform");
    let transform = transform.map(artifact::read_bytes).transpose()?;
    let profile = execution.optional_dep("profile");
    let profile = profile.map(artifact::read_bytes).transpose()?;
    let loaded = Loader.load(ModelFiles {
        model: &model,
        transform: transform.as_deref(),
        profile: profile.as_deref(),
    });
    let predictor = loaded.map_err(Error::Predict)?;
    let data = execution.dep("data");
    let within = |error: String| Error::Predict(error).within(&data.declared);
    let mut reader = Tables
        .open(&data.path, format_of(data), ROWS_AT_ONCE)
        .map_err(within)?;
    let target = execution.out_port("predictions");
    let writer = Tables.create(&target.path, format_of(target));
    let writer = writer.map_err(Error::Predict)?;
    let mut progress = |done: f64| {
        let percent = (done * 100.0) as u64;
        execution.progress.report(percent, Some(100), "predicting");
        !execution.progress.is_cancelled()
    };
    let scored = score_file(&*predictor, &mut *reader, writer, &options, &mut progress);
    let scored = scored.map_err(|error| match error {
        ScoringError::Table(message) => Error::Predict(message),
        ScoringError::Rows(fault) => Error::BadRow {
            path: data.declared.to_string(),
            fault,
        },
    })?;
    if let Some(fault) = scored.fault {
        execution.progress.warn(&format!(
            "{} of {} without a prediction; the first: {fault}",
            scored.unpredicted,
            counted(scored.rows, "row"),
        ));
    }
    Ok(())
}

/// What the ending of a file says; parquet where it says nothing.
fn format_of(port: &PortPath) -> TableFormat {
    let declared = std::path::Path::new(port.declared.as_str());
    TableFormat::of_path(declared).unwrap_or(TableFormat::Parquet)
}
