//! The lines of a LightGBM model: a header and one section a tree, each of lines `key=value`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::super::Error;

/// Lines that belong together.
pub(super) struct Section<'a> {
    name: String,
    first_line: usize,
    entries: BTreeMap<&'a str, (usize, &'a str)>,
}

/// The header, and the section of each tree.
pub(super) fn sections(bytes: &[u8]) -> Result<(Section<'_>, Vec<Section<'_>>), Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error::Damaged {
        place: format!("byte {}", error.valid_up_to()),
        reason: "it is no UTF-8 text".to_owned(),
    })?;
    let mut header = Section::new("the header".to_owned(), 1);
    let mut trees: Vec<Section<'_>> = Vec::new();
    let mut ended = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line == "end of trees" {
            ended = true;
            break;
        }
        if line.starts_with("Tree=") {
            trees.push(Section::new(line.to_owned(), number));
        }
        let section = trees.last_mut().unwrap_or(&mut header);
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        section.entries.insert(key, (number, value));
    }
    if !ended {
        return Err(Error::Damaged {
            place: format!("line {}", text.lines().count()),
            reason: "the text stops before `end of trees`".to_owned(),
        });
    }
    Ok((header, trees))
}

impl<'a> Section<'a> {
    fn new(name: String, first_line: usize) -> Self {
        let entries = BTreeMap::new();
        Self {
            name,
            first_line,
            entries,
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// That something is wrong with the section.
    pub(super) fn damaged(&self, reason: impl Into<String>) -> Error {
        Error::Damaged {
            place: format!("line {}, {}", self.first_line, self.name),
            reason: reason.into(),
        }
    }

    /// That something is wrong with the value of `key`.
    pub(super) fn damaged_at(&self, key: &str, reason: impl Into<String>) -> Error {
        let (place, reason) = (self.place(key), reason.into());
        Error::Damaged { place, reason }
    }

    /// That the value of `key` is nothing of ours.
    pub(super) fn unsupported(&self, key: &str, reason: impl Into<String>) -> Error {
        let (place, reason) = (self.place(key), reason.into());
        Error::Unsupported { place, reason }
    }

    fn place(&self, key: &str) -> String {
        let line = self
            .entries
            .get(key)
            .map_or(self.first_line, |(line, _)| *line);
        format!("line {line}, {}, {key}", self.name)
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.entries.get(key).map(|(_, value)| *value)
    }

    /// The words of the value of `key`; none if it is not there.
    pub(super) fn words(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.get(key).unwrap_or_default().split_whitespace()
    }

    /// The integer under `key`, if it is there.
    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        let parsed = text.trim().parse();
        parsed
            .map(Some)
            .map_err(|_| self.damaged_at(key, format!("`{text}` is no integer")))
    }

    /// `count` numbers under `key`.
    pub(super) fn numbers<N: FromStr>(&self, key: &str, count: usize) -> Result<Vec<N>, Error> {
        let numbers: Vec<N> = self.all_numbers(key)?;
        if numbers.len() == count {
            return Ok(numbers);
        }
        let found = numbers.len();
        Err(self.damaged_at(
            key,
            format!("it has {found} numbers where {count} are needed"),
        ))
    }

    /// All numbers under `key`; none if it is not there.
    pub(super) fn all_numbers<N: FromStr>(&self, key: &str) -> Result<Vec<N>, Error> {
        let number = |word: &str| {
            let parsed = word.parse();
            parsed.map_err(|_| self.damaged_at(key, format!("`{word}` is no such number")))
        };
        self.words(key).map(number).collect()
    }
}
