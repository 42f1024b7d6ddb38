"""Sets our samplers beside Optuna's on functions whose minimum is known; prints the table of docs/tuning.md.

Usage: tune.py OURS SEEDS, where OURS holds the lines that `src/tune/examples/quality.rs` prints for the same number of
seeds. Run by benches/tune.sh. Trials are executed one after the other on both sides, but for our columns at a lag of 4 and
8, which are proposed as if 4 or 8 were under way, and Optuna's with 4 running: its study is asked for a trial while three
others run (`constant_liar`), and told of the oldest then. The p-values are those of the two-sided rank-sum test (Mann and
Whitney 1947, normal approximation, ties at their mean rank) between our TPE and Optuna's, at a lag of 1 and of 4.
"""

import collections
import math
import statistics
import sys
import time
import warnings

import optuna


def branin(x, y):
    bend = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bend * bend + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(x):
    height = [1.0, 1.2, 3.0, 3.2]
    sharpness = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    centre = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
    return -sum(
        h * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(s, x, c)))
        for h, s, c in zip(height, sharpness, centre)
    )


def conditional(trial):
    if trial.suggest_categorical("model", ["branin", "bowl"]) == "branin":
        return branin(trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15))
    u, v = trial.suggest_float("u", -5, 5), trial.suggest_float("v", 0.001, 10, log=True)
    return u * u + math.log10(v) ** 2 + 0.1 * (trial.suggest_int("k", 1, 10) - 4) ** 2


FUNCTIONS = {
    "branin": lambda trial: branin(trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)),
    "hartmann6": lambda trial: hartmann6([trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]),
    "sphere5": lambda trial: sum(trial.suggest_float(f"x{i}", -5, 5) ** 2 for i in range(5)),
    "conditional": conditional,
}


def optunas(objective, make_sampler, seeds):
    """For each seed: the best of 50, the best of 100, and microseconds per trial."""
    for seed in range(seeds):
        study = optuna.create_study(sampler=make_sampler(seed))
        begin = time.perf_counter()
        study.optimize(objective, n_trials=100)
        micros = (time.perf_counter() - begin) * 1e4
        values = [trial.value for trial in study.trials]
        yield min(values[:50]), min(values), micros


def parallel(objective, make_sampler, seeds, running):
    """As `optunas`, with so many trials running: a proposal knows the results up to that many places back."""
    for seed in range(seeds):
        study = optuna.create_study(sampler=make_sampler(seed))
        values, untold = [], collections.deque()
        begin = time.perf_counter()
        for _ in range(100):
            if len(untold) == running:
                study.tell(*untold.popleft())
            trial = study.ask()
            values.append(objective(trial))
            untold.append((trial, values[-1]))
        micros = (time.perf_counter() - begin) * 1e4
        yield min(values[:50]), min(values), micros


def rank_sum(ours, theirs):
    """The two-sided p-value."""
    both = sorted(ours + theirs)
    ranks = collections.defaultdict(list)
    for rank, value in enumerate(both, 1):
        ranks[value].append(rank)
    mean_rank = {value: statistics.mean(places) for value, places in ranks.items()}
    n, m = len(ours), len(theirs)
    u = sum(mean_rank[value] for value in ours) - n * (n + 1) / 2
    ties = sum(len(places) ** 3 - len(places) for places in ranks.values())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return math.erfc(abs(u - n * m / 2) / math.sqrt(2 * variance))


def main():
    ours_file, seeds = sys.argv[1], int(sys.argv[2])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    found = collections.defaultdict(list)
    for line in open(ours_file):
        function, sampler, _seed, half, whole, micros = line.split()
        found[function, sampler].append((float(half), float(whole), float(micros)))
    liar = {"constant_liar": True}
    samplers = {
        "optuna": lambda seed: optuna.samplers.TPESampler(seed=seed, **liar),
        "optuna-random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    }
    grouped = {"optuna-group": lambda seed: optuna.samplers.TPESampler(seed=seed, group=True, **liar)}
    for name, objective in FUNCTIONS.items():
        for sampler, make in (samplers | (grouped if name == "conditional" else {})).items():
            found[name, sampler] = list(optunas(objective, make, seeds))
            if sampler != "optuna-random":
                found[name, f"{sampler}-4"] = list(parallel(objective, make, seeds, 4))
    print(f"Median of the best value over {seeds} seeds; Optuna {optuna.__version__}; smaller is better.\n")
    print("| function | trials | TPE | Optuna's TPE | p | TPE, lag 4 | Optuna's, 4 running | p | TPE, lag 8 | Sobol | random | Optuna's random |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    rows = [(name, "optuna", name) for name in FUNCTIONS]
    for name, peer, label in [*rows, ("conditional", "optuna-group", "conditional, `group=True`")]:
        for column, trials in enumerate((50, 100)):
            best = lambda sampler: [run[column] for run in found[name, sampler]]
            median = lambda sampler: f"{statistics.median(best(sampler)):.3f}"
            pairs = [("tpe", peer), ("tpe-4", f"{peer}-4")]
            cells = [cell for a, b in pairs for cell in (median(a), median(b), f"{rank_sum(best(a), best(b)):.2f}")]
            cells += map(median, ("tpe-8", "qmc", "random", "optuna-random"))
            print(f"| {label} | {trials} | {' | '.join(cells)} |", flush=True)
    print("\nMicroseconds for a trial (ask and tell; the mean over a study of 100; median over seeds):\n")
    print("| function | TPE | Optuna's TPE | random | Optuna's random |\n|---|---|---|---|---|")
    for name in FUNCTIONS:
        micros = [statistics.median(run[2] for run in found[name, s]) for s in ("tpe", "optuna", "random", "optuna-random")]
        print(f"| {name} | {' | '.join(f'{m:,.0f}' for m in micros)} |")


if __name__ == "__main__":
    main()
