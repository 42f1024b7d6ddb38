"""The other side of `interchange.rs`: trains with the real tools, and predicts with them from what we exported.

    python interchange.py prepare CSV FOLDER   # rows, and models with their predictions: imports.json
    python interchange.py check FOLDER         # predictions of the exports named in exports.json against ours

Vectors are raw little-endian float64 files. One thread and fixed seeds: the same models every time.
"""

import json
import pathlib
import sys

import lightgbm
import numpy
import onnx
import onnxruntime
import pandas
import safetensors
import xgboost

TOLERANCE = 1e-5


def table(csv):
    """All rows with missing values, zeros within the range of a column, and a category of 40 codes; and the target."""
    data = numpy.genfromtxt(csv, delimiter=",", skip_header=1)
    rows, target = data[:, :8].copy(), data[:, 8]
    region = numpy.floor((rows[:, 6] - 32) * 1.2) + 12 * numpy.clip(numpy.floor((rows[:, 7] + 124) / 3), 0, 3)
    rows[:, 1] -= 30.0
    numbers = numpy.arange(len(rows))
    rows = numpy.column_stack([rows, numpy.clip(region, 0, 39)])
    rows[numbers % 7 == 0, 0] = numpy.nan
    rows[numbers % 11 == 0, 5] = numpy.nan
    rows[numbers % 13 == 0, 8] = numpy.nan
    return rows, target


def write(path, numbers):
    numpy.ascontiguousarray(numbers, dtype="<f8").tofile(path)


def read(path):
    return numpy.fromfile(path, dtype="<f8")


NAMES = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude", "Region"]
TYPES = ["q"] * 8 + ["c"]
# What the codes of our exports mean.
LEVELS = {"Region": [f"region {code:02}" for code in range(40)]}


def matrix(rows, target=None):
    return xgboost.DMatrix(rows, target, feature_names=NAMES, feature_types=TYPES, enable_categorical=True, nthread=1)


class Cases:
    """Models on their way to our importer."""

    def __init__(self, folder):
        self.folder, self.cases = folder, []

    def add(self, name, file, expected, rounds="best", rows="rows"):
        write(self.folder / f"{name}.expected", expected)
        self.cases.append({"name": name, "file": file, "rounds": rounds, "rows": rows})

    def add_xgboost(self, name, booster, expected, **more):
        for ending in ["json", "ubj"]:
            booster.save_model(self.folder / f"{name}.{ending}")
            self.add(f"{name}_{ending}", f"{name}.{ending}", expected, **more)

    def add_lightgbm(self, name, booster, rows):
        booster.save_model(self.folder / f"{name}.txt")
        self.add(name, f"{name}.txt", booster.predict(rows, num_threads=1))


def prepare_xgboost(cases, rows, target):
    data = matrix(rows, target)
    half = matrix(rows, (target > 2).astype(float))
    base = {"nthread": 1, "seed": 7, "max_depth": 6, "learning_rate": 0.1}
    settings = {
        "squared": ({}, 300),
        "partition": ({"max_cat_to_onehot": 1}, 50),
        "onehot": ({"max_cat_to_onehot": 100}, 50),
        "lossguide": ({"grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0, "gamma": 0.5}, 50),
        "absolute": ({"objective": "reg:absoluteerror"}, 50),
        "huber": ({"objective": "reg:pseudohubererror"}, 50),
        "quantile": ({"objective": "reg:quantileerror", "quantile_alpha": 0.8}, 50),
        "poisson": ({"objective": "count:poisson"}, 50),
        "gamma": ({"objective": "reg:gamma"}, 50),
        "tweedie": ({"objective": "reg:tweedie"}, 50),
        "logistic": ({"objective": "binary:logistic"}, 50),
        "logit": ({"objective": "binary:logitraw"}, 50),
        "exact": ({"tree_method": "exact", "gamma": 5.0}, 20),
        "dart": ({"booster": "dart", "rate_drop": 0.3}, 30),
    }
    for name, (more, rounds) in settings.items():
        binary = "log" in name
        used = data
        if name == "exact":
            used = xgboost.DMatrix(rows, target, nthread=1)
        booster = xgboost.train(base | more, half if binary else used, rounds)
        cases.add_xgboost(f"xgboost_{name}", booster, booster.predict(used))
    full = numpy.nan_to_num(rows)
    write(cases.folder / "full.f64", full)
    booster = xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(full, target), 50)
    expected = booster.predict(xgboost.DMatrix(full))
    cases.add_xgboost("xgboost_gblinear", booster, expected, rows="full")
    prepare_stopped(cases, base, rows, target)
    prepare_pandas(cases, base, rows, target)


def prepare_stopped(cases, base, rows, target):
    """Several trees a round, and a best round long before the last."""
    train, rest = matrix(rows[::2], target[::2]), matrix(rows[1::2], target[1::2])
    more = base | {"num_parallel_tree": 3, "learning_rate": 1.0, "subsample": 0.5}
    watch = {"evals": [(rest, "rest")], "early_stopping_rounds": 5, "verbose_eval": False}
    booster = xgboost.train(more, train, 100, **watch)
    best = booster.best_iteration + 1
    assert 3 * best < len(booster.get_dump())
    data = matrix(rows)
    cases.add_xgboost("xgboost_best", booster, booster.predict(data, iteration_range=(0, best)))
    cases.add_xgboost("xgboost_all", booster, booster.predict(data), rounds="all")


def prepare_pandas(cases, base, rows, target):
    """Categories by name: XGBoost then keeps them in the model, and counts codes as pandas does."""
    frame = pandas.DataFrame(rows, columns=NAMES)
    names = [f"region {code:02}" for code in range(40)]
    codes = frame["Region"].fillna(-1).astype(int)
    frame["Region"] = pandas.Categorical.from_codes(codes, categories=names)
    data = xgboost.DMatrix(frame, target, enable_categorical=True, nthread=1)
    booster = xgboost.train(base, data, 30)
    cases.add_xgboost("xgboost_pandas", booster, booster.predict(data))


def prepare_lightgbm(cases, rows, target):
    base = {"num_threads": 1, "seed": 7, "verbose": -1, "deterministic": True, "force_row_wise": True}
    bagging = {"bagging_freq": 1, "bagging_fraction": 0.6}
    settings = {
        "regression": ({}, target, 300),
        "zeros": ({"zero_as_missing": True, "categories": []}, target, 100),
        "zeros_categories": ({"zero_as_missing": True}, target, 50),
        "no_missing": ({"use_missing": False}, target, 50),
        "l1": ({"objective": "l1"}, target, 50),
        "huber": ({"objective": "huber"}, target, 50),
        "quantile": ({"objective": "quantile", "alpha": 0.8}, target, 50),
        "poisson": ({"objective": "poisson"}, target, 50),
        "binary": ({"objective": "binary", "sigmoid": 0.7}, (target > 2).astype(float), 50),
        "root": ({"reg_sqrt": True}, target, 50),
        "forest": ({"boosting": "rf", **bagging}, target, 50),
        "goss": ({"data_sample_strategy": "goss"}, target, 50),
        "dart": ({"boosting": "dart"}, target, 50),
        "constant": ({"min_data_in_leaf": 20000}, target, 5),
    }
    for name, (more, labels, rounds) in settings.items():
        more = base | more
        categories = more.pop("categories", ["Region"])
        data = lightgbm.Dataset(rows, labels, feature_name=NAMES, categorical_feature=categories, params=more)
        booster = lightgbm.train(more, data, rounds)
        cases.add_lightgbm(f"lightgbm_{name}", booster, rows)


def prepare(csv, folder):
    rows, target = table(csv)
    write(folder / "rows.f64", rows)
    write(folder / "target.f64", target)
    cases = Cases(folder)
    prepare_xgboost(cases, rows, target)
    prepare_lightgbm(cases, rows, target)
    (folder / "imports.json").write_text(json.dumps(cases.cases))


def predict_xgboost(path, rows):
    booster = xgboost.Booster(model_file=path)
    assert booster.feature_names == NAMES
    assert json.loads(booster.attr("hpipe.levels")) == LEVELS
    return booster.predict(xgboost.DMatrix(rows, feature_names=NAMES, feature_types=booster.feature_types, enable_categorical=True))


def predict_onnx(path, rows):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert json.loads(model.metadata_props[0].value) == NAMES
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["hpipe.levels"]) == LEVELS
    kind = numpy.float32 if session.get_inputs()[0].type == "tensor(float)" else numpy.float64
    (prediction,) = session.run(["prediction"], {"features": rows.astype(kind)})
    assert prediction.shape == (len(rows), 1)
    return prediction[:, 0].astype(float)


def predict_safetensors(path, rows):
    """Predicts from nothing but the format's page, for ensembles; for other models opens the file."""
    with safetensors.safe_open(path, "numpy") as file:
        header = json.loads(file.metadata()["hpipe"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    assert (header["format"], header["version"]) == ("hpipe-model", 2)
    assert header["content"]["features"] == NAMES
    if "trees" not in header["model"]:
        return None
    shape, sums = header["model"]["trees"], numpy.zeros(len(rows))
    starts = {key: 0 for key in ["split", "leaf", "threshold", "set", "word"]}
    for n_splits in tensors["splits"]:
        sums += predict_tree(tensors, shape, starts, int(n_splits), rows)
    mean = len(tensors["splits"]) if shape["aggregation"] == "mean" else 1
    return tensors["base"][0] + sums / mean


def predict_tree(tensors, shape, starts, n_splits, rows):
    node = numpy.zeros(len(rows), dtype=int)
    split_nodes = tensors["node"][starts["split"] : starts["split"] + n_splits]
    for order, split in enumerate(split_nodes):
        at = starts["split"] + order
        feature, flags = tensors["feature"][at], tensors["flags"][at]
        x = rows[:, feature]
        x = x.astype(numpy.float32).astype(float) if shape["precision"] == "single" else x
        missing = numpy.isnan(x)
        if flags & 2:
            length = tensors["set_length"][starts["set"]]
            words = tensors["sets"][starts["word"] : starts["word"] + length]
            codes = [64 * word + bit for word in range(length) for bit in range(64) if int(words[word]) >> bit & 1]
            missing |= ~numpy.isin(x, numpy.arange(tensors["levels"][feature]))
            left = numpy.isin(x, codes)
            starts["set"] += 1
            starts["word"] += length
        else:
            left = x < tensors["threshold"][starts["threshold"]]
            starts["threshold"] += 1
        left = numpy.where(missing, bool(flags & 1), left)
        here = node == split
        node[here] = numpy.where(left[here], 2 * order + 1, 2 * order + 2)
    is_leaf = numpy.setdiff1d(numpy.arange(2 * n_splits + 1), split_nodes)
    values = numpy.full(2 * n_splits + 1, numpy.nan)
    values[is_leaf] = tensors["leaf"][starts["leaf"] : starts["leaf"] + n_splits + 1]
    starts["split"] += n_splits
    starts["leaf"] += n_splits + 1
    return values[node]


# Our numpy reader is slow: for safetensors a part of the rows.
STEP = {"safetensors": 97}
PREDICT = {"json": predict_xgboost, "ubj": predict_xgboost, "onnx": predict_onnx, "safetensors": predict_safetensors}


def check(folder):
    worst = 0.0
    for case in json.loads((folder / "exports.json").read_text()):
        rows = read(folder / f"{case['rows']}.f64").reshape(-1, len(NAMES))
        ours = read(folder / f"{case['name']}.ours")
        path = str(folder / case["file"])
        kind = path.rsplit(".", 1)[1]
        rows, ours = rows[:: STEP.get(kind, 1)], ours[:: STEP.get(kind, 1)]
        theirs = PREDICT[kind](path, rows)
        if theirs is None:
            continue
        apart = numpy.max(numpy.abs(theirs - ours) / numpy.abs(ours))
        print(f"{case['file']}: {apart:.1e} relative on {len(rows)} rows")
        worst = max(worst, apart if numpy.isfinite(apart) else numpy.inf)
    sys.exit(0 if worst <= TOLERANCE else f"apart by {worst}, more than {TOLERANCE}")


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        check(pathlib.Path(sys.argv[2]))
