//! What the columns of an Arrow table are, as its schema says.

use super::flat::{Damaged, Flat, List};

/// Names of columns that are longer are no names.
const LONGEST_NAME: usize = 4096;

/// Columns and what is within them, altogether: more are no table but an attack.
const MOST_FIELDS: usize = 100_000;

/// How deep columns may be within columns.
const DEEPEST: usize = 64;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer {
        bytes: usize,
        signed: bool,
    },
    Float {
        bytes: usize,
    },
    Text {
        bytes: usize,
    },
    TextViews,
    /// What no column of a model is; `buffers` are passed over, `views` more of them.
    Other {
        name: &'static str,
        buffers: usize,
        views: bool,
    },
}

impl Kind {
    /// How many buffers it has at least.
    pub(super) const fn buffers(self) -> usize {
        match self {
            Self::Null => 0,
            Self::Boolean | Self::Integer { .. } | Self::Float { .. } | Self::TextViews => 2,
            Self::Text { .. } => 3,
            Self::Other { buffers, .. } => buffers,
        }
    }

    /// Whether there are more of them, as many as the batch says.
    pub(super) const fn has_views(self) -> bool {
        matches!(self, Self::TextViews | Self::Other { views: true, .. })
    }
}

/// A column, or a part of one.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// How its values are written; of a column with a dictionary those of the dictionary.
    pub(super) kind: Kind,
    /// The dictionary, and how places in it are written.
    pub(super) dictionary: Option<(i64, Kind)>,
    pub(super) parts: Vec<Self>,
}

/// The columns of a schema.
pub(super) fn columns<'a>(schema: &Flat<'a>) -> Result<Vec<Field<'a>>, Damaged> {
    let mut left = MOST_FIELDS;
    fields(&schema.list(1, 4)?, 0, &mut left)
}

/// Whether numbers are written with their highest byte first: nobody has for years.
pub(super) fn is_big_endian(schema: &Flat<'_>) -> Result<bool, Damaged> {
    Ok(schema.short(0)? != 0)
}

fn fields<'a>(list: &List<'a>, depth: usize, left: &mut usize) -> Result<Vec<Field<'a>>, Damaged> {
    if depth > DEEPEST || list.length > *left {
        return Err(Damaged);
    }
    *left -= list.length;
    let each = 0..list.length;
    each.map(|number| field(&list.table(number)?, depth, left))
        .collect()
}

fn field<'a>(found: &Flat<'a>, depth: usize, left: &mut usize) -> Result<Field<'a>, Damaged> {
    let name = found.text(0)?;
    if name.len() > LONGEST_NAME {
        return Err(Damaged);
    }
    let of_kind = found.table(3)?.ok_or(Damaged)?;
    let dictionary = found.table(4)?.map(|dictionary| {
        let keys = dictionary.table(1)?;
        let signed = Kind::Integer {
            bytes: 4,
            signed: true,
        };
        let keys = keys.map_or(Ok(signed), |keys| integer(&keys))?;
        Ok::<_, Damaged>((dictionary.long(0)?, keys))
    });
    Ok(Field {
        name,
        kind: kind(found.byte(2)?, &of_kind)?,
        dictionary: dictionary.transpose()?,
        parts: fields(&found.list(5, 4)?, depth + 1, left)?,
    })
}

/// The union `Type` of Arrow's `Schema.fbs`.
fn kind(number: u8, of: &Flat<'_>) -> Result<Kind, Damaged> {
    let other = |name, buffers| Kind::Other {
        name,
        buffers,
        views: false,
    };
    Ok(match number {
        1 => Kind::Null,
        2 => integer(of)?,
        3 => match of.short(0)? {
            0 => Kind::Float { bytes: 2 },
            1 => Kind::Float { bytes: 4 },
            2 => Kind::Float { bytes: 8 },
            _ => return Err(Damaged),
        },
        4 => other("binary", 3),
        5 => Kind::Text { bytes: 4 },
        6 => Kind::Boolean,
        7 => other("decimal", 2),
        8 => other("date", 2),
        9 => other("time", 2),
        10 => other("timestamp", 2),
        11 => other("interval", 2),
        12 => other("list", 2),
        13 => other("struct", 1),
        14 => other("union", if of.short(0)? == 0 { 1 } else { 2 }),
        15 => other("fixed-size binary", 2),
        16 => other("fixed-size list", 1),
        17 => other("map", 2),
        18 => other("duration", 2),
        19 => other("large binary", 3),
        20 => Kind::Text { bytes: 8 },
        21 => other("large list", 2),
        22 => other("run-end encoded", 0),
        23 => Kind::Other {
            name: "binary view",
            buffers: 2,
            views: true,
        },
        24 => Kind::TextViews,
        25 => other("list view", 3),
        26 => other("large list view", 3),
        _ => return Err(Damaged),
    })
}

fn integer(of: &Flat<'_>) -> Result<Kind, Damaged> {
    let bytes = match of.int(0)? {
        8 => 1,
        16 => 2,
        32 => 4,
        64 => 8,
        _ => return Err(Damaged),
    };
    let signed = of.byte(1)? != 0;
    Ok(Kind::Integer { bytes, signed })
}
