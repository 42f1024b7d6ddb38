//! Reads a space from a config: `learning_rate: {float: [0.01, 0.3], log: true}`.
//!
//! Two steps: [`collect`] finds the parameters, through sections, and [`space`] reads each with those before it known,
//! since a condition may only look back. Every fault is told; a parameter with a fault is left out, and what depends on
//! it is then not blamed for that.

use hpipe_core::{Mapping, OptionFault, Value};

use super::{Condition, Param, Space, conditions};
use crate::domain::{Domain, Range, tidy};
use crate::faults::{Faults, join, suggest};

const KINDS: [&str; 3] = ["int", "float", "categorical"];
const RANGE_KEYS: [&str; 3] = ["step", "log", "points"];

/// A parameter as written.
struct Written<'a> {
    name: String,
    /// Where it stands, for faults.
    path: String,
    value: &'a Value,
}

/// Reads a space.
pub(super) fn space(value: &Value) -> Result<Space, Vec<OptionFault>> {
    let mut faults = Faults::default();
    let mut written = Vec::new();
    match value {
        Value::Map(map) => collect("", map, &mut written),
        other => faults
            .refuse("", "a mapping of parameters", other)
            .unwrap_or(()),
    }
    if written.is_empty() && faults.len() == 0 {
        faults.add("", "declares no parameter");
    }
    let names: Vec<String> = written.iter().map(|param| param.name.clone()).collect();
    let mut reader = Reader {
        faults,
        names,
        params: Vec::new(),
        reaches: Vec::new(),
    };
    for (place, param) in written.iter().enumerate() {
        reader.read(place, param);
    }
    let params: Vec<Param> = reader.params.into_iter().flatten().collect();
    let found = params.len();
    reader.faults.into_result(()).map(|()| {
        assert_eq!(
            found,
            written.len(),
            "bug: a parameter was left out without a fault"
        );
        Space::new(params)
    })
}

/// Finds the parameters of a mapping and of the sections below it.
fn collect<'a>(section: &str, map: &'a Mapping, found: &mut Vec<Written<'a>>) {
    for (key, value) in map.iter() {
        let name = join(section, key);
        match value {
            Value::Map(inner) if is_section(inner) => collect(&name, inner, found),
            _ => found.push(Written {
                path: name.clone(),
                name,
                value,
            }),
        }
    }
}

/// Whether a mapping holds parameters and is not one itself: it says no kind, and everything in it is a mapping.
fn is_section(map: &Mapping) -> bool {
    let is_own = |key: &str| KINDS.contains(&key) || RANGE_KEYS.contains(&key) || key == "when";
    !map.is_empty()
        && map
            .iter()
            .all(|(key, value)| !is_own(key) && matches!(value, Value::Map(_)))
}

/// What is known while the parameters are read one after the other.
struct Reader {
    faults: Faults,
    names: Vec<String>,
    /// None for a parameter with a fault.
    params: Vec<Option<Param>>,
    reaches: Vec<std::collections::BTreeMap<usize, Vec<f64>>>,
}

impl Reader {
    fn read(&mut self, place: usize, written: &Written<'_>) {
        let before = self.faults.len();
        if self.names[..place].contains(&written.name) {
            self.faults.add(&written.path, "is declared twice");
        }
        let domain = self.domain(written);
        let when = self.when(place, written);
        let reach = conditions::reach(&when, &self.reaches);
        if let Some(parent) = conditions::contradiction(&reach) {
            let message = format!(
                "can never hold: no value of `{}` satisfies it and what it depends on",
                self.names[parent]
            );
            self.faults.add(&join(&written.path, "when"), message);
        }
        self.reaches.push(reach);
        let sound = self.faults.len() == before;
        self.params
            .push(domain.filter(|_| sound).map(|domain| Param {
                name: written.name.clone(),
                domain,
                when,
            }));
    }

    fn domain(&mut self, written: &Written<'_>) -> Option<Domain> {
        let Value::Map(map) = written.value else {
            return self.faults.refuse(
                &written.path,
                "a parameter such as `{float: [0, 1]}`",
                written.value,
            );
        };
        let kinds: Vec<&str> = KINDS
            .into_iter()
            .filter(|kind| map.get(kind).is_some())
            .collect();
        match kinds[..] {
            [kind] => self.of_kind(&written.path, kind, map),
            [] => {
                let known: Vec<&str> = KINDS
                    .iter()
                    .chain(&RANGE_KEYS)
                    .copied()
                    .chain(["when"])
                    .collect();
                self.faults.unknown_keys(&written.path, map, &known);
                self.faults.add(
                    &written.path,
                    "needs one of `int`, `float` and `categorical`",
                );
                None
            }
            _ => {
                let kinds = kinds.join("` and `");
                self.faults.add(
                    &written.path,
                    format!("is both `{kinds}`; it can be only one"),
                );
                None
            }
        }
    }

    fn of_kind(&mut self, path: &str, kind: &str, map: &Mapping) -> Option<Domain> {
        let value = map.get(kind)?;
        let inner = join(path, kind);
        match (kind, value) {
            ("categorical", _) => {
                self.faults
                    .unknown_keys(path, map, &["categorical", "when"]);
                self.choices(&inner, value)
            }
            (_, Value::Map(range)) => {
                self.faults.unknown_keys(path, map, &[kind, "when"]);
                let known = ["low", "high", "step", "log", "points"];
                self.faults.unknown_keys(&inner, range, &known);
                let mut bound = |key| {
                    let found = range.get(key);
                    if found.is_none() {
                        self.faults.add(&join(&inner, key), "is required");
                    }
                    found
                };
                let (low, high) = (bound("low"), bound("high"));
                self.range(kind, &inner, low?, high?, &inner, range)
            }
            (_, Value::List(ends)) => {
                let known = [kind, "step", "log", "points", "when"];
                self.faults.unknown_keys(path, map, &known);
                let [low, high] = &ends[..] else {
                    let message = format!("expected [low, high], found {} values", ends.len());
                    self.faults.add(&inner, message);
                    return None;
                };
                self.range(kind, &inner, low, high, path, map)
            }
            (_, other) => self.faults.refuse(&inner, "[low, high]", other),
        }
    }

    fn choices(&mut self, path: &str, value: &Value) -> Option<Domain> {
        let Value::List(choices) = value else {
            return self.faults.refuse(path, "a list of choices", value);
        };
        if choices.is_empty() {
            self.faults.add(path, "has no choice");
        }
        for (place, choice) in choices.iter().enumerate() {
            if choices[..place].contains(choice) {
                let message = format!("`{choice}` is there already");
                self.faults.add(&join(path, &place.to_string()), message);
            }
        }
        Some(Domain::Categorical(choices.clone()))
    }

    /// Reads a range: `ends` is where its ends stand, `at` where its other options do.
    fn range(
        &mut self,
        kind: &str,
        ends: &str,
        low: &Value,
        high: &Value,
        at: &str,
        options: &Mapping,
    ) -> Option<Domain> {
        let whole = kind == "int";
        let mut end = |value| match whole {
            true => {
                let least = -crate::faults::LARGEST_WHOLE;
                self.faults.whole(ends, value, least).map(|n| n as f64)
            }
            false => self.faults.number(ends, value),
        };
        let (low, high) = (end(low), end(high));
        let mut range = Range {
            low: low?,
            high: high?,
            step: whole.then_some(1.0),
            log: false,
            whole,
            points: None,
        };
        self.range_options(&mut range, at, options);
        self.check_range(range, ends, at, options)
    }

    fn range_options(&mut self, range: &mut Range, at: &str, options: &Mapping) {
        if let Some(value) = options.get("step") {
            let path = join(at, "step");
            range.step = match range.whole {
                true => self.faults.whole(&path, value, 1).map(|n| n as f64),
                false => self.faults.positive(&path, value),
            }
            .or(range.step);
        }
        if let Some(value) = options.get("log") {
            range.log = self
                .faults
                .boolean(&join(at, "log"), value)
                .unwrap_or(false);
        }
        if let Some(value) = options.get("points") {
            range.points = self.faults.count(&join(at, "points"), value, 2);
        }
    }

    fn check_range(
        &mut self,
        mut range: Range,
        ends: &str,
        at: &str,
        options: &Mapping,
    ) -> Option<Domain> {
        let Range { low, high, .. } = range;
        if low > high {
            self.faults.add(
                ends,
                format!("{low} is above {high}; write the lower end first"),
            );
        }
        if !(high - low).is_finite() {
            self.faults.add(ends, "is too wide for arithmetic");
        }
        if range.log && low <= 0.0 {
            self.faults.add(
                ends,
                format!("a logarithmic scale begins above 0, not at {low}"),
            );
        }
        if range.log && options.get("step").is_some() && range.step != Some(1.0) {
            self.faults
                .add(&join(at, "step"), "does not go together with `log`");
        }
        if let Some(step) = range.step {
            let steps = ((high - low) / step * (1.0 + 1e-12)).floor();
            if steps > crate::faults::LARGEST_WHOLE as f64 {
                self.faults
                    .add(&join(at, "step"), "is too small for this range");
            }
            range.high = tidy_unless(range.whole, low + steps * step).min(high);
        }
        Some(Domain::Number(range))
    }

    fn when(&mut self, place: usize, written: &Written<'_>) -> Vec<Condition> {
        let path = join(&written.path, "when");
        match written.value.as_map().and_then(|map| map.get("when")) {
            None => Vec::new(),
            Some(Value::Map(conditions)) => conditions
                .iter()
                .filter_map(|(parent, values)| self.condition(place, &path, parent, values))
                .collect(),
            Some(other) => {
                let expected = "a mapping from parameters to values";
                self.faults
                    .refuse(&path, expected, other)
                    .unwrap_or_default()
            }
        }
    }

    fn condition(
        &mut self,
        place: usize,
        path: &str,
        parent: &str,
        values: &Value,
    ) -> Option<Condition> {
        let path = join(path, parent);
        let parent = self.parent(place, &path, parent)?;
        let domain = self.params[parent].as_ref()?.domain.clone();
        if domain.count().is_none() {
            let help = "give it a `step`, or let this parameter depend on a categorical one";
            self.faults
                .add_with_help(&path, "has no values that could be listed", help);
            return None;
        }
        let listed = match values {
            Value::List(values) => &values[..],
            value => std::slice::from_ref(value),
        };
        if listed.is_empty() {
            self.faults.add(&path, "names no value");
        }
        let mut allowed: Vec<f64> = listed
            .iter()
            .filter_map(|value| self.value_of(&path, &domain, value))
            .collect();
        let sound = allowed.len() == listed.len() && !allowed.is_empty();
        allowed.sort_by(f64::total_cmp);
        allowed.dedup();
        sound.then_some(Condition { parent, allowed })
    }

    /// The place of a parameter that one may depend on: any declared before.
    fn parent(&mut self, place: usize, path: &str, name: &str) -> Option<usize> {
        match self.names.iter().position(|known| known == name) {
            Some(parent) if parent < place => Some(parent),
            Some(parent) if parent == place => {
                self.faults.add(path, "a parameter cannot depend on itself");
                None
            }
            Some(_) => {
                let help = "move its declaration up";
                self.faults
                    .add_with_help(path, format!("`{name}` is declared only later"), help);
                None
            }
            None => {
                let help = suggest("parameters", name, &self.names[..place]);
                self.faults
                    .add_with_help(path, format!("there is no parameter `{name}`"), help);
                None
            }
        }
    }

    fn value_of(&mut self, path: &str, domain: &Domain, value: &Value) -> Option<f64> {
        let found = domain.encode(value);
        if found.is_none() {
            let message = format!("`{value}` is none of its values");
            match domain.choices() {
                Some(choices) => {
                    let known: Vec<String> = choices.iter().map(Value::to_string).collect();
                    let help = suggest("values", &value.to_string(), &known);
                    self.faults.add_with_help(path, message, help);
                }
                None => self.faults.add(path, message),
            }
        }
        found
    }
}

fn tidy_unless(whole: bool, x: f64) -> f64 {
    if whole { x } else { tidy(x) }
}
