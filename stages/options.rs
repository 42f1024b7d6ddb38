//! From the `with:` of a pipeline to the checked params of a stage.
//!
//! A stage declares its options twice: a serde type *as written*, which says names, types and defaults, and a checked
//! type, which only [`Options::check`] makes. [`checked`] does both steps and returns every fault it can tell apart, each
//! with the dotted path of its option.
//!
//! Two values that are equal to hpipe ([`Value`]'s equality, which the stage key rests on) are the same option: `1.0` is
//! taken where `1` is, and mappings lose their order. An option whose order matters is therefore a list.

use std::collections::BTreeMap;

use hpipe_core::{OptionFault, Value};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

use crate::error::Error;
use crate::names;

/// The options of a stage as the user wrote them.
pub(crate) trait Options: DeserializeOwned {
    /// The params that a stage executes with.
    type Checked;

    /// Checks what types alone cannot say.
    ///
    /// # Errors
    /// Every fault.
    fn check(self) -> Result<Self::Checked, Vec<OptionFault>>;
}

/// Reads and checks the options of a stage.
///
/// # Errors
/// Every fault: of names and types, or, if there is none, of values.
pub(crate) fn checked<O: Options>(with: &Value) -> Result<O::Checked, Vec<OptionFault>> {
    read::<O>(with)?.check()
}

/// As [`checked`], for a stage that executes.
///
/// # Errors
/// [`Error::Options`], which nobody sees as long as `check` is asked before.
pub(crate) fn executable<O: Options>(with: &Value) -> Result<O::Checked, Error> {
    checked::<O>(with).map_err(Error::Options)
}

/// Reads a section whose type depends on another option.
///
/// # Errors
/// Every fault of names and types, with its path below the section.
pub(crate) fn section<O: DeserializeOwned>(written: Json) -> Result<O, Vec<OptionFault>> {
    read_json(written, Vec::new())
}

/// Collects faults of values.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<OptionFault>);

impl Faults {
    /// Notes a fault.
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.push(path, message, None);
    }

    /// Notes a fault, and how to mend it.
    pub(crate) fn add_with_help(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(path, message, Some(help.into()));
    }

    fn push(&mut self, path: impl Into<String>, message: impl Into<String>, help: Option<String>) {
        self.0.push(OptionFault {
            path: path.into(),
            message: message.into(),
            help,
        });
    }

    /// Notes a fault unless `holds`.
    pub(crate) fn require(
        &mut self,
        holds: bool,
        path: impl Into<String>,
        message: impl Into<String>,
    ) {
        if !holds {
            self.add(path, message);
        }
    }

    /// The entries of a mapping whose keys are names of things there are; a fault below `path` for every other key.
    ///
    /// The keys of a type as written are texts, not enums: serde forgets the path of a key it cannot read.
    pub(crate) fn named<T: Copy + Ord, V>(
        &mut self,
        path: &str,
        entries: BTreeMap<String, V>,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> BTreeMap<T, V> {
        let mut named = BTreeMap::new();
        for (key, value) in entries {
            match all.iter().find(|thing| name(**thing) == key) {
                Some(thing) => {
                    named.insert(*thing, value);
                }
                None => {
                    let known = all.iter().map(|thing| name(*thing));
                    let help = names::suggest("options", &key, known);
                    self.add_with_help(format!("{path}.{key}"), "unknown option", help);
                }
            }
        }
        named
    }

    /// Notes faults of a section that lies at `path`.
    pub(crate) fn extend(&mut self, path: &str, faults: Vec<OptionFault>) {
        self.0.extend(faults.into_iter().map(|fault| OptionFault {
            path: match &*fault.path {
                "" => path.to_owned(),
                below => format!("{path}.{below}"),
            },
            ..fault
        }));
    }

    /// The faults that were noted.
    pub(crate) fn into_vec(self) -> Vec<OptionFault> {
        self.0
    }

    /// The value, if no fault was noted.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Vec<OptionFault>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}

/// Reads options into their type as written, collecting every fault serde can be brought to tell.
///
/// serde stops at the first. So the option it stopped at is taken out and the rest read again, until nothing is at fault.
/// When what was taken out is then missing, the section it belongs to is taken out as well.
fn read<O: DeserializeOwned>(with: &Value) -> Result<O, Vec<OptionFault>> {
    let mut faults = Vec::new();
    let json = to_json("", with, &mut faults);
    read_json(json, faults)
}

fn read_json<O: DeserializeOwned>(
    mut json: Json,
    mut faults: Vec<OptionFault>,
) -> Result<O, Vec<OptionFault>> {
    if json.is_null() {
        json = Json::Object(serde_json::Map::new());
    }
    loop {
        match serde_path_to_error::deserialize::<_, O>(&json) {
            Ok(options) if faults.is_empty() => return Ok(options),
            Ok(_) => return Err(faults),
            Err(error) => {
                let (mut place, fault) = explain(error.path(), &error.inner().to_string());
                if !faults.iter().any(|other| lies_within(other, &fault.path)) {
                    faults.push(fault);
                }
                while !remove(&mut json, &place) {
                    if place.pop().is_none() {
                        return Err(faults);
                    }
                }
            }
        }
    }
}

/// Whether the fault is that of the option at `path` or of one below it.
fn lies_within(fault: &OptionFault, path: &str) -> bool {
    let rest = fault.path.strip_prefix(path);
    rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

/// The value as JSON: whole floats as integers, as hpipe's equality has it; an option that says nothing (`linear:`) is
/// one that is not given.
fn to_json(path: &str, value: &Value, faults: &mut Vec<OptionFault>) -> Json {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    let mut refuse = |message: String| {
        faults.push(OptionFault {
            path: path.to_owned(),
            message,
            help: None,
        });
        Json::Null
    };
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(_) | Value::Float(_) => match (value.whole(), value) {
            (Some(n), _) => match (i64::try_from(n), u64::try_from(n)) {
                (Ok(n), _) => n.into(),
                (_, Ok(n)) => n.into(),
                _ => refuse(format!("the number {n} is too large")),
            },
            (None, Value::Float(x)) if x.is_finite() => (*x).into(),
            _ => refuse(format!("expected a finite number, found {value}")),
        },
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| to_json(&below(&i.to_string()), item, faults))
            .collect(),
        Value::Map(map) => map
            .iter()
            .filter(|(_, item)| !matches!(item, Value::Null))
            .map(|(key, item)| (key.to_owned(), to_json(&below(key), item, faults)))
            .collect(),
    }
}

/// Makes a fault of what serde says, and tells where the option at fault lies.
fn explain(path: &Path, message: &str) -> (Vec<String>, OptionFault) {
    let mut place: Vec<String> = path.iter().filter_map(segment).collect();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (message, help) = match (message, &quoted[..]) {
        (text, [given, known @ ..]) if text.starts_with("unknown field") => {
            if place.last().is_none_or(|last| last != given) {
                place.push((*given).to_owned());
            }
            let help = names::suggest("options", given, known.iter().copied());
            ("unknown option".to_owned(), Some(help))
        }
        (text, [given, known @ ..]) if text.starts_with("unknown variant") => {
            let help = names::suggest("words", given, known.iter().copied());
            (format!("`{given}` is not a word for this"), Some(help))
        }
        (text, [field]) if text.starts_with("missing field") => {
            place.push((*field).to_owned());
            ("is required".to_owned(), None)
        }
        (text, _) => (in_words(text), None),
    };
    let fault = OptionFault {
        path: place.join("."),
        message,
        help,
    };
    (place, fault)
}

/// A step of the path in the words of the pipeline file.
fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

/// What serde says about a type, in the words of the pipeline file instead of Rust's.
fn in_words(message: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("invalid type: ", "found "),
        ("invalid value: ", "found "),
        ("invalid length", "wrong length"),
        ("floating point", "the number"),
        ("integer", "the number"),
        ("string", "the text"),
        ("boolean", "the boolean"),
        ("sequence", "a list"),
        (", expected a map", ", expected a mapping"),
        (", expected a sequence", ", expected a list"),
        ("found map", "found a mapping"),
        ("found unit", "found nothing"),
        ("found null", "found nothing"),
        ("expected f64", "expected a number"),
        ("expected a the text", "expected a text"),
        ("expected a the boolean", "expected a boolean"),
        ("expected u64", "expected a whole number from 0"),
        ("expected usize", "expected a whole number from 0"),
        ("expected u32", "expected a whole number from 0"),
        ("expected a a list", "expected a list"),
        ("the text or map", "a word or a mapping"),
    ];
    let text = WORDS.iter().fold(message.to_owned(), |text, (rust, ours)| {
        text.replace(rust, ours)
    });
    match text.split_once("expected struct ") {
        Some((head, _)) => format!("{head}expected a mapping"),
        None => text,
    }
}

/// Takes the option at `place` out; false when it cannot be.
fn remove(json: &mut Json, place: &[String]) -> bool {
    let Some((last, parents)) = place.split_last() else {
        return false;
    };
    let parent = parents.iter().try_fold(json, |json, step| match json {
        Json::Object(map) => map.get_mut(step),
        Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    });
    match parent {
        Some(Json::Object(map)) => map.remove(last).is_some(),
        _ => false,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde::Deserialize;

    use super::*;

    /// Options from JSON text, for tests: terser than building values.
    pub(crate) fn value(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON of a test")
    }

    /// The faults of a stage's options, one a line.
    pub(crate) fn faults<O: Options>(json: &str) -> String {
        let faults = checked::<O>(&value(json)).err().unwrap_or_default();
        let lines = faults.iter().map(|fault| {
            let help = fault.help.as_ref().map(|help| format!(" ({help})"));
            format!(
                "{}: {}{}",
                fault.path,
                fault.message,
                help.unwrap_or_default()
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        seed: u64,
        #[serde(default)]
        fraction: Option<f64>,
        #[serde(default)]
        columns: Vec<String>,
        #[serde(default)]
        rules: BTreeMap<String, Rule>,
        #[serde(default)]
        nested: Option<Nested>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape is tested")]
    struct Nested {
        depth: usize,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Rule {
        Median,
        #[allow(dead_code, reason = "only its shape is tested")]
        Constant(f64),
    }

    impl Options for Written {
        type Checked = Self;

        fn check(self) -> Result<Self, Vec<OptionFault>> {
            let mut faults = Faults::default();
            faults.require(self.seed > 0, "seed", "must be positive");
            faults.into_result(self)
        }
    }

    #[test]
    fn what_is_equal_to_hpipe_is_one_option() {
        let whole = checked::<Written>(&value(r#"{"seed": 3.0, "fraction": 1}"#)).expect("valid");
        assert_eq!((whole.seed, whole.fraction), (3, Some(1.0)));
        assert!(whole.columns.is_empty() && whole.rules.is_empty() && whole.nested.is_none());
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        insta::assert_snapshot!(
            faults::<Written>(
                r#"{"sed": 1, "fraction": "half", "columns": 7, "nested": {"depth": -1},
                    "rules": {"a": "medain", "b": {"constant": "x"}, "c": "median"}}"#
            ),
            @r#"
        columns: found the number `7`, expected a list
        fraction: found the text "half", expected a number
        nested.depth: found the number `-1`, expected a whole number from 0
        rules.a: `medain` is not a word for this (did you mean `median`?)
        rules.b.constant: found the text "x", expected a number
        sed: unknown option (did you mean `seed`?)
        seed: is required
        "#
        );
        insta::assert_snapshot!(faults::<Written>(r#"{"seed": 0}"#), @"seed: must be positive");
        insta::assert_snapshot!(faults::<Written>("null"), @"seed: is required");
        insta::assert_snapshot!(faults::<Written>(r#"{"seed": 1, "nested": {"deep": 3}}"#), @r"
        nested.deep: unknown option (known options: `depth`)
        nested.depth: is required
        ");
        insta::assert_snapshot!(faults::<Written>("7"), @": found the number `7`, expected a mapping");
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let infinite = Value::Map(
            [("seed".to_owned(), Value::Float(f64::INFINITY))]
                .into_iter()
                .collect(),
        );
        let faults = checked::<Written>(&infinite).expect_err("not finite");
        assert_eq!(faults[0].path, "seed");
        insta::assert_snapshot!(faults[0].message, @"expected a finite number, found .inf");
    }
}
