//! Values in rows and columns, in sections, and as CSV: what `runs` shows.

use std::time::Duration;

use hpipe_core::Value;

use super::metrics::grid::{self, Column};
use super::metrics::number;
use super::text::{one_line, pad, width};
use super::{duration, style};

/// Names with their values; none where there is none.
pub(crate) type NamedValues = Vec<(String, Option<Value>)>;

/// Writes rows under headings, in `room` columns as far as that is possible.
pub(crate) fn value_table(heads: &[String], rows: &[Vec<Option<Value>>], room: usize) -> String {
    let columns = heads.iter().enumerate().map(|(place, head)| {
        let values: Vec<_> = rows.iter().map(|row| row[place].as_ref()).collect();
        Column::of_values(head, &values)
    });
    grid::render(columns.collect(), room)
}

/// Writes rows as CSV, with a line of headings; quoted where that is needed, and empty where there is no value.
pub(crate) fn csv(heads: &[String], rows: &[Vec<Option<Value>>]) -> String {
    let quoted = |text: &str| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let cell = |value: &Option<Value>| match value {
        Some(Value::Float(x)) if x.is_nan() => "nan".to_owned(),
        Some(Value::Float(x)) if x.is_infinite() => {
            if *x > 0.0 { "inf" } else { "-inf" }.to_owned()
        }
        Some(value) => quoted(&value.to_string()),
        None => String::new(),
    };
    let heads: Vec<_> = heads.iter().map(|head| quoted(head)).collect();
    let lines = rows
        .iter()
        .map(|row| row.iter().map(cell).collect::<Vec<_>>());
    std::iter::once(heads)
        .chain(lines)
        .map(|cells| cells.join(",") + "\n")
        .collect()
}

/// Writes names and values under headings; a section without lines is left out, one without a heading is not indented.
pub(crate) fn sections(parts: &[(String, NamedValues)]) -> String {
    let mut text = String::new();
    for (heading, lines) in parts.iter().filter(|(_, lines)| !lines.is_empty()) {
        let indent = if heading.is_empty() { "" } else { "  " };
        if !heading.is_empty() {
            text.extend(["\n", &style::paint(style::NAME, heading), "\n"]);
        }
        let widest = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        for (name, value) in lines {
            let name = pad(&one_line(name, usize::MAX), widest);
            let value = match value {
                Some(Value::Text(text)) => one_line(text, usize::MAX),
                value => number::cell(value.as_ref()),
            };
            let line = format!("{indent}{name}  {value}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// How long something took that took so many seconds.
pub(crate) fn lasted(seconds: f64) -> String {
    duration::format(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_says_what_is_there() {
        let rows = [
            vec![Some(Value::from("a,\"b\"")), Some(Value::Float(0.5))],
            vec![None, Some(Value::Float(f64::NAN))],
        ];
        let heads = ["params.x".to_owned(), "metrics.y".to_owned()];
        assert_eq!(
            csv(&heads, &rows),
            "params.x,metrics.y\n\"a,\"\"b\"\"\",0.5\n,nan\n"
        );
    }

    #[test]
    fn sections_without_lines_are_left_out() {
        let line = |name: &str, value: Value| (name.to_owned(), Some(value));
        let parts = [
            (String::new(), vec![line("run", "abc".into())]),
            ("tags".to_owned(), Vec::new()),
            (
                "metrics".to_owned(),
                vec![line("rmse", Value::Float(0.5)), line("n", Value::Int(3))],
            ),
        ];
        let text = anstream::adapter::strip_str(&sections(&parts)).to_string();
        assert_eq!(text, "run  abc\n\nmetrics\n  rmse  0.5\n  n     3\n");
    }
}
