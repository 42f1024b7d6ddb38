"""Asks the server of clients.rs with the clients that people use: `clients.py URL`."""

import sys
import uuid

import numpy
import openapi_spec_validator
import pandas
import requests
import tritonclient.http
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from prometheus_client.parser import text_string_to_metric_families

URL = sys.argv[1]
ROWS = pandas.DataFrame({"rooms": [1.0, 2.5], "ocean": ["INLAND", "NEAR BAY"]})
EXPECTED = [2.0, 105.0]


def with_requests():
    session = requests.Session()
    one = session.post(f"{URL}/predict", json={"rooms": 1, "ocean": "INLAND"}, headers={"X-Request-Id": "r-1"})
    assert one.json() == {"predictions": [2.0]}, one.text
    assert one.headers["X-Request-Id"] == "r-1" and one.headers["X-Model-Name"] == "house", one.headers
    many = session.post(f"{URL}/predict", json=ROWS.to_dict("records"))
    assert many.json()["predictions"] == EXPECTED, many.text
    csv = session.post(f"{URL}/predict", data=ROWS.to_csv(index=False), headers={"Content-Type": "text/csv"})
    assert csv.json()["predictions"] == EXPECTED, csv.text
    streamed = session.post(f"{URL}/predict", data=iter([b'{"rooms": 1, ', b'"ocean": "INLAND"}']))
    assert streamed.json()["predictions"] == [2.0], streamed.text
    wrong = session.post(f"{URL}/predict", json={"rooms": "many", "ocean": "INLAND"})
    assert wrong.status_code == 422 and wrong.json()["detail"][0]["loc"] == ["body", "rooms"], wrong.text


def with_mlflow():
    client = ScoringServerClient(*URL.removeprefix("http://").split(":"))
    client.ping()
    assert client.invoke(ROWS).get_predictions().iloc[:, 0].tolist() == EXPECTED
    for body in (
        {"dataframe_split": ROWS.to_dict("split")},
        {"dataframe_records": ROWS.to_dict("records"), "params": {}},
        {"instances": ROWS.to_dict("records")},
        {"inputs": ROWS.to_dict("list")},
    ):
        answer = requests.post(f"{URL}/invocations", json=body)
        assert answer.json()["predictions"] == EXPECTED, (body, answer.text)


def with_triton():
    client = tritonclient.http.InferenceServerClient(URL.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("house")
    assert not client.is_model_ready("castle")
    metadata = client.get_model_metadata("house")
    assert metadata["outputs"][0]["name"] == "price", metadata
    rooms = tritonclient.http.InferInput("rooms", [2], "FP64")
    rooms.set_data_from_numpy(ROWS["rooms"].to_numpy(), binary_data=False)
    ocean = tritonclient.http.InferInput("ocean", [2, 1], "BYTES")
    ocean.set_data_from_numpy(numpy.array([["INLAND"], ["NEAR BAY"]], dtype=object), binary_data=False)
    price = tritonclient.http.InferRequestedOutput("price", binary_data=False)
    asked = str(uuid.uuid4())
    answer = client.infer("house", [ocean, rooms], outputs=[price], request_id=asked)
    assert answer.as_numpy("price").tolist() == EXPECTED and answer.get_response()["id"] == asked
    try:
        client.infer("house", [rooms])
    except tritonclient.http.InferenceServerException as error:
        assert "Field required" in error.message(), error
    else:
        raise AssertionError("a column that lacks is refused")


def with_prometheus():
    text = requests.get(f"{URL}/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    rows = families["hpipe_rows"].samples[0]
    assert rows.labels == {"model": "house", "version": "1"} and rows.value > 8, rows
    duration = families["hpipe_request_duration_seconds"]
    assert duration.type == "histogram", duration
    by_route = {}
    for sample in duration.samples:
        if sample.name.endswith("_bucket"):
            by_route.setdefault(sample.labels["route"], []).append(sample.value)
    assert by_route and all(counts == sorted(counts) for counts in by_route.values()), by_route
    assert all(family.documentation and family.type != "unknown" for family in families.values()), families


def with_openapi():
    document = requests.get(f"{URL}/openapi.json").json()
    openapi_spec_validator.validate(document)


for check in (with_requests, with_mlflow, with_triton, with_prometheus, with_openapi):
    check()
    print(check.__name__)
