"""Golden values for the linear models, from scikit-learn, on a matrix that the Rust test makes again.

The matrix: the rows of data/raw/california_housing.csv whose place (from 0) is a multiple of 5, its first eight columns
standardised over these rows (mean 0, population deviation 1), and a ninth: AveBedrms / AveRooms, standardised as well.
The target is MedHouseVal as it is. 4,128 rows, 9 features.

Each case names the model and its hyperparameters as `uses: train` takes them. Iterative models are solved to a
tolerance of 1e-12, far below the 1e-4 relative that the test asks for, so that the golden values are the optimum and not
one solver's way towards it. Solvers are chosen for precision: `svd` for ridge.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 numpy
    /tmp/venv/bin/python tests/reference/linear.py          # writes tests/reference/linear.json

Read by stages/tests/reference.rs.
"""

import csv
import json
import pathlib
import sys

import numpy
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "data" / "raw" / "california_housing.csv"
TARGET = "MedHouseVal"
EVERY = 5

EXACT = {"tol": 1e-12, "max_iter": 1_000_000}
CASES = [
    ("linear", {}, LinearRegression()),
    ("linear", {"fit_intercept": False}, LinearRegression(fit_intercept=False)),
    ("ridge", {"alpha": 1.0}, Ridge(alpha=1.0, solver="svd")),
    ("ridge", {"alpha": 1000.0}, Ridge(alpha=1000.0, solver="svd")),
    ("ridge", {"alpha": 10.0, "fit_intercept": False}, Ridge(alpha=10.0, solver="svd", fit_intercept=False)),
    ("lasso", {"alpha": 0.001, **EXACT}, Lasso(alpha=0.001, **EXACT)),
    ("lasso", {"alpha": 0.1, **EXACT}, Lasso(alpha=0.1, **EXACT)),
    ("lasso", {"alpha": 0.05, "fit_intercept": False, **EXACT}, Lasso(alpha=0.05, fit_intercept=False, **EXACT)),
    ("elastic_net", {"alpha": 0.01, "l1_ratio": 0.5, **EXACT}, ElasticNet(alpha=0.01, l1_ratio=0.5, **EXACT)),
    ("elastic_net", {"alpha": 0.2, "l1_ratio": 0.9, **EXACT}, ElasticNet(alpha=0.2, l1_ratio=0.9, **EXACT)),
    # without an absolute penalty elastic net is ridge with alpha times the number of rows; hpipe solves it as such
    ("elastic_net", {"alpha": 0.01, "l1_ratio": 0.0}, Ridge(alpha=0.01 * 4128, solver="svd")),
]


def matrix():
    """The features (n_rows x 9) and the target (n_rows)."""
    with TABLE.open(newline="") as file:
        rows = [row for place, row in enumerate(csv.DictReader(file)) if place % EVERY == 0]
    names = [name for name in rows[0] if name != TARGET]
    columns = {name: numpy.array([float(row[name]) for row in rows]) for name in names}
    columns["bedroom_ratio"] = columns["AveBedrms"] / columns["AveRooms"]
    scaled = [(column - column.mean()) / column.std() for column in columns.values()]
    return numpy.column_stack(scaled), numpy.array([float(row[TARGET]) for row in rows])


def main():
    features, target = matrix()
    cases = []
    for model, hyperparameters, estimator in CASES:
        estimator.fit(features, target)
        residuals = target - estimator.predict(features)
        cases.append(
            {
                "model": model,
                "hyperparameters": hyperparameters,
                "intercept": float(estimator.intercept_),
                "coefficients": [float(x) for x in estimator.coef_],
                "rmse": float(numpy.sqrt(numpy.mean(residuals**2))),
                "r2": float(estimator.score(features, target)),
            }
        )
    golden = {
        "made_with": {
            "python": sys.version.split()[0],
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
        },
        "rows": len(target),
        "cases": cases,
    }
    print(golden["made_with"])
    (HERE / "linear.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
