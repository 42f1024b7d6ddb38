//! Bodies in Apache Arrow's IPC, as stream or as file, straight into the model's columns.
//!
//! Format: <https://arrow.apache.org/docs/format/Columnar.html>, versions 4 and 5. Read by ourselves, and not by polars as the
//! tables of stages are: its reader is made for files one trusts, and asserts, or takes the memory that a length in the bytes
//! asks for, where these are somebody else's. Nothing here is allocated that the bytes do not bear: texts are spelled out up to
//! the size that a body may have, dictionaries up to a few times the rows. Buffers that are packed (LZ4, ZSTD) are refused, as
//! packed bodies are.

mod answer;
mod array;
mod flat;
mod schema;

use std::collections::HashMap;

use hpipe_core::{Table, Type};
use hyper::StatusCode;

use self::array::Array;
use self::flat::{Damaged, Flat, List, exactly};
use self::schema::{Field, Kind};
use crate::fault::Fault;
use crate::rows::{Cell, Place, Rows};

pub(crate) use answer::{Container, answer};

/// Begins and ends a file.
const MAGIC: &[u8] = b"ARROW1";

/// Comes before the length of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// What a message may be about (the union `MessageHeader` of Arrow's `Message.fbs`).
const SCHEMA: u8 = 1;
const DICTIONARY: u8 = 2;
const BATCH: u8 = 3;

/// Names that pandas gives to what it had in place of row numbers: they mean nothing, as `index` does in JSON.
const INDEX: &str = "__index_level_";

/// Reads a body into a table of the model's columns; `most` bytes are what its texts may take.
///
/// # Errors
/// What is wrong with the body or its rows.
pub(crate) fn read(body: &[u8], rows: Rows<'_>, most: usize) -> Result<(Table, Place), Fault> {
    let (schema, mut messages) = Messages::of(body)?;
    if schema::is_big_endian(&schema)? {
        return Err(invalid("Numbers should be little-endian"));
    }
    let columns = schema::columns(&schema)?;
    let mut reading = Reading::new(columns, rows, most);
    while let Some(message) = messages.next()? {
        match message.about {
            DICTIONARY => reading.dictionary(&message)?,
            BATCH => reading.batch(&message)?,
            _ => return Err(damaged()),
        }
    }
    reading.finish()
}

fn invalid(msg: impl Into<String>) -> Fault {
    Fault::body("arrow_invalid", msg)
}

fn damaged() -> Fault {
    invalid("Body should be a table in Arrow IPC: it is none, damaged or cut short")
}

impl From<Damaged> for Fault {
    fn from(_: Damaged) -> Self {
        damaged()
    }
}

/// The messages about rows, one after the other.
struct Messages<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where they are, in a file: dictionaries, then batches; and how many of them were read.
    blocks: Option<([List<'a>; 2], usize)>,
}

/// One of them.
struct Message<'a> {
    about: u8,
    header: Flat<'a>,
    body: &'a [u8],
}

impl<'a> Messages<'a> {
    /// The schema of a body, and the messages that follow it.
    fn of(body: &'a [u8]) -> Result<(Flat<'a>, Self), Fault> {
        if body.starts_with(MAGIC) {
            return Ok(Self::of_file(body)?);
        }
        let mut messages = Self {
            bytes: body,
            at: 0,
            blocks: None,
        };
        let first = messages.next()?.filter(|message| message.about == SCHEMA);
        let schema =
            first.ok_or_else(|| invalid("Body should begin with the schema of a table"))?;
        Ok((schema.header, messages))
    }

    /// A file is a stream between two marks; what ends it says the schema, and where the parts are.
    fn of_file(body: &'a [u8]) -> Result<(Flat<'a>, Self), Damaged> {
        let inside = body.strip_suffix(MAGIC).ok_or(Damaged)?;
        let end = inside.len().checked_sub(4).ok_or(Damaged)?;
        let length = i32::from_le_bytes(exactly(inside, end)?);
        let length = usize::try_from(length).map_err(|_| Damaged)?;
        let begin = end.checked_sub(length).ok_or(Damaged)?;
        let footer = Flat::root(&inside[begin..end])?;
        let schema = footer.table(1)?.ok_or(Damaged)?;
        let blocks = [footer.list(2, 24)?, footer.list(3, 24)?];
        let messages = Self {
            bytes: &inside[..begin],
            at: 0,
            blocks: Some((blocks, 0)),
        };
        Ok((schema, messages))
    }

    /// The next one; none at the end.
    fn next(&mut self) -> Result<Option<Message<'a>>, Damaged> {
        if let Some(([dictionaries, batches], read)) = &mut self.blocks {
            let (list, number) = match read.checked_sub(dictionaries.length) {
                None => (dictionaries, *read),
                Some(number) if number < batches.length => (batches, number),
                Some(_) => return Ok(None),
            };
            let at = usize::try_from(list.long(number, (0, 3))?).map_err(|_| Damaged)?;
            // one after the other: who names a block a thousand times would be answered a thousand times its bytes
            if number > 0 && at < self.at {
                return Err(Damaged);
            }
            (self.at, *read) = (at, *read + 1);
        } else if self.at == self.bytes.len() {
            return Ok(None); // a stream may end without a word
        }
        self.read()
    }

    /// The message at this place.
    fn read(&mut self) -> Result<Option<Message<'a>>, Damaged> {
        let mut length = exactly(self.take(4)?, 0)?;
        if length == CONTINUATION {
            length = exactly(self.take(4)?, 0)?;
        }
        let length = usize::try_from(i32::from_le_bytes(length)).map_err(|_| Damaged)?;
        if length == 0 {
            return Ok(None);
        }
        let root = Flat::root(self.take(length)?)?;
        let body = usize::try_from(root.long(3)?).map_err(|_| Damaged)?;
        Ok(Some(Message {
            about: root.byte(1)?,
            header: root.table(2)?.ok_or(Damaged)?,
            body: self.take(body)?,
        }))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let end = self.at.checked_add(length).ok_or(Damaged)?;
        let found = self.bytes.get(self.at..end).ok_or(Damaged)?;
        self.at = end;
        Ok(found)
    }
}

/// A table on its way into the model's columns.
struct Reading<'a, 's> {
    columns: Vec<Field<'a>>,
    rows: Rows<'s>,
    /// Which of the model's columns each is.
    order: Vec<Option<usize>>,
    dictionaries: HashMap<i64, Vec<Cell<'a>>>,
    /// How the values of each dictionary are written: columns and dictionaries may both be very many.
    kinds: HashMap<i64, Kind>,
    /// Values that dictionaries may still have.
    entries: usize,
    /// Bytes that texts may still take.
    texts: usize,
    read: usize,
}

impl<'a, 's> Reading<'a, 's> {
    fn new(columns: Vec<Field<'a>>, mut rows: Rows<'s>, texts: usize) -> Self {
        rows.place = Place::LIST;
        let mut names = rows.order();
        let mut order = Vec::with_capacity(columns.len());
        let mut kinds = HashMap::new();
        for column in &columns {
            if let Some((id, _)) = column.dictionary {
                kinds.entry(id).or_insert(column.kind);
            }
            let is_index =
                column.name.starts_with(INDEX) && rows.shape.find(column.name, 0).is_none();
            let found = if is_index {
                None
            } else {
                names.add(&mut rows, column.name)
            };
            order.push(found.filter(|found| is_possible(&mut rows, *found, column)));
        }
        Self {
            columns,
            order,
            dictionaries: HashMap::new(),
            kinds,
            entries: rows.most().saturating_mul(4),
            rows,
            texts,
            read: 0,
        }
    }

    /// Reads a dictionary, or what is added to one.
    fn dictionary(&mut self, message: &Message<'a>) -> Result<(), Fault> {
        let id = message.header.long(0)?;
        let batch = message.header.table(1)?.ok_or(Damaged)?;
        let adds = message.header.byte(2)? != 0;
        let Some(kind) = self.kinds.get(&id) else {
            return Ok(()); // of something within a column, which no model takes
        };
        let mut parts = Parts::of(&batch, message.body)?;
        let values = parts.array(*kind)?;
        self.entries = self.entries.checked_sub(values.length).ok_or_else(|| {
            Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_many_rows",
                "Dictionaries should have fewer values",
            )
        })?;
        let known = self.dictionaries.entry(id).or_default();
        if !adds {
            known.clear();
        }
        for row in 0..values.length {
            known.push(values.cell(row)?);
        }
        Ok(())
    }

    /// Reads rows.
    fn batch(&mut self, message: &Message<'a>) -> Result<(), Fault> {
        let length = usize::try_from(message.header.long(0)?).map_err(|_| damaged())?;
        let end = self.read.checked_add(length).ok_or(Damaged)?;
        if length > 0 && !self.rows.has_room_for(end - 1) {
            let msg = format!("Request should have at most {} rows", self.rows.most());
            return Err(Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_many_rows",
                msg,
            ));
        }
        let mut parts = Parts::of(&message.header, message.body)?;
        for (column, place) in self.columns.iter().zip(&self.order) {
            let keys = column.dictionary.map(|(_, keys)| keys);
            let array = parts.array(keys.unwrap_or(column.kind))?;
            if keys.is_none() {
                parts.pass(&column.parts)?;
            }
            if array.length != length {
                return Err(damaged());
            }
            let Some(place) = *place else { continue };
            let words = match column.dictionary {
                Some((id, _)) => Some(self.dictionaries.get(&id).ok_or(Damaged)?),
                None => None,
            };
            for row in 0..length {
                let cell = cell(&array, words, row)?;
                if let Cell::Text(text) = &cell {
                    self.texts = self.texts.checked_sub(text.len()).ok_or_else(too_long)?;
                }
                self.rows.set_in(self.read + row, place, cell);
            }
        }
        self.read = end;
        Ok(())
    }

    fn finish(mut self) -> Result<(Table, Place), Fault> {
        self.rows.end_rows(self.read);
        let place = self.rows.place;
        Ok((self.rows.finish()?, place))
    }
}

/// Notes a column of a type that no value of the model's column has.
fn is_possible(rows: &mut Rows<'_>, column: usize, found: &Field<'_>) -> bool {
    let Kind::Other { name, .. } = found.kind else {
        return true;
    };
    let wanted = match rows.shape.inputs[column].kind {
        Type::Number => "numbers",
        Type::Integer => "integers",
        Type::Text => "texts",
        Type::Boolean => "booleans",
    };
    rows.misfit_column(
        column,
        &format!("Column should hold {wanted}, not values of the type {name}"),
    );
    false
}

/// A value, looked up where the array says a place in a dictionary.
fn cell<'a>(
    array: &Array<'a>,
    words: Option<&Vec<Cell<'a>>>,
    row: usize,
) -> Result<Cell<'a>, Damaged> {
    match words {
        None => array.cell(row),
        Some(words) => match array.place(row)? {
            Some(place) => words.get(place).cloned().ok_or(Damaged),
            None => Ok(Cell::Missing),
        },
    }
}

fn too_long() -> Fault {
    let msg = "Texts should take fewer bytes, each spelled out";
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", msg)
}

/// The parts of a batch, in the order of its columns.
struct Parts<'a> {
    body: &'a [u8],
    nodes: List<'a>,
    node: usize,
    buffers: List<'a>,
    buffer: usize,
    views: List<'a>,
    view: usize,
}

impl<'a> Parts<'a> {
    fn of(batch: &Flat<'a>, body: &'a [u8]) -> Result<Self, Fault> {
        if batch.table(3)?.is_some() {
            return Err(invalid(
                "Buffers should not be packed: write the table without compression",
            ));
        }
        Ok(Self {
            body,
            nodes: batch.list(1, 16)?,
            node: 0,
            buffers: batch.list(2, 16)?,
            buffer: 0,
            views: batch.list(4, 8)?,
            view: 0,
        })
    }

    /// The next array.
    fn array(&mut self, kind: Kind) -> Result<Array<'a>, Damaged> {
        if self.node >= self.nodes.length {
            return Err(Damaged);
        }
        let length = usize::try_from(self.nodes.long(self.node, (0, 2))?).map_err(|_| Damaged)?;
        let missing = self.nodes.long(self.node, (1, 2))?;
        self.node += 1;
        let views = match kind.has_views() {
            true => self.count_of_views()?,
            false => 0,
        };
        let count = kind.buffers().checked_add(views).ok_or(Damaged)?;
        if count > self.buffers.length - self.buffer {
            return Err(Damaged);
        }
        let buffers = (0..count).map(|_| self.next_buffer());
        Array::new(kind, (length, missing), buffers.collect::<Result<_, _>>()?)
    }

    fn count_of_views(&mut self) -> Result<usize, Damaged> {
        if self.view >= self.views.length {
            return Err(Damaged);
        }
        let count = self.views.long(self.view, (0, 1))?;
        self.view += 1;
        usize::try_from(count).map_err(|_| Damaged)
    }

    fn next_buffer(&mut self) -> Result<&'a [u8], Damaged> {
        let number = |part| {
            let number = self.buffers.long(self.buffer, (part, 2))?;
            usize::try_from(number).map_err(|_| Damaged)
        };
        let (begin, length) = (number(0)?, number(1)?);
        self.buffer += 1;
        let end = begin.checked_add(length).ok_or(Damaged)?;
        self.body.get(begin..end).ok_or(Damaged)
    }

    /// Passes over what is within a column.
    fn pass(&mut self, parts: &[Field<'a>]) -> Result<(), Damaged> {
        for part in parts {
            let keys = part.dictionary.map(|(_, keys)| keys);
            self.array(keys.unwrap_or(part.kind))?;
            if keys.is_none() {
                self.pass(&part.parts)?;
            }
        }
        Ok(())
    }
}
