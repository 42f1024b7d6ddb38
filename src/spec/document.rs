//! A config file in YAML as a whole: its value, and where each part of it stands.
//!
//! For files whose keys another room knows (a study of `tune`): that room checks the value and names what is wrong by a
//! dotted path, and [`Document::blame`] finds the place.

use hpipe_core::{Code, Diagnostic, OptionFault, Sources, Span, Value};

use crate::faults::Faults;
use crate::node::{Data, Node};
use crate::params::ParamFileError;
use crate::yaml;

/// A value with its places.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The value.
    pub value: Value,
    /// Where each part is written, by dotted path; the path `""` is all of it. An entry of a mapping stands at its key,
    /// or with its value when that is on the same line.
    pub places: Vec<(String, Span)>,
    /// What the places point into.
    pub sources: Sources,
}

impl Document {
    /// Reads the text of the file that messages call `name`. An empty text is null.
    ///
    /// # Errors
    /// Every fault found in the text.
    pub fn read(name: &str, text: &str) -> Result<Self, Box<ParamFileError>> {
        let mut sources = Sources::default();
        let source = sources.add(name, text);
        let mut faults = Faults::default();
        match yaml::read(text, source, &mut faults) {
            Some(root) if !faults.any_error() => Ok(Self {
                value: root.to_value(),
                places: places(&root),
                sources,
            }),
            _ => Err(Box::new(ParamFileError {
                diagnostics: faults.into_sorted(source),
                sources,
            })),
        }
    }

    /// Where the part at a dotted path is written; for one that is not, the nearest section that would hold it.
    pub fn place(&self, path: &str) -> Option<Span> {
        let known = |path: &str| self.places.iter().find(|(known, _)| known == path);
        let sections = path.rmatch_indices('.').map(|(dot, _)| &path[..dot]);
        let mut nearest = [path].into_iter().chain(sections).chain([""]);
        nearest.find_map(known).map(|(_, span)| *span)
    }

    /// A fault in the value as a diagnostic at its place; `what` names the kind of thing the document is.
    pub fn blame(&self, code: Code, fault: OptionFault, what: &str) -> Diagnostic {
        let message = match fault.path.as_str() {
            "" => format!("{what}: {}", fault.message),
            path => format!("`{path}` of {what}: {}", fault.message),
        };
        let diagnostic = Diagnostic::error(code, message);
        let diagnostic = match self.place(&fault.path) {
            Some(span) => diagnostic.at(span, ""),
            None => diagnostic,
        };
        match fault.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

fn places(root: &Node) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    collect("", root.span, root, &mut found);
    found
}

fn collect(path: &str, place: Span, node: &Node, found: &mut Vec<(String, Span)>) {
    found.push((path.to_owned(), place));
    let inner = |key: &str| match path {
        "" => key.to_owned(),
        section => format!("{section}.{key}"),
    };
    match &node.data {
        Data::Map(entries) => {
            for entry in entries {
                collect(&inner(&entry.key.text), entry.place(), &entry.value, found);
            }
        }
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&inner(&index.to_string()), item.place(), item, found);
            }
        }
        _ => {}
    }
}
