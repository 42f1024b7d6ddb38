//! One interpolated stage to its [`StageSpec`].
//!
//! Reads each key once, by its type, and normalises every path to the project root. Which keys may stand there has been
//! checked on the template (`keys`); here only their values can be wrong. Knows nothing of other stages.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hpipe_core::{Code, Diagnostic, ProjectPath, Span, StageName};

use crate::faults::{self, Faults};
use crate::node::{Data, Entry, Node, to_mapping};
use crate::pipeline::{Action, EnvVar, Param, Script, StageSpec};
use crate::scalar::inserted;
use crate::shape::{self, find};
use crate::vars::DEFAULT_PARAMS;

/// Reads a stage; none if it has no readable action, which has been told.
pub(crate) fn read(
    name: StageName,
    span: Span,
    entries: &[Entry],
    folder: &ProjectPath,
    faults: &mut Faults,
) -> Option<StageSpec> {
    let what = format!("stage `{}`", name.group().unwrap_or(name.as_str()));
    let wdir = wdir(entries, folder);
    let mut reader = Reader {
        what: &what,
        entries,
        wdir,
        faults,
    };
    let mut spec = StageSpec {
        span,
        wdir_span: reader.wdir_span().unwrap_or(span),
        deps: reader.deps(),
        params: reader.params(),
        outs: reader.outs(),
        env: reader.env(),
        frozen: reader.flag("frozen"),
        always_changed: reader.flag("always_changed"),
        execution: reader.execution(),
        desc: reader.text("desc"),
        action: reader.action()?,
        wdir: reader.wdir,
        name,
    };
    spec.always_changed |= is_callback(&spec);
    Some(spec)
}

/// Whether a stage is a command that reads and makes nothing that is declared: nobody can know that it need not run again.
/// DVC calls that a callback stage.
fn is_callback(stage: &StageSpec) -> bool {
    matches!(stage.action, Action::Command(_))
        && stage.deps.is_empty()
        && stage.params.is_empty()
        && stage.outs.is_empty()
}

/// Where a stage works; its pipeline file's folder if it says nothing readable.
pub(crate) fn wdir(entries: &[Entry], folder: &ProjectPath) -> ProjectPath {
    match find(entries, "wdir").and_then(|entry| entry.value.text()) {
        Some(text) => folder.join(&text),
        None => folder.clone(),
    }
}

/// Reads the keys of one stage.
pub(crate) struct Reader<'a> {
    /// What messages call the stage.
    pub(crate) what: &'a str,
    pub(crate) entries: &'a [Entry],
    pub(crate) wdir: ProjectPath,
    pub(crate) faults: &'a mut Faults,
}

impl<'a> Reader<'a> {
    /// The entry of a key, if anything is written there.
    pub(crate) fn find(&self, key: &str) -> Option<&'a Entry> {
        find(self.entries, key)
    }

    /// Whether this is a built-in stage, whose deps and outs have roles.
    pub(crate) fn is_builtin(&self) -> bool {
        self.find("uses").is_some()
    }

    /// The boolean of a key, `false` if nothing is written there.
    pub(crate) fn flag(&mut self, key: &str) -> bool {
        self.find(key)
            .and_then(|entry| {
                shape::flag(
                    &entry.value,
                    format_args!("`{key}` of {}", self.what),
                    self.faults,
                )
            })
            .unwrap_or_default()
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let entry = self.find(key)?;
        let what = format_args!("`{key}` of {}", self.what);
        shape::text(&entry.value, what, self.faults).map(Cow::into_owned)
    }

    fn wdir_span(&mut self) -> Option<Span> {
        let entry = self.find("wdir")?;
        let what = format_args!("`wdir` of {}", self.what);
        shape::text(&entry.value, what, self.faults).map(|_| entry.value.span)
    }

    fn action(&mut self) -> Option<Action> {
        match (self.find("cmd"), self.find("uses")) {
            (Some(cmd), _) => self.command(&cmd.value),
            (None, Some(uses)) => self.builtin(&uses.value),
            (None, None) => None,
        }
    }

    fn command(&mut self, cmd: &Node) -> Option<Action> {
        let scripts = match &cmd.data {
            Data::List(items) => items.iter().filter_map(|item| self.script(item)).collect(),
            _ if cmd.text().is_some() => vec![self.script(cmd)?],
            _ => {
                let what = format_args!("`cmd` of {}", self.what);
                self.faults
                    .wrong_type(cmd, what, "a command or a list of commands");
                return None;
            }
        };
        if matches!(&cmd.data, Data::List(items) if items.is_empty()) {
            self.no_command(cmd.span);
        }
        Some(Action::Command(scripts))
    }

    fn script(&mut self, node: &Node) -> Option<Script> {
        let what = format_args!("a command of {}", self.what);
        let text = shape::text(node, what, self.faults)?;
        if text.trim().is_empty() {
            self.no_command(node.span);
        }
        if text.contains('\0') {
            let message = format!("a command of {} holds a NUL character", self.what);
            let fault = Diagnostic::error(Code::WrongType, message).at(node.span, "");
            let help = "no program can be given one; write `printf '\\0'` in the command";
            self.faults.push(fault.help(help));
        }
        Some(Script {
            text: text.into_owned(),
            span: node.span,
        })
    }

    fn no_command(&mut self, span: Span) {
        let message = format!("`cmd` of {} is empty", self.what);
        let fault = Diagnostic::error(Code::Incomplete, message).at(span, "");
        self.faults.push(fault.help("write the command to execute"));
    }

    fn builtin(&mut self, uses: &Node) -> Option<Action> {
        let what = format_args!("`uses` of {}", self.what);
        let name = shape::text(uses, what, self.faults)?;
        let with = self.find("with");
        let entries = with.map_or(&[][..], |entry| {
            let what = format_args!("`with` of {}", self.what);
            shape::map(&entry.value, what, "a mapping of options", self.faults)
        });
        let mut places = OptionPlaces::default();
        match with {
            Some(Entry { key, value }) if value.origin.is_none() => places.add("", key.span, value),
            Some(entry) => places.add("", entry.place(), &entry.value),
            None => places.add("", uses.span, uses),
        }
        places.entries("", entries);
        Some(Action::Builtin {
            name: name.into_owned(),
            span: uses.span,
            with: to_mapping(entries),
            with_spans: places.written,
            with_uses: places.used,
        })
    }

    /// `{NAME: value}` sets, `{NAME: }` and `[NAME]` pass on.
    fn env(&mut self) -> Vec<EnvVar> {
        let Some(entry) = self.find("env") else {
            return Vec::new();
        };
        let vars: Vec<_> = match &entry.value.data {
            Data::Map(entries) => entries
                .iter()
                .filter_map(|entry| self.set_var(entry))
                .collect(),
            Data::List(items) => items
                .iter()
                .filter_map(|item| self.passed_var(item))
                .collect(),
            _ => {
                let what = format_args!("`env` of {}", self.what);
                let expected = "a mapping of names to values or a list of names";
                self.faults.wrong_type(&entry.value, what, expected);
                Vec::new()
            }
        };
        vars.iter().for_each(|var| self.check_var(var));
        vars
    }

    fn set_var(&mut self, entry: &Entry) -> Option<EnvVar> {
        let value = match inserted(&entry.value.to_value()) {
            _ if entry.value.is_null() => None,
            Some(text) => Some(text),
            None => {
                let what = format_args!(
                    "the value of `{}` in `env` of {}",
                    entry.key.text, self.what
                );
                self.faults
                    .wrong_type(&entry.value, what, "a text, a number or a boolean");
                return None;
            }
        };
        Some(EnvVar {
            name: entry.key.text.clone(),
            value,
            span: entry.key.span,
        })
    }

    fn passed_var(&mut self, item: &Node) -> Option<EnvVar> {
        let what = format_args!("a name in `env` of {}", self.what);
        let name = shape::text(item, what, self.faults)?.into_owned();
        Some(EnvVar {
            name,
            value: None,
            span: item.span,
        })
    }

    fn check_var(&mut self, var: &EnvVar) {
        if var.name.is_empty() || var.name.contains(['=', '\0']) {
            let message = format!("`{}` cannot name an environment variable", var.name);
            let fault = Diagnostic::error(Code::WrongType, message).at(var.span, "");
            self.faults
                .push(fault.help("write `NAME: value` in a mapping, or `NAME` in a list"));
        }
    }

    fn params(&mut self) -> Vec<Param> {
        let Some(entry) = self.find("params") else {
            return Vec::new();
        };
        let what = format_args!("`params` of {}", self.what);
        let items = shape::list(&entry.value, what, "a list of names and files", self.faults);
        let mut asked = Asked::default();
        for item in items {
            match (&item.data, item.text()) {
                (_, Some(name)) => {
                    let file = self.wdir.join(DEFAULT_PARAMS);
                    let key = (name.into_owned(), item.span);
                    asked.add(file, Some(vec![key]), item.span);
                }
                (Data::Map(files), _) => files
                    .iter()
                    .for_each(|file| self.param_file(file, &mut asked)),
                _ => {
                    let what = format_args!("an item of `params` of {}", self.what);
                    self.faults
                        .wrong_type(item, what, "a name or `FILE: [NAME…]`");
                }
            }
        }
        asked.params
    }

    /// `file: [name…]`, or `file:` for the whole file.
    fn param_file(&mut self, file: &Entry, asked: &mut Asked) {
        let what = format_args!(
            "the names of `{}` in `params` of {}",
            file.key.text, self.what
        );
        let items = shape::list(
            &file.value,
            what,
            "a list of names, or nothing for the whole file",
            self.faults,
        );
        let keys: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let what = format_args!("a param of {}", self.what);
                let name = shape::text(item, what, self.faults)?;
                Some((name.into_owned(), item.span))
            })
            .collect();
        let keys = (!items.is_empty()).then_some(keys);
        if let Some(path) = self.path(&file.key.text, file.key.span) {
            asked.add(path, keys, file.key.span);
        }
    }

    /// A path as written, from the project root; none if it can be no path, which is told.
    pub(crate) fn path(&mut self, text: &str, span: Span) -> Option<ProjectPath> {
        let fault = if text.trim().is_empty() {
            let fault =
                Diagnostic::error(Code::WrongType, format!("a path of {} is empty", self.what));
            fault.help("write a file or folder; for the working folder itself write `.`")
        } else if text.contains("://") {
            let message = format!("`{text}` of {} is not a path in the file system", self.what);
            let fault = Diagnostic::error(Code::WrongType, message);
            fault.help(
                "fetch the file in a stage of its own, `cmd: curl -fsSLo FILE URL`, and depend on FILE",
            )
        } else {
            return Some(self.wdir.join(text));
        };
        self.faults.push(fault.at(span, ""));
        None
    }

    /// A path that a node must hold.
    pub(crate) fn path_of(&mut self, node: &Node, section: &str) -> Option<ProjectPath> {
        match node.text() {
            Some(text) => self.path(&text, node.span),
            None => {
                let what = format_args!("a path in `{section}` of {}", self.what);
                let fault = faults::wrong_type(node, what, "a text");
                let help = "write a path; one that looks like a number or a boolean needs quotes";
                self.faults.extend(fault.map(|fault| fault.help(help)));
                None
            }
        }
    }
}

/// What is asked from each file; the whole file outweighs names.
#[derive(Default)]
struct Asked {
    params: Vec<Param>,
    places: HashMap<ProjectPath, usize>,
    names: HashSet<(usize, String)>,
}

impl Asked {
    fn add(&mut self, file: ProjectPath, keys: Option<Vec<(String, Span)>>, span: Span) {
        let place = *self.places.entry(file.clone()).or_insert(self.params.len());
        if place == self.params.len() {
            let keys = Some(Vec::new());
            self.params.push(Param { file, keys, span });
        }
        let known = &mut self.params[place].keys;
        match (&mut *known, keys) {
            (Some(known), Some(mut keys)) => {
                keys.retain(|(name, _)| self.names.insert((place, name.clone())));
                known.append(&mut keys);
            }
            _ => *known = None,
        }
    }
}

/// Where each option is written, by dotted path.
#[derive(Default)]
struct OptionPlaces {
    written: Vec<(String, Span)>,
    /// The `${…}` of those that an interpolation put there.
    used: Vec<(String, Span)>,
}

impl OptionPlaces {
    fn add(&mut self, path: impl Into<String>, place: Span, value: &Node) {
        let path = path.into();
        if value.origin.is_some() {
            self.used.push((path.clone(), value.span));
        }
        self.written.push((path, place));
    }

    fn entries(&mut self, path: &str, entries: &[Entry]) {
        for entry in entries {
            let path = format!("{path}{}", entry.key.text);
            self.within(&path, &entry.value);
            self.add(path, entry.place(), &entry.value);
        }
    }

    fn within(&mut self, path: &str, value: &Node) {
        match &value.data {
            Data::Map(entries) => self.entries(&format!("{path}."), entries),
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    self.within(&path, item);
                    self.add(path, item.place(), item);
                }
            }
            _ => {}
        }
    }
}
