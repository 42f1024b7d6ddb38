//! The options of `tune`: which model, what is searched and how, what is made better.

use std::collections::BTreeMap;

use hpipe_core::{Mapping, OptionFault, Value};
use hpipe_tune::{Definition, Domain, Param};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::learner::{Learner, LearnerKind};
use crate::options::{Faults, Options};
use crate::schema::Gaps;
use crate::study::Objective;

/// The options as written. Those of the study itself are read by `hpipe_tune`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TuneParams {
    model: LearnerKind,
    target: String,
    #[serde(default)]
    hyperparameters: Map<String, Json>,
    #[serde(default)]
    objective: Objective,
    #[serde(default)]
    space: Map<String, Json>,
    sampler: Option<Json>,
    pruner: Option<Json>,
    trials: Option<Json>,
    #[serde(default)]
    seed: u64,
    concurrency: Option<Json>,
    initial: Option<Json>,
}

/// The options, checked.
#[derive(Debug)]
pub(super) struct ValidTuneParams {
    pub(super) model: LearnerKind,
    pub(super) target: String,
    /// Those that are not searched, as written.
    hyperparameters: Map<String, Json>,
    pub(super) objective: Objective,
    /// None when there is nothing to search.
    pub(super) definition: Option<Definition>,
    pub(super) seed: u64,
    gaps: Gaps,
}

impl Options for TuneParams {
    type Checked = ValidTuneParams;

    fn check(self) -> Result<ValidTuneParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        if let Some(folds) = self.objective.folds {
            faults.require(folds >= 2, "objective.folds", "must be at least 2");
        }
        let learner = self.learner(&Map::new());
        let definition = if self.space.is_empty() {
            // Nothing is searched, and what else is said of a search must still be right.
            let nothing = json!({"nothing": {"int": [0, 1]}});
            let space = nothing.as_object().cloned().unwrap_or_default();
            Definition::parse(&self.definition(&space)).map(|_| None)
        } else {
            Definition::parse(&self.definition(&self.space)).map(Some)
        };
        let gaps = learner.as_ref().map_or(Gaps::Allowed, Learner::gaps);
        if let Err(below) = learner {
            faults.extend("hyperparameters", below);
        }
        match definition {
            Ok(definition) => {
                if let Some(definition) = &definition {
                    self.check_space(definition, &mut faults);
                }
                faults.into_result(ValidTuneParams {
                    model: self.model,
                    target: self.target,
                    hyperparameters: self.hyperparameters,
                    objective: self.objective,
                    definition,
                    seed: self.seed,
                    gaps,
                })
            }
            Err(below) => {
                let mut all = faults.into_vec();
                all.extend(below);
                Err(all)
            }
        }
    }
}

impl TuneParams {
    /// The learner with the hyperparameters of the options and `more`.
    fn learner(&self, more: &Map<String, Json>) -> Result<Learner, Vec<OptionFault>> {
        let mut written = self.hyperparameters.clone();
        written.extend(more.clone());
        Learner::new(self.model, Json::Object(written), self.seed)
    }

    /// What `hpipe_tune` reads.
    fn definition(&self, space: &Map<String, Json>) -> Value {
        let direction = if self.objective.metric.larger_is_better() {
            "maximize"
        } else {
            "minimize"
        };
        let mut map = Mapping::default();
        map.insert("space", Value::Map(in_order(space)));
        map.insert("direction", Value::Text(direction.to_owned()));
        map.insert("seed", Value::Int(self.seed.into()));
        let optional = [
            ("sampler", &self.sampler),
            ("pruner", &self.pruner),
            ("trials", &self.trials),
            ("concurrency", &self.concurrency),
            ("initial", &self.initial),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                map.insert(key, to_value(value));
            }
        }
        Value::Map(map)
    }

    /// Whether the model takes both ends of every range, and every choice.
    fn check_space(&self, definition: &Definition, faults: &mut Faults) {
        for param in definition.space().params() {
            for value in extremes(param) {
                let mut more = Map::new();
                more.insert(param.name.clone(), value);
                let Err(below) = self.learner(&more) else {
                    continue;
                };
                let own = below.into_iter().find(|fault| {
                    fault.path == param.name || fault.path.starts_with(&format!("{}.", param.name))
                });
                if let Some(fault) = own {
                    faults.extend("space", vec![fault]);
                    break;
                }
            }
        }
    }
}

/// The space in an order that its names alone decide, each parameter after those it depends on.
///
/// The order of a mapping is no part of the stage key, so it must not matter to what is searched.
fn in_order(space: &Map<String, Json>) -> Mapping {
    let mut left: BTreeMap<&String, &Json> = space.iter().collect();
    let mut ordered = Mapping::default();
    while !left.is_empty() {
        let is_free = |param: &Json| {
            let parents = param.get("when").and_then(Json::as_object);
            parents.is_none_or(|parents| !parents.keys().any(|name| left.contains_key(name)))
        };
        // In a circle nothing is free; whoever reads the space says so.
        let next = left
            .iter()
            .find(|(_, param)| is_free(param))
            .or(left.iter().next());
        let Some((&name, &param)) = next else { break };
        ordered.insert(name.clone(), to_value(param));
        left.remove(name);
    }
    ordered
}

/// The ends of a range; all choices.
fn extremes(param: &Param) -> Vec<Json> {
    match &param.domain {
        Domain::Number(range) if range.is_whole() => {
            vec![json!(range.low() as i64), json!(range.high() as i64)]
        }
        Domain::Number(range) => vec![json!(range.low()), json!(range.high())],
        Domain::Categorical(choices) => choices.iter().map(value_to_json).collect(),
    }
}

impl ValidTuneParams {
    /// The learner of a trial.
    ///
    /// # Errors
    /// Every fault of the hyperparameters: combinations that a model does not take.
    pub(super) fn learner(&self, trial: &Mapping) -> Result<Learner, Vec<OptionFault>> {
        let written = self.hyperparameters(trial);
        Learner::new(self.model, Json::Object(written), self.seed)
    }

    /// All hyperparameters of a trial: those that are not searched, and its own.
    pub(super) fn hyperparameters(&self, trial: &Mapping) -> Map<String, Json> {
        let mut written = self.hyperparameters.clone();
        written.extend(to_json(trial));
        written
    }

    /// What is searched.
    pub(super) fn space(&self) -> &[Param] {
        let space = self.definition.as_ref().map(|it| it.space().params());
        space.unwrap_or_default()
    }

    /// What the model does with rows that lack a value.
    pub(super) const fn gaps(&self) -> Gaps {
        self.gaps
    }
}

/// Values of parameters as JSON; dotted names stay dotted.
pub(super) fn to_json(params: &Mapping) -> Map<String, Json> {
    let entry = |(name, value): (&str, &Value)| (name.to_owned(), value_to_json(value));
    params.iter().map(entry).collect()
}

pub(super) fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => i64::try_from(*n).map_or(Json::Null, Json::from),
        Value::Float(x) => (*x).into(),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => items.iter().map(value_to_json).collect(),
        Value::Map(map) => Json::Object(to_json(map)),
    }
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(n), _) => Value::Int(n.into()),
            (None, x) => Value::Float(x.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(to_value).collect()),
        Json::Object(map) => {
            let mut mapping = Mapping::default();
            for (key, value) in map {
                mapping.insert(key.clone(), to_value(value));
            }
            Value::Map(mapping)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    fn space(json: &str) -> Vec<String> {
        let space: Map<String, Json> = serde_json::from_str(json).expect("a space");
        in_order(&space)
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    #[test]
    fn the_order_of_a_space_is_that_of_its_names_and_conditions() {
        let one = r#"{"c": {"int": [1, 2]}, "a": {"int": [1, 2], "when": {"c": 1}}, "b": {"int": [1, 2]}}"#;
        let two = r#"{"b": {"int": [1, 2]}, "a": {"int": [1, 2], "when": {"c": 1}}, "c": {"int": [1, 2]}}"#;
        assert_eq!(space(one), ["b", "c", "a"]);
        assert_eq!(space(two), space(one));
    }

    #[test]
    fn faults_of_the_space_are_told_with_those_of_the_model() {
        let check = |json, expect: &str| assert_eq!(faults::<TuneParams>(json), expect);
        check(
            r#"{"model": "ridge", "target": "y", "space": {"alpha": {"float": [0.1, 10], "log": true}}}"#,
            "",
        );
        check(r#"{"model": "linear", "target": "y", "space": {}}"#, "");
        check(
            r#"{"model": "xgboost", "target": "y", "objective": {"folds": 1}, "space": {
                "max_deep": {"int": [1, 9]}, "subsample": {"float": [0.5, 1.5]}, "gamma": {"float": [0, 1]}}}"#,
            "objective.folds: must be at least 2\n\
             space.max_deep: unknown option (did you mean `max_depth`?)\n\
             space.subsample: must be above 0 and at most 1, not 1.5",
        );
        check(
            r#"{"model": "ridge", "target": "y", "trials": 0, "space": {"alpha": {"float": [10, 0.1]}}}"#,
            "space.alpha.float: 10 is above 0.1; write the lower end first\n\
             trials: must be at least 1, not 0",
        );
    }
}
