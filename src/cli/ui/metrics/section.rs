//! One metrics file: what is single in lines, what repeats in tables, the rest counted.

use hpipe_core::Value;
use hpipe_track::{Depth, Overview, Table};

use super::grid::{self, Column};
use super::number;
use crate::ui::text::{grouped, pad, width};
use crate::ui::{Verbosity, style};

/// Columns before everything that stands under the name of a file.
const INDENT: usize = 2;

/// Writes a file under its name.
pub(super) fn section(file: &str, content: &Value, columns: usize, verbosity: Verbosity) -> String {
    let depth = match verbosity {
        Verbosity::Verbose => Depth::All,
        _ => Depth::Readable,
    };
    let overview = Overview::new(content, depth);
    let heading = format!("{}\n", style::paint(style::NAME, &grid::whole(file)));
    heading + &indented(&body(&overview, columns.saturating_sub(INDENT), depth))
}

fn indented(text: &str) -> String {
    let indent = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{:INDENT$}{line}\n", ""),
    };
    text.lines().map(indent).collect()
}

fn body(overview: &Overview<'_>, columns: usize, depth: Depth) -> String {
    if overview.is_empty() {
        return style::paint(style::FAINT, "no metrics");
    }
    let mut parts = vec![lines(&overview.lines, columns)];
    let mut left_out = overview.left_out;
    for table in &overview.tables {
        let mut blocks = blocks(table, columns);
        if depth == Depth::Readable {
            let beyond = blocks.drain(1..).flatten();
            left_out += beyond.map(|column| present(table, column)).sum::<usize>();
        }
        parts.extend(blocks.iter().map(|block| render(table, block, columns)));
    }
    parts.extend((left_out > 0).then(|| note(left_out)));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn note(left_out: usize) -> String {
    let noun = if left_out == 1 { "metric" } else { "metrics" };
    let note = format!("{} more {noun} (-v shows them)", grouped(left_out));
    style::paint(style::FAINT, &note)
}

/// A metric a line, its value in the second column.
fn lines(lines: &[(String, &Value)], columns: usize) -> String {
    let names = lines.iter().map(|(metric, _)| width(&grid::whole(metric)));
    let names = names.max().unwrap_or(0);
    let room = columns.saturating_sub(names + 2).max(20);
    let line = |(metric, value): &(String, &Value)| {
        let line = format!(
            "{}  {}",
            pad(&grid::whole(metric), names),
            number::alone(value, room)
        );
        format!("{}\n", line.trim())
    };
    lines.iter().map(line).collect()
}

/// Number of rows that have the metric.
fn present(table: &Table<'_>, column: usize) -> usize {
    table
        .rows
        .iter()
        .filter(|row| row.values[column].is_some())
        .count()
}

fn labels(table: &Table<'_>) -> Vec<Column> {
    let label = |(place, heading): (usize, &String)| {
        Column::of_names(heading, table.rows.iter().map(|row| row.labels[place]))
    };
    table.labels.iter().enumerate().map(label).collect()
}

fn metric(table: &Table<'_>, column: usize) -> Column {
    let values: Vec<_> = table.rows.iter().map(|row| row.values[column]).collect();
    Column::of_values(&table.columns[column], &values)
}

fn render(table: &Table<'_>, block: &[usize], columns: usize) -> String {
    let metrics = block.iter().map(|column| metric(table, *column));
    grid::render(labels(table).into_iter().chain(metrics).collect(), columns)
}

/// The columns of `table`, at least one, in blocks that fit beside the labels: the upper levels of the file first, and
/// siblings in one block where possible.
fn blocks(table: &Table<'_>, columns: usize) -> Vec<Vec<usize>> {
    let labels = labels(table)
        .into_iter()
        .map(|label| label.broken().width());
    let labels: Vec<_> = labels.collect();
    let widths: Vec<_> = (0..table.columns.len())
        .map(|column| metric(table, column).broken().width())
        .collect();
    let fit = |block: &[usize]| {
        let metrics = block.iter().map(|column| widths[*column]);
        grid::total(labels.iter().copied().chain(metrics)) <= columns
    };
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    for siblings in siblings(&table.columns) {
        let pieces = match fit(&siblings) {
            true => vec![siblings],
            false => siblings.chunks(1).map(<[usize]>::to_vec).collect(),
        };
        for piece in pieces {
            add(&mut blocks, piece, fit);
        }
    }
    blocks.iter_mut().for_each(|block| block.sort_unstable());
    blocks
}

/// Adds `piece` to the last block if it fits there, else as a new block.
fn add(blocks: &mut Vec<Vec<usize>>, piece: Vec<usize>, fit: impl Fn(&[usize]) -> bool) {
    match blocks.last_mut() {
        Some(last) if last.is_empty() || fit(&[last.as_slice(), &piece].concat()) => {
            last.extend(piece);
        }
        _ => blocks.push(piece),
    }
}

/// The columns by the path above them, the uppermost first.
fn siblings(names: &[String]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (column, name) in names.iter().enumerate() {
        let above = name.rsplit_once('.').map_or("", |(above, _)| above);
        match groups.iter_mut().find(|(known, _)| *known == above) {
            Some((_, group)) => group.push(column),
            None => groups.push((above, vec![column])),
        }
    }
    groups.sort_by_key(|(above, _)| match *above {
        "" => 0,
        above => above.split('.').count(),
    });
    groups.into_iter().map(|(_, group)| group).collect()
}
