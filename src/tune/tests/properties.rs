//! Whatever the space and the results: proposals lie in their domains, obey steps and conditions, and depend on nothing
//! but what the lag rule lets them depend on. Spaces and results are drawn; the checks here do not ask the room itself.

use hpipe_core::{Mapping, Value};
use hpipe_tune::{Ask, Definition, Outcome, Series, Study};
use proptest::prelude::*;

/// A parameter, and the number of choices that makes it active: `(parent, choice)`.
#[derive(Debug, Clone)]
struct Drawn {
    kind: Kind,
    when: Option<(usize, usize)>,
}

#[derive(Debug, Clone)]
enum Kind {
    Int { low: i32, steps: i32, step: i32 },
    LogInt { low: i32, width: i32 },
    Float { low: f64, width: f64, log: bool },
    Steps { low: f64, steps: u32, step: f64 },
    Choice { choices: usize },
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (-50..50, 0..20, 1..9).prop_map(|(low, steps, step)| Kind::Int { low, steps, step }),
        (1..20, 0..5000).prop_map(|(low, width)| Kind::LogInt { low, width }),
        (-9.0..9.0, 0.0..100.0).prop_map(|(low, width)| Kind::Float {
            low,
            width,
            log: false
        }),
        (1e-6..1.0, 0.0..100.0).prop_map(|(low, width)| Kind::Float {
            low,
            width,
            log: true
        }),
        (-9.0..9.0, 0_u32..12, 0.01..3.0).prop_map(|(low, steps, step)| Kind::Steps {
            low,
            steps,
            step
        }),
        (1_usize..5).prop_map(|choices| Kind::Choice { choices }),
    ]
}

/// Up to seven parameters; some depend on a choice of an earlier one.
fn params() -> impl Strategy<Value = Vec<Drawn>> {
    let param = (
        kind(),
        any::<Option<(prop::sample::Index, prop::sample::Index)>>(),
    );
    prop::collection::vec(param, 1..8).prop_map(|drawn| {
        let mut params: Vec<Drawn> = Vec::new();
        for (kind, wish) in drawn {
            let parents: Vec<(usize, usize)> = params
                .iter()
                .enumerate()
                .filter_map(|(place, param)| match param.kind {
                    Kind::Choice { choices } => Some((place, choices)),
                    _ => None,
                })
                .collect();
            let when = wish
                .filter(|_| !parents.is_empty())
                .map(|(parent, choice)| {
                    let (parent, choices) = parents[parent.index(parents.len())];
                    (parent, choice.index(choices))
                });
            params.push(Drawn { kind, when });
        }
        params
    })
}

fn name(place: usize) -> String {
    format!("group{}.p{place}", place % 2)
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    Value::Map(entries.collect())
}

fn written(param: &Drawn) -> Value {
    let ints = |a: i32, b: i32| Value::List(vec![Value::Int(a.into()), Value::Int(b.into())]);
    let floats = |a: f64, b: f64| Value::List(vec![Value::Float(a), Value::Float(b)]);
    let mut entries = match &param.kind {
        Kind::Int { low, steps, step } => vec![
            ("int", ints(*low, low + steps * step)),
            ("step", Value::Int((*step).into())),
        ],
        Kind::LogInt { low, width } => {
            vec![("int", ints(*low, low + width)), ("log", Value::Bool(true))]
        }
        Kind::Float { low, width, log } => {
            vec![
                ("float", floats(*low, low + width)),
                ("log", Value::Bool(*log)),
            ]
        }
        Kind::Steps { low, steps, step } => vec![
            ("float", floats(*low, low + f64::from(*steps) * step)),
            ("step", Value::Float(*step)),
        ],
        Kind::Choice { choices } => {
            let choices = (0..*choices).map(|choice| Value::Text(format!("c{choice}")));
            vec![("categorical", Value::List(choices.collect()))]
        }
    };
    let condition = param.when.map(|(parent, choice)| {
        let choice = Value::Text(format!("c{choice}"));
        Value::Map([(name(parent), choice)].into_iter().collect())
    });
    entries.extend(condition.map(|condition| ("when", condition)));
    map(entries)
}

fn define(params: &[Drawn], sampler: &str, seed: u64, concurrency: usize) -> Definition {
    let space = params
        .iter()
        .enumerate()
        .map(|(place, param)| (name(place), written(param)));
    let sampler = match sampler {
        "independent" => map(vec![(
            "tpe",
            map(vec![("multivariate", Value::Bool(false))]),
        )]),
        name => name.into(),
    };
    let definition = map(vec![
        ("space", Value::Map(space.collect())),
        ("sampler", sampler),
        ("seed", Value::Int(seed.into())),
        ("trials", Value::Int(32)),
        ("concurrency", Value::Int(concurrency as i128)),
        (
            "pruner",
            map(vec![(
                "median",
                map(vec![("n_startup_trials", Value::Int(2))]),
            )]),
        ),
    ]);
    Definition::parse(&definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Whether a value is one of its domain's.
fn fits(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Int { low, steps, step }, Value::Int(n)) => {
            let above = n - i128::from(*low);
            (0..=i128::from(steps * step)).contains(&above) && above % i128::from(*step) == 0
        }
        (Kind::LogInt { low, width }, Value::Int(n)) => {
            (i128::from(*low)..=i128::from(low + width)).contains(n)
        }
        (Kind::Float { low, width, .. }, Value::Float(x)) => (*low..=low + width).contains(x),
        (Kind::Steps { low, steps, step }, Value::Float(x)) => {
            let at = (x - low) / step;
            at > -1e-6 && at < f64::from(*steps) + 1e-6 && (at - at.round()).abs() < 1e-6
        }
        (Kind::Choice { choices }, Value::Text(text)) => {
            (0..*choices).any(|choice| *text == format!("c{choice}"))
        }
        _ => false,
    }
}

/// Whether exactly the active parameters are there, each with a value of its domain.
fn is_proposal(params: &[Drawn], asked: &Mapping) -> bool {
    let active = |param: &Drawn| {
        param.when.is_none_or(|(parent, choice)| {
            asked.get(&name(parent)) == Some(&Value::Text(format!("c{choice}")))
        })
    };
    let fitting = params.iter().enumerate().all(|(place, param)| {
        match (active(param), asked.get(&name(place))) {
            (true, Some(value)) => fits(&param.kind, value),
            (false, None) => true,
            _ => false,
        }
    });
    let expected = params.iter().filter(|param| active(param)).count();
    fitting && asked.len() == expected
}

/// A result that depends on nothing but the trial.
fn outcome(ask: &Ask, results: &[(u8, f64)]) -> (Outcome, Series) {
    let (kind, value) = results[ask.number % results.len()];
    let series: Series = (0..4).map(|step| (step, value - step as f64)).collect();
    let outcome = match kind {
        0 => Outcome::Failed,
        1 => Outcome::Pruned {
            step: ask.number as u64 % 3,
            value,
        },
        2 => Outcome::Complete(f64::INFINITY),
        3 => Outcome::Complete(f64::NAN),
        _ => Outcome::Complete(value),
    };
    (outcome, series)
}

/// Every proposal and what the pruner thinks of it, with the trials that are under way told in the order that `picks` say.
fn execute(definition: Definition, results: &[(u8, f64)], picks: &[usize]) -> Vec<(Mapping, bool)> {
    let mut study = Study::new(definition);
    let (mut open, mut turn, mut pruned) = (Vec::new(), 0, vec![false; 32]);
    loop {
        open.extend(std::iter::from_fn(|| study.ask()));
        if open.is_empty() {
            break;
        }
        turn += 1;
        let ask = open.remove(picks[turn % picks.len()] % open.len());
        let (outcome, series) = outcome(&ask, results);
        pruned[ask.number] = study.should_prune(ask.number, &series);
        study.tell(ask.number, outcome, series).expect("asked");
    }
    let asked = study.trials().iter().map(|trial| trial.params.clone());
    asked.zip(pruned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proposals_lie_in_their_space(
        params in params(),
        sampler in prop::sample::select(vec!["tpe", "independent", "random", "qmc"]),
        seed in 0_u64..1000,
        results in prop::collection::vec((0_u8..12, -5.0..5.0), 1..20),
    ) {
        let definition = define(&params, sampler, seed, 2);
        let space = definition.space().clone();
        for (asked, _) in execute(definition, &results, &[0]) {
            prop_assert!(is_proposal(&params, &asked), "{}", Value::Map(asked));
            prop_assert!(space.contains(&asked), "{}", Value::Map(asked));
        }
    }

    #[test]
    fn only_what_lies_before_the_lag_window_counts(
        params in params(),
        sampler in prop::sample::select(vec!["tpe", "independent", "random", "qmc"]),
        seed in 0_u64..1000,
        concurrency in 1_usize..7,
        results in prop::collection::vec((0_u8..12, -5.0..5.0), 1..20),
        picks in prop::collection::vec(0_usize..7, 1..9),
    ) {
        let define = || define(&params, sampler, seed, concurrency);
        let first = execute(define(), &results, &[0]);
        prop_assert_eq!(&first, &execute(define(), &results, &picks));
        // results that a trial may not see are other ones: its proposal stays
        let mut others = results.clone();
        others.resize(32, (9, 0.0));
        (0..32).for_each(|number| others[number] = results[number % results.len()]);
        let changed = 20;
        others[changed] = (9, -99.0);
        let seen_from = changed + concurrency;
        let second = execute(define(), &others, &picks);
        let proposals = |run: &[(Mapping, bool)]| -> Vec<Mapping> {
            run.iter().take(seen_from).map(|(asked, _)| asked.clone()).collect()
        };
        prop_assert_eq!(proposals(&first), proposals(&second));
    }
}

/// How many different assignments there are from a parameter on, counted one by one.
fn combinations(params: &[Drawn], chosen: &mut Vec<Option<usize>>) -> usize {
    let place = chosen.len();
    let Some(param) = params.get(place) else {
        return 1;
    };
    let active = param
        .when
        .is_none_or(|(parent, choice)| chosen[parent] == Some(choice));
    let values = match (active, &param.kind) {
        (false, _) => vec![None],
        (true, Kind::Choice { choices }) => (0..*choices).map(Some).collect(),
        (true, Kind::Int { steps, .. }) => (0..=*steps as usize).map(Some).collect(),
        (true, other) => panic!("{other:?} is not drawn here"),
    };
    let mut count = 0;
    for value in values {
        chosen.push(value);
        count += combinations(params, chosen);
        chosen.pop();
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_grid_has_every_combination_once(drawn in params()) {
        let mut params = drawn;
        for param in &mut params {
            if !matches!(param.kind, Kind::Choice { .. }) {
                param.kind = Kind::Int { low: 1, steps: 2, step: 3 };
            }
        }
        let expected = combinations(&params, &mut Vec::new());
        let space = params.iter().enumerate().map(|(place, param)| (name(place), written(param)));
        let definition = map(vec![("space", Value::Map(space.collect())), ("sampler", "grid".into())]);
        let definition = Definition::parse(&definition).expect("valid");
        prop_assert_eq!(definition.trials(), expected);
        let mut study = Study::new(definition);
        let mut tried = std::collections::BTreeSet::new();
        while let Some(ask) = study.ask() {
            prop_assert!(is_proposal(&params, &ask.params));
            tried.insert(Value::Map(ask.params).to_string());
            study.tell(ask.number, Outcome::Failed, Series::default()).expect("asked");
        }
        prop_assert!(study.is_finished());
        prop_assert_eq!(tried.len(), expected);
    }
}

#[test]
fn a_changed_result_is_seen_as_soon_as_the_lag_allows() {
    let params = [Drawn {
        kind: Kind::Float {
            low: 0.0,
            width: 1.0,
            log: false,
        },
        when: None,
    }];
    let run = |value| {
        let results: Vec<(u8, f64)> = (0..32)
            .map(|n| (9, if n == 20 { value } else { f64::from(n) }))
            .collect();
        execute(define(&params, "tpe", 1, 3), &results, &[0])
    };
    let (first, second) = (run(-1.0), run(100.0));
    let differ: Vec<usize> = (0..32).filter(|n| first[*n].0 != second[*n].0).collect();
    assert_eq!(differ.first(), Some(&23));
}
