//! Bodies of the Open Inference Protocol V2: a tensor a column, or one of all columns.
//!
//! Tensors come as `[n]` or `[n, 1]` by the names of the model's columns, or, if there is only one and it has no column's name,
//! as `[n, number of columns]` in the model's order. Their data may be nested or flat, row by row.
//!
//! The body is read twice: what tensors there are, then, knowing their shapes, their elements straight into the columns.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::OneCell;
use super::inputs::end_columns;
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
    #[serde(rename = "data")]
    _data: IgnoredAny,
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

/// Where the elements of a tensor go.
#[derive(Clone, Copy)]
enum Target {
    /// To a column of the model.
    Column(usize),
    /// To all of them, row by row.
    Matrix,
    /// Nowhere: the model takes no such column.
    Nowhere,
}

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
    let targets = targets(&mut rows, &asked.inputs)?;
    let lengths = asked.inputs.iter().map(|tensor| tensor.shape[0]);
    if lengths
        .clone()
        .max()
        .is_some_and(|most| !rows.has_room_for(most.saturating_sub(1)))
    {
        return Err(too_many_rows(&rows));
    }
    let mut elements = Elements {
        rows: &mut rows,
        tensors: &asked.inputs,
        targets: &targets,
        fault: None,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let reader = Reader {
        elements: &mut elements,
        part: Part::Body,
        before: 0,
    };
    let read = reader.deserialize(&mut json);
    if let Some(fault) = elements.fault {
        return Err(fault);
    }
    read.map_err(|error| invalid(&error))?;
    let length = lengths.clone().next().unwrap_or(0);
    let is_even = lengths.clone().all(|other| other == length);
    end_columns(&mut rows, length, is_even);
    Ok((rows.finish()?, PLACE, asked.id))
}

fn refuse(name: &str, what: impl fmt::Display) -> Fault {
    let name: String = name.chars().take(100).collect();
    Fault::body("value_error", format!("The tensor `{name}` {what}"))
}

/// Where the elements of each tensor go, whose shapes have a first dimension then.
fn targets(rows: &mut Rows<'_>, tensors: &[Tensor]) -> Result<Vec<Target>, Fault> {
    let known = tensors
        .iter()
        .find(|tensor| !TYPES.contains(&&*tensor.datatype));
    if let Some(tensor) = known {
        let known = TYPES.join(", ");
        let what = format!("is of no known datatype; known: {known}");
        return Err(refuse(&tensor.name, what));
    }
    if let [one] = tensors
        && let [_, columns] = one.shape[..]
        && rows.shape.find(&one.name, 0).is_none()
    {
        let width = rows.shape.inputs.len();
        let what = format!("has {columns} columns, and the model takes {width}");
        return match columns == width {
            true => Ok(vec![Target::Matrix]),
            false => Err(refuse(&one.name, what)),
        };
    }
    let mut order = rows.order();
    let target = |tensor: &Tensor| match tensor.shape[..] {
        [_] | [_, 1] => Ok(match order.add(rows, &tensor.name) {
            Some(column) => Target::Column(column),
            None => Target::Nowhere,
        }),
        _ => Err(refuse(
            &tensor.name,
            format!(
                "is a column, whose shape is [n] or [n, 1], not {:?}",
                tensor.shape
            ),
        )),
    };
    tensors.iter().map(target).collect()
}

/// The second reading.
struct Elements<'r, 'a, 't> {
    rows: &'r mut Rows<'a>,
    tensors: &'t [Tensor],
    targets: &'t [Target],
    /// What is wrong with a tensor.
    fault: Option<Fault>,
}

impl Elements<'_, '_, '_> {
    /// The element at this place of a tensor; those its shape has no place for are counted by whoever reads.
    fn set(&mut self, tensor: usize, at: usize, cell: Cell<'_>) {
        let shape = &self.tensors[tensor].shape;
        let size = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n));
        if size.is_none_or(|size| at >= size) {
            return;
        }
        match self.targets[tensor] {
            Target::Column(column) => self.rows.set_in(at, column, cell),
            Target::Matrix => {
                let width = shape[1];
                self.rows.set_in(at / width, at % width, cell);
            }
            Target::Nowhere => {}
        }
    }

    /// That a tensor had as many elements as its shape says.
    fn check(&mut self, tensor: usize, found: usize) -> bool {
        let Tensor { name, shape, .. } = &self.tensors[tensor];
        let size = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n));
        if size == Some(found) {
            return true;
        }
        let what = format!("has {found} elements, which its shape {shape:?} has not");
        self.fault = Some(refuse(name, what));
        false
    }
}

/// What is read the second time.
#[derive(Clone, Copy)]
enum Part {
    Body,
    Tensors,
    Tensor(usize),
    /// A list of elements of this tensor, in which as many lists may be within each other.
    Data(usize, usize),
}

/// Reads a part; its value is how many elements it had, where that matters.
struct Reader<'e, 'r, 'a, 't> {
    elements: &'e mut Elements<'r, 'a, 't>,
    part: Part,
    /// Elements of the tensor that came before.
    before: usize,
}

impl<'r, 'a, 't> Reader<'_, 'r, 'a, 't> {
    const fn within(&mut self, part: Part, before: usize) -> Reader<'_, 'r, 'a, 't> {
        Reader {
            elements: self.elements,
            part,
            before,
        }
    }

    /// The elements of a tensor, or of a list of lists of them.
    fn data<'de, A: SeqAccess<'de>>(
        &mut self,
        (tensor, depth): (usize, usize),
        list: &mut A,
    ) -> Result<usize, A::Error> {
        let before = self.before;
        let mut found = 0;
        if depth <= 1 {
            while let Some(cell) = list.next_element_seed(OneCell { in_list: false })? {
                if cell == Cell::Nested {
                    return Err(self.too_deep(tensor));
                }
                self.elements.set(tensor, before + found, cell);
                found += 1;
            }
            return Ok(found);
        }
        loop {
            let within = self.within(Part::Data(tensor, depth - 1), before + found);
            let Some(more) = list.next_element_seed(Either(within))? else {
                return Ok(found);
            };
            found += more;
        }
    }

    fn too_deep<E: Error>(&mut self, tensor: usize) -> E {
        let name = &self.elements.tensors[tensor].name;
        self.elements.fault = Some(refuse(name, "is nested deeper than its shape"));
        E::custom("nested deeper")
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_, '_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<usize, A::Error> {
        let mut found = 0;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let part = match (&*key, self.part) {
                ("inputs", Part::Body) => Part::Tensors,
                ("data", Part::Tensor(tensor)) => {
                    Part::Data(tensor, self.elements.tensors[tensor].shape.len())
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            found = map.next_value_seed(self.within(part, 0))?;
        }
        match self.part {
            Part::Tensor(tensor) if !self.elements.check(tensor, found) => {
                Err(A::Error::custom("another shape"))
            }
            _ => Ok(found),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<usize, A::Error> {
        if let Part::Data(tensor, depth) = self.part {
            return self.data((tensor, depth), &mut list);
        }
        if !matches!(self.part, Part::Tensors) {
            return Err(A::Error::custom("a list, where an object is needed"));
        }
        let mut tensor = 0;
        while list
            .next_element_seed(self.within(Part::Tensor(tensor), 0))?
            .is_some()
        {
            tensor += 1;
        }
        Ok(tensor)
    }
}

/// An element, or a list of elements: nested and flat may be mixed.
struct Either<'e, 'r, 'a, 't>(Reader<'e, 'r, 'a, 't>);

impl Either<'_, '_, '_, '_> {
    fn single<E>(self, cell: Cell<'_>) -> Result<usize, E> {
        if let Part::Data(tensor, _) = self.0.part {
            self.0.elements.set(tensor, self.0.before, cell);
        }
        Ok(1)
    }
}

impl<'de> DeserializeSeed<'de> for Either<'_, '_, '_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Either<'_, '_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an element, or a list of elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<usize, A::Error> {
        self.0.visit_seq(list)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<usize, E> {
        self.single(Cell::Boolean(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<usize, E> {
        self.single(Cell::Integer(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<usize, E> {
        self.single(i64::try_from(value).map_or(Cell::Large(value), Cell::Integer))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<usize, E> {
        self.single(Cell::Number(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<usize, E> {
        self.single(Cell::Text(Cow::Borrowed(value)))
    }
    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        self.single(Cell::Missing)
    }
}
