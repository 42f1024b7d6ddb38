//! What the machine has to give to executions, and what each of them takes.
//!
//! CPUs, memory, GPUs and the places of pools are counted; a mutex is held or free. The budget is never exceeded: a stage
//! that does not fit waits, and one that could never fit is told before anything runs ([`unplaceable`]).
//!
//! CPUs are those of the machine, or as many as there are jobs if that is more: who asks for more jobs than CPUs wants
//! them shared. A stage that says nothing takes one CPU and no memory. Memory is the machine's, or what the control group
//! of this process may use. GPUs are those `CUDA_VISIBLE_DEVICES` names, else the devices `/dev/nvidia0`, `1`, ….

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use hpipe_core::{Code, Diagnostic, Sources, nearest};
use hpipe_spec::{Named, Pipeline, Pool, StageSpec};

use crate::Error;
use crate::exec::executor::KNOWN;
use crate::graph::StageIndex;
use crate::setup::Share;
use crate::workspace::{Environment, Workspace};

/// Thousandths of a CPU a stage takes that says nothing.
const ONE_CPU: u64 = 1000;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) millicpus: u64,
    /// Bytes.
    pub(crate) memory: u64,
    /// As `CUDA_VISIBLE_DEVICES` names them.
    pub(crate) gpus: Vec<String>,
    pub(crate) pools: BTreeMap<String, u32>,
}

/// What an execution takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Demand {
    /// Thousandths of a CPU.
    pub(crate) millicpus: u64,
    /// Bytes.
    pub(crate) memory: u64,
    /// None leaves `CUDA_VISIBLE_DEVICES` alone.
    pub(crate) gpus: Option<usize>,
    /// Sorted.
    pub(crate) mutexes: Vec<String>,
    pub(crate) pool: Option<String>,
}

/// What is left of a budget.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    free: Budget,
    held: HashSet<String>,
}

/// The cores this process may use. Asked once: the answer lies in several files of the kernel's.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

impl Budget {
    /// What this machine has for `jobs` stages at once.
    pub(crate) fn of_machine(jobs: usize, pools: &[Pool], environment: &Environment) -> Self {
        let cores = cores();
        Self {
            millicpus: cores.max(jobs) as u64 * ONE_CPU,
            memory: memory(),
            gpus: gpus(environment),
            pools: pools
                .iter()
                .map(|pool| (pool.name.clone(), pool.size))
                .collect(),
        }
    }

    /// The same, but for what somebody has said is shared.
    pub(crate) fn sharing(mut self, share: &Share) -> Self {
        self.millicpus = share.millicpus.unwrap_or(self.millicpus);
        self.memory = share.memory.unwrap_or(self.memory);
        self.gpus = share.gpus.clone().unwrap_or(self.gpus);
        self.pools.extend(share.pools.clone());
        self
    }
}

/// One of several equal parts of what the machine has, for who works beside others of his kind.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Which one, from 0.
    pub number: usize,
    /// How many there are, at least 1.
    pub of: usize,
}

impl Part {
    /// What this part holds of `budget`.
    pub(crate) fn share(self, budget: &Budget) -> Share {
        let of = self.of as u64;
        let gpus = budget.gpus.iter().skip(self.number).step_by(self.of);
        let places = |size: u32| size / u32::try_from(self.of).unwrap_or(u32::MAX);
        let pools = budget.pools.iter();
        Share {
            millicpus: Some(budget.millicpus / of),
            memory: Some(budget.memory / of),
            gpus: Some(gpus.cloned().collect()),
            pools: pools
                .map(|(name, size)| (name.clone(), places(*size)))
                .collect(),
        }
    }
}

/// Into how many parts, at most `wanted`, a budget can be parted so that each of these stages fits into every one; and,
/// where that is fewer, the stage that asks for so much. One that would not fit into the whole does not count.
pub(crate) fn parts<'a>(
    budget: &Budget,
    stages: impl Iterator<Item = &'a StageSpec>,
    wanted: usize,
) -> (usize, Option<&'a StageSpec>) {
    let mut narrowest = (wanted, None);
    for stage in stages {
        let limit = Demand::of(stage).times_in(budget);
        if (1..narrowest.0 as u64).contains(&limit) {
            narrowest = (limit as usize, Some(stage));
        }
    }
    narrowest
}

/// Bytes: the least of what the machine has and what control groups leave; without bound where nobody says.
fn memory() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    });
    let groups = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let groups = groups.map(|path| read(path).and_then(|text| text.trim().parse().ok()));
    let known = groups.into_iter().chain([total]).flatten();
    known.min().unwrap_or(u64::MAX)
}

fn gpus(environment: &Environment) -> Vec<String> {
    if let Some(visible) = environment.get("CUDA_VISIBLE_DEVICES") {
        // What follows an invalid name is not visible either.
        let names = visible.split(',').map(str::trim);
        let valid = names.take_while(|name| !name.is_empty() && !name.starts_with('-'));
        return valid.map(str::to_owned).collect();
    }
    let devices = (0..).map(|number: u32| number.to_string());
    let is_there = |number: &String| std::path::Path::new(&format!("/dev/nvidia{number}")).exists();
    devices.take_while(is_there).collect()
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            millicpus: ONE_CPU,
            memory: 0,
            gpus: None,
            mutexes: Vec::new(),
            pool: None,
        }
    }
}

impl Demand {
    /// What the stages of a pipeline take that say something about it.
    pub(crate) fn all(pipeline: &Pipeline) -> HashMap<StageIndex, Self> {
        let stages = pipeline.stages.iter().enumerate();
        stages
            .filter(|(_, stage)| stage.execution.is_some())
            .map(|(place, stage)| (StageIndex::new(place), Self::of(stage)))
            .collect()
    }

    /// What an execution of `stage` takes.
    pub(crate) fn of(stage: &StageSpec) -> Self {
        let said = stage.execution();
        let mut mutexes: Vec<_> = said.mutex.iter().map(|mutex| mutex.name.clone()).collect();
        mutexes.sort();
        Self {
            millicpus: said.resources.millicpus.map_or(ONE_CPU, u64::from),
            memory: said.resources.memory.unwrap_or(0),
            gpus: said.resources.gpus.map(|gpus| gpus as usize),
            mutexes,
            pool: said.pool.as_ref().map(|pool| pool.name.clone()),
        }
    }
}

impl Demand {
    /// How often it fits into a budget beside itself.
    fn times_in(&self, budget: &Budget) -> u64 {
        let times = |there: u64, asked: u64| there.checked_div(asked);
        let pool = self.pool.as_ref().and_then(|pool| budget.pools.get(pool));
        let limits = [
            times(budget.millicpus, self.millicpus),
            times(budget.memory, self.memory),
            times(budget.gpus.len() as u64, self.gpus.unwrap_or(0) as u64),
            pool.map(|places| u64::from(*places)),
        ];
        limits.into_iter().flatten().min().unwrap_or(u64::MAX)
    }
}

impl Ledger {
    /// Everything is free.
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            free: budget,
            held: HashSet::new(),
        }
    }

    /// Takes what is demanded, which must fit.
    pub(crate) fn take(&mut self, demand: &Demand) -> Taken {
        self.free.millicpus -= demand.millicpus;
        self.free.memory -= demand.memory;
        self.held.extend(demand.mutexes.iter().cloned());
        if let Some(places) = self.places(demand) {
            *places -= 1;
        }
        let gpus = demand
            .gpus
            .map(|count| self.free.gpus.drain(..count).collect());
        Taken { gpus }
    }

    /// Gives back what [`take`](Self::take) took.
    pub(crate) fn give_back(&mut self, demand: &Demand, taken: Taken) {
        self.free.millicpus += demand.millicpus;
        self.free.memory += demand.memory;
        for mutex in &demand.mutexes {
            self.held.remove(mutex);
        }
        if let Some(places) = self.places(demand) {
            *places += 1;
        }
        self.free.gpus.extend(taken.gpus.into_iter().flatten());
        self.free
            .gpus
            .sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    }

    /// Keeps for `demand`, which does not fit, what it waits for: who comes after it may not take that. Where it waits for
    /// a mutex it keeps only that, for the rest would lie idle until the mutex is free.
    pub(crate) fn reserve(&mut self, demand: &Demand) {
        let waits_for_mutex = demand.mutexes.iter().any(|mutex| self.held.contains(mutex));
        self.held.extend(demand.mutexes.iter().cloned());
        if waits_for_mutex {
            return;
        }
        if !self.has_place(demand) {
            return; // and none is left for who comes after it
        }
        if self.free.millicpus < demand.millicpus {
            self.free.millicpus = 0;
        }
        if self.free.memory < demand.memory {
            self.free.memory = 0;
        }
        if demand.gpus.is_some_and(|gpus| self.free.gpus.len() < gpus) {
            self.free.gpus.clear();
        }
    }

    /// Whether what is left suffices.
    pub(crate) fn fits(&self, demand: &Demand) -> bool {
        self.free.millicpus >= demand.millicpus
            && self.free.memory >= demand.memory
            && self.free.gpus.len() >= demand.gpus.unwrap_or(0)
            && self.has_place(demand)
            && demand
                .mutexes
                .iter()
                .all(|mutex| !self.held.contains(mutex))
    }

    /// Whether not even so many thousandths of a CPU are left.
    pub(crate) const fn has_less_than(&self, millicpus: u64) -> bool {
        self.free.millicpus < millicpus
    }

    fn has_place(&self, demand: &Demand) -> bool {
        let pool = demand.pool.as_ref();
        pool.is_none_or(|pool| self.free.pools.get(pool).is_none_or(|places| *places > 0))
    }

    fn places(&mut self, demand: &Demand) -> Option<&mut u32> {
        self.free.pools.get_mut(demand.pool.as_ref()?)
    }
}

/// What an execution holds that has a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    gpus: Option<Vec<String>>,
}

impl Taken {
    /// The value of `CUDA_VISIBLE_DEVICES`, if it is to have one.
    pub(crate) fn visible_gpus(&self) -> Option<String> {
        self.gpus.as_ref().map(|gpus| gpus.join(","))
    }
}

/// Whatever the planned stages ask for that is not there.
pub(crate) fn unplaceable(
    workspace: &Workspace,
    order: &[StageIndex],
    budget: &Budget,
) -> Vec<Diagnostic> {
    let stages = order.iter().map(|index| workspace.stage(*index));
    stages
        .filter(|stage| stage.execution.is_some() && !stage.frozen)
        .flat_map(|stage| of_stage(stage, budget))
        .collect()
}

fn of_stage(stage: &StageSpec, budget: &Budget) -> Vec<Diagnostic> {
    let demand = Demand::of(stage);
    let said = stage.execution();
    let too_much = |what: &str, asked: String, there: String| {
        let message = format!(
            "stage `{}` asks for {asked}{what}, and this machine has {there}",
            stage.name
        );
        Diagnostic::error(Code::Unplaceable, message)
            .at(stage.span, "")
            .help("ask for less under `resources:`, or run it on a machine that has it")
    };
    let mut faults = Vec::new();
    if demand.millicpus > budget.millicpus {
        let cpus = |millicpus: u64| format!("{}", millicpus as f64 / ONE_CPU as f64);
        faults.push(too_much(
            " CPUs",
            cpus(demand.millicpus),
            cpus(budget.millicpus),
        ));
    }
    if demand.memory > budget.memory {
        let [asked, there] = sizes([demand.memory, budget.memory]);
        faults.push(too_much(" of memory", asked, there));
    }
    let gpus = demand.gpus.unwrap_or(0);
    if gpus > budget.gpus.len() {
        let there = match budget.gpus.len() {
            0 => "none".to_owned(),
            some => some.to_string(),
        };
        faults.push(too_much(" GPUs", gpus.to_string(), there));
    }
    let pools: Vec<_> = budget.pools.keys().map(String::as_str).collect();
    faults.extend(said.pool.as_ref().and_then(|pool| {
        let help = "declare its size at the top of the file: `pools: {NAME: n}`";
        undeclared(stage, "pool", pool, &pools, help)
    }));
    faults.extend(said.executor.as_ref().and_then(|executor| {
        undeclared(stage, "executor", executor, &KNOWN, "leave `executor:` out")
    }));
    faults
}

/// Whether there is an executor of this name.
///
/// # Errors
/// [`Error::Invalid`] with [`Code::Unplaceable`] if there is none.
pub fn check_executor(name: &str) -> Result<(), Error> {
    if KNOWN.contains(&name) {
        return Ok(());
    }
    let fault = Diagnostic::error(Code::Unplaceable, format!("there is no executor `{name}`"));
    let help = format!(
        "there is `{}`; a later version brings others",
        KNOWN.join("`, `")
    );
    Err(Error::invalid(vec![fault.help(help)], &Sources::default()))
}

/// Sizes as a person writes them, in small enough units to be told apart.
fn sizes(bytes: [u64; 2]) -> [String; 2] {
    const UNITS: [(&str, u64); 3] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)];
    let shown = |size: u64| {
        let unit = UNITS.into_iter().find(|(_, unit)| size >= *unit);
        unit.map_or_else(
            || format!("{size} bytes"),
            |(name, unit)| {
                format!(
                    "{} {name}",
                    (size as f64 / unit as f64 * 10.0).round() / 10.0
                )
            },
        )
    };
    let [one, other] = bytes.map(shown);
    match one == other {
        true => bytes.map(|size| format!("{size} bytes")),
        false => [one, other],
    }
}

fn undeclared(
    stage: &StageSpec,
    kind: &str,
    named: &Named,
    known: &[&str],
    help: &str,
) -> Option<Diagnostic> {
    if known.contains(&named.name.as_str()) {
        return None;
    }
    let message = format!(
        "stage `{}` names the {kind} `{}`, which there is not",
        stage.name, named.name
    );
    let fault = Diagnostic::error(Code::Unplaceable, message).at(named.span, "not declared");
    let near = nearest(&named.name, known.iter().copied());
    let list = known.join("`, `");
    Some(match (near, known) {
        (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
        (None, []) => fault.help(help),
        (None, _) => fault.help(format!("there is `{list}`; or {help}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget {
            millicpus: 8000,
            memory: 100,
            gpus: ["0", "1", "2", "3", "4"].map(str::to_owned).into(),
            pools: [("licences".to_owned(), 5)].into(),
        }
    }

    #[test]
    fn parts_are_equal_and_hold_no_more_than_all() {
        let shares = [0, 1].map(|number| Part { number, of: 2 }.share(&budget()));
        for share in &shares {
            assert_eq!((share.millicpus, share.memory), (Some(4000), Some(50)));
            assert_eq!(share.pools["licences"], 2);
        }
        let gpus = shares.map(|share| share.gpus.unwrap_or_default());
        assert_eq!(gpus, [vec!["0", "2", "4"], vec!["1", "3"]]);
    }

    #[test]
    fn a_demand_says_how_often_there_is_room_for_it() {
        let times = |change: fn(&mut Demand)| {
            let mut demand = Demand::default();
            change(&mut demand);
            demand.times_in(&budget())
        };
        assert_eq!(times(|_| ()), 8);
        assert_eq!(times(|demand| demand.millicpus = 0), u64::MAX);
        assert_eq!(times(|demand| demand.memory = 30), 3);
        assert_eq!(times(|demand| demand.gpus = Some(2)), 2);
        assert_eq!(times(|demand| demand.pool = Some("licences".to_owned())), 5);
        assert_eq!(times(|demand| demand.memory = 101), 0);
    }
}
