//! Which stage is next: the bookkeeping of one `repro`, without threads, clock or disk.
//!
//! ```text
//! Waiting ──needs done──▶ Ready ──must work──▶ Queued ──a job is free──▶ Running ──▶ Done | Failed
//!    └──────────a need failed──────────▶ Blocked           Ready ──up to date──▶ Done
//! ```
//!
//! Among queued stages the one with the longest remaining path (its own and its dependents' past durations) comes first,
//! for it decides when the whole is finished; equal ones in plan order.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use hpipe_core::StageName;

use crate::graph::{Graph, StageIndex};
use crate::plan::Plan;

/// What a stage without a past is assumed to take, in seconds.
const UNKNOWN: f64 = 1.0;

/// Where each planned stage stands.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    graph: &'a Graph,
    states: Vec<State>,
    /// Needs of a stage that are planned and not done.
    open: Vec<usize>,
    ready: VecDeque<StageIndex>,
    queued: BinaryHeap<Queued>,
    /// Longest remaining path in seconds.
    remaining: Vec<f64>,
    /// Place in the plan.
    place: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    NotPlanned,
    Waiting,
    Ready,
    Queued,
    Running,
    Done,
    Failed,
    Blocked,
}

#[derive(Debug, PartialEq)]
struct Queued {
    remaining: f64,
    place: usize,
    stage: StageIndex,
}

impl Eq for Queued {}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.remaining
            .total_cmp(&other.remaining)
            .then(other.place.cmp(&self.place))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Schedule<'a> {
    /// A schedule for `plan`; `seconds` tells how long a stage took last time.
    pub(crate) fn new(
        graph: &'a Graph,
        plan: &Plan,
        names: impl Fn(StageIndex) -> &'a StageName,
        seconds: impl Fn(&StageName) -> Option<f64>,
        stages: usize,
    ) -> Self {
        let mut schedule = Self {
            graph,
            states: vec![State::NotPlanned; stages],
            open: vec![0; stages],
            ready: VecDeque::new(),
            queued: BinaryHeap::new(),
            remaining: vec![0.0; stages],
            place: vec![0; stages],
        };
        for (place, stage) in plan.order.iter().enumerate() {
            schedule.states[stage.index()] = State::Waiting;
            schedule.place[stage.index()] = place;
        }
        for stage in plan.order.iter().rev() {
            let after = graph
                .needed_by(*stage)
                .map(|next| schedule.remaining[next.index()])
                .fold(0.0, f64::max);
            schedule.remaining[stage.index()] = after + seconds(names(*stage)).unwrap_or(UNKNOWN);
        }
        for stage in &plan.order {
            schedule.open[stage.index()] = graph
                .needs(*stage)
                .filter(|need| schedule.is_planned(*need))
                .count();
            if schedule.open[stage.index()] == 0 {
                schedule.make_ready(*stage);
            }
        }
        schedule
    }

    /// Whether a stage waits to be decided about or to be started.
    pub(crate) fn has_next(&self) -> bool {
        !self.ready.is_empty() || !self.queued.is_empty()
    }

    /// The next stage whose needs are done, to be decided about.
    pub(crate) fn next_ready(&mut self) -> Option<StageIndex> {
        self.ready.pop_front()
    }

    /// A ready stage must work.
    pub(crate) fn queue(&mut self, stage: StageIndex) {
        self.states[stage.index()] = State::Queued;
        let (remaining, place) = (self.remaining[stage.index()], self.place[stage.index()]);
        self.queued.push(Queued {
            remaining,
            place,
            stage,
        });
    }

    /// The most urgent queued stage; it counts as running from now on.
    pub(crate) fn next_queued(&mut self) -> Option<StageIndex> {
        let stage = self.queued.pop()?.stage;
        self.states[stage.index()] = State::Running;
        Some(stage)
    }

    /// A stage is done; what waited only for it becomes ready.
    pub(crate) fn done(&mut self, stage: StageIndex) {
        self.states[stage.index()] = State::Done;
        for next in self.graph.needed_by(stage) {
            if self.states[next.index()] == State::Waiting {
                self.open[next.index()] -= 1;
                if self.open[next.index()] == 0 {
                    self.make_ready(next);
                }
            }
        }
    }

    /// A stage failed; returns what can no longer be looked at because of it, in plan order.
    pub(crate) fn failed(&mut self, stage: StageIndex) -> Vec<StageIndex> {
        self.states[stage.index()] = State::Failed;
        let mut blocked = Vec::new();
        let mut stack = vec![stage];
        while let Some(stage) = stack.pop() {
            for next in self.graph.needed_by(stage) {
                if self.states[next.index()] == State::Waiting {
                    self.states[next.index()] = State::Blocked;
                    blocked.push(next);
                    stack.push(next);
                }
            }
        }
        blocked.sort_by_key(|stage| self.place[stage.index()]);
        blocked
    }

    fn is_planned(&self, stage: StageIndex) -> bool {
        self.states[stage.index()] != State::NotPlanned
    }

    fn make_ready(&mut self, stage: StageIndex) {
        self.states[stage.index()] = State::Ready;
        self.ready.push_back(stage);
    }
}

#[cfg(test)]
mod tests {
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
        let mut schedule = Schedule::new(&graph, &plan, name, past, pipeline.stages.len());
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

    const DIAMOND: &[(&str, &[&str])] =
        &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])];

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
}
