//! A model made ready to predict many times: trees are laid out once, not once a prediction.

use hpipe_learn::learned::{Learned, Link};
use hpipe_learn::predictor::Predictor;
use ndarray::ArrayView2;

/// A model made ready to predict many times; predicts what [`Learned::predict`] does, to the last bit.
pub(super) enum Ready<'a> {
    Plain(&'a Learned),
    Trees(Predictor),
    Linked(Link, Box<Self>),
    Stack(f64, Vec<(f64, Self)>),
}

impl<'a> Ready<'a> {
    /// Makes `learned` ready.
    pub(super) fn new(learned: &'a Learned) -> Self {
        match learned {
            Learned::Linear { .. } => Self::Plain(learned),
            Learned::Trees(ensemble) => Self::Trees(Predictor::new(ensemble)),
            Learned::Linked(link, model) => Self::Linked(*link, Box::new(Self::new(model))),
            Learned::Stack(stack) => {
                let members = stack.members.iter().map(Self::new);
                let weighed = stack.weights.iter().copied().zip(members);
                Self::Stack(stack.intercept, weighed.collect())
            }
        }
    }

    /// The predictions for `records` (`n_rows × n_features`, as many as the model has).
    pub(super) fn predict(&self, records: ArrayView2<'_, f64>) -> Vec<f64> {
        match self {
            Self::Plain(learned) => learned.predict(records),
            Self::Trees(predictor) => match predictor.predict(records) {
                Ok(predictions) => predictions,
                Err(error) => panic!("bug: cannot {error}"),
            },
            Self::Linked(link, model) => {
                let sums = model.predict(records);
                sums.into_iter().map(|sum| link.apply(sum)).collect()
            }
            Self::Stack(intercept, members) => {
                let mut sums = vec![*intercept; records.nrows()];
                for (weight, member) in members {
                    for (sum, prediction) in sums.iter_mut().zip(member.predict(records)) {
                        *sum += weight * prediction;
                    }
                }
                sums
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hpipe_learn::learned::Stack;
    use hpipe_learn::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};
    use ndarray::array;

    use super::*;

    #[test]
    fn predicts_what_the_model_does() {
        let mut tree = Tree::leaf(0.0, 10.0);
        tree.split(0, (1, Rule::Below(0.5)), true, 1.0, [1.0, 7.0], [4.0, 6.0]);
        let trees = Ensemble {
            features: vec![FeatureKind::Numeric; 2],
            precision: Precision::Single,
            base: 3.0,
            aggregation: Aggregation::Sum,
            trees: vec![tree],
        };
        let linear = Learned::Linear {
            intercept: 4.0,
            coefficients: vec![0.1, -1.0],
        };
        let stack = Learned::Stack(Stack {
            intercept: -1.0,
            weights: vec![0.3, 0.1],
            members: vec![linear, Learned::Trees(trees)],
        });
        let model = Learned::Linked(Link::Exp, Box::new(stack));
        let records = array![[1.0, 0.0], [0.5, 2.0], [3.0, 0.7]];
        let expect = model.predict(records.view());
        assert_eq!(Ready::new(&model).predict(records.view()), expect);
    }
}
