//! Params files: YAML, JSON and TOML to one kind of value.
//!
//! The extension decides the format; whatever is not `.json` or `.toml` is YAML, as in DVC. All faults have the code of a
//! bad params file, whatever is wrong inside. Knows nothing of stages nor of who asks.

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, SourceId, Sources, Span, Value};
use toml::de::{DeTable, DeValue};

use crate::faults::Faults;
use crate::suggest::nearest;
use crate::yaml;

/// A params file: a mapping of names to values.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamFile(Value);

/// A params file that could not be read.
#[derive(Debug, Clone)]
pub struct ParamFileError {
    /// What is wrong, at least one fault.
    pub diagnostics: Vec<Diagnostic>,
    /// What their spans point into.
    pub sources: Sources,
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
            Some(value) if !faults.any_error() => Ok(Self(value)),
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
) -> Option<Value> {
    let mut found = Faults::default();
    let value = match extension(path) {
        "json" => json(text, source, &mut found),
        "toml" => toml(text, source, &mut found),
        "py" => unsupported(path, source, &mut found),
        _ => yaml::read(text, source, &mut found).map(|node| node.to_value()),
    };
    let broken = found.any_error();
    faults.extend(found.into_sorted(source).into_iter().map(bad_param_file));
    value
        .filter(|_| !broken)
        .and_then(|value| as_mapping(value, path, source, faults))
}

fn extension(path: &ProjectPath) -> &str {
    path.file_name()
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
}

fn bad_param_file(fault: Diagnostic) -> Diagnostic {
    Diagnostic {
        code: Code::BadParamFile,
        ..fault
    }
}

fn as_mapping(
    value: Value,
    path: &ProjectPath,
    source: SourceId,
    faults: &mut Faults,
) -> Option<Value> {
    match value {
        Value::Null => Some(Value::Map(Mapping::new())),
        Value::Map(_) => Some(value),
        other => {
            let message = format!("`{path}` must hold a mapping, not {}", other.kind());
            let fault = Diagnostic::error(Code::BadParamFile, message).at(at(source, 0..0), "");
            faults.push(fault.help("write `name: value`, a line a param"));
            None
        }
    }
}

fn unsupported(path: &ProjectPath, source: SourceId, faults: &mut Faults) -> Option<Value> {
    let message = format!("`{path}` is a Python file, which is not supported yet");
    let fault = Diagnostic::error(Code::BadParamFile, message).at(at(source, 0..0), "");
    faults.push(fault.help("keep params in a YAML, JSON or TOML file"));
    None
}

fn json(text: &str, source: SourceId, faults: &mut Faults) -> Option<Value> {
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    match serde_json::from_str(&text[skipped..]) {
        Ok(value) => Some(value),
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

/// The byte at a line and a column in bytes, both from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    text.floor_char_boundary(before + column.saturating_sub(1))
}

fn toml(text: &str, source: SourceId, faults: &mut Faults) -> Option<Value> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let message = format!("not valid TOML: {}", error.message());
        let fault = Diagnostic::error(Code::BadParamFile, message);
        faults.push(fault.at(at(source, error.span().unwrap_or_default()), ""));
    }
    errors.is_empty().then(|| from_table(table.get_ref()))
}

/// The mapping of a table, in the order the file has it: the parser sorts it by key.
fn from_table(table: &DeTable<'_>) -> Value {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entries = entries.into_iter();
    Value::Map(
        entries
            .map(|(key, value)| (key.get_ref().to_string(), from_toml(value.get_ref())))
            .collect(),
    )
}

fn from_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| from_toml(item.get_ref())).collect())
        }
        DeValue::Table(table) => from_table(table),
    }
}

fn at(source: SourceId, range: std::ops::Range<usize>) -> Span {
    Span {
        source,
        start: range.start as u32,
        end: range.end as u32,
    }
}
