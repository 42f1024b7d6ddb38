//! One column of a binned matrix: what its codes stand for.

use super::edges::{Edges, between};
use super::{Codes, MISSING, MISSING_STEP, MOST_BINS};
use crate::error::Error;
use crate::tree::FeatureKind;

/// What the codes of a column stand for.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) kind: FeatureKind,
    /// Thresholds between the steps of a numeric column, ascending.
    cuts: Vec<f32>,
    /// The least and the greatest value that a step holds; of a step that holds none, its thresholds.
    spans: Vec<[f32; 2]>,
    /// The last step of each bin of a numeric column.
    ends: Vec<u32>,
    /// Whether every step holds one value only.
    single: bool,
}

/// A column, the bin of each row, and its step where a bin has more than one.
pub(super) struct Coded {
    pub(super) column: Column,
    pub(super) bins: Vec<u8>,
    pub(super) steps: Option<Vec<u16>>,
}

impl Coded {
    /// The column, and its finest codes.
    pub(super) fn finest(self) -> (Column, Codes) {
        let codes = match self.steps {
            Some(steps) => Codes::Steps(steps),
            None => Codes::Bins(self.bins),
        };
        (self.column, codes)
    }
}

impl Column {
    /// Number of bins, without that of missing values.
    pub(crate) fn bins(&self) -> usize {
        match self.kind {
            FeatureKind::Numeric => self.ends.len(),
            FeatureKind::Categorical { levels } => levels as usize,
        }
    }

    /// The last step of bin `last` and the first of bin `first`, which is `last` when no number goes right.
    pub(crate) fn steps(&self, last: u32, first: u32) -> (u32, u32) {
        let end = self.ends[last as usize];
        if first > last {
            (end, self.ends[first as usize - 1] + 1)
        } else {
            (end, end)
        }
    }

    /// The threshold right after step `last`; above every value that is a number when it is the last step.
    fn after(&self, last: usize) -> f32 {
        self.cuts.get(last).copied().unwrap_or(f32::MAX)
    }

    /// A threshold between the steps `last` and `first` of which none between holds a row of the node, and the steps on
    /// both its sides; those between go where [`Self::is_below`] says.
    ///
    /// It is the middle between the values of both; where that would cut through the values of a step between them, the
    /// nearer side of that step. So values and codes go the same way for every row of the matrix.
    pub(crate) fn between(&self, last: u32, first: u32) -> (u32, u32, f32) {
        if first <= last {
            return (last, last + 1, self.after(last as usize));
        }
        if self.single {
            return (last, first, self.middle(last, first));
        }
        let (last, threshold) = self.around(last as usize, first as usize);
        (last, last + 1, threshold)
    }

    /// Whether a step goes left where neighbours in a node are `last` and `first`.
    pub(crate) fn is_below(&self, step: u32, last: u32, first: u32) -> bool {
        step <= last || (step < first && self.spans[step as usize][1] < self.middle(last, first))
    }

    /// The middle between the values of two steps.
    fn middle(&self, last: u32, first: u32) -> f32 {
        between(self.spans[last as usize][1], self.spans[first as usize][0])
    }

    /// A threshold between two steps that cuts through none, and the last step that it sends left.
    fn around(&self, last: usize, first: usize) -> (u32, f32) {
        if first == last + 1 {
            return (last as u32, self.after(last));
        }
        let middle = self.middle(last as u32, first as u32);
        let inner = &self.spans[last + 1..first];
        let step = last + 1 + inner.partition_point(|span| span[1] < middle);
        if step == first || self.spans[step][0] >= middle {
            return (step as u32 - 1, middle);
        }
        let (below, above) = (self.cuts[step - 1], self.cuts[step]);
        if middle - below < above - middle {
            (step as u32 - 1, below)
        } else {
            (step as u32, above)
        }
    }
}

/// The codes of a numeric column cut at `edges`; `sorted` are the rows whose value is a number, ascending, where known.
pub(super) fn numeric(edges: Edges, values: &[f32], sorted: Option<&[u32]>, exact: bool) -> Coded {
    let Edges { cuts, ends } = edges;
    let steps = match sorted {
        Some(rows) => walk(&cuts, values, rows),
        None => seek(&cuts, values),
    };
    let spans = spans(&cuts, values, &steps);
    let mut bin_of = vec![MISSING; cuts.len() + 1];
    let mut begin = 0;
    for (bin, &end) in ends.iter().enumerate() {
        bin_of[begin..=end as usize].fill(bin as u8);
        begin = end as usize + 1;
    }
    let bin = |&step: &u16| bin_of.get(usize::from(step)).copied();
    let bins = steps
        .iter()
        .map(|step| bin(step).unwrap_or(MISSING))
        .collect();
    let kind = FeatureKind::Numeric;
    let column = Column {
        kind,
        cuts,
        single: spans.iter().all(|span| span[0] == span[1]),
        spans,
        ends,
    };
    let steps = exact.then_some(steps);
    Coded {
        column,
        bins,
        steps,
    }
}

/// The step of every value, by the rows in the order of their values.
fn walk(cuts: &[f32], values: &[f32], rows: &[u32]) -> Vec<u16> {
    let mut steps = vec![MISSING_STEP; values.len()];
    let mut step = 0;
    for &row in rows {
        while cuts
            .get(step)
            .is_some_and(|&cut| cut <= values[row as usize])
        {
            step += 1;
        }
        steps[row as usize] = step as u16;
    }
    steps
}

/// The step of every value, one by one.
fn seek(cuts: &[f32], values: &[f32]) -> Vec<u16> {
    let step = |&value: &f32| {
        if value.is_nan() {
            return MISSING_STEP;
        }
        cuts.partition_point(|&cut| cut <= value) as u16
    };
    values.iter().map(step).collect()
}

/// The least and the greatest value of every step.
fn spans(cuts: &[f32], values: &[f32], steps: &[u16]) -> Vec<[f32; 2]> {
    let mut spans = vec![[f32::INFINITY, f32::NEG_INFINITY]; cuts.len() + 1];
    for (&value, &step) in values.iter().zip(steps) {
        if let Some(span) = spans.get_mut(usize::from(step)) {
            *span = [span[0].min(value), span[1].max(value)];
        }
    }
    for (step, span) in spans.iter_mut().enumerate() {
        if span[0] > span[1] {
            let low = step.checked_sub(1).map_or(f32::MIN, |before| cuts[before]);
            *span = [low, cuts.get(step).map_or(f32::MAX, |cut| cut.next_down())];
        }
    }
    spans
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
        ends: Vec::new(),
        single: false,
    };
    Ok(Coded {
        column,
        bins: codes,
        steps: None,
    })
}
