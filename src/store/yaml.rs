//! YAML as the lock file uses it: a small writer, and the one way in which it is read.
//!
//! The writer knows block mappings and sequences, one-line lists of scalars, and three forms of text: plain where no
//! reader of YAML 1.1 or 1.2 could take it for something else, literal blocks for scripts of several lines, double quotes
//! for all the rest. What it writes it can read back exactly: floats to the bit, integers of 128 bits, any text.
//!
//! The reader takes `yes` for a text and `017` too, keeps infinities and NaN, and refuses doubled keys. Integers beyond
//! 64 bits, which YAML readers turn into floats, are written as `{"!int": "…"}`; a mapping that itself has one such key
//! gets another `!` in front.

use hpipe_core::{Mapping, Value};
use serde::de::DeserializeOwned;
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

/// The key that marks a large integer; `!` are added for mappings that have such a key themselves.
const LARGE_INTEGER: &str = "!int";

/// A lock file of a million stages stays below; a bomb of aliases does not.
const MOST_NODES: usize = 100_000_000;

/// Why a text could not be read.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The line, from 1; 1 when it is not known.
    pub(crate) line: u64,
    /// What is wrong there.
    pub(crate) message: String,
}

/// Reads a document.
///
/// # Errors
/// [`Fault`] for what is no YAML or does not have the form of `T`.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the lock file's YAML is read, with the options that keep its types"
)]
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_nodes: MOST_NODES,
            max_events: 2 * MOST_NODES,
            max_total_scalar_bytes: usize::MAX,
            simple_key_max_lookahead: 1 << 20,
            max_depth: 256,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| Fault {
        line: error
            .location()
            .map_or(1, |location| location.line().max(1)),
        message: first_line(&error.to_string()),
    })
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// Reads back what [`Writer::value`] wrote.
pub(crate) fn restore_large_integers(value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(restore_large_integers).collect()),
        Value::Map(map) => restore_map(&map),
        scalar => scalar,
    }
}

fn restore_map(map: &Mapping) -> Value {
    let restored =
        |(key, value): (&str, &Value)| (key.to_owned(), restore_large_integers(value.clone()));
    if let Some((key, value)) = marked(map) {
        if key == LARGE_INTEGER
            && let Some(n) = value.as_text().and_then(|digits| digits.parse().ok())
        {
            return Value::Int(n);
        }
        return Value::Map([restored((&key[1..], value))].into_iter().collect());
    }
    Value::Map(map.iter().map(restored).collect())
}

/// The entry of a mapping that has only one, whose key is the mark or the mark with more `!` in front.
fn marked(map: &Mapping) -> Option<(&str, &Value)> {
    let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
    let bare = key.trim_start_matches('!');
    (bare == &LARGE_INTEGER[1..] && key.len() > bare.len()).then_some((key, value))
}

/// Writes a document, two spaces a level.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
    indent: usize,
    /// The next line begins a sequence's item.
    item: bool,
}

impl Writer {
    /// The document.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// A line that is no data.
    pub(crate) fn comment(&mut self, text: &str) {
        self.text.push_str("# ");
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// `key:` and, one level deeper, what `body` writes.
    pub(crate) fn section(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.text.push('\n');
        self.indented(body);
    }

    /// An item of a sequence whose first line gets the dash.
    pub(crate) fn item(&mut self, body: impl FnOnce(&mut Self)) {
        self.item = true;
        self.indented(body);
    }

    /// `key: text`.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text_after_colon(text);
    }

    /// `key: scalar`, the scalar written as it is.
    pub(crate) fn plain(&mut self, key: &str, scalar: impl std::fmt::Display) {
        self.key(key);
        self.text.extend([" ", &scalar.to_string(), "\n"]);
    }

    /// `- text`.
    pub(crate) fn text_item(&mut self, text: &str) {
        self.dash();
        self.text_after_colon(text);
    }

    /// `key: value`.
    pub(crate) fn value(&mut self, key: &str, value: &Value) {
        self.key(key);
        self.value_after_colon(value);
    }

    fn key(&mut self, key: &str) {
        self.begin_line();
        self.text.push_str(&one_line(key));
        self.text.push(':');
    }

    fn dash(&mut self) {
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.text.push('-');
    }

    fn begin_line(&mut self) {
        let dash = std::mem::take(&mut self.item);
        let spaces = self.indent - if dash { 2 } else { 0 };
        self.text.extend(std::iter::repeat_n(' ', spaces));
        if dash {
            self.text.push_str("- ");
        }
    }

    fn indented(&mut self, body: impl FnOnce(&mut Self)) {
        self.indent += 2;
        body(self);
        self.indent -= 2;
    }

    fn text_after_colon(&mut self, text: &str) {
        if let Some(mark) = literal_mark(text) {
            self.text.push(' ');
            self.text.push_str(mark);
            self.text.push('\n');
            let spaces = " ".repeat(self.indent + 2);
            for line in text.lines() {
                if !line.is_empty() {
                    self.text.push_str(&spaces);
                    self.text.push_str(line);
                }
                self.text.push('\n');
            }
        } else {
            self.text.push(' ');
            self.text.push_str(&one_line(text));
            self.text.push('\n');
        }
    }

    fn value_after_colon(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.text_after_colon(text),
            Value::Map(map) if !map.is_empty() => self.mapping(map),
            Value::List(items) if !items.iter().all(is_scalar) => {
                self.text.push('\n');
                for item in items {
                    self.indented(|writer| {
                        writer.text.extend(std::iter::repeat_n(' ', writer.indent));
                        writer.text.push('-');
                        writer.value_after_colon(item);
                    });
                }
            }
            Value::Int(n) if !is_small(*n) => {
                self.text.push('\n');
                self.indented(|writer| writer.text(LARGE_INTEGER, &n.to_string()));
            }
            short => {
                self.text.push(' ');
                self.text.push_str(&flow(short));
                self.text.push('\n');
            }
        }
    }

    fn mapping(&mut self, map: &Mapping) {
        self.text.push('\n');
        self.indented(|writer| {
            if let Some((key, value)) = marked(map) {
                writer.value(&format!("!{key}"), value);
            } else {
                for (key, value) in map.iter() {
                    writer.value(key, value);
                }
            }
        });
    }
}

const fn is_small(n: i128) -> bool {
    n >= i64::MIN as i128 && n <= u64::MAX as i128
}

/// Whether the value fits on a line within a list.
fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Int(n) => is_small(*n),
        Value::Map(_) | Value::List(_) => false,
        _ => true,
    }
}

/// A scalar, an empty mapping or a list of scalars on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Text(text) => one_line(text),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text on one line, in quotes unless it is plain.
pub(crate) fn one_line(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_printable(c) => quoted.push(c),
            c => quoted.push_str(&escaped(c)),
        }
    }
    quoted.push('"');
    quoted
}

/// A character by its number, as short as YAML allows.
fn escaped(c: char) -> String {
    match u32::from(c) {
        n @ ..=0xff => format!("\\x{n:02x}"),
        n @ ..=0xffff => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    }
}

/// Whether a reader sees this character as it is: no control, no line break of any kind, nothing that turns the writing
/// direction.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether the text may stand without quotes, in a list too: begins with a letter, `_` or `/`, holds only harmless
/// characters, and is no word that some version of YAML takes for a boolean or null.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let harmless = |c: char| c.is_ascii_alphanumeric() || " _-./=+@%~:".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(harmless)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The mark of the literal block that would show the text as it is; none when one would not.
fn literal_mark(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n');
    let lines = body.unwrap_or(text);
    let shows = |line: &str| {
        !line.ends_with([' ', '\t']) && line.chars().all(|c| c == '\t' || is_printable(c))
    };
    let fits = lines.contains('\n')
        && !lines.ends_with('\n')
        && !lines.starts_with([' ', '\t', '\n'])
        && lines.split('\n').all(shows);
    fits.then_some(if body.is_some() { "|" } else { "|-" })
}
