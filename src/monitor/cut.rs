//! Where batches end: after so many rows, or where time enters the next window.

use std::collections::BTreeMap;

use hpipe_core::{Column, Table, Values};

use crate::quality::{self, Check, Findings, Need};
use crate::time;
use crate::watch::Fault;

/// Where a batch ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Cut {
    /// After so many rows.
    Rows(usize),
    /// Where a column's time enters the next window.
    Window {
        /// The column.
        column: String,
        /// The length of a window, in seconds.
        seconds: f64,
        /// What becomes of a row whose window is over.
        late: Late,
    },
}

/// What becomes of a row whose window is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// A fault: rows of a file can be sorted.
    Refused,
    /// It is counted, and judged with the window that is open: of a stream, nobody can ask more.
    Joined,
}

/// Cuts rows as they come into batches.
#[derive(Debug)]
pub(crate) struct Cutter {
    cut: Cut,
    /// Rows that no batch has taken yet.
    pending: Option<Table>,
    /// Rows that came in before.
    seen: usize,
    /// The window that is open.
    window: Option<f64>,
    pub(crate) findings: Findings,
}

impl Cutter {
    pub(crate) const fn new(cut: Cut) -> Self {
        Self {
            cut,
            pending: None,
            seen: 0,
            window: None,
            findings: BTreeMap::new(),
        }
    }

    /// Takes rows; returns the batches that are complete with them.
    pub(crate) fn push(&mut self, rows: Table) -> Result<Vec<Table>, Fault> {
        let ends = self.ends(&rows)?;
        self.seen += rows.rows();
        let mut batches = Vec::with_capacity(ends.len());
        let mut from = 0;
        for end in ends {
            let part = part(&rows, from, end);
            batches.push(match self.pending.take() {
                Some(pending) => append(pending, part),
                None => part,
            });
            from = end;
        }
        let rest = match from {
            0 => rows,
            from => part(&rows, from, rows.rows()),
        };
        self.pending = match self.pending.take() {
            Some(pending) => Some(append(pending, rest)),
            None => (rest.rows() > 0).then_some(rest),
        };
        Ok(batches)
    }

    /// What is left, as a last batch.
    pub(crate) fn rest(&mut self) -> Option<Table> {
        self.pending.take()
    }

    /// Before which of these rows batches end.
    fn ends(&mut self, rows: &Table) -> Result<Vec<usize>, Fault> {
        match self.cut.clone() {
            Cut::Rows(size) => {
                let (size, pending) = (size.max(1), self.pending.as_ref().map_or(0, Table::rows));
                let first = size.saturating_sub(pending);
                Ok((first..=rows.rows()).step_by(size).collect())
            }
            Cut::Window {
                column,
                seconds,
                late,
            } => self.windows(rows, &column, seconds, late),
        }
    }

    fn windows(
        &mut self,
        rows: &Table,
        name: &str,
        seconds: f64,
        late: Late,
    ) -> Result<Vec<usize>, Fault> {
        let column = rows
            .get(name)
            .ok_or_else(|| quality::no_column(name, Need::Time, rows))?;
        let times = time::seconds(column);
        if self.window.is_none() && !times.is_empty() && times.iter().all(Option::is_none) {
            return Err(Fault::NoTime(name.to_owned()));
        }
        let mut ends = Vec::new();
        for (row, time) in times.into_iter().enumerate() {
            let Some(number) = time.map(|time| (time / seconds).floor()) else {
                self.find(Check::Time, column, rows, row);
                continue; // it belongs to those before it
            };
            match self.window {
                Some(open) if number < open && late == Late::Refused => {
                    return Err(Fault::OutOfOrder {
                        column: name.to_owned(),
                        row: self.seen + row + 1,
                        time: quality::cell(rows, name, row).unwrap_or_default(),
                    });
                }
                Some(open) if number < open => self.find(Check::Late, column, rows, row),
                Some(open) if number > open => {
                    ends.push(row);
                    self.window = Some(number);
                }
                _ => self.window = Some(number),
            }
        }
        Ok(ends) // rows before the first that says a time are of its window
    }

    fn find(&mut self, check: Check, column: &Column, rows: &Table, row: usize) {
        let found = self
            .findings
            .entry((check, column.name.clone()))
            .or_default();
        found.rows += 1;
        if found.example.is_none() {
            found.example = quality::cell(rows, &column.name, row);
        }
    }
}

fn part(rows: &Table, from: usize, end: usize) -> Table {
    rows.take(&(from..end).collect::<Vec<_>>())
}

/// The rows of two tables, with the columns of both; what one has of another type becomes that of the first.
fn append(first: Table, second: Table) -> Table {
    let (before, after) = (first.rows(), second.rows());
    let mut more: Vec<_> = second.into_columns();
    let mut columns = Vec::with_capacity(more.len());
    for mut column in first.into_columns() {
        let same = more.iter().position(|other| other.name == column.name);
        match same.map(|place| more.swap_remove(place).values) {
            Some(values) => extend(&mut column.values, values),
            None => lengthen(&mut column.values, before + after),
        }
        columns.push(column);
    }
    for Column { name, values } in more {
        let mut all = values.kind().no_values();
        lengthen(&mut all, before);
        extend(&mut all, values);
        columns.push(Column { name, values: all });
    }
    match Table::new(columns) {
        Ok(table) => table,
        Err(error) => panic!("bug: {error}"),
    }
}

fn extend(values: &mut Values, more: Values) {
    let more = match more.kind() == values.kind() {
        true => more,
        false => more.cast(values.kind()).0,
    };
    match (values, more) {
        (Values::Number(values), Values::Number(more)) => values.extend(more),
        (Values::Integer(values), Values::Integer(more)) => values.extend(more),
        (Values::Text(values), Values::Text(more)) => values.extend(more),
        (Values::Boolean(values), Values::Boolean(more)) => values.extend(more),
        (values, more) => panic!("bug: {:?} was cast to {:?}", more.kind(), values.kind()),
    }
}

fn lengthen(values: &mut Values, rows: usize) {
    match values {
        Values::Number(values) => values.resize(rows, None),
        Values::Integer(values) => values.resize(rows, None),
        Values::Text(values) => values.resize(rows, None),
        Values::Boolean(values) => values.resize(rows, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, &[&str])]) -> Table {
        let column = |(name, values): &(&str, &[&str])| Column {
            name: (*name).to_owned(),
            values: Values::Text(values.iter().map(|text| Some((*text).to_owned())).collect()),
        };
        Table::new(columns.iter().map(column).collect()).expect("a table")
    }

    fn sizes(cutter: &mut Cutter, rows: Table) -> Result<Vec<usize>, Fault> {
        let batches = cutter.push(rows)?;
        Ok(batches.iter().map(Table::rows).collect())
    }

    #[test]
    fn batches_end_after_so_many_rows_however_they_come() {
        let mut cutter = Cutter::new(Cut::Rows(3));
        let mut push = |rows: usize| {
            let rows = table(&[("a", &vec!["1"; rows])]);
            sizes(&mut cutter, rows).expect("cut")
        };
        assert_eq!(
            [push(2), push(5), push(0), push(1), push(7)],
            [vec![], vec![3, 3], vec![], vec![], vec![3, 3, 3]]
        );
        assert!(cutter.rest().is_none());
    }

    fn windows(late: Late) -> Cutter {
        Cutter::new(Cut::Window {
            column: "at".to_owned(),
            seconds: 10.0,
            late,
        })
    }

    #[test]
    fn a_row_of_a_window_that_is_over_is_refused_by_its_number_or_counted() {
        let parts = || [&["1", "12"][..], &["19", "11", "3"]].map(|at| table(&[("at", at)]));
        let mut refusing = windows(Late::Refused);
        let told =
            parts().map(|rows| sizes(&mut refusing, rows).map_err(|fault| fault.to_string()));
        assert_eq!(told[0], Ok(vec![1]));
        assert_eq!(
            told[1],
            Err(
                "row 5 is of a window that is over: `at` is `3`, and later ones came before"
                    .to_owned()
            )
        );
        let mut joining = windows(Late::Joined);
        let sizes = parts().map(|rows| sizes(&mut joining, rows).expect("cut"));
        assert_eq!(sizes, [vec![1], vec![]]);
        assert_eq!(joining.rest().expect("rows").rows(), 4);
        assert_eq!(joining.findings[&(Check::Late, "at".to_owned())].rows, 1);
    }

    #[test]
    fn what_says_no_time_is_counted() {
        let mut cutter = windows(Late::Refused);
        let times = table(&[("at", &["soon", "1", "", "25"])]);
        assert_eq!(sizes(&mut cutter, times).expect("cut"), [3]);
        let found = &cutter.findings[&(Check::Time, "at".to_owned())];
        assert_eq!((found.rows, found.example.as_deref()), (2, Some("soon")));
    }

    #[test]
    fn columns_may_come_later() {
        let whole = append(
            table(&[("a", &["1"])]),
            table(&[("b", &["2"]), ("a", &["3"])]),
        );
        let column = |name: &str| quality::words(whole.get(name).expect("a column"));
        assert_eq!(column("a"), [Some("1".to_owned()), Some("3".to_owned())]);
        assert_eq!(column("b"), [None, Some("2".to_owned())]);
    }
}
