"""Golden values for the linear models, from scikit-learn, on a matrix that the Rust test makes again.

The matrix: the rows of data/raw/california_housing.csv whose place (from 0) is a multiple of 5, its first eight columns
standardised over these rows (mean 0, population deviation 1), and a ninth: AveBedrms / AveRooms, standardised as well.
The target is MedHouseVal as it is. 4,128 rows, 9 features.

Each of `cases` names the model and its hyperparameters as `uses: train` takes them. Iterative models are solved to a
tolerance of 1e-12, far below the 1e-4 relative that the test asks for, so that the golden values are the optimum and not
one solver's way towards it. Solvers are chosen for precision: `svd` for ridge.

`steps` are iterative models as they stop at an ordinary tolerance: passes, duality gap (times the number of rows, the
scale of the sum of squares) and coefficients on the way. `ambiguous` are least squares with more columns: `collinear` adds
twice the first less the fourth column, a constant, and half the second column; `nearly` adds the first column and
0.0001 times the sine of the row's number. `path` and `validation` are whole paths of alphas, the latter the mean squared
errors of five contiguous folds.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 numpy
    /tmp/venv/bin/python tests/reference/linear.py          # writes tests/reference/linear.json

Read by stages/tests/reference.rs (`cases`) and stages/learn/tests/linear.rs (all of it).
"""

import csv
import json
import pathlib
import sys

import numpy
import sklearn
from sklearn.linear_model import ElasticNet, ElasticNetCV, Lasso, LassoCV, LinearRegression, Ridge, enet_path
from sklearn.model_selection import KFold

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

STEPS = [
    {"alpha": alpha, "l1_ratio": l1_ratio, "tol": tol}
    for alpha in [1.0, 0.1, 0.01, 0.001]
    for l1_ratio in [1.0, 0.5, 0.05]
    for tol in [1e-3, 1e-4, 1e-7]
]
PATH = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
RIDGE_PATH = [0.1, 1.0, 10.0, 100.0, 1000.0]
FOLDS = 5


def matrix():
    """The features (n_rows x 9) and the target (n_rows)."""
    with TABLE.open(newline="") as file:
        rows = [row for place, row in enumerate(csv.DictReader(file)) if place % EVERY == 0]
    names = [name for name in rows[0] if name != TARGET]
    columns = {name: numpy.array([float(row[name]) for row in rows]) for name in names}
    columns["bedroom_ratio"] = columns["AveBedrms"] / columns["AveRooms"]
    scaled = [(column - column.mean()) / column.std() for column in columns.values()]
    return numpy.column_stack(scaled), numpy.array([float(row[TARGET]) for row in rows])


def steps(features, target):
    """Iterative models at an ordinary tolerance."""
    made = []
    for params in STEPS:
        model = ElasticNet(max_iter=10_000, **params).fit(features, target)
        made.append(
            {
                **params,
                "iterations": int(model.n_iter_),
                "duality_gap": float(model.dual_gap_) * len(target),
                "coefficients": model.coef_.tolist(),
            }
        )
    return made


def ambiguous(features, target):
    """Least squares of least norm, and of columns that are nearly combinations of others."""
    first, second, fourth = features[:, 0], features[:, 1], features[:, 3]
    extra = {
        "collinear": [2 * first - fourth, numpy.full(len(target), 7.0), second / 2],
        "nearly": [first + 1e-4 * numpy.sin(numpy.arange(len(target)))],
    }
    made = {}
    for name, columns in extra.items():
        model = LinearRegression().fit(numpy.column_stack([features, *columns]), target)
        made[name] = {
            "intercept": float(model.intercept_),
            "coefficients": model.coef_.tolist(),
            "rank": int(model.rank_),
        }
    return made


def path(features, target):
    """Elastic nets that start where the one before ended, and ridges."""
    centred = numpy.asfortranarray(features - features.mean(axis=0))
    _, coefficients, _, iterations = enet_path(
        centred, target - target.mean(), l1_ratio=0.5, alphas=PATH, tol=1e-5, return_n_iter=True
    )
    ridges = [Ridge(alpha=alpha, solver="svd").fit(features, target) for alpha in RIDGE_PATH]
    return {
        "alphas": PATH,
        "l1_ratio": 0.5,
        "tol": 1e-5,
        "iterations": [int(n) for n in iterations],
        "coefficients": coefficients.T.tolist(),
        "ridge_alphas": RIDGE_PATH,
        "ridge_coefficients": [ridge.coef_.tolist() for ridge in ridges],
        "grid": LassoCV(alphas=10, cv=FOLDS).fit(features, target).alphas_.tolist(),
    }


def validation(features, target):
    """Mean squared errors of k folds: n_folds x n_alphas."""
    elastic = ElasticNetCV(l1_ratio=0.5, alphas=PATH, cv=FOLDS, tol=1e-10, max_iter=100_000).fit(features, target)
    ridges = []
    for train, test in KFold(FOLDS).split(features):
        fits = [Ridge(alpha=alpha, solver="svd").fit(features[train], target[train]) for alpha in RIDGE_PATH]
        ridges.append([float(numpy.mean((target[test] - fit.predict(features[test])) ** 2)) for fit in fits])
    order = [int(numpy.flatnonzero(elastic.alphas_ == alpha)[0]) for alpha in PATH]
    return {"folds": FOLDS, "elastic_net": elastic.mse_path_[order].T.tolist(), "ridge": ridges}


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
        "steps": steps(features, target),
        "ambiguous": ambiguous(features, target),
        "path": path(features, target),
        "validation": validation(features, target),
    }
    print(golden["made_with"])
    (HERE / "linear.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
