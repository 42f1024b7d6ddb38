//! From trees of ours to an XGBoost document, as version 3 writes it and all versions since 1.6 read it.

use super::super::document::Value;
use super::super::{self as interchange, Error, holds, single, single_threshold, trees_of};
use crate::learned::{Learned, Link};
use crate::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Rule, Tree};

/// What XGBoost writes as the root's parent.
const NO_PARENT: i32 = i32::MAX;

/// The whole document.
pub(super) fn document(
    learned: &Learned,
    columns: interchange::Columns<'_>,
) -> Result<Value, Error> {
    learned.check()?;
    let (ensemble, link) = trees_of(learned, "XGBoost")?;
    columns.check(learned)?;
    let words = columns.words()?;
    let words = words.iter().map(|(key, words)| (*key, Value::text(words)));
    let learner = Value::map([
        ("attributes", Value::map(words)),
        (
            "feature_names",
            Value::List(columns.names.iter().map(Value::text).collect()),
        ),
        ("feature_types", feature_types(ensemble)),
        ("gradient_booster", booster(ensemble)?),
        ("learner_model_param", learner_param(ensemble, link)?),
        ("objective", objective(link)?),
    ]);
    let version = [3, 2, 0].map(Value::Integer);
    Ok(Value::map([
        ("learner", learner),
        ("version", Value::List(version.into())),
    ]))
}

fn feature_types(ensemble: &Ensemble) -> Value {
    let word = |kind: &FeatureKind| match kind {
        FeatureKind::Numeric => Value::text("float"),
        FeatureKind::Categorical { .. } => Value::text("c"),
    };
    Value::List(ensemble.features.iter().map(word).collect())
}

fn objective(link: Option<Link>) -> Result<Value, Error> {
    let param = |key, value| Value::map([(key, Value::text(value))]);
    let (name, key, value) = match link {
        None => (
            "reg:squarederror",
            "reg_loss_param",
            param("scale_pos_weight", "1"),
        ),
        Some(Link::Logistic) => (
            "binary:logistic",
            "reg_loss_param",
            param("scale_pos_weight", "1"),
        ),
        Some(Link::Exp) => (
            "count:poisson",
            "poisson_regression_param",
            param("max_delta_step", "0.7"),
        ),
        Some(Link::SignedSquare) => {
            let reason = "XGBoost has no objective whose prediction is the square of the sum";
            return Err(Error::NoWords(reason.to_owned()));
        }
    };
    Ok(Value::map([("name", Value::text(name)), (key, value)]))
}

fn learner_param(ensemble: &Ensemble, link: Option<Link>) -> Result<Value, Error> {
    let score = link.map_or(ensemble.base, |link| link.apply(ensemble.base));
    let score = single(score, "the base")?;
    let possible = match link {
        Some(Link::Exp) => score > 0.0,
        Some(Link::Logistic) => score > 0.0 && score < 1.0,
        None | Some(Link::SignedSquare) => true,
    };
    if !possible {
        let base = ensemble.base;
        return Err(Error::NoWords(format!(
            "XGBoost keeps the base {base} as {score}, which is no prediction"
        )));
    }
    Ok(Value::map([
        ("base_score", Value::text(format!("{score:E}"))),
        ("boost_from_average", Value::text("1")),
        ("num_class", Value::text("0")),
        ("num_feature", Value::text(ensemble.features.len())),
        ("num_target", Value::text("1")),
    ]))
}

fn booster(ensemble: &Ensemble) -> Result<Value, Error> {
    let n_trees = ensemble.trees.len();
    let share = match ensemble.aggregation {
        Aggregation::Sum => 1.0,
        Aggregation::Mean => n_trees as f64,
    };
    let trees = ensemble.trees.iter().enumerate();
    let trees = trees.map(|(index, tree)| tree_document(ensemble, (index, tree), share));
    let cats = Value::map([
        ("enc", Value::List(Vec::new())),
        ("feature_segments", Value::Integers(Vec::new())),
        ("sorted_idx", Value::Integers(Vec::new())),
    ]);
    let param = Value::map([
        ("num_parallel_tree", Value::text("1")),
        ("num_trees", Value::text(n_trees)),
    ]);
    let ends = (0..=n_trees as i64).map(Value::Integer).collect();
    let model = Value::map([
        ("cats", cats),
        ("gbtree_model_param", param),
        ("iteration_indptr", Value::List(ends)),
        ("tree_info", Value::List(vec![Value::Integer(0); n_trees])),
        ("trees", Value::List(trees.collect::<Result<_, _>>()?)),
    ]);
    Ok(Value::map([
        ("model", model),
        ("name", Value::text("gbtree")),
    ]))
}

/// The vectors of one tree.
#[derive(Default)]
struct Columns {
    left: Vec<i32>,
    right: Vec<i32>,
    parents: Vec<i32>,
    features: Vec<i32>,
    conditions: Vec<f32>,
    missing_left: Vec<u8>,
    categorical: Vec<u8>,
    gains: Vec<f32>,
    covers: Vec<f32>,
    codes: Vec<i32>,
    code_nodes: Vec<i32>,
    code_starts: Vec<i64>,
    code_counts: Vec<i64>,
}

fn tree_document(
    ensemble: &Ensemble,
    (index, tree): (usize, &Tree),
    share: f64,
) -> Result<Value, Error> {
    let mut columns = Columns {
        parents: vec![NO_PARENT; tree.len()],
        ..Columns::default()
    };
    for place in 0..tree.len() {
        columns.push(ensemble, tree, place, share)?;
    }
    let weights = columns.base_weights();
    let param = Value::map([
        ("num_deleted", Value::text("0")),
        ("num_feature", Value::text(ensemble.features.len())),
        ("num_nodes", Value::text(tree.len())),
        ("size_leaf_vector", Value::text("1")),
    ]);
    Ok(Value::map([
        ("base_weights", Value::Floats(weights)),
        ("categories", Value::Integers(columns.codes)),
        ("categories_nodes", Value::Integers(columns.code_nodes)),
        ("categories_segments", Value::Longs(columns.code_starts)),
        ("categories_sizes", Value::Longs(columns.code_counts)),
        ("default_left", Value::Bytes(columns.missing_left)),
        ("id", Value::Integer(index as i64)),
        ("left_children", Value::Integers(columns.left)),
        ("loss_changes", Value::Floats(columns.gains)),
        ("parents", Value::Integers(columns.parents)),
        ("right_children", Value::Integers(columns.right)),
        ("split_conditions", Value::Floats(columns.conditions)),
        ("split_indices", Value::Integers(columns.features)),
        ("split_type", Value::Bytes(columns.categorical)),
        ("sum_hessian", Value::Floats(columns.covers)),
        ("tree_param", param),
    ]))
}

impl Columns {
    fn push(
        &mut self,
        ensemble: &Ensemble,
        tree: &Tree,
        place: usize,
        share: f64,
    ) -> Result<(), Error> {
        self.covers
            .push(tree.cover(place).clamp(f32::MIN, f32::MAX));
        let split = match tree.node(place) {
            NodeView::Split(split) => split,
            NodeView::Leaf { value } => {
                self.push_leaf(single(value / share, "a leaf")?);
                return Ok(());
            }
        };
        self.left.push(split.left as i32);
        self.right.push(split.left as i32 + 1);
        self.parents[split.left] = place as i32;
        self.parents[split.left + 1] = place as i32;
        self.features.push(split.feature as i32);
        self.missing_left.push(split.missing_left.into());
        self.gains.push(split.gain.clamp(f32::MIN, f32::MAX));
        match (split.rule, ensemble.features[split.feature]) {
            (Rule::OneOf(set), FeatureKind::Categorical { levels }) => {
                self.push_set(place, set, levels);
            }
            (Rule::Below(number), _) => {
                self.conditions.push(single_threshold(number));
                self.categorical.push(0);
            }
            (Rule::OneOf(_), FeatureKind::Numeric) => panic!("bug: checked before"),
        }
        Ok(())
    }

    fn push_leaf(&mut self, value: f32) {
        self.left.push(-1);
        self.right.push(-1);
        self.features.push(0);
        self.missing_left.push(0);
        self.gains.push(0.0);
        self.conditions.push(value);
        self.categorical.push(0);
    }

    /// XGBoost lists the codes that go right, and takes no empty list: where all known codes go left and only a missing
    /// value right, the list holds the first code that is not known, which counts as missing, too.
    fn push_set(&mut self, place: usize, set: &[u64], levels: u32) {
        let right = (0..levels).filter(|code| !holds(set, *code));
        let start = self.codes.len();
        self.codes.extend(right.map(|code| code as i32));
        if self.codes.len() == start {
            self.codes.push(levels as i32);
        }
        self.code_nodes.push(place as i32);
        self.code_starts.push(start as i64);
        self.code_counts.push((self.codes.len() - start) as i64);
        self.conditions.push(0.0);
        self.categorical.push(1);
    }

    /// What a node would predict as a leaf: the mean of its leaves by cover.
    fn base_weights(&self) -> Vec<f32> {
        let mut weights = self.conditions.clone();
        for node in (0..weights.len())
            .rev()
            .filter(|node| self.left[*node] != -1)
        {
            let children = [self.left[node] as usize, self.right[node] as usize];
            let [a, b] = children.map(|child| f64::from(self.covers[child]));
            let [x, y] = children.map(|child| f64::from(weights[child]));
            let mean = if a + b > 0.0 {
                (a * x + b * y) / (a + b)
            } else {
                (x + y) / 2.0
            };
            weights[node] = mean as f32;
        }
        weights
    }
}
