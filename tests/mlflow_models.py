"""Models that hpipe trained load with MLflow's client from `hpipe server`, and predict what hpipe predicts.

Called as `mlflow_models.py URL RUN PREDICTED EXPORTED BARE`: the server, the run that trained `house/1`, a table with the
predictions of hpipe in its column `prediction`, and the folders that `hpipe models export --format mlflow` wrote: of that
version, and of the same model registered by hand, without a package.
"""

import os
import sys

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import numpy as np
import pandas
from mlflow import MlflowClient

url, run, predicted, exported, bare = sys.argv[1:6]
mlflow.set_tracking_uri(url)
table = pandas.read_csv(predicted)
words = sorted(table["place"].unique())
table["place"] = table["place"].map(words.index)  # as codes, the places of words among the model's levels
for uri in ["models:/house/1", "models:/house@champion", "models:/house/Production", exported, bare]:
    model = mlflow.pyfunc.load_model(uri)
    schema = model.metadata.get_input_schema()
    assert schema.to_dict() == [{"name": name, "type": "double", "required": True} for name in ("a", "b", "place")], schema
    inputs = table[schema.input_names()].astype(float)
    found = np.asarray(model.predict(inputs)).ravel()
    # ONNX computes with 32 bits.
    assert np.allclose(found, table["prediction"], rtol=1e-4, atol=1e-5), (uri, found[:5], table["prediction"][:5])
version = MlflowClient().get_model_version("house", "1")
assert version.run_id == run, version
assert MlflowClient().get_run(run).data.tags["hpipe.stage"] == "train"
# The input example: beside the model that the run logged, and in what was exported of the version that names the run.
(logged,) = mlflow.get_run(run).outputs.model_outputs
for folder in [mlflow.artifacts.download_artifacts(f"models:/{logged.model_id}"), exported]:
    example = mlflow.models.Model.load(folder).load_input_example(folder)
    assert list(example.columns) == ["a", "b", "place"] and len(example) == 5, example
    rows = table[["a", "b", "place"]].astype(float).apply(tuple, axis=1)
    assert set(example.apply(tuple, axis=1)) <= set(rows), example
assert len(mlflow.pyfunc.load_model(exported).predict(example)) == 5
print(f"{len(table)} predictions of {version.name}/{version.version} are the same in MLflow")
