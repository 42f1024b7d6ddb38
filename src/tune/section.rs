//! A section of options: a mapping whose keys are asked one by one, each with its default.
//!
//! What is asked is what is known: [`Section::finish`] blames every other key, so no list of keys needs to be kept beside
//! the questions.

use hpipe_core::{Mapping, Value};

use crate::faults::{Faults, join, suggest};

/// A mapping that is being read.
pub(crate) struct Section<'f, 'v> {
    faults: &'f mut Faults,
    path: String,
    map: &'v Mapping,
    asked: Vec<&'static str>,
}

impl<'f, 'v> Section<'f, 'v> {
    /// The section at `path`.
    pub(crate) fn new(faults: &'f mut Faults, path: &str, map: &'v Mapping) -> Self {
        Self {
            faults,
            path: path.to_owned(),
            map,
            asked: Vec::new(),
        }
    }

    /// What an option is, if it is given; `null` is not.
    pub(crate) fn given(&mut self, key: &'static str) -> Option<&'v Value> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let value = self.map.get(key)?;
        (!matches!(value, Value::Null)).then_some(value)
    }

    /// Reads an option if it is given.
    pub(crate) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Faults, &str, &Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.given(key)?;
        read(self.faults, &join(&self.path, key), value)
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&mut self, key: &'static str, least: usize, default: usize) -> usize {
        self.read(key, |faults, path, value| faults.count(path, value, least))
            .unwrap_or(default)
    }

    /// The same, for steps and resources.
    pub(crate) fn steps(&mut self, key: &'static str, least: usize, default: u64) -> u64 {
        self.count(key, least, default as usize) as u64
    }

    /// A finite number above 0.
    pub(crate) fn positive(&mut self, key: &'static str, default: f64) -> f64 {
        self.read(key, Faults::positive).unwrap_or(default)
    }

    /// A boolean.
    pub(crate) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, Faults::boolean).unwrap_or(default)
    }

    /// Notes a fault of an option.
    pub(crate) fn blame(&mut self, key: &str, message: impl Into<String>) {
        self.faults.add(&join(&self.path, key), message);
    }

    /// Blames the keys nobody asked for.
    pub(crate) fn finish(self) {
        let Self {
            faults,
            path,
            map,
            asked,
        } = self;
        for (key, _) in map.iter().filter(|(key, _)| !asked.contains(key)) {
            let key_path = join(&path, key);
            if asked.is_empty() {
                faults.add(&key_path, "there are no options here");
            } else {
                let help = suggest("options", key, &asked);
                faults.add_with_help(&key_path, "unknown option", help);
            }
        }
    }
}

/// Reads one of several things that have a name and options: `tpe`, or `{tpe: {n_startup_trials: 20}}`.
///
/// `what` they are called, `names` they have; `read` makes the one with a name of its options.
pub(crate) fn one_of<T>(
    value: &Value,
    what: &str,
    names: &[&str],
    read: impl FnOnce(&str, &mut Section<'_, '_>) -> T,
) -> Result<T, Vec<hpipe_core::OptionFault>> {
    let mut faults = Faults::default();
    let none = Mapping::new();
    let Some((name, options)) = name_and_options(&mut faults, value, &none) else {
        let example = format!("a {what} such as `{0}` or `{{{0}: {{…}}}}`", names[0]);
        faults.refuse::<()>("", &example, value);
        return Err(faults.into_list());
    };
    if !names.contains(&name) {
        let help = suggest(&format!("{what}s"), name, names);
        faults.add_with_help("", format!("there is no {what} `{name}`"), help);
        return Err(faults.into_list());
    }
    let mut section = Section::new(&mut faults, name, options);
    let found = read(name, &mut section);
    section.finish();
    faults.into_result(found)
}

/// The name of a thing, and its options; `none` if it has none. None if it is neither a name nor a mapping from one.
fn name_and_options<'v>(
    faults: &mut Faults,
    value: &'v Value,
    none: &'v Mapping,
) -> Option<(&'v str, &'v Mapping)> {
    let map = match value {
        Value::Text(name) => return Some((name, none)),
        other => other.as_map().filter(|map| map.len() == 1)?,
    };
    map.iter().next().map(|(name, options)| match options {
        Value::Map(options) => (name, options),
        Value::Null => (name, none),
        other => {
            faults.refuse::<()>(name, "a mapping of options", other);
            (name, none)
        }
    })
}
