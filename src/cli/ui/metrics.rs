//! What `metrics show` and `metrics diff` say.
//!
//! Files with the same metrics are one table: a file a row and a metric a column, as in DVC, where that fits; else a
//! metric a row and a file a column. Every other file is a section of its own, where what repeats in the file (the
//! scores of each model on each part) is a table.

mod difference;
pub(super) mod grid;
pub(super) mod number;
mod section;

#[cfg(test)]
mod tests;

use hpipe_core::Value;
use hpipe_track::{Comparison, READABLE, group_alike};

pub(crate) use self::difference::{DifferenceTable, FileChanges};
use self::grid::Column;
pub(super) use self::number::{figure, short};
use self::section::section;
use super::Verbosity;

/// Writes the metrics of `files` in at most `columns`, as far as that is possible.
///
/// Of a file of very many metrics the rest is only counted, unless the verbosity is [`Verbosity::Verbose`].
pub(crate) fn metrics_table(
    files: &[(String, Value)],
    columns: usize,
    verbosity: Verbosity,
) -> String {
    let parts: Vec<_> = group_alike(files)
        .iter()
        .flat_map(|group| parts(group, columns, verbosity))
        .collect();
    parts.join("\n")
}

/// One table for a group of files, or a section for each.
fn parts(files: &[(String, Value)], columns: usize, verbosity: Verbosity) -> Vec<String> {
    match side_by_side(files, columns) {
        Some(table) => vec![table],
        None => files
            .iter()
            .map(|(file, content)| section(file, content, columns, verbosity))
            .collect(),
    }
}

/// Several files as one table; none where that is too wide, or of more metrics than one reads.
fn side_by_side(files: &[(String, Value)], columns: usize) -> Option<String> {
    let comparison = Comparison::new(files);
    if files.len() < 2 || comparison.rows.len() > READABLE {
        return None;
    }
    let fit = |table: &Vec<Column>| grid::total(table.iter().map(Column::width)) <= columns;
    let table = [by_file, by_metric]
        .iter()
        .map(|table| table(&comparison))
        .find(fit)?;
    Some(grid::render(table, columns))
}

fn by_file(comparison: &Comparison) -> Vec<Column> {
    let files = Column::of_names("file", comparison.files.iter().map(String::as_str));
    let metrics = comparison.rows.iter().map(|row| {
        let values: Vec<_> = row.values.iter().map(Option::as_ref).collect();
        Column::of_values(&row.metric, &values)
    });
    std::iter::once(files).chain(metrics).collect()
}

fn by_metric(comparison: &Comparison) -> Vec<Column> {
    let metrics = comparison.rows.iter().map(|row| row.metric.as_str());
    let metrics = Column::of_names("metric", metrics);
    let files = comparison.files.iter().enumerate().map(|(place, file)| {
        let values = comparison.rows.iter().map(|row| row.values[place].as_ref());
        Column::of_mixed_values(file, values)
    });
    std::iter::once(metrics).chain(files).collect()
}
