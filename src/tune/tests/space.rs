//! The contract of definitions: what is accepted, and every fault with its words.

use hpipe_core::Value;
use hpipe_tune::{Definition, Sampler, Space};

fn value(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON of a test")
}

fn lines(faults: Vec<hpipe_core::OptionFault>) -> String {
    let line = |fault: hpipe_core::OptionFault| {
        let help = fault.help.map(|help| format!(" ({help})"));
        format!(
            "{}: {}{}",
            fault.path,
            fault.message,
            help.unwrap_or_default()
        )
    };
    faults.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn faults(json: &str) -> String {
    lines(Space::parse(&value(json)).expect_err("faults"))
}

fn definition_faults(json: &str) -> String {
    lines(Definition::parse(&value(json)).expect_err("faults"))
}

#[test]
fn every_form_of_a_parameter_is_read() {
    let space = Space::parse(&value(
        r#"{"max_depth": {"int": [2, 12]},
            "train": {"rate": {"float": {"low": 0.01, "high": 0.3, "log": true}},
                      "loss": {"kind": {"categorical": ["l1", "l2", "huber"]}}},
            "train.delta": {"float": [1, 2], "step": 0.3, "when": {"train.loss.kind": "huber"}},
            "leaves": {"int": [3, 100], "step": 10, "when": {"max_depth": [2, 3], "train.loss.kind": ["l1", "l2"]}}}"#,
    ))
    .expect("valid");
    let names: Vec<&str> = space
        .params()
        .iter()
        .map(|param| param.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "max_depth",
            "train.rate",
            "train.loss.kind",
            "train.delta",
            "leaves"
        ]
    );
    let range = |place: usize| *space.params()[place].domain.range().expect("a range");
    assert!(range(1).is_log() && !range(1).is_whole() && range(0).is_whole());
    // ends that no step reaches are lowered, as in Optuna
    assert_eq!((range(3).high(), range(3).count()), (1.9, Some(4)));
    assert_eq!((range(4).high(), range(4).count()), (93.0, Some(10)));
    let when = &space.params()[4].when;
    let allowed: Vec<Value> = space.allowed(&when[1]).collect();
    assert_eq!(allowed, ["l1".into(), "l2".into()]);
}

#[test]
fn faults_of_ranges_and_choices_are_all_told() {
    insta::assert_snapshot!(faults(
        r#"{"a": {"int": [5, 2]}, "b": {"float": [0, 1], "log": true}, "c": {"float": [0, 1], "step": 0},
            "d": {"int": [1, 9], "step": 0.5}, "e": {"categorical": []}, "f": {"categorical": [1, 2, 1.0]},
            "g": {"int": [1.5, "x"]}, "h": {"float": [0]}, "i": {"float": [1, 2], "log": true, "step": 0.1},
            "j": {"float": {"low": 1}}, "k": {"categorical": "a"}, "l": {"float": [0, 1], "points": 1},
            "m": {"float": [0, 1], "log": "yes"}, "n": 7, "o": {"float": [-1.7e308, 1.7e308]},
            "p": {"float": "wide"}, "q": {"int": [1, 2e300]}}"#
    ), @r"
    a.int: 5 is above 2; write the lower end first
    b.float: a logarithmic scale begins above 0, not at 0
    c.step: must be positive, not 0
    d.step: expected a whole number, found `0.5`
    e.categorical: has no choice
    f.categorical.2: `1.0` is there already
    g.int: expected a whole number, found `1.5`
    g.int: expected a whole number, found `x`
    h.float: expected [low, high], found 1 values
    i.step: does not go together with `log`
    j.float.high: is required
    k.categorical: expected a list of choices, found `a`
    l.points: must be at least 2, not 1
    m.log: expected a boolean, found `yes`
    n: expected a parameter such as `{float: [0, 1]}`, found `7`
    o.float: is too wide for arithmetic
    p.float: expected [low, high], found `wide`
    q.int: expected a whole number, found `2e300`
    ");
}

#[test]
fn unknown_words_come_with_the_nearest_known_one() {
    insta::assert_snapshot!(faults(
        r#"{"a": {"flaot": [0, 1]}, "b": {"float": [0, 1], "lg": true}, "c": {"int": [0, 1], "float": [0, 1]},
            "d": {"categorical": ["x"], "step": 1}, "e": {"float": {"low": 0, "high": 1, "stp": 1}}, "f": {}}"#
    ), @r"
    a.flaot: unknown option (did you mean `float`?)
    a: needs one of `int`, `float` and `categorical`
    b.lg: unknown option (did you mean `log`?)
    c: is both `int` and `float`; it can be only one
    d.step: unknown option (known options: `categorical`, `when`)
    e.float.stp: unknown option (did you mean `step`?)
    f: needs one of `int`, `float` and `categorical`
    ");
}

#[test]
fn faults_of_conditions_are_all_told() {
    insta::assert_snapshot!(faults(
        r#"{"kind": {"categorical": ["a", "b"]}, "size": {"int": [1, 3]}, "rate": {"float": [0, 1]},
            "c": {"int": [1, 2], "when": {"kidn": "a"}}, "d": {"int": [1, 2], "when": {"late": 1}},
            "e": {"int": [1, 2], "when": {"e": 1}}, "f": {"int": [1, 2], "when": {"kind": "A"}},
            "g": {"int": [1, 2], "when": {"size": [1, 4]}}, "h": {"int": [1, 2], "when": {"rate": 0.5}},
            "i": {"int": [1, 2], "when": {"kind": []}}, "j": {"int": [1, 2], "when": "kind"},
            "k": {"int": [1, 2], "when": {"kind": "a"}}, "l": {"int": [1, 2], "when": {"k": 1, "kind": "b"}},
            "late": {"int": [1, 2]}, "a": {"b": {"int": [1, 2]}}, "a.b": {"int": [1, 2]}}"#
    ), @r"
    c.when.kidn: there is no parameter `kidn` (did you mean `kind`?)
    d.when.late: `late` is declared only later (move its declaration up)
    e.when.e: a parameter cannot depend on itself
    f.when.kind: `A` is none of its values (did you mean `a`?)
    g.when.size: `4` is none of its values
    h.when.rate: has no values that could be listed (give it a `step`, or let this parameter depend on a categorical one)
    i.when.kind: names no value
    j.when: expected a mapping from parameters to values, found `kind`
    l.when: can never hold: no value of `kind` satisfies it and what it depends on
    a.b: is declared twice
    ");
    insta::assert_snapshot!(faults("{}"), @": declares no parameter");
    insta::assert_snapshot!(faults("[1]"), @": expected a mapping of parameters, found a list");
}

#[test]
fn what_depends_on_a_faulty_parameter_is_not_blamed() {
    insta::assert_snapshot!(
        faults(r#"{"a": {"int": [2, 1]}, "b": {"int": [1, 2], "when": {"a": 1}}}"#),
        @"a.int: 2 is above 1; write the lower end first"
    );
}

/// The example of docs/tuning.md.
#[test]
fn the_example_for_users_is_valid() {
    let definition = Definition::parse(&value(
        r#"{"space": {
                "booster": {"categorical": ["trees", "linear"]},
                "train.learning_rate": {"float": [0.01, 0.3], "log": true},
                "train.max_depth": {"int": [2, 12], "when": {"booster": "trees"}},
                "train.subsample": {"float": [0.5, 1], "step": 0.1, "when": {"booster": "trees"}},
                "train.alpha": {"float": {"low": 1e-6, "high": 1, "log": true}, "when": {"booster": "linear"}}},
            "direction": "minimize", "sampler": "tpe", "pruner": {"median": {"n_warmup_steps": 10}},
            "trials": 50, "seed": 0, "concurrency": 4,
            "initial": [{"booster": "trees", "train.learning_rate": 0.1, "train.max_depth": 6}]}"#,
    ))
    .expect("valid");
    assert_eq!(definition.space().params().len(), 5);
}

#[test]
fn a_definition_has_sensible_defaults() {
    let definition = Definition::parse(&value(
        r#"{"space": {"a": {"int": [1, 2]}}, "pruner": null}"#,
    ))
    .expect("valid");
    assert!(matches!(definition.sampler(), Sampler::Tpe(_)));
    let figures = (
        definition.trials(),
        definition.seed(),
        definition.concurrency(),
    );
    assert_eq!(figures, (50, 0, 4));
}

#[test]
fn candidates_that_no_memory_holds_are_refused() {
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"int": [1, 2]}}, "sampler": {"tpe": {"n_ei_candidates": 1000000000000000}}}"#
    ), @"sampler.tpe.n_ei_candidates: must be at most 100000");
}

#[test]
fn faults_of_definitions_are_all_told() {
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"int": [2, 1]}}, "direction": "minimise", "trials": 0, "sed": 1, "concurrency": 1.5,
            "sampler": {"tpe": {"gamma": 1, "n_startup_trails": 3, "n_ei_candidates": 0, "prior_weight": -1,
                                "multivariate": 1}},
            "pruner": {"median": {"interval_steps": 0, "warmup": 1}}}"#
    ), @r"
    space.a.int: 2 is above 1; write the lower end first
    sampler.tpe.n_ei_candidates: must be at least 1, not 0
    sampler.tpe.prior_weight: must be positive, not -1
    sampler.tpe.multivariate: expected a boolean, found `1`
    sampler.tpe.gamma: must be below 1, not 1
    sampler.tpe.n_startup_trails: unknown option (did you mean `n_startup_trials`?)
    pruner.median.interval_steps: must be at least 1, not 0
    pruner.median.warmup: unknown option (known options: `n_startup_trials`, `n_warmup_steps`, `interval_steps`, `n_min_trials`)
    direction: there is no direction `minimise` (did you mean `minimize`?)
    trials: must be at least 1, not 0
    concurrency: expected a whole number, found `1.5`
    sed: unknown option (did you mean `seed`?)
    ");
    insta::assert_snapshot!(definition_faults(
        r#"{"sampler": "tpa", "pruner": "halving", "direction": 1, "seed": -1}"#
    ), @r"
    space: is required
    sampler: there is no sampler `tpa` (did you mean `tpe`?)
    pruner: there is no pruner `halving` (known pruners: `median`, `successive_halving`, `none`)
    direction: expected `minimize` or `maximize`, found `1`
    seed: must be at least 0, not -1
    ");
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"float": [0, 1]}, "b": {"int": [1, 3]}}, "sampler": {"grid": {"points": 3}}, "initial": []}"#
    ), @"sampler.grid.points: there are no options here");
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"float": [0, 1]}}, "sampler": {"tpe": 3}, "pruner": [1]}"#
    ), @r"
    sampler.tpe: expected a mapping of options, found `3`
    pruner: expected a pruner such as `median` or `{median: {…}}`, found a list
    ");
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"float": [0, 1]}}, "sampler": "grid",
            "pruner": {"successive_halving": {"reduction_factor": 1, "bootstrap_count": 2, "min_resource": "auto"}}}"#
    ), @r"
    pruner.successive_halving.reduction_factor: must be at least 2, not 1
    pruner.successive_halving.bootstrap_count: needs a `min_resource`: with none the first complete trial says where the rungs are
    space.a: has no values that a grid could take (give it a `step`, or `points`: how many values the grid takes)
    ");
    insta::assert_snapshot!(definition_faults(
        r#"{"space": {"a": {"categorical": ["x", "y"]}, "b": {"int": [1, 3], "when": {"a": "y"}}},
            "initial": [{"a": "z"}, {"b": 2}, {"a": "x", "b": 2}, {"c": 1}, 7, {"a": "y", "b": 3}]}"#
    ), @r"
    initial.0.a: `z` is none of its values
    initial.1.b: is not active with these values (leave it out, or give what it depends on a value that makes it active as well)
    initial.2.b: is not active with these values (leave it out, or give what it depends on a value that makes it active as well)
    initial.3.c: there is no parameter `c` (known parameters: `a`, `b`)
    initial.4: expected a mapping from parameters to values, found `7`
    ");
    insta::assert_snapshot!(definition_faults("7"), @": expected a mapping, found `7`");
}

#[test]
fn a_large_grid_is_not_tried_by_accident() {
    let grid = |settings: &str| {
        let space = r#"{"a": {"int": [1, 1000]}, "b": {"float": [0, 1], "points": 101}}"#;
        value(&format!(
            r#"{{"space": {space}, "sampler": "grid"{settings}}}"#
        ))
    };
    insta::assert_snapshot!(lines(Definition::parse(&grid("")).expect_err("faults")), @"sampler: the grid has 101000 points (say with `trials` how many of them to try, or take fewer `points` or wider steps)");
    let limited = Definition::parse(&grid(r#", "trials": 200000"#)).expect("valid");
    assert_eq!(limited.trials(), 101_000);
}

#[test]
fn a_sobol_sequence_has_an_end() {
    let params: Vec<String> = (0..65)
        .map(|k| format!(r#""p{k}": {{"int": [1, 2]}}"#))
        .collect();
    let json = format!(
        r#"{{"space": {{{}}}, "sampler": "qmc"}}"#,
        params.join(", ")
    );
    insta::assert_snapshot!(definition_faults(&json), @"sampler: `qmc` serves at most 64 parameters, and the space has 65");
}
