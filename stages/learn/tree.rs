//! A fitted regression tree, and the sum or mean of many: what every tree learner makes and every exporter reads.
//!
//! Nodes lie in one vector, children side by side, so that a node needs one link and a tree no allocation a node. The
//! learner that grew a tree, its hyperparameters and the names of features are known elsewhere.

use ndarray::{ArrayView1, ArrayView2};

use crate::predictor::Predictor;

/// More trees than this are a slip of the pen: nobody waits for them.
pub(crate) const MOST_TREES: usize = 100_000;

/// How many bits of a value a comparison sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Values are rounded to `f32` first, as XGBoost, ONNX and scikit-learn do; so do our own learners.
    Single,
    /// Values are compared as they are, as LightGBM does.
    Double,
}

/// How the leaves that a row reaches become its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// `base + Σ leaf`, as in boosting.
    Sum,
    /// `base + Σ leaf / n_trees`, as in a forest.
    Mean,
}

/// What a feature is to a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// Ordered: split by a threshold.
    Numeric,
    /// A code from 0 to `levels - 1`: split by sets of codes. Any other value counts as missing.
    Categorical {
        /// Number of codes.
        levels: u32,
    },
}

/// Trees whose leaves add up to a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// What each feature is, `n_features` long.
    pub features: Vec<FeatureKind>,
    /// How values are compared.
    pub precision: Precision,
    /// What is added to the trees, in the target's unit.
    pub base: f64,
    /// Sum or mean.
    pub aggregation: Aggregation,
    /// The trees, in the order in which they were grown.
    pub trees: Vec<Tree>,
}

/// One regression tree. Node 0 is the root; children come after their parent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Bit sets of codes, 64 a word, of the categorical splits.
    sets: Vec<Box<[u64]>>,
}

/// A node as it is kept: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// The value of a leaf; the threshold of a numeric split; the place of its set for a categorical one.
    number: f64,
    /// Sum of hessians (second order) or of row weights of the training rows that reached it.
    cover: f32,
    /// How much the split lowered the loss; 0 for a leaf.
    gain: f32,
    /// Feature and flags; [`LEAF`] for a leaf.
    feature: u32,
    /// The left child; the right one is next to it.
    left: u32,
}

const LEAF: u32 = u32::MAX;
const MISSING_LEFT: u32 = 1 << 31;
const CATEGORICAL: u32 = 1 << 30;
const FEATURE: u32 = CATEGORICAL - 1;

/// A node as it is seen from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NodeView<'a> {
    /// Where a row ends.
    Leaf {
        /// What the row's prediction gets, in the target's unit.
        value: f64,
    },
    /// Where a row turns.
    Split(Split<'a>),
}

/// A split and its two children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split<'a> {
    /// Place of the feature.
    pub feature: usize,
    /// Which values go left.
    pub rule: Rule<'a>,
    /// Where a missing value goes: left or right.
    pub missing_left: bool,
    /// How much the split lowered the loss.
    pub gain: f32,
    /// Place of the left child; the right child's is one more.
    pub left: usize,
}

/// Which values go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule<'a> {
    /// Those below the threshold: `x < threshold`.
    Below(f64),
    /// Codes whose bit is set, 64 a word, the lowest bit first.
    OneOf(&'a [u64]),
}

impl Tree {
    /// A tree of one leaf.
    pub fn leaf(value: f64, cover: f32) -> Self {
        let root = Node {
            number: value,
            cover,
            gain: 0.0,
            feature: LEAF,
            left: 0,
        };
        Self {
            nodes: vec![root],
            sets: Vec::new(),
        }
    }

    /// Number of nodes, leaves included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is not even a root: never true of a tree that was grown.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|n| n.feature == LEAF).count()
    }

    /// The node at `place`.
    pub fn node(&self, place: usize) -> NodeView<'_> {
        let node = &self.nodes[place];
        if node.feature == LEAF {
            return NodeView::Leaf { value: node.number };
        }
        let rule = if node.feature & CATEGORICAL == 0 {
            Rule::Below(node.number)
        } else {
            Rule::OneOf(&self.sets[node.number as usize])
        };
        NodeView::Split(Split {
            feature: (node.feature & FEATURE) as usize,
            rule,
            missing_left: node.feature & MISSING_LEFT != 0,
            gain: node.gain,
            left: node.left as usize,
        })
    }

    /// Sum of hessians or weights of the training rows that reached the node at `place`.
    pub fn cover(&self, place: usize) -> f32 {
        self.nodes[place].cover
    }

    /// Turns the leaf at `place` into a split; its children are two new leaves, whose places are returned.
    ///
    /// `values` and `covers` are those of the left and the right child.
    ///
    /// # Panics
    /// When the node is no leaf, or a feature's number does not fit into 30 bits.
    pub fn split(
        &mut self,
        place: usize,
        split: (usize, Rule<'_>),
        missing_left: bool,
        gain: f32,
        values: [f64; 2],
        covers: [f32; 2],
    ) -> [usize; 2] {
        assert!(
            self.nodes[place].feature == LEAF,
            "bug: a node is split twice"
        );
        let (feature, rule) = split;
        assert!(
            feature < FEATURE as usize,
            "bug: feature {feature} has no place"
        );
        let left = self.nodes.len();
        let mut flags = if missing_left { MISSING_LEFT } else { 0 };
        let number = match rule {
            Rule::Below(threshold) => threshold,
            Rule::OneOf(set) => {
                flags |= CATEGORICAL;
                self.sets.push(set.into());
                (self.sets.len() - 1) as f64
            }
        };
        let node = &mut self.nodes[place];
        node.number = number;
        node.gain = gain;
        node.feature = feature as u32 | flags;
        node.left = left as u32;
        for side in 0..2 {
            self.nodes.push(Node {
                number: values[side],
                cover: covers[side],
                gain: 0.0,
                feature: LEAF,
                left: 0,
            });
        }
        [left, left + 1]
    }

    /// The place of the left child of the split at `place`.
    pub(crate) fn left(&self, place: usize) -> usize {
        self.nodes[place].left as usize
    }

    /// Sets what the leaf at `place` predicts.
    pub(crate) fn set_value(&mut self, place: usize, value: f64) {
        debug_assert!(
            self.nodes[place].feature == LEAF,
            "bug: the value of a split"
        );
        self.nodes[place].number = value;
    }

    /// What the tree predicts for a row of single precision, in which a code that is none is NaN.
    pub(crate) fn value_at(&self, row: &[f32]) -> f64 {
        let mut node = &self.nodes[0];
        while node.feature != LEAF {
            let x = f64::from(row[(node.feature & FEATURE) as usize]);
            let goes_left = if x.is_nan() {
                node.feature & MISSING_LEFT != 0
            } else if node.feature & CATEGORICAL == 0 {
                x < node.number
            } else {
                contains(&self.sets[node.number as usize], x)
                    .unwrap_or(node.feature & MISSING_LEFT != 0)
            };
            node = &self.nodes[node.left as usize + usize::from(!goes_left)];
        }
        node.number
    }

    /// Where a row ends: the place of its leaf. `value` gives a feature's value, already of the ensemble's precision.
    pub fn leaf_of(&self, value: impl Fn(usize) -> f64) -> usize {
        let mut place = 0;
        loop {
            match self.node(place) {
                NodeView::Leaf { .. } => return place,
                NodeView::Split(split) => {
                    place = split.left + usize::from(!split.goes_left(value(split.feature)));
                }
            }
        }
    }

    /// The value of the leaf at `place`.
    ///
    /// # Panics
    /// When the node is no leaf.
    pub fn value(&self, place: usize) -> f64 {
        match self.node(place) {
            NodeView::Leaf { value } => value,
            NodeView::Split(_) => panic!("bug: the value of a split"),
        }
    }
}

impl Split<'_> {
    /// Whether `x` goes left; NaN and codes without a bit of their own follow `missing_left`.
    pub fn goes_left(&self, x: f64) -> bool {
        match self.rule {
            _ if x.is_nan() => self.missing_left,
            Rule::Below(threshold) => x < threshold,
            Rule::OneOf(set) => contains(set, x).unwrap_or(self.missing_left),
        }
    }
}

/// Whether the code `x` has its bit set; none when it is no code of the set's range.
fn contains(set: &[u64], x: f64) -> Option<bool> {
    let code = x as u64;
    if x < 0.0 || code as f64 != x {
        return None;
    }
    let word = set.get(usize::try_from(code / 64).ok()?)?;
    Some(word >> (code % 64) & 1 == 1)
}

impl Ensemble {
    /// The prediction for one row of `n_features` values, in the target's unit.
    ///
    /// This is the definition; a [`crate::predictor::Predictor`] gives the same numbers, faster.
    pub fn predict_row(&self, row: ArrayView1<'_, f64>) -> f64 {
        let value = |feature: usize| self.seen(feature, row[feature]);
        let sum: f64 = self
            .trees
            .iter()
            .map(|tree| tree.value(tree.leaf_of(value)))
            .sum();
        match self.aggregation {
            Aggregation::Sum => self.base + sum,
            Aggregation::Mean => self.base + sum / self.trees.len().max(1) as f64,
        }
    }

    /// A feature's value as the trees see it: of their precision, and NaN when it is no code of a categorical feature.
    pub fn seen(&self, feature: usize, value: f64) -> f64 {
        match self.features[feature] {
            FeatureKind::Categorical { levels } if !is_code(value, levels) => f64::NAN,
            _ => match self.precision {
                Precision::Single => f64::from(value as f32),
                Precision::Double => value,
            },
        }
    }

    /// The predictions for `records` (`n_rows × n_features`), in the target's unit.
    ///
    /// # Panics
    /// When the records have another number of features than the ensemble.
    pub fn predict(&self, records: ArrayView2<'_, f64>) -> Vec<f64> {
        match Predictor::new(self).predict(records) {
            Ok(predictions) => predictions,
            Err(error) => panic!("cannot {error}"),
        }
    }
}

/// Whether a value is one of the codes from 0 to `levels - 1`.
pub(crate) fn is_code(value: f64, levels: u32) -> bool {
    value >= 0.0 && value < f64::from(levels) && value.fract() == 0.0
}
