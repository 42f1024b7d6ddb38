//! Loads what interpolations can see: the default params file and `vars:`.
//!
//! As in DVC, `params.yaml` beside the pipeline file comes first if it exists, then each item of `vars:` in turn: an
//! inline mapping, a file, or some keys of a file (`file:key1,key2`). Mappings merge; a name given twice is a fault, for
//! no order of precedence would be obvious. A file loaded whole twice is loaded once. Knows nothing of the syntax of
//! `${…}`.

use std::collections::HashMap;
use std::rc::Rc;

use hpipe_core::{Code, Diagnostic, ProjectPath, Sources, Span};

use crate::budget::Budget;
use crate::faults::Faults;
use crate::node::{self, Data, Entry, Node};
use crate::parse::Files;
use crate::pieces::has_expression;
use crate::scope::Vocabulary;
use crate::unpack::Unpacking;
use crate::{params, shape};
use hpipe_core::nearest;

/// The params file that is loaded without being asked for.
pub(crate) const DEFAULT_PARAMS: &str = "params.yaml";

/// Loads files, each once, and remembers which.
pub(crate) struct Vars<'f> {
    files: &'f dyn Files,
    /// Every file asked for, in order, whether it exists or not.
    pub(crate) read: Vec<ProjectPath>,
    /// What places in the files point into.
    pub(crate) sources: Sources,
    /// How much may be made of the file.
    pub(crate) budget: Budget,
    /// How mappings become options.
    pub(crate) unpacking: Unpacking<'f>,
    loaded: HashMap<ProjectPath, Loaded>,
}

/// What became of a file.
#[derive(Debug, Clone)]
enum Loaded {
    Content(Rc<Vec<Entry>>),
    Absent,
    /// It exists but could not be read, which has been told.
    Broken,
}

/// Names from one place after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    merged: Rc<Vocabulary>,
    layers: Vec<Layer>,
    /// Whether a file with further names could not be read, which has been told.
    pub(crate) incomplete: bool,
}

/// What one item of `vars:`, or the default params file, defines.
#[derive(Debug, Clone)]
struct Layer {
    origin: Origin,
    value: Rc<Vec<Entry>>,
}

#[derive(Debug, Clone)]
enum Origin {
    /// An inline mapping at this place, or some keys of a file.
    Item(Span),
    /// A whole file, with the place that asks for it; none for the default.
    File(ProjectPath, Option<Span>),
}

impl Layers {
    /// Every name.
    pub(crate) fn merged(&self) -> Rc<Vocabulary> {
        Rc::clone(&self.merged)
    }

    fn has_whole(&self, path: &ProjectPath) -> bool {
        let is = |layer: &Layer| matches!(&layer.origin, Origin::File(file, _) if file == path);
        self.layers.iter().any(is)
    }

    fn add(&mut self, layer: Layer, faults: &mut Faults) {
        // Taken, so that what nobody else holds is extended in place.
        let mut merged = std::mem::take(&mut self.merged);
        let twice = Rc::make_mut(&mut merged).merge(&layer.value);
        self.merged = merged;
        for name in twice {
            faults.push(self.conflict(&name, &layer));
        }
        self.layers.push(layer);
    }

    fn conflict(&self, name: &str, again: &Layer) -> Diagnostic {
        let message = format!("the name `{name}` is defined twice");
        let mut fault = Diagnostic::error(Code::DuplicateKey, message);
        let first = self
            .layers
            .iter()
            .find(|layer| node::lookup(&layer.value, name).is_some());
        if let Some(span) = again.origin.span() {
            fault = fault.at(span, "again here");
        }
        match first.map(|layer| &layer.origin) {
            Some(Origin::Item(span) | Origin::File(_, Some(span))) => fault
                .at(*span, "first here")
                .help("rename one, or load only the other keys of the file: `file:key1,key2`"),
            _ => fault.help(format!(
                "`{DEFAULT_PARAMS}`, which is always loaded, defines it first; rename one of the two"
            )),
        }
    }
}

impl Origin {
    fn span(&self) -> Option<Span> {
        match self {
            Self::Item(span) => Some(*span),
            Self::File(_, span) => *span,
        }
    }
}

impl<'f> Vars<'f> {
    /// A loader that has loaded nothing; what it loads is added to `sources`.
    pub(crate) fn new(files: &'f dyn Files, sources: Sources) -> Self {
        Self {
            budget: Budget::default(),
            unpacking: Unpacking::new(files),
            files,
            read: Vec::new(),
            sources,
            loaded: HashMap::new(),
        }
    }

    /// The names of the default params file in `folder`; none if there is no such file.
    pub(crate) fn defaults(&mut self, folder: &ProjectPath, faults: &mut Faults) -> Layers {
        let mut layers = Layers::default();
        let path = folder.join(DEFAULT_PARAMS);
        match self.file(&path, None, faults) {
            Loaded::Content(value) => {
                let origin = Origin::File(path, None);
                layers.add(Layer { origin, value }, faults);
            }
            Loaded::Absent => {}
            Loaded::Broken => layers.incomplete = true,
        }
        layers
    }

    /// `layers` with what a `vars:` section adds; its files are relative to `folder`.
    pub(crate) fn section(
        &mut self,
        mut layers: Layers,
        vars: &Node,
        folder: &ProjectPath,
        faults: &mut Faults,
    ) -> Layers {
        for item in shape::list(vars, "`vars`", "a list of files and mappings", faults) {
            match &item.data {
                Data::Map(entries) => {
                    reject_templates(item, faults);
                    let layer = Layer {
                        origin: Origin::Item(item.span),
                        value: Rc::new(entries.clone()),
                    };
                    layers.add(layer, faults);
                }
                Data::Text(text) => {
                    self.file_item(&mut layers, text, item, folder, faults);
                }
                _ => faults.wrong_type(item, "an item of `vars`", "a file or a mapping"),
            }
        }
        layers
    }

    /// `file` or `file:key1,key2`.
    fn file_item(
        &mut self,
        layers: &mut Layers,
        text: &str,
        item: &Node,
        folder: &ProjectPath,
        faults: &mut Faults,
    ) {
        if has_expression(text) {
            return reject_templates(item, faults);
        }
        let (file, keys) = text.split_once(':').unwrap_or((text, ""));
        let path = folder.join(file);
        let keys: Vec<&str> = keys
            .split(',')
            .map(str::trim)
            .filter(|k| !k.is_empty())
            .collect();
        if keys.is_empty() && layers.has_whole(&path) {
            return;
        }
        let Loaded::Content(value) = self.file(&path, Some(item.span), faults) else {
            layers.incomplete = true;
            return;
        };
        let layer = match keys.is_empty() {
            true => Layer {
                origin: Origin::File(path, Some(item.span)),
                value,
            },
            false => Layer {
                origin: Origin::Item(item.span),
                value: Rc::new(selected(&value, &keys, &path, item.span, faults)),
            },
        };
        layers.add(layer, faults);
    }

    /// The content of a file that somebody asks for at `asked`; without one it need not exist.
    fn file(&mut self, path: &ProjectPath, asked: Option<Span>, faults: &mut Faults) -> Loaded {
        let loaded = match self.loaded.get(path) {
            Some(loaded) => loaded.clone(),
            None => self.load(path, asked, faults),
        };
        if let (Loaded::Absent, Some(span)) = (&loaded, asked) {
            faults.push(missing(path, span));
        }
        loaded
    }

    fn load(&mut self, path: &ProjectPath, asked: Option<Span>, faults: &mut Faults) -> Loaded {
        self.read.push(path.clone());
        let loaded = match self.files.read(path) {
            Ok(Some(text)) => {
                let source = self.sources.add(path.as_str(), text.as_str());
                let value = params::read(path, &text, source, faults);
                value.map_or(Loaded::Broken, |value| Loaded::Content(Rc::new(value)))
            }
            Ok(None) => Loaded::Absent,
            Err(error) => {
                faults.push(unreadable(path, &error, asked));
                Loaded::Broken
            }
        };
        self.loaded.insert(path.clone(), loaded.clone());
        loaded
    }
}

fn reject_templates(node: &Node, faults: &mut Faults) {
    match &node.data {
        Data::Text(text) if has_expression(text) => {
            let fault = Diagnostic::error(Code::Interpolation, "`vars` are not interpolated");
            faults.push(
                fault
                    .at(node.span, "")
                    .help("write the value itself, or use the other name where this one is used"),
            );
        }
        Data::List(items) => items.iter().for_each(|item| reject_templates(item, faults)),
        Data::Map(entries) => entries
            .iter()
            .for_each(|entry| reject_templates(&entry.value, faults)),
        _ => {}
    }
}

/// The entries of a file that `file:key1,key2` asks for.
fn selected(
    entries: &[Entry],
    keys: &[&str],
    path: &ProjectPath,
    span: Span,
    faults: &mut Faults,
) -> Vec<Entry> {
    let mut chosen: Vec<Entry> = Vec::new();
    for key in keys {
        match node::find(entries, key) {
            Some(_) if node::find(&chosen, key).is_some() => {}
            Some(entry) => chosen.push(entry.clone()),
            None => {
                let fault =
                    Diagnostic::error(Code::MissingParam, format!("`{path}` has no param `{key}`"));
                let near = nearest(key, entries.iter().map(|entry| entry.key.text.as_str()));
                let help = near.map_or_else(
                    || "only names at the top of the file can be chosen".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                faults.push(fault.at(span, "not found").help(help));
            }
        }
    }
    chosen
}

fn missing(path: &ProjectPath, span: Span) -> Diagnostic {
    Diagnostic::error(
        Code::BadParamFile,
        format!("the vars file `{path}` does not exist"),
    )
    .at(span, "not found")
    .help("paths in `vars` are relative to the pipeline file, in a stage to its `wdir`")
}

fn unreadable(path: &ProjectPath, error: &str, asked: Option<Span>) -> Diagnostic {
    let fault = Diagnostic::error(Code::BadParamFile, format!("cannot read `{path}`: {error}"));
    match asked {
        Some(span) => fault.at(span, ""),
        None => fault,
    }
}
