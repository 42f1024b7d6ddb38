"""Fits every tree learner and its peer in turn and prints Markdown tables; benches/learners.sh runs it.

Each fit is a process of its own. CPU seconds are those of all its threads around the fit, binning included; memory is the
most the process had, less what it had before the fit; a prediction of one row is the median of 500 calls (50 of the
peer). Every round is another random split, so that the test error is one of several splits and not of one.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOOST = {"n_estimators": 500, "learning_rate": 0.05}
# our learner and options, the peer and its
PAIRS = {
    "decision tree": ("decision_tree", {}, "scikit-learn", {}),
    "random forest, 200 trees": ("random_forest", {"n_estimators": 200}, "scikit-learn", {"n_estimators": 200}),
    "gradient boosting, 300 trees": (
        "gradient_boosting", {"n_estimators": 300}, "scikit-learn", {"n_estimators": 300}),
    "boosting, 500 trees, depth 6": (
        "xgboost", {**BOOST, "max_depth": 6}, "XGBoost hist", {**BOOST, "max_depth": 6}),
    "boosting, 500 trees, 31 leaves": (
        "xgboost",
        {**BOOST, "max_leaves": 31, "max_depth": None, "reg_lambda": 0, "min_child_weight": 20},
        "LightGBM",
        {**BOOST, "num_leaves": 31},
    ),
}


def california(seed):
    """16 features of the committed table, a random 60 % of the rows to learn from and 20 % to measure on."""
    table = np.genfromtxt(ROOT / "data/raw/california_housing.csv", delimiter=",", skip_header=1)
    x, y = table[:, :8], table[:, 8] * 100_000
    latitude, longitude, half = x[:, 6], x[:, 7], np.sqrt(0.5)
    cities = [(37.77, -122.42), (34.05, -118.24), (32.72, -117.16)]
    features = np.column_stack([
        x, x[:, 3] / x[:, 2], x[:, 2] / x[:, 5], x[:, 4] / x[:, 5],
        (latitude + longitude) * half, (latitude - longitude) * half,
        *[np.hypot(latitude - a, longitude - b) for a, b in cities],
    ])
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[:12384], order[-4128:]
    return features[train], y[train], features[test], y[test]


def synthetic(rows, features):
    """A smooth function of five features and noise."""
    rng = np.random.default_rng(1)
    x = rng.random((rows + 5000, features))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y += rng.normal(size=len(y))
    return x[:rows], y[:rows], x[rows:], y[rows:]


def write(path, data):
    with open(path, "wb") as file:
        np.array([len(data[0]), len(data[2]), data[0].shape[1]], "<u8").tofile(file)
        for part in data:
            np.ascontiguousarray(part, "<f8").tofile(file)
    return path


def read(path):
    with open(path, "rb") as file:
        train, test, features = (int(n) for n in np.fromfile(file, "<u8", 3))
        take = lambda count: np.fromfile(file, "<f8", count)
        return (take(train * features).reshape(train, features), take(train),
                take(test * features).reshape(test, features), take(test))


def status(name):
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024


def estimator(peer, learner, options, threads):
    if peer == "XGBoost hist":
        from xgboost import XGBRegressor
        return XGBRegressor(tree_method="hist", n_jobs=threads, **options)
    if peer == "LightGBM":
        from lightgbm import LGBMRegressor
        return LGBMRegressor(n_jobs=threads, verbosity=-1, **options)
    if learner == "decision_tree":
        from sklearn.tree import DecisionTreeRegressor
        return DecisionTreeRegressor(random_state=0, **options)
    if learner == "random_forest":
        from sklearn.ensemble import RandomForestRegressor
        return RandomForestRegressor(random_state=0, n_jobs=threads, **options)
    from sklearn.ensemble import GradientBoostingRegressor
    return GradientBoostingRegressor(random_state=0, **options)


def fit_peer(path, peer, learner, options, threads):
    """In a process of its own: fits, measures, prints."""
    records, targets, test_records, test_targets = read(path)
    model = estimator(peer, learner, options, threads)
    before = status("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(records, targets)
    report = {"fit_cpu": time.process_time() - cpu, "fit_wall": time.perf_counter() - wall}
    report["memory"] = max(status("VmHWM") - before, 0)
    cpu = time.process_time()
    predictions = model.predict(test_records)
    report["predict_all"] = time.process_time() - cpu
    if len(sys.argv) <= 7:
        if hasattr(model, "n_jobs"):
            model.n_jobs = 1
        calls = []
        for row in range(50):
            began = time.perf_counter()
            model.predict(test_records[row:row + 1])
            calls.append(time.perf_counter() - began)
        report["predict_one"] = statistics.median(calls)
    report["rmse"] = float(np.sqrt(np.mean((predictions - test_targets) ** 2)))
    print(json.dumps(report))


def run(command, threads):
    names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    environment = {**os.environ, **{name: str(threads) for name in names}}
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def ours(bench, path, learner, options, threads):
    return run([bench, path, learner, *[f"{name}={json.dumps(value)}" for name, value in options.items()]], threads)


def peers(path, peer, learner, options, threads, *more):
    return run([sys.executable, __file__, "--peer", path, peer, learner, json.dumps(options), str(threads), *more], threads)


def median(reports, name):
    return statistics.median(report[name] for report in reports)


def compare(bench, folder, rounds):
    paths = [write(f"{folder}/california-{seed}.bin", california(seed)) for seed in range(rounds)]
    print("| learner | threads | | fit CPU s | fit wall s | predict 1 row µs | predict 4,128 rows, CPU ms | test RMSE | memory MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (name, threads) in [(name, threads) for name in PAIRS for threads in (1, 2)]:
        learner, options, peer, peer_options = PAIRS[name]
        pair = [], []
        for path in paths:
            pair[0].append(ours(bench, path, learner, options, threads))
            pair[1].append(peers(path, peer, learner, peer_options, threads))
        row = lambda reports: (
            f"{median(reports, 'fit_cpu'):.3f} | {median(reports, 'fit_wall'):.3f} | {median(reports, 'predict_one') * 1e6:.1f} | "
            f"{median(reports, 'predict_all') * 1e3:.1f} | {median(reports, 'rmse'):.0f} | {median(reports, 'memory') / 2**20:.0f} |")
        print(f"| {name} | {threads} | hpipe | {row(pair[0])}")
        print(f"| | | {peer} | {row(pair[1])}")
        ratios = []
        for what in ("fit_cpu", "fit_wall", "predict_one", "predict_all", "rmse"):
            quotients = [mine[what] / theirs[what] for mine, theirs in zip(*pair)]
            digits = ".4f" if what == "rmse" else ".2g"
            ratios.append(f"**{statistics.median(quotients):{digits}}**")
        print(f"| | | ratio | {' | '.join(ratios)} | |", flush=True)


def growth(bench, folder, rounds):
    options = {"n_estimators": 100, "learning_rate": 0.1}
    mine = {**options, "max_leaves": 31, "max_depth": None, "reg_lambda": 0, "min_child_weight": 20}
    print("\n| rows | features | threads | hpipe CPU s | LightGBM CPU s | ratio | hpipe wall s | LightGBM wall s | hpipe RMSE | LightGBM RMSE | hpipe MB | LightGBM MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for rows, features in [(20_000, 16), (200_000, 16), (2_000_000, 16), (20_000, 64), (20_000, 256)]:
        path = write(f"{folder}/synthetic.bin", synthetic(rows, features))
        for threads in (1, 2):
            a, b = [], []
            for _ in range(1 if rows > 1_000_000 else rounds):
                a.append(ours(bench, path, "xgboost", mine, threads))
                b.append(peers(path, "LightGBM", "xgboost", {**options, "num_leaves": 31}, threads, "--no-rows"))
            values = [median(side, "fit_cpu") for side in (a, b)]
            walls = [median(side, "fit_wall") for side in (a, b)]
            errors = [median(side, "rmse") for side in (a, b)]
            memory = [median(side, "memory") / 2**20 for side in (a, b)]
            print(f"| {rows:,} | {features} | {threads} | {values[0]:.2f} | {values[1]:.2f} | {values[0] / values[1]:.2f} | "
                  f"{walls[0]:.2f} | {walls[1]:.2f} | {errors[0]:.4f} | {errors[1]:.4f} | {memory[0]:.0f} | {memory[1]:.0f} |", flush=True)


def growth_of_trees(bench, folder, most):
    """Whole trees, whose peer sorts: up to `most` synthetic rows of 16 features, one thread, one round."""
    print("\n| learner | rows | hpipe CPU s | scikit-learn CPU s | ratio | hpipe RMSE | scikit-learn RMSE | hpipe MB | scikit-learn MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    forest = {"n_estimators": 20, "max_features": 0.4}
    for name, learner, options in [("decision tree", "decision_tree", {}), ("random forest, 20 trees", "random_forest", forest)]:
        for rows in [rows for rows in (20_000, 200_000, 2_000_000) if rows <= most]:
            path = write(f"{folder}/synthetic.bin", synthetic(rows, 16))
            a = ours(bench, path, learner, options, 1)
            b = peers(path, "scikit-learn", learner, options, 1, "--no-rows")
            print(f"| {name} | {rows:,} | {a['fit_cpu']:.2f} | {b['fit_cpu']:.2f} | {a['fit_cpu'] / b['fit_cpu']:.2f} | "
                  f"{a['rmse']:.4f} | {b['rmse']:.4f} | {a['memory'] / 2**20:.0f} | {b['memory'] / 2**20:.0f} |", flush=True)


def over_splits(bench, folder, splits):
    """Test errors over many splits: one split says little, as a full tree's error varies by percents with the rows alone."""
    print("\n| learner | splits | hpipe RMSE | peer RMSE | ratio - 1, mean ± standard error | fit CPU, median of ratios |")
    print("|---|---|---|---|---|---|")
    for name, (learner, options, peer, peer_options) in PAIRS.items():
        pair = [], []
        for seed in range(splits):
            path = write(f"{folder}/split.bin", california(seed))
            pair[0].append(ours(bench, path, learner, options, 1))
            pair[1].append(peers(path, peer, learner, peer_options, 1, "--no-rows"))
        ratios = [mine["rmse"] / theirs["rmse"] - 1 for mine, theirs in zip(*pair)]
        error = statistics.stdev(ratios) / len(ratios) ** 0.5 if splits > 1 else float("nan")
        errors = [statistics.mean(report["rmse"] for report in side) for side in pair]
        cpu = statistics.median(mine["fit_cpu"] / theirs["fit_cpu"] for mine, theirs in zip(*pair))
        print(f"| {name} | {splits} | {errors[0]:.0f} | {errors[1]:.0f} | "
              f"**{statistics.mean(ratios):+.2%}** ± {error:.2%} | {cpu:.2g} |", flush=True)


def main():
    if sys.argv[1] == "--peer":
        path, peer, learner, options, threads = sys.argv[2:7]
        fit_peer(path, peer, learner, json.loads(options), int(threads))
        return
    bench, folder, *rest = sys.argv[1:]
    if "--only" in rest:
        word = rest[rest.index("--only") + 1]
        for name in [name for name in PAIRS if word not in name]:
            del PAIRS[name]
    if "--splits" in rest:
        over_splits(bench, folder, int(rest[rest.index("--splits") + 1]))
        return
    if "--trees" in rest:
        growth_of_trees(bench, folder, int(rest[rest.index("--trees") + 1]))
        return
    rounds = int(next((word for word in rest if word.isdigit()), 5))
    if "--only-growth" not in rest:
        compare(bench, folder, rounds)
    if "--no-growth" not in rest:
        growth(bench, folder, rounds)


main()
