//! Predictions in Arrow's IPC: one column of numbers, in one batch; warnings are beside the schema, as JSON.

use super::flat::{Builder, Entry};
use super::{BATCH, CONTINUATION, MAGIC, SCHEMA};

/// Version 5 of the format.
const VERSION: i16 = 4;

/// The column.
const NAME: &str = "predictions";

/// Where the warnings are.
const WARNINGS: &str = "warnings";

/// The union `Type`: floats, of which the precision 2 is 64 bits.
const FLOAT: u8 = 3;
const DOUBLE: i16 = 2;

/// What the messages are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Stream,
    File,
}

/// Where a message is in a file: its first byte, the length of its metadata, that of its body.
type Block = [i64; 3];

/// The body of an answer; a prediction that is no number is null.
pub(crate) fn answer(predictions: &[f64], warnings: Option<&str>, container: Container) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024 + predictions.len() * 9);
    if container == Container::File {
        bytes.extend(MAGIC);
        bytes.extend([0; 2]);
    }
    message(&mut bytes, SCHEMA, &[], |flat, from| {
        schema(flat, from, warnings)
    });
    let (body, validity) = body(predictions);
    let missing = predictions
        .iter()
        .filter(|value| !value.is_finite())
        .count();
    let block = message(&mut bytes, BATCH, &body, |flat, from| {
        batch(flat, from, [predictions.len(), missing, validity]);
    });
    bytes.extend(CONTINUATION);
    bytes.extend([0; 4]);
    if container == Container::File {
        footer(&mut bytes, warnings, block);
    }
    bytes
}

/// The buffers of the column, and how long the first of them is: the bits of what is there, if not all is.
fn body(predictions: &[f64]) -> (Vec<u8>, usize) {
    let mut validity = vec![0_u8; predictions.len().div_ceil(8)];
    for (row, _) in predictions
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_finite())
    {
        validity[row / 8] |= 1 << (row % 8);
    }
    if predictions.iter().all(|value| value.is_finite()) {
        validity.clear();
    }
    let length = validity.len();
    validity.resize(length.next_multiple_of(8), 0);
    validity.extend(predictions.iter().flat_map(|value| value.to_le_bytes()));
    (validity, length)
}

/// Writes a message; where it is.
fn message(
    bytes: &mut Vec<u8>,
    about: u8,
    body: &[u8],
    header: impl FnOnce(&mut Builder, usize),
) -> Block {
    let mut flat = Builder::new();
    let entries = [
        Entry::Short(VERSION),
        Entry::Byte(about),
        Entry::Reference,
        Entry::Long(body.len() as i64),
    ];
    let references = flat.table(0, &entries);
    header(&mut flat, references[0]);
    let flat = flat.finish();
    let begin = bytes.len();
    bytes.extend(CONTINUATION);
    bytes.extend((flat.len() as i32).to_le_bytes());
    bytes.extend(&flat);
    bytes.extend(body);
    [begin as i64, (8 + flat.len()) as i64, body.len() as i64]
}

/// `Schema`: little-endian, one field, maybe metadata.
fn schema(flat: &mut Builder, from: usize, warnings: Option<&str>) {
    let metadata = match warnings {
        Some(_) => Entry::Reference,
        None => Entry::Default,
    };
    let references = flat.table(from, &[Entry::Short(0), Entry::Reference, metadata]);
    let fields = flat.references(references[0], 1);
    // name, nullable, type, dictionary, children
    let field = [
        Entry::Reference,
        Entry::Byte(1),
        Entry::Byte(FLOAT),
        Entry::Reference,
        Entry::Default,
        Entry::Reference,
    ];
    let parts = flat.table(fields[0], &field);
    flat.text(parts[0], NAME);
    flat.table(parts[1], &[Entry::Short(DOUBLE)]);
    flat.references(parts[2], 0);
    if let Some(warnings) = warnings {
        let pairs = flat.references(references[1], 1);
        let pair = flat.table(pairs[0], &[Entry::Reference, Entry::Reference]);
        flat.text(pair[0], WARNINGS);
        flat.text(pair[1], warnings);
    }
}

/// `RecordBatch` of one column.
fn batch(flat: &mut Builder, from: usize, [rows, missing, validity]: [usize; 3]) {
    let entries = [Entry::Long(rows as i64), Entry::Reference, Entry::Reference];
    let references = flat.table(from, &entries);
    flat.longs(references[0], &[rows as i64, missing as i64], 2);
    let begin = validity.next_multiple_of(8);
    let buffers = [0, validity as i64, begin as i64, 8 * rows as i64];
    flat.longs(references[1], &buffers, 2);
}

/// What ends a file: the schema again, and where the batch is.
fn footer(bytes: &mut Vec<u8>, warnings: Option<&str>, [begin, metadata, body]: Block) {
    let mut flat = Builder::new();
    let entries = [
        Entry::Short(VERSION),
        Entry::Reference,
        Entry::Reference,
        Entry::Reference,
    ];
    let references = flat.table(0, &entries);
    schema(&mut flat, references[0], warnings);
    flat.longs(references[1], &[], 3);
    // the metadata's length is of 32 bits, with 32 of padding: as little-endian they are one number
    flat.longs(references[2], &[begin, metadata, body], 3);
    let flat = flat.finish();
    bytes.extend(&flat);
    bytes.extend((flat.len() as i32).to_le_bytes());
    bytes.extend(MAGIC);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What we write we read: the layout is checked against pyarrow in tests/serving/clients.py.
    #[test]
    fn an_answer_is_a_table_of_one_column() {
        use crate::arrow::flat::Flat;
        let bytes = answer(&[1.5, f64::NAN], Some("[]"), Container::Stream);
        let length = i32::from_le_bytes(bytes[4..8].try_into().expect("four")) as usize;
        assert_eq!(length % 8, 0);
        let root = Flat::root(&bytes[8..8 + length]).expect("a message");
        assert_eq!((root.byte(1), root.long(3)), (Ok(SCHEMA), Ok(0)));
        let schema = root.table(2).expect("sound").expect("a schema");
        let columns = crate::arrow::schema::columns(&schema).expect("columns");
        assert_eq!((columns.len(), columns[0].name), (1, NAME));
        assert_eq!(
            columns[0].kind,
            crate::arrow::schema::Kind::Float { bytes: 8 }
        );
    }
}
