//! Rows as they come, straight into the columns that the model takes.
//!
//! A [`Shape`] is what a model takes, ready to be looked up; [`Rows`] fills its columns cell by cell, in whatever order
//! cells come, and notes what does not fit. Nothing is converted that training would have read otherwise: a text is no
//! number, a number with a fraction no integer.

use std::borrow::Cow;
use std::collections::HashMap;

use hpipe_core::{Column, Input, Profile, Table, Type, Values};
use serde_json::{Value, json};

use crate::fault::{Detail, Details, Fault, Loc};
use crate::options::Treatment;

/// Characters of a text that are told when it is wrong.
const TOLD: usize = 100;

/// What a model takes.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) inputs: Vec<Input>,
    pub(crate) target: String,
    /// Which columns had a value in every row of training.
    pub(crate) complete: Vec<bool>,
    index: HashMap<String, usize>,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Boolean(bool),
    Integer(i64),
    /// An integer that is none of 64 bits with a sign.
    Large(u64),
    Number(f64),
    Text(Cow<'a, str>),
    /// An array or an object.
    Nested,
}

/// Where rows are in a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The words before the row's number.
    pub(crate) before: &'static [&'static str],
    /// Whether rows have numbers; a single record has none.
    pub(crate) numbered: bool,
}

/// Rows on their way into columns.
pub(crate) struct Rows<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) place: Place,
    pub(crate) details: Details,
    pub(crate) overflow: bool,
    columns: Vec<Values>,
    rows: usize,
    most: usize,
    unknown: Treatment,
}

impl Shape {
    pub(crate) fn new(inputs: &[Input], target: &str, profile: Option<&Profile>) -> Self {
        let index = inputs.iter().enumerate();
        let is_complete = |input: &Input| {
            let known = profile.map(|profile| profile.inputs.iter());
            let mut known = known.into_iter().flatten();
            known.any(|profiled| profiled.name == input.name && profiled.missing == 0)
        };
        Self {
            complete: inputs.iter().map(is_complete).collect(),
            index: index.map(|(i, input)| (input.name.clone(), i)).collect(),
            inputs: inputs.to_vec(),
            target: target.to_owned(),
        }
    }

    /// The column of this name; clients send columns in order, so the expected one is asked first.
    pub(crate) fn find(&self, name: &str, expected: usize) -> Option<usize> {
        match self.inputs.get(expected) {
            Some(input) if input.name == name => Some(expected),
            _ => self.index.get(name).copied(),
        }
    }
}

impl Cell<'_> {
    /// The value as it is told when it is wrong.
    fn told(&self) -> Value {
        match self {
            Self::Missing | Self::Nested => Value::Null,
            Self::Boolean(value) => Value::from(*value),
            Self::Integer(value) => Value::from(*value),
            Self::Large(value) => Value::from(*value),
            Self::Number(value) => Value::from(*value),
            Self::Text(text) => Value::from(text.chars().take(TOLD).collect::<String>()),
        }
    }
}

impl Place {
    pub(crate) const RECORD: Self = Self {
        before: &["body"],
        numbered: false,
    };
    pub(crate) const LIST: Self = Self {
        before: &["body"],
        numbered: true,
    };

    /// Where a cell is.
    pub(crate) fn of(self, row: usize, column: Option<&str>) -> Vec<Loc> {
        let words = self.before.iter().map(|word| Loc::Word((*word).into()));
        let row = self.numbered.then_some(Loc::Row(row));
        let column = column.map(|name| Loc::Word(name.to_owned().into()));
        words.chain(row).chain(column).collect()
    }
}

impl<'a> Rows<'a> {
    pub(crate) fn new(shape: &'a Shape, most: usize, unknown: Treatment) -> Self {
        let empty = |input: &Input| match input.kind {
            Type::Number => Values::Number(Vec::with_capacity(1)),
            Type::Integer => Values::Integer(Vec::with_capacity(1)),
            Type::Text => Values::Text(Vec::with_capacity(1)),
            Type::Boolean => Values::Boolean(Vec::with_capacity(1)),
        };
        Self {
            shape,
            place: Place::LIST,
            details: Details::default(),
            overflow: false,
            columns: shape.inputs.iter().map(empty).collect(),
            rows: 0,
            most,
            unknown,
        }
    }

    /// Rows that are complete.
    pub(crate) const fn count(&self) -> usize {
        self.rows
    }

    /// Whether one more row is permitted.
    pub(crate) const fn has_room(&mut self) -> bool {
        self.overflow |= self.rows >= self.most;
        !self.overflow
    }

    /// Sets a cell of the row that is being filled; of several values for one column the last holds, as in JSON.
    pub(crate) fn set(&mut self, column: usize, cell: Cell<'_>) {
        let row = self.rows;
        if matches!(cell, Cell::Missing) {
            return self.set_missing(column);
        }
        let fits = match (&mut self.columns[column], cell) {
            (Values::Number(values), Cell::Number(value)) if value.is_finite() => {
                put(values, row, value)
            }
            (Values::Number(values), Cell::Integer(value)) => put(values, row, value as f64),
            (Values::Number(values), Cell::Large(value)) => put(values, row, value as f64),
            (Values::Integer(values), Cell::Integer(value)) => put(values, row, value),
            (Values::Integer(values), Cell::Number(value)) if is_whole(value) => {
                put(values, row, value as i64)
            }
            (Values::Text(values), Cell::Text(text)) => put(values, row, text.into_owned()),
            (Values::Boolean(values), Cell::Boolean(value)) => put(values, row, value),
            (values, cell) => {
                fill(values, row);
                Err(cell)
            }
        };
        if let Err(cell) = fits {
            self.misfit(column, &cell);
        }
    }

    fn set_missing(&mut self, column: usize) {
        let row = self.rows;
        fill(&mut self.columns[column], row);
        let input = &self.shape.inputs[column];
        if !input.nullable {
            let (place, kind) = (self.place, input.kind);
            self.details.add(|| Detail {
                kind: type_fault(kind),
                loc: place.of(row, Some(&input.name)),
                msg: format!("{}, and may not be missing", should_be(kind)),
                input: Value::Null,
                ctx: None,
            });
        }
    }

    fn misfit(&mut self, column: usize, cell: &Cell<'_>) {
        let (row, place) = (self.rows, self.place);
        let input = &self.shape.inputs[column];
        let (kind, msg) = match (input.kind, cell) {
            (Type::Integer, Cell::Number(_)) => (
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part".to_owned(),
            ),
            (Type::Integer, Cell::Large(_)) => (
                "int_parsing_size",
                "Input should be an integer of 64 bits".to_owned(),
            ),
            (Type::Number, Cell::Number(_)) => (
                "finite_number",
                "Input should be a finite number".to_owned(),
            ),
            (kind, _) => (type_fault(kind), should_be(kind).to_owned()),
        };
        self.details.add(|| Detail {
            kind,
            loc: place.of(row, Some(&input.name)),
            msg,
            input: cell.told(),
            ctx: None,
        });
    }

    /// Notes a column that the model does not take. The target may be there: rows that were labelled can be replayed.
    pub(crate) fn unknown_column(&mut self, name: &str) {
        if self.unknown == Treatment::Ignore || name == self.shape.target {
            return;
        }
        let (row, place) = (self.rows, self.place);
        let near = hpipe_core::nearest(name, self.shape.inputs.iter().map(|i| i.name.as_str()));
        let ctx = near.map(|near| json!({"nearest": near}));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let name: String = name.chars().take(TOLD).collect();
        self.details.add(|| Detail {
            kind: "extra_forbidden",
            loc: place.of(row, Some(&name)),
            msg: format!("The model takes no such column{hint}"),
            input: Value::Null,
            ctx,
        });
    }

    /// Notes a row that is none.
    pub(crate) fn no_row(&mut self, kind: &'static str, msg: &str) {
        let (row, place) = (self.rows, self.place);
        self.details.add(|| Detail {
            kind,
            loc: place.of(row, None),
            msg: msg.to_owned(),
            input: Value::Null,
            ctx: None,
        });
    }

    /// Ends a row: what was not set is missing.
    pub(crate) fn end_row(&mut self) {
        let row = self.rows;
        for (column, values) in self.columns.iter_mut().enumerate() {
            if values.len() > row {
                continue;
            }
            fill(values, row);
            let input = &self.shape.inputs[column];
            if !input.nullable {
                let place = self.place;
                self.details.add(|| Detail {
                    kind: "missing",
                    loc: place.of(row, Some(&input.name)),
                    msg: "Field required".to_owned(),
                    input: Value::Null,
                    ctx: None,
                });
            }
        }
        self.rows += 1;
    }

    /// The table, if nothing is wrong with it.
    pub(crate) fn finish(self) -> Result<Table, Fault> {
        if !self.details.is_empty() {
            return Err(Fault::unprocessable(self.details));
        }
        let named = self.shape.inputs.iter().zip(self.columns);
        let columns = named.map(|(input, values)| Column {
            name: input.name.clone(),
            values,
        });
        match Table::new(columns.collect()) {
            Ok(table) => Ok(table),
            Err(twice) => Err(Fault::body("value_error", twice.to_string())),
        }
    }
}

/// Whether a number is an integer that 64 bits hold.
fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && (-9_007_199_254_740_992.0..=9_007_199_254_740_992.0).contains(&value)
}

fn put<T>(values: &mut Vec<Option<T>>, row: usize, value: T) -> Result<(), Cell<'static>> {
    match values.get_mut(row) {
        Some(former) => *former = Some(value),
        None => values.push(Some(value)),
    }
    Ok(())
}

/// Sets a cell to missing.
fn fill(values: &mut Values, row: usize) {
    fn none<T>(values: &mut Vec<Option<T>>, row: usize) {
        values.truncate(row);
        values.push(None);
    }
    match values {
        Values::Number(values) => none(values, row),
        Values::Integer(values) => none(values, row),
        Values::Text(values) => none(values, row),
        Values::Boolean(values) => none(values, row),
    }
}

const fn type_fault(kind: Type) -> &'static str {
    match kind {
        Type::Number => "float_type",
        Type::Integer => "int_type",
        Type::Text => "string_type",
        Type::Boolean => "bool_type",
    }
}

const fn should_be(kind: Type) -> &'static str {
    match kind {
        Type::Number => "Input should be a valid number",
        Type::Integer => "Input should be a valid integer",
        Type::Text => "Input should be a valid string",
        Type::Boolean => "Input should be a valid boolean",
    }
}
