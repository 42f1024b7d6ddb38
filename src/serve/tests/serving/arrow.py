"""Asks the server of arrow.rs in Arrow, as those who hold tables do: `arrow.py URL`; `arrow.py FOLDER` writes its bodies anew."""

import io
import json
import sys
from pathlib import Path

import pandas
import polars
import pyarrow
import pyarrow.feather
import requests

STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"
ROWS = {"rooms": [1.0, 2.5, 3.0], "age": [None, 4, 1], "ocean": ["INLAND", "NEAR BAY", "INLAND"], "new": [None, None, True]}
EXPECTED = [2.0, 109.0, 7.5]


def stream(table, **options):
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


def file(table):
    sink = io.BytesIO()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def tables():
    plain = pyarrow.table(ROWS)
    yield "plain", plain
    words = pyarrow.array(["NEAR BAY", "INLAND", "a word of more than twelve letters", None]).dictionary_encode()
    codes = pyarrow.array([1, 0, 1], pyarrow.int8())
    encoded = pyarrow.DictionaryArray.from_arrays(codes, words.dictionary)
    nested = pyarrow.array([[{"a": "x"}], None, [{"a": None}, {"a": "y"}]])
    unlike = pyarrow.table({
        "dates": pyarrow.array([0, 1, None], pyarrow.date32()),
        "ocean": encoded,
        "nested": nested,
        "rooms": pyarrow.array(ROWS["rooms"], pyarrow.float32()),
        "views": pyarrow.array(["x" * 40, "y", None], pyarrow.string_view()),
        "new": pyarrow.array(ROWS["new"]),
        "age": pyarrow.array(ROWS["age"], pyarrow.uint16()),
    })
    yield "unlike", unlike
    long = pyarrow.array(ROWS["ocean"], pyarrow.large_string())
    yield "large", plain.set_column(2, "ocean", long)
    yield "views", plain.set_column(2, "ocean", pyarrow.array(ROWS["ocean"], pyarrow.string_view()))
    half = pyarrow.array([1.0, 2.5, 3.0], pyarrow.float16())
    yield "half", plain.set_column(0, "rooms", half)
    yield "whole", plain.set_column(0, "rooms", pyarrow.array([1, 2, 3], pyarrow.int8()))


def ask(body, kind=STREAM, accept=None, path="/predict"):
    headers = {"Content-Type": kind, **({"Accept": accept} if accept else {})}
    return requests.post(URL + path, data=body, headers=headers)


def rows_are_understood():
    for name, table in tables():
        expected = [2.0, 108.0, 7.5] if name == "whole" else EXPECTED
        taken = table.drop_columns([name for name in table.column_names if name not in ROWS])
        for body, kind in ((stream(taken), STREAM), (file(taken), FILE), (stream(taken, metadata_version=pyarrow.ipc.MetadataVersion.V4), STREAM)):
            for path in ("/predict", "/invocations", "/v1/models/house:predict"):
                answer = ask(body, kind, path=path)
                assert answer.status_code == 200 and answer.json()["predictions"] == expected, (name, path, answer.text)


def other_writers_are_understood():
    frame = pandas.DataFrame({"rooms": [1.0, 2.0], "ocean": pandas.Categorical(["INLAND", "NEAR BAY"])}, index=[7, 9])
    table = pyarrow.Table.from_pandas(frame)
    assert "__index_level_0__" in table.column_names, table.schema
    assert ask(stream(table)).json()["predictions"] == [2.0, 104.0]
    sink = io.BytesIO()
    pyarrow.feather.write_feather(frame, sink, compression="uncompressed")
    assert ask(sink.getvalue(), FILE).json()["predictions"] == [2.0, 104.0]
    frame = polars.DataFrame({"rooms": [1.0, float("nan")], "ocean": ["INLAND", "NEAR BAY"]}).head(1)
    for write in (frame.write_ipc, frame.write_ipc_stream):
        sink = io.BytesIO()
        write(sink, compression="uncompressed")
        answer = ask(sink.getvalue())
        assert answer.json()["predictions"] == [2.0], answer.text


def answers_are_tables():
    body = stream(pyarrow.table({"rooms": [1.0, 60.0], "ocean": ["INLAND", "INLAND"]}))
    for accept, opened in ((STREAM, pyarrow.ipc.open_stream), (FILE, pyarrow.ipc.open_file)):
        answer = ask(body, accept=f"{accept}, */*;q=0.1")
        assert answer.headers["Content-Type"] == accept, answer.headers
        table = opened(answer.content).read_all()
        table.validate(full=True)
        assert table.to_pydict() == {"predictions": [2.0, 120.0]}, table
        warnings = json.loads(table.schema.metadata[b"warnings"])
        assert warnings[0]["loc"] == ["body", 1, "rooms"], warnings
    answer = ask(stream(pyarrow.table({"rooms": pyarrow.array([], pyarrow.float64()), "ocean": pyarrow.array([], pyarrow.string())})), accept=FILE)
    assert polars.read_ipc(io.BytesIO(answer.content))["predictions"].to_list() == []
    many = requests.post(f"{URL}/predict", json=[{"rooms": i % 50, "ocean": "INLAND"} for i in range(1000)], headers={"Accept": STREAM})
    table = pyarrow.ipc.open_stream(many.content).read_all()
    assert table["predictions"].to_pylist() == [2.0 * (i % 50) for i in range(1000)] and table.schema.metadata is None


def what_does_not_fit_is_told():
    def told(table, kind, loc, status=422, **options):
        answer = ask(stream(table, **options))
        first = answer.json()["detail"][0]
        assert (answer.status_code, first["type"], first["loc"]) == (status, kind, loc), answer.text

    told(pyarrow.table({"rooms": ["x"], "ocean": ["INLAND"]}), "float_type", ["body", 0, "rooms"])
    told(pyarrow.table({"rooms": [None], "ocean": ["INLAND"]}), "float_type", ["body", 0, "rooms"])
    told(pyarrow.table({"rooms": [1.0, float("inf")], "ocean": ["INLAND"] * 2}), "finite_number", ["body", 1, "rooms"])
    told(pyarrow.table({"rooms": [1.0]}), "missing", ["body", 0, "ocean"])
    told(pyarrow.table({"rooms": [1.0], "ocean": ["SEA"]}), "enum", ["body", 0, "ocean"])
    told(pyarrow.table({"rooms": [1.0], "ocean": ["INLAND"], "x": [1]}), "extra_forbidden", ["body", "x"])
    dates = pyarrow.array([0], pyarrow.timestamp("s"))
    told(pyarrow.table({"rooms": dates, "ocean": ["INLAND"]}), "float_type", ["body", "rooms"])
    twice = pyarrow.Table.from_arrays([pyarrow.array([1.0]), pyarrow.array([2.0]), pyarrow.array(["INLAND"])], ["rooms", "rooms", "ocean"])
    told(twice, "duplicate_key", ["body", "rooms"])
    told(pyarrow.table({"rooms": [1.0] * 100, "ocean": ["INLAND"] * 100}), "arrow_invalid", ["body"], compression="lz4")
    told(pyarrow.table({"rooms": pyarrow.nulls(100_001)}), "too_many_rows", ["body"], 413)
    # a long word that is there once, and meant very often
    word = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 90_000, pyarrow.int8()), pyarrow.array(["x" * 100_000]))
    told(pyarrow.table({"rooms": [1.0] * 90_000, "ocean": word}), "too_large", ["body"], 413)


def main():
    for check in (rows_are_understood, other_writers_are_understood, answers_are_tables, what_does_not_fit_is_told):
        check()
        print(check.__name__)


if sys.argv[1].startswith("http://"):
    URL = sys.argv[1]
    main()
else:
    for name, table in tables():
        if name in ("unlike", "views"):
            Path(sys.argv[1], f"{name}.arrows").write_bytes(stream(table))
    Path(sys.argv[1], "plain.arrow").write_bytes(file(pyarrow.table(ROWS)))
