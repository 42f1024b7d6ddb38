//! A CSV file cut into parts between its rows: each part with the header, as if it were a file.

use std::io::{BufRead, BufReader, Read};

/// Bytes of a row; what has more is no row but a quote that nothing closes, or no table.
const LONGEST: usize = 16 << 20;

/// A part of a file.
pub(super) struct Part {
    /// The header and some rows.
    pub(super) bytes: Vec<u8>,
    /// Lines of the file between the header and these rows.
    pub(super) before: usize,
}

/// The rows of a file.
pub(super) struct Records<R: Read> {
    reader: BufReader<R>,
    name: String,
    header: Vec<u8>,
    rows: usize,
    /// Whether a part has been handed out: a file without rows is one part without rows.
    has_begun: bool,
    lines: usize,
    /// Lines of the header.
    head: usize,
    bytes: u64,
    size: u64,
}

impl Records<std::fs::File> {
    /// Reads the header; a part shall have at most `rows` rows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn new(file: std::fs::File, name: &str, rows: usize) -> Result<Self, String> {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        Self::of(file, name, rows, size)
    }
}

impl<R: Read> Records<R> {
    fn of(source: R, name: &str, rows: usize, size: u64) -> Result<Self, String> {
        let mut records = Self {
            reader: BufReader::with_capacity(1 << 16, source),
            name: name.to_owned(),
            header: Vec::new(),
            rows,
            has_begun: false,
            lines: 0,
            head: 0,
            bytes: 0,
            size,
        };
        let mut header = Vec::new();
        records.record(&mut header)?;
        records.head = std::mem::take(&mut records.lines);
        records.header = header;
        Ok(records)
    }

    /// The next part; none at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Part>, String> {
        let (mut bytes, before) = (self.header.clone(), self.lines);
        let mut rows = 0;
        while rows < self.rows && self.record(&mut bytes)? {
            rows += 1;
        }
        if rows == 0 && self.has_begun {
            return Ok(None);
        }
        self.has_begun = true;
        Ok(Some(Part { bytes, before }))
    }

    /// How much was read, from 0 to 1; of a stream nobody knows.
    pub(super) fn read(&self) -> f64 {
        if self.size == 0 {
            return 0.0;
        }
        (self.bytes as f64 / self.size as f64).min(1.0)
    }

    /// Adds the next row to `bytes`: to the first line break that is not within quotes. False at the end of the file.
    fn record(&mut self, bytes: &mut Vec<u8>) -> Result<bool, String> {
        let (from, first) = (bytes.len(), self.head + self.lines + 1);
        let mut quotes = 0;
        loop {
            let begin = bytes.len();
            let room = (LONGEST + 1).saturating_sub(begin - from);
            let mut line = self.reader.by_ref().take(room as u64);
            let read = line.read_until(b'\n', bytes);
            let read = read.map_err(|error| format!("cannot read {}: {error}", self.name))?;
            self.bytes += read as u64;
            self.lines += usize::from(read > 0);
            quotes += bytes[begin..].iter().filter(|byte| **byte == b'"').count();
            if read == 0 && self.bytes < self.size {
                return Err(format!("{} became shorter while it was read", self.name));
            }
            let is_closed = quotes.is_multiple_of(2);
            if bytes.len() - from > LONGEST || (read == 0 && !is_closed) {
                return Err(self.no_row(first, is_closed));
            }
            if read == 0 || is_closed {
                return Ok(bytes.len() > from);
            }
        }
    }

    /// What is wrong with a row that does not end.
    fn no_row(&self, line: usize, is_closed: bool) -> String {
        let name = &self.name;
        match is_closed {
            true => format!(
                "{name} is not a table: line {line} has more than {} MiB",
                LONGEST >> 20
            ),
            false => format!(
                "{name} is not a table: a quote opens in the row that begins in line {line}, and nothing closes it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, rows: usize) -> Vec<(String, usize)> {
        let size = text.len() as u64;
        let mut records = Records::of(text.as_bytes(), "t.csv", rows, size).expect("records");
        let mut parts = Vec::new();
        while let Some(part) = records.next().expect("a part") {
            parts.push((String::from_utf8(part.bytes).expect("a text"), part.before));
        }
        assert!(text.is_empty() || records.read() == 1.0);
        parts
    }

    #[test]
    fn a_file_that_became_shorter_is_no_whole_one() {
        let mut records = Records::of(&b"a\n1\n"[..], "t.csv", 9, 99).expect("records");
        let told = records.next().err().expect("a fault");
        assert_eq!(told, "t.csv became shorter while it was read");
    }

    #[test]
    fn a_quote_that_nothing_closes_is_told_with_its_row() {
        let rest = "2,y\n".repeat(LONGEST / 2);
        for rest in ["", "2,y\n", &rest] {
            let text = format!("a,b\n1,x\n1,5\"\n{rest}");
            let size = text.len() as u64;
            let mut records = Records::of(text.as_bytes(), "t.csv", 9, size).expect("records");
            let told = records.next().err().expect("a fault");
            let expect = "t.csv is not a table: a quote opens in the row that begins in line 3, and nothing closes it";
            assert_eq!(told, expect);
        }
        let wide = "x".repeat(LONGEST + 1);
        let told = Records::of(wide.as_bytes(), "t.csv", 9, wide.len() as u64).err();
        assert_eq!(
            told.expect("a fault"),
            "t.csv is not a table: line 1 has more than 16 MiB"
        );
    }

    #[test]
    fn each_part_is_a_file_of_its_own() {
        let check = |text: &str, expect: &[(&str, usize)]| {
            let expect = expect
                .iter()
                .map(|(text, lines)| ((*text).to_owned(), *lines));
            assert_eq!(parts(text, 2), expect.collect::<Vec<_>>(), "{text:?}");
        };
        check(
            "a,b\n1,2\n3,4\n5,6\n",
            &[("a,b\n1,2\n3,4\n", 0), ("a,b\n5,6\n", 2)],
        );
        check(
            "a\n\"x\n\"\"y\"\nz\nlast",
            &[("a\n\"x\n\"\"y\"\nz\n", 0), ("a\nlast", 3)],
        );
        check("a,b\n", &[("a,b\n", 0)]);
        check("", &[("", 0)]);
    }
}
