//! Reads a definition from a config, and checks what its parts ask of each other.

use hpipe_core::{Mapping, OptionFault, Value};

use super::{Definition, Direction};
use crate::faults::{Faults, join, suggest};
use crate::pruner::{self, Pruner};
use crate::sampler::{self, SOBOL_DIMENSIONS, Sampler, TpeOptions};
use crate::section::Section;
use crate::space::{Point, Space};

/// What a definition says, before its parts are set against each other.
struct Written<'v> {
    space: Option<Space>,
    direction: Direction,
    sampler: Option<Sampler>,
    pruner: Pruner,
    trials: Option<usize>,
    seed: u64,
    concurrency: usize,
    initial: Option<&'v Value>,
}

/// Reads a definition.
pub(super) fn definition(value: &Value) -> Result<Definition, Vec<OptionFault>> {
    let mut faults = Faults::default();
    let Value::Map(map) = value else {
        faults.refuse::<()>("", "a mapping", value);
        return Err(faults.into_list());
    };
    let written = written(&mut faults, map);
    let (Some(space), Some(sampler)) = (written.space, written.sampler) else {
        return Err(faults.into_list());
    };
    let points = written
        .initial
        .map(|value| initial(&mut faults, &space, value));
    if sampler == Sampler::Grid && points.is_some() {
        let message = "does not go together with `grid`, which tries every point";
        faults.add("initial", message);
    }
    let trials = check_sampler(&mut faults, &sampler, &space, written.trials);
    faults.into_result(Definition {
        space,
        direction: written.direction,
        sampler,
        pruner: written.pruner,
        trials,
        seed: written.seed,
        concurrency: written.concurrency,
        initial: points.unwrap_or_default(),
    })
}

fn written<'v>(faults: &mut Faults, map: &'v Mapping) -> Written<'v> {
    let mut section = Section::new(faults, "", map);
    let space = section.read("space", |f, path, value| f.part(path, Space::parse(value)));
    if section.given("space").is_none() {
        section.blame("space", "is required");
    }
    let sampler = match section.given("sampler") {
        Some(_) => section.read("sampler", |f, path, value| {
            f.part(path, sampler::parse(value))
        }),
        None => Some(Sampler::Tpe(TpeOptions::default())),
    };
    let pruner = section.read("pruner", |f, path, value| {
        f.part(path, pruner::parse(value))
    });
    let written = Written {
        space,
        direction: section.read("direction", direction).unwrap_or_default(),
        sampler,
        pruner: pruner.unwrap_or_default(),
        trials: section.read("trials", |f, path, value| f.count(path, value, 1)),
        seed: section.steps("seed", 0, 0),
        concurrency: section.count("concurrency", 1, Definition::CONCURRENCY),
        initial: section.given("initial"),
    };
    section.finish();
    written
}

fn direction(faults: &mut Faults, path: &str, value: &Value) -> Option<Direction> {
    match value.as_text() {
        Some("minimize") => Some(Direction::Minimize),
        Some("maximize") => Some(Direction::Maximize),
        Some(word) => {
            let help = suggest("directions", word, &["minimize", "maximize"]);
            faults.add_with_help(path, format!("there is no direction `{word}`"), help);
            None
        }
        None => faults.refuse(path, "`minimize` or `maximize`", value),
    }
}

/// A grid of more points is tried whole only by somebody who says so.
const LARGE_GRID: u64 = 100_000;

/// What a sampler asks of a space, and the number of trials.
fn check_sampler(
    faults: &mut Faults,
    sampler: &Sampler,
    space: &Space,
    trials: Option<usize>,
) -> usize {
    let params = space.params().len();
    match sampler {
        Sampler::Grid => return check_grid(faults, space, trials),
        Sampler::Qmc(_) if params > SOBOL_DIMENSIONS => {
            let message = format!(
                "`qmc` serves at most {SOBOL_DIMENSIONS} parameters, and the space has {params}"
            );
            faults.add("sampler", message);
        }
        _ => {}
    }
    trials.unwrap_or(Definition::TRIALS)
}

fn check_grid(faults: &mut Faults, space: &Space, trials: Option<usize>) -> usize {
    let before = faults.len();
    for param in space.params() {
        if param.domain.grid_len().is_none() {
            let help = "give it a `step`, or `points`: how many values the grid takes";
            let path = join("space", &param.name);
            faults.add_with_help(&path, "has no values that a grid could take", help);
        }
    }
    let total = sampler::grid_total(space);
    if faults.len() == before && trials.is_none() && total.is_none_or(|n| n > LARGE_GRID) {
        let points = total.map_or("countless".to_owned(), |n| n.to_string());
        let help =
            "say with `trials` how many of them to try, or take fewer `points` or wider steps";
        faults.add_with_help("sampler", format!("the grid has {points} points"), help);
    }
    let total = total.map_or(usize::MAX, |total| {
        usize::try_from(total).unwrap_or(usize::MAX)
    });
    trials.unwrap_or(total).min(total)
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
