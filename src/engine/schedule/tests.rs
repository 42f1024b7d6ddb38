//! Order, what a failure blocks, and that the machine's budget is kept.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::plan::Selection;
use crate::test_support::{graph_of, pipeline_of};

/// Runs a schedule with one job; `fails` names stages that fail. Returns what started and what was blocked.
fn walk(
    stages: &[(&str, &[&str])],
    seconds: &[(&str, f64)],
    fails: &[&str],
) -> (Vec<String>, Vec<String>) {
    let pipeline = pipeline_of(stages);
    let graph = graph_of(&pipeline);
    let plan = Plan::new(&pipeline, &graph, &[], &Selection::default()).expect("every stage");
    let name = |stage: StageIndex| &pipeline.stages[stage.index()].name;
    let past = |name: &StageName| {
        seconds
            .iter()
            .find(|(n, _)| *n == name.as_str())
            .map(|(_, s)| *s)
    };
    let count = pipeline.stages.len();
    let budget = Budget {
        millicpus: 1000,
        ..Budget::default()
    };
    let demands = HashMap::new();
    let mut schedule = Schedule::new(&graph, &plan, name, past, count, budget, demands);
    let (mut started, mut blocked) = (Vec::new(), Vec::new());
    while schedule.has_next() {
        while let Some(stage) = schedule.next_ready() {
            schedule.queue(stage);
        }
        let Some(stage) = schedule.next_queued() else {
            break;
        };
        started.push(name(stage).to_string());
        if fails.contains(&name(stage).as_str()) {
            blocked.extend(
                schedule
                    .failed(stage)
                    .into_iter()
                    .map(|stage| name(stage).to_string()),
            );
        } else {
            schedule.done(stage);
        }
    }
    (started, blocked)
}

const DIAMOND: &[(&str, &[&str])] = &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])];

#[test]
fn equal_stages_come_in_the_order_of_the_file() {
    assert_eq!(walk(DIAMOND, &[], &[]).0, ["a", "b", "c", "d"]);
}

#[test]
fn the_longest_remaining_path_comes_first() {
    assert_eq!(
        walk(DIAMOND, &[("b", 0.1), ("c", 9.0)], &[]).0,
        ["a", "c", "b", "d"]
    );
    let fan: &[(&str, &[&str])] = &[("short", &[]), ("long", &[]), ("after", &["long"])];
    assert_eq!(walk(fan, &[], &[]).0, ["long", "short", "after"]);
}

#[test]
fn a_failure_blocks_what_needs_it_and_nothing_else() {
    let (started, blocked) = walk(DIAMOND, &[], &["b"]);
    assert_eq!(started, ["a", "b", "c"]);
    assert_eq!(blocked, ["d"]);
}

/// What a stage of a random pipeline says: CPUs, memory, GPUs, mutexes, a pool.
fn demands() -> impl Strategy<Value = Vec<Demand>> {
    let demand = (0_u64..=4, 0_u64..=8, 0_usize..=2, 0_u8..4, 0_u8..3);
    let demand = demand.prop_map(|(cpus, memory, gpus, mutexes, pool)| Demand {
        millicpus: cpus * 500,
        memory,
        gpus: (gpus > 0).then_some(gpus),
        mutexes: (0..2)
            .filter(|bit| mutexes >> bit & 1 == 1)
            .map(|bit| format!("m{bit}"))
            .collect(),
        pool: (pool > 0).then(|| format!("p{pool}")),
    });
    vec(demand, 1..24)
}

fn budget() -> Budget {
    Budget {
        millicpus: 2000,
        memory: 8,
        gpus: vec!["0".into(), "1".into()],
        pools: BTreeMap::from([("p1".into(), 1), ("p2".into(), 2)]),
    }
}

/// What the running stages take together; panics when that is more than there is.
fn check_budget(running: &[(StageIndex, Option<String>)], demands: &[Demand], when: &str) {
    let of = |stage: &StageIndex| &demands[stage.index()];
    let sum = |take: fn(&Demand) -> u64| {
        running
            .iter()
            .map(|(stage, _)| take(of(stage)))
            .sum::<u64>()
    };
    assert!(sum(|demand| demand.millicpus) <= 2000, "CPUs {when}");
    assert!(sum(|demand| demand.memory) <= 8, "memory {when}");
    let gpus: Vec<_> = running
        .iter()
        .filter_map(|(_, gpus)| gpus.as_deref())
        .flat_map(|gpus| gpus.split(','))
        .collect();
    let distinct: HashSet<_> = gpus.iter().collect();
    assert_eq!(gpus.len(), distinct.len(), "a GPU twice {when}");
    let mutexes: Vec<_> = running
        .iter()
        .flat_map(|(stage, _)| &of(stage).mutexes)
        .collect();
    let distinct: HashSet<_> = mutexes.iter().collect();
    assert_eq!(mutexes.len(), distinct.len(), "a mutex twice {when}");
    for (pool, size) in budget().pools {
        let places = running
            .iter()
            .filter(|(stage, _)| of(stage).pool.as_ref() == Some(&pool));
        assert!(places.count() <= size as usize, "{pool} {when}");
    }
}

/// Runs stages with these demands, each needing those of `needs`; `ends` chooses which of the running ones ends next.
fn drive(demands: &[Demand], needs: &[Vec<usize>], ends: &[usize], jobs: usize) -> Vec<String> {
    let names: Vec<_> = (0..demands.len())
        .map(|place| format!("s{place}"))
        .collect();
    let needed: Vec<Vec<&str>> = needs
        .iter()
        .map(|needs| needs.iter().map(|need| names[*need].as_str()).collect())
        .collect();
    let stages: Vec<_> = names
        .iter()
        .zip(&needed)
        .map(|(name, needs)| (name.as_str(), needs.as_slice()))
        .collect();
    let pipeline = pipeline_of(&stages);
    let graph = graph_of(&pipeline);
    let plan = Plan::new(&pipeline, &graph, &[], &Selection::default()).expect("every stage");
    let name = |stage: StageIndex| &pipeline.stages[stage.index()].name;
    let all = demands.iter().cloned().enumerate();
    let all = all
        .map(|(place, demand)| (StageIndex::new(place), demand))
        .collect();
    let mut schedule = Schedule::new(&graph, &plan, name, |_| None, stages.len(), budget(), all);
    let (mut running, mut started, mut ends) = (Vec::new(), Vec::new(), ends.iter().cycle());
    loop {
        while let Some(stage) = schedule.next_ready() {
            schedule.queue(stage);
        }
        while running.len() < jobs
            && let Some(stage) = schedule.next_queued()
        {
            running.push((stage, schedule.gpus(stage)));
            started.push(name(stage).to_string());
            check_budget(&running, demands, name(stage).as_str());
        }
        if running.is_empty() {
            return started;
        }
        let next = ends.next().map_or(0, |end| end % running.len());
        schedule.done(running.swap_remove(next).0);
    }
}

proptest! {
    #[test]
    fn the_budget_is_kept_and_everything_runs_once_and_in_the_same_order(
        demands in demands(),
        edges in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..24),
        ends in vec(0_usize..8, 1..16),
        jobs in 1_usize..6,
    ) {
        let mut needs = vec![Vec::new(); demands.len()];
        for (one, other) in edges {
            let (one, other) = (one.index(demands.len()), other.index(demands.len()));
            if one < other {
                needs[other].push(one);
            }
        }
        needs.iter_mut().for_each(|needs: &mut Vec<usize>| {
            needs.sort_unstable();
            needs.dedup();
        });
        let started = drive(&demands, &needs, &ends, jobs);
        let distinct: HashSet<_> = started.iter().collect();
        prop_assert_eq!(distinct.len(), demands.len());
        prop_assert_eq!(started.len(), demands.len());
        prop_assert_eq!(&started, &drive(&demands, &needs, &ends, jobs));
    }
}

/// A stage that takes everything is not passed over for ever by small ones that keep coming.
#[test]
fn what_waits_for_much_gets_it_before_small_ones_that_come_after() {
    let small = Demand::default();
    let large = Demand {
        millicpus: 2000,
        ..Demand::default()
    };
    let demands = [small.clone(), large, small.clone(), small.clone(), small];
    let started = drive(&demands, &vec![Vec::new(); 5], &[0], 2);
    assert_eq!(started, ["s0", "s1", "s2", "s3", "s4"]);
}
