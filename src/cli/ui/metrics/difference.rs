//! What `metrics diff` says: a change a line, with the digits that tell old and new apart.

use hpipe_core::Value;
use hpipe_track::Change;

use super::grid::{self, Column};
use super::number::{self, magnitude};
use crate::ui::text::one_line;

/// The changes in one metrics file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileChanges {
    /// The file.
    pub(crate) file: String,
    /// The metrics to show.
    pub(crate) changes: Vec<Change>,
}

/// A table of changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DifferenceTable<'a> {
    /// What one of the values is called.
    pub(crate) word: &'a str,
    /// What the old and the new time are called.
    pub(crate) times: [&'a str; 2],
    /// What changed.
    pub(crate) files: &'a [FileChanges],
    /// Digits after the decimal point; else as many as show the change.
    pub(crate) precision: Option<usize>,
    /// Whether there is a column of files.
    pub(crate) with_files: bool,
}

impl DifferenceTable<'_> {
    /// Writes the table in `columns`, as far as that is possible.
    pub(crate) fn text(&self, columns: usize) -> String {
        let rows = self.rows();
        let names = |place: usize| rows.iter().map(move |row| row[place].as_str());
        let [file, metric, old, new, change] = self.headings();
        let files = self.with_files.then(|| Column::of_names(file, names(0)));
        let others = [
            Column::of_names(metric, names(1)),
            Column::of_figures(old, names(2)),
            Column::of_figures(new, names(3)),
            Column::of_figures(change, names(4)),
        ];
        grid::render(files.into_iter().chain(others).collect(), columns)
    }

    /// Writes the table for Markdown.
    pub(crate) fn markdown(&self) -> String {
        let skipped = usize::from(!self.with_files);
        let line = |cells: &[&str]| {
            let cells = cells[skipped..].iter().map(|cell| cell.replace('|', "\\|"));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule = line(&["---", "---", "---:", "---:", "---:"]);
        let rows = self.rows().into_iter();
        let rows = rows.map(|row| line(&row.each_ref().map(String::as_str)));
        [line(&self.headings()), rule]
            .into_iter()
            .chain(rows)
            .collect()
    }

    fn headings(&self) -> [&str; 5] {
        let [old, new] = self.times;
        ["file", self.word, old, new, "change"]
    }

    /// File, metric, old, new and change of each.
    fn rows(&self) -> Vec<[String; 5]> {
        let changes = self.files.iter().flat_map(|file| {
            let changes = file.changes.iter();
            changes.map(|change| (file.file.clone(), change))
        });
        changes
            .map(|(file, change)| {
                let [old, new, delta] = cells(change, self.precision);
                [file, grid::whole(&change.metric), old, new, delta]
            })
            .collect()
    }
}

/// Old, new and their difference.
fn cells(change: &Change, precision: Option<usize>) -> [String; 3] {
    let delta = change.delta();
    let decimals = precision.or_else(|| decimals_that_tell(change, delta.as_ref()));
    let write = |value: Option<&Value>| match (value, decimals) {
        (Some(Value::Float(x)), Some(decimals)) if x.is_finite() => rounded(*x, decimals),
        (Some(Value::Float(x)), None) if x.is_finite() && change.is_change() => exact(*x),
        (Some(Value::Text(text)), _) => one_line(text, 30),
        _ => number::cell(value),
    };
    let difference = match decimals {
        Some(_) => write(delta.as_ref()),
        None => number::cell(delta.as_ref()),
    };
    let rises = difference.starts_with(|c: char| c.is_ascii_digit())
        && difference.contains(|c: char| ('1'..='9').contains(&c));
    let sign = if rises { "+" } else { "" };
    [
        write(change.old.as_ref()),
        write(change.new.as_ref()),
        format!("{sign}{difference}"),
    ]
}

/// The decimals that show two digits of the difference, and five of the numbers; none where numbers so written would be
/// mostly zeros.
fn decimals_that_tell(change: &Change, delta: Option<&Value>) -> Option<usize> {
    let Some(Value::Float(delta)) = delta else {
        return Some(number::DIGITS as usize).filter(|_| !change.is_change());
    };
    let numbers = [&change.old, &change.new].map(|value| match value {
        Some(Value::Float(x)) => *x,
        Some(Value::Int(n)) => *n as f64,
        _ => 0.0,
    });
    let largest = numbers
        .iter()
        .copied()
        .filter(|x| *x != 0.0)
        .map(magnitude)
        .max()?;
    let of_numbers = number::DIGITS - 1 - largest;
    let of_delta = match *delta == 0.0 {
        true => of_numbers,
        false => 1 - magnitude(*delta),
    };
    let decimals = of_numbers.max(of_delta);
    (decimals <= 12 && largest <= 8).then_some(decimals.max(0) as usize)
}

/// A number with at most so many decimals.
fn rounded(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let text = number::without_zeros(&text);
    let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
    if is_zero {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A number with all the digits it has.
fn exact(x: f64) -> String {
    let plain = x == 0.0 || (-5..=15).contains(&magnitude(x));
    if plain {
        number::without_zeros(&format!("{x}")).to_owned()
    } else {
        format!("{x:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: Value, new: Value, precision: Option<usize>, expect: [&str; 3]) {
        let change = Change {
            metric: "m".to_owned(),
            old: Some(old),
            new: Some(new),
        };
        assert_eq!(cells(&change, precision), expect);
    }

    #[test]
    fn digits_tell_old_and_new_apart() {
        use Value::{Bool, Float, Int};
        check(Float(0.5), Float(0.25), None, ["0.5", "0.25", "-0.25"]);
        check(Float(0.9), Float(1.0), None, ["0.9", "1", "+0.1"]);
        check(
            Float(0.701_234_56),
            Float(0.701_234_60),
            None,
            ["0.70123456", "0.7012346", "+0.00000004"],
        );
        check(
            Float(49_512.333_3),
            Float(48_000.5),
            None,
            ["49512", "48000", "-1512"],
        );
        check(
            Float(1e-12),
            Float(3e-12),
            None,
            ["1e-12", "3e-12", "+2e-12"],
        );
        check(Int(3), Int(5), None, ["3", "5", "+2"]);
        check(Int(3), Float(3.0), None, ["3", "3", "0"]);
        check(Int(1), Float(0.5), None, ["1", "0.5", "-0.5"]);
        check(Float(f64::NAN), Float(0.5), None, ["NaN", "0.5", "-"]);
        check(Bool(false), Bool(true), None, ["false", "true", "-"]);
        check("a\nb".into(), "c".into(), None, ["a\\nb", "c", "-"]);
    }

    #[test]
    fn precision_is_digits_after_the_point() {
        use Value::{Float, Int};
        check(
            Float(0.123_456),
            Float(0.2),
            Some(2),
            ["0.12", "0.2", "+0.08"],
        );
        check(Float(0.123), Float(0.124), Some(1), ["0.1", "0.1", "0"]);
        check(Float(-0.001), Float(0.0), Some(1), ["0", "0", "0"]);
        check(Int(1_000_000), Int(3), Some(1), ["1000000", "3", "-999997"]);
    }
}
