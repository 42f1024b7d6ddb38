//! A pipeline file as it is written: where its stages stand, line by line, and the proof that an edit says what it should.

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, SourceId, Sources, Span, Value, nearest};

use crate::faults::Faults;
use crate::node::{self, Entry, Node};
use crate::params::ParamFileError;
use crate::yaml;

/// Why an edit was not made; what a params file that cannot be read is told with, too.
pub(super) type Refusal = Box<ParamFileError>;

/// A pipeline file and its values with their places.
pub(super) struct Written<'t> {
    pub(super) path: &'t ProjectPath,
    pub(super) text: &'t str,
    pub(super) root: Node,
    sources: Sources,
    source: SourceId,
}

impl<'t> Written<'t> {
    /// Reads the text.
    pub(super) fn read(path: &'t ProjectPath, text: &'t str) -> Result<Self, Refusal> {
        let mut sources = Sources::default();
        let source = sources.add(path.as_str(), text);
        let mut faults = Faults::default();
        match yaml::read(text, source, &mut faults) {
            Some(root) if !faults.any_error() => Ok(Self {
                path,
                text,
                root,
                sources,
                source,
            }),
            _ => Err(Box::new(ParamFileError {
                diagnostics: faults.into_sorted(source),
                sources,
            })),
        }
    }

    /// The section `stages`, if it is written.
    pub(super) fn stages(&self) -> Option<&Entry> {
        node::find(self.root.entries(), "stages")
    }

    /// The stage or group of a name.
    pub(super) fn stage(&self, name: &str) -> Option<&Entry> {
        node::find(self.stages()?.value.entries(), name)
    }

    /// The name of a stage or group that `name` is most likely a misspelling of.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        let stages = self.stages()?.value.entries();
        nearest(name, stages.iter().map(|entry| entry.key.text.as_str()))
    }

    /// Whether a value is written below its key, and not elsewhere and referred to by an alias.
    pub(super) fn is_own(entry: &Entry) -> bool {
        entry.value.span.start >= entry.key.span.end
    }

    /// Where an entry's text ends.
    pub(super) fn end(entry: &Entry) -> usize {
        match Self::is_own(entry) {
            true => entry.value.span.end.max(entry.key.span.end) as usize,
            false => entry.key.span.end as usize,
        }
    }

    /// The entries of a mapping that are written in it, and not merged into it from elsewhere, by place.
    pub(super) fn own_entries(map: &Node) -> Vec<&Entry> {
        let within = |entry: &&Entry| {
            map.span.start <= entry.key.span.start && entry.key.span.end <= map.span.end
        };
        let mut own: Vec<_> = map.entries().iter().filter(within).collect();
        own.sort_by_key(|entry| entry.key.span.start);
        own
    }

    /// Whether a collection is written as `{…}` or `[…]`.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        let start = self.text.get(node.span.start as usize..);
        start.is_some_and(|start| start.starts_with(['{', '[']))
    }

    /// The end of a line as this file has it.
    pub(super) fn line_end(&self) -> &'static str {
        match self.text.find('\n') {
            Some(newline) if self.text[..newline].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The byte at which the line of a byte starts.
    pub(super) fn line_start(&self, at: usize) -> usize {
        let before = &self.text[..at];
        let bom = if before.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        before.rfind('\n').map_or(bom, |newline| newline + 1)
    }

    /// The byte after the line of a byte.
    pub(super) fn next_line(&self, at: usize) -> usize {
        let newline = self.text[at..].find('\n');
        newline.map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// How far a byte is indented, if nothing but spaces stands before it on its line.
    pub(super) fn indent(&self, at: usize) -> Option<usize> {
        let before = &self.text[self.line_start(at)..at];
        before
            .bytes()
            .all(|byte| byte == b' ')
            .then_some(before.len())
    }

    /// The line that starts at a byte, without spaces and its end.
    pub(super) fn line(&self, start: usize) -> &'t str {
        self.text[start..self.next_line(start)].trim()
    }

    /// The first of several texts that reads as `expected`.
    pub(super) fn proven(
        &self,
        edits: impl IntoIterator<Item = (String, Value)>,
    ) -> Option<String> {
        let says = |(edited, expected): &(String, Value)| {
            let read = Written::read(self.path, edited);
            read.is_ok_and(|read| same(&read.root.to_value(), expected))
        };
        edits.into_iter().find(says).map(|(edited, _)| edited)
    }

    /// The text with a range of bytes replaced.
    pub(super) fn with(&self, range: std::ops::Range<usize>, by: &str) -> String {
        [&self.text[..range.start], by, &self.text[range.end..]].concat()
    }

    /// Says why the file was left as it is.
    pub(super) fn refusal(&self, fault: Diagnostic) -> Refusal {
        Box::new(ParamFileError {
            diagnostics: vec![fault],
            sources: self.sources.clone(),
        })
    }

    /// Says that nothing is called `name`.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let message = format!("no stage or group is called `{name}` in `{}`", self.path);
        let fault = Diagnostic::error(Code::UnknownTarget, message);
        self.refusal(fault.help(match self.nearest(name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`hpipe stage list` lists them".to_owned(),
        }))
    }

    /// Says that a stage cannot be edited as it is written.
    pub(super) fn unfit(&self, name: &str, place: Option<Span>) -> Refusal {
        let message = format!(
            "stage `{name}` cannot be edited as it is written in `{}`",
            self.path
        );
        let start = Span {
            source: self.source,
            start: 0,
            end: 0,
        };
        let fault = Diagnostic::error(Code::UnfitForEdit, message).at(place.unwrap_or(start), "");
        self.refusal(fault.help(
            "write its section out, without anchors, aliases and merge keys, or edit it by hand",
        ))
    }
}

/// Whether two values are the same, numbers of their types included.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => false,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// A value with another one at a path of keys; none removes what is there. Mappings that are not there are made.
pub(super) fn set_at(whole: &Value, path: &[&str], value: Option<&Value>) -> Value {
    let Some((key, rest)) = path.split_first() else {
        return value.cloned().unwrap_or_default();
    };
    let mut map = match whole {
        Value::Map(map) => map.clone(),
        _ => Mapping::new(),
    };
    match (rest, value) {
        ([], None) => {
            let kept = map.iter().filter(|(name, _)| name != key);
            return Value::Map(
                kept.map(|(name, value)| (name.to_owned(), value.clone()))
                    .collect(),
            );
        }
        _ => {
            let inner = map.get(key).cloned().unwrap_or_default();
            map.insert(*key, set_at(&inner, rest, value));
        }
    }
    Value::Map(map)
}
