//! Metrics files: the JSON that stages write.
//!
//! A metrics file is any JSON; its numbers, booleans and texts are metrics, named by their path in it
//! (`test.rmse`). Python's `json.dump` writes `NaN`, `Infinity` and `-Infinity`, which JSON does not have; such a file
//! is read all the same, for a diverged training shall be seen, not hidden behind a fault of format.

use hpipe_core::{Mapping, ProjectPath, Value};

/// Why a metrics file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is of a kind we do not read.
    #[error("read metrics from {path}, whose name does not end in .json")]
    UnknownFormat {
        /// The file.
        path: ProjectPath,
    },
    /// The text is not what its name says.
    #[error("read metrics from {path}")]
    Json {
        /// The file.
        path: ProjectPath,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
}

/// Reads the text of the metrics file `path`, whose ending says its format.
///
/// An empty file is [`Value::Null`]: a stage that wrote no metrics.
///
/// # Errors
/// [`Error::UnknownFormat`] when the name does not end in `.json`; [`Error::Json`] when the text is no JSON.
pub fn read_metrics(path: &ProjectPath, text: &str) -> Result<Value, Error> {
    if !path.as_str().to_ascii_lowercase().ends_with(".json") {
        let path = path.clone();
        return Err(Error::UnknownFormat { path });
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
        insta::assert_snapshot!(error, @"read metrics from m.json");
        let error = read_metrics(&ProjectPath::new("m.txt"), "1").expect_err("no format");
        insta::assert_snapshot!(error, @"read metrics from m.txt, whose name does not end in .json");
    }
}
