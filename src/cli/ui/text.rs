//! Texts made fit for a line: their width on a terminal, shortened, and without characters that would break it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns a text without ANSI sequences takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Columns a styled text takes on a terminal.
pub(crate) fn styled_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(width).sum()
}

/// Adds blanks until `text`, styled or not, takes `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(styled_width(text));
    format!("{text}{:blanks$}", "")
}

/// Puts blanks before `text` until it takes `columns`.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(styled_width(text));
    format!("{:blanks$}{text}", "")
}

/// Makes `text` one line of at most `columns`: control characters are escaped, what is too long ends in `…`.
pub(crate) fn one_line(text: &str, columns: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    shorten(&line, columns)
}

/// Cuts `text` to at most `columns`, the last of them `…` when something was cut off.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let kept = text.chars().take_while(|c| {
        let fits = c.width().unwrap_or(0) <= room;
        room = room.saturating_sub(c.width().unwrap_or(0));
        fits
    });
    kept.chain(['…']).collect()
}

/// `1 stage`, `4 stages`, `10,000 stages`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A whole number with its digits in groups of three: `10,000`.
pub(crate) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("a\nb\tc\u{1b}[31m\n", 80), "a\\nb\\tc\\u{1b}[31m");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line("表表表", 4), "表…");
        assert_eq!(one_line("", 4), "");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(count(1, "stage"), "1 stage");
        assert_eq!(count(0, "stage"), "0 stages");
        assert_eq!(count(1_234_567, "stage"), "1,234,567 stages");
    }

    #[test]
    fn padding_ignores_ansi_sequences() {
        assert_eq!(pad("\u{1b}[1mab\u{1b}[0m", 4), "\u{1b}[1mab\u{1b}[0m  ");
        assert_eq!(pad_left("表", 4), "  表");
    }
}
