//! Gives params other values in the text of their file: comments, order and layout stay as they are.
//!
//! Only the bytes of the values themselves are replaced. The text that comes out is read again, and is given back only if
//! it says exactly what it should; so an anchor that is used elsewhere, or a layout nobody thought of, is an error and
//! never a file with another meaning.
//!
//! Numbers are written so that every reader takes them for what they are: Python's YAML 1.1 reads `1e-05` as a text, so it
//! is `1.0e-05` here, and `no` is quoted.

use std::ops::Range;

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, SourceId, Sources, Span, Value};

use crate::faults::Faults;
use crate::node::{self, Data, Entry, Node};
use crate::params::{self, ParamFile, ParamFileError};
use crate::scalar;

/// The text of the params file `path` with other values for the params of these dotted names, which it must have.
///
/// # Errors
/// Every fault: the text cannot be read, it does not have a name ([`Code::MissingParam`]), or a value cannot be replaced
/// where it stands ([`Code::BadParamFile`]).
pub fn edit_params(
    path: &ProjectPath,
    text: &str,
    values: &[(String, Value)],
) -> Result<String, Box<ParamFileError>> {
    let before = ParamFile::parse(path, text)?;
    let mut sources = Sources::default();
    let source = sources.add(path.as_str(), text);
    let entries = params::read(path, text, source, &mut Faults::default()).unwrap_or_default();
    let mut faults = Vec::new();
    let mut replacements = Vec::new();
    for (name, value) in values {
        match node::lookup(&entries, name) {
            Some((node, _)) => {
                replacements.push((range(node, text), written(path, node, text, value)));
            }
            None => faults.push(unknown(path, name, &before, source)),
        }
    }
    if faults.is_empty() {
        let edited = replaced(text, replacements);
        match differing(path, &before, &edited, values) {
            None => return Ok(edited),
            Some(name) => faults.push(refused(path, name, &entries)),
        }
    }
    Err(Box::new(ParamFileError {
        diagnostics: faults,
        sources,
    }))
}

/// The bytes of a value; of one that is not written, the place right after the `:` of its key.
pub(super) fn range(node: &Node, text: &str) -> Range<usize> {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    match node.is_null()
        && text
            .get(start..end)
            .is_none_or(|text| text.trim().is_empty())
    {
        true => {
            let rest = &text[start..];
            let colon = rest.trim_start_matches([' ', '\t']).starts_with(':');
            let start = match (colon, rest.find(':')) {
                (true, Some(colon)) => start + colon + 1,
                _ => text[..start].trim_end().len(),
            };
            start..start
        }
        false => start..end,
    }
}

fn replaced(text: &str, mut replacements: Vec<(Range<usize>, String)>) -> String {
    replacements.sort_by_key(|(range, _)| range.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (range, value) in replacements {
        // Values that overlap make a text that differs, which is refused.
        result.push_str(text.get(at..range.start).unwrap_or_default());
        if range.is_empty() {
            result.push(' ');
        }
        result.push_str(&value);
        at = range.end.max(at);
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// The first of `values` that the edited text does not say, or because of which it says something else besides.
fn differing<'v>(
    path: &ProjectPath,
    before: &ParamFile,
    edited: &str,
    values: &'v [(String, Value)],
) -> Option<&'v str> {
    let first = values.first()?.0.as_str();
    let Ok(after) = ParamFile::parse(path, edited) else {
        return Some(first);
    };
    let mut expected = before.value().clone();
    for (name, value) in values {
        if !is_same(after.get(name), value) || !set(&mut expected, name, value) {
            return Some(name);
        }
    }
    (expected != *after.value()).then_some(first)
}

/// Whether a value was read back as it was given, a float as a float.
fn is_same(found: Option<&Value>, value: &Value) -> bool {
    match (found, value) {
        (Some(Value::Float(found)), Value::Float(value)) => found.to_bits() == value.to_bits(),
        (Some(Value::Int(_)), Value::Float(_)) => false,
        (found, value) => found == Some(value),
    }
}

/// Sets the value at a dotted path, which exists, as [`Value::lookup`] finds it.
fn set(whole: &mut Value, dotted: &str, value: &Value) -> bool {
    if dotted.is_empty() {
        *whole = value.clone();
        return true;
    }
    let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
    match whole {
        Value::Map(map) if map.get(head).is_some() => set_entry(map, head, rest, value),
        Value::Map(map) => map.get(dotted).is_some() && set_entry(map, dotted, "", value),
        Value::List(items) => match head.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
            Some(item) => set(item, rest, value),
            None => false,
        },
        _ => false,
    }
}

fn set_entry(map: &mut Mapping, key: &str, rest: &str, value: &Value) -> bool {
    let mut inner = map.get(key).cloned().unwrap_or_default();
    let is_set = set(&mut inner, rest, value);
    map.insert(key, inner);
    is_set
}

/// The text of a value where `node` stood.
fn written(path: &ProjectPath, node: &Node, text: &str, value: &Value) -> String {
    let was_plain = text
        .get(node.span.start as usize..node.span.end as usize)
        .is_some_and(|old| matches!(&node.data, Data::Text(content) if content == old));
    let extension = params::extension(path);
    let is_yaml = !matches!(&*extension, "json" | "toml" | "py");
    match value {
        Value::Text(new) if is_yaml && was_plain && is_plain(new) => new.clone(),
        other => flow(other, extension == "py"),
    }
}

/// A value as JSON, which is YAML too.
pub(super) fn json(value: &Value) -> String {
    flow(value, false)
}

/// A value as JSON, which is YAML, TOML as far as that has it, and Python but for three words.
pub(crate) fn flow(value: &Value, is_python: bool) -> String {
    match value {
        Value::Null if is_python => "None".to_owned(),
        Value::Bool(true) if is_python => "True".to_owned(),
        Value::Bool(false) if is_python => "False".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, is_python)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let key = |key: &str| serde_json::Value::from(key).to_string();
            let entries: Vec<String> = map
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), flow(value, is_python)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// The shortest digits that read back as the same float, with a point, and a sign and two digits in the exponent.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{number:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{point}e{sign}{digits:0>2}")
}

/// Whether a text needs no quotes, whoever reads it: a word that is neither a number nor a boolean of YAML 1.1.
fn is_plain(text: &str) -> bool {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    is_word && !is_old_boolean(text) && matches!(scalar::plain(text), Data::Text(_))
}

/// Whether YAML 1.1, as Python reads it, takes a text for a boolean.
pub(super) fn is_old_boolean(text: &str) -> bool {
    ["yes", "no", "on", "off", "y", "n"].contains(&&*text.to_ascii_lowercase())
}

fn unknown(path: &ProjectPath, name: &str, file: &ParamFile, source: SourceId) -> Diagnostic {
    let start = Span {
        source,
        start: 0,
        end: 0,
    };
    let fault = Diagnostic::error(
        Code::MissingParam,
        format!("`{path}` has no param `{name}`"),
    );
    let fault = fault.at(start, "");
    match file.nearest(name) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("add `{name}` to `{path}`")),
    }
}

fn refused(path: &ProjectPath, name: &str, entries: &[Entry]) -> Diagnostic {
    let message = format!("`{name}` cannot be given another value where it stands in `{path}`");
    let fault = Diagnostic::error(Code::BadParamFile, message);
    let fault = match node::lookup(entries, name) {
        Some((_, place)) => fault.at(place, ""),
        None => fault,
    };
    fault.help("write its value out, without anchors, aliases and merge keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(file: &str, text: &str, values: &[(&str, Value)]) -> Result<String, Vec<Diagnostic>> {
        let values: Vec<_> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        edit_params(&ProjectPath::new(file), text, &values).map_err(|error| error.diagnostics)
    }

    #[track_caller]
    fn check(file: &str, text: &str, values: &[(&str, Value)], expect: &str) {
        assert_eq!(edit(file, text, values).as_deref(), Ok(expect));
    }

    #[track_caller]
    fn check_refused(file: &str, text: &str, name: &str, value: Value, code: Code) {
        let faults = edit(file, text, &[(name, value)]).expect_err("it cannot be edited");
        assert_eq!(
            faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
            [code]
        );
    }

    #[test]
    fn yaml_keeps_its_comments_and_layout() {
        check(
            "params.yaml",
            "# all of it\ntrain:   # the model\n    lr:  0.1   # rate\n    kind: ridge\r\n    'deep one': {a: [1, 2], b: \"x\"}\nseed: 1",
            &[
                ("seed", Value::Int(7)),
                ("train.lr", Value::Float(1e-5)),
                ("train.kind", "lasso".into()),
                ("train.deep one.a.1", Value::Int(5)),
                ("train.deep one.b", "no".into()),
            ],
            "# all of it\ntrain:   # the model\n    lr:  1.0e-05   # rate\n    kind: lasso\r\n    'deep one': {a: [1, 5], b: \"no\"}\nseed: 7",
        );
    }

    #[test]
    fn values_are_read_back_by_everybody() {
        for (value, expect) in [
            (Value::Float(0.1 + 0.2), "0.30000000000000004"),
            (Value::Float(2.0), "2.0"),
            (Value::Float(1e-5), "1.0e-05"),
            (Value::Float(1.5e300), "1.5e+300"),
            (Value::Float(f64::NEG_INFINITY), "-.inf"),
            (Value::Bool(true), "true"),
            (Value::Null, "null"),
            (Value::Int(-3), "-3"),
            ("off".into(), "\"off\""),
            ("1e3".into(), "\"1e3\""),
            ("two words".into(), "\"two words\""),
            (Value::List(vec![Value::Int(64), "a".into()]), "[64, \"a\"]"),
        ] {
            check(
                "p.yaml",
                "a: word # end\n",
                &[("a", value)],
                &format!("a: {expect} # end\n"),
            );
        }
    }

    #[test]
    fn what_spans_lines_or_is_empty_can_be_replaced() {
        let list = Value::List(vec![Value::Int(3)]);
        check(
            "p.yaml",
            "a:\n  - 1\n  - 2\nb: 1\n",
            &[("a", list)],
            "a:\n  [3]\nb: 1\n",
        );
        check(
            "p.yaml",
            "a:\nb: 1\n",
            &[("a", Value::Int(2))],
            "a: 2\nb: 1\n",
        );
        check(
            "p.yaml",
            "a: ~ # none\n",
            &[("a", Value::Int(2))],
            "a: 2 # none\n",
        );
        check(
            "p.yaml",
            "\u{feff}a: 1\n",
            &[("a", Value::Int(2))],
            "\u{feff}a: 2\n",
        );
    }

    #[test]
    fn json_and_toml_are_edited_too() {
        check(
            "p.json",
            "{\n  \"lr\": 0.1, \"kind\": \"a\"\n}\n",
            &[("lr", Value::Float(1e-7)), ("kind", "b".into())],
            "{\n  \"lr\": 1.0e-07, \"kind\": \"b\"\n}\n",
        );
        check(
            "p.toml",
            "# x\n[train]\nlr = 0.1 # rate\nkind = 'a'\n",
            &[("train.lr", Value::Float(1e-7)), ("train.kind", "b".into())],
            "# x\n[train]\nlr = 1.0e-07 # rate\nkind = \"b\"\n",
        );
    }

    #[test]
    fn python_is_edited_too() {
        check(
            "p.py",
            "# x\nLR = 0.1  # rate\nclass Net:\n    deep = True\n    kind = 'a'\n",
            &[
                ("LR", Value::Float(1e-7)),
                ("Net.deep", Value::Bool(false)),
                ("Net.kind", "b".into()),
            ],
            "# x\nLR = 1.0e-07  # rate\nclass Net:\n    deep = False\n    kind = \"b\"\n",
        );
    }

    #[test]
    fn what_would_change_more_or_less_is_refused() {
        let two = Value::Int(2);
        let shared = "a: &x {lr: 1}\nb: {<<: *x}\n";
        check_refused("p.yaml", shared, "b.lr", two.clone(), Code::BadParamFile);
        check_refused(
            "p.yaml",
            "a: &x 1\nb: *x\n",
            "a",
            two.clone(),
            Code::BadParamFile,
        );
        check_refused("p.toml", "a = 1\n", "a", Value::Null, Code::BadParamFile);
        check_refused(
            "p.json",
            "{\"a\": 1}",
            "a",
            Value::Float(f64::NAN),
            Code::BadParamFile,
        );
        check_refused(
            "p.yaml",
            "rate: 1\n",
            "raet",
            two.clone(),
            Code::MissingParam,
        );
        let block = "a: |\n  text\n  more\n";
        check_refused("p.yaml", block, "a", "x".into(), Code::BadParamFile);
        check_refused("p.yaml", "a: [1", "a", two, Code::BadParamFile);
    }
}
