//! `export`: a model in the format of another program.
//!
//! What can be said in which format, and how exactly: `docs/interchange.md`. The bytes are `hpipe_learn::interchange`'s.

mod mlflow;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use hpipe_learn::interchange::{Columns, onnx, xgboost};
use serde::Deserialize;

use crate::artifact;
use crate::error::Error;
use crate::model::Model;
use crate::options::{self, Options};
use crate::ports::{dep, out};

/// The built-in stage `export`.
pub struct Export;

/// The options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportParams {
    format: Format,
}

/// Whose format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// An ONNX graph, for onnxruntime.
    Onnx,
    /// XGBoost's model format as JSON.
    XgboostJson,
    /// The same in universal binary JSON, XGBoost's default.
    XgboostUbj,
    /// A folder for MLflow's `load_model`, around an ONNX graph.
    Mlflow,
}

impl Options for ExportParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        Ok(self)
    }
}

impl Stage for Export {
    fn name(&self) -> &'static str {
        "export"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "writes a model in the format of XGBoost, ONNX or MLflow"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("model", Arity::One, "the model (safetensors)"),
            out("model", Arity::One, "the same model for another program"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<ExportParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<ExportParams>(execution.with)?;
    let port = execution.dep("model");
    let model = Model::read(port)?;
    let (names, levels) = (model.card.features.names(), model.card.features.levels());
    let columns = Columns {
        names: &names,
        levels: Some(&levels),
    };
    let written = match params.format {
        Format::Onnx | Format::Mlflow => onnx::to_bytes(&model.learned, columns),
        Format::XgboostJson => xgboost::to_json(&model.learned, columns),
        Format::XgboostUbj => xgboost::to_ubj(&model.learned, columns),
    };
    let bytes = written.map_err(|source| Error::Export {
        path: port.declared.to_string(),
        source,
    })?;
    let out = execution.out("model");
    match params.format {
        Format::Mlflow => mlflow::write(out, &model, &bytes),
        _ => artifact::write_bytes(out, &bytes),
    }
}
