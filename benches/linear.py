"""Times and compares linear models: hpipe's, linfa's and scikit-learn's on the same matrices, one thread each.

Two matrices: the features of our own pipeline (params.yaml; 12,384 rows, 17 features), and 1,000,000 rows of 20 correlated
synthetic features. Prints a table a matrix: CPU seconds of the fastest of some repeats, and by how much coefficients differ
from scikit-learn's, relative to the largest (for `folds`: by how much the mean squared errors differ).

    cargo build --release -p hpipe-learn --example linear_bench
    python benches/linear.py target/release/examples/linear_bench      # with numpy and scikit-learn installed
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

for threads in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[threads] = "1"

import numpy  # noqa: E402
from sklearn.linear_model import ElasticNet, Lasso, LassoCV, LinearRegression, Ridge, lasso_path  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


def housing():
    """The features of params.yaml, standardised, of 60 % of the rows."""
    with (ROOT / "data/raw/california_housing.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = {name: numpy.array([float(row[name]) for row in rows]) for name in rows[0]}
    target = table.pop("MedHouseVal")
    longitude, latitude = table["Longitude"], table["Latitude"]
    rooms, bedrooms, people, occupancy = (table.pop(n) for n in ["AveRooms", "AveBedrms", "Population", "AveOccup"])
    table["bedroom_ratio"] = bedrooms / rooms
    table["rooms_per_person"] = rooms / occupancy
    table["to_san_francisco"] = numpy.hypot(longitude + 122.42, latitude - 37.77)
    table["to_los_angeles"] = numpy.hypot(longitude + 118.24, latitude - 34.05)
    logarithms = {
        "income": table["MedInc"],
        "rooms": rooms,
        "bedrooms": bedrooms,
        "population": people,
        "occupancy": occupancy,
        "households": people / occupancy,
        "rooms_per_person": table["rooms_per_person"],
        "to_san_francisco": table["to_san_francisco"],
        "to_los_angeles": table["to_los_angeles"],
    }
    table |= {f"log_{name}": numpy.log1p(column) for name, column in logarithms.items()}
    features = numpy.column_stack(list(table.values()))
    train = numpy.random.default_rng(42).permutation(len(target))[:12384]
    features, target = features[train], target[train]
    return (features - features.mean(axis=0)) / features.std(axis=0), target


def synthetic():
    """Correlated features of different scales and means; a sparse target."""
    random = numpy.random.default_rng(0)
    mixed = random.standard_normal((1_000_000, 20)) @ (numpy.eye(20) + 0.3 * random.standard_normal((20, 20)))
    target = mixed[:, :7] @ random.standard_normal(7) + 3 * random.standard_normal(len(mixed)) + 100
    return mixed * numpy.geomspace(0.5, 2, 20) + numpy.arange(20), target


def fastest(repeats, fit):
    """CPU seconds of the fastest call, and what it gave."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        result = fit()
        best = min(best, time.process_time() - start)
    return best, result


def scikit(features, target, repeats):
    """What scikit-learn takes and finds."""
    centred, y = features - features.mean(axis=0), target - target.mean()
    ridges = numpy.geomspace(1e3, 1e-1, 50)

    def ridge_path():
        for alpha in ridges:
            last = Ridge(alpha=alpha).fit(features, target).coef_
        return last

    def folds():
        found = LassoCV(alphas=50, eps=1e-3, cv=5).fit(features, target)
        return found.mse_path_.mean(axis=1)

    return {
        "linear": fastest(repeats, lambda: LinearRegression().fit(features, target).coef_),
        "ridge": fastest(repeats, lambda: Ridge(alpha=10).fit(features, target).coef_),
        "lasso": fastest(repeats, lambda: Lasso(alpha=0.001).fit(features, target).coef_),
        "elastic_net": fastest(repeats, lambda: ElasticNet(alpha=0.001).fit(features, target).coef_),
        "ridge path": fastest(1, ridge_path),
        "lasso path": fastest(1, lambda: lasso_path(centred, y, alphas=50, eps=1e-3, precompute=True)[1][:, -1]),
        "lasso folds": fastest(1, folds),
    }


def compare(name, features, target, binary, repeats):
    """Prints the table of a matrix."""
    features = numpy.asfortranarray(features)
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(features.tobytes(order="F"))
        file.write(target.tobytes())
        file.flush()
        rows, columns = features.shape
        command = [binary, file.name, str(rows), str(columns), str(repeats)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = {line["what"]: line for line in map(json.loads, lines)}
    print(f"\n{name}: {rows} rows, {columns} features, {repeats} repeats\n")
    print("| model | scikit-learn s | hpipe s | ratio | differs | linfa s | differs |\n|---|---|---|---|---|---|---|")
    for what, (seconds, expect) in scikit(features, target, repeats).items():
        cells = [f"{seconds:.4f}"]
        for key in [what, f"linfa {what}"]:
            if key in found:
                ours = numpy.array(found[key]["coefficients"])
                off = numpy.abs(ours - expect).max() / numpy.abs(expect).max() if len(ours) else float("nan")
                cells.append(f"{found[key]['seconds']:.4f}")
                if key == what:
                    cells.append(f"{found[key]['seconds'] / seconds:.3f}")
                cells.append(f"{off:.0e}")
            else:
                cells += ["", ""]
        print(f"| {what} | {' | '.join(cells)} |")


def main():
    warnings.simplefilter("ignore")
    binary = sys.argv[1]
    compare("pipeline", *housing(), binary, 7)
    compare("synthetic", *synthetic(), binary, 3)


if __name__ == "__main__":
    main()
