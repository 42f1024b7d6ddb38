//! One column of a binned matrix: what its codes stand for.

use super::edges::between;
use super::{MISSING, MOST_BINS};
use crate::error::Error;
use crate::tree::FeatureKind;

/// What the codes of a column stand for.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) kind: FeatureKind,
    /// Thresholds between the bins of a numeric column, ascending.
    cuts: Vec<f32>,
    /// The least and the greatest value that a bin holds; of a bin that holds none, its thresholds.
    spans: Vec<[f32; 2]>,
}

/// A column and the code of each row.
pub(super) struct Coded {
    pub(super) column: Column,
    pub(super) codes: Vec<u8>,
}

impl Column {
    /// Number of bins, without that of missing values.
    pub(crate) fn bins(&self) -> usize {
        match self.kind {
            FeatureKind::Numeric => self.cuts.len() + 1,
            FeatureKind::Categorical { levels } => levels as usize,
        }
    }

    /// The threshold right after bin `last`; above every value that is a number when it is the last bin.
    fn after(&self, last: usize) -> f32 {
        self.cuts.get(last).copied().unwrap_or(f32::MAX)
    }

    /// A threshold between the bins `last` and `first` of which none between holds a row of the node, and the last bin
    /// whose values it sends left.
    ///
    /// It is the middle between the values of both; where that would cut through the values of a bin between them, the
    /// nearer side of that bin. So values and codes go the same way for every row of the matrix.
    pub(crate) fn between(&self, last: u32, first: u32) -> (u32, f32) {
        let (last, first) = (last as usize, first as usize);
        if first <= last + 1 {
            return (last as u32, self.after(last));
        }
        let middle = between(self.spans[last][1], self.spans[first][0]);
        let inner = &self.spans[last + 1..first];
        let bin = last + 1 + inner.partition_point(|span| span[1] < middle);
        if bin == first || self.spans[bin][0] >= middle {
            return (bin as u32 - 1, middle);
        }
        let (below, above) = (self.cuts[bin - 1], self.cuts[bin]);
        if middle - below < above - middle {
            (bin as u32 - 1, below)
        } else {
            (bin as u32, above)
        }
    }
}

/// The codes of a numeric column cut at `cuts`.
pub(super) fn numeric(cuts: Vec<f32>, values: &[f32]) -> Coded {
    let mut spans = vec![[f32::INFINITY, f32::NEG_INFINITY]; cuts.len() + 1];
    let codes = values
        .iter()
        .map(|&value| {
            if value.is_nan() {
                return MISSING;
            }
            let bin = cuts.partition_point(|&cut| cut <= value);
            let span = &mut spans[bin];
            *span = [span[0].min(value), span[1].max(value)];
            bin as u8
        })
        .collect();
    for (bin, span) in spans.iter_mut().enumerate() {
        if span[0] > span[1] {
            let low = bin.checked_sub(1).map_or(f32::MIN, |before| cuts[before]);
            *span = [low, cuts.get(bin).map_or(f32::MAX, |cut| cut.next_down())];
        }
    }
    let kind = FeatureKind::Numeric;
    let column = Column { kind, cuts, spans };
    Coded { column, codes }
}

/// The codes of a categorical column: they are its values.
pub(super) fn categorical(feature: usize, values: &[f32]) -> Result<Coded, Error> {
    let mut codes = Vec::with_capacity(values.len());
    let mut levels = 0;
    for (row, &value) in values.iter().enumerate() {
        if value.is_nan() {
            codes.push(MISSING);
            continue;
        }
        let code = value as u8;
        if f32::from(code) != value || code == MISSING {
            return Err(Error::Code {
                feature,
                row,
                value: value.into(),
                most: MOST_BINS as u32 - 1,
            });
        }
        levels = levels.max(u32::from(code) + 1);
        codes.push(code);
    }
    let column = Column {
        kind: FeatureKind::Categorical { levels },
        cuts: Vec::new(),
        spans: Vec::new(),
    };
    Ok(Coded { column, codes })
}
