//! Walks rows through a tree's program, many beside each other.
//!
//! Loops go over lanes of one length known to the compiler, which makes vector instructions of them.

use ndarray::ArrayView2;

use super::program::{Choice, Constants, Decision, Edge, Program, Step};
use crate::tree::{Rule, Split};

/// Rows walked at a time.
pub(super) const LANES: usize = 32;

/// A number for each row.
type Lanes = [f64; LANES];

const ZEROS: Lanes = [0.0; LANES];
const ONES: Lanes = [1.0; LANES];

/// Some rows, and what features gave them so far.
pub(super) struct Batch {
    /// One entry a feature.
    records: Vec<Lanes>,
    /// One entry a feature.
    values: Vec<Lanes>,
}

impl Batch {
    /// At most [`LANES`] rows, rounded to single precision or not.
    pub(super) fn new(rows: &ArrayView2<'_, f64>, single: bool) -> Self {
        let mut records = vec![ZEROS; rows.ncols()];
        for ((row, feature), &x) in rows.indexed_iter() {
            records[feature][row] = if single { f64::from(x as f32) } else { x };
        }
        Self {
            values: vec![ZEROS; records.len()],
            records,
        }
    }

    /// What a feature gave a row.
    pub(super) fn value(&self, row: usize, feature: usize) -> f64 {
        self.values[feature][row]
    }
}

/// What a walk remembers of the path above it; used again for the next tree.
#[derive(Default)]
pub(super) struct Stack {
    /// Whether rows go left at the split of a depth: 1 or 0.
    goes_left: Vec<Lanes>,
    /// Whether rows meet all edges so far of the feature of the edge of a depth: 1 or 0.
    meets: Vec<Lanes>,
    /// The product over features, at every point, of a depth.
    products: Vec<Lanes>,
    /// The sum over leaves below, at every point, of a depth.
    sums: Vec<Lanes>,
}

impl Stack {
    /// Adds to the values of a batch what a tree gives.
    pub(super) fn walk(&mut self, program: &Program, batch: &mut Batch) {
        let points = program.unmet.len();
        self.reserve(program.depth + 1, points);
        self.products[..points].fill(ONES);
        let mut depth = 0;
        for step in &program.steps {
            match step {
                Step::Split(decision) => {
                    self.goes_left[depth] = decide(decision, &batch.records[decision.feature]);
                }
                Step::Down(edge) => {
                    self.down(program, *edge, depth);
                    depth += 1;
                }
                Step::Up(edge) => {
                    depth -= 1;
                    self.up(program, *edge, depth, batch);
                }
                Step::Leaf(edge, value) => {
                    self.leaf(program, *edge, depth, *value);
                    self.up(program, *edge, depth, batch);
                }
            }
        }
    }

    fn reserve(&mut self, depth: usize, points: usize) {
        if self.meets.len() < depth {
            self.meets.resize(depth, ZEROS);
            self.goes_left.resize(depth, ZEROS);
        }
        if self.products.len() < (depth + 1) * points {
            self.products.resize((depth + 1) * points, ZEROS);
            self.sums.resize((depth + 1) * points, ZEROS);
        }
    }

    /// Enters an edge at `depth`: products below it, and no leaves yet.
    fn down(&mut self, program: &Program, edge: usize, depth: usize) {
        let constants = program.constants(edge);
        let points = constants.len();
        let (before, meets) = self.meet(&program.edges[edge], depth);
        let (above, below) = self.products.split_at_mut((depth + 1) * points);
        let above = &above[depth * points..];
        for ((constants, above), below) in constants.iter().zip(above).zip(below) {
            *below = ZEROS;
            let never = program.edges[edge].never;
            multiply(constants, never, [&before, &meets], above, below);
        }
        self.sums[(depth + 1) * points..][..points].fill(ZEROS);
    }

    /// Enters an edge to a leaf: the sum below it is known at once.
    fn leaf(&mut self, program: &Program, edge: usize, depth: usize, value: f64) {
        let constants = program.constants(edge);
        let points = constants.len();
        let (before, meets) = self.meet(&program.edges[edge], depth);
        let above = &self.products[depth * points..];
        let below = &mut self.sums[(depth + 1) * points..];
        for ((constants, above), below) in constants.iter().zip(above).zip(below) {
            let never = program.edges[edge].never;
            multiply(constants, never, [&before, &meets], above, below);
            below.iter_mut().for_each(|product| *product *= value);
        }
    }

    /// Which rows met the edges above of the same feature, and which meet this one as well.
    fn meet(&mut self, edge: &Edge, depth: usize) -> (Lanes, Lanes) {
        let before = edge.former.map_or(ONES, |former| self.meets[former]);
        let mut meets = self.goes_left[depth];
        for (meets, before) in meets.iter_mut().zip(&before) {
            let goes = if edge.left { *meets } else { 1.0 - *meets };
            *meets = goes * before;
        }
        self.meets[depth] = meets;
        (before, meets)
    }

    /// Leaves an edge at `depth`: gives its feature what the leaves below are worth to it, and passes them on.
    fn up(&mut self, program: &Program, edge: usize, depth: usize, batch: &mut Batch) {
        let (constants, edge) = (program.constants(edge), &program.edges[edge]);
        let points = constants.len();
        let (above, below) = self.sums.split_at_mut((depth + 1) * points);
        let above = &mut above[depth * points..];
        let (mut met, mut unmet, mut former) = (ZEROS, ZEROS, ZEROS);
        let points = constants.iter().zip(&program.unmet);
        for (((constants, weight), above), below) in points.zip(above).zip(below) {
            for lane in 0..LANES {
                let sum = below[lane];
                above[lane] += sum;
                met[lane] += constants.here * sum;
                unmet[lane] += weight * sum;
            }
            if edge.former.is_some() {
                for lane in 0..LANES {
                    former[lane] += constants.above * below[lane];
                }
            }
        }
        if !edge.gives {
            return;
        }
        let before = edge.former.map_or(&ONES, |former| &self.meets[former]);
        let (meets, values) = (&self.meets[depth], &mut batch.values[edge.feature]);
        for lane in 0..LANES {
            let given = unmet[lane] + meets[lane] * (met[lane] - unmet[lane]);
            values[lane] += before[lane] * (given - former[lane]);
        }
    }
}

/// Multiplies products above an edge by what the edge makes of them, into those below.
fn multiply(
    constants: &Constants,
    never: f64,
    [before, meets]: [&Lanes; 2],
    above: &Lanes,
    below: &mut Lanes,
) {
    let missed = constants.missed - never;
    for lane in 0..LANES {
        let factor = never + missed * before[lane] + constants.met * meets[lane];
        below[lane] = above[lane] * factor;
    }
}

/// Which rows go left: 1 or 0.
fn decide(decision: &Decision, records: &Lanes) -> Lanes {
    let mut goes = ZEROS;
    match &decision.choice {
        Choice::Below(threshold) if decision.missing_left => {
            for (goes, x) in goes.iter_mut().zip(records) {
                *goes = if *x >= *threshold { 0.0 } else { 1.0 };
            }
        }
        Choice::Below(threshold) => {
            for (goes, x) in goes.iter_mut().zip(records) {
                *goes = if x < threshold { 1.0 } else { 0.0 };
            }
        }
        Choice::OneOf(set) => {
            let split = Split {
                feature: decision.feature,
                rule: Rule::OneOf(set),
                missing_left: decision.missing_left,
                gain: 0.0,
                left: 0,
            };
            for (goes, x) in goes.iter_mut().zip(records) {
                *goes = f64::from(u8::from(split.goes_left(*x)));
            }
        }
    }
    goes
}
