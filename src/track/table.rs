//! Tables that plots are drawn from: CSV, TSV, or lists of mappings in JSON, YAML and TOML.
//!
//! As in DVC, a document may hold its lists anywhere: `{"train": [{"step": 0, "loss": 1.5}, …]}`; lists of mappings with
//! the same keys become the columns of one table, row by row. Beyond DVC a list of plain values is a column under its own
//! key: `{"loss": [1.5, 0.7]}`. Cells of CSV are numbers where they can be read as one.

use hpipe_core::{Mapping, ProjectPath, Value};

use crate::Error;
use crate::read::{ending, read_metrics};

/// Named columns of values, all as long as the longest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataTable {
    columns: Vec<(String, Vec<Value>)>,
}

impl DataTable {
    /// Reads the text of the file `path`, whose ending says its format; of CSV and TSV `header` says whether the first line
    /// names the columns, which else are called `0`, `1`, ….
    ///
    /// An empty cell is [`Value::Null`].
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Table`], [`Error::NoTable`], and those of [`read_metrics`].
    pub fn read(path: &ProjectPath, text: &str, header: bool) -> Result<Self, Error> {
        match ending(path).as_str() {
            "csv" => Self::separated(path, text, ',', header),
            "tsv" => Self::separated(path, text, '\t', header),
            "json" | "yaml" | "yml" | "toml" => Self::document(path, &read_metrics(path, text)?),
            _ => Err(Error::UnknownFormat { path: path.clone() }),
        }
    }

    /// The names of the columns, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The values of a column.
    pub fn column(&self, name: &str) -> Option<&[Value]> {
        let column = self.columns.iter().find(|(known, _)| known == name);
        column.map(|(_, values)| values.as_slice())
    }

    fn separated(path: &ProjectPath, text: &str, mark: char, header: bool) -> Result<Self, Error> {
        let text = text.trim_start_matches('\u{feff}');
        let fault = |line, message: &str| Error::Table {
            path: path.clone(),
            line,
            message: message.to_owned(),
        };
        let mut records =
            records(text, mark).map_err(|line| fault(line, "a quote is not closed"))?;
        if records.is_empty() {
            return Ok(Self::default());
        }
        let names = match header {
            true => records.remove(0).cells,
            false => (0..records[0].cells.len()).map(|i| i.to_string()).collect(),
        };
        let mut columns: Vec<_> = names.into_iter().map(|name| (name, Vec::new())).collect();
        for Record { line, cells } in records {
            if cells
                .iter()
                .skip(columns.len())
                .any(|cell| !cell.is_empty())
            {
                let message = format!(
                    "{} cells, where there are {} columns",
                    cells.len(),
                    columns.len()
                );
                return Err(fault(line, &message));
            }
            let mut cells = cells.iter();
            for (_, values) in &mut columns {
                values.push(cells.next().map_or(Value::Null, |cell| value(cell)));
            }
        }
        Ok(Self { columns })
    }

    fn document(path: &ProjectPath, document: &Value) -> Result<Self, Error> {
        let mut table = Self::default();
        table.collect("", document);
        let longest = table.columns.iter().map(|(_, values)| values.len()).max();
        for (_, values) in &mut table.columns {
            values.resize(longest.unwrap_or(0), Value::Null);
        }
        match longest {
            Some(_) => Ok(table),
            None => Err(Error::NoTable { path: path.clone() }),
        }
    }

    /// Adds what `value`, which stands under `name`, has of columns.
    fn collect(&mut self, name: &str, value: &Value) {
        match value {
            Value::Map(map) => map.iter().for_each(|(key, value)| self.collect(key, value)),
            Value::List(items) => self.list(name, items),
            _ => {}
        }
    }

    fn list(&mut self, name: &str, items: &[Value]) {
        let rows: Vec<_> = items.iter().filter_map(Value::as_map).collect();
        let is_plain = |value: &Value| !matches!(value, Value::Map(_) | Value::List(_));
        if rows.len() == items.len() {
            self.rows(&rows);
        } else if !name.is_empty() && items.iter().all(is_plain) {
            self.set(name, items.to_vec());
        }
    }

    fn rows(&mut self, rows: &[&Mapping]) {
        let Some(first) = rows.first() else {
            return;
        };
        let is_like = |row: &&Mapping| {
            row.len() == first.len() && first.iter().all(|(key, _)| row.get(key).is_some())
        };
        if !rows.iter().all(is_like) {
            return;
        }
        for (key, _) in first.iter() {
            let values = rows
                .iter()
                .map(|row| row.get(key).cloned().unwrap_or_default());
            self.set(key, values.collect());
        }
    }

    /// A column that comes twice counts as it came last, as in DVC.
    fn set(&mut self, name: &str, values: Vec<Value>) {
        match self.columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = values,
            None => self.columns.push((name.to_owned(), values)),
        }
    }
}

/// A line of CSV; in quotes it may go over several lines of the text.
struct Record {
    /// Where it starts, from 1.
    line: usize,
    cells: Vec<String>,
}

/// Takes a text apart as RFC 4180 says; empty lines are left out. The error is the line of a quote that is not closed.
fn records(text: &str, mark: char) -> Result<Vec<Record>, usize> {
    let mut records = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (cells, after) = record(rest, mark).ok_or(line)?;
        if cells.len() > 1 || !cells[0].is_empty() {
            records.push(Record { line, cells });
        }
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    Ok(records)
}

/// The cells of the first record, and what follows it; none when a quote is not closed.
fn record(text: &str, mark: char) -> Option<(Vec<String>, &str)> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => (String::new(), rest),
        };
        let end = after.find([mark, '\n']).unwrap_or(after.len());
        let (plain, after) = after.split_at(end);
        let is_last = !after.starts_with(mark);
        let plain = if is_last {
            plain.trim_end_matches('\r')
        } else {
            plain
        };
        cells.push(cell + plain);
        rest = after.get(1..).unwrap_or_default();
        if is_last {
            return Some((cells, rest));
        }
    }
}

/// What stands before the closing quote, and what follows it.
fn quoted_cell(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return Some((cell, after)),
        }
    }
}

/// A cell as a number, if it is one.
fn value(cell: &str) -> Value {
    let text = cell.trim();
    match (text.parse::<i64>(), text.parse::<f64>()) {
        _ if text.is_empty() => Value::Null,
        (Ok(number), _) => Value::Int(number.into()),
        (_, Ok(number)) => Value::Float(number),
        _ => Value::Text(cell.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str, header: bool) -> String {
        match DataTable::read(&ProjectPath::new(path), text, header) {
            Ok(table) => {
                let columns = table.columns.iter();
                let columns = columns.map(|(name, values)| {
                    let values: Vec<_> = values.iter().map(Value::to_string).collect();
                    format!("{name}: {}", values.join(" "))
                });
                columns.collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_csv_and_tsv() {
        for (text, expect) in [
            ("step,loss\n1,0.5\n2,nan\n", "step: 1 2; loss: 0.5 .nan"),
            ("\u{feff}a,b\r\n1,x y\r\n", "a: 1; b: x y"),
            ("a,b\n\"1, \"\"2\"\"\nlast\",3", "a: 1, \"2\"\nlast; b: 3"),
            ("a,b\n1\n\n2,,\n", "a: 1 2; b: null null"),
            ("", ""),
            ("a,b\n", "a: ; b: "),
            ("a\n\"open", "read t.csv: line 2: a quote is not closed"),
            (
                "a\n\n1,2",
                "read t.csv: line 3: 2 cells, where there are 1 columns",
            ),
        ] {
            assert_eq!(told("t.csv", text, true), expect, "{text}");
        }
        assert_eq!(told("t.tsv", "a\tb\n1\t2,5\n", true), "a: 1; b: 2,5");
        assert_eq!(told("t.csv", "1,2\n3,4\n", false), "0: 1 3; 1: 2 4");
    }

    #[test]
    fn reads_lists_wherever_they_stand() {
        for (text, expect) in [
            (
                r#"[{"x": 1, "y": 2.5}, {"y": 3, "x": 2}]"#,
                "x: 1 2; y: 2.5 3",
            ),
            (
                r#"{"n": 1, "roc": {"points": [{"fpr": 0, "tpr": 1}]}}"#,
                "fpr: 0; tpr: 1",
            ),
            (
                r#"{"a": [{"x": 1}, {"x": 2}], "b": [{"y": 5}]}"#,
                "x: 1 2; y: 5 null",
            ),
            (r#"{"loss": [1.5, NaN]}"#, "loss: 1.5 .nan"),
            (
                r#"[{"x": 1}, {"y": 2}]"#,
                "read t.json: it holds no table: no list of mappings with the same keys",
            ),
            (
                r#"{"rmse": 1}"#,
                "read t.json: it holds no table: no list of mappings with the same keys",
            ),
        ] {
            assert_eq!(told("t.json", text, true), expect, "{text}");
        }
        assert_eq!(told("t.yaml", "- {x: 1}\n- {x: 2}\n", true), "x: 1 2");
        assert_eq!(told("t.toml", "[[step]]\nloss = 1\n", true), "loss: 1");
        assert_eq!(
            told("t.md", "", true),
            "draw t.md: its name ends in none of .csv, .tsv, .json, .yaml, .yml, .toml and those of images"
        );
    }
}
