//! All columns at once: can new rows be told from those of the reference?
//!
//! Columns that are each as they were may fit together in another way, and no test of a single one sees it. So a classifier learns
//! to tell a sample of the new rows from the sample of validation rows in the profile (the domain classifier, Lopez-Paz and Oquab
//! 2017): half of both to learn, and, of the other half, which it has not seen, how often it puts a new row above an old one (the
//! area under its curve, AUC). Where nothing has moved it guesses, whatever it has learned: its scores of rows that it has not
//! seen are exchangeable, and Mann and Whitney's test of them holds. Then the halves change places. The two tests are not
//! independent, so the smaller p-value counts twice (Bonferroni).

use std::collections::BTreeMap;

use hpipe_core::{Column, Discriminator, Profile, Table, Values};

use crate::alerts::Severity;
use crate::distribution::normal_tail;
use crate::random::Random;

/// Rows of either kind below which nothing is said.
const FEWEST: usize = 100;

/// From here on it matters, and is not only significant: normal columns that moved by a third of a standard deviation.
const MATTERS: f64 = 0.6;

/// Columns that are named.
const NAMED: usize = 3;

/// A sample of the rows that come in, beside the sample of the reference.
pub(crate) struct Domain {
    columns: Vec<Encoding>,
    reference: Vec<Vec<f64>>,
    window: Vec<Vec<f64>>,
    /// Rows that came in.
    seen: usize,
    random: Random,
    seed: u64,
}

/// How a column becomes numbers.
struct Encoding {
    name: String,
    /// The places of words; of numbers empty.
    words: BTreeMap<String, f64>,
    /// What stands for a missing value: less than any other.
    missing: f64,
}

/// Whether new rows can be told from old ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Multivariate {
    /// Rows of the reference and of what came in that were compared.
    pub rows: [usize; 2],
    /// How often a new row is put above an old one: a half, where nothing has moved.
    pub auc: f64,
    /// The probability of that by chance, corrected for all tests of drift.
    pub p: f64,
    /// How bad it is; none where it can be chance.
    pub severity: Option<Severity>,
    /// The columns that told most, with their shares.
    pub columns: Vec<(String, f64)>,
}

impl Domain {
    /// No rows yet; none where the profile keeps no sample.
    pub(crate) fn new(profile: &Profile, seed: u64) -> Option<Self> {
        let rows = profile.rows.as_ref()?;
        let columns: Vec<_> = rows.inputs.columns().iter().map(Encoding::of).collect();
        let mut domain = Self {
            reference: Vec::new(),
            window: Vec::new(),
            columns,
            seen: 0,
            random: Random::new(seed, u64::MAX),
            seed,
        };
        let all = 0..rows.inputs.rows();
        domain.reference = all.map(|row| domain.encoded(&rows.inputs, row)).collect();
        (domain.reference.len() >= FEWEST && !domain.columns.is_empty()).then_some(domain)
    }

    /// Takes rows: of all that came in, equally many as the reference has are kept, each as likely as any other (reservoir
    /// sampling, Vitter 1985).
    pub(crate) fn add(&mut self, rows: &Table) {
        for row in 0..rows.rows() {
            self.seen += 1;
            if self.window.len() < self.reference.len() {
                let encoded = self.encoded(rows, row);
                self.window.push(encoded);
                continue;
            }
            let place = (self.random.unit() * self.seen as f64) as usize;
            if place < self.window.len() {
                self.window[place] = self.encoded(rows, row);
            }
        }
    }

    fn encoded(&self, rows: &Table, row: usize) -> Vec<f64> {
        let of = |column: &Encoding| {
            let values = rows.get(&column.name).map(|column| &column.values);
            values.map_or(column.missing, |values| column.number(values, row))
        };
        self.columns.iter().map(of).collect()
    }

    /// Whether they can be told apart; none of too few rows. The p-value is corrected for nothing yet.
    pub(crate) fn judge(&self, discriminator: &dyn Discriminator) -> Option<Multivariate> {
        if self.window.len() < FEWEST {
            return None;
        }
        let (old, new) = (
            self.halves(&self.reference, 1),
            self.halves(&self.window, 2),
        );
        let one = self.told(discriminator, [&old[0], &new[0]], [&old[1], &new[1]]);
        let other = self.told(discriminator, [&old[1], &new[1]], [&old[0], &new[0]]);
        let shares = one.importance.iter().zip(&other.importance);
        let shares = shares.map(|(one, other)| f64::midpoint(*one, *other));
        let names = self.columns.iter().map(|column| column.name.clone());
        let mut columns: Vec<_> = names.zip(shares).collect();
        columns.sort_by(|one, other| other.1.total_cmp(&one.1));
        columns.truncate(NAMED);
        Some(Multivariate {
            rows: [self.reference.len(), self.window.len()],
            auc: f64::midpoint(one.auc, other.auc),
            p: (2.0 * one.p.min(other.p)).min(1.0),
            severity: None,
            columns,
        })
    }

    /// The rows in two halves, at random.
    fn halves(&self, rows: &[Vec<f64>], purpose: u64) -> [Vec<Vec<f64>>; 2] {
        let mut random = Random::new(self.seed, u64::MAX - purpose);
        let mut order: Vec<_> = (0..rows.len()).collect();
        for last in (1..order.len()).rev() {
            let other = (random.unit() * (last + 1) as f64) as usize;
            order.swap(last, other);
        }
        let (one, other) = order.split_at(order.len() / 2);
        [one, other].map(|half| half.iter().map(|row| rows[*row].clone()).collect())
    }

    fn told(
        &self,
        discriminator: &dyn Discriminator,
        learned: [&[Vec<f64>]; 2],
        asked: [&[Vec<f64>]; 2],
    ) -> Told {
        let is_new: Vec<_> = [false, true]
            .into_iter()
            .zip(learned)
            .flat_map(|(is_new, rows)| std::iter::repeat_n(is_new, rows.len()))
            .collect();
        let answer =
            discriminator.discriminate(&learned.concat(), &is_new, &asked.concat(), self.seed);
        let (old, new) = answer
            .scores
            .split_at(asked[0].len().min(answer.scores.len()));
        let (auc, p) = rank_test(old, new);
        Told {
            auc,
            p,
            importance: answer.importance,
        }
    }
}

struct Told {
    auc: f64,
    p: f64,
    importance: Vec<f64>,
}

impl Multivariate {
    /// How bad it is, once `p` is corrected.
    pub(crate) fn judged(mut self, p: f64, alpha: f64) -> Self {
        self.p = p;
        self.severity = (p < alpha).then_some(match self.auc >= MATTERS {
            true => Severity::Critical,
            false => Severity::Warning,
        });
        self
    }
}

impl Encoding {
    fn of(column: &Column) -> Self {
        let mut words = BTreeMap::new();
        if let Values::Text(texts) = &column.values {
            for text in texts.iter().flatten() {
                let next = words.len() as f64;
                words.entry(text.clone()).or_insert(next);
            }
        }
        let mut encoding = Self {
            name: column.name.clone(),
            words,
            missing: -2.0,
        };
        if encoding.words.is_empty() {
            let rows = 0..column.values.len();
            let least = rows
                .map(|row| encoding.number(&column.values, row))
                .fold(0.0, f64::min);
            encoding.missing = 2.0 * least - 1.0;
        }
        encoding
    }

    fn number(&self, values: &Values, row: usize) -> f64 {
        let number = match values {
            Values::Number(values) => values[row].filter(|x| x.is_finite()),
            Values::Integer(values) => values[row].map(|x| x as f64),
            Values::Boolean(values) => values[row].map(|x| if x { 1.0 } else { 0.0 }),
            // a word that is not in the sample is another one: it is told from all others
            Values::Text(values) => values[row]
                .as_ref()
                .map(|word| self.words.get(word).copied().unwrap_or(-1.0)),
        };
        number.unwrap_or(self.missing)
    }
}

/// How often one of `new` is above one of `old`, ties half, and the probability of that much by chance: Mann and Whitney's test,
/// one-sided, by the normal limit with the correction for ties (Lehmann 1975).
pub fn rank_test(old: &[f64], new: &[f64]) -> (f64, f64) {
    let mut all: Vec<(f64, bool)> = old.iter().map(|x| (*x, false)).collect();
    all.extend(new.iter().map(|x| (*x, true)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (n, m) = (old.len() as f64, new.len() as f64);
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|one, other| one.0 == other.0) {
        let size = equal.len() as f64;
        let rank = before + (size + 1.0) / 2.0;
        ranks += rank * equal.iter().filter(|(_, is_new)| *is_new).count() as f64;
        ties += size * size * size - size;
        before += size;
    }
    let above = ranks - m * (m + 1.0) / 2.0;
    let whole = n + m;
    let variance = n * m / 12.0 * (whole + 1.0 - ties / (whole * (whole - 1.0)));
    if n * m == 0.0 || variance <= 0.0 {
        return (0.5, 1.0);
    }
    let z = (above - n * m / 2.0) / variance.sqrt();
    (above / (n * m), normal_tail(z))
}
