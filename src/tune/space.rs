//! The space a study searches: parameters in the order they are declared, and when each is active.
//!
//! A parameter may depend on others that are declared before it: it is active only while each of them is active and has
//! one of the values that its `when` names. Parameters that are always active together form a *group*; a sampler models a
//! group jointly, from the trials in which it was active.
//!
//! Reading a space from a config, with all its faults, is in `space/parse.rs`.

mod conditions;
mod parse;
mod range;

use hpipe_core::{Mapping, OptionFault, Value};

use crate::domain::Domain;

/// A checked search space; at least one parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    params: Vec<Param>,
    groups: Vec<Vec<usize>>,
}

/// A parameter of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name; dots are part of it: `train.learning_rate`.
    pub name: String,
    /// What it may be.
    pub domain: Domain,
    /// All must hold for it to be active; none: it always is.
    pub when: Vec<Condition>,
}

/// Another parameter is active and has one of some values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The place of the other parameter in the space, before the one that depends on it.
    pub parent: usize,
    /// As samplers see them; sorted.
    pub(crate) allowed: Vec<f64>,
}

/// A value for each parameter of a space, as samplers see it; none for those that are not active.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point(Vec<Option<f64>>);

impl Point {
    /// The value of a parameter.
    pub(crate) fn get(&self, param: usize) -> Option<f64> {
        self.0[param]
    }

    /// Sets the value of a parameter.
    pub(crate) fn set(&mut self, param: usize, value: Option<f64>) {
        self.0[param] = value;
    }
}

impl Condition {
    /// Whether it holds at a point.
    fn holds(&self, point: &Point) -> bool {
        point
            .get(self.parent)
            .is_some_and(|value| self.allowed.contains(&value))
    }
}

impl Space {
    /// Reads a space: a mapping from names to parameters, in the order they are searched.
    ///
    /// A parameter is `{int: [low, high]}`, `{float: [low, high]}` or `{categorical: [choice, …]}`; numbers take `step`,
    /// `log: true` and `points` (how many values a grid takes), each takes `when: {other: value}` or
    /// `when: {other: [value, …]}`. A mapping of parameters is a section: `train: {lr: …}` declares `train.lr`.
    ///
    /// # Errors
    /// Every fault.
    pub fn parse(value: &Value) -> Result<Self, Vec<OptionFault>> {
        parse::space(value)
    }

    fn new(params: Vec<Param>) -> Self {
        let groups = conditions::groups(&params);
        Self { params, groups }
    }

    /// The parameters, in the order they are declared.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The values a condition allows, as users see them.
    pub fn allowed<'a>(&'a self, condition: &'a Condition) -> impl Iterator<Item = Value> + 'a {
        let domain = &self.params[condition.parent].domain;
        condition.allowed.iter().map(|x| domain.decode(*x))
    }

    /// Whether `params` names exactly the parameters that its values make active, each with a value of its domain.
    pub fn contains(&self, params: &Mapping) -> bool {
        let mut point = self.empty();
        for (place, param) in self.params.iter().enumerate() {
            let value = params.get(&param.name);
            let encoded = value.and_then(|value| param.domain.encode(value));
            if encoded.is_some() != self.is_active(place, &point)
                || encoded.is_none() != value.is_none()
            {
                return false;
            }
            point.set(place, encoded);
        }
        params.iter().all(|(name, _)| self.place(name).is_some())
    }

    /// The place of a parameter.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.name == name)
    }

    /// Parameters that are always active together, those of a group after those it depends on.
    pub(crate) fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }

    /// A point without values.
    pub(crate) fn empty(&self) -> Point {
        Point(vec![None; self.params.len()])
    }

    /// Whether a parameter is active, given the values of those declared before it.
    pub(crate) fn is_active(&self, param: usize, point: &Point) -> bool {
        self.params[param].when.iter().all(|c| c.holds(point))
    }

    /// Completes a point: `draw` gives a value for every parameter that is active and has none yet.
    pub(crate) fn complete(&self, point: &mut Point, mut draw: impl FnMut(usize, &Domain) -> f64) {
        for (place, param) in self.params.iter().enumerate() {
            if point.get(place).is_none() && self.is_active(place, point) {
                point.set(place, Some(draw(place, &param.domain)));
            }
        }
    }

    /// The values of a point as users see them.
    pub(crate) fn decode(&self, point: &Point) -> Mapping {
        let active = |(place, param): (usize, &Param)| {
            let value = param.domain.decode(point.get(place)?);
            Some((param.name.clone(), value))
        };
        self.params.iter().enumerate().filter_map(active).collect()
    }
}
