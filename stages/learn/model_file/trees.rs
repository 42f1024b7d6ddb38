//! All trees of an ensemble as a few long vectors: what a leaf does not need takes no room there.
//!
//! A tree is grown by splitting one leaf after another, the two new nodes going to the end. So the k-th split of a tree
//! has the children `2k + 1` and `2k + 2`, and a list of the nodes that were split, in their order, is the whole
//! structure; no other list can be read, so every tree that is read is one.

use serde::{Deserialize, Serialize};

use super::Error;
use super::tensors::{TensorReader, TensorWriter};
use crate::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Precision, Rule, Split, Tree};

const MISSING_LEFT: u8 = 1;
const CATEGORICAL: u8 = 2;

/// An ensemble without its numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeShape {
    precision: PrecisionWord,
    aggregation: AggregationWord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PrecisionWord {
    Single,
    Double,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AggregationWord {
    Sum,
    Mean,
}

/// The vectors; their lengths are in the format's page.
#[derive(Default)]
struct Columns {
    splits: Vec<u32>,
    node: Vec<u32>,
    feature: Vec<u32>,
    flags: Vec<u8>,
    gain: Vec<f32>,
    threshold: Vec<f64>,
    set_length: Vec<u32>,
    sets: Vec<u64>,
    leaf: Vec<f64>,
    cover: Vec<f32>,
}

/// Puts the trees' numbers under names that begin with `prefix`.
pub(super) fn put(
    tensors: &mut TensorWriter,
    prefix: &str,
    ensemble: &Ensemble,
) -> Result<TreeShape, Error> {
    let mut columns = Columns::default();
    for (index, tree) in ensemble.trees.iter().enumerate() {
        columns.push(tree).map_err(|reason| {
            let place = format!("{prefix}trees[{index}]");
            crate::learned::Invalid { place, reason }
        })?;
    }
    columns.put(tensors, prefix);
    let levels: Vec<u32> = ensemble.features.iter().map(|kind| levels(*kind)).collect();
    tensors.put(prefix, "base", &[ensemble.base]);
    tensors.put(prefix, "levels", &levels);
    Ok(TreeShape {
        precision: match ensemble.precision {
            Precision::Single => PrecisionWord::Single,
            Precision::Double => PrecisionWord::Double,
        },
        aggregation: match ensemble.aggregation {
            Aggregation::Sum => AggregationWord::Sum,
            Aggregation::Mean => AggregationWord::Mean,
        },
    })
}

/// The trees under names that begin with `prefix`.
pub(super) fn take(
    tensors: &mut TensorReader<'_>,
    prefix: &str,
    shape: TreeShape,
) -> Result<Ensemble, Error> {
    let levels: Vec<u32> = tensors.take(prefix, "levels")?;
    let columns = Columns::take(tensors, prefix)?;
    let trees = columns.trees().map_err(|(name, reason)| Error::Tensor {
        name: format!("{prefix}{name}"),
        reason,
    })?;
    Ok(Ensemble {
        features: levels.into_iter().map(kind).collect(),
        precision: match shape.precision {
            PrecisionWord::Single => Precision::Single,
            PrecisionWord::Double => Precision::Double,
        },
        base: tensors.one(prefix, "base")?,
        aggregation: match shape.aggregation {
            AggregationWord::Sum => Aggregation::Sum,
            AggregationWord::Mean => Aggregation::Mean,
        },
        trees,
    })
}

/// A numeric feature has 0 levels.
fn levels(kind: FeatureKind) -> u32 {
    match kind {
        FeatureKind::Numeric => 0,
        FeatureKind::Categorical { levels } => levels,
    }
}

fn kind(levels: u32) -> FeatureKind {
    match levels {
        0 => FeatureKind::Numeric,
        levels => FeatureKind::Categorical { levels },
    }
}

impl Columns {
    /// Adds a tree; the error says why its nodes are in no order in which splitting makes them.
    fn push(&mut self, tree: &Tree) -> Result<(), String> {
        let mut splits: Vec<(usize, usize, Split<'_>)> = Vec::new();
        for place in 0..tree.len() {
            self.cover.push(tree.cover(place));
            match tree.node(place) {
                NodeView::Leaf { value } => self.leaf.push(value),
                NodeView::Split(split) => splits.push((split.left, place, split)),
            }
        }
        splits.sort_unstable_by_key(|(left, place, _)| (*left, *place));
        for (order, (left, place, split)) in splits.iter().enumerate() {
            if *left != 2 * order + 1 {
                return Err(format!("node {place} has its children at {left}"));
            }
            self.push_split(*place, split);
        }
        self.splits.push(splits.len() as u32);
        Ok(())
    }

    fn push_split(&mut self, place: usize, split: &Split<'_>) {
        let mut flags = if split.missing_left { MISSING_LEFT } else { 0 };
        match split.rule {
            Rule::Below(threshold) => self.threshold.push(threshold),
            Rule::OneOf(set) => {
                flags |= CATEGORICAL;
                self.set_length.push(set.len() as u32);
                self.sets.extend(set);
            }
        }
        self.node.push(place as u32);
        self.feature.push(split.feature as u32);
        self.flags.push(flags);
        self.gain.push(split.gain);
    }

    fn put(&self, tensors: &mut TensorWriter, prefix: &str) {
        tensors.put(prefix, "splits", &self.splits);
        tensors.put(prefix, "node", &self.node);
        tensors.put(prefix, "feature", &self.feature);
        tensors.put(prefix, "flags", &self.flags);
        tensors.put(prefix, "gain", &self.gain);
        // Thresholds of our own learners are `f32`; half the bytes, and still the same bits.
        let short: Vec<f32> = self.threshold.iter().map(|x| *x as f32).collect();
        let same = |(long, short): (&f64, &f32)| long.to_bits() == f64::from(*short).to_bits();
        if self.threshold.iter().zip(&short).all(same) {
            tensors.put(prefix, "threshold", &short);
        } else {
            tensors.put(prefix, "threshold", &self.threshold);
        }
        tensors.put(prefix, "set_length", &self.set_length);
        tensors.put(prefix, "sets", &self.sets);
        tensors.put(prefix, "leaf", &self.leaf);
        tensors.put(prefix, "cover", &self.cover);
    }

    fn take(tensors: &mut TensorReader<'_>, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            splits: tensors.take(prefix, "splits")?,
            node: tensors.take(prefix, "node")?,
            feature: tensors.take(prefix, "feature")?,
            flags: tensors.take(prefix, "flags")?,
            gain: tensors.take(prefix, "gain")?,
            threshold: tensors.either(prefix, "threshold")?,
            set_length: tensors.take(prefix, "set_length")?,
            sets: tensors.take(prefix, "sets")?,
            leaf: tensors.take(prefix, "leaf")?,
            cover: tensors.take(prefix, "cover")?,
        })
    }

    /// Splits the trees' roots as they were split; the error names a vector and what is wrong with it.
    fn trees(&self) -> Result<Vec<Tree>, (&'static str, String)> {
        self.check_lengths()?;
        let mut cursor = Cursor::default();
        let counts = self.splits.iter();
        counts
            .map(|count| self.tree(&mut cursor, *count as usize))
            .collect()
    }

    fn check_lengths(&self) -> Result<(), (&'static str, String)> {
        let sum = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        let splits = sum(&self.splits);
        let leaves = splits + self.splits.len() as u64;
        let categorical = self.flags.iter().filter(|f| **f & CATEGORICAL != 0).count() as u64;
        let lengths = [
            ("node", self.node.len(), splits),
            ("feature", self.feature.len(), splits),
            ("flags", self.flags.len(), splits),
            ("gain", self.gain.len(), splits),
            ("set_length", self.set_length.len(), categorical),
            ("sets", self.sets.len(), sum(&self.set_length)),
            ("leaf", self.leaf.len(), leaves),
            ("cover", self.cover.len(), splits + leaves),
        ];
        for (name, found, expected) in lengths {
            if found as u64 != expected {
                let reason = format!("it has {found} numbers where {expected} are needed");
                return Err((name, reason));
            }
        }
        let (found, expected) = (self.threshold.len() as u64, splits - categorical);
        if found != expected {
            let reason = format!("it has {found} numbers where {expected} are needed");
            return Err(("threshold", reason));
        }
        Ok(())
    }

    fn tree(&self, cursor: &mut Cursor, n_splits: usize) -> Result<Tree, (&'static str, String)> {
        let n_nodes = 2 * n_splits + 1;
        let covers = &self.cover[cursor.node..][..n_nodes];
        let leaves = &self.leaf[cursor.leaf..][..n_splits + 1];
        let values = self.node_values(cursor.split, n_splits, leaves)?;
        let mut tree = Tree::leaf(values[0], covers[0]);
        for order in 0..n_splits {
            let left = 2 * order + 1;
            let rule = self.rule(cursor);
            let at = cursor.split;
            tree.split(
                self.node[at] as usize,
                (self.feature[at] as usize, rule),
                self.flags[at] & MISSING_LEFT != 0,
                self.gain[at],
                [values[left], values[left + 1]],
                [covers[left], covers[left + 1]],
            );
            cursor.split += 1;
        }
        cursor.node += n_nodes;
        cursor.leaf += n_splits + 1;
        Ok(tree)
    }

    /// The leaves' values at the places of their nodes; checks that each split is of a leaf there is, with known flags
    /// and a possible feature.
    fn node_values(
        &self,
        first: usize,
        n_splits: usize,
        leaves: &[f64],
    ) -> Result<Vec<f64>, (&'static str, String)> {
        let mut is_split = vec![false; 2 * n_splits + 1];
        for order in 0..n_splits {
            let (at, place) = (first + order, self.node[first + order] as usize);
            if place > 2 * order || is_split[place] {
                return Err((
                    "node",
                    format!("split {at} is of node {place}, which is no leaf"),
                ));
            }
            is_split[place] = true;
            let (flags, feature) = (self.flags[at], self.feature[at]);
            if flags > (MISSING_LEFT | CATEGORICAL) {
                return Err(("flags", format!("split {at} has the flags {flags}")));
            }
            if feature >= 1 << 29 {
                return Err(("feature", format!("split {at} is by feature {feature}")));
            }
        }
        let mut leaves = leaves.iter();
        let value = |split: &bool| match split {
            true => 0.0,
            false => leaves.next().copied().unwrap_or(f64::NAN),
        };
        Ok(is_split.iter().map(value).collect())
    }

    /// The rule of the split at the cursor, which moves on.
    fn rule(&self, cursor: &mut Cursor) -> Rule<'_> {
        if self.flags[cursor.split] & CATEGORICAL == 0 {
            cursor.threshold += 1;
            return Rule::Below(self.threshold[cursor.threshold - 1]);
        }
        let length = self.set_length[cursor.set] as usize;
        let set = &self.sets[cursor.set_word..][..length];
        cursor.set += 1;
        cursor.set_word += length;
        Rule::OneOf(set)
    }
}

/// Where in the vectors the next tree begins.
#[derive(Default)]
struct Cursor {
    node: usize,
    leaf: usize,
    split: usize,
    threshold: usize,
    set: usize,
    set_word: usize,
}
