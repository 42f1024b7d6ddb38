//! What is searched and how: everything that a study's trials depend on, but for their results.

use std::cmp::Ordering;

use hpipe_core::{Mapping, OptionFault, Value};

use crate::faults::{Faults, join, suggest};
use crate::pruner::{self, Pruner};
use crate::sampler::{self, SOBOL_DIMENSIONS, Sampler, TpeOptions};
use crate::space::{Point, Space};

/// Which values of the objective are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smaller ones.
    #[default]
    Minimize,
    /// Larger ones.
    Maximize,
}

impl Direction {
    /// The better value first; NaN last, equal to itself.
    pub fn order(self, a: f64, b: f64) -> Ordering {
        match (a.is_nan(), b.is_nan()) {
            (false, false) => match self {
                Self::Minimize => a.partial_cmp(&b),
                Self::Maximize => b.partial_cmp(&a),
            }
            .unwrap_or(Ordering::Equal),
            (a_is_none, b_is_none) => a_is_none.cmp(&b_is_none),
        }
    }

    /// Whether `a` is better than `b`; NaN is worse than anything.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        self.order(a, b) == Ordering::Less
    }
}

/// A checked definition of a study.
///
/// Two studies with equal definitions, whose trials have equal results, have equal trials. `trials` alone may differ: the
/// shorter study is the beginning of the longer one.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(crate) space: Space,
    pub(crate) direction: Direction,
    pub(crate) sampler: Sampler,
    pub(crate) pruner: Pruner,
    pub(crate) trials: usize,
    pub(crate) seed: u64,
    pub(crate) concurrency: usize,
    pub(crate) initial: Vec<Point>,
}

impl Definition {
    /// Trials of a study that does not say, unless it is a grid, which has as many as it has points.
    pub const TRIALS: usize = 50;
    /// How many trials may run at once in a study that does not say.
    pub const CONCURRENCY: usize = 4;
    /// The keys [`parse`](Self::parse) knows.
    pub const KEYS: [&str; 8] = [
        "space",
        "direction",
        "sampler",
        "pruner",
        "trials",
        "seed",
        "concurrency",
        "initial",
    ];

    /// Reads a definition.
    ///
    /// | key | is | default |
    /// |---|---|---|
    /// | `space` | what is searched, see [`Space::parse`] | required |
    /// | `direction` | `minimize` or `maximize` | `minimize` |
    /// | `sampler` | `tpe`, `random`, `grid`, `qmc`, or one with options: `{tpe: {n_startup_trials: 20}}` | `tpe` |
    /// | `pruner` | `none`, `median`, `successive_halving`, or one with options | `none` |
    /// | `trials` | how many | 50; all of a grid |
    /// | `seed` | a whole number from 0 | 0 |
    /// | `concurrency` | how many trials may run at once; the lag of the study | 4 |
    /// | `initial` | a list of mappings: the first trials, what they leave out drawn at random | none |
    ///
    /// # Errors
    /// Every fault, with its path below `value`.
    pub fn parse(value: &Value) -> Result<Self, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let Value::Map(map) = value else {
            faults.refuse::<()>("", "a mapping", value);
            return Err(faults.into_result(()).err().unwrap_or_default());
        };
        faults.unknown_keys("", map, &Self::KEYS);
        let given = |key: &str| map.get(key).filter(|value| !matches!(value, Value::Null));
        let space = match given("space") {
            Some(value) => part(&mut faults, "space", Space::parse(value)),
            None => {
                faults.add("space", "is required");
                None
            }
        };
        let sampler =
            given("sampler").map(|value| part(&mut faults, "sampler", sampler::parse(value)));
        let pruner = given("pruner").map(|value| part(&mut faults, "pruner", pruner::parse(value)));
        let direction = given("direction").and_then(|value| direction(&mut faults, value));
        let mut number =
            |key: &str, least| given(key).and_then(|value| faults.count(key, value, least));
        let (trials, seed, concurrency) = (
            number("trials", 1),
            number("seed", 0),
            number("concurrency", 1),
        );
        let sampler = sampler.map_or(Some(Sampler::Tpe(TpeOptions::default())), |sampler| sampler);
        let (Some(space), Some(sampler)) = (space, sampler) else {
            return Err(faults.into_result(()).err().unwrap_or_default());
        };
        let initial = given("initial").map(|value| initial(&mut faults, &space, value));
        if sampler == Sampler::Grid && initial.is_some() {
            faults.add(
                "initial",
                "does not go together with `grid`, which tries every point",
            );
        }
        let trials = check_sampler(&mut faults, &sampler, &space, trials);
        faults.into_result(Self {
            space,
            direction: direction.unwrap_or_default(),
            sampler,
            pruner: pruner.flatten().unwrap_or(Pruner::None),
            trials,
            seed: seed.unwrap_or(0) as u64,
            concurrency: concurrency.unwrap_or(Self::CONCURRENCY),
            initial: initial.unwrap_or_default(),
        })
    }

    /// What is searched.
    pub const fn space(&self) -> &Space {
        &self.space
    }

    /// Which values are better.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// How trials are proposed.
    pub const fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// How trials are given up.
    pub const fn pruner(&self) -> &Pruner {
        &self.pruner
    }

    /// How many trials the study has; for a grid at most its points.
    pub const fn trials(&self) -> usize {
        self.trials
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many trials may run at once: trial `n` is proposed from the results of the trials up to `n - concurrency`.
    pub const fn concurrency(&self) -> usize {
        self.concurrency
    }
}

fn part<T>(faults: &mut Faults, path: &str, result: Result<T, Vec<OptionFault>>) -> Option<T> {
    result.map_err(|found| faults.extend(path, found)).ok()
}

fn direction(faults: &mut Faults, value: &Value) -> Option<Direction> {
    match value.as_text() {
        Some("minimize") => Some(Direction::Minimize),
        Some("maximize") => Some(Direction::Maximize),
        Some(word) => {
            let help = suggest("directions", word, &["minimize", "maximize"]);
            faults.add_with_help("direction", format!("there is no direction `{word}`"), help);
            None
        }
        None => faults.refuse("direction", "`minimize` or `maximize`", value),
    }
}

/// What a sampler asks of a space, and the number of trials.
fn check_sampler(
    faults: &mut Faults,
    sampler: &Sampler,
    space: &Space,
    trials: Option<usize>,
) -> usize {
    match sampler {
        Sampler::Grid => {
            for param in space.params() {
                if param.domain.grid_len().is_none() {
                    let help = "give it a `step`, or `points`: how many values the grid takes";
                    let path = join("space", &param.name);
                    faults.add_with_help(&path, "has no values that a grid could take", help);
                }
            }
            let total = sampler::grid_total(space).map_or(usize::MAX, |total| {
                usize::try_from(total).unwrap_or(usize::MAX)
            });
            trials.unwrap_or(total).min(total)
        }
        Sampler::Qmc(_) if space.params().len() > SOBOL_DIMENSIONS => {
            let message = format!(
                "`qmc` serves at most {SOBOL_DIMENSIONS} parameters, and the space has {}",
                space.params().len()
            );
            faults.add("sampler", message);
            trials.unwrap_or(Definition::TRIALS)
        }
        _ => trials.unwrap_or(Definition::TRIALS),
    }
}

/// The points to begin with.
fn initial(faults: &mut Faults, space: &Space, value: &Value) -> Vec<Point> {
    let Value::List(items) = value else {
        return faults
            .refuse("initial", "a list of mappings", value)
            .unwrap_or_default();
    };
    let mut points = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let path = format!("initial.{place}");
        match item {
            Value::Map(map) => points.push(initial_point(faults, space, &path, map)),
            other => faults
                .refuse(&path, "a mapping from parameters to values", other)
                .unwrap_or(()),
        }
    }
    points
}

fn initial_point(faults: &mut Faults, space: &Space, path: &str, map: &Mapping) -> Point {
    let mut point = space.empty();
    for (name, value) in map.iter() {
        let path = join(path, name);
        let Some(place) = space.place(name) else {
            let names: Vec<&str> = space
                .params()
                .iter()
                .map(|param| param.name.as_str())
                .collect();
            let help = suggest("parameters", name, &names);
            faults.add_with_help(&path, format!("there is no parameter `{name}`"), help);
            continue;
        };
        match space.params()[place].domain.encode(value) {
            Some(x) => point.set(place, Some(x)),
            None => faults.add(&path, format!("`{value}` is none of its values")),
        }
    }
    for (place, param) in space.params().iter().enumerate() {
        if point.get(place).is_some() && !space.is_active(place, &point) {
            let help =
                "leave it out, or give what it depends on a value that makes it active as well";
            let message = "is not active with these values";
            faults.add_with_help(&join(path, &param.name), message, help);
        }
    }
    point
}
