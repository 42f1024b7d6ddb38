//! Metrics as cells of a table: with the digits that tell something.

use hpipe_core::Value;

use crate::ui::text::one_line;

/// Significant digits of the largest number of a column.
pub(super) const DIGITS: i32 = 5;

/// A column of cells; numbers of about the same size have the same decimals, so that they line up.
pub(super) fn column(values: &[Option<&Value>]) -> Vec<String> {
    let decimals = common_decimals(values);
    let cell_of = |value: &Option<&Value>| match (value, decimals) {
        (Some(Value::Float(x)), Some(decimals)) if x.is_finite() => format!("{x:.decimals$}"),
        _ => cell(*value),
    };
    values.iter().map(cell_of).collect()
}

/// A value alone, of at most `columns`.
pub(super) fn alone(value: &Value, columns: usize) -> String {
    match value {
        Value::Float(x) if x.is_nan() => "NaN".to_owned(),
        Value::Float(x) if x.is_finite() => number(*x),
        value => one_line(&value.to_string(), columns),
    }
}

/// A metric in a sentence.
pub(in crate::ui) fn figure(x: f64) -> String {
    alone(&Value::Float(x), 30)
}

/// A value in a sentence: floats with the digits that tell something.
pub(in crate::ui) fn short(value: &Value) -> String {
    alone(value, 60)
}

/// A value among others; `-` for none.
pub(in crate::ui) fn cell(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| alone(value, 30))
}

/// The decimals that show the largest number with [`DIGITS`] digits, or fewer where all end before; none where the
/// numbers are of different sizes.
fn common_decimals(values: &[Option<&Value>]) -> Option<usize> {
    let numbers = || {
        values.iter().filter_map(|value| match value {
            Some(Value::Float(x)) if x.is_finite() && *x != 0.0 => Some(*x),
            _ => None,
        })
    };
    let largest = numbers().map(magnitude).max()?;
    let smallest = numbers().map(magnitude).min()?;
    if largest - smallest > 1 || !is_plain(largest) || !is_plain(smallest) {
        return None;
    }
    let decimals = decimals_of(largest);
    numbers().map(|x| needed(x, decimals)).max()
}

/// How many of `decimals` come before the zeros at the end.
fn needed(x: f64, decimals: usize) -> usize {
    let text = format!("{x:.decimals$}");
    without_zeros(&text)
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

/// A number with [`DIGITS`] significant digits; in scientific notation where zeros would fill the cell.
fn number(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = magnitude(x);
    if !is_plain(magnitude) {
        let text = format!("{x:.4e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(digits));
    }
    let decimals = decimals_of(magnitude);
    without_zeros(&format!("{x:.decimals$}")).to_owned()
}

/// The power of ten of the first digit.
pub(super) fn magnitude(x: f64) -> i32 {
    x.abs().log10().floor() as i32
}

fn is_plain(magnitude: i32) -> bool {
    (-4..=8).contains(&magnitude)
}

fn decimals_of(magnitude: i32) -> usize {
    (DIGITS - 1 - magnitude).max(0) as usize
}

/// A decimal fraction without zeros at its end.
pub(super) fn without_zeros(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[track_caller]
    fn check_column(numbers: &[f64], expect: &[&str]) {
        let values: Vec<_> = numbers.iter().map(|x| Value::Float(*x)).collect();
        let values: Vec<_> = values.iter().map(Some).collect();
        assert_eq!(column(&values), expect);
    }

    #[test]
    fn numbers_of_a_size_line_up() {
        check_column(&[0.6404, 0.640_51, 0.0], &["0.64040", "0.64051", "0.00000"]);
        check_column(&[0.98765, 1.023_456], &["0.9877", "1.0235"]);
        check_column(&[0.5, 0.25, f64::NAN], &["0.50", "0.25", "NaN"]);
        check_column(&[3.0, 20.0], &["3", "20"]);
    }

    #[test]
    fn numbers_of_different_sizes_keep_their_own_digits() {
        check_column(&[0.701_23, 12.5], &["0.70123", "12.5"]);
        check_column(&[1e-9, 2e-9], &["1e-9", "2e-9"]);
    }
}
