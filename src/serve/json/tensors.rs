//! Bodies of the Open Inference Protocol V2: a tensor a column, or one of all columns.
//!
//! Tensors come as `[n]` or `[n, 1]` by the names of the model's columns, or, if there is only one and it has no column's name,
//! as `[n, number of columns]` in the model's order. Their data may be nested or flat, row by row.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::cells::cell;
use super::inputs::by_column;
use super::{invalid, too_many_rows};
use crate::fault::Fault;
use crate::rows::{Cell, Place, Rows};

/// What is asked; what else it says is not ours to know.
#[derive(Deserialize)]
struct Asked {
    id: Option<String>,
    inputs: Vec<Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    data: Vec<Value>,
}

/// The types of elements.
const TYPES: [&str; 13] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
    "FP32", "FP64", "BYTES",
];

const PLACE: Place = Place {
    before: &["body", "inputs"],
    numbered: true,
};

/// Reads tensors into a table of the model's columns; also the id of the request, if it has one.
///
/// # Errors
/// What is wrong with the body or its rows.
pub(crate) fn read(
    body: &[u8],
    mut rows: Rows<'_>,
) -> Result<(hpipe_core::Table, Place, Option<String>), Fault> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| invalid(&error))?;
    rows.place = PLACE;
    let inputs: Vec<Tensor> = asked
        .inputs
        .into_iter()
        .map(Tensor::flat)
        .collect::<Result<_, _>>()?;
    match inputs.as_slice() {
        [one] if rows.shape.find(&one.name, 0).is_none() && one.shape.len() == 2 => {
            matrix(&mut rows, one)?;
        }
        _ => columns(&mut rows, inputs)?,
    }
    if rows.overflow {
        return Err(too_many_rows(&rows));
    }
    Ok((rows.finish()?, PLACE, asked.id))
}

fn refuse(name: &str, what: impl std::fmt::Display) -> Fault {
    let name: String = name.chars().take(100).collect();
    Fault::body("value_error", format!("The tensor `{name}` {what}"))
}

impl Tensor {
    /// The same with its data in one list, as long as its shape says.
    fn flat(mut self) -> Result<Self, Fault> {
        if !TYPES.contains(&&*self.datatype) {
            let known = TYPES.join(", ");
            return Err(refuse(
                &self.name,
                format!("is of no known datatype; known: {known}"),
            ));
        }
        let mut data = Vec::with_capacity(self.data.len());
        flatten(std::mem::take(&mut self.data), &mut data, self.shape.len())
            .map_err(|()| refuse(&self.name, "is nested deeper than its shape"))?;
        let size = self
            .shape
            .iter()
            .try_fold(1_usize, |size, n| size.checked_mul(*n));
        if size != Some(data.len()) {
            let what = format!(
                "has {} elements, which its shape {:?} has not",
                data.len(),
                self.shape
            );
            return Err(refuse(&self.name, what));
        }
        self.data = data;
        Ok(self)
    }
}

fn flatten(values: Vec<Value>, flat: &mut Vec<Value>, depth: usize) -> Result<(), ()> {
    for value in values {
        match value {
            Value::Array(_) if depth <= 1 => return Err(()),
            Value::Array(within) => flatten(within, flat, depth - 1)?,
            value => flat.push(value),
        }
    }
    Ok(())
}

/// Tensors that are columns.
fn columns(rows: &mut Rows<'_>, tensors: Vec<Tensor>) -> Result<(), Fault> {
    let mut columns = Vec::with_capacity(tensors.len());
    for (i, tensor) in tensors.into_iter().enumerate() {
        if !matches!(tensor.shape.as_slice(), [_] | [_, 1]) {
            let what = format!(
                "is a column, whose shape is [n] or [n, 1], not {:?}",
                tensor.shape
            );
            return Err(refuse(&tensor.name, what));
        }
        let column = rows.shape.find(&tensor.name, i);
        if column.is_none() {
            rows.place.numbered = false;
            rows.unknown_column(&tensor.name);
            rows.place = PLACE;
        }
        columns.push((column, tensor.data));
    }
    by_column(rows, &columns);
    Ok(())
}

/// One tensor of all columns.
fn matrix(rows: &mut Rows<'_>, tensor: &Tensor) -> Result<(), Fault> {
    let width = rows.shape.inputs.len();
    if tensor.shape[1] != width {
        let what = format!(
            "has {} columns, and the model takes {width}",
            tensor.shape[1]
        );
        return Err(refuse(&tensor.name, what));
    }
    for row in tensor.data.chunks(width.max(1)) {
        if !rows.has_room() {
            return Ok(());
        }
        for (column, value) in row.iter().enumerate() {
            rows.set(column, told(value, &tensor.datatype));
        }
        rows.end_row();
    }
    Ok(())
}

/// An element; of a tensor of floats a number for a column of integers is one if it is whole, as anywhere.
fn told<'a>(value: &'a Value, datatype: &str) -> Cell<'a> {
    match (value, datatype) {
        (Value::String(text), "BYTES") => Cell::Text(Cow::Borrowed(text)),
        (value, _) => cell(value),
    }
}
