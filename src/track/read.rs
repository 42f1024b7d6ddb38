//! Metrics files: the JSON, YAML or TOML that stages write.
//!
//! Its numbers, booleans and texts are metrics, named by their path in it (`test.rmse`). Python's `json.dump` writes
//! `NaN`, `Infinity` and `-Infinity`, which JSON does not have; such a file is read all the same, for a diverged training
//! shall be seen, not hidden behind a fault of format. As in DVC, what ends neither in `.json` nor in `.toml` is YAML.

use hpipe_core::{Mapping, ProjectPath, Value};
use hpipe_spec::{ParamFileError, read_document};

/// Why a file of metrics or of a plot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The JSON is none.
    #[error("read {path}")]
    Json {
        /// The file.
        path: ProjectPath,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The YAML or TOML is none.
    #[error(transparent)]
    Document(#[from] Box<ParamFileError>),
    /// The table is none.
    #[error("read {path}: line {line}: {message}")]
    Table {
        /// The file.
        path: ProjectPath,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The file holds nothing that could be drawn.
    #[error("read {path}: {NO_TABLE}")]
    NoTable {
        /// The file.
        path: ProjectPath,
    },
    /// The file is of a kind that nobody draws.
    #[error(
        "draw {path}: its name ends in none of .csv, .tsv, .json, .yaml, .yml, .toml and those of images"
    )]
    UnknownFormat {
        /// The file.
        path: ProjectPath,
    },
    /// The bytes are no text.
    #[error("read {path}: it is not UTF-8")]
    NotText {
        /// The file.
        path: ProjectPath,
    },
}

impl Error {
    /// What is wrong, for a sentence that names the file itself.
    pub fn reason(&self) -> String {
        match self {
            Self::Json { source, .. } => source.to_string(),
            Self::Document(fault) => fault.first(),
            Self::Table { line, message, .. } => format!("line {line}: {message}"),
            Self::NoTable { .. } => NO_TABLE.to_owned(),
            Self::UnknownFormat { .. } => UNKNOWN_FORMAT.to_owned(),
            Self::NotText { .. } => "it is not UTF-8".to_owned(),
        }
    }
}

const NO_TABLE: &str = "it holds no table: no list of mappings with the same keys";
const UNKNOWN_FORMAT: &str =
    "its name ends in none of .csv, .tsv, .json, .yaml, .yml, .toml and those of images";

/// The text of the file `path`.
///
/// # Errors
/// [`Error::NotText`].
pub fn as_text(path: &ProjectPath, bytes: Vec<u8>) -> Result<String, Error> {
    let path = || path.clone();
    String::from_utf8(bytes).map_err(|_| Error::NotText { path: path() })
}

/// Reads the text of the metrics file `path`, whose ending says its format.
///
/// An empty file is [`Value::Null`]: a stage that wrote no metrics.
///
/// # Errors
/// [`Error::Json`] or [`Error::Document`] when the text is not what the ending says.
pub fn read_metrics(path: &ProjectPath, text: &str) -> Result<Value, Error> {
    if ending(path) != "json" {
        return Ok(read_document(path, text)?);
    }
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    read_json(text).map_err(|source| Error::Json {
        path: path.clone(),
        source,
    })
}

/// What follows the last dot of the name, in small letters; nothing where there is no dot.
pub(crate) fn ending(path: &ProjectPath) -> String {
    let ending = path.file_name().rsplit_once('.');
    ending.map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
}

fn read_json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match stand_in(text) {
        Some(text) => serde_json::from_str(&text).map(put_back).map_err(|_| error),
        None => Err(error),
    })
}

/// The words for what JSON cannot say, and their value.
const WORDS: [(&str, f64); 3] = [
    ("-Infinity", f64::NEG_INFINITY),
    ("Infinity", f64::INFINITY),
    ("NaN", f64::NAN),
];

/// Marks the texts that stand in for [`WORDS`]; from the private use area, so that no metric is called so.
const MARK: char = '\u{f8ff}';

/// `text` with each of [`WORDS`] outside of quotes made a marked text; none if there is no such word.
fn stand_in(text: &str) -> Option<String> {
    let mut result = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = WORDS.iter().find(|(word, _)| rest.starts_with(word));
        let length = match (c, word) {
            ('"', _) => quoted_length(rest),
            (_, Some((word, _))) => word.len(),
            _ => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        match word {
            Some(_) => result.extend(['"', MARK].into_iter().chain(piece.chars()).chain(['"'])),
            None => result.push_str(piece),
        }
        rest = after;
    }
    result.contains(MARK).then_some(result)
}

/// Bytes of the quoted text that `text` begins with, its quotes included.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    let closing = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        closes
    });
    closing.map_or(text.len(), |(place, _)| place + 1)
}

/// `value` with the marked texts made the numbers they stand for.
fn put_back(value: Value) -> Value {
    match value {
        Value::Text(text) => number(&text).map_or(Value::Text(text), Value::Float),
        Value::List(items) => Value::List(items.into_iter().map(put_back).collect()),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| (key.to_owned(), put_back(value.clone())));
            Value::Map(entries.collect::<Mapping>())
        }
        plain => plain,
    }
}

fn number(text: &str) -> Option<f64> {
    let word = text.strip_prefix(MARK)?;
    WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let value = read_metrics(&ProjectPath::new("m.json"), text).expect("the file is readable");
        assert_eq!(value.to_string(), expect);
    }

    #[test]
    fn reads_json() {
        check(r#"{"rmse": 0.5, "n": 3}"#, "{rmse: 0.5, n: 3}");
        check("\u{feff}{\"a\": [1, true]}\r\n", "{a: [1, true]}");
        check("", "null");
        check("  \n", "null");
    }

    #[test]
    fn reads_yaml_and_toml() {
        let read = |path, text| {
            let value = read_metrics(&ProjectPath::new(path), text).expect("the file is readable");
            value.to_string()
        };
        assert_eq!(
            read("m.yaml", "rmse: 0.5\nby:\n  a: .nan\n"),
            "{rmse: 0.5, by: {a: .nan}}"
        );
        assert_eq!(read("m.YML", "0.25\n"), "0.25");
        assert_eq!(
            read("m.toml", "n = 3\n[by]\na = 0.5\n"),
            "{n: 3, by: {a: 0.5}}"
        );
        assert_eq!(read("score", "accuracy: 0.9"), "{accuracy: 0.9}");
        assert_eq!(read("m.yaml", ""), "null");
    }

    #[test]
    fn reads_what_python_writes_for_no_number() {
        check(
            r#"{"a": NaN, "b": [-Infinity, Infinity]}"#,
            "{a: .nan, b: [-.inf, .inf]}",
        );
        check(
            r#"{"NaN \" NaN": "NaN", "b": NaN}"#,
            r#"{NaN " NaN: NaN, b: .nan}"#,
        );
    }

    #[test]
    fn faults_have_their_place() {
        let error = read_metrics(&ProjectPath::new("m.json"), "{\"a\": NaN,\n \"b\" 1}")
            .expect_err("a colon is missing");
        insta::assert_snapshot!(error, @"read m.json");
        let error = read_metrics(&ProjectPath::new("m.yaml"), "a: [1").expect_err("a bracket");
        assert!(matches!(error, Error::Document(_)), "{error}");
    }
}
