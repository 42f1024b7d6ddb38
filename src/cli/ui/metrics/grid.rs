//! Columns of text under headings; long headings are broken, for a figure seldom is as wide as its name.

use hpipe_core::Value;

use super::number;
use crate::ui::style;
use crate::ui::text::{one_line, pad, pad_left, width};

/// Blanks between two columns.
const GAP: usize = 2;

/// A column under its heading.
#[derive(Debug, Clone)]
pub(in crate::ui) struct Column {
    /// Its lines.
    heading: Vec<String>,
    cells: Vec<String>,
    is_right: bool,
}

impl Column {
    /// A column of names, to the left.
    pub(in crate::ui) fn of_names<'a>(heading: &str, names: impl Iterator<Item = &'a str>) -> Self {
        Self {
            heading: vec![whole(heading)],
            cells: names.map(whole).collect(),
            is_right: false,
        }
    }

    /// A column of values, to the right unless all are texts.
    pub(in crate::ui) fn of_values(heading: &str, values: &[Option<&Value>]) -> Self {
        let is_text = |value: &&Value| matches!(value, Value::Text(_));
        Self {
            heading: vec![whole(heading)],
            cells: number::column(values),
            is_right: !values.iter().flatten().all(is_text),
        }
    }

    /// A column of values that have nothing in common, to the right.
    pub(in crate::ui) fn of_mixed_values<'a>(
        heading: &str,
        values: impl Iterator<Item = Option<&'a Value>>,
    ) -> Self {
        Self {
            heading: vec![whole(heading)],
            cells: values.map(number::cell).collect(),
            is_right: true,
        }
    }

    /// A column of figures already written, to the right.
    pub(in crate::ui) fn of_figures<'a>(
        heading: &str,
        cells: impl Iterator<Item = &'a str>,
    ) -> Self {
        Self {
            is_right: true,
            ..Self::of_names(heading, cells)
        }
    }

    /// The same column with its heading broken into lines as wide as the cells, at best.
    pub(in crate::ui) fn broken(mut self) -> Self {
        let heading = self.heading.concat();
        let pieces: Vec<_> = heading.split_inclusive(['_', '.', '-', ' ', '/']).collect();
        let cells = self.cells.iter().map(String::as_str);
        let room = cells
            .chain(pieces.iter().copied())
            .map(width)
            .max()
            .unwrap_or(0);
        self.heading = filled(&pieces, room);
        self
    }

    /// Columns that this takes on a terminal.
    pub(in crate::ui) fn width(&self) -> usize {
        let texts = self.heading.iter().chain(&self.cells);
        texts.map(|text| width(text)).max().unwrap_or(0)
    }

    fn align(&self, text: &str, columns: usize) -> String {
        match self.is_right {
            true => pad_left(text, columns),
            false => pad(text, columns),
        }
    }

    /// Lines of its heading, `height` of them, the empty ones first.
    fn heading(&self, height: usize) -> impl Iterator<Item = String> {
        let blank = std::iter::repeat_n(String::new(), height - self.heading.len());
        let painted = self
            .heading
            .iter()
            .map(|line| style::paint(style::NAME, line));
        blank.chain(painted)
    }
}

/// A name in one line; never cut, for the end of a path says most.
pub(in crate::ui) fn whole(name: &str) -> String {
    one_line(name, usize::MAX)
}

/// Lines of as many pieces as fit each.
fn filled(pieces: &[&str], room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width(line) + width(piece) <= room => line.push_str(piece),
            _ => lines.push((*piece).to_owned()),
        }
    }
    lines
}

/// Columns that columns of these widths take together.
pub(in crate::ui) fn total(widths: impl Iterator<Item = usize>) -> usize {
    widths
        .map(|width| width + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

/// Writes columns side by side; with their headings broken if they do not fit otherwise.
pub(in crate::ui) fn render(columns: Vec<Column>, room: usize) -> String {
    match total(columns.iter().map(Column::width)) <= room {
        true => render_as_is(&columns),
        false => render_as_is(&columns.into_iter().map(Column::broken).collect::<Vec<_>>()),
    }
}

fn render_as_is(columns: &[Column]) -> String {
    let height = columns.iter().map(|column| column.heading.len()).max();
    let height = height.unwrap_or(0);
    let columns: Vec<Vec<String>> = columns
        .iter()
        .map(|column| {
            let width = column.width();
            let lines = column.heading(height).chain(column.cells.iter().cloned());
            lines.map(|line| column.align(&line, width)).collect()
        })
        .collect();
    let lines = columns.first().map_or(0, Vec::len);
    (0..lines).map(|line| render_line(&columns, line)).collect()
}

fn render_line(columns: &[Vec<String>], line: usize) -> String {
    let cells: Vec<_> = columns.iter().map(|column| column[line].as_str()).collect();
    format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
}
