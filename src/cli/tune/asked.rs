//! What the user asked for: the study's file and the words of the command line as one definition, with places.
//!
//! Every word of the command line is a source of its own, called by its option, so that a fault in it is drawn like one in
//! a file. Knows nothing of the project but the folder the user is in.

use std::time::Duration;

use hpipe_core::{Code, Diagnostic, Mapping, OptionFault, ProjectPath, Span, Value, nearest};
use hpipe_spec::Document;
use hpipe_tune::{Definition, Pruner};

use super::words;
use crate::args::Tune;

/// The keys of a study's file that are not the definition's own.
const KEYS: [&str; 5] = ["target", "metric", "timeout", "name", "copy"];

/// A study as asked for.
pub(crate) struct Asked {
    /// Everything that was said, for the places of faults found later.
    pub(crate) document: Document,
    /// What is searched and how.
    pub(crate) definition: Definition,
    /// What each trial makes up to date; empty for what makes the metric's file.
    pub(crate) targets: Vec<String>,
    /// The metric's file and its dotted name there.
    pub(crate) metric: (ProjectPath, String),
    /// When to begin no more trials.
    pub(crate) timeout: Option<Duration>,
    /// What the report calls it.
    pub(crate) name: Option<String>,
    /// What is to be copied besides.
    pub(crate) copy: Vec<ProjectPath>,
}

impl Asked {
    /// Reads what the command line says on top of `document`, the study's file, or an empty one. The user is in `folder`,
    /// to which paths of the command line are relative; those of a file are relative to the project.
    pub(crate) fn read(
        arguments: &Tune,
        document: Document,
        folder: &ProjectPath,
    ) -> Result<Self, hpipe_engine::Error> {
        let mut reading = Reading {
            document,
            faults: Vec::new(),
        };
        reading.command_line(arguments, folder);
        let asked = reading.all();
        let Reading { document, faults } = reading;
        match asked.filter(|_| faults.is_empty()) {
            Some(asked) => Ok(Self { document, ..asked }),
            None => Err(invalid(faults, &document)),
        }
    }

    /// A fault at the place of a part of the study.
    pub(crate) fn fault(&self, code: Code, path: &str, message: impl Into<String>) -> Diagnostic {
        let fault = Diagnostic::error(code, message);
        match self.document.place(path) {
            Some(span) => fault.at(span, ""),
            None => fault,
        }
    }

    /// Faults of the study as an error.
    pub(crate) fn refuse(&self, faults: Vec<Diagnostic>) -> hpipe_engine::Error {
        invalid(faults, &self.document)
    }
}

/// `FILE:NAME` with a file that is relative to `folder`, relative to the project; a name alone is left as it is.
fn in_folder(folder: &ProjectPath, text: &str) -> String {
    match text.rsplit_once(':') {
        Some((file, name)) if !file.is_empty() => format!("{}:{name}", folder.join(file)),
        _ => text.to_owned(),
    }
}

/// A fault about a space that is not there, with an example of one.
fn with_example(fault: OptionFault) -> OptionFault {
    match (&fault.help, fault.path.as_str()) {
        (None, "space") => OptionFault {
            help: Some(
                "say what to search, for example `--param 'train.lr=float(1e-3, 0.1, log)'`"
                    .to_owned(),
            ),
            ..fault
        },
        _ => fault,
    }
}

fn invalid(diagnostics: Vec<Diagnostic>, document: &Document) -> hpipe_engine::Error {
    hpipe_engine::Error::Invalid {
        diagnostics,
        sources: Box::new(document.sources.clone()),
    }
}

/// The document while the command line is added to it, and what is wrong with it.
struct Reading {
    document: Document,
    faults: Vec<Diagnostic>,
}

impl Reading {
    fn command_line(&mut self, arguments: &Tune, folder: &ProjectPath) {
        if !matches!(self.document.value, Value::Map(_)) {
            if !matches!(self.document.value, Value::Null) {
                self.refuse("", "must be a mapping", None);
            }
            self.document.value = Value::Map(Mapping::new());
        }
        for (key, text) in [
            ("direction", &arguments.direction),
            ("trials", &arguments.trials),
            ("sampler", &arguments.sampler),
            ("seed", &arguments.seed),
            ("concurrency", &arguments.concurrency),
            ("timeout", &arguments.timeout),
            ("name", &arguments.name),
        ] {
            if let Some(text) = text {
                let value = words::yaml(text).unwrap_or_else(|_| text.as_str().into());
                self.say(key, text, value);
            }
        }
        if let Some(text) = &arguments.metric {
            self.say("metric", text, in_folder(folder, text).as_str().into());
        }
        self.say_all("copy", &arguments.copy, |path| {
            folder.join(path).to_string()
        });
        self.say_all("target", &arguments.targets, str::to_owned);
        self.params(&arguments.params, folder);
    }

    fn params(&mut self, params: &[String], folder: &ProjectPath) {
        let mut space = match self.get("space") {
            Some(Value::Map(space)) => space,
            _ => Mapping::new(),
        };
        let mut said: Vec<String> = Vec::new();
        for text in params {
            let span = self.source("param", text);
            let (name, domain) = match words::param(text) {
                Ok((name, domain)) => (in_folder(folder, &name), domain),
                Err(fault) => {
                    let message = format!("`--param`: {}", fault.message);
                    self.push(span, message, fault.help);
                    continue;
                }
            };
            if said.contains(&name) {
                let help = Some("keep one of the two".to_owned());
                self.push(span, format!("`{name}` is searched twice"), help);
            }
            let path = format!("space.{name}");
            self.document.places.retain(|(known, _)| *known != path);
            self.document.places.push((path, span));
            space.insert(name.clone(), domain);
            said.push(name);
        }
        if !said.is_empty() {
            self.set("space", Value::Map(space));
        }
    }

    fn push(&mut self, span: Span, message: String, help: Option<String>) {
        let fault = Diagnostic::error(Code::BadStudy, message).at(span, "");
        self.faults.push(Diagnostic { help, ..fault });
    }

    /// Lets the values of an option that may be repeated say a part of the study.
    fn say_all(&mut self, key: &str, texts: &[String], meant: impl Fn(&str) -> String) {
        if !texts.is_empty() {
            let values = texts.iter().map(|text| meant(text).as_str().into());
            self.say(key, &texts.join(" "), Value::List(values.collect()));
        }
    }

    /// Lets an option of the command line say a part of the study.
    fn say(&mut self, key: &str, text: &str, value: Value) {
        let span = self.source(key, text);
        let below = format!("{key}.");
        let places = &mut self.document.places;
        places.retain(|(path, _)| path != key && !path.starts_with(&below));
        places.push((key.to_owned(), span));
        self.set(key, value);
    }

    fn source(&mut self, option: &str, text: &str) -> Span {
        let name = match option {
            "target" => "TARGET".to_owned(),
            option => format!("--{option}"),
        };
        let source = self.document.sources.add(name, text);
        Span {
            source,
            start: 0,
            end: text.len() as u32,
        }
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Value::Map(map) = &mut self.document.value {
            map.insert(key, value);
        }
    }

    fn get(&self, key: &str) -> Option<Value> {
        let value = self.document.value.as_map()?.get(key)?;
        (!matches!(value, Value::Null)).then(|| value.clone())
    }

    /// Reads every part; none when something is wrong.
    fn all(&mut self) -> Option<Asked> {
        let definition = self.definition();
        let metric = self.metric();
        let timeout = self.get("timeout").map(|value| self.timeout(&value));
        let name = self.get("name").map(|value| self.text("name", &value));
        let targets = self.texts("target");
        let copy = self.texts("copy");
        Some(Asked {
            document: Document::default(),
            definition: definition?,
            targets,
            metric: metric?,
            timeout: timeout.flatten(),
            name: name.flatten(),
            copy: copy.iter().map(|path| ProjectPath::new(path)).collect(),
        })
    }

    fn definition(&mut self) -> Option<Definition> {
        let all = self.document.value.as_map()?.clone();
        let known = || KEYS.into_iter().chain(Definition::KEYS);
        let mut own = Mapping::new();
        for (key, value) in all.iter() {
            if Definition::KEYS.contains(&key) {
                own.insert(key, value.clone());
            } else if !KEYS.contains(&key) {
                let help = match nearest(key, known()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys are {}", known().collect::<Vec<_>>().join(", ")),
                };
                self.refuse(key, "there is no such key", Some(&help));
            }
        }
        match Definition::parse(&Value::Map(own)) {
            Ok(definition) if *definition.pruner() != Pruner::None => {
                let help = "leave `pruner` out; a trial of a pipeline is known when it has ended";
                self.refuse("pruner", "has nothing to go by", Some(help));
                None
            }
            Ok(definition) => Some(definition),
            Err(faults) => {
                faults
                    .into_iter()
                    .for_each(|fault| self.blame(with_example(fault)));
                None
            }
        }
    }

    fn metric(&mut self) -> Option<(ProjectPath, String)> {
        let help = "say what is to be best: `--metric FILE:KEY`, a number in a metrics file that a stage makes";
        let Some(value) = self.get("metric") else {
            self.refuse("metric", "is required", Some(help));
            return None;
        };
        match value.as_text().and_then(words::metric) {
            Some((file, key)) => Some((ProjectPath::new(file), key.to_owned())),
            None => {
                self.refuse(
                    "metric",
                    &format!("must be FILE:KEY, not {value}"),
                    Some(help),
                );
                None
            }
        }
    }

    fn timeout(&mut self, value: &Value) -> Option<Duration> {
        let time = words::time(value);
        if time.is_none() {
            let help = "write a number and one of `s`, `m`, `h` and `d`, like 90s or 1.5h";
            self.refuse(
                "timeout",
                &format!("must be a time, not {value}"),
                Some(help),
            );
        }
        time
    }

    fn text(&mut self, path: &str, value: &Value) -> Option<String> {
        match value {
            Value::Map(_) | Value::List(_) => {
                self.refuse(path, &format!("must be a text, not {value}"), None);
                None
            }
            value => Some(value.to_string()),
        }
    }

    /// A text or a list of texts.
    fn texts(&mut self, key: &str) -> Vec<String> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::List(items)) => {
                let items = items.iter().enumerate();
                items
                    .filter_map(|(i, item)| self.text(&format!("{key}.{i}"), item))
                    .collect()
            }
            Some(one) => self.text(key, &one).into_iter().collect(),
        }
    }

    fn refuse(&mut self, path: &str, message: &str, help: Option<&str>) {
        self.blame(OptionFault {
            path: path.to_owned(),
            message: message.to_owned(),
            help: help.map(str::to_owned),
        });
    }

    fn blame(&mut self, fault: OptionFault) {
        let fault = self.document.blame(Code::BadStudy, fault, "the study");
        self.faults.push(fault);
    }
}
