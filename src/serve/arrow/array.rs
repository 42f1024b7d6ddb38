//! The values of one column of a batch, where they lie in the body.

use std::borrow::Cow;

use super::flat::{Damaged, exactly};
use super::schema::Kind;
use crate::rows::Cell;

/// Values of one kind; nothing is copied before a value is asked for.
#[derive(Debug)]
pub(super) struct Array<'a> {
    pub(super) kind: Kind,
    pub(super) length: usize,
    /// A bit a value, set where there is one; none: all are there.
    validity: Option<&'a [u8]>,
    /// The buffers behind the validity.
    buffers: Vec<&'a [u8]>,
}

impl<'a> Array<'a> {
    /// Values of these buffers, the first of which is the validity.
    pub(super) fn new(
        kind: Kind,
        (length, missing): (usize, i64),
        mut buffers: Vec<&'a [u8]>,
    ) -> Result<Self, Damaged> {
        let validity = match buffers.is_empty() {
            true => &[][..],
            false => buffers.remove(0),
        };
        let validity = match missing {
            0 => None,
            _ if kind == Kind::Null => None,
            _ if validity.len() < length.div_ceil(8) => return Err(Damaged),
            _ => Some(validity),
        };
        let array = Self {
            kind,
            length,
            validity,
            buffers,
        };
        match length > 0 && array.first().len() < array.least(length) {
            true => Err(Damaged),
            false => Ok(array),
        }
    }

    /// The bytes that so many values take at least in the first buffer.
    const fn least(&self, length: usize) -> usize {
        let size = match self.kind {
            Kind::Null | Kind::Other { .. } => 0,
            Kind::Boolean => return length.div_ceil(8),
            Kind::Integer { bytes, .. } | Kind::Float { bytes } => bytes,
            Kind::Text { bytes } => return bytes.saturating_mul(length.saturating_add(1)),
            Kind::TextViews => 16,
        };
        size.saturating_mul(length)
    }

    fn first(&self) -> &'a [u8] {
        self.buffers.first().copied().unwrap_or_default()
    }

    fn bit(bytes: &[u8], place: usize) -> Result<bool, Damaged> {
        let byte = bytes.get(place / 8).ok_or(Damaged)?;
        Ok(byte >> (place % 8) & 1 == 1)
    }

    /// A value; NaN is a missing one, as in the tables of training.
    pub(super) fn cell(&self, row: usize) -> Result<Cell<'a>, Damaged> {
        if let Some(validity) = self.validity
            && !Self::bit(validity, row)?
        {
            return Ok(Cell::Missing);
        }
        let bytes = self.first();
        Ok(match self.kind {
            Kind::Null => Cell::Missing,
            Kind::Boolean => Cell::Boolean(Self::bit(bytes, row)?),
            Kind::Integer {
                bytes: size,
                signed,
            } => integer(bytes, row * size, size, signed)?,
            Kind::Float { bytes: size } => match float(bytes, row * size, size)? {
                value if value.is_nan() => Cell::Missing,
                value => Cell::Number(value),
            },
            Kind::Text { bytes: size } => Cell::Text(Cow::Borrowed(self.text(row, size)?)),
            Kind::TextViews => Cell::Text(Cow::Borrowed(self.view(row)?)),
            Kind::Other { .. } => Cell::Nested,
        })
    }

    /// A text between two offsets.
    fn text(&self, row: usize, size: usize) -> Result<&'a str, Damaged> {
        let offset = |row: usize| {
            let offset = match size {
                4 => i32::from_le_bytes(exactly(self.first(), 4 * row)?).into(),
                _ => i64::from_le_bytes(exactly(self.first(), 8 * row)?),
            };
            usize::try_from(offset).map_err(|_| Damaged)
        };
        let (begin, end) = (offset(row)?, offset(row + 1)?);
        let bytes = self.buffers.get(1).and_then(|bytes| bytes.get(begin..end));
        std::str::from_utf8(bytes.ok_or(Damaged)?).map_err(|_| Damaged)
    }

    /// A text that lies in its view if it is short, else in one of the buffers behind.
    fn view(&self, row: usize) -> Result<&'a str, Damaged> {
        const INLINE: usize = 12;
        let at = 16 * row;
        let number = |at| -> Result<usize, Damaged> {
            let number = i32::from_le_bytes(exactly(self.first(), at)?);
            usize::try_from(number).map_err(|_| Damaged)
        };
        let length: usize = number(at)?;
        let (bytes, begin): (&'a [u8], usize) = match length <= INLINE {
            true => (self.first(), at + 4),
            false => {
                let buffer: usize = number(at + 8)?;
                let buffer = self.buffers.get(1..).and_then(|all| all.get(buffer));
                (buffer.ok_or(Damaged)?, number(at + 12)?)
            }
        };
        let end = begin.checked_add(length).ok_or(Damaged)?;
        std::str::from_utf8(bytes.get(begin..end).ok_or(Damaged)?).map_err(|_| Damaged)
    }

    /// A place in a dictionary; none where the value is missing.
    pub(super) fn place(&self, row: usize) -> Result<Option<usize>, Damaged> {
        match self.cell(row)? {
            Cell::Missing => Ok(None),
            Cell::Integer(place) => usize::try_from(place).map(Some).map_err(|_| Damaged),
            _ => Err(Damaged),
        }
    }
}

fn integer(bytes: &[u8], at: usize, size: usize, signed: bool) -> Result<Cell<'static>, Damaged> {
    Ok(Cell::Integer(match (size, signed) {
        (1, true) => i8::from_le_bytes(exactly(bytes, at)?).into(),
        (1, false) => u8::from_le_bytes(exactly(bytes, at)?).into(),
        (2, true) => i16::from_le_bytes(exactly(bytes, at)?).into(),
        (2, false) => u16::from_le_bytes(exactly(bytes, at)?).into(),
        (4, true) => i32::from_le_bytes(exactly(bytes, at)?).into(),
        (4, false) => u32::from_le_bytes(exactly(bytes, at)?).into(),
        (_, true) => i64::from_le_bytes(exactly(bytes, at)?),
        (_, false) => {
            let value = u64::from_le_bytes(exactly(bytes, at)?);
            match i64::try_from(value) {
                Ok(value) => value,
                Err(_) => return Ok(Cell::Large(value)),
            }
        }
    }))
}

fn float(bytes: &[u8], at: usize, size: usize) -> Result<f64, Damaged> {
    Ok(match size {
        2 => half(u16::from_le_bytes(exactly(bytes, at)?)),
        4 => f32::from_le_bytes(exactly(bytes, at)?).into(),
        _ => f64::from_le_bytes(exactly(bytes, at)?),
    })
}

/// A number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_are_what_they_mean() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
        ];
        for (bits, expect) in cases {
            assert_eq!(half(bits), expect, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }

    #[test]
    fn what_lies_outside_of_its_buffer_is_damage() {
        let offsets: Vec<u8> = [0_i32, 2, 9, 1]
            .iter()
            .flat_map(|o| o.to_le_bytes())
            .collect();
        let text = Array::new(
            Kind::Text { bytes: 4 },
            (3, 0),
            vec![&[], &offsets, b"ab\xff"],
        )
        .expect("an array");
        assert_eq!(text.cell(0), Ok(Cell::Text(Cow::Borrowed("ab"))));
        assert_eq!((text.cell(1), text.cell(2)), (Err(Damaged), Err(Damaged)));
        let short = Array::new(Kind::Float { bytes: 8 }, (2, 0), vec![&[], &[0; 15]]);
        assert!(short.is_err(), "half a number");
        let validity = Array::new(Kind::Boolean, (9, 1), vec![&[1], &[0, 0]]);
        assert!(validity.is_err(), "a bit is lacking");
    }
}
