"""Golden values for Shapley values of trees, from XGBoost's `pred_contribs` and the package shap.

The data: 500 rows of six features, seeded; the third feature has missing values, the last one is categorical with 70 codes (so
that a set of codes needs two words). The model: 25 boosted trees of depth 5, native categorical splits. Kept for 40 rows:
predictions, contributions (the bias last) and, for 6 of them, interactions, by XGBoost in single precision; contributions
by shap's own TreeSHAP in double precision, of a model without the categorical feature, which that does not know.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install xgboost==3.2.0 shap==0.51.0 scikit-learn==1.9.1
    /tmp/venv/bin/python tests/reference/tree_shap.py       # writes tests/reference/tree_shap.json

Not called shap.py, for it would import itself. Read by stages/learn/tests/explain.rs.
"""

import json
import pathlib
import sys

import numpy
import shap
import xgboost

HERE = pathlib.Path(__file__).resolve().parent
ROWS, INTERACTIONS = 40, 6
KEPT = [
    "left_children",
    "right_children",
    "split_indices",
    "split_conditions",
    "split_type",
    "default_left",
    "sum_hessian",
    "loss_changes",
    "categories",
    "categories_nodes",
    "categories_segments",
    "categories_sizes",
]


def data():
    """Records (the last column holds codes) and targets."""
    random = numpy.random.default_rng(5)
    records = random.standard_normal((500, 6))
    records[:, 5] = random.integers(0, 70, 500)
    records[random.random(500) < 0.15, 2] = numpy.nan
    known = numpy.nan_to_num(records[:, 2], nan=0.7)
    effect = numpy.sin(numpy.arange(70) * 1.7)[records[:, 5].astype(int)]
    targets = records[:, 0] * known + numpy.abs(records[:, 1]) + 2 * effect * (records[:, 3] > 0)
    return records.astype(numpy.float32), targets


def train(records, targets, types):
    """A booster, and its matrix of the first rows."""
    matrix = xgboost.DMatrix(records, targets, feature_types=types, enable_categorical=True)
    params = {"max_depth": 5, "eta": 0.3, "tree_method": "hist", "max_cat_to_onehot": 4, "seed": 1, "nthread": 1}
    booster = xgboost.train(params, matrix, num_boost_round=25)
    return booster, xgboost.DMatrix(records[:ROWS], feature_types=types, enable_categorical=True)


def trees(booster):
    """The parts of XGBoost's JSON that a prediction or explanation needs."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    made = learner["gradient_booster"]["model"]["trees"]
    base = json.loads(learner["learner_model_param"]["base_score"])
    return {"base": base[0] if isinstance(base, list) else base, "trees": [{k: t[k] for k in KEPT} for t in made]}


def of_xgboost(records, targets):
    """All six features, by XGBoost."""
    booster, matrix = train(records, targets, ["q"] * 5 + ["c"])
    importance = {
        kind: booster.get_score(importance_type=kind) for kind in ["weight", "gain", "total_gain", "cover", "total_cover"]
    }
    return {
        **trees(booster),
        "predictions": booster.predict(matrix).tolist(),
        "contributions": booster.predict(matrix, pred_contribs=True).tolist(),
        "interactions": booster.predict(matrix, pred_interactions=True)[:INTERACTIONS].tolist(),
        "importance": {k: [v.get(f"f{i}", 0.0) for i in range(6)] for k, v in importance.items()},
    }


def of_shap(records, targets):
    """The five numeric features, by shap."""
    booster, matrix = train(records[:, :5], targets, ["q"] * 5)
    explainer = shap.TreeExplainer(booster)
    # else it asks XGBoost
    explainer.model.model_type = "internal"
    values = explainer.shap_values(records[:ROWS, :5])
    return {
        **trees(booster),
        "predictions": booster.predict(matrix).tolist(),
        "expected": float(numpy.ravel(explainer.expected_value)[0]),
        "contributions": values.tolist(),
        "interactions": explainer.shap_interaction_values(records[:INTERACTIONS, :5]).tolist(),
    }


def main():
    records, targets = data()
    rows = [[None if numpy.isnan(x) else float(x) for x in row] for row in records[:ROWS]]
    golden = {
        "made_with": {
            "python": sys.version.split()[0],
            "xgboost": xgboost.__version__,
            "shap": shap.__version__,
            "numpy": numpy.__version__,
        },
        "rows": rows,
        "xgboost": of_xgboost(records, targets),
        "shap": of_shap(records, targets),
    }
    print(golden["made_with"])
    (HERE / "tree_shap.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
