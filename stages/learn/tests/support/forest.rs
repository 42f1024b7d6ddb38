//! Trees to explain: random ones, and those of XGBoost's JSON as far as golden values need it.

use fastrand::Rng;
use hpipe_learn::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};
use ndarray::Array2;
use serde_json::Value;

use super::{number, numbers};

/// An ensemble of random trees, whose last feature is categorical with 70 codes.
pub(crate) fn random_ensemble(
    random: &mut Rng,
    features: usize,
    trees: usize,
    splits: usize,
) -> Ensemble {
    Ensemble {
        features: (1..features)
            .map(|_| FeatureKind::Numeric)
            .chain([FeatureKind::Categorical { levels: 70 }])
            .collect(),
        precision: if random.bool() {
            Precision::Single
        } else {
            Precision::Double
        },
        base: random.f64(),
        aggregation: if random.bool() {
            Aggregation::Sum
        } else {
            Aggregation::Mean
        },
        trees: (0..trees)
            .map(|_| random_tree(random, features, splits))
            .collect(),
    }
}

/// A tree of so many splits, of any shape: chains as well as bushes.
fn random_tree(random: &mut Rng, features: usize, splits: usize) -> Tree {
    let mut tree = Tree::leaf(random.f64(), 100.0);
    let mut leaves = vec![0];
    for _ in 0..splits {
        let among = if random.bool() {
            leaves.len()
        } else {
            leaves.len().min(2)
        };
        let place = leaves.swap_remove(leaves.len() - 1 - random.usize(..among));
        let feature = random.usize(..features);
        let set: Vec<u64> = (0..2).map(|_| random.u64(..)).collect();
        let rule = if feature + 1 == features {
            Rule::OneOf(&set)
        } else {
            Rule::Below(f64::from(random.f32()))
        };
        let share = random.f32();
        let covers = [share, 1.0 - share].map(|share| share * tree.cover(place));
        let values = [random.f64() - 0.5, random.f64() - 0.5];
        leaves.extend(tree.split(
            place,
            (feature, rule),
            random.bool(),
            random.f32(),
            values,
            covers,
        ));
    }
    tree
}

/// Records for [`random_ensemble`], some values missing.
pub(crate) fn random_records(random: &mut Rng, rows: usize, features: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, features), |(_, j)| match random.u8(..) {
        0..30 => f64::NAN,
        _ if j + 1 == features => f64::from(random.u32(..70)),
        _ => random.f64(),
    })
}

/// The ensemble of golden values made by XGBoost.
pub(crate) fn xgboost(golden: &Value, features: &[FeatureKind]) -> Ensemble {
    let trees = golden["trees"].as_array().expect("trees");
    Ensemble {
        features: features.to_vec(),
        precision: Precision::Single,
        base: f64::from(number(&golden["base"]) as f32),
        aggregation: Aggregation::Sum,
        trees: trees.iter().map(xgboost_tree).collect(),
    }
}

fn xgboost_tree(json: &Value) -> Tree {
    let list = |name: &str| numbers(&json[name]);
    // written as the shortest decimals of single precision
    let single = |name: &str| -> Vec<f64> {
        let numbers = list(name).into_iter();
        numbers.map(|x| f64::from(x as f32)).collect()
    };
    let (conditions, covers) = (single("split_conditions"), single("sum_hessian"));
    let children = [list("left_children"), list("right_children")];
    let (features, kinds) = (list("split_indices"), list("split_type"));
    let (missing_left, gains) = (list("default_left"), list("loss_changes"));
    let mut tree = Tree::leaf(conditions[0], covers[0] as f32);
    let mut work = vec![(0, 0)];
    while let Some((place, node)) = work.pop() {
        let sides = [0, 1].map(|side| children[side][node]);
        if sides[0] < 0.0 {
            continue;
        }
        let sides = sides.map(|side| side as usize);
        let set = left_codes(json, node);
        let rule = if kinds[node] == 1.0 {
            Rule::OneOf(&set)
        } else {
            Rule::Below(conditions[node])
        };
        let made = tree.split(
            place,
            (features[node] as usize, rule),
            missing_left[node] == 1.0,
            gains[node] as f32,
            sides.map(|side| conditions[side]),
            sides.map(|side| covers[side] as f32),
        );
        work.extend(made.into_iter().zip(sides));
    }
    tree
}

/// The codes that go left: XGBoost writes those that go right.
fn left_codes(json: &Value, node: usize) -> [u64; 2] {
    let list = |name: &str| numbers(&json[name]);
    let mut set = [u64::MAX, (1 << 6) - 1];
    let nodes = list("categories_nodes");
    if let Some(place) = nodes.iter().position(|&at| at == node as f64) {
        let from = list("categories_segments")[place] as usize;
        let count = list("categories_sizes")[place] as usize;
        for code in &list("categories")[from..from + count] {
            set[*code as usize / 64] &= !(1 << (*code as usize % 64));
        }
    }
    set
}
