"""Sets our search beside Optuna's on the models and rows of the example pipeline; prints the table of docs/tuning.md.

Usage: tune_pipeline.py SEARCH TRAIN VALIDATION SEEDS, where SEARCH is stages/examples/search.rs, built. Run by
benches/tune_pipeline.sh. Both sides search the same space for 100 trials, one after the other, and the objective of both is
the stage `tune` itself: for Optuna a search of one trial, at the point that it proposes. The p-value is that of the two-sided
rank-sum test, as in tune.py.
"""

import json
import statistics
import subprocess
import sys

import optuna
from tune import rank_sum

TRIALS = 100
# model: hyperparameters that are not searched, and the space. Spaces as in params.yaml; fewer trees, at a higher rate, so
# that 100 trials for each of many seeds take minutes.
SEARCHES = {
    "elastic_net": (
        {"max_iter": 10_000},
        {"alpha": {"float": [1e-5, 0.1], "log": True}, "l1_ratio": {"float": [0.05, 0.95]}},
    ),
    "decision_tree": (
        {},
        {
            "max_depth": {"int": [4, 24]},
            "min_samples_leaf": {"int": [1, 60], "log": True},
            "max_features": {"float": [0.3, 1]},
        },
    ),
    "xgboost": (
        {"n_estimators": 60},
        {
            "learning_rate": {"float": [0.05, 0.5], "log": True},
            "max_depth": {"int": [3, 9]},
            "min_child_weight": {"float": [1, 30], "log": True},
            "subsample": {"float": [0.5, 1]},
            "colsample_bytree": {"float": [0.3, 1]},
            "reg_lambda": {"float": [0.1, 20], "log": True},
        },
    ),
}


class Search:
    """The stage `tune` in a process that stays."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, model, seed, **more):
        hyperparameters, space = SEARCHES[model]
        options = {"model": model, "target": "MedHouseVal", "seed": seed, "concurrency": 1,
                   "hyperparameters": hyperparameters, "space": space, **more}
        self.process.stdin.write(json.dumps(options) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def suggest(trial, space):
    """The point that Optuna proposes."""
    point = {}
    for name, domain in space.items():
        low, high = domain.get("float") or domain["int"]
        choose = trial.suggest_float if "float" in domain else trial.suggest_int
        point[name] = choose(name, low, high, log=domain.get("log", False))
    return point


def optunas(search, model, seed, sampler):
    study = optuna.create_study(sampler=sampler)
    space = SEARCHES[model][1]
    study.optimize(lambda trial: search(model, seed, trials=1, initial=[suggest(trial, space)])[0], n_trials=TRIALS)
    return [trial.value for trial in study.trials]


def main():
    *command, seeds = sys.argv[1:]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = Search(command)
    sides = {
        "TPE": lambda model, seed: search(model, seed, trials=TRIALS),
        "Optuna's TPE": lambda model, seed: optunas(search, model, seed, optuna.samplers.TPESampler(seed=seed)),
        "random": lambda model, seed: search(model, seed, trials=TRIALS, sampler="random"),
    }
    print(f"Median of the best validation RMSE over {seeds} seeds; Optuna {optuna.__version__}.\n")
    print(f"| model | trials | {' | '.join(sides)} | p |\n|---|---|---|---|---|---|")
    for model in SEARCHES:
        found = {side: [run(model, seed) for seed in range(int(seeds))] for side, run in sides.items()}
        for trials in (50, TRIALS):
            best = {side: [min(values[:trials]) for values in studies] for side, studies in found.items()}
            cells = " | ".join(f"{statistics.median(values):.5f}" for values in best.values())
            p = rank_sum(best["TPE"], best["Optuna's TPE"])
            print(f"| {model} | {trials} | {cells} | {p:.2f} |", flush=True)


main()
