//! The best split of a node: every boundary between the values of every feature it may use, missing values on either side.
//!
//! Of equal splits the one of the feature tried first and of the lowest threshold is taken, missing values right before
//! left. Features are tried in the order of the matrix, as in XGBoost, or in random order, as in scikit-learn.

use super::cell::{Cell, Sums, Unit};
use super::score::Score;

/// The values of one feature in a node, ascending, with the sums of all rows up to each.
#[derive(Debug, Default)]
pub(crate) struct Run<C> {
    /// The code of each value; of values that count as one, the last one's.
    pub(crate) lasts: Vec<u32>,
    /// The first code of values that count as one; empty where every code stands for itself.
    pub(crate) firsts: Vec<u32>,
    /// Sums of the rows up to and including each value.
    pub(crate) sums: Vec<C>,
    /// Sum of the rows where the value is missing.
    pub(crate) missing: C,
}

impl<C: Cell> Run<C> {
    /// Room for `values` values.
    pub(crate) fn new(values: usize) -> Self {
        Self {
            lasts: Vec::with_capacity(values),
            firsts: Vec::new(),
            sums: Vec::with_capacity(values),
            missing: C::default(),
        }
    }

    /// Takes out everything.
    pub(crate) fn clear(&mut self) {
        self.lasts.clear();
        self.firsts.clear();
        self.sums.clear();
        self.missing = C::default();
    }

    /// The first code of the value at `place`.
    fn first(&self, place: usize) -> u32 {
        let codes = if self.firsts.is_empty() {
            &self.lasts
        } else {
            &self.firsts
        };
        codes[place]
    }
}

/// Which codes go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Side {
    /// Those up to `last`; `first` is the least code that goes right.
    UpTo {
        /// The greatest code on the left.
        last: u32,
        /// The least code on the right; `last` when only missing values go right.
        first: u32,
    },
    /// Those whose bit is set.
    OneOf([u64; 4]),
    /// None: only missing values go left.
    Nothing,
}

/// A split that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// `score(left) + score(right)`, in steps.
    pub(crate) score: f64,
    pub(crate) feature: u32,
    pub(crate) side: Side,
    pub(crate) missing_left: bool,
    pub(crate) left: Sums,
    /// Whether rows with missing values were seen, so that their side is learnt.
    pub(crate) saw_missing: bool,
}

/// What a child must at least have, in steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Least {
    pub(crate) rows: f64,
    pub(crate) hessian: f64,
}

impl Least {
    #[inline]
    fn holds(&self, sums: Sums) -> bool {
        (sums.rows >= self.rows) & (sums.hessian >= self.hessian)
    }
}

/// The node that is searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) sums: Sums,
    pub(crate) least: Least,
    pub(crate) unit: Unit,
}

/// Takes the best split of a numeric feature into `best` if it is better.
///
/// Missing values alone on the right are a cut behind the last value. Alone on the left they are the mirror of that, which
/// makes a difference, and so is tried, only where the feature has a direction.
pub(crate) fn numeric<C: Cell, S: Score>(
    run: &Run<C>,
    feature: u32,
    whole: &Whole,
    score: &S,
    best: &mut Option<Found>,
) {
    let values = run.lasts.len();
    if values == 0 {
        return;
    }
    let saw_missing = !run.missing.is_empty();
    let nothing = Sums::default();
    let missing = run.missing.open(whole.unit.bits);
    let ends = if saw_missing { values } else { values - 1 };
    let sides: &[(Sums, bool, usize)] = if saw_missing {
        &[(nothing, false, ends), (missing, true, values - 1)]
    } else {
        &[(nothing, false, ends)]
    };
    for &(added, missing_left, ends) in sides {
        let least = best.as_ref().map_or(f64::NEG_INFINITY, |found| found.score);
        let sums = &run.sums[..ends];
        let cut = if missing_left {
            scan::<C, S, true>(sums, added, whole, score, least)
        } else {
            scan::<C, S, false>(sums, added, whole, score, least)
        };
        let Some((place, score, left)) = cut else {
            continue;
        };
        let last = run.lasts[place];
        let first = if place + 1 < values {
            run.first(place + 1)
        } else {
            last
        };
        *best = Some(Found {
            score,
            feature,
            side: Side::UpTo { last, first },
            missing_left,
            left,
            saw_missing,
        });
    }
    if saw_missing && score.is_directed() {
        let right = whole.sums.without(missing);
        let least = best.as_ref().map_or(f64::NEG_INFINITY, |found| found.score);
        let pair = score.pair(missing, right);
        if pair > least && whole.least.holds(missing) && whole.least.holds(right) {
            *best = Some(Found {
                score: pair,
                feature,
                side: Side::Nothing,
                missing_left: true,
                left: missing,
                saw_missing,
            });
        }
    }
}

/// The best place to cut, its score and what is left of it, `added` too if `ADDS`, if the score is above `least`.
#[inline]
fn scan<C: Cell, S: Score, const ADDS: bool>(
    sums: &[C],
    added: Sums,
    whole: &Whole,
    score: &S,
    mut least: f64,
) -> Option<(usize, f64, Sums)> {
    let mut best = None;
    for (place, sum) in sums.iter().enumerate() {
        let mut left = sum.open(whole.unit.bits);
        if ADDS {
            left.gradient += added.gradient;
            left.hessian += added.hessian;
            left.rows += added.rows;
        }
        let right = whole.sums.without(left);
        if !score.may_beat(left, right, least) {
            continue;
        }
        let pair = score.pair(left, right);
        if pair > least && whole.least.holds(left) && whole.least.holds(right) {
            least = pair;
            best = Some((place, pair, left));
        }
    }
    best
}

/// Takes the best split of a categorical feature into `best` if it is better.
///
/// With fewer than `one_hot` codes each is tried alone against the rest; else the codes are sorted by mean gradient and
/// cut as if they were numbers, which for squared loss finds the best of all partitions (Fisher 1958; Breiman et al. 1984,
/// section 4.2; with a lambda above 0 nearly the best). Codes of which the node has no row go where missing values go: to
/// the side these were found better on, else to the heavier one. (XGBoost sends them left, LightGBM right, whatever
/// the rows say.)
pub(crate) fn categorical<C: Cell, S: Score>(
    run: &Run<C>,
    kind: Levels,
    whole: &Whole,
    score: &S,
    lambda: f64,
    best: &mut Option<Found>,
) {
    let mut codes = codes(run, whole);
    let saw_missing = !run.missing.is_empty();
    let missing = run.missing.open(whole.unit.bits);
    let is_one_hot = kind.levels < kind.one_hot;
    let absent = absent(&codes, kind.levels);
    if !is_one_hot {
        let mean = |sums: &Sums| sums.gradient / (sums.hessian + lambda);
        codes.sort_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)));
    }
    for missing_left in if saw_missing {
        &[false, true][..]
    } else {
        &[false]
    } {
        let mut sum = if *missing_left {
            missing
        } else {
            Sums::default()
        };
        let begin = sum;
        for place in 0..codes.len() {
            if is_one_hot {
                sum = begin;
            }
            let added = codes[place].1;
            sum.gradient += added.gradient;
            sum.hessian += added.hessian;
            sum.rows += added.rows;
            let right = whole.sums.without(sum);
            let least = best.as_ref().map_or(f64::NEG_INFINITY, |found| found.score);
            let allowed = right.rows > 0.0 && whole.least.holds(sum) && whole.least.holds(right);
            let pair = if allowed {
                score.pair(sum, right)
            } else {
                f64::NEG_INFINITY
            };
            if pair > least {
                let chosen = if is_one_hot {
                    &codes[place..=place]
                } else {
                    &codes[..=place]
                };
                let absent_left = if saw_missing {
                    *missing_left
                } else {
                    is_heavier(sum, right)
                };
                *best = Some(Found {
                    score: pair,
                    feature: kind.feature,
                    side: Side::OneOf(if absent_left {
                        union(set(chosen), absent)
                    } else {
                        set(chosen)
                    }),
                    missing_left: *missing_left,
                    left: sum,
                    saw_missing,
                });
            }
        }
    }
}

/// A categorical feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    pub(crate) feature: u32,
    /// Number of codes.
    pub(crate) levels: u32,
    /// Below how many codes each is tried alone.
    pub(crate) one_hot: u32,
}

/// The codes of a run, each with its own sums.
fn codes<C: Cell>(run: &Run<C>, whole: &Whole) -> Vec<(u32, Sums)> {
    let mut before = Sums::default();
    let mut codes = Vec::with_capacity(run.lasts.len());
    for (&code, sum) in run.lasts.iter().zip(&run.sums) {
        let sum = sum.open(whole.unit.bits);
        codes.push((code, sum.without(before)));
        before = sum;
    }
    codes
}

/// The bit set of the codes below `levels` that are not among `codes`.
fn absent(codes: &[(u32, Sums)], levels: u32) -> [u64; 4] {
    let mut absent = [0; 4];
    for code in 0..levels {
        absent[code as usize / 64] |= 1 << (code % 64);
    }
    let present = set(codes);
    std::array::from_fn(|word| absent[word] & !present[word])
}

fn union(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    std::array::from_fn(|word| a[word] | b[word])
}

/// Whether what no row of the node tells goes left: with the larger sum of hessians.
pub(crate) fn is_heavier(left: Sums, right: Sums) -> bool {
    left.hessian >= right.hessian
}

/// The bit set of codes.
fn set(codes: &[(u32, Sums)]) -> [u64; 4] {
    let mut set = [0; 4];
    for (code, _) in codes {
        set[*code as usize / 64] |= 1 << (code % 64);
    }
    set
}
