"""The other side of `scikit_learn.rs`: what the installed scikit-learn and shap say, now, beside what ours say.

    python scikit_learn.py prepare CSV FOLDER   # matrices, and what scikit-learn and shap make of them: cases.json
    python scikit_learn.py check FOLDER         # shap and XGBoost on the models that we exported, named in exports.json

Vectors are raw little-endian float64 files. One thread and fixed seeds: the same figures every time.
"""

import json
import pathlib
import sys
import warnings

import numpy
import shap
import xgboost
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

# Rows that are explained, and those whose interactions are computed too.
EXPLAINED, INTERACTIONS = 150, 10


def write(path, numbers):
    numpy.ascontiguousarray(numbers, dtype="<f8").tofile(path)


def read(path):
    return numpy.fromfile(path, dtype="<f8")


def matrices(csv):
    """Four times the 20,640 districts: standardised; as they are, without equal values; at most 200 values a column; and
    with missing values."""
    data = numpy.genfromtxt(csv, delimiter=",", skip_header=1)
    random = numpy.random.default_rng(7)
    # no two targets are equal, so that no two splits gain the same
    plain, target = data[:, :8], data[:, 8] + random.random(len(data)) * 1e-3
    scaled = (plain - plain.mean(axis=0)) / plain.std(axis=0)
    # single precision, in which scikit-learn's trees compare; apart, so that no two features part rows alike by chance
    apart = (plain + plain.std(axis=0) * random.random(plain.shape) * 1e-3).astype(numpy.float32)
    ranks = plain.argsort(axis=0).argsort(axis=0)
    coarse = numpy.floor(ranks / len(plain) * 200)
    missing = apart.copy()
    missing[random.random(plain.shape) < 0.1] = numpy.nan
    return {"scaled": scaled, "apart": apart, "coarse": coarse, "missing": missing}, target


EXACT = {"tol": 1e-14, "max_iter": 1_000_000}
LINEAR = [
    ("linear", {}, LinearRegression()),
    ("ridge", {"alpha": 0.5}, Ridge(alpha=0.5, solver="svd")),
    ("ridge", {"alpha": 1000.0}, Ridge(alpha=1000.0, solver="svd")),
    ("lasso", {"alpha": 0.001, **EXACT}, Lasso(alpha=0.001, **EXACT)),
    ("lasso", {"alpha": 0.1, **EXACT}, Lasso(alpha=0.1, **EXACT)),
    ("elastic_net", {"alpha": 0.01, "l1_ratio": 0.5, **EXACT}, ElasticNet(alpha=0.01, l1_ratio=0.5, **EXACT)),
    ("elastic_net", {"alpha": 0.3, "l1_ratio": 0.2, **EXACT}, ElasticNet(alpha=0.3, l1_ratio=0.2, **EXACT)),
    # stops early: as many steps, from the same start, in the same order
    ("lasso", {"alpha": 0.001, "tol": 1e-3}, Lasso(alpha=0.001, tol=1e-3)),
    ("elastic_net", {"alpha": 0.001, "l1_ratio": 0.3, "tol": 1e-3}, ElasticNet(alpha=0.001, l1_ratio=0.3, tol=1e-3)),
]
TREES = [
    {"max_depth": 3},
    {"max_depth": 9, "min_samples_leaf": 20},
    {"min_samples_leaf": 40},
    {"min_samples_split": 150, "min_samples_leaf": 20},
    {"max_leaf_nodes": 60, "min_samples_leaf": 20},
]
BOOSTERS = [
    {"max_depth": 3},
    {"max_depth": 4, "loss": "absolute_error"},
    {"max_depth": 4, "loss": "huber", "alpha": 0.8},
    {"max_depth": 3, "loss": "quantile", "alpha": 0.7},
    {"max_depth": 4, "learning_rate": 0.3},
]
FORESTS = [
    {"min_samples_leaf": 1, "max_features": 0.5},
    {"min_samples_leaf": 3, "max_features": 0.5},
    {"min_samples_leaf": 10, "max_features": 1.0},
    {"min_samples_split": 30, "max_features": 0.4},
    {"min_samples_leaf": 3, "max_features": 0.5, "bootstrap": False},
]


def of_linear(rows, target):
    for model, params, estimator in LINEAR:
        estimator.fit(rows, target)
        yield {
            "model": model,
            "hyperparameters": params,
            "intercept": float(estimator.intercept_),
            "coefficients": estimator.coef_.tolist(),
            "iterations": int(estimator.n_iter_) if model in ("lasso", "elastic_net") else None,
        }


def explained(explainer, rows):
    """Shapley values (n_rows x n_features), and interactions of the first rows."""
    return {
        "expected": float(numpy.ravel(explainer.expected_value)[0]),
        "values": explainer.shap_values(rows[:EXPLAINED]).tolist(),
        "interactions": explainer.shap_interaction_values(rows[:INTERACTIONS]).tolist(),
    }


def of_trees(folder, matrices, target):
    """Grown on every second row; predictions of all rows."""
    for matrix in ["apart", "missing"]:
        rows = matrices[matrix]
        for place, params in enumerate(TREES):
            tree = DecisionTreeRegressor(random_state=0, **params).fit(rows[::2], target[::2])
            expected = f"tree-{matrix}-{place}.expected"
            write(folder / expected, tree.predict(rows))
            case = {"matrix": matrix, "params": params, "expected": expected, "leaves": int(tree.get_n_leaves())}
            # shap knows no missing values in trees of scikit-learn
            if matrix == "apart" and ("max_depth" in params or "max_leaf_nodes" in params):
                case["shap"] = explained(shap.TreeExplainer(tree), rows)
                importance = permutation_importance(tree, rows[1::2], target[1::2], n_repeats=20, random_state=0,
                                                    scoring="neg_root_mean_squared_error")
                case["permutation"] = importance.importances_mean.tolist()
                case["gain"] = tree.feature_importances_.tolist()
            yield case


def of_boosters(folder, rows, target):
    for place, params in enumerate(BOOSTERS):
        booster = GradientBoostingRegressor(n_estimators=40, min_samples_leaf=20, random_state=0, **params)
        booster.fit(rows, target)
        expected = f"booster-{place}.expected"
        write(folder / expected, booster.predict(rows))
        yield {"params": params, "expected": expected}


def of_forests(rows, target):
    """Learnt from every second row, measured on the others."""
    for params in FORESTS:
        forest = RandomForestRegressor(n_estimators=40, random_state=0, n_jobs=2, **params).fit(rows[::2], target[::2])
        error = forest.predict(rows[1::2]) - target[1::2]
        leaves = [tree.get_n_leaves() for tree in forest.estimators_]
        yield {"params": params, "rmse": float(numpy.sqrt(numpy.mean(error**2))), "leaves": float(numpy.mean(leaves))}


def prepare(csv, folder):
    made, target = matrices(csv)
    for name, rows in made.items():
        write(folder / f"{name}.f64", rows)
    write(folder / "target.f64", target)
    cases = {
        "linear": list(of_linear(made["scaled"], target)),
        "trees": list(of_trees(folder, made, target)),
        "boosters": list(of_boosters(folder, made["coarse"], target)),
        "forests": list(of_forests(made["apart"], target)),
    }
    (folder / "cases.json").write_text(json.dumps(cases))


def apart(theirs, ours):
    """The largest distance, relative to the largest value."""
    return float(numpy.max(numpy.abs(numpy.asarray(theirs) - ours)) / numpy.max(numpy.abs(ours)))


def check(folder):
    """Models of ours that XGBoost loads: shap's own TreeSHAP (double precision) and XGBoost's (single) say what ours does."""
    worst = 0.0
    for case in json.loads((folder / "exports.json").read_text()):
        rows = read(folder / f"{case['rows']}.f64").reshape(-1, 8)[:EXPLAINED]
        ours = json.loads((folder / case["explained"]).read_text())
        booster = xgboost.Booster(model_file=folder / case["file"])
        explainer = shap.TreeExplainer(booster)
        # else it asks XGBoost
        explainer.model.model_type = "internal"
        theirs = explained(explainer, rows)
        contributions = booster.predict(xgboost.DMatrix(rows, feature_names=booster.feature_names), pred_contribs=True)
        distances = {
            # shap takes the base score alone for it, so that its own values do not add up to predictions
            "expected": float(abs(contributions[0, -1] / ours["expected"] - 1)),
            "values": apart(theirs["values"], ours["values"]),
            "interactions": apart(theirs["interactions"], ours["interactions"]),
            "pred_contribs": apart(contributions[:, :-1], ours["values"]),
        }
        print(case["file"], {name: f"{distance:.1e}" for name, distance in distances.items()})
        worst = max(worst, *distances.values())
    sys.exit(0 if worst <= 1e-5 else f"apart by {worst}")


if __name__ == "__main__":
    # of ours being read by newer versions of theirs
    warnings.simplefilter("ignore")
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        check(pathlib.Path(sys.argv[2]))
