"""Golden values for the tree learners: trees of scikit-learn, predictions of scikit-learn's and XGBoost's boosters.

Three small matrices are made here and written along, as numbers that single precision holds exactly and of which no column
has more than 255 distinct ones, so that no bins of ours or theirs stand between the two: `plain` (200 x 4), `missing` (the
same, a sixth of two columns NaN, written as null) and `categories` (240 x 4, codes in the first two columns, a tenth of the
third NaN; codes are never missing, as XGBoost does not try all codes on one side against missing ones, and we do).
For the exact splitter there is a fourth, `housing`, that the Rust test reads itself: the rows of
data/raw/california_housing.csv whose place (from 0) is a multiple of 20, all eight features, target MedHouseVal.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 xgboost==3.2.0 numpy
    /tmp/venv/bin/python tests/reference/trees.py          # writes tests/reference/trees.json

Read by stages/learn/tests/reference.rs.
"""

import csv
import json
import pathlib

import numpy as np
import sklearn
import xgboost
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "data" / "raw" / "california_housing.csv"


def coarse(values):
    """Sixteenths: exact in single precision, and few enough to repeat."""
    return np.round(np.asarray(values) * 16) / 16


def matrices():
    rng = np.random.default_rng(42)
    plain = coarse(rng.normal(size=(200, 4)) * [2, 1, 3, 1])
    target = np.sin(plain[:, 0]) * 3 + plain[:, 1] * plain[:, 2] / 2 + rng.normal(size=200) * 0.5
    missing = plain.copy()
    missing[rng.random(200) < 1 / 6, 0] = np.nan
    missing[rng.random(200) < 1 / 6, 2] = np.nan
    codes = rng.integers(0, 12, 240).astype(float)
    few = rng.integers(0, 3, 240).astype(float)
    numbers = coarse(rng.normal(size=(240, 2)))
    effect = rng.normal(size=12) * 2
    categorical = effect[codes.astype(int)] + (few == 1) * 1.5 + numbers[:, 0] + rng.normal(size=240) * 0.3
    numbers[rng.random(240) < 0.1, 0] = np.nan
    return {
        "plain": (plain, np.round(target, 3)),
        "missing": (missing, np.round(target, 3)),
        "categories": (np.column_stack([codes, few, numbers]), np.round(categorical, 3)),
    }


def housing():
    with open(TABLE, newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    rows = np.array(rows)[::20]
    return rows[:, :8], rows[:, 8]


TREES = [
    ("housing", {"max_depth": 5}),
    ("housing", {"max_depth": 8, "min_samples_leaf": 10}),
    ("housing", {"min_samples_split": 60}),
    ("housing", {"max_leaf_nodes": 40}),
    ("housing", {"min_samples_leaf": 4}),
    ("plain", {"max_depth": 4}),
    ("plain", {"max_leaf_nodes": 12, "min_samples_leaf": 3}),
    ("missing", {"max_depth": 4, "min_samples_leaf": 4}),
]
BOOSTERS = [
    {"loss": "squared_error"},
    {"loss": "squared_error", "max_leaf_nodes": 6, "max_depth": None, "min_samples_leaf": 5},
    # gradients of -1 and 1: of several features many splits are equally good, and scikit-learn takes a random one
    {"loss": "absolute_error", "features": 1},
    {"loss": "huber", "alpha": 0.8},
    {"loss": "quantile", "alpha": 0.25, "features": 1},
]
XGBOOST = [
    ("plain", {}),
    ("plain", {"reg_lambda": 0.0, "max_depth": 3}),
    ("plain", {"reg_alpha": 2.5}),
    ("plain", {"gamma": 3.0}),
    ("plain", {"min_child_weight": 12}),
    ("plain", {"max_leaves": 7, "grow_policy": "lossguide", "max_depth": 0}),
    ("plain", {"max_leaves": 9, "grow_policy": "depthwise"}),
    ("plain", {"base_score": 0.5}),
    ("plain", {"monotone_constraints": [1, -1, 0, 0]}),
    ("plain", {"monotone_constraints": [0, 1, 1, 0], "reg_alpha": 0.5, "max_depth": 4}),
    ("missing", {}),
    ("missing", {"reg_alpha": 1.0, "gamma": 0.5, "min_child_weight": 4}),
    ("missing", {"monotone_constraints": [-1, 0, 1, 0]}),
    ("categories", {"max_depth": 3}),
    ("categories", {"reg_lambda": 3.0, "reg_alpha": 0.5, "max_depth": 2}),
]


def tree(data, params):
    records, targets = data
    model = DecisionTreeRegressor(random_state=0, **params).fit(records, targets)
    tree = model.tree_
    return {
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": tree.value[:, 0, 0].tolist(),
        "missing_left": tree.missing_go_to_left.astype(bool).tolist(),
        "predictions": model.predict(records).tolist(),
    }


def booster(data, params):
    records, targets = data
    params = dict(params)
    records = records[:, : params.pop("features", 4)]
    model = GradientBoostingRegressor(n_estimators=25, random_state=0, **params).fit(records, targets)
    return {"predictions": model.predict(records).tolist(), "train_score": model.train_score_.tolist()}


def second_order(name, data, params):
    records, targets = data
    types = ["c", "c", "q", "q"] if name == "categories" else None
    params = dict(params)
    if "monotone_constraints" in params:
        params["monotone_constraints"] = tuple(params["monotone_constraints"])
    model = xgboost.XGBRegressor(
        n_estimators=10, tree_method="hist", feature_types=types, enable_categorical=types is not None, n_jobs=1, **params
    ).fit(records, targets)
    return {"predictions": model.predict(records).astype(float).tolist()}


def cell(value):
    return None if np.isnan(value) else float(value)


data = matrices()
with_housing = {**data, "housing": housing()}
golden = {
    "made_by": {"scikit-learn": sklearn.__version__, "xgboost": xgboost.__version__},
    "matrices": {
        name: {"records": [[cell(value) for value in row] for row in records], "targets": targets.tolist()}
        for name, (records, targets) in data.items()
    },
    "trees": [{"matrix": name, "params": params, **tree(with_housing[name], params)} for name, params in TREES],
    "boosters": [{"matrix": "plain", "params": params, **booster(data["plain"], params)} for params in BOOSTERS],
    "xgboost": [
        {"matrix": name, "params": params, **second_order(name, data[name], params)} for name, params in XGBOOST
    ],
}
(HERE / "trees.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
