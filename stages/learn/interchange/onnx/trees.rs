//! An ensemble as a `TreeEnsembleRegressor`.
//!
//! A numeric split is `BRANCH_LT`, with the side of missing values. A categorical one is a chain of `BRANCH_EQ`, as
//! converters from LightGBM write it and onnxruntime folds it into a set again (`BRANCH_MEMBER` of ai.onnx.ml 5 would
//! say it in one node, but few runtimes know it). The chain asks for the codes of the side that missing values do *not*
//! take, so that what is in no chain, NaN and unknown codes, ends on their side.

use super::super::{Error, holds, single, single_threshold};
use super::graph::{Attribute, Graph, Tensor, Type};
use crate::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Precision, Rule, Split, Tree};

/// No code at all: keeps a chain that asks for nothing from being empty.
const NO_CODE: f64 = -0.5;

/// Adds the node; gives the name and type of its sums.
pub(super) fn put(graph: &mut Graph, ensemble: &Ensemble) -> Result<(String, Type), Error> {
    let mut columns = Columns::default();
    for (index, tree) in ensemble.trees.iter().enumerate() {
        columns.push(ensemble, index as i64, tree)?;
    }
    if ensemble.trees.is_empty() {
        // A regressor without trees is not allowed; a tree of nothing is.
        columns.push(ensemble, 0, &Tree::leaf(0.0, 0.0))?;
    }
    let input = match ensemble.precision {
        Precision::Single => Type::Float,
        Precision::Double => Type::Double,
    };
    let input = graph.input_as(input);
    let attributes = columns.into_attributes(ensemble)?;
    let sums = graph.ml_node("TreeEnsembleRegressor", &input, attributes);
    Ok((sums, Type::Float))
}

/// The attributes, one entry a node or leaf.
#[derive(Default)]
struct Columns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    values: Vec<f64>,
    when_true: Vec<i64>,
    when_false: Vec<i64>,
    missing_true: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    weights: Vec<f64>,
}

/// A row of the attributes.
struct Branch {
    mode: &'static str,
    feature: usize,
    value: f64,
    sides: [i64; 2],
    missing_true: bool,
}

impl Columns {
    fn push(&mut self, ensemble: &Ensemble, index: i64, tree: &Tree) -> Result<(), Error> {
        let chains: Vec<Vec<f64>> = (0..tree.len())
            .map(|place| chain(ensemble, tree, place))
            .collect();
        let mut next = 0;
        let starts = chains.iter().map(|chain| {
            next += chain.len().max(1) as i64;
            next - chain.len().max(1) as i64
        });
        let starts: Vec<i64> = starts.collect();
        for place in 0..tree.len() {
            let id = starts[place];
            match tree.node(place) {
                NodeView::Leaf { value } => {
                    single(value, "a leaf")?;
                    self.push_leaf(index, id, value);
                }
                NodeView::Split(split) => {
                    let sides = [starts[split.left], starts[split.left + 1]];
                    self.push_split(
                        ensemble.precision,
                        (index, id),
                        &split,
                        sides,
                        &chains[place],
                    );
                }
            }
        }
        Ok(())
    }

    fn push_split(
        &mut self,
        precision: Precision,
        (tree, id): (i64, i64),
        split: &Split<'_>,
        sides: [i64; 2],
        chain: &[f64],
    ) {
        let branch = |mode, value, sides, missing_true| Branch {
            mode,
            feature: split.feature,
            value,
            sides,
            missing_true,
        };
        if let Rule::Below(threshold) = split.rule {
            let value = match precision {
                Precision::Single => single_threshold(threshold).into(),
                Precision::Double => threshold,
            };
            self.push_branch(
                tree,
                id,
                branch("BRANCH_LT", value, sides, split.missing_left),
            );
            return;
        }
        let [met, rest] = if split.missing_left {
            [sides[1], sides[0]]
        } else {
            sides
        };
        for (step, code) in chain.iter().enumerate() {
            let next = if step + 1 == chain.len() {
                rest
            } else {
                id + step as i64 + 1
            };
            self.push_branch(
                tree,
                id + step as i64,
                branch("BRANCH_EQ", *code, [met, next], false),
            );
        }
    }

    fn push_branch(&mut self, tree: i64, id: i64, branch: Branch) {
        self.trees.push(tree);
        self.nodes.push(id);
        self.features.push(branch.feature as i64);
        self.modes.push(branch.mode);
        self.values.push(branch.value);
        self.when_true.push(branch.sides[0]);
        self.when_false.push(branch.sides[1]);
        self.missing_true.push(branch.missing_true.into());
    }

    fn push_leaf(&mut self, tree: i64, id: i64, weight: f64) {
        let leaf = Branch {
            mode: "LEAF",
            feature: 0,
            value: 0.0,
            sides: [0, 0],
            missing_true: false,
        };
        self.push_branch(tree, id, leaf);
        self.leaf_trees.push(tree);
        self.leaf_nodes.push(id);
        self.weights.push(weight);
    }

    fn into_attributes(self, ensemble: &Ensemble) -> Result<Vec<(&'static str, Attribute)>, Error> {
        let aggregate = match ensemble.aggregation {
            Aggregation::Sum => "SUM",
            Aggregation::Mean => "AVERAGE",
        };
        let n_leaves = self.leaf_nodes.len();
        let mut attributes = vec![
            ("n_targets", Attribute::Int(1)),
            ("aggregate_function", Attribute::Text(aggregate)),
            ("nodes_treeids", Attribute::Ints(self.trees)),
            ("nodes_nodeids", Attribute::Ints(self.nodes)),
            ("nodes_featureids", Attribute::Ints(self.features)),
            ("nodes_modes", Attribute::Texts(self.modes)),
            ("nodes_truenodeids", Attribute::Ints(self.when_true)),
            ("nodes_falsenodeids", Attribute::Ints(self.when_false)),
            (
                "nodes_missing_value_tracks_true",
                Attribute::Ints(self.missing_true),
            ),
            ("target_treeids", Attribute::Ints(self.leaf_trees)),
            ("target_nodeids", Attribute::Ints(self.leaf_nodes)),
            ("target_ids", Attribute::Ints(vec![0; n_leaves])),
        ];
        let base = single(ensemble.base, "the base")?;
        attributes.extend(match ensemble.precision {
            Precision::Single => [
                ("nodes_values", Attribute::Floats(shorten(&self.values))),
                ("target_weights", Attribute::Floats(shorten(&self.weights))),
                ("base_values", Attribute::Floats(vec![base])),
            ],
            Precision::Double => [
                ("nodes_values_as_tensor", doubles(&self.values)),
                ("target_weights_as_tensor", doubles(&self.weights)),
                ("base_values_as_tensor", doubles(&[ensemble.base])),
            ],
        });
        Ok(attributes)
    }
}

fn shorten(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|x| *x as f32).collect()
}

fn doubles(numbers: &[f64]) -> Attribute {
    Attribute::Tensor(Tensor::doubles(numbers, &[numbers.len()]))
}

/// The codes of a categorical split that its missing values do not follow; empty for all other nodes.
fn chain(ensemble: &Ensemble, tree: &Tree, place: usize) -> Vec<f64> {
    let NodeView::Split(split) = tree.node(place) else {
        return Vec::new();
    };
    let (Rule::OneOf(set), FeatureKind::Categorical { levels }) =
        (split.rule, ensemble.features[split.feature])
    else {
        return Vec::new();
    };
    let codes = (0..levels).filter(|code| holds(set, *code) != split.missing_left);
    let codes: Vec<f64> = codes.map(f64::from).collect();
    if codes.is_empty() {
        vec![NO_CODE]
    } else {
        codes
    }
}
