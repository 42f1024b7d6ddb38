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

/// The columns of rows whose names come once, before them: which of the model's each is.
#[derive(Debug)]
pub(crate) struct Order {
    columns: Vec<Option<usize>>,
    /// Which columns of the model are among them.
    is_there: Vec<bool>,
    most: usize,
}

/// Names of columns that a model does not take, of one table: more are no table but an attack.
const MOST_OTHERS: usize = 10_000;

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

impl Order {
    /// Which of the model's columns each is.
    pub(crate) fn columns(&self) -> &[Option<usize>] {
        &self.columns
    }

    /// Adds the next name, and notes if it is none of the model's, or there already.
    pub(crate) fn add(&mut self, rows: &mut Rows<'_>, name: &str) -> Option<usize> {
        let place = Place {
            numbered: false,
            ..rows.place
        };
        let former = std::mem::replace(&mut rows.place, place);
        let mut found = rows.shape.find(name, self.columns.len());
        match found {
            None => rows.unknown_column(name),
            Some(column) if std::mem::replace(&mut self.is_there[column], true) => {
                rows.twice(name);
                found = None;
            }
            Some(_) => {}
        }
        match self.columns.len() < self.most {
            true => self.columns.push(found),
            false => rows.no_row("too_long", "Table should have fewer columns"),
        }
        rows.place = former;
        found
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

    /// Whether one more row is permitted.
    pub(crate) const fn has_room(&mut self) -> bool {
        self.has_room_for(self.rows)
    }

    /// Whether a row of this number, from 0, is permitted.
    pub(crate) const fn has_room_for(&mut self, row: usize) -> bool {
        self.overflow |= row >= self.most;
        !self.overflow
    }

    /// The most rows there may be.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Names of columns, of which none is known yet.
    pub(crate) fn order(&self) -> Order {
        Order {
            columns: Vec::new(),
            is_there: vec![false; self.shape.inputs.len()],
            most: self.shape.inputs.len() + MOST_OTHERS,
        }
    }

    /// Forgets all rows, and what was wrong with them.
    pub(crate) fn begin_again(&mut self) {
        *self = Self::new(self.shape, self.most, self.unknown);
    }

    /// Sets a cell of a row, where columns are filled one after the other, each from its first row on.
    pub(crate) fn set_in(&mut self, row: usize, column: usize, cell: Cell<'_>) {
        self.rows = row;
        self.set(column, cell);
    }

    /// Ends rows that were filled column by column.
    pub(crate) fn end_rows(&mut self, length: usize) {
        self.rows = 0;
        while self.rows < length {
            self.end_row();
        }
    }

    /// Sets a cell of the row that is being filled, once.
    pub(crate) fn set(&mut self, column: usize, cell: Cell<'_>) {
        let row = self.rows;
        if self.columns[column].len() > row {
            let shape = self.shape;
            return self.twice(&shape.inputs[column].name);
        }
        if matches!(cell, Cell::Missing) {
            return self.set_missing(column);
        }
        let fits = match (&mut self.columns[column], cell) {
            (Values::Number(values), Cell::Number(value)) if value.is_finite() => {
                put(values, value)
            }
            (Values::Number(values), Cell::Integer(value)) => put(values, value as f64),
            (Values::Number(values), Cell::Large(value)) => put(values, value as f64),
            (Values::Integer(values), Cell::Integer(value)) => put(values, value),
            (Values::Integer(values), Cell::Number(value)) if is_whole(value) => {
                put(values, value as i64)
            }
            (Values::Text(values), Cell::Text(text)) => put(values, text.into_owned()),
            (Values::Boolean(values), Cell::Boolean(value)) => put(values, value),
            (values, cell) => {
                fill(values);
                Err(cell)
            }
        };
        if let Err(cell) = fits {
            self.misfit(column, &cell);
        }
    }

    fn set_missing(&mut self, column: usize) {
        let row = self.rows;
        fill(&mut self.columns[column]);
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

    /// Notes that no value of a column can be one of the model's.
    pub(crate) fn misfit_column(&mut self, column: usize, msg: &str) {
        let place = Place {
            numbered: false,
            ..self.place
        };
        let input = &self.shape.inputs[column];
        self.details.add(|| Detail {
            kind: type_fault(input.kind),
            loc: place.of(0, Some(&input.name)),
            msg: msg.to_owned(),
            input: Value::Null,
            ctx: None,
        });
    }

    /// Notes a column that the model does not take. The target may be there: rows that were labelled can be replayed.
    pub(crate) fn unknown_column(&mut self, name: &str) {
        if self.unknown == Treatment::Ignore || name == self.shape.target {
            return;
        }
        let (row, place, inputs) = (self.rows, self.place, &self.shape.inputs);
        self.details.add(|| {
            // only for those that are told: names are as many as whoever asks likes
            let near = hpipe_core::nearest(name, inputs.iter().map(|input| input.name.as_str()));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let name: String = name.chars().take(TOLD).collect();
            Detail {
                kind: "extra_forbidden",
                loc: place.of(row, Some(&name)),
                msg: format!("The model takes no such column{hint}"),
                input: Value::Null,
                ctx: near.map(|near| json!({"nearest": near})),
            }
        });
    }

    /// Notes a word beside the rows that says nothing.
    pub(crate) fn unknown_key(&mut self, name: &str) {
        if self.unknown == Treatment::Ignore {
            return;
        }
        let name: String = name.chars().take(TOLD).collect();
        self.details.add(|| Detail {
            kind: "extra_forbidden",
            loc: Place::RECORD.of(0, Some(&name)),
            msg: "Body should have no such key beside the rows".to_owned(),
            input: Value::Null,
            ctx: None,
        });
    }

    /// Notes a name that is there twice: nobody could say which value is meant.
    pub(crate) fn twice(&mut self, name: &str) {
        let (row, place) = (self.rows, self.place);
        let name: String = name.chars().take(TOLD).collect();
        self.details.add(|| Detail {
            kind: "duplicate_key",
            loc: place.of(row, Some(&name)),
            msg: "Field should be there once".to_owned(),
            input: Value::Null,
            ctx: None,
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
            fill(values);
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

fn put<T>(values: &mut Vec<Option<T>>, value: T) -> Result<(), Cell<'static>> {
    values.push(Some(value));
    Ok(())
}

/// Adds a cell that is missing.
fn fill(values: &mut Values) {
    match values {
        Values::Number(values) => values.push(None),
        Values::Integer(values) => values.push(None),
        Values::Text(values) => values.push(None),
        Values::Boolean(values) => values.push(None),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::MOST_DETAILS;

    /// Whom each of 100,000 names is near to took minutes to find out, and a hundred are told.
    #[test]
    fn many_unknown_columns_cost_little() {
        let input = |number: usize| Input {
            name: format!("a_column_of_the_model_{number}"),
            kind: Type::Number,
            nullable: true,
            range: None,
            categories: Vec::new(),
            refuses_unseen: false,
        };
        let inputs: Vec<_> = (0..500).map(input).collect();
        let shape = Shape::new(&inputs, "y", None);
        let mut rows = Rows::new(&shape, 1, Treatment::Reject);
        for number in 0..100_000 {
            rows.unknown_column(&format!("a_clumn_of_the_model_{number}"));
        }
        assert_eq!(rows.details.count, 100_000);
        assert_eq!(rows.details.first.len(), MOST_DETAILS);
        let near = Some(json!({"nearest": "a_column_of_the_model_7"}));
        assert_eq!(rows.details.first[7].ctx, near);
    }
}
