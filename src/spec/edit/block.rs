//! How a new part of a pipeline file is written: a key a line, texts without quotes where every reader takes them for
//! texts.

use hpipe_core::{Mapping, Value};

use super::params::{is_old_boolean, json};
use crate::node::Data;
use crate::scalar;

/// How a file is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Spaces before the names of stages.
    pub(super) indent: usize,
    /// Spaces that each level adds.
    pub(super) step: usize,
    /// Spaces that the items of a list are indented beyond their key.
    pub(super) items: usize,
    /// Whether lists stand in brackets: `deps: [a, b]`.
    pub(super) in_brackets: bool,
    /// What ends a line.
    pub(super) line_end: &'static str,
}

impl Layout {
    /// What a new file has.
    pub(super) const NEW: Self = Self {
        indent: 2,
        step: 2,
        items: 2,
        in_brackets: false,
        line_end: "\n",
    };

    /// The lines of `key: value` at an indentation.
    pub(super) fn entry(&self, indent: usize, key: &str, value: &Value) -> String {
        let end = self.line_end;
        let head = format!("{:indent$}{}:", "", text(key));
        match value {
            Value::Null => format!("{head}{end}"),
            Value::Map(map) if !map.is_empty() => {
                format!("{head}{end}{}", self.map(indent + self.step, map))
            }
            Value::List(items) if self.in_brackets && key != "cmd" => {
                let items: Vec<_> = items.iter().map(in_brackets).collect();
                format!("{head} [{}]{end}", items.join(", "))
            }
            Value::List(items) if !items.is_empty() => {
                format!("{head}{end}{}", self.list(indent + self.items, items))
            }
            scalar => format!("{head} {}{end}", scalar_text(scalar)),
        }
    }

    fn map(&self, indent: usize, map: &Mapping) -> String {
        map.iter()
            .map(|(key, value)| self.entry(indent, key, value))
            .collect()
    }

    fn list(&self, indent: usize, items: &[Value]) -> String {
        let item = |item: &Value| match item {
            // `- key:` with the rest of the mapping below it
            Value::Map(map) if !map.is_empty() => {
                let lines = self.map(indent + 2, map);
                format!("{:indent$}- {}", "", &lines[indent + 2..])
            }
            other => format!("{:indent$}- {}{}", "", scalar_text(other), self.line_end),
        };
        items.iter().map(item).collect()
    }
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::Text(content) => text(content),
        other => json(other),
    }
}

/// An item of a list in brackets.
fn in_brackets(value: &Value) -> String {
    match value {
        Value::Text(content) => in_flow(content),
        Value::Map(map) => {
            let entry =
                |(key, value): (&str, &Value)| format!("{}: {}", in_flow(key), in_brackets(value));
            let entries: Vec<_> = map.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => json(other),
    }
}

/// A text between brackets, where some signs have a meaning of their own.
fn in_flow(content: &str) -> String {
    match content.contains([',', '[', ']', '{', '}']) {
        true => json(&content.into()),
        false => text(content),
    }
}

/// A text on one line of block style, quoted where a reader could take it for something else.
fn text(content: &str) -> String {
    match is_plain(content) {
        true => content.to_owned(),
        false => json(&content.into()),
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let starts_as_text = !"-?:,[]{}#&*!|>'\"%@`=~".contains(first);
    let stays_text = !text.contains(": ") && !text.contains(" #") && !text.ends_with(':');
    let is_printable = text
        .chars()
        .all(|c| c == ' ' || !(c.is_control() || c.is_whitespace() || c == '\u{feff}'));
    let is_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || "+.".contains(c))
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "+-.:_oxTZ ".contains(c));
    starts_as_text
        && stays_text
        && is_printable
        && !is_like_a_number
        && text.trim() == text
        && !is_old_boolean(text)
        && matches!(scalar::plain(text), Data::Text(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        for plain in [
            "data/raw.csv",
            "python a.py > b",
            "é",
            "train@ridge",
            "1.csv",
            "a#b",
            "${x}",
            "a:b",
        ] {
            assert_eq!(text(plain), plain);
        }
        for quoted in [
            "",
            " a",
            "a ",
            "-x",
            "*.csv",
            "a: b",
            "a #b",
            "yes",
            "null",
            "1",
            "1.5",
            "1e5",
            "1_000",
            "2020-01-01",
            "0x1F",
            "12:30",
            ".5",
            "{a}",
            "a\nb",
            "a\tb",
            "a:",
            "@x",
            "%x",
        ] {
            assert_eq!(text(quoted), json(&quoted.into()), "{quoted:?}");
        }
    }
}
