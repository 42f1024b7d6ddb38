//! What `metrics show` says: a table of files and metrics.
//!
//! A file a row and a metric a column, as in DVC, where that fits; else a metric a row and a file a column; else file
//! after file, a metric a line.

use hpipe_core::Value;
use hpipe_track::{Comparison, Depth};

use super::text::{count, one_line, pad, pad_left, width};
use super::{Verbosity, style};

/// Writes the metrics of `files` as a table of at most `columns`, as far as that is possible.
///
/// What lies deep in a file of very many metrics is only counted, unless the verbosity is [`Verbosity::Verbose`].
pub(crate) fn metrics_table(
    files: &[(String, Value)],
    columns: usize,
    verbosity: Verbosity,
) -> String {
    let depth = match verbosity {
        Verbosity::Verbose => Depth::All,
        _ => Depth::Readable,
    };
    table(&Comparison::new(files, depth), columns)
}

fn table(comparison: &Comparison, columns: usize) -> String {
    if comparison.rows.is_empty() {
        return format!("no metrics in {}", count(comparison.files.len(), "file"));
    }
    let tables = [by_file, by_metric];
    let fitting = tables
        .iter()
        .map(|table| table(comparison))
        .find(|table| table.width() <= columns);
    let mut text = match fitting {
        Some(table) => table.render(),
        None => file_after_file(comparison),
    };
    if comparison.left_out > 0 {
        let note = format!(
            "{} further down left out (-v shows them)",
            count(comparison.left_out, "metric")
        );
        text.push_str(&style::paint(style::FAINT, &note));
    }
    text
}

/// A table with a heading; the first column holds names, the others values.
struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn widths(&self) -> Vec<usize> {
        let cells = |column: usize| {
            self.rows
                .iter()
                .chain([&self.heading])
                .map(move |row| width(&row[column]))
        };
        (0..self.heading.len())
            .map(|column| cells(column).max().unwrap_or(0))
            .collect()
    }

    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * (widths.len() - 1)
    }

    fn render(&self) -> String {
        let widths = self.widths();
        let heading: Vec<_> = self
            .heading
            .iter()
            .map(|cell| style::paint(style::NAME, cell))
            .collect();
        let rows = std::iter::once(&heading).chain(&self.rows);
        rows.map(|row| render_row(row, &widths)).collect()
    }
}

/// The first cell to the left, the others to the right.
fn render_row(row: &[String], widths: &[usize]) -> String {
    let mut line = pad(&row[0], widths[0]);
    for (cell, width) in row.iter().zip(widths).skip(1) {
        line.push_str("  ");
        line.push_str(&pad_left(cell, *width));
    }
    line.truncate(line.trim_end().len());
    line + "\n"
}

fn by_file(comparison: &Comparison) -> Table {
    let metrics = comparison.rows.iter().map(|row| row.metric.clone());
    let row = |(column, file): (usize, &String)| {
        let values = comparison
            .rows
            .iter()
            .map(|row| cell(row.values[column].as_ref()));
        std::iter::once(file.clone()).chain(values).collect()
    };
    Table {
        heading: std::iter::once("file".to_owned()).chain(metrics).collect(),
        rows: comparison.files.iter().enumerate().map(row).collect(),
    }
}

fn by_metric(comparison: &Comparison) -> Table {
    let files = comparison.files.iter().cloned();
    let row = |row: &hpipe_track::Row| {
        let values = row.values.iter().map(|value| cell(value.as_ref()));
        std::iter::once(row.metric.clone()).chain(values).collect()
    };
    Table {
        heading: std::iter::once("metric".to_owned()).chain(files).collect(),
        rows: comparison.rows.iter().map(row).collect(),
    }
}

fn file_after_file(comparison: &Comparison) -> String {
    let names = comparison
        .rows
        .iter()
        .map(|row| width(&row.metric))
        .max()
        .unwrap_or(0);
    let block = |(column, file): (usize, &String)| {
        let of_file = comparison
            .rows
            .iter()
            .filter_map(move |row| Some((&row.metric, row.values[column].as_ref()?)));
        let lines = of_file.map(move |(metric, value)| {
            format!("  {}  {}\n", pad(metric, names), cell(Some(value)))
        });
        std::iter::once(format!("{}\n", style::paint(style::NAME, file))).chain(lines)
    };
    comparison
        .files
        .iter()
        .enumerate()
        .flat_map(block)
        .collect()
}

/// A value with the digits that tell something; `-` for none.
fn cell(value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::Float(x)) if x.is_nan() => "NaN".to_owned(),
        Some(Value::Float(x)) if x.is_finite() => number(*x),
        Some(value) => one_line(&value.to_string(), 30),
    }
}

/// A number with five significant digits; in scientific notation where zeros would fill the cell.
fn number(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-4..=8).contains(&magnitude) {
        let text = format!("{x:.4e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(digits));
    }
    let decimals = (4 - magnitude).max(0) as usize;
    without_zeros(&format!("{x:.decimals$}")).to_owned()
}

/// A decimal fraction without zeros at its end.
fn without_zeros(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::ProjectPath;

    fn show(files: &[(&str, &str)], columns: usize) -> String {
        let read = |(file, text): &(&str, &str)| {
            let value = hpipe_track::read_metrics(&ProjectPath::new(file), text);
            ((*file).to_owned(), value.expect("the file is readable"))
        };
        let files: Vec<_> = files.iter().map(read).collect();
        let text = metrics_table(&files, columns, Verbosity::Normal);
        anstream::adapter::strip_str(&text).to_string()
    }

    const FILES: [(&str, &str); 2] = [
        (
            "metrics/lasso.json",
            r#"{"test": {"rmse": 0.70123456, "r2": 0.62}, "n": 4128}"#,
        ),
        (
            "metrics/ridge.json",
            r#"{"test": {"rmse": 12.5, "r2": -1e-7}, "ok": true}"#,
        ),
    ];

    #[test]
    fn a_file_is_a_row_where_that_fits() {
        insta::assert_snapshot!(show(&FILES, 80), @r"
        file                test.rmse  test.r2     n    ok
        metrics/lasso.json    0.70123     0.62  4128     -
        metrics/ridge.json       12.5    -1e-7     -  true
        ");
    }

    #[test]
    fn a_metric_is_a_row_where_files_do_not_fit() {
        insta::assert_snapshot!(show(&FILES, 50), @r"
        file                test.rmse  test.r2     n    ok
        metrics/lasso.json    0.70123     0.62  4128     -
        metrics/ridge.json       12.5    -1e-7     -  true
        ");
    }

    #[test]
    fn file_follows_file_where_nothing_fits() {
        insta::assert_snapshot!(show(&FILES, 30), @r"
        metrics/lasso.json
          test.rmse  0.70123
          test.r2    0.62
          n          4128
        metrics/ridge.json
          test.rmse  12.5
          test.r2    -1e-7
          ok         true
        ");
    }

    #[test]
    fn what_lies_deep_is_counted() {
        let deciles: Vec<_> = (0..50).map(|i| format!("\"d{i}\": {i}")).collect();
        let text = format!(r#"{{"rmse": 1, "residuals": {{{}}}}}"#, deciles.join(","));
        insta::assert_snapshot!(show(&[("m.json", &text)], 80), @r"
        file    rmse
        m.json     1
        50 metrics further down left out (-v shows them)
        ");
        insta::assert_snapshot!(show(&[("m.json", "[]")], 80), @"no metrics in 1 file");
    }

    #[test]
    fn numbers_keep_the_digits_that_tell_something() {
        for (x, expect) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.701_234_56, "0.70123"),
            (-12.345_678, "-12.346"),
            (123_456.7, "123457"),
            (0.000_123_456, "0.00012346"),
            (1.5e-7, "1.5e-7"),
            (9.876_54e12, "9.8765e12"),
        ] {
            assert_eq!(number(x), expect);
        }
    }
}
