//! Whether rows are such as the model can take, by the checks of `ingest` that hold for single rows.
//!
//! The names of the checks are those of `ingest` (docs/formats/data_quality.md). A row that a check of kind *invalid* names is
//! not predicted; the others are counted and predicted.

use std::collections::BTreeMap;

use hpipe_core::{Column, Input, MISSING_WORDS, ModelCard, Table, Type, Values, nearest};

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// It is of another type than the model takes: the row is invalid.
    Schema,
    /// It is missing: the row is invalid if the model cannot do without.
    Missing,
    /// It is infinite: the row is invalid.
    Infinite,
    /// It is smaller or larger than any in the training rows.
    Range,
    /// It is a word the model does not know: the row is invalid if its transform refuses that.
    Categories,
    /// The model refused the row for another reason.
    Refused,
    /// It is to say a time and does not: the row belongs to the window of those before it.
    Time,
    /// Its time is before the window it came into.
    Late,
    /// What came in is no row at all.
    Record,
}

impl Check {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Missing => "missing",
            Self::Infinite => "infinite",
            Self::Range => "range",
            Self::Categories => "categories",
            Self::Refused => "refused",
            Self::Time => "time",
            Self::Late => "late",
            Self::Record => "record",
        }
    }
}

/// What was found in a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Number of rows.
    pub rows: usize,
    /// The number of those that are not predicted for it.
    pub invalid: usize,
    /// One of the values, where it says anything.
    pub example: Option<String>,
}

/// What was found, by check and column.
pub type Findings = BTreeMap<(Check, String), Found>;

/// A column that is needed is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no column `{column}`, which {}", need.words())]
pub struct NoColumn {
    /// The column.
    pub column: String,
    /// What for.
    pub need: Need,
    /// One that is there and has a name like it.
    pub near: Option<String>,
}

/// What a column is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The model takes it.
    Model,
    /// It was named as what says the truth.
    Truth,
    /// It was named as what tells segments apart.
    Segment,
    /// It was named as what says when a row came in.
    Time,
}

impl Need {
    const fn words(self) -> &'static str {
        match self {
            Self::Model => "the model takes",
            Self::Truth => "is to say what was true",
            Self::Segment => "is to tell segments apart",
            Self::Time => "is to say the time",
        }
    }
}

/// Rows made fit for a model.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    /// The columns that the model takes, of the types it takes.
    pub(crate) rows: Table,
    /// Which rows it can take.
    pub(crate) is_valid: Vec<bool>,
    pub(crate) findings: Vec<(usize, Check, usize)>,
}

/// Casts the columns a model takes and checks every value; findings as (row, check, place of the input).
pub(crate) fn check(card: &ModelCard, raw: &Table) -> Result<Checked, NoColumn> {
    let mut is_valid = vec![true; raw.rows()];
    let (mut findings, mut columns) = (Vec::new(), Vec::new());
    for (place, input) in card.inputs.iter().enumerate() {
        let column = raw
            .get(&input.name)
            .ok_or_else(|| no_column(&input.name, Need::Model, raw))?;
        let known = column
            .values
            .clone()
            .without(|text| MISSING_WORDS.contains(&text));
        let (values, misfits) = known.cast(input.kind);
        let mut find = |row: usize, check: Check, is_fatal: bool| {
            is_valid[row] &= !is_fatal;
            findings.push((row, check, place));
        };
        misfits
            .iter()
            .for_each(|(row, _)| find(*row, Check::Schema, true));
        // casting made these missing: they are found already
        let mut misfits = misfits.iter().map(|(row, _)| *row).peekable();
        each_fault(input, &values, |row, check, is_fatal| {
            while misfits.next_if(|misfit| *misfit < row).is_some() {}
            if !(check == Check::Missing && misfits.peek() == Some(&row)) {
                find(row, check, is_fatal);
            }
        });
        columns.push(Column {
            name: input.name.clone(),
            values,
        });
    }
    let rows = Table::new(columns).map_err(|twice| no_column(&twice.0, Need::Model, raw))?;
    Ok(Checked {
        rows,
        is_valid,
        findings,
    })
}

/// The error of a column that is not there.
pub(crate) fn no_column(name: &str, need: Need, raw: &Table) -> NoColumn {
    NoColumn {
        column: name.to_owned(),
        need,
        near: nearest(name, raw.names()).map(str::to_owned),
    }
}

fn each_fault(input: &Input, values: &Values, mut find: impl FnMut(usize, Check, bool)) {
    let mut number = |row: usize, x: Option<f64>| match x {
        None => find(row, Check::Missing, !input.nullable),
        Some(x) if !x.is_finite() => find(row, Check::Infinite, true),
        Some(x)
            if input
                .range
                .is_some_and(|[least, most]| x < least || x > most) =>
        {
            find(row, Check::Range, false);
        }
        Some(_) => {}
    };
    match values {
        Values::Number(values) => values
            .iter()
            .enumerate()
            .for_each(|(row, x)| number(row, *x)),
        Values::Integer(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(row, x)| number(row, x.map(|x| x as f64)));
        }
        Values::Text(values) => {
            for (row, word) in values.iter().enumerate() {
                match word {
                    None => find(row, Check::Missing, !input.nullable),
                    Some(word)
                        if !input.categories.is_empty() && !input.categories.contains(word) =>
                    {
                        find(row, Check::Categories, input.refuses_unseen);
                    }
                    Some(_) => {}
                }
            }
        }
        Values::Boolean(values) => {
            let missing = values
                .iter()
                .enumerate()
                .filter(|(_, value)| value.is_none());
            missing.for_each(|(row, _)| find(row, Check::Missing, !input.nullable));
        }
    }
}

/// A column as numbers: what cannot be one is missing.
pub(crate) fn numbers(column: &Column) -> Vec<Option<f64>> {
    checked_numbers(column).0
}

/// A column as finite numbers, and the rows that say something else.
pub(crate) fn checked_numbers(column: &Column) -> (Vec<Option<f64>>, Vec<(usize, Check)>) {
    let known = column
        .values
        .clone()
        .without(|text| MISSING_WORDS.contains(&text));
    let (values, misfits) = known.cast(Type::Number);
    let mut faults: Vec<_> = misfits
        .iter()
        .map(|(row, _)| (*row, Check::Schema))
        .collect();
    let Values::Number(mut values) = values else {
        return (vec![None; values.len()], faults);
    };
    for (row, value) in values.iter_mut().enumerate() {
        if value.take_if(|x| !x.is_finite()).is_some() {
            faults.push((row, Check::Infinite));
        }
    }
    (values, faults)
}

/// A column as words.
pub(crate) fn words(column: &Column) -> Vec<Option<String>> {
    match column.values.cast(Type::Text).0 {
        Values::Text(values) => values,
        other => vec![None; other.len()],
    }
}

/// What a cell says, for people.
pub(crate) fn cell(raw: &Table, name: &str, row: usize) -> Option<String> {
    match &raw.get(name)?.values {
        Values::Number(values) => values[row].map(|x| x.to_string()),
        Values::Integer(values) => values[row].map(|x| x.to_string()),
        Values::Text(values) => values[row].clone(),
        Values::Boolean(values) => values[row].map(|x| x.to_string()),
    }
}
