//! A folder that MLflow loads: `MLmodel` with the flavours `onnx` and `python_function`, and the ONNX graph.
//!
//! Written as MLflow 3 writes it; `mlflow.pyfunc.load_model` predicts from the folder, from a run, and from the registry.
//! Nothing in it depends on time or place, so equal models give equal folders.

use std::path::Path;

use hpipe_learn::interchange::{LEVELS, onnx};
use serde_json::json;

use crate::artifact;
use crate::error::Error;
use crate::model::Model;

/// The MLflow whose format it is.
const MLFLOW: &str = "3.17.2";

/// What loading it takes.
const REQUIREMENTS: &str = "mlflow\nonnx\nonnxruntime\npandas\n";

const CONDA: &str = "channels:\n- conda-forge\ndependencies:\n- python>=3.10\n- pip\n- pip:\n  - mlflow\n  - onnx\n  - onnxruntime\n  - pandas\nname: mlflow-env\n";

const PYTHON: &str = "python: 3.12.3\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n";

/// Writes the folder.
///
/// # Errors
/// [`Error::WriteFile`].
pub(super) fn write(folder: &Path, model: &Model, onnx: &[u8]) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::WriteFile {
        path: folder.to_owned(),
        source,
    })?;
    artifact::write_bytes(&folder.join("model.onnx"), onnx)?;
    artifact::write_text(&folder.join("MLmodel"), &description(model))?;
    artifact::write_text(&folder.join("requirements.txt"), REQUIREMENTS)?;
    artifact::write_text(&folder.join("conda.yaml"), CONDA)?;
    artifact::write_text(&folder.join("python_env.yaml"), PYTHON)
}

/// The file `MLmodel`: YAML, whose texts are written as JSON, which is YAML as well.
fn description(model: &Model) -> String {
    let card = &model.card;
    let inputs = card.features.names().into_iter();
    let inputs: Vec<_> = inputs
        .map(|name| json!({"type": "double", "name": name, "required": true}))
        .collect();
    let inputs = json!(json!(inputs).to_string());
    let kind = if onnx::is_double(&model.learned) {
        "float64"
    } else {
        "float32"
    };
    let outputs = json!([{"type": "tensor", "tensor-spec": {"dtype": kind, "shape": [-1, 1]}}]);
    let outputs = json!(outputs.to_string());
    let mut of = json!({"hpipe_kind": card.kind.name(), "hpipe_target": card.target});
    let levels = card.features.levels();
    if !levels.is_empty() {
        of[LEVELS] = json!(levels);
    }
    format!(
        "flavors:\n  onnx:\n    code: null\n    data: model.onnx\n    onnx_version: 1.17.0\n    \
         providers:\n    - CPUExecutionProvider\n  \
         python_function:\n    data: model.onnx\n    env:\n      conda: conda.yaml\n      virtualenv: python_env.yaml\n    \
         loader_module: mlflow.onnx\n    python_version: 3.12.3\nmetadata: {of}\nmlflow_version: {MLFLOW}\n\
         signature:\n  inputs: {inputs}\n  outputs: {outputs}\n  params: null\n"
    )
}
