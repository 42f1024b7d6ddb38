//! Readable reports: headings, paragraphs and tables in Markdown that also read well as plain text.

use std::fmt::Write;

/// A report that grows from top to bottom.
#[derive(Debug, Default)]
pub(crate) struct Markdown(String);

impl Markdown {
    /// A heading; level 1 is the title.
    pub(crate) fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.block(text);
    }

    /// A table with aligned columns: figures to the right, words to the left. Nothing when there are no rows.
    pub(crate) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let header: Vec<String> = header.iter().map(|text| cell(text)).collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|text| cell(text)).collect())
            .collect();
        let columns: Vec<Layout> = (0..header.len())
            .map(|i| Layout::of(&header[i], rows.iter().filter_map(|row| row.get(i))))
            .collect();
        let line = |cells: &[String]| {
            let padded = cells
                .iter()
                .zip(&columns)
                .map(|(text, column)| column.pad(text));
            format!("|{}", padded.collect::<String>())
        };
        let rule: String = columns.iter().map(Layout::rule).collect();
        let mut lines = vec![line(&header), format!("|{rule}")];
        lines.extend(rows.iter().map(|row| line(row)));
        self.block(&lines.join("\n"));
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn block(&mut self, text: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{gap}{text}");
    }
}

/// How a column of a table is laid out.
struct Layout {
    width: usize,
    figures: bool,
}

impl Layout {
    /// As wide as the widest cell, and at least three; to the right when no cell holds a word.
    fn of<'a>(header: &'a String, cells: impl Iterator<Item = &'a String> + Clone) -> Self {
        // an `e` is an exponent's
        let is_word = |text: &String| text.chars().any(|c| c.is_alphabetic() && c != 'e');
        let widths = cells
            .clone()
            .chain([header])
            .map(|text| text.chars().count());
        Self {
            width: widths.max().unwrap_or(0).max(3),
            figures: !cells.clone().any(is_word) && cells.clone().any(|text| !text.is_empty()),
        }
    }

    fn pad(&self, text: &str) -> String {
        let width = self.width;
        if self.figures {
            format!(" {text:>width$} |")
        } else {
            format!(" {text:<width$} |")
        }
    }

    fn rule(&self) -> String {
        let dashes = "-".repeat(self.width - 1);
        format!(" {dashes}{} |", if self.figures { ':' } else { '-' })
    }
}

/// A figure for a person: four significant digits, thousands as they are, whole numbers without a point.
pub(crate) fn figure(x: f64) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        return format!("{x:.0}");
    }
    let magnitude = x.abs().log10().floor();
    if (-4.0..6.0).contains(&magnitude) {
        let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.3e}")
    }
}

/// A figure, or a dash where there is none.
pub(crate) fn figure_or_dash(x: Option<f64>) -> String {
    x.map_or_else(|| "–".to_owned(), figure)
}

/// So many things: `1 row`, `207 rows`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A fraction as a percentage: `4.68 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let mut report = Markdown::default();
        report.heading(1, "Title");
        report.table(
            &["name", "n"],
            &[
                vec!["a|b".into(), "1".into()],
                vec!["é".into(), "12345".into()],
            ],
        );
        report.table(&["empty"], &[]);
        insta::assert_snapshot!(report.as_str(), @r"
        # Title

        | name |     n |
        | ---- | ----: |
        | a\|b |     1 |
        | é    | 12345 |
        ");
    }

    #[test]
    fn figures_have_four_digits() {
        let check = |x, expect| assert_eq!(figure(x), expect);
        check(0.699_96, "0.7000");
        check(12_345.678, "12346");
        check(20_640.0, "20640");
        check(-0.001_234_56, "-0.001235");
        check(1.5e-9, "1.500e-9");
        check(f64::INFINITY, "inf");
        assert_eq!(
            (figure_or_dash(None), percent(0.0468)),
            ("–".into(), "4.68 %".into())
        );
    }
}
