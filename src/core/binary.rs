//! The binary form of words, for files that only hpipe reads: what a text said, kept beside it because it is read many times
//! as fast.
//!
//! Numbers are little-endian and as wide as their type; a count has 8 bytes; a text is its number of bytes and its UTF-8; a
//! flag is 0 or 1; what may be absent is a flag and, if it is 1, itself; a list is a count and its items; a mapping likewise,
//! of keys and values. Two bytes that differ never mean the same, so equal values have equal bytes. Reading takes any bytes
//! and never panics; it knows nothing of checksums, which are for whoever keeps the file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    Content, ContentKind, Digest, HashFunction, Mapping, ProjectPath, SourceId, Span, StageName,
    Value,
};

/// Values nested deeper than this were not written by us: no text is read so deep.
const DEEPEST: usize = 300;

/// What has a binary form.
pub trait Binary: Sized {
    /// Adds the form to `bytes`.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Reads it from the front; none at the end, or at what [`put`](Self::put) does not write.
    fn take(bytes: &mut Bytes<'_>) -> Option<Self>;
}

/// Bytes that are read from the front.
#[derive(Debug)]
pub struct Bytes<'a> {
    rest: &'a [u8],
    /// How many values surround the next one.
    depth: usize,
}

impl<'a> Bytes<'a> {
    /// These, all unread.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            depth: 0,
        }
    }

    /// The next `n`.
    pub fn next(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next text.
    pub fn text(&mut self) -> Option<&'a str> {
        let length = usize::take(self)?;
        str::from_utf8(self.next(length)?).ok()
    }

    /// Whether all are read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.next(N)?.try_into().ok()
    }
}

/// Gives a type the binary form of its fields, in the order written here: `binary!(struct Dep { path, role })`,
/// `binary!(enum Action { 0 => Command(scripts), 1 => Builtin { name, with } })`. Changing the order, or a field's type,
/// changes every file that holds one.
#[macro_export]
macro_rules! binary {
    (struct $type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::Binary for $type {
            fn put(&self, bytes: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::Binary::put($field, bytes);)*
            }

            fn take(bytes: &mut $crate::Bytes<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::Binary::take(bytes)?),* })
            }
        }
    };
    (enum $type:ty { $(
        $tag:literal => $variant:ident $(($item:ident))? $({ $($field:ident),* $(,)? })?
    ),* $(,)? }) => {
        impl $crate::Binary for $type {
            fn put(&self, bytes: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($item))? $({ $($field),* })? => {
                        bytes.push($tag);
                        $($crate::Binary::put($item, bytes);)?
                        $($($crate::Binary::put($field, bytes);)*)?
                    })*
                }
            }

            fn take(bytes: &mut $crate::Bytes<'_>) -> Option<Self> {
                Some(match bytes.next(1)? {
                    $([$tag] => Self::$variant
                        $(({ let $item = $crate::Binary::take(bytes)?; $item }))?
                        $({ $($field: $crate::Binary::take(bytes)?),* })?,
                    )*
                    _ => return None,
                })
            }
        }
    };
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Binary for $type {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.array()?))
            }
        }
    )*};
}

numbers!(u32, u64, i128);

impl Binary for f64 {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.to_bits().put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        u64::take(bytes).map(Self::from_bits)
    }
}

impl Binary for usize {
    fn put(&self, bytes: &mut Vec<u8>) {
        (*self as u64).put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        u64::take(bytes)?.try_into().ok()
    }
}

impl Binary for bool {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        match bytes.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    text.len().put(bytes);
    bytes.extend(text.as_bytes());
}

impl Binary for String {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_text(self, bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        bytes.text().map(Self::from)
    }
}

impl Binary for ProjectPath {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_text(self.as_str(), bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        bytes.text().map(Self::new)
    }
}

impl Binary for StageName {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_text(self.as_str(), bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        bytes.text().map(Self::known)
    }
}

impl<T: Binary> Binary for Option<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_some().put(bytes);
        if let Some(value) = self {
            value.put(bytes);
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        match bool::take(bytes)? {
            true => T::take(bytes).map(Some),
            false => Some(None),
        }
    }
}

impl<T: Binary> Binary for Box<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        (**self).put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        T::take(bytes).map(Self::new)
    }
}

impl<T: Binary> Binary for Arc<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        (**self).put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        T::take(bytes).map(Self::new)
    }
}

impl<T: Binary> Binary for Vec<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.len().put(bytes);
        self.iter().for_each(|item| item.put(bytes));
    }

    /// As many items as are announced; nothing is set aside for more than there are bytes.
    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        let count = usize::take(bytes)?;
        let mut items = Self::with_capacity(count.min(bytes.rest.len() / size_of::<T>().max(1)));
        for _ in 0..count {
            items.push(T::take(bytes)?);
        }
        Some(items)
    }
}

impl<A: Binary, B: Binary> Binary for (A, B) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some((A::take(bytes)?, B::take(bytes)?))
    }
}

impl<K: Binary + Ord, V: Binary> Binary for BTreeMap<K, V> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.len().put(bytes);
        for (key, value) in self {
            key.put(bytes);
            value.put(bytes);
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        let count = usize::take(bytes)?;
        (0..count).map(|_| <(K, V)>::take(bytes)).collect()
    }
}

impl Binary for Digest {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.function().tag());
        bytes.extend(self.as_bytes());
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        let [function] = bytes.array()?;
        (function == HashFunction::Blake3.tag()).then_some(())?;
        bytes.array().map(Self::blake3)
    }
}

impl Binary for Duration {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_secs().put(bytes);
        self.subsec_nanos().put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        let (seconds, nanoseconds) = (u64::take(bytes)?, u32::take(bytes)?);
        (nanoseconds < 1_000_000_000).then(|| Self::new(seconds, nanoseconds))
    }
}

impl Binary for Mapping {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.len().put(bytes);
        for (key, value) in self.iter() {
            put_text(key, bytes);
            value.put(bytes);
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        let entries = Vec::<(String, Value)>::take(bytes)?;
        Some(entries.into_iter().collect())
    }
}

impl Binary for Value {
    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Null => bytes.push(0),
            Self::Bool(flag) => {
                bytes.push(1);
                flag.put(bytes);
            }
            Self::Int(n) => {
                bytes.push(2);
                n.put(bytes);
            }
            Self::Float(n) => {
                bytes.push(3);
                n.put(bytes);
            }
            Self::Text(text) => {
                bytes.push(4);
                text.put(bytes);
            }
            Self::List(items) => {
                bytes.push(5);
                items.put(bytes);
            }
            Self::Map(map) => {
                bytes.push(6);
                map.put(bytes);
            }
        }
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        (bytes.depth < DEEPEST).then_some(())?;
        bytes.depth += 1;
        let [tag] = bytes.array()?;
        let value = match tag {
            0 => Self::Null,
            1 => Self::Bool(bool::take(bytes)?),
            2 => Self::Int(i128::take(bytes)?),
            3 => Self::Float(f64::take(bytes)?),
            4 => Self::Text(String::take(bytes)?),
            5 => Self::List(Vec::take(bytes)?),
            6 => Self::Map(Mapping::take(bytes)?),
            _ => return None,
        };
        bytes.depth -= 1;
        Some(value)
    }
}

binary!(struct Span { source, start, end });
binary!(struct Content { kind, digest, object_size, size, files, executable });
binary!(enum ContentKind { 0 => File, 1 => Folder });

impl Binary for SourceId {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.number().put(bytes);
    }

    fn take(bytes: &mut Bytes<'_>) -> Option<Self> {
        u32::take(bytes).map(Self::known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(value: &impl Binary) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        bytes
    }

    #[derive(Debug, Clone, PartialEq)]
    enum Shape {
        Point,
        Circle(u32),
        Text { at: Option<u32>, text: String },
    }

    binary!(enum Shape { 0 => Point, 1 => Circle(radius), 2 => Text { at, text } });

    #[test]
    fn reads_back_what_it_wrote_and_nothing_less() {
        let shapes = vec![
            Shape::Point,
            Shape::Circle(7),
            Shape::Text {
                at: Some(3),
                text: "ü".to_owned(),
            },
        ];
        let bytes = bytes_of(&shapes);
        assert_eq!(Vec::take(&mut Bytes::new(&bytes)), Some(shapes));
        for cut in 0..bytes.len() {
            assert_eq!(Vec::<Shape>::take(&mut Bytes::new(&bytes[..cut])), None);
        }
    }

    #[test]
    fn what_nobody_writes_is_refused() {
        assert_eq!(Shape::take(&mut Bytes::new(&[3])), None);
        assert_eq!(bool::take(&mut Bytes::new(&[2])), None);
        assert_eq!(String::take(&mut Bytes::new(&bytes_of(&u64::MAX))), None);
        assert_eq!(
            Vec::<bool>::take(&mut Bytes::new(&bytes_of(&u64::MAX))),
            None
        );
        let mut duration = bytes_of(&1_u64);
        1_000_000_000_u32.put(&mut duration);
        assert_eq!(Duration::take(&mut Bytes::new(&duration)), None);
    }

    #[test]
    fn values_nest_as_deep_as_texts_do() {
        let nested = |depth| (0..depth).fold(Value::Null, |value, _| Value::List(vec![value]));
        let deep = nested(DEEPEST - 1);
        assert_eq!(Value::take(&mut Bytes::new(&bytes_of(&deep))), Some(deep));
        let deeper = bytes_of(&nested(DEEPEST));
        assert_eq!(Value::take(&mut Bytes::new(&deeper)), None);
    }
}
