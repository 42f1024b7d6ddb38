//! A model made ready to predict: its trees are laid out once, not once a prediction.
//!
//! Laying out takes longer than predicting a row: some 0.2 ms for a booster of 500 trees, 0.1 s for a deep forest. Whoever
//! predicts more than once keeps a [`Ready`].

use ndarray::ArrayView2;

use crate::learned::{Learned, Link};
use crate::predictor::Predictor;

/// A model made ready to predict many times; predicts what [`Learned::predict`] does, to the last bit.
#[derive(Debug, Clone)]
pub struct Ready(Form);

#[derive(Debug, Clone)]
enum Form {
    Linear {
        intercept: f64,
        coefficients: Vec<f64>,
    },
    Trees(Predictor),
    Linked(Link, Box<Ready>),
    Stack {
        intercept: f64,
        weighed: Vec<(f64, Ready)>,
    },
}

impl Ready {
    /// Makes `learned` ready.
    pub fn new(learned: &Learned) -> Self {
        Self(match learned {
            Learned::Linear {
                intercept,
                coefficients,
            } => Form::Linear {
                intercept: *intercept,
                coefficients: coefficients.clone(),
            },
            Learned::Trees(ensemble) => Form::Trees(Predictor::new(ensemble)),
            Learned::Linked(link, model) => Form::Linked(*link, Box::new(Self::new(model))),
            Learned::Stack(stack) => {
                let members = stack.members.iter().map(Self::new);
                Form::Stack {
                    intercept: stack.intercept,
                    weighed: stack.weights.iter().copied().zip(members).collect(),
                }
            }
        })
    }

    /// The predictions for `records` (`n_rows × n_features`; a missing value is NaN, and a linear model then predicts
    /// NaN), in the target's unit.
    ///
    /// # Panics
    /// When the records have another number of features than the model.
    pub fn predict(&self, records: ArrayView2<'_, f64>) -> Vec<f64> {
        match &self.0 {
            Form::Linear {
                intercept,
                coefficients,
            } => linear(records, *intercept, coefficients),
            Form::Trees(predictor) => match predictor.predict(records) {
                Ok(predictions) => predictions,
                Err(error) => panic!("bug: cannot {error}"),
            },
            Form::Linked(link, model) => {
                let sums = model.predict(records);
                sums.into_iter().map(|sum| link.apply(sum)).collect()
            }
            Form::Stack { intercept, weighed } => {
                let mut sums = vec![*intercept; records.nrows()];
                for (weight, member) in weighed {
                    for (sum, prediction) in sums.iter_mut().zip(member.predict(records)) {
                        *sum += weight * prediction;
                    }
                }
                sums
            }
        }
    }
}

/// Column by column, so that a row adds up in one order however many there are: ndarray's product would take another for one
/// row than for a thousand.
fn linear(records: ArrayView2<'_, f64>, intercept: f64, coefficients: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; records.nrows()];
    for (column, coefficient) in records.columns().into_iter().zip(coefficients) {
        for (sum, x) in sums.iter_mut().zip(column) {
            *sum += x * coefficient;
        }
    }
    sums.iter_mut().for_each(|sum| *sum += intercept);
    sums
}

#[cfg(test)]
mod tests {
    use crate::learned::Stack;
    use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};
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
        let row = |[a, b]: [f64; 2], tree: f64| {
            (-1.0 + 0.3 * (4.0 + (a * 0.1 - b)) + 0.1 * (3.0 + tree)).exp()
        };
        let expect = [
            row([1.0, 0.0], 1.0),
            row([0.5, 2.0], 7.0),
            row([3.0, 0.7], 7.0),
        ];
        let ready = Ready::new(&model);
        let found = ready.predict(records.view());
        for (found, expect) in found.iter().zip(expect) {
            assert!((found - expect).abs() < 1e-12, "{found} {expect}");
        }
        assert_eq!(model.predict(records.view()), found);
        for (row, expect) in records.rows().into_iter().zip(found) {
            let alone = row.insert_axis(ndarray::Axis(0));
            assert_eq!(ready.predict(alone), [expect], "a row alone");
        }
    }
}
