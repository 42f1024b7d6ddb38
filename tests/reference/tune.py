"""Golden values for hyperparameter search, from Optuna: Parzen densities, kernel widths, parameter importance, pruning.

Densities: for a list of cases, a Parzen estimator (Optuna's internal `_ParzenEstimator`, with the options of the default
`TPESampler`) is built from observations that are drawn here and written down, and its log-density is taken at points that
are written down as well. Importance: studies whose trials are written down, and what `PedAnovaImportanceEvaluator` says of
them, as it is and normalised. Pruning: series of trials, and at which step `MedianPruner` and `SuccessiveHalvingPruner`
give each of them up when the trials are executed one after the other.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install optuna==5.0.0 numpy scipy
    /tmp/venv/bin/python tests/reference/tune.py          # writes tests/reference/tune.json

Read by the tests of src/tune.
"""

import json
import math
import pathlib
import platform
import warnings

import numpy
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

# Which of two equal observations gets which width depends on numpy's sort, which is not stable by default: here it is.
_argsort = numpy.argsort
numpy.argsort = lambda a, **options: _argsort(a, **{"kind": "stable", **options})

HERE = pathlib.Path(__file__).resolve().parent
RNG = numpy.random.RandomState(20230421)

SPACE = {
    "rate": ({"float": [0.001, 1], "log": True}, FloatDistribution(0.001, 1, log=True)),
    "share": ({"float": [0.5, 1], "step": 0.1}, FloatDistribution(0.5, 1, step=0.1)),
    "shift": ({"float": [-3, 5]}, FloatDistribution(-3, 5)),
    "depth": ({"int": [2, 12]}, IntDistribution(2, 12)),
    "leaves": ({"int": [4, 512], "log": True}, IntDistribution(4, 512, log=True)),
    "bins": ({"int": [16, 256], "step": 16}, IntDistribution(16, 256, step=16)),
    "loss": ({"categorical": ["l1", "l2", "huber", "quantile"]}, CategoricalDistribution(["l1", "l2", "huber", "quantile"])),
}


def draw(name):
    distribution = SPACE[name][1]
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[RNG.randint(len(distribution.choices))]
    low, high, step = distribution.low, distribution.high, distribution.step
    value = math.exp(RNG.uniform(math.log(low), math.log(high))) if distribution.log else RNG.uniform(low, high)
    if isinstance(distribution, IntDistribution):
        return int(min(high, max(low, low + step * round((value - low) / step))))
    return float(round(low + step * round((value - low) / step), 10)) if step else value


def point(names):
    return {name: draw(name) for name in names}


def internal(name, value):
    return float(SPACE[name][1].to_internal_repr(value))


def density(names, n_observations, n_points=6, **options):
    """One Parzen estimator, its kernel widths, and its log-density at some points."""
    settings = {"prior_weight": 1.0, "consider_magic_clip": True, "consider_endpoints": False, **options}
    observed = [point(names) for _ in range(n_observations)]
    if n_observations > 2:
        observed[2] = dict(observed[0])  # equal observations have neighbours at distance 0
    columns = {n: numpy.array([internal(n, o[n]) for o in observed], dtype=float) for n in names}
    space = {n: SPACE[n][1] for n in names}
    parzen = _ParzenEstimator(
        columns, space, _ParzenEstimatorParameters(weights=default_weights, multivariate=True, **settings)
    )
    points = [point(names) for _ in range(n_points)]
    at = {n: numpy.array([internal(n, p[n]) for p in points], dtype=float) for n in names}
    sigmas = [getattr(d, "sigma", None) for d in parzen._mixture_distribution.distributions]
    return {
        "options": settings,
        "space": {n: SPACE[n][0] for n in names},
        "observations": [list(o.values()) for o in observed],
        "points": [list(p.values()) for p in points],
        "widths": [None if s is None else s.tolist() for s in sigmas],
        "log_density": parzen.log_pdf(at).tolist(),
    }


def densities():
    yield density(["shift"], 0)
    yield density(["shift"], 1)
    yield density(["shift"], 2)
    for name in SPACE:
        yield density([name], 9)
    yield density(["shift"], 9, consider_endpoints=True)
    yield density(["rate"], 9, consider_magic_clip=False)
    yield density(["loss", "depth"], 7, prior_weight=0.25)
    yield density(list(SPACE), 12)
    yield density(list(SPACE), 26)
    yield density(list(SPACE), 120)


def importance(space, trials, direction="minimize", **options):
    """A study of written-down trials, and what Optuna says mattered in it."""
    study = optuna.create_study(direction=direction)
    for params, value in trials:
        distributions = {name: SPACE[name][1] for name in params}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
    evaluator = PedAnovaImportanceEvaluator(**options)
    return {
        "direction": direction,
        "space": space,
        "options": {"target_quantile": 0.1, "region_quantile": 1.0, "evaluate_on_local": True, **options},
        "trials": [{"params": params, "value": value} for params, value in trials],
        "divergence": evaluator.evaluate(study),
        "share": get_param_importances(study, evaluator=evaluator),
    }


def objective(params):
    return (
        (math.log10(params.get("rate", 0.1)) + 1.3) ** 2
        + 0.05 * (params.get("depth", 5) - 7) ** 2
        + {"l1": 0.0, "l2": 0.3, "huber": 0.1, "quantile": 0.6}[params.get("loss", "l1")]
        + 0.01 * math.log2(params.get("leaves", 8))
        + 0.02 * abs(params.get("shift", 0.0))
    )


def importances():
    whole = {name: SPACE[name][0] for name in SPACE}
    trials = [(p, objective(p)) for p in (point(SPACE) for _ in range(80))]
    yield importance(whole, trials)
    yield importance(whole, trials, direction="maximize")
    yield importance(whole, trials, target_quantile=0.2, region_quantile=0.6)
    yield importance(whole, trials, evaluate_on_local=False)
    yield importance(whole, trials[:7])
    yield importance(whole, trials[:1])
    branches = {
        "loss": SPACE["loss"][0],
        "rate": {**SPACE["rate"][0], "when": {"loss": ["l1", "huber"]}},
        "depth": {**SPACE["depth"][0], "when": {"loss": "l1"}},
    }
    conditional = []
    for _ in range(90):
        params = point(["loss"])
        if params["loss"] in ("l1", "huber"):
            params |= point(["rate"])
        if params["loss"] == "l1":
            params |= point(["depth"])
        conditional.append((params, objective(params)))
    yield importance(branches, conditional)


def pruning(pruner, settings, direction):
    """Series of trials executed one after the other, and the step at which each was given up."""
    study = optuna.create_study(pruner=pruner, direction=direction, sampler=optuna.samplers.RandomSampler(seed=1))
    trials = []
    for _ in range(40):
        trial = study.ask()
        level, noise = RNG.uniform(0, 1), RNG.normal(0, 0.3, 30)
        series, given_up = [], None
        for step in range(1, 31):
            value = float(level + noise[step - 1] + 3 / step)
            value = math.nan if RNG.uniform() < 0.01 else value if direction == "minimize" else -value
            series.append([step, None if math.isnan(value) else value])
            trial.report(value, step)
            if trial.should_prune():
                given_up = step
                break
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if given_up else study.tell(trial, series[-1][1] or 0.0)
        trials.append({"series": series, "given_up": given_up})
    return {"pruner": settings, "direction": direction, "trials": trials}


def prunings():
    from optuna.pruners import MedianPruner, SuccessiveHalvingPruner

    for direction in ("minimize", "maximize"):
        yield pruning(MedianPruner(), "median", direction)
        yield pruning(
            MedianPruner(n_startup_trials=3, n_warmup_steps=4, interval_steps=3, n_min_trials=2),
            {"median": {"n_startup_trials": 3, "n_warmup_steps": 4, "interval_steps": 3, "n_min_trials": 2}},
            direction,
        )
        yield pruning(SuccessiveHalvingPruner(min_resource=1), {"successive_halving": {"min_resource": 1}}, direction)
        yield pruning(
            SuccessiveHalvingPruner(min_resource=2, reduction_factor=3, min_early_stopping_rate=1, bootstrap_count=2),
            {"successive_halving": {"min_resource": 2, "reduction_factor": 3, "min_early_stopping_rate": 1, "bootstrap_count": 2}},
            direction,
        )


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    golden = {
        "made_with": {"python": platform.python_version(), "optuna": optuna.__version__, "numpy": numpy.__version__},
        "densities": list(densities()),
        "importances": list(importances()),
        "prunings": list(prunings()),
    }
    (HERE / "tune.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
