"""Models that hpipe trained load with MLflow's client from `hpipe server`, and predict what hpipe predicts.

Called as `mlflow_models.py URL RUN PREDICTED EXPORTED`: the server, the run that trained `house/1`, a table with the
predictions of hpipe in its column `prediction`, and the folder that `hpipe models export --format mlflow` wrote.
"""

import os
import sys

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import numpy as np
import pandas
from mlflow import MlflowClient

url, run, predicted, exported = sys.argv[1:5]
mlflow.set_tracking_uri(url)
table = pandas.read_csv(predicted)
for uri in ["models:/house/1", "models:/house@champion", "models:/house/Production", exported]:
    model = mlflow.pyfunc.load_model(uri)
    inputs = table[model.metadata.get_input_schema().input_names()].astype(float)
    found = np.asarray(model.predict(inputs)).ravel()
    # ONNX computes with 32 bits.
    assert np.allclose(found, table["prediction"], rtol=1e-4, atol=1e-5), (uri, found[:5], table["prediction"][:5])
version = MlflowClient().get_model_version("house", "1")
assert version.run_id == run, version
assert MlflowClient().get_run(run).data.tags["hpipe.stage"] == "train"
print(f"{len(table)} predictions of {version.name}/{version.version} are the same in MLflow")
