//! A grid of character cells that boxes and lines are drawn into.

use anstyle::Style;

use super::Label;
use crate::ui::style;

/// Cells, growing as they are drawn into.
pub(super) struct Canvas {
    rows: Vec<Vec<Cell>>,
    ascii: bool,
}

/// What one cell shows.
#[derive(Clone, Default)]
struct Cell {
    text: String,
    style: Style,
}

impl Canvas {
    /// An empty canvas.
    pub(super) const fn new(ascii: bool) -> Self {
        Self {
            rows: Vec::new(),
            ascii,
        }
    }

    /// Draws a piece of a line between boxes.
    pub(super) fn line(&mut self, row: usize, column: usize, glyph: char) {
        self.put(row, column, glyph, style::FAINT);
    }

    /// Draws a box of three rows, from its first to its last column, around a label.
    pub(super) fn boxed(
        &mut self,
        top: usize,
        (left, right): (usize, usize),
        label: Label,
        color: Style,
    ) {
        for (row, [first, between, last]) in [['╭', '─', '╮'], ['│', ' ', '│'], ['╰', '─', '╯']]
            .into_iter()
            .enumerate()
        {
            self.put(top + row, left, first, color);
            (left + 1..right).for_each(|column| self.put(top + row, column, between, color));
            self.put(top + row, right, last, color);
        }
        let mut column = left + 2 + (right - left - 3 - label.width()) / 2;
        if let Some(mark) = label.mark {
            self.set(top + 1, column, mark.to_string(), color);
            column += 2;
        }
        self.write(top + 1, column, label.name);
    }

    /// Opens the lower edge of a box where a line leaves it.
    pub(super) fn outlet(&mut self, row: usize, column: usize) {
        let (edge, outlet) = (glyph('─', self.ascii), glyph('┬', self.ascii));
        let drawn = self.cell(row, column);
        if drawn.text == edge {
            drawn.text = outlet;
        }
    }

    /// Writes a text; its cells hold nothing else.
    fn write(&mut self, row: usize, column: usize, text: String) {
        let covered = column + 1..column + crate::ui::width(&text);
        covered.for_each(|column| self.set(row, column, String::new(), Style::new()));
        self.set(row, column, text, style::NAME);
    }

    fn put(&mut self, row: usize, column: usize, drawn: char, style: Style) {
        let text = glyph(drawn, self.ascii);
        self.set(row, column, text, style);
    }

    fn set(&mut self, row: usize, column: usize, text: String, style: Style) {
        *self.cell(row, column) = Cell { text, style };
    }

    fn cell(&mut self, row: usize, column: usize) -> &mut Cell {
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, Vec::new);
        }
        let cells = &mut self.rows[row];
        if cells.len() <= column {
            let blank = Cell {
                text: " ".to_owned(),
                style: Style::new(),
            };
            cells.resize(column + 1, blank);
        }
        &mut cells[column]
    }

    /// The rows as lines, without blanks at their ends.
    pub(super) fn render(&self) -> String {
        let lines = self.rows.iter().map(|cells| render_row(cells) + "\n");
        lines.collect()
    }
}

/// A row, with one ANSI sequence for each run of cells of one style.
fn render_row(cells: &[Cell]) -> String {
    let end = cells
        .iter()
        .rposition(|cell| cell.text != " ")
        .map_or(0, |last| last + 1);
    let runs = cells[..end].chunk_by(|a, b| a.style == b.style);
    runs.map(|run| {
        let text: String = run.iter().map(|cell| cell.text.as_str()).collect();
        match run[0].style.is_plain() || text.trim().is_empty() {
            true => text,
            false => style::paint(run[0].style, &text),
        }
    })
    .collect()
}

fn glyph(drawn: char, ascii: bool) -> String {
    match (drawn, ascii) {
        ('─', true) => '-',
        ('│', true) => '|',
        ('▼', true) => 'v',
        ('╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼', true) => '+',
        (drawn, _) => drawn,
    }
    .to_string()
}
