"""Times Shapley values of trees: hpipe's, XGBoost's `pred_contribs` and shap's own TreeSHAP, one thread each.

Models: XGBoost on the eight raw features of California Housing, 500 trees of depth 6; and 100 trees of depth 12, where time
quadratic in the depth shows. Prints CPU microseconds a row and the largest difference from shap's values.

    cargo build --release -p hpipe-learn --example explain_bench
    python benches/explain.py target/release/examples/explain_bench      # with numpy, xgboost and shap installed
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

for threads in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[threads] = "1"

import numpy  # noqa: E402
import shap  # noqa: E402
import xgboost  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/reference"))
from tree_shap import trees  # noqa: E402


def housing():
    """The eight raw features and the target."""
    with (ROOT / "data/raw/california_housing.csv").open(newline="") as file:
        rows = [[float(x) for x in row] for row in list(csv.reader(file))[1:]]
    table = numpy.array(rows)
    return table[:, :8].astype(numpy.float32), table[:, 8]


def clocked(call):
    """CPU seconds of a call, and what it gave."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def compare(count, depth, rows, some, binary):
    """Prints a line: `rows` rows by hpipe and XGBoost, the first `some` of them by shap."""
    features, target = housing()
    matrix = xgboost.DMatrix(features, target, nthread=1)
    params = {"max_depth": depth, "eta": 0.05, "tree_method": "hist", "seed": 1, "nthread": 1}
    booster = xgboost.train(params, matrix, num_boost_round=count)
    asked = xgboost.DMatrix(features[:rows], nthread=1)
    native, contributions = min((clocked(lambda: booster.predict(asked, pred_contribs=True)) for _ in range(2)), key=lambda r: r[0])
    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "internal"
    theirs, values = clocked(lambda: explainer.shap_values(features[:some]))
    with tempfile.TemporaryDirectory() as folder:
        model, records = pathlib.Path(folder, "model.json"), pathlib.Path(folder, "records.bin")
        model.write_text(json.dumps(trees(booster)))
        records.write_bytes(features[:rows].astype("<f8").tobytes())
        command = [binary, str(model), str(records), "8", "3"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ours = numpy.array(found["values"]).reshape(rows, 8)
    off = numpy.abs(ours[:some] - values).max()
    off_native = numpy.abs(ours - contributions[:, :8]).max()
    micro = [1e6 * found["seconds"] / rows, 1e6 * native / rows, 1e6 * theirs / some]
    print(
        f"| {count} trees of depth {depth} | {1e3 * found['prepare']:.1f} ms | {micro[0]:.0f} | {micro[1]:.0f} | {micro[2]:.0f} "
        f"| {micro[0] / min(micro[1:]):.3f} | {off:.0e} | {off_native:.0e} |"
    )


def main():
    print("| model | hpipe prepares | hpipe µs a row | XGBoost µs a row | shap µs a row | ratio to the better | from shap | from XGBoost |")
    print("|---|---|---|---|---|---|---|---|")
    compare(500, 6, 2000, 300, sys.argv[1])
    compare(100, 12, 1000, 60, sys.argv[1])


if __name__ == "__main__":
    main()
