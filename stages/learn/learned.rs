//! Any fitted model: what the model file keeps and what is exchanged with other tools.
//!
//! A model predicts from one row of `n_features` numbers, in an order that its owner knows by names. Models are made of
//! models: a link applies a function to a prediction, a stack weighs the predictions of its members. Names, target and
//! hyperparameters are known elsewhere.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::linear::LinearModel;
use crate::ready::Ready;
use crate::tree::{Ensemble, FeatureKind, NodeView, Rule, Split, Tree};

/// What a learner learned.
#[derive(Debug, Clone, PartialEq)]
pub enum Learned {
    /// `intercept + Σ coefficient · feature`.
    Linear {
        /// What is predicted where every feature is 0, in the target's unit.
        intercept: f64,
        /// One a feature.
        coefficients: Vec<f64>,
    },
    /// A sum or mean of trees.
    Trees(Ensemble),
    /// A function of what a model predicts; only models of other tools have one.
    Linked(Link, Box<Self>),
    /// A linear combination of what several models predict.
    Stack(Stack),
}

/// From the sum of a generalised model to its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// `exp x`: Poisson, gamma and Tweedie regression.
    Exp,
    /// `1 / (1 + exp −x)`: a probability.
    Logistic,
    /// `x · |x|`: LightGBM's `reg_sqrt`, which learns the root of the target.
    SignedSquare,
}

/// Models over the same features, and how their predictions are weighed: `intercept + Σ weight · prediction`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// What is added, in the target's unit.
    pub intercept: f64,
    /// One a member.
    pub weights: Vec<f64>,
    /// At least one; all have the same features.
    pub members: Vec<Learned>,
}

/// What is wrong with a model that can predict nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Invalid {
    /// Which part of the model: `members/2/trees[7], node 12`.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl From<LinearModel> for Learned {
    fn from(model: LinearModel) -> Self {
        Self::Linear {
            intercept: model.intercept,
            coefficients: model.coefficients,
        }
    }
}

impl Link {
    /// The prediction for the sum `x`.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::Logistic => 1.0 / (1.0 + (-x).exp()),
            Self::SignedSquare => x * x.abs(),
        }
    }
}

impl Learned {
    /// Number of features a row must have.
    pub fn n_features(&self) -> usize {
        match self {
            Self::Linear { coefficients, .. } => coefficients.len(),
            Self::Trees(ensemble) => ensemble.features.len(),
            Self::Linked(_, model) => model.n_features(),
            Self::Stack(stack) => stack.members.first().map_or(0, Self::n_features),
        }
    }

    /// The predictions for `records` (`n_rows × n_features`; a missing value is NaN, and a linear model then predicts
    /// NaN), in the target's unit. Whoever predicts more than once keeps a [`Ready`].
    ///
    /// # Panics
    /// When the number of columns is not [`n_features`](Self::n_features).
    pub fn predict(&self, records: ArrayView2<'_, f64>) -> Vec<f64> {
        assert_eq!(records.ncols(), self.n_features(), "bug: other features");
        Ready::new(self).predict(records)
    }

    /// Checks that the model can predict: finite numbers, features and codes in range, members alike.
    ///
    /// # Errors
    /// [`Invalid`] names the first part that is not so.
    pub fn check(&self) -> Result<(), Invalid> {
        self.check_at("")
    }

    fn check_at(&self, place: &str) -> Result<(), Invalid> {
        match self {
            Self::Linear {
                intercept,
                coefficients,
            } => {
                finite(*intercept, || format!("{place}intercept"))?;
                all_finite(coefficients, &format!("{place}coefficients"))
            }
            Self::Trees(ensemble) => check_ensemble(ensemble, place),
            Self::Linked(_, model) => model.check_at(place),
            Self::Stack(stack) => stack.check_at(place),
        }
    }
}

impl Stack {
    fn check_at(&self, place: &str) -> Result<(), Invalid> {
        let (n_members, n_weights) = (self.members.len(), self.weights.len());
        if n_members == 0 || n_members != n_weights {
            let reason = format!("{n_members} members and {n_weights} weights");
            return Err(invalid(format!("{place}members"), reason));
        }
        finite(self.intercept, || format!("{place}intercept"))?;
        all_finite(&self.weights, &format!("{place}weights"))?;
        let n_features = self.members[0].n_features();
        for (index, member) in self.members.iter().enumerate() {
            let place = format!("{place}members/{index}/");
            if member.n_features() != n_features {
                let found = member.n_features();
                let reason = format!("{found} features, where the first member has {n_features}");
                return Err(invalid(place, reason));
            }
            member.check_at(&place)?;
        }
        Ok(())
    }
}

fn invalid(place: String, reason: impl Into<String>) -> Invalid {
    let reason = reason.into();
    Invalid { place, reason }
}

fn finite(x: f64, place: impl Fn() -> String) -> Result<(), Invalid> {
    if x.is_finite() {
        return Ok(());
    }
    Err(invalid(place(), format!("it is {x}, not a finite number")))
}

fn all_finite(numbers: &[f64], place: &str) -> Result<(), Invalid> {
    let mut numbered = numbers.iter().enumerate();
    numbered.try_for_each(|(index, x)| finite(*x, || format!("{place}[{index}]")))
}

fn check_ensemble(ensemble: &Ensemble, place: &str) -> Result<(), Invalid> {
    finite(ensemble.base, || format!("{place}base"))?;
    for (index, kind) in ensemble.features.iter().enumerate() {
        if *kind == (FeatureKind::Categorical { levels: 0 }) {
            let place = format!("{place}features[{index}]");
            return Err(invalid(place, "a categorical feature without levels"));
        }
    }
    for (index, tree) in ensemble.trees.iter().enumerate() {
        check_tree(tree, &ensemble.features).map_err(|(node, reason)| {
            invalid(format!("{place}trees[{index}], node {node}"), reason)
        })?;
    }
    Ok(())
}

fn check_tree(tree: &Tree, features: &[FeatureKind]) -> Result<(), (usize, String)> {
    if tree.is_empty() {
        return Err((0, "there is no root".to_owned()));
    }
    for place in 0..tree.len() {
        let checked = match tree.node(place) {
            NodeView::Leaf { value } if !value.is_finite() => Err(format!("the leaf is {value}")),
            NodeView::Leaf { .. } => Ok(()),
            NodeView::Split(split) => check_split(&split, features),
        };
        let checked = checked.and_then(|()| match tree.cover(place) {
            cover if cover.is_nan() => Err("its cover is NaN".to_owned()),
            _ => Ok(()),
        });
        checked.map_err(|reason| (place, reason))?;
    }
    Ok(())
}

fn check_split(split: &Split<'_>, features: &[FeatureKind]) -> Result<(), String> {
    let Some(kind) = features.get(split.feature) else {
        let n_features = features.len();
        return Err(format!("feature {} of {n_features}", split.feature));
    };
    if split.gain.is_nan() {
        return Err("its gain is NaN".to_owned());
    }
    match (split.rule, *kind) {
        (Rule::Below(threshold), FeatureKind::Numeric) if threshold.is_nan() => {
            Err("its threshold is NaN".to_owned())
        }
        (Rule::Below(_), FeatureKind::Numeric) => Ok(()),
        (Rule::OneOf(set), FeatureKind::Categorical { levels }) => match largest_code(set) {
            Some(code) if code >= u64::from(levels) => Err(format!("code {code} of {levels}")),
            _ => Ok(()),
        },
        (Rule::Below(_), _) => Err("a threshold for a categorical feature".to_owned()),
        (Rule::OneOf(_), _) => Err("codes for a numeric feature".to_owned()),
    }
}

/// The largest code whose bit is set.
fn largest_code(set: &[u64]) -> Option<u64> {
    let place = set.iter().rposition(|word| *word != 0)?;
    Some(64 * place as u64 + u64::from(set[place].ilog2()))
}
