//! Reads a space from a config: `learning_rate: {float: [0.01, 0.3], log: true}`.
//!
//! Two steps: [`collect`] finds the parameters, through sections, and [`space`] reads each with those before it known,
//! since a condition may only look back. Every fault is told; a parameter with a fault is left out, and what depends on
//! it is then not blamed for that.

use hpipe_core::{Mapping, OptionFault, Value};

use super::range::KINDS;
use super::{Condition, Param, Space, conditions, range};
use crate::domain::Domain;
use crate::faults::{Faults, join, suggest};

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
    let is_own =
        |key: &str| KINDS.contains(&key) || ["step", "log", "points", "when"].contains(&key);
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
        let domain = range::domain(&mut self.faults, &written.path, written.value);
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
