"""Golden values for the statistics of nearest neighbours, from scikit-learn, on points that the Rust test makes again.

The reference rows: the rows of data/raw/california_housing.csv whose place (from 0) is a multiple of 7; the points asked
for: those whose place is 3 more. Coordinates are (10 * Latitude, 8 * Longitude, MedInc), in which no two distances of a
point that matter here are equal (scikit-learn leaves open which of two equally distant rows is a neighbour; the script
stops should there be such a pair). The values are MedHouseVal and HouseAge.

For the first 25 points, and for the first 25 reference rows without themselves (`kneighbors()` without points): for each
k and weighting, mean, deviation, minimum and maximum of both values, and the distance of the k-th neighbour. Means are
KNeighborsRegressor's; all neighbours come from NearestNeighbors (`kd_tree`; `brute` finds distances by a matrix product, to 8 digits).

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 numpy
    /tmp/venv/bin/python tests/reference/neighbours.py      # writes tests/reference/neighbours.json

Read by stages/learn/tests/neighbours.rs.
"""

import csv
import json
import pathlib
import sys

import numpy
import sklearn
from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "data" / "raw" / "california_housing.csv"
EVERY = 7
ASKED = 25
KS = [1, 4, 16]
WEIGHTINGS = {
    "uniform": "uniform",
    "inverse 0": "distance",
    "inverse 0.5": lambda distances: 1 / (distances + 0.5),
}


def rows(first):
    """Coordinates (n_rows x 3) and values (n_rows x 2) of every seventh row from `first` on."""
    with TABLE.open(newline="") as file:
        table = [row for place, row in enumerate(csv.DictReader(file)) if place % EVERY == first]
    number = lambda name: numpy.array([float(row[name]) for row in table])
    points = numpy.column_stack([10 * number("Latitude"), 8 * number("Longitude"), number("MedInc")])
    return points, numpy.column_stack([number("MedHouseVal"), number("HouseAge")])


def weights(weighting, distances):
    """The weights of neighbours (n_points x k), as scikit-learn's documentation words them."""
    if weighting == "uniform":
        return numpy.ones_like(distances)
    if callable(weighting):
        return weighting(distances)
    zero = distances == 0
    inverse = 1 / numpy.where(zero, 1, distances)
    return numpy.where(zero.any(axis=1, keepdims=True), zero.astype(float), inverse)


def tell(reference, k, weighting, points):
    """Statistics (n_points x 9) of the k nearest reference rows of `points`; of the first reference rows if None."""
    coordinates, values = reference
    finder = NearestNeighbors(n_neighbors=k + 1, algorithm="kd_tree").fit(coordinates)
    distances, near = finder.kneighbors(points)
    distances, near = distances[:ASKED], near[:ASKED]
    if (numpy.diff(distances, axis=1) < 1e-9).any():
        sys.exit("two rows are equally far: choose other coordinates")
    distances, near = distances[:, :k], near[:, :k]
    shares = weights(weighting, distances)[:, :, None]
    shares = shares / shares.sum(axis=1, keepdims=True)
    found = values[near]
    means = (shares * found).sum(axis=1)
    if points is not None:
        model = KNeighborsRegressor(n_neighbors=k, weights=weighting, algorithm="kd_tree").fit(coordinates, values)
        assert numpy.allclose(means, model.predict(points[:ASKED]), rtol=1e-12)
        means = model.predict(points[:ASKED])
    deviations = numpy.sqrt((shares * (found - means[:, None, :]) ** 2).sum(axis=1))
    return numpy.hstack([means, deviations, found.min(axis=1), found.max(axis=1), distances[:, -1:]])


def main():
    reference, (points, _) = rows(0), rows(3)
    golden = {
        "made_with": {
            "python": sys.version.split()[0],
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
        },
        "rows": len(reference[0]),
        "k": KS,
        "cases": [
            {
                "weighting": name,
                "points": numpy.hstack([tell(reference, k, weighting, points) for k in KS]).tolist(),
                "reference": numpy.hstack([tell(reference, k, weighting, None) for k in KS]).tolist(),
            }
            for name, weighting in WEIGHTINGS.items()
        ],
    }
    print(golden["made_with"])
    (HERE / "neighbours.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
