//! Reads what a parameter may be: a range of numbers, or choices.

use hpipe_core::{Mapping, Value};

use crate::domain::{Domain, Range, stepped};
use crate::faults::{Faults, LARGEST_WHOLE, join};
use crate::section::Section;

/// What a parameter is called by: the key that says its kind.
pub(super) const KINDS: [&str; 3] = ["int", "float", "categorical"];

/// Reads the domain of a parameter.
pub(super) fn domain(faults: &mut Faults, path: &str, value: &Value) -> Option<Domain> {
    let Value::Map(map) = value else {
        return faults.refuse(path, "a parameter such as `{float: [0, 1]}`", value);
    };
    let given: Vec<&'static str> = KINDS
        .into_iter()
        .filter(|kind| map.get(kind).is_some())
        .collect();
    match given[..] {
        ["categorical"] => choices(faults, path, map),
        [kind] => numbers(faults, path, kind, map),
        [] => {
            let mut section = Section::new(faults, path, map);
            for key in KINDS.into_iter().chain(["step", "log", "points", "when"]) {
                section.given(key);
            }
            section.finish();
            faults.add(path, "needs one of `int`, `float` and `categorical`");
            None
        }
        _ => {
            let kinds = given.join("` and `");
            faults.add(path, format!("is both `{kinds}`; it can be only one"));
            None
        }
    }
}

fn choices(faults: &mut Faults, path: &str, map: &Mapping) -> Option<Domain> {
    let mut section = Section::new(faults, path, map);
    let choices = section.read("categorical", |faults, path, value| match value {
        Value::List(choices) => Some(choices.clone()),
        other => faults.refuse(path, "a list of choices", other),
    });
    section.given("when");
    section.finish();
    let choices = choices?;
    let path = join(path, "categorical");
    if choices.is_empty() {
        faults.add(&path, "has no choice");
    }
    for (place, choice) in choices.iter().enumerate() {
        if choices[..place].contains(choice) {
            let message = format!("`{choice}` is there already");
            faults.add(&join(&path, &place.to_string()), message);
        }
    }
    Some(Domain::Categorical(choices))
}

/// Reads `{int: [low, high], step: 2}` or `{int: {low: 2, high: 8, step: 2}}`.
fn numbers(faults: &mut Faults, path: &str, kind: &'static str, map: &Mapping) -> Option<Domain> {
    let whole = kind == "int";
    let ends = join(path, kind);
    let mut section = Section::new(faults, path, map);
    let value = section.given(kind)?;
    let (low, high, options) = match value {
        Value::Map(inner) => {
            section.given("when");
            section.finish();
            long_form(faults, &ends, inner, whole)?
        }
        _ => {
            let options = options(&mut section, whole);
            section.given("when");
            section.finish();
            let (low, high) = pair(faults, &ends, value)?;
            (low, high, options)
        }
    };
    let mut end = |value| match whole {
        true => faults.whole(&ends, value, -LARGEST_WHOLE).map(|n| n as f64),
        false => faults.number(&ends, value),
    };
    let (low, high) = (end(low), end(high));
    options.range(faults, &ends, (low?, high?), whole)
}

/// Reads `[low, high]`.
fn pair<'v>(faults: &mut Faults, path: &str, value: &'v Value) -> Option<(&'v Value, &'v Value)> {
    match value {
        Value::List(list) => match &list[..] {
            [low, high] => Some((low, high)),
            other => {
                let message = format!("expected [low, high], found {} values", other.len());
                faults.add(path, message);
                None
            }
        },
        other => faults.refuse(path, "[low, high]", other),
    }
}

/// Reads `{low: 2, high: 8, step: 2}`.
fn long_form<'v>(
    faults: &mut Faults,
    path: &str,
    map: &'v Mapping,
    whole: bool,
) -> Option<(&'v Value, &'v Value, RangeOptions)> {
    let mut section = Section::new(faults, path, map);
    let (low, high) = (section.given("low"), section.given("high"));
    for (key, end) in [("low", low), ("high", high)] {
        if end.is_none() {
            section.blame(key, "is required");
        }
    }
    let options = options(&mut section, whole);
    section.finish();
    Some((low?, high?, options))
}

/// What stands beside the ends of a range.
struct RangeOptions {
    step: Option<f64>,
    log: bool,
    points: Option<usize>,
}

fn options(section: &mut Section<'_, '_>, whole: bool) -> RangeOptions {
    let step = section.read("step", |faults, path, value| match whole {
        true => faults.whole(path, value, 1).map(|n| n as f64),
        false => faults.positive(path, value),
    });
    let log = section.flag("log", false);
    if log && step.is_some_and(|step| !whole || step != 1.0) {
        section.blame("step", "does not go together with `log`");
    }
    let points = |faults: &mut Faults, path: &str, value: &Value| faults.count(path, value, 2);
    RangeOptions {
        step,
        log,
        points: section.read("points", points),
    }
}

impl RangeOptions {
    /// Checks the ends, and lowers the upper one to what whole steps reach.
    fn range(
        self,
        faults: &mut Faults,
        path: &str,
        (low, high): (f64, f64),
        whole: bool,
    ) -> Option<Domain> {
        let Self { step, log, points } = self;
        let step = step.or(whole.then_some(1.0));
        // a hair above, for a step of 0.1 that fits 9.999999999999998 times
        let steps = step.map(|step| ((high - low) / step * (1.0 + 1e-12)).floor());
        if let Some(message) = fault_of_ends((low, high), log, steps) {
            faults.add(path, message);
            return None;
        }
        let high = match (step, steps) {
            (_, Some(0.0)) => low,
            (Some(step), Some(steps)) if whole => low + steps * step,
            (Some(step), Some(steps)) => stepped(low, steps, step).min(high),
            _ => high,
        };
        let range = Range {
            low,
            high,
            step,
            log,
            whole,
            points,
        };
        Some(Domain::Number(range))
    }
}

fn fault_of_ends((low, high): (f64, f64), log: bool, steps: Option<f64>) -> Option<String> {
    if low > high {
        Some(format!("{low} is above {high}; write the lower end first"))
    } else if !(high - low).is_finite() {
        Some("is too wide for arithmetic".to_owned())
    } else if log && low <= 0.0 {
        Some(format!("a logarithmic scale begins above 0, not at {low}"))
    } else if steps.is_some_and(|steps| steps > LARGEST_WHOLE as f64) {
        Some("has more steps than can be counted".to_owned())
    } else {
        None
    }
}
