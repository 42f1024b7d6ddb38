//! The few words of protobuf's encoding that an ONNX model needs.
//!
//! Sixty lines instead of `prost` and its derive: we only write, and know the dozen field numbers. `onnx.checker` reads
//! what comes out in `tests/interchange.rs`. Source: <https://protobuf.dev/programming-guides/encoding/>.

/// A message on its way out.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// Wire types: the low three bits of a key.
const VARINT: u32 = 0;
const BYTES: u32 = 2;

impl Message {
    /// An integer, an enum or a boolean.
    pub(super) fn int(mut self, field: u32, value: i64) -> Self {
        self.key(field, VARINT);
        self.varint(value as u64);
        self
    }

    /// A text.
    pub(super) fn text(self, field: u32, text: &str) -> Self {
        self.raw(field, text.as_bytes())
    }

    /// Bytes.
    pub(super) fn raw(mut self, field: u32, bytes: &[u8]) -> Self {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.bytes.extend(bytes);
        self
    }

    /// A message within.
    pub(super) fn message(self, field: u32, message: &Self) -> Self {
        self.raw(field, &message.bytes)
    }

    /// Messages within, one after another under the same number.
    pub(super) fn messages(self, field: u32, messages: &[Self]) -> Self {
        let put = |message: Self, inner| message.message(field, inner);
        messages.iter().fold(self, put)
    }

    /// Integers, packed.
    pub(super) fn ints(self, field: u32, values: &[i64]) -> Self {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.varint(*value as u64));
        self.message(field, &packed)
    }

    /// Floats, packed.
    pub(super) fn floats(self, field: u32, values: &[f32]) -> Self {
        let packed: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.raw(field, &packed)
    }

    /// The encoded message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn key(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
