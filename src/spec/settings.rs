//! Settings: what a project, a user and a machine say about how hpipe works, as against what a pipeline makes.
//!
//! Read from TOML, layer by layer; which files there are and what the environment holds is the caller's. A setting never
//! changes a result, so none is part of a stage key. The page is `docs/settings.md`, and [`KEYS`] is the list.

mod edit;
mod value;

use std::collections::BTreeMap;

use hpipe_core::{Code, Diagnostic, ProjectPath, SourceId, Sources, Span, Value};

use crate::faults::Faults;
use crate::node::{Data, Entry, Node};
use crate::{params, quantity};
use value::Kind;

pub use edit::{set_setting, unset_setting};

/// Every setting: its name, and what it takes.
const KEYS: &[(&str, Kind)] = &[
    ("cache.folder", Kind::Text),
    ("cache.link", Kind::Words(&["reflink", "hardlink", "copy"])),
    ("color", Kind::Word(&["auto", "always", "never"])),
    ("gpus", Kind::Devices),
    ("jobs", Kind::Count),
    ("memory", Kind::Size),
    ("monitor.new_rows", Kind::Text),
    ("monitor.on_drift", Kind::Text),
    ("monitor.webhook", Kind::Text),
    ("monitor.webhook_cooldown", Kind::Text),
    ("registry.stages", Kind::Texts),
    ("sandbox.default", Kind::Flag),
    ("sandbox.missing", Kind::Word(&["warn", "fail"])),
    ("sandbox.read", Kind::Texts),
    ("sandbox.write", Kind::Texts),
    ("tracking.experiment", Kind::Text),
    ("tracking.uri", Kind::Text),
];

/// The table whose keys are names of pools.
const POOLS: &str = "pools";

/// Tables of what comes later: a file may hold them, and is told that they do nothing yet.
const RESERVED: [&str; 2] = ["executors", "remotes"];

/// One layer: what one file or the environment sets.
#[derive(Debug, Default)]
pub struct SettingsLayer {
    /// What is set.
    pub settings: Settings,
    /// What is wrong, or does nothing.
    pub diagnostics: Vec<Diagnostic>,
    /// What their spans point into.
    pub sources: Sources,
}

/// What is set, by dotted name; each with where that is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Setting>);

/// A value and where it is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The value, of the type its name takes.
    pub value: Value,
    /// The file or variable.
    pub origin: String,
}

impl SettingsLayer {
    /// Reads the text of the settings file `name`.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut reader = Reader::new(name, text, Sources::default());
        let path = ProjectPath::new("settings.toml");
        let mut found = Faults::default();
        let entries = params::read(&path, text, reader.source, &mut found);
        reader
            .faults
            .extend(found.into_vec().into_iter().map(bad_settings));
        reader.table("", &entries.unwrap_or_default());
        reader.done()
    }

    /// Reads what the environment sets: `HPIPE_CACHE_FOLDER` is `cache.folder`. Variables that set nothing are left alone,
    /// for others have variables of that kind too; but what is nearly a setting is told.
    pub fn of_environment<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = Self::default();
        for (name, text) in variables {
            let Some(key) = name.strip_prefix("HPIPE_") else {
                continue;
            };
            let mut reader = Reader::new(name, text, std::mem::take(&mut all.sources));
            let span = reader.span(0, text.len());
            match key_of_variable(key) {
                Some((key, kind)) => {
                    let node = Node::new(kind.of_text(text, span), span);
                    reader.set(&key, kind, &node);
                }
                None => reader.nearly(name),
            }
            all.settings.overlay(&reader.settings);
            all.sources = reader.sources;
            all.diagnostics.extend(reader.faults.into_vec());
        }
        all
    }
}

/// The setting a variable stands for, without `HPIPE_`.
fn key_of_variable(name: &str) -> Option<(String, Kind)> {
    if let Some(pool) = name.strip_prefix("POOLS_").filter(|pool| !pool.is_empty()) {
        return Some((format!("{POOLS}.{}", pool.to_lowercase()), Kind::Count));
    }
    let known = KEYS.iter().find(|(key, _)| variable_of(key) == name)?;
    Some((known.0.to_owned(), known.1))
}

/// `CACHE_FOLDER` for `cache.folder`.
fn variable_of(key: &str) -> String {
    key.replace('.', "_").to_uppercase()
}

/// What a setting of this name takes; none if there is no such setting.
fn kind_of(key: &str) -> Option<Kind> {
    match key.strip_prefix("pools.") {
        Some(pool) => (!pool.is_empty()).then_some(Kind::Count),
        None => KEYS
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, kind)| *kind),
    }
}

impl Settings {
    /// Takes what `over` sets, too; where both set a value, that of `over`.
    pub fn overlay(&mut self, over: &Self) {
        self.0.extend(over.0.clone());
    }

    /// Everything that is set, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// A setting by its dotted name.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list; none set is an empty list.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        let items = match self.get(key).map(|setting| &setting.value) {
            Some(Value::List(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        items
            .iter()
            .filter_map(|item| match item {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// A boolean.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// A number of something, at least 0.
    pub fn count(&self, key: &str) -> Option<u32> {
        match self.get(key)?.value {
            Value::Int(number) => u32::try_from(number).ok(),
            _ => None,
        }
    }

    /// A size in bytes.
    pub fn bytes(&self, key: &str) -> Option<u64> {
        quantity::bytes(&Node::from_value(&self.get(key)?.value, nowhere()).data)
    }

    /// The names of devices, of a list or of as many as a number says: `0`, `1`.
    pub fn devices(&self, key: &str) -> Option<Vec<String>> {
        match &self.get(key)?.value {
            Value::Int(number) => Some((0..*number).map(|device| device.to_string()).collect()),
            _ => Some(self.texts(key).into_iter().map(str::to_owned).collect()),
        }
    }

    /// Pools and their sizes.
    pub fn pools(&self) -> BTreeMap<String, u32> {
        let name = |key: &String| key.strip_prefix("pools.").map(str::to_owned);
        let named = self.0.keys().filter_map(|key| Some((key, name(key)?)));
        named
            .filter_map(|(key, name)| Some((name, self.count(key)?)))
            .collect()
    }
}

/// The place of what is written nowhere.
fn nowhere() -> Span {
    Span {
        source: Sources::default().add("", ""),
        start: 0,
        end: 0,
    }
}

/// Reads one layer.
struct Reader<'a> {
    name: &'a str,
    source: SourceId,
    sources: Sources,
    settings: Settings,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, text: &str, mut sources: Sources) -> Self {
        Self {
            name,
            source: sources.add(name, text),
            sources,
            settings: Settings::default(),
            faults: Faults::default(),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start: start as u32,
            end: end as u32,
        }
    }

    fn done(self) -> SettingsLayer {
        SettingsLayer {
            settings: self.settings,
            diagnostics: self.faults.into_sorted(self.source),
            sources: self.sources,
        }
    }

    /// Reads the entries of a table; `prefix` is its name and a point.
    fn table(&mut self, prefix: &str, entries: &[Entry]) {
        for entry in entries {
            let key = format!("{prefix}{}", entry.key.text);
            let is_table = |table: &str| prefix.is_empty() && entry.key.text == table;
            if RESERVED.into_iter().any(is_table) {
                self.reserved(entry);
            } else if let Some(kind) = kind_of(&key) {
                self.set(&key, kind, &entry.value);
            } else if let Data::Map(inner) = &entry.value.data
                && tables().any(is_table)
            {
                self.table(&format!("{key}."), inner);
            } else {
                self.unknown(&key, entry);
            }
        }
    }

    fn set(&mut self, key: &str, kind: Kind, node: &Node) {
        if let Some(value) = kind.read(key, node, &mut self.faults) {
            let setting = Setting {
                value,
                origin: self.name.to_owned(),
            };
            self.settings.0.insert(key.to_owned(), setting);
        }
    }

    fn unknown(&mut self, key: &str, entry: &Entry) {
        let message = format!("there is no setting `{key}`");
        let fault = Diagnostic::error(Code::UnknownKey, message).at(entry.key.span, "");
        self.faults.push(fault.help(help_on(key)));
    }

    fn reserved(&mut self, entry: &Entry) {
        let message = format!("`{}` does nothing yet", entry.key.text);
        let fault = Diagnostic::warning(Code::UnknownKey, message).at(entry.key.span, "");
        self.faults
            .push(fault.help("a later version of hpipe reads it; until then leave it out"));
    }

    /// Tells of a variable that is nearly one of ours.
    fn nearly(&mut self, name: &str) {
        let ours: Vec<_> = KEYS
            .iter()
            .map(|(key, _)| format!("HPIPE_{}", variable_of(key)))
            .collect();
        if let Some(near) = hpipe_core::nearest(name, ours.iter().map(String::as_str)) {
            let message = format!("the environment variable {name} sets nothing");
            let fault = Diagnostic::warning(Code::UnknownKey, message);
            self.faults
                .push(fault.help(format!("did you mean {near}?")));
        }
    }
}

/// The names of tables that hold settings.
fn tables() -> impl Iterator<Item = &'static str> {
    let named = KEYS.iter().filter_map(|(key, _)| key.split_once('.'));
    named.map(|(table, _)| table).chain([POOLS])
}

/// What to do about a name that no setting has.
fn help_on(key: &str) -> String {
    match hpipe_core::nearest(key, KEYS.iter().map(|(known, _)| *known)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names = KEYS.iter().map(|(known, _)| *known);
            let all = crate::faults::listed(names.chain(["pools.NAME"]));
            format!("settings are {all}")
        }
    }
}

/// A fault of the TOML itself; the reader of params has called it one of a params file.
fn bad_settings(fault: Diagnostic) -> Diagnostic {
    Diagnostic {
        code: Code::BadSettings,
        ..fault
    }
}

#[cfg(test)]
mod tests;
