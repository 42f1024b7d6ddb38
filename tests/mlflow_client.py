"""MLflow's own client against `hpipe server`: every call is asserted by reading back through the client.

Run by tests/mlflow_client.rs: `python mlflow_client.py URL FOLDER`. Nothing of MLflow is patched or configured
otherwise than a user would.
"""

import json
import math
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL, FOLDER = sys.argv[1], Path(sys.argv[2])
os.environ["MLFLOW_TRACKING_URI"] = URL
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(6 * 1024 * 1024)
os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 * 1024 * 1024)
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
os.chdir(FOLDER)

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException, RestException  # noqa: E402

CLIENT = MlflowClient()
RNG = np.random.default_rng(7)
X = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "b", "c"])
Y = X["a"] * 2 - X["b"] + RNG.normal(scale=0.1, size=80)


def refused(call, code, *words):
    """The call must fail with MLflow's error code, and say these words."""
    try:
        call()
    except (RestException, MlflowException) as error:
        assert error.error_code == code, (error.error_code, str(error))
        for word in words:
            assert word in str(error), str(error)
    else:
        raise AssertionError(f"not refused: {code} {words}")


def get(path, **options):
    """A plain request: status and body."""
    request = urllib.request.Request(URL + path, **options)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def post(path, body, prefix="/api/2.0/mlflow", method="POST"):
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    status, answer = get(prefix + path, data=data, headers=headers, method=method)
    return status, json.loads(answer)


def test_server():
    assert get("/health") == (200, b"OK")
    assert get("/version")[1].decode().startswith("3.")
    for prefix in ("/api", "/ajax-api"):
        status, body = get(f"{prefix}/3.0/mlflow/server-info")
        assert status == 200 and json.loads(body)["store_type"] == "SqlStore"
    status, body = get("/api/2.0/mlflow/nonsense")
    assert status == 404 and json.loads(body)["error_code"] == "ENDPOINT_NOT_FOUND"


def test_experiments():
    assert CLIENT.get_experiment("0").name == "Default"
    assert CLIENT.get_experiment_by_name("nope") is None
    status, body = get("/api/2.0/mlflow/experiments/get-by-name?experiment_name=nope")
    assert status == 404 and json.loads(body)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    id = CLIENT.create_experiment("houses ü/1", tags={"team": "x"})
    assert isinstance(id, str)
    found = CLIENT.get_experiment(id)
    assert (found.name, found.tags, found.lifecycle_stage) == ("houses ü/1", {"team": "x"}, "active")
    assert found.artifact_location == f"mlflow-artifacts:/{id}"
    assert CLIENT.get_experiment_by_name("houses ü/1").experiment_id == id
    refused(lambda: CLIENT.create_experiment("houses ü/1"), "RESOURCE_ALREADY_EXISTS")
    CLIENT.set_experiment_tag(id, "stage", "early")
    CLIENT.rename_experiment(id, "flats")
    assert CLIENT.get_experiment(id).tags == {"team": "x", "stage": "early"}
    CLIENT.delete_experiment_tag(id, "stage")
    assert CLIENT.get_experiment_by_name("flats").tags == {"team": "x"}
    names = [e.name for e in mlflow.search_experiments(filter_string="name LIKE 'fl%' AND tags.team = 'x'")]
    assert names == ["flats"]
    CLIENT.delete_experiment(id)
    assert id not in [e.experiment_id for e in CLIENT.search_experiments()]
    deleted = CLIENT.search_experiments(view_type=ViewType.DELETED_ONLY)
    assert [e.experiment_id for e in deleted] == [id]
    refused(lambda: CLIENT.create_run(id), "INVALID_PARAMETER_VALUE", "must be in the 'active' state")
    CLIENT.restore_experiment(id)
    assert CLIENT.get_experiment(id).lifecycle_stage == "active"
    for i in range(5):
        CLIENT.create_experiment(f"many {i}")
    page = CLIENT.search_experiments(max_results=2, order_by=["name"])
    assert [e.name for e in page] == ["Default", "flats"] and page.token
    rest = CLIENT.search_experiments(max_results=50, order_by=["name"], page_token=page.token)
    assert [e.name for e in rest] == [f"many {i}" for i in range(5)] and not rest.token
    refused(lambda: CLIENT.get_experiment("99"), "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=99 exists")


def test_manual_logging():
    mlflow.set_experiment("manual")
    with mlflow.start_run(run_name="first", tags={"kind": "manual"}, description="words") as run:
        id = run.info.run_id
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"depth": 3, "name": "ünïcode"})
        for step, value in enumerate([3.0, 2.0, float("nan"), 1.5]):
            mlflow.log_metric("loss", value, step=step)
        mlflow.log_metrics({"inf": float("inf"), "minus": float("-inf"), "nan": float("nan"), "int": 5}, step=1)
        mlflow.set_tags({"a.b": "c", "empty": ""})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "conf.json")
        data = mlflow.data.from_pandas(X, name="houses")
        mlflow.log_input(data, context="training")
    run = mlflow.get_run(id)
    assert (run.info.run_name, run.info.status, run.info.lifecycle_stage) == ("first", "FINISHED", "active")
    assert run.info.end_time >= run.info.start_time > 0
    assert run.data.params == {"lr": "0.1", "depth": "3", "name": "ünïcode"}
    metrics = run.data.metrics
    assert metrics["loss"] == 1.5 and metrics["int"] == 5.0
    assert metrics["inf"] == math.inf and metrics["minus"] == -math.inf and math.isnan(metrics["nan"])
    tags = run.data.tags
    assert tags["mlflow.runName"] == "first" and tags["a.b"] == "c" and tags["kind"] == "manual"
    assert tags["mlflow.note.content"] == "words" and tags["empty"] == ""
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "houses" and used.tags[0].value == "training"
    history = CLIENT.get_metric_history(id, "loss")
    assert [m.step for m in sorted(history, key=lambda m: m.step)] == [0, 1, 2, 3]
    assert mlflow.artifacts.load_text(f"runs:/{id}/notes/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{id}/conf.json") == {"a": 1}
    assert [(f.path, f.is_dir) for f in CLIENT.list_artifacts(id)] == [("conf.json", False), ("notes", True)]
    assert [f.path for f in CLIENT.list_artifacts(id, "notes")] == ["notes/hello.txt"]
    assert CLIENT.list_artifacts(id, "notes/hello.txt") == []


def test_rules_of_runs():
    experiment = CLIENT.create_experiment("rules")
    run = CLIENT.create_run(experiment)
    id = run.info.run_id
    assert run.info.run_name and run.info.status == "RUNNING"
    # the last metric is the greatest by step, then time, then value; equal rows are one
    for value, timestamp, step in [(3, 10, 5), (9, 99, 4), (4, 10, 5), (1, 11, 5), (1, 11, 5)]:
        CLIENT.log_metric(id, "m", value, timestamp, step)
    assert CLIENT.get_run(id).data.metrics == {"m": 1.0}
    assert len(CLIENT.get_metric_history(id, "m")) == 4
    # params are written once
    CLIENT.log_param(id, "p", "1")
    CLIENT.log_param(id, "p", "1")
    refused(lambda: CLIENT.log_param(id, "p", "2"), "INVALID_PARAMETER_VALUE", "Changing param values is not allowed")
    # a batch is all or nothing
    batch = dict(metrics=[Metric("x", 1.0, 1, 1)], params=[Param("p", "3")], tags=[RunTag("t", "1")])
    refused(lambda: CLIENT.log_batch(id, **batch), "INVALID_PARAMETER_VALUE")
    assert "x" not in CLIENT.get_run(id).data.metrics and "t" not in CLIENT.get_run(id).data.tags
    many = [Metric(f"k{i}", i, 1, 1) for i in range(1500)]  # the client splits it
    CLIENT.log_batch(id, metrics=many, params=[Param(f"p{i}", str(i)) for i in range(250)])
    run = CLIENT.get_run(id)
    assert len(run.data.metrics) == 1501 and len(run.data.params) == 251
    status, body = post("/runs/log-batch", {"run_id": id, "metrics": [{"key": f"z{i}", "value": 1, "timestamp": 1} for i in range(1001)]})
    assert status == 400 and "at most 1000 metrics" in body["message"]
    refused(lambda: CLIENT.log_param(id, "v", "x" * 6001), "INVALID_PARAMETER_VALUE", "exceeds the maximum length")
    refused(lambda: CLIENT.set_tag(id, "x" * 251, "v"), "INVALID_PARAMETER_VALUE", "exceeds the maximum length")
    refused(lambda: CLIENT.log_metric(id, "a//b", 1.0), "INVALID_PARAMETER_VALUE", "would resolve to 'a/b'")
    # names
    CLIENT.set_tag(id, "mlflow.runName", "renamed")
    assert CLIENT.get_run(id).info.run_name == "renamed"
    CLIENT.update_run(id, status="FAILED", name="again")
    run = CLIENT.get_run(id)
    assert (run.info.run_name, run.info.status, run.data.tags["mlflow.runName"]) == ("again", "FAILED", "again")
    CLIENT.set_terminated(id, "KILLED", 12345)
    assert CLIENT.get_run(id).info.end_time == 12345
    CLIENT.delete_tag(id, "mlflow.runName")
    refused(lambda: CLIENT.delete_tag(id, "nope"), "RESOURCE_DOES_NOT_EXIST", "No tag with name: nope")
    # delete and restore
    CLIENT.delete_run(id)
    assert CLIENT.get_run(id).info.lifecycle_stage == "deleted"
    assert not CLIENT.search_runs([experiment])
    assert len(CLIENT.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    refused(lambda: CLIENT.log_param(id, "late", "1"), "INVALID_PARAMETER_VALUE", "must be in the 'active' state")
    CLIENT.restore_run(id)
    assert len(CLIENT.search_runs([experiment])) == 1
    refused(lambda: CLIENT.get_run("0" * 32), "RESOURCE_DOES_NOT_EXIST", "not found")
    # protobuf's JSON: run_uuid beside run_id, whole numbers as texts and as numbers, camel case, what nobody knows
    status, body = post("/runs/log-metric", {"run_uuid": id, "key": "n", "value": "NaN", "timestamp": "5", "what": {}})
    assert (status, body) == (200, {})
    status, body = post("/runs/log-metric", {"runId": id, "key": "n2", "value": 1, "timestamp": 5}, prefix="/ajax-api/2.0/mlflow")
    assert (status, body) == (200, {})
    status, body = get(f"/api/2.0/mlflow/runs/get?run_id={id}")
    info = json.loads(body)["run"]["info"]
    assert info["run_id"] == info["run_uuid"] == id and isinstance(info["start_time"], int)
    values = {m["key"]: m for m in json.loads(body)["run"]["data"]["metrics"]}
    assert values["n"]["value"] == "NaN" and values["n"]["timestamp"] == 5
    status, body = post("/runs/log-metric", {"key": "n", "value": 1, "timestamp": 5})
    assert status == 400 and body["message"].startswith("Missing value for required parameter 'run_id'.")
    status, body = get("/api/2.0/mlflow/runs/log-metric", data=b"{}", headers={"Content-Type": "text/plain"}, method="POST")
    assert status == 400, body


def test_search():
    experiment = CLIENT.create_experiment("search")
    for name, rmse, skip in [("a", 0.1, "true"), ("b", 0.7, "false"), ("c", float("nan"), None), ("d", None, None)]:
        run = CLIENT.create_run(experiment, run_name=name, start_time=ord(name))
        if rmse is not None:
            CLIENT.log_metric(run.info.run_id, "val/rmse x", rmse)
            CLIENT.log_param(run.info.run_id, "model.kind", f"Forest_{name}")
        if skip:
            CLIENT.set_tag(run.info.run_id, "skip", skip)

    def names(filter="", order=None, **more):
        return "".join(r.info.run_name for r in CLIENT.search_runs([experiment], filter, order_by=order, **more))

    assert names() == "dcba"
    assert names("metrics.`val/rmse x` < 0.5 and params.`model.kind` = 'Forest_a'") == "a"
    assert names("params.model.kind LIKE 'Forest%'") == "cba"
    assert names("params.model.kind ILIKE 'forest_b'") == "b"
    assert names("tags.skip != 'true'") == "dcb"
    assert names("tags.skip IS NULL") == "dc"
    assert names("attributes.run_name = 'b'") == "b"
    assert names("attributes.start_time > 98 AND status = 'RUNNING'") == "dc"
    assert names(order=["metrics.`val/rmse x` ASC"]) == "abcd"
    assert names(order=["metrics.`val/rmse x` DESC"]) == "bacd"
    assert names(order=["params.`model.kind` DESC"]) == "cbad"
    ids = [r.info.run_id for r in CLIENT.search_runs([experiment], "start_time < 99")]
    quoted = ", ".join(f"'{id}'" for id in ids)
    assert names(f"attributes.run_id IN ({quoted})") == "ba"
    page = CLIENT.search_runs([experiment], max_results=3)
    assert len(page) == 3 and page.token
    assert [r.info.run_name for r in CLIENT.search_runs([experiment], page_token=page.token)] == ["a"]
    refused(lambda: names("nonsense.x = 'a'"), "INVALID_PARAMETER_VALUE", "Invalid entity type")
    refused(lambda: names("metrics.x = 'a'"), "INVALID_PARAMETER_VALUE", "Expected numeric value")
    refused(lambda: names(page_token="nonsense"), "INVALID_PARAMETER_VALUE", "Invalid page token")
    table = mlflow.search_runs([experiment], order_by=["start_time"])
    assert list(table["tags.mlflow.runName"]) == ["a", "b", "c", "d"]


def test_artifacts():
    with mlflow.start_run() as run:
        id = run.info.run_id
    folder = FOLDER / "upload" / "sub"
    folder.mkdir(parents=True)
    (folder / "a b ü.txt").write_text("odd")
    (folder / "empty").write_bytes(b"")
    large = RNG.bytes(12 * 1024 * 1024 + 1)
    (folder.parent / "large.bin").write_bytes(large)
    CLIENT.log_artifacts(id, str(folder.parent), "top")
    assert sorted(f.path for f in CLIENT.list_artifacts(id, "top")) == ["top/large.bin", "top/sub"]
    listed = {f.path: f.file_size for f in CLIENT.list_artifacts(id, "top/sub")}
    assert listed == {"top/sub/a b ü.txt": 3, "top/sub/empty": 0}
    local = Path(CLIENT.download_artifacts(id, "top", str(FOLDER)))
    assert (local / "large.bin").read_bytes() == large
    assert (local / "sub" / "a b ü.txt").read_text() == "odd"
    assert (local / "sub" / "empty").read_bytes() == b""
    (folder.parent / "large.bin").write_bytes(b"small now")
    CLIENT.log_artifact(id, str(folder.parent / "large.bin"), "top")
    assert mlflow.artifacts.load_text(f"runs:/{id}/top/large.bin") == "small now"
    base = "/api/2.0/mlflow-artifacts/artifacts"
    for path in ("../x", "%2e%2e/x", "a/%2e%2e/%2e%2e/b", "%252e%252e/x", "..%2fx", "%2fetc/passwd", "a%5c..%5cb"):
        for method, data in (("GET", None), ("PUT", b"x"), ("DELETE", None)):
            status, body = get(f"{base}/{path}", data=data, method=method)
            assert status in (400, 404), (path, method, status)
            assert json.loads(body)["error_code"] in ("INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND"), body
    assert get(f"{base}?path=..")[0] == 400 and get(f"{base}?path=%2e%2e%2fx")[0] == 400
    assert get(f"/api/2.0/mlflow/artifacts/list?run_id={id}&path=../..")[0] == 400
    assert get(f"{base}/0/nothing")[0] == 404
    files = json.loads(get(f"{base}?path={run.info.experiment_id}/{id}/artifacts/top")[1])["files"]
    assert [f["path"] for f in files] == ["large.bin", "sub"]
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(CLIENT.get_run(id).info.artifact_uri)
    repository.delete_artifacts("top/sub")
    assert [f.path for f in CLIENT.list_artifacts(id, "top")] == ["top/large.bin"]


def test_sklearn_and_registry():
    from sklearn.linear_model import LinearRegression

    mlflow.set_experiment("registry")
    model = LinearRegression().fit(X, Y)
    expected = model.predict(X)
    with mlflow.start_run() as run:
        id = run.info.run_id
        info = mlflow.sklearn.log_model(model, name="model", input_example=X.head(2), registered_model_name="house")
        mlflow.log_metric("rmse", 0.25, model_id=info.model_id, dataset=None)
    logged = mlflow.get_logged_model(info.model_id)
    assert str(logged.status) in ("READY", "LoggedModelStatus.READY") and logged.source_run_id == id
    assert [m.key for m in logged.metrics] == ["rmse"]
    assert [o.model_id for o in mlflow.get_run(id).outputs.model_outputs] == [info.model_id]
    version = CLIENT.get_model_version("house", "1")
    assert (version.run_id, version.status, version.current_stage) == (id, "READY", "None")
    second = mlflow.register_model(f"models:/{info.model_id}", "house")
    assert second.version in ("2", 2)
    CLIENT.set_registered_model_alias("house", "champion", "1")
    assert CLIENT.get_model_version_by_alias("house", "champion").version in ("1", 1)
    assert CLIENT.get_registered_model("house").aliases in ({"champion": "1"}, {"champion": 1})
    for uri in (f"runs:/{id}/model", "models:/house/1", "models:/house@champion", f"models:/{info.model_id}", "models:/house/latest"):
        assert np.allclose(mlflow.pyfunc.load_model(uri).predict(X), expected), uri
        assert np.allclose(mlflow.sklearn.load_model(uri).predict(X), expected), uri
    CLIENT.transition_model_version_stage("house", "1", "Production")
    CLIENT.transition_model_version_stage("house", "2", "Production", archive_existing_versions=True)
    assert CLIENT.get_model_version("house", "1").current_stage == "Archived"
    (current,) = CLIENT.get_latest_versions("house", ["Production"])
    assert int(current.version) == 2
    assert np.allclose(mlflow.pyfunc.load_model("models:/house/Production").predict(X), expected)
    status, body = post("/model-versions/transition-stage", {"name": "house", "version": "1", "stage": "development"})
    assert status == 200 and body["model_version"]["current_stage"] == "Development"
    refused(lambda: CLIENT.transition_model_version_stage("house", "1", "Nowhere"), "INVALID_PARAMETER_VALUE")
    assert {v.current_stage for v in CLIENT.get_latest_versions("house")} == {"Development", "Production"}
    CLIENT.update_registered_model("house", "prices")
    CLIENT.update_model_version("house", "1", "the first")
    CLIENT.set_registered_model_tag("house", "team", "x")
    CLIENT.set_model_version_tag("house", "1", "quality", "good")
    found = CLIENT.get_registered_model("house")
    assert (found.description, found.tags) == ("prices", {"team": "x"})
    first = CLIENT.get_model_version("house", "1")
    assert (first.description, first.tags) == ("the first", {"quality": "good"})
    assert CLIENT.get_model_version_download_uri("house", "2").endswith("artifacts")
    CLIENT.delete_registered_model_tag("house", "team")
    CLIENT.delete_model_version_tag("house", "1", "quality")
    assert not CLIENT.get_registered_model("house").tags and not CLIENT.get_model_version("house", "1").tags
    CLIENT.create_registered_model("empty", tags={"team": "y"}, description="nothing yet")
    refused(lambda: CLIENT.create_registered_model("empty"), "RESOURCE_ALREADY_EXISTS")
    assert [m.name for m in CLIENT.search_registered_models("name LIKE 'h%'")] == ["house"]
    assert [m.name for m in CLIENT.search_registered_models("tags.team = 'y'")] == ["empty"]
    assert [m.name for m in CLIENT.search_registered_models(order_by=["name DESC"])] == ["house", "empty"]
    assert [int(v.version) for v in CLIENT.search_model_versions("name = 'house'", order_by=["version_number ASC"])] == [1, 2]
    assert {int(v.version) for v in CLIENT.search_model_versions(f"run_id IN ('{id}')")} == {1, 2}
    CLIENT.rename_registered_model("empty", "full")
    refused(lambda: CLIENT.get_registered_model("empty"), "RESOURCE_DOES_NOT_EXIST", "not found")
    CLIENT.delete_registered_model_alias("house", "champion")
    refused(lambda: CLIENT.get_model_version_by_alias("house", "champion"), "INVALID_PARAMETER_VALUE", "alias champion not found")
    refused(lambda: CLIENT.set_registered_model_alias("house", "latest", "1"), "INVALID_PARAMETER_VALUE")
    CLIENT.delete_model_version("house", "1")
    refused(lambda: CLIENT.get_model_version("house", "1"), "RESOURCE_DOES_NOT_EXIST", "not found")
    third = mlflow.register_model(f"runs:/{id}/model", "house")
    assert int(third.version) == 3
    CLIENT.delete_registered_model("full")
    assert [m.name for m in CLIENT.search_registered_models()] == ["house"]


def test_logged_models():
    experiment = mlflow.set_experiment("logged").experiment_id
    ids = []
    for name, rmse in [("low", 0.1), ("high", 0.9)]:
        with mlflow.start_run():
            model = mlflow.create_external_model(name=name, params={"p": name}, tags={"t": name}, model_type="kind")
            mlflow.log_metric("rmse", rmse, model_id=model.model_id)
            ids.append(model.model_id)
    found = mlflow.get_logged_model(ids[0])
    assert (found.name, found.params, found.tags["t"], found.model_type) == ("low", {"p": "low"}, "low", "kind")
    CLIENT.set_logged_model_tags(ids[0], {"more": "x"})
    assert mlflow.get_logged_model(ids[0]).tags["more"] == "x"
    CLIENT.delete_logged_model_tag(ids[0], "more")
    assert "more" not in mlflow.get_logged_model(ids[0]).tags
    CLIENT.log_model_params(ids[0], {"q": "1"})
    assert mlflow.get_logged_model(ids[0]).params == {"p": "low", "q": "1"}

    def names(**query):
        query.setdefault("output_format", "list")
        return [m.name for m in mlflow.search_logged_models(experiment_ids=[experiment], **query)]

    assert names() == ["high", "low"]
    assert names(filter_string="metrics.rmse < 0.5 AND params.p = 'low'") == ["low"]
    assert names(order_by=[{"field_name": "metrics.rmse", "ascending": True}]) == ["low", "high"]
    assert names(max_results=1) == ["high"]
    CLIENT.delete_logged_model(ids[1])
    assert names() == ["low"]
    refused(lambda: mlflow.get_logged_model(ids[1]), "RESOURCE_DOES_NOT_EXIST", "not found")


def test_sklearn_autolog():
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import GridSearchCV

    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(max_tuning_runs=4)
    with mlflow.start_run() as run:
        RandomForestRegressor(n_estimators=3, max_depth=2, random_state=1).fit(X, Y)
    run = mlflow.get_run(run.info.run_id)
    assert run.data.params["n_estimators"] == "3" and run.data.tags["estimator_name"] == "RandomForestRegressor"
    assert run.data.metrics["training_score"] > 0.3
    assert run.inputs.dataset_inputs and run.outputs.model_outputs
    with mlflow.start_run() as parent:
        GridSearchCV(RandomForestRegressor(n_estimators=2, random_state=1), {"max_depth": [1, 2, 3]}, cv=2).fit(X, Y)
    children = CLIENT.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert sorted(child.data.params["max_depth"] for child in children) == ["1", "2", "3"]
    assert "best_max_depth" in mlflow.get_run(parent.info.run_id).data.params
    assert "cv_results.csv" in [f.path for f in CLIENT.list_artifacts(parent.info.run_id)]
    mlflow.sklearn.autolog(disable=True)


def test_xgboost_autolog():
    import xgboost

    mlflow.set_experiment("xgboost")
    mlflow.xgboost.autolog()
    with mlflow.start_run() as run:
        data = xgboost.DMatrix(X, label=Y)
        booster = xgboost.train({"max_depth": 2, "eta": 0.3}, data, num_boost_round=5, evals=[(data, "train")], verbose_eval=False)
    run = mlflow.get_run(run.info.run_id)
    assert run.data.params["max_depth"] == "2" and run.data.metrics["train-rmse"] > 0
    assert len(CLIENT.get_metric_history(run.info.run_id, "train-rmse")) == 5
    (output,) = run.outputs.model_outputs
    loaded = mlflow.xgboost.load_model(f"models:/{output.model_id}")
    assert np.allclose(loaded.predict(data), booster.predict(data))
    assert any("feature_importance" in f.path for f in CLIENT.list_artifacts(run.info.run_id))
    mlflow.xgboost.autolog(disable=True)


def test_command_line():
    def command(*words):
        done = subprocess.run([sys.executable, "-m", "mlflow", *words], capture_output=True, text=True, env=os.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command("experiments", "create", "-n", "from the shell")
    id = CLIENT.get_experiment_by_name("from the shell").experiment_id
    run = CLIENT.create_run(id, run_name="shelled").info.run_id
    assert "shelled" in command("runs", "list", "--experiment-id", id)
    command("runs", "delete", "--run-id", run)
    assert CLIENT.get_run(run).info.lifecycle_stage == "deleted"
    command("runs", "restore", "--run-id", run)
    assert CLIENT.get_run(run).info.lifecycle_stage == "active"
    (FOLDER / "shell.txt").write_text("from the shell")
    command("artifacts", "log-artifact", "--local-file", str(FOLDER / "shell.txt"), "--run-id", run)
    assert mlflow.artifacts.load_text(f"runs:/{run}/shell.txt") == "from the shell"


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_") and callable(test)]
    chosen = sys.argv[3:]
    for name, test in tests:
        if not chosen or name in chosen:
            test()
            print(f"ok {name}", flush=True)


if __name__ == "__main__":
    main()
