//! From an XGBoost document to a model of ours.

use std::collections::VecDeque;

use super::super::document::{Place, Value};
use super::super::{Error, Imported, Rounds};
use super::categories::{Levels, Listed, complement};
use crate::learned::{Learned, Link};
use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};

/// The objectives whose prediction is a number, and the function between sum and prediction.
const OBJECTIVES: [(&str, Option<Link>); 14] = [
    ("reg:squarederror", None),
    ("reg:linear", None),
    ("reg:absoluteerror", None),
    ("reg:pseudohubererror", None),
    ("reg:quantileerror", None),
    ("reg:expectileerror", None),
    ("reg:squaredlogerror", None),
    ("reg:gamma", Some(Link::Exp)),
    ("reg:tweedie", Some(Link::Exp)),
    ("count:poisson", Some(Link::Exp)),
    ("reg:logistic", Some(Link::Logistic)),
    ("binary:logistic", Some(Link::Logistic)),
    ("binary:logitraw", None),
    ("survival:cox", Some(Link::Exp)),
];

/// Reads a whole model.
pub(super) fn model(document: &Value, rounds: Rounds) -> Result<Imported, Error> {
    let learner = Place::root(document).get("learner")?;
    let (objective, link) = objective(&learner)?;
    let params = learner.get("learner_model_param")?;
    let n_features = n_features(&params)?;
    let base = base(&params, link)?;
    let booster = learner.get("gradient_booster")?;
    let name = booster.get("name")?;
    let learned = match name.text()? {
        "gbtree" => trees(&learner, &booster, None, (n_features, base, rounds))?,
        "dart" => {
            let drop = booster.get("weight_drop")?;
            let inner = booster.get("gbtree")?;
            trees(&learner, &inner, Some(drop), (n_features, base, rounds))?
        }
        "gblinear" => linear(&booster, n_features, base)?,
        other => {
            let reason = format!("the booster `{other}`; known are gbtree, dart and gblinear");
            return Err(name.unsupported(reason));
        }
    };
    let learned = match link {
        None => learned,
        Some(link) => Learned::Linked(link, Box::new(learned)),
    };
    learned.check()?;
    Ok(Imported {
        learned,
        features: feature_names(&learner, n_features)?,
        objective,
    })
}

fn objective(learner: &Place<'_>) -> Result<(String, Option<Link>), Error> {
    let place = learner.get("objective")?.get("name")?;
    let name = place.text()?;
    match OBJECTIVES.iter().find(|(known, _)| *known == name) {
        Some((_, link)) => Ok((name.to_owned(), *link)),
        None => {
            let known: Vec<_> = OBJECTIVES.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            Err(place.unsupported(format!("the objective `{name}`; known are {known}")))
        }
    }
}

fn n_features(params: &Place<'_>) -> Result<usize, Error> {
    let several = |key: &str| match params.find(key) {
        Some(place) if place.integer()? > 1 => {
            Err(place.unsupported("a model of several outputs; a model here has one"))
        }
        _ => Ok(()),
    };
    several("num_class")?;
    several("num_target")?;
    let place = params.get("num_feature")?;
    match place.integer()? {
        count @ 0..=0x00ff_ffff => Ok(count as usize),
        count => Err(place.damaged(format!("{count} features"))),
    }
}

/// The base as it enters the sum; since 3.1 a vector of one, before that a number.
fn base(params: &Place<'_>, link: Option<Link>) -> Result<f64, Error> {
    let place = params.get("base_score")?;
    let text = place.text()?;
    let number = text.trim_matches(['[', ']']).parse::<f32>();
    let score = number.map_err(|_| place.damaged(format!("`{text}` is no number")))?;
    let score = f64::from(score);
    let base = match link {
        None | Some(Link::SignedSquare) => score,
        Some(Link::Exp) => score.ln(),
        Some(Link::Logistic) => (score / (1.0 - score)).ln(),
    };
    if !base.is_finite() {
        return Err(place.damaged(format!("{score} is no prediction of this objective")));
    }
    Ok(base)
}

fn feature_names(learner: &Place<'_>, n_features: usize) -> Result<Option<Vec<String>>, Error> {
    let Some(place) = learner.find("feature_names") else {
        return Ok(None);
    };
    let names = place.texts()?;
    match names.len() {
        0 => Ok(None),
        found if found == n_features => Ok(Some(names)),
        found => Err(place.damaged(format!("{found} names of {n_features} features"))),
    }
}

/// Numbers of 32 bits, whatever they are written as: in JSON `-0.57890683` stands for the nearest one, and a threshold that
/// lies elsewhere parts other rows once it is exported or explained.
fn singles(place: &Place<'_>, expected: usize) -> Result<Vec<f64>, Error> {
    let numbers = place.exactly(expected)?.into_iter();
    Ok(numbers.map(|number| f64::from(number as f32)).collect())
}

/// `gblinear`: a coefficient a feature, then the bias.
fn linear(booster: &Place<'_>, n_features: usize, base: f64) -> Result<Learned, Error> {
    let weights = booster.get("model")?.get("weights")?;
    let mut coefficients = singles(&weights, n_features + 1)?;
    let bias = coefficients.pop().unwrap_or(0.0);
    Ok(Learned::Linear {
        intercept: base + bias,
        coefficients,
    })
}

fn trees(
    learner: &Place<'_>,
    booster: &Place<'_>,
    drop: Option<Place<'_>>,
    (n_features, base, rounds): (usize, f64, Rounds),
) -> Result<Learned, Error> {
    let model = booster.get("model")?;
    let mut trees = model.get("trees")?.list()?;
    let weights = match drop {
        Some(drop) => singles(&drop, trees.len())?,
        None => vec![1.0; trees.len()],
    };
    if let (Rounds::Best, Some(best)) = (rounds, best_iteration(learner)?) {
        trees.truncate(first_rounds(&model, best)?);
    }
    let mut levels = Levels::declared(learner, &model, n_features)?;
    let trees = trees
        .iter()
        .map(|tree| Columns::read(tree, n_features, &mut levels));
    let columns = trees.collect::<Result<Vec<_>, _>>()?;
    let levels = levels.finish(&model)?;
    let trees = columns.iter().zip(weights);
    let trees = trees.map(|(columns, weight)| columns.tree(weight, &levels));
    Ok(Learned::Trees(Ensemble {
        trees: trees.collect::<Result<_, _>>()?,
        features: levels.iter().map(|levels| kind(*levels)).collect(),
        precision: Precision::Single,
        base,
        aggregation: Aggregation::Sum,
    }))
}

fn kind(levels: u32) -> FeatureKind {
    match levels {
        0 => FeatureKind::Numeric,
        levels => FeatureKind::Categorical { levels },
    }
}

fn best_iteration(learner: &Place<'_>) -> Result<Option<usize>, Error> {
    let Some(place) = learner
        .find("attributes")
        .and_then(|a| a.find("best_iteration"))
    else {
        return Ok(None);
    };
    let best = place.integer()?;
    let best = usize::try_from(best).map_err(|_| place.damaged(format!("round {best}")))?;
    Ok(Some(best))
}

/// Number of trees of the rounds up to `best`.
fn first_rounds(model: &Place<'_>, best: usize) -> Result<usize, Error> {
    if let Some(ends) = model.find("iteration_indptr") {
        let numbers = ends.integers(0)?;
        let end = numbers.get(best.saturating_add(1));
        return end
            .map(|end| *end as usize)
            .ok_or_else(|| ends.damaged(format!("there is no round {best}, the best one")));
    }
    let a_round = match model.get("gbtree_model_param")?.find("num_parallel_tree") {
        Some(place) => place.integer()?.max(1) as usize,
        None => 1,
    };
    Ok(best.saturating_add(1).saturating_mul(a_round))
}

/// The vectors of one tree, each as long as it has nodes.
struct Columns<'a> {
    place: Place<'a>,
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    condition: Vec<f64>,
    missing_left: Vec<f64>,
    gain: Vec<f64>,
    cover: Vec<f64>,
    listed: Listed,
}

impl<'a> Columns<'a> {
    fn read(tree: &Place<'a>, n_features: usize, levels: &mut Levels) -> Result<Self, Error> {
        let size = tree.get("tree_param")?.get("size_leaf_vector")?;
        if size.integer()? > 1 {
            return Err(size.unsupported("leaves with several outputs; a model here has one"));
        }
        let left = tree.get("left_children")?.integers(-1)?;
        let n_nodes = left.len();
        let columns = Self {
            right: tree.get("right_children")?.integers(-1)?,
            feature: tree.get("split_indices")?.integers(0)?,
            condition: singles(&tree.get("split_conditions")?, n_nodes)?,
            missing_left: tree.get("default_left")?.exactly(n_nodes)?,
            gain: tree.get("loss_changes")?.exactly(n_nodes)?,
            cover: tree.get("sum_hessian")?.exactly(n_nodes)?,
            listed: Listed::read(tree)?,
            place: tree.clone(),
            left,
        };
        if n_nodes == 0 || columns.right.len() != n_nodes || columns.feature.len() != n_nodes {
            return Err(tree.damaged("its vectors differ in length, or are empty"));
        }
        columns.check(tree, n_features, levels)?;
        Ok(columns)
    }

    /// Checks features, and notes codes and their number.
    fn check(&self, tree: &Place<'_>, n_features: usize, levels: &mut Levels) -> Result<(), Error> {
        let types = match tree.find("split_type") {
            Some(place) => place.exactly(self.left.len())?,
            None => vec![0.0; self.left.len()],
        };
        for node in (0..self.left.len()).filter(|node| self.left[*node] != -1) {
            let feature = self.feature[node] as usize;
            if feature >= n_features {
                return Err(tree.damaged(format!(
                    "node {node} splits by feature {feature} of {n_features}"
                )));
            }
            match (self.listed.of(node), types[node] != 0.0) {
                (Some(codes), true) => levels.meet(feature, codes),
                (None, false) => {}
                _ => {
                    let reason = format!("node {node}: `split_type` and `categories` disagree");
                    return Err(tree.damaged(reason));
                }
            }
        }
        Ok(())
    }

    /// Grows the tree again, node by node from the root: deleted nodes are not met.
    fn tree(&self, weight: f64, levels: &[u32]) -> Result<Tree, Error> {
        let mut met = vec![false; self.left.len()];
        let mut tree = Tree::leaf(self.leaf(0, weight), self.cover[0] as f32);
        let mut open = VecDeque::from([(0, 0)]);
        while let Some((node, place)) = open.pop_front() {
            if self.left[node] == -1 {
                continue;
            }
            let children = [
                self.child(self.left[node], &mut met)?,
                self.child(self.right[node], &mut met)?,
            ];
            let feature = self.feature[node] as usize;
            let set;
            let rule = match self.listed.of(node) {
                None => Rule::Below(self.condition[node]),
                Some(codes) => {
                    set = complement(codes, levels[feature]);
                    Rule::OneOf(&set)
                }
            };
            let gain = self.gain[node] as f32;
            let places = tree.split(
                place,
                (feature, rule),
                self.missing_left[node] != 0.0,
                if gain.is_nan() { 0.0 } else { gain },
                children.map(|child| self.leaf(child, weight)),
                children.map(|child| self.cover[child] as f32),
            );
            open.extend(children.into_iter().zip(places));
        }
        Ok(tree)
    }

    /// A child that no node had before.
    fn child(&self, child: i64, met: &mut [bool]) -> Result<usize, Error> {
        let node = usize::try_from(child).unwrap_or(usize::MAX);
        match met.get_mut(node) {
            Some(seen) if node != 0 && !*seen => {
                *seen = true;
                Ok(node)
            }
            _ => Err(self
                .place
                .damaged(format!("node {child} is no child, or that of two"))),
        }
    }

    /// The value of a node that is a leaf.
    fn leaf(&self, node: usize, weight: f64) -> f64 {
        match self.left[node] {
            -1 => self.condition[node] * weight,
            _ => 0.0,
        }
    }
}
