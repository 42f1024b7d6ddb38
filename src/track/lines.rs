//! The lines of a plot: which values stand over which, as its definition says.
//!
//! Knows no revisions and no drawing: files are asked from the caller, values are given as they are read.

use std::fmt::Write as _;

use hpipe_core::{ProjectPath, Value};
use hpipe_spec::{PlotSpec, PlotX};

use crate::DataTable;

/// One column drawn over another.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The file of `y`.
    pub file: ProjectPath,
    /// The column drawn to the right; none for the number of the row.
    pub x: Option<String>,
    /// The column drawn upwards.
    pub y: String,
    /// `n_rows` pairs of x and y; a null is a gap.
    pub points: Vec<(Value, Value)>,
}

/// Why the lines of a plot cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file does not have the column.
    #[error("{file} has no column `{column}`, but {}", listed(.known))]
    UnknownColumn {
        /// The file.
        file: ProjectPath,
        /// The column that was asked for.
        column: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// Columns of two files do not have the same number of rows.
    #[error(
        "{x_file} has {x_rows} rows, {y_file} has {y_rows}: they cannot be drawn over each other"
    )]
    DifferentLengths {
        /// The file of x.
        x_file: ProjectPath,
        /// Its rows.
        x_rows: usize,
        /// The file of y.
        y_file: ProjectPath,
        /// Its rows.
        y_rows: usize,
    },
    /// Neither one x for all, nor one for each y.
    #[error("{xs} columns for x and {ys} for y: there must be one x for all, or one for each y")]
    DifferentCounts {
        /// Columns of x.
        xs: usize,
        /// Columns of y.
        ys: usize,
    },
}

/// The columns there are, in a sentence.
fn listed(known: &[String]) -> String {
    let mut text = String::new();
    for (i, name) in known.iter().enumerate() {
        let _ = write!(text, "{}`{name}`", if i > 0 { ", " } else { "" });
    }
    if known.is_empty() {
        "no column at all".to_owned()
    } else {
        text
    }
}

/// The lines of `plot`, in the order of its definition; `tables` holds the files it names as far as they could be read,
/// and what it does not hold is left out.
///
/// # Errors
/// [`LineError`] when the definition does not fit the files.
pub fn lines(plot: &PlotSpec, tables: &[(ProjectPath, DataTable)]) -> Result<Vec<Line>, LineError> {
    let ys = upwards(plot, tables);
    let xs = match &plot.x {
        PlotX::OfFiles(columns) => columns.as_slice(),
        PlotX::Row | PlotX::Column(_) => &[],
    };
    let counts = plot.y.iter().map(|drawn| drawn.columns.len().max(1)).sum();
    if xs.len() > 1 && xs.len() != counts {
        return Err(LineError::DifferentCounts {
            xs: xs.len(),
            ys: counts,
        });
    }
    let lines = ys.into_iter().map(|(place, file, y)| {
        let x = match &plot.x {
            PlotX::Row => None,
            PlotX::Column(column) => Some((file, column.as_str())),
            PlotX::OfFiles(columns) => {
                let of_all = columns.first();
                let x = if columns.len() > 1 {
                    columns.get(place)
                } else {
                    of_all
                };
                x.map(|(file, column)| (file, column.as_str()))
            }
        };
        line(file, y, x, tables)
    });
    lines.filter_map(Result::transpose).collect()
}

/// Every column drawn upwards with its place in the definition and its file.
fn upwards<'a>(
    plot: &'a PlotSpec,
    tables: &'a [(ProjectPath, DataTable)],
) -> Vec<(usize, &'a ProjectPath, &'a str)> {
    let mut place = 0;
    let mut found = Vec::new();
    for drawn in &plot.y {
        let Some(table) = table(tables, &drawn.file) else {
            place += drawn.columns.len().max(1);
            continue;
        };
        let last = table.names().last().copied();
        let named = drawn.columns.iter().map(String::as_str);
        let columns = named.chain(last.filter(|_| drawn.columns.is_empty()));
        for column in columns {
            found.push((place, &drawn.file, column));
            place += 1;
        }
    }
    found
}

fn line(
    file: &ProjectPath,
    y: &str,
    x: Option<(&ProjectPath, &str)>,
    tables: &[(ProjectPath, DataTable)],
) -> Result<Option<Line>, LineError> {
    let Some(ys) = column(tables, file, y)? else {
        return Ok(None);
    };
    let xs: Vec<Value> = match x {
        None => (0..ys.len()).map(|row| Value::Int(row as i128)).collect(),
        Some((x_file, name)) => match column(tables, x_file, name)? {
            Some(xs) if xs.len() == ys.len() => xs.to_vec(),
            Some(xs) => {
                return Err(LineError::DifferentLengths {
                    x_file: x_file.clone(),
                    x_rows: xs.len(),
                    y_file: file.clone(),
                    y_rows: ys.len(),
                });
            }
            None => return Ok(None),
        },
    };
    Ok(Some(Line {
        file: file.clone(),
        x: x.map(|(_, name)| name.to_owned()),
        y: y.to_owned(),
        points: xs.into_iter().zip(ys.iter().cloned()).collect(),
    }))
}

fn table<'a>(tables: &'a [(ProjectPath, DataTable)], file: &ProjectPath) -> Option<&'a DataTable> {
    let found = tables.iter().find(|(known, _)| known == file);
    found.map(|(_, table)| table)
}

/// A column of a file; none when the file could not be read.
fn column<'a>(
    tables: &'a [(ProjectPath, DataTable)],
    file: &ProjectPath,
    name: &str,
) -> Result<Option<&'a [Value]>, LineError> {
    let Some(table) = table(tables, file) else {
        return Ok(None);
    };
    let missing = || LineError::UnknownColumn {
        file: file.clone(),
        column: name.to_owned(),
        known: table.names().into_iter().map(str::to_owned).collect(),
    };
    table.column(name).map(Some).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_spec::PlotColumns;

    fn plot(x: PlotX, y: &[(&str, &[&str])]) -> PlotSpec {
        let y = y.iter().map(|(file, columns)| PlotColumns {
            file: ProjectPath::new(file),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        });
        PlotSpec {
            x,
            y: y.collect(),
            ..PlotSpec::plain("p".to_owned(), ProjectPath::root(), None)
        }
    }

    fn of(columns: &[(&str, &str)]) -> PlotX {
        let pair = |(file, column): &(&str, &str)| (ProjectPath::new(file), (*column).to_owned());
        PlotX::OfFiles(columns.iter().map(pair).collect())
    }

    #[track_caller]
    fn check(plot: &PlotSpec, expect: &str) {
        let read = |path: &str, text: &str| {
            let path = ProjectPath::new(path);
            let table = DataTable::read(&path, text, true).expect("a table");
            (path, table)
        };
        let tables = [
            read("a.csv", "s,l,v\n0,9,8\n1,7,6\n"),
            read("b.csv", "t,w\n5,4\n6,3\n"),
            read("c.csv", "u\n1\n"),
        ];
        let told = match lines(plot, &tables) {
            Ok(lines) => lines
                .iter()
                .map(|line| {
                    let points = line.points.iter().map(|(x, y)| format!("{x},{y}"));
                    format!(
                        "{}:{} {}",
                        line.file,
                        line.y,
                        points.collect::<Vec<_>>().join(" ")
                    )
                })
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expect);
    }

    #[test]
    fn columns_are_drawn_over_rows_a_column_or_columns_of_files() {
        check(&plot(PlotX::Row, &[("a.csv", &[])]), "a.csv:v 0,8 1,6");
        let step = || PlotX::Column("s".to_owned());
        check(
            &plot(step(), &[("a.csv", &["l", "v"])]),
            "a.csv:l 0,9 1,7; a.csv:v 0,8 1,6",
        );
        check(
            &plot(
                of(&[("b.csv", "t")]),
                &[("a.csv", &["l"]), ("b.csv", &["w"])],
            ),
            "a.csv:l 5,9 6,7; b.csv:w 5,4 6,3",
        );
        let each = of(&[("a.csv", "s"), ("b.csv", "t")]);
        check(
            &plot(each, &[("a.csv", &["l"]), ("b.csv", &["w"])]),
            "a.csv:l 0,9 1,7; b.csv:w 5,4 6,3",
        );
    }

    #[test]
    fn a_file_that_was_not_read_is_left_out() {
        check(
            &plot(PlotX::Row, &[("z.csv", &["l"]), ("b.csv", &["w"])]),
            "b.csv:w 0,4 1,3",
        );
        let each = of(&[("z.csv", "s"), ("b.csv", "t")]);
        check(
            &plot(each, &[("z.csv", &["l"]), ("b.csv", &["w"])]),
            "b.csv:w 5,4 6,3",
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        check(
            &plot(PlotX::Row, &[("a.csv", &["loss"])]),
            "a.csv has no column `loss`, but `s`, `l`, `v`",
        );
        check(
            &plot(of(&[("c.csv", "u")]), &[("a.csv", &["l"])]),
            "c.csv has 1 rows, a.csv has 2: they cannot be drawn over each other",
        );
        let two = of(&[("a.csv", "s"), ("b.csv", "t")]);
        check(
            &plot(two, &[("a.csv", &["l"])]),
            "2 columns for x and 1 for y: there must be one x for all, or one for each y",
        );
    }
}
