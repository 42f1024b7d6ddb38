"""hpipe sends what it recorded to a real `mlflow server`; MLflow's client reads all of it back.

Called as `mlflow_push.py HPIPE PROJECT FOLDER`: the program, a project with a tracked stage `fit` and a registered model
`house`, and an empty folder for the server.
"""

import contextlib
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from mlflow import MlflowClient

hpipe, project, folder = sys.argv[1:4]


def run(*words):
    done = subprocess.run([hpipe, *words], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"]
    with open(f"{folder}/server.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).read()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(open(f"{folder}/server.log").read())
                time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def check_runs(client):
    experiment = client.get_experiment_by_name("prices")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED" and found.info.run_name == "fit", found.info
    assert found.data.params["n"] == "1", found.data.params
    assert found.data.metrics["rmse"] == 0.5, found.data.metrics
    assert found.data.tags["team"] == "blue" and found.data.tags["hpipe.stage"] == "fit"
    assert [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "loss")] == [(0, 2.5), (1, 0.5)]
    assert math.isnan(found.data.metrics["odd"]), found.data.metrics
    assert [i.dataset.name for i in found.inputs.dataset_inputs] == ["raw"]
    files = sorted(f.path for f in client.list_artifacts(found.info.run_id) if f.path != "registered")
    assert files == ["curve.csv", "metrics.json", "model.pkl"], files
    path = mlflow.artifacts.download_artifacts(run_id=found.info.run_id, artifact_path="model.pkl")
    assert open(path).read() == "model b a\n"
    return found


def check_models(client, run_id):
    (found,) = client.search_model_versions("name = 'house'")
    version = client.get_model_version("house", found.version)
    assert (version.version, version.current_stage, version.aliases) == ("1", "Production", ["champion"]), version
    assert version.tags["team"] == "blue", version.tags
    assert version.run_id == run_id, (version.run_id, run_id)
    path = mlflow.artifacts.download_artifacts("models:/house@champion")
    assert open(f"{path}/hpipe/model/model.pkl").read() == "model b a\n"


with server() as url:
    mlflow.set_tracking_uri(url)
    client = MlflowClient()
    # Killed wherever it is by then: what was begun is found, and gone on with.
    for seconds in (0.05, 0.1, 0.2, 0.4, 0.8):
        push = subprocess.Popen([hpipe, "runs", "push", "--to", url, "-q"], cwd=project)
        with contextlib.suppress(subprocess.TimeoutExpired):
            push.wait(seconds)
        push.kill()
        push.wait()
    print(run("runs", "push", "--to", url, "--json"))
    found = check_runs(client)
    check_models(client, found.info.run_id)
    assert '"runs":0,"versions":0' in run("runs", "push", "--to", url, "--json")
    (made,) = client.search_model_versions("name = 'by-hand'")
    assert open(mlflow.artifacts.download_artifacts(made.source + "/hpipe/model/raw")).read() == "b\na\n"
    # Under another address nothing is noted: what is there is found, and not made again.
    run("runs", "push", "--to", url.replace("127.0.0.1", "localhost"))
    check_models(client, check_runs(client).info.run_id)
    run("models", "archive", "house/1")
    run("runs", "push", "--to", url)
    assert client.get_model_version("house", "1").current_stage == "Archived"
    print("a real MLflow server has everything")
