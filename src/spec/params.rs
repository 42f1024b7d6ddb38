//! Params files: YAML, JSON, TOML and Python to one kind of value.
//!
//! The extension decides the format; whatever is not `.json`, `.toml` or `.py` is YAML, as in DVC. All faults have the code of a
//! bad params file, whatever is wrong inside. Knows nothing of stages nor of who asks.

use hpipe_core::{Code, Diagnostic, ProjectPath, SourceId, Sources, Span, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node, to_mapping};
use crate::{python, yaml};
use hpipe_core::nearest;

/// A params file: a mapping of names to values.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamFile(Value);

/// A params file, or another file of values, that could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .diagnostics.first().map_or("it has faults", |fault| fault.message.as_str()))]
pub struct ParamFileError {
    /// What is wrong, at least one fault.
    pub diagnostics: Vec<Diagnostic>,
    /// What their spans point into.
    pub sources: Sources,
}

impl ParamFileError {
    /// The first fault in one line, with the number of its line.
    pub fn first(&self) -> String {
        let Some(fault) = self.diagnostics.first() else {
            return "it has faults".to_owned();
        };
        match fault.labels.first() {
            Some(label) => {
                let line = self.sources.locate(label.span).line;
                format!("line {line}: {}", fault.message)
            }
            None => fault.message.clone(),
        }
    }
}

impl ParamFile {
    /// Reads the text of the file `path`. An empty file is an empty mapping.
    ///
    /// # Errors
    /// Every fault found in the text, each with code E008; the sources hold the text under the name `path`.
    pub fn parse(path: &ProjectPath, text: &str) -> Result<Self, Box<ParamFileError>> {
        let mut sources = Sources::default();
        let source = sources.add(path.as_str(), text);
        let mut faults = Faults::default();
        match read(path, text, source, &mut faults) {
            Some(entries) if !faults.any_error() => Ok(Self(Value::Map(to_mapping(&entries)))),
            _ => Err(Box::new(ParamFileError {
                diagnostics: faults.into_sorted(source),
                sources,
            })),
        }
    }

    /// The whole file; always a mapping.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The value of a dotted name: `train.alpha`, `layers.0`.
    pub fn get(&self, dotted: &str) -> Option<&Value> {
        self.0.lookup(dotted)
    }

    /// The name in this file that `dotted` is most likely a misspelling of.
    pub fn nearest(&self, dotted: &str) -> Option<String> {
        let leaves = self.0.leaves();
        let inner = leaves.iter().flat_map(|(path, _)| prefixes(path));
        nearest(dotted, inner).map(str::to_owned)
    }
}

/// Reads the text of a data file `path`, of metrics say: any value, not only a mapping. The extension decides the format
/// as for params. An empty file is null.
///
/// # Errors
/// Every fault found in the text, each with code E008; the sources hold the text under the name `path`.
pub fn read_document(path: &ProjectPath, text: &str) -> Result<Value, Box<ParamFileError>> {
    let mut sources = Sources::default();
    let source = sources.add(path.as_str(), text);
    let mut faults = Faults::default();
    match parsed(path, text, source, &mut faults) {
        Some(root) => Ok(root.to_value()),
        None => Err(Box::new(ParamFileError {
            diagnostics: faults.into_sorted(source),
            sources,
        })),
    }
}

/// `a`, `a.b` and `a.b.c` for `a.b.c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let dots = path.match_indices('.').map(|(at, _)| &path[..at]);
    dots.chain([path])
}

/// Reads a params file as a mapping; faults, all of code E008, point into `source`. None if there is no telling what it
/// says.
pub(crate) fn read(
    path: &ProjectPath,
    text: &str,
    source: SourceId,
    faults: &mut Faults,
) -> Option<Vec<Entry>> {
    parsed(path, text, source, faults).and_then(|root| as_mapping(root, path, source, faults))
}

/// The value a text holds; none if it has faults.
fn parsed(path: &ProjectPath, text: &str, source: SourceId, faults: &mut Faults) -> Option<Node> {
    let mut found = Faults::default();
    let root = match &*extension(path) {
        "json" => json(text, source, &mut found),
        "toml" => toml(text, source, &mut found),
        "py" => python::read(text, source, &mut found),
        _ => yaml::read(text, source, &mut found),
    };
    let broken = found.any_error();
    faults.extend(found.into_sorted(source).into_iter().map(bad_param_file));
    let empty = || Node::new(Data::Null, at(source, 0..0));
    (!broken).then(|| root.unwrap_or_else(empty))
}

/// What follows the last dot of a file's name, in small letters.
pub(crate) fn extension(path: &ProjectPath) -> String {
    let extension = path.file_name().rsplit_once('.');
    extension.map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

fn bad_param_file(fault: Diagnostic) -> Diagnostic {
    Diagnostic {
        code: Code::BadParamFile,
        ..fault
    }
}

fn as_mapping(
    root: Node,
    path: &ProjectPath,
    source: SourceId,
    faults: &mut Faults,
) -> Option<Vec<Entry>> {
    match root.data {
        Data::Null => Some(Vec::new()),
        Data::Map(entries) => Some(entries),
        _ => {
            let kind = root.kind().unwrap_or("this");
            let message = format!("`{path}` must hold a mapping, not {kind}");
            let fault = Diagnostic::error(Code::BadParamFile, message).at(at(source, 0..0), "");
            faults.push(fault.help("write `name: value`, a line a param"));
            None
        }
    }
}

fn json(text: &str, source: SourceId, faults: &mut Faults) -> Option<Node> {
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    match serde_json::from_str(&text[skipped..]) {
        Ok(value) => Some(json_places(&value, text, source)),
        Err(error) => {
            let full = error.to_string();
            let message = full.split(" at line ").next().unwrap_or(&full);
            let start = skipped + offset_of(&text[skipped..], error.line(), error.column());
            let end = text.ceil_char_boundary(start + 1);
            let fault = Diagnostic::error(Code::BadParamFile, format!("not valid JSON: {message}"));
            faults.push(fault.at(at(source, start..end), ""));
            None
        }
    }
}

/// A JSON value with its places. JSON is YAML, so that the reader of YAML finds them; should the two disagree, the value
/// counts, and stands at the start of the file. Compared as they print, which tells `1` from `1.0`.
fn json_places(value: &Value, text: &str, source: SourceId) -> Node {
    match yaml::read(text, source, &mut Faults::default()) {
        Some(node) if format!("{:?}", node.to_value()) == format!("{value:?}") => node,
        _ => Node::from_value(value, at(source, 0..0)),
    }
}

/// The byte at a line and a column in bytes, both from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    text.floor_char_boundary(before + column.saturating_sub(1))
}

fn toml(text: &str, source: SourceId, faults: &mut Faults) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let message = format!("not valid TOML: {}", error.message());
        let fault = Diagnostic::error(Code::BadParamFile, message);
        faults.push(fault.at(at(source, error.span().unwrap_or_default()), ""));
    }
    let span = at(source, table.span());
    let root = || Node::new(from_table(table.get_ref(), source), span);
    errors.is_empty().then(root)
}

/// The mapping of a table, in the order the file has it: the parser sorts it by key.
fn from_table(table: &DeTable<'_>, source: SourceId) -> Data {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| Entry {
        key: Key {
            text: key.get_ref().to_string(),
            span: at(source, key.span()),
        },
        value: from_toml(value, source),
    };
    Data::Map(entries.into_iter().map(entry).collect())
}

fn from_toml(value: &Spanned<DeValue<'_>>, source: SourceId) -> Node {
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Data::Int(number),
            Err(_) => Data::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Data::Float(number),
            Err(_) => Data::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(flag) => Data::Bool(*flag),
        DeValue::Datetime(time) => Data::Text(time.to_string()),
        DeValue::Array(items) => {
            Data::List(items.iter().map(|item| from_toml(item, source)).collect())
        }
        DeValue::Table(table) => from_table(table, source),
    };
    Node::new(data, at(source, value.span()))
}

fn at(source: SourceId, range: std::ops::Range<usize>) -> Span {
    Span {
        source,
        start: range.start as u32,
        end: range.end as u32,
    }
}
