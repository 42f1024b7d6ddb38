//! Flatbuffers, as far as Arrow's messages need them: read with every offset checked, and written.
//!
//! Source: the encoding of FlatBuffers ("FlatBuffer Internals"). A table is a signed offset back to its list of fields, then
//! its fields; a reference is an unsigned offset forward. Nothing here trusts a number of the bytes.

/// The bytes are no flatbuffer of what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// A table within bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where its list of fields is, and how long that is.
    fields: usize,
    width: usize,
}

/// A list within bytes: where its elements begin, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) length: usize,
}

/// `N` bytes from a place on.
pub(super) fn exactly<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Damaged> {
    let end = at.checked_add(N).ok_or(Damaged)?;
    let found = bytes.get(at..end).ok_or(Damaged)?;
    found.try_into().map_err(|_| Damaged)
}

fn reference(bytes: &[u8], at: usize) -> Result<usize, Damaged> {
    let offset = u32::from_le_bytes(exactly(bytes, at)?);
    at.checked_add(offset as usize).ok_or(Damaged)
}

impl<'a> Flat<'a> {
    /// The table that bytes begin with a reference to.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, Damaged> {
        Self::at(bytes, reference(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, Damaged> {
        let back = i64::from(i32::from_le_bytes(exactly(bytes, at)?));
        let fields = i64::try_from(at).map_err(|_| Damaged)? - back;
        let fields = usize::try_from(fields).map_err(|_| Damaged)?;
        let width = usize::from(u16::from_le_bytes(exactly(bytes, fields)?));
        Ok(Self {
            bytes,
            at,
            fields,
            width,
        })
    }

    /// Where a field is; none where it has its default.
    fn field(&self, number: usize) -> Result<Option<usize>, Damaged> {
        let slot = 4 + 2 * number;
        if slot + 2 > self.width {
            return Ok(None);
        }
        let offset = u16::from_le_bytes(exactly(self.bytes, self.fields + slot)?);
        Ok((offset != 0).then_some(self.at + usize::from(offset)))
    }

    pub(super) fn byte(&self, number: usize) -> Result<u8, Damaged> {
        let field = self.field(number)?;
        Ok(field.map_or(Ok([0]), |at| exactly(self.bytes, at))?[0])
    }

    pub(super) fn short(&self, number: usize) -> Result<i16, Damaged> {
        let field = self.field(number)?;
        field.map_or(Ok(0), |at| Ok(i16::from_le_bytes(exactly(self.bytes, at)?)))
    }

    pub(super) fn int(&self, number: usize) -> Result<i32, Damaged> {
        let field = self.field(number)?;
        field.map_or(Ok(0), |at| Ok(i32::from_le_bytes(exactly(self.bytes, at)?)))
    }

    pub(super) fn long(&self, number: usize) -> Result<i64, Damaged> {
        let field = self.field(number)?;
        field.map_or(Ok(0), |at| Ok(i64::from_le_bytes(exactly(self.bytes, at)?)))
    }

    pub(super) fn table(&self, number: usize) -> Result<Option<Self>, Damaged> {
        let field = self.field(number)?;
        let at = field.map(|at| reference(self.bytes, at)).transpose()?;
        at.map(|at| Self::at(self.bytes, at)).transpose()
    }

    /// A list whose elements are of so many bytes; empty where there is none.
    pub(super) fn list(&self, number: usize, size: usize) -> Result<List<'a>, Damaged> {
        let Some(at) = self.field(number)? else {
            let (bytes, at, length) = (self.bytes, 0, 0);
            return Ok(List { bytes, at, length });
        };
        let at = reference(self.bytes, at)?;
        let length = u32::from_le_bytes(exactly(self.bytes, at)?) as usize;
        let at = at.checked_add(4).ok_or(Damaged)?;
        let end = length.checked_mul(size).and_then(|all| all.checked_add(at));
        let bytes = self.bytes;
        match end.is_some_and(|end| end <= bytes.len()) {
            true => Ok(List { bytes, at, length }),
            false => Err(Damaged),
        }
    }

    pub(super) fn text(&self, number: usize) -> Result<&'a str, Damaged> {
        let List { bytes, at, length } = self.list(number, 1)?;
        std::str::from_utf8(&bytes[at..at + length]).map_err(|_| Damaged)
    }
}

impl<'a> List<'a> {
    /// The table an element refers to.
    pub(super) fn table(&self, number: usize) -> Result<Flat<'a>, Damaged> {
        let at = self.at + 4 * number;
        Flat::at(self.bytes, reference(self.bytes, at)?)
    }

    /// The `part`th number of an element that consists of `parts` of them.
    pub(super) fn long(
        &self,
        number: usize,
        (part, parts): (usize, usize),
    ) -> Result<i64, Damaged> {
        let at = self.at + 8 * (parts * number + part);
        Ok(i64::from_le_bytes(exactly(self.bytes, at)?))
    }
}

/// A field of a table that is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    Default,
    Byte(u8),
    Short(i16),
    Long(i64),
    /// To be [pointed](Builder::point) at what follows.
    Reference,
}

/// A flatbuffer that is written, front to back: what is referred to comes behind who refers.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
}

impl Builder {
    /// One whose first table is the root.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 4] }
    }

    fn pad(&mut self, to: usize) {
        let length = self.bytes.len().next_multiple_of(to);
        self.bytes.resize(length, 0);
    }

    /// Lets the reference at a place mean what is written next, aligned to 8.
    fn point(&mut self, from: usize) {
        self.pad(8);
        let offset = (self.bytes.len() - from) as u32;
        self.bytes[from..from + 4].copy_from_slice(&offset.to_le_bytes());
    }

    /// Writes the table that the reference at `from` means; where its own references are.
    pub(super) fn table(&mut self, from: usize, entries: &[Entry]) -> Vec<usize> {
        let mut at = 4_usize; // behind the offset back to the list of fields
        let mut offsets = Vec::with_capacity(entries.len());
        for entry in entries {
            let size = entry.size();
            at = at.next_multiple_of(size.max(1));
            offsets.push(if size == 0 { 0 } else { at as u16 });
            at += size;
        }
        self.pad(8);
        let fields = self.bytes.len();
        let numbers = [4 + 2 * entries.len() as u16, at as u16];
        for number in numbers.into_iter().chain(offsets.iter().copied()) {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.point(from);
        let table = self.bytes.len();
        self.bytes.extend(((table - fields) as i32).to_le_bytes());
        let mut references = Vec::new();
        for (entry, offset) in entries.iter().zip(offsets) {
            self.bytes
                .resize((table + usize::from(offset)).max(self.bytes.len()), 0);
            match entry {
                Entry::Default => {}
                Entry::Byte(value) => self.bytes.push(*value),
                Entry::Short(value) => self.bytes.extend(value.to_le_bytes()),
                Entry::Long(value) => self.bytes.extend(value.to_le_bytes()),
                Entry::Reference => {
                    references.push(self.bytes.len());
                    self.bytes.extend([0; 4]);
                }
            }
        }
        references
    }

    /// Writes a list of numbers, `parts` of them an element.
    pub(super) fn longs(&mut self, from: usize, numbers: &[i64], parts: usize) {
        self.pad(8);
        self.bytes.extend([0; 4]); // elements are aligned to 8, their number comes right before them
        let offset = (self.bytes.len() - from) as u32;
        self.bytes[from..from + 4].copy_from_slice(&offset.to_le_bytes());
        let count = (numbers.len() / parts) as u32;
        self.bytes.extend(count.to_le_bytes());
        for number in numbers {
            self.bytes.extend(number.to_le_bytes());
        }
    }

    /// Writes a list of references; where they are.
    pub(super) fn references(&mut self, from: usize, count: usize) -> Vec<usize> {
        self.point(from);
        self.bytes.extend((count as u32).to_le_bytes());
        let first = self.bytes.len();
        self.bytes.resize(first + 4 * count, 0);
        (0..count).map(|number| first + 4 * number).collect()
    }

    pub(super) fn text(&mut self, from: usize, text: &str) {
        self.point(from);
        self.bytes.extend((text.len() as u32).to_le_bytes());
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    /// What was written, its length a multiple of 8.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.pad(8);
        self.bytes
    }
}

impl Entry {
    const fn size(self) -> usize {
        match self {
            Self::Default => 0,
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Reference => 4,
            Self::Long(_) => 8,
        }
    }
}
