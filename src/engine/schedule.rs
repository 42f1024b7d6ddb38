//! Which stage is next: the bookkeeping of one `repro`, without threads, clock or disk.
//!
//! ```text
//! Waiting ──needs done──▶ Ready ──must work──▶ Queued ──a job is free──▶ Running ──▶ Done | Failed
//!    └──────────a need failed──────────▶ Blocked           Ready ──up to date──▶ Done
//! ```
//!
//! Among queued stages the one with the longest remaining path (its own and its dependents' past durations) comes first,
//! for it decides when the whole is finished; equal ones in plan order. One that does not fit into what is left of the
//! machine (`budget`) lets others go before, but none that takes what it waits for, so it cannot starve.

mod queue;

use std::collections::{HashMap, VecDeque};

use hpipe_core::StageName;

use crate::budget::{Budget, Demand, Ledger, Taken};
use crate::graph::{Graph, StageIndex};
use crate::plan::Plan;
use queue::{Choice, Queue, Queued};

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
    queued: Queue,
    ledger: Ledger,
    /// What stages take; one that is not here takes what a stage takes that says nothing.
    demands: HashMap<StageIndex, Demand>,
    plain: Demand,
    /// Every stage takes that much of a CPU, in thousandths.
    least: u64,
    /// What running stages hold.
    taken: HashMap<StageIndex, Taken>,
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

impl<'a> Schedule<'a> {
    /// A schedule for `plan`; `seconds` tells how long a stage took last time.
    pub(crate) fn new(
        graph: &'a Graph,
        plan: &Plan,
        names: impl Fn(StageIndex) -> &'a StageName,
        seconds: impl Fn(&StageName) -> Option<f64>,
        stages: usize,
        budget: Budget,
        demands: HashMap<StageIndex, Demand>,
    ) -> Self {
        let plain = Demand::default();
        let mut schedule = Self {
            graph,
            states: vec![State::NotPlanned; stages],
            open: vec![0; stages],
            ready: VecDeque::new(),
            queued: Queue::new(&demands),
            ledger: Ledger::new(budget),
            least: demands
                .values()
                .fold(plain.millicpus, |least, demand| least.min(demand.millicpus)),
            demands,
            plain,
            taken: HashMap::new(),
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

    /// The planned stages that did not come to an end yet.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = StageIndex> + '_ {
        let is_open = |state: &State| {
            matches!(
                state,
                State::Waiting | State::Ready | State::Queued | State::Running
            )
        };
        let open = self.states.iter().enumerate();
        open.filter(move |(_, state)| is_open(state))
            .map(|(stage, _)| StageIndex::new(stage))
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

    /// The most urgent queued stage that fits; it counts as running from now on.
    pub(crate) fn next_queued(&mut self) -> Option<StageIndex> {
        let mut left: Option<Ledger> = None;
        let Self {
            queued,
            demands,
            plain,
            ledger,
            least,
            ..
        } = self;
        let chosen = queued.take(|stage| {
            let demand = demands.get(&stage).unwrap_or(plain);
            if left.as_ref().unwrap_or(ledger).fits(demand) {
                return Choice::Take;
            }
            let left = left.get_or_insert_with(|| ledger.clone());
            left.reserve(demand);
            match left.has_less_than(*least) {
                true => Choice::Stop,
                false => Choice::Pass,
            }
        })?;
        let demand = self.demands.get(&chosen).unwrap_or(&self.plain);
        self.taken.insert(chosen, self.ledger.take(demand));
        self.states[chosen.index()] = State::Running;
        Some(chosen)
    }

    /// The GPUs a running stage may use, as `CUDA_VISIBLE_DEVICES` names them; none if it said nothing of GPUs.
    pub(crate) fn gpus(&self, stage: StageIndex) -> Option<String> {
        self.taken.get(&stage)?.visible_gpus()
    }

    /// The mutexes of a stage, sorted.
    pub(crate) fn mutexes(&self, stage: StageIndex) -> &[String] {
        self.demands
            .get(&stage)
            .map_or(&[], |demand| &demand.mutexes)
    }

    /// A stage that was to run cannot for now, and gives back what it took. Whoever knows when queues it again.
    pub(crate) fn postpone(&mut self, stage: StageIndex) {
        self.give_back(stage);
        self.states[stage.index()] = State::Ready;
    }

    fn give_back(&mut self, stage: StageIndex) {
        if let Some(taken) = self.taken.remove(&stage) {
            let demand = self.demands.get(&stage).unwrap_or(&self.plain);
            self.ledger.give_back(demand, taken);
        }
    }

    /// A stage is done; what waited only for it becomes ready.
    pub(crate) fn done(&mut self, stage: StageIndex) {
        self.give_back(stage);
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
        self.give_back(stage);
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
mod tests;
