//! UBJSON (draft 12), the binary cousin of JSON in which XGBoost keeps models by default; numbers are big-endian.
//!
//! The writer uses the forms that XGBoost's own reader knows: lengths are always `L` (i64), vectors of one type carry
//! type and count. The reader takes every form of the draft; a count is believed only as far as there are bytes.

use super::Error;
use super::document::Value;

/// Nesting deeper than that is no model but an attack on the stack.
const DEPTH: usize = 64;

/// The bytes of a document.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, value);
    bytes
}

fn put(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(b'Z'),
        Value::Bool(value) => bytes.push(if *value { b'T' } else { b'F' }),
        Value::Integer(value) => put_length(bytes, *value),
        Value::Float(value) => {
            bytes.push(b'D');
            bytes.extend(value.to_be_bytes());
        }
        Value::Text(text) => {
            bytes.push(b'S');
            put_text(bytes, text);
        }
        Value::List(values) => {
            bytes.extend(b"[#");
            put_length(bytes, values.len() as i64);
            values.iter().for_each(|value| put(bytes, value));
        }
        Value::Bytes(values) => put_vector(bytes, b'U', values, |x| [*x]),
        Value::Integers(values) => put_vector(bytes, b'l', values, |x| x.to_be_bytes()),
        Value::Longs(values) => put_vector(bytes, b'L', values, |x| x.to_be_bytes()),
        Value::Floats(values) => put_vector(bytes, b'd', values, |x| x.to_be_bytes()),
        Value::Map(entries) => {
            bytes.push(b'{');
            for (key, value) in entries {
                put_text(bytes, key);
                put(bytes, value);
            }
            bytes.push(b'}');
        }
    }
}

fn put_length(bytes: &mut Vec<u8>, length: i64) {
    bytes.push(b'L');
    bytes.extend(length.to_be_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len() as i64);
    bytes.extend(text.as_bytes());
}

fn put_vector<T, const N: usize>(
    bytes: &mut Vec<u8>,
    marker: u8,
    values: &[T],
    encode: impl Fn(&T) -> [u8; N],
) {
    bytes.extend([b'[', b'$', marker, b'#']);
    put_length(bytes, values.len() as i64);
    values.iter().for_each(|value| bytes.extend(encode(value)));
}

/// Reads a document.
///
/// # Errors
/// [`Error::Ubjson`].
pub(super) fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.marker()?;
    let value = reader.value(marker, 0)?;
    if reader.at != bytes.len() {
        return Err(reader.fault("more bytes follow"));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn fault(&self, reason: impl Into<String>) -> Error {
        let (at, reason) = (self.at, reason.into());
        Error::Ubjson { at, reason }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Error> {
        let end = self.at.checked_add(count);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.fault("the end"));
        };
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next marker; `N` stands for nothing.
    fn marker(&mut self) -> Result<u8, Error> {
        loop {
            match self.array()? {
                [b'N'] => {}
                [marker] => return Ok(marker),
            }
        }
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, Error> {
        match marker {
            b'Z' => Ok(Value::Null),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'd' => Ok(Value::Float(f32::from_be_bytes(self.array()?).into())),
            b'D' => Ok(Value::Float(f64::from_be_bytes(self.array()?))),
            b'C' => Ok(Value::text(char::from(self.array::<1>()?[0]))),
            b'S' | b'H' => self.text().map(Value::Text),
            b'[' | b'{' if depth == DEPTH => Err(self.fault(format!("more than {DEPTH} levels"))),
            b'[' => self.list(depth + 1),
            b'{' => self.map(depth + 1),
            _ => self.integer(marker).map(Value::Integer),
        }
    }

    fn integer(&mut self, marker: u8) -> Result<i64, Error> {
        Ok(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => u8::from_be_bytes(self.array()?).into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            other => {
                self.at -= 1;
                return Err(self.fault(format!("the byte {other:#04x} where a value begins")));
            }
        })
    }

    fn length(&mut self) -> Result<usize, Error> {
        let marker = self.marker()?;
        let length = self.integer(marker)?;
        usize::try_from(length).map_err(|_| self.fault(format!("the length {length}")))
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = self.length()?;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.fault("a text that is not UTF-8"))
    }

    /// Type and count that may follow an opening bracket.
    fn header(&mut self) -> Result<(Option<u8>, Option<usize>), Error> {
        let mut marker = None;
        if self.peek() == Some(b'$') {
            self.take(1)?;
            marker = Some(self.marker()?);
            if self.peek() != Some(b'#') {
                return Err(self.fault("a type without a count"));
            }
        }
        if self.peek() != Some(b'#') {
            return Ok((marker, None));
        }
        self.take(1)?;
        Ok((marker, Some(self.length()?)))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Error> {
        match self.header()? {
            (Some(marker), Some(count)) => self.vector(marker, count, depth),
            (_, count) => {
                let mut values = Vec::new();
                while self.more(values.len(), count, b']')? {
                    let marker = self.marker()?;
                    values.push(self.value(marker, depth)?);
                }
                Ok(Value::List(values))
            }
        }
    }

    /// Whether another member follows; the closing bracket, which counted members have not, is taken.
    fn more(&mut self, found: usize, count: Option<usize>, close: u8) -> Result<bool, Error> {
        if let Some(count) = count {
            return Ok(found < count);
        }
        while self.peek() == Some(b'N') {
            self.take(1)?;
        }
        let closed = self.peek() == Some(close);
        if closed {
            self.take(1)?;
        }
        Ok(!closed)
    }

    fn vector(&mut self, marker: u8, count: usize, depth: usize) -> Result<Value, Error> {
        match marker {
            b'U' => Ok(Value::Bytes(self.take(count)?.to_vec())),
            b'i' => Ok(Value::Integers(
                self.numbers(count, |[x]| i8::from_be_bytes([x]).into())?,
            )),
            b'I' => Ok(Value::Integers(
                self.numbers(count, |x| i16::from_be_bytes(x).into())?,
            )),
            b'l' => Ok(Value::Integers(self.numbers(count, i32::from_be_bytes)?)),
            b'L' => Ok(Value::Longs(self.numbers(count, i64::from_be_bytes)?)),
            b'd' => Ok(Value::Floats(self.numbers(count, f32::from_be_bytes)?)),
            // Values of these types take no bytes: a count of them could be anything.
            b'Z' | b'T' | b'F' | b'N' => Err(self.fault("a list of a type without content")),
            _ => {
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(marker, depth)?);
                }
                Ok(Value::List(values))
            }
        }
    }

    fn numbers<T, const N: usize>(
        &mut self,
        count: usize,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let bytes = self.take(count.saturating_mul(N))?;
        let (chunks, _) = bytes.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| decode(*chunk)).collect())
    }

    fn map(&mut self, depth: usize) -> Result<Value, Error> {
        let (marker, count) = self.header()?;
        let mut entries = Vec::new();
        while self.more(entries.len(), count, b'}')? {
            let key = self.text()?;
            let marker = match marker {
                Some(b'Z' | b'T' | b'F' | b'N') => {
                    return Err(self.fault("a map of a type without content"));
                }
                Some(marker) => marker,
                None => self.marker()?,
            };
            entries.push((key, self.value(marker, depth)?));
        }
        Ok(Value::Map(entries))
    }
}
