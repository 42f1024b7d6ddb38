//! Contributions of features to the predictions of any learned model.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::{Explanation, TreeExplainer, linear_shap};
use crate::learned::{Learned, Stack};

/// Why a model's predictions are no sums of contributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// A function stands between the sum and the prediction.
    #[error(
        "the model applies a function to a sum of trees; only the sum has contributions that add up"
    )]
    Linked,
    /// Records and means have the model's features.
    #[error("the model has {expected} features; records have {records}, means {means}")]
    Features {
        /// Features of the model.
        expected: usize,
        /// Columns of the records.
        records: usize,
        /// Number of means.
        means: usize,
    },
}

/// The Shapley values of `model` for `records` (`n_rows × n_features`), in the target's unit.
///
/// Trees by [`TreeExplainer`] and linear models by [`linear_shap`] about `means`, those of the training rows; of a stack,
/// members' values times their weights, which is exact, for Shapley values are linear.
///
/// # Errors
/// [`ExplainError::Linked`] for a model with a link, also as a member; [`ExplainError::Features`].
pub fn explain(
    model: &Learned,
    means: ArrayView1<'_, f64>,
    records: ArrayView2<'_, f64>,
) -> Result<Explanation, ExplainError> {
    let expected = model.n_features();
    if records.ncols() != expected || means.len() != expected {
        return Err(ExplainError::Features {
            expected,
            records: records.ncols(),
            means: means.len(),
        });
    }
    match model {
        Learned::Linear {
            intercept,
            coefficients,
        } => Ok(linear_shap(*intercept, coefficients, means, records)),
        Learned::Trees(ensemble) => Ok(TreeExplainer::new(ensemble).explain(records)),
        Learned::Linked(..) => Err(ExplainError::Linked),
        Learned::Stack(stack) => stacked(stack, means, records),
    }
}

fn stacked(
    stack: &Stack,
    means: ArrayView1<'_, f64>,
    records: ArrayView2<'_, f64>,
) -> Result<Explanation, ExplainError> {
    let mut sum = Explanation {
        expected: stack.intercept,
        values: Array2::zeros(records.dim()),
    };
    for (member, &weight) in stack.members.iter().zip(&stack.weights) {
        let explained = explain(member, means, records)?;
        sum.expected += weight * explained.expected;
        sum.values.scaled_add(weight, &explained.values);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::Link;
    use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};
    use ndarray::{Axis, array};

    fn stack() -> Learned {
        let mut tree = Tree::leaf(0.0, 10.0);
        let rule = Rule::Below(0.5);
        tree.split(0, (1, rule), true, 1.0, [1.0, 7.0], [4.0, 6.0]);
        let trees = Ensemble {
            features: vec![FeatureKind::Numeric; 2],
            precision: Precision::Single,
            base: 3.0,
            aggregation: Aggregation::Sum,
            trees: vec![tree],
        };
        let linear = Learned::Linear {
            intercept: 4.0,
            coefficients: vec![2.0, -1.0],
        };
        Learned::Stack(Stack {
            intercept: -1.0,
            weights: vec![0.25, 0.75],
            members: vec![linear, Learned::Trees(trees)],
        })
    }

    #[test]
    fn contributions_to_a_stack_add_up() {
        let records = array![[1.0, 0.0], [0.5, -2.0], [3.0, 8.0]];
        let means = array![1.0, 0.25];
        let model = stack();
        let explained = explain(&model, means.view(), records.view()).expect("explained");
        // 0.25 · (4 + 2 − 0.25) + 0.75 · (3 + 0.4 · 1 + 0.6 · 7) − 1
        assert!((explained.expected - 6.1375).abs() < 1e-12);
        let sums = explained.values.sum_axis(Axis(1)) + explained.expected;
        for (sum, expect) in sums.iter().zip(model.predict(records.view())) {
            assert!((sum - expect).abs() < 1e-12, "{sum} {expect}");
        }
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let records = array![[1.0, 0.0]];
        let refused = |model: Learned, means: &[f64]| {
            let means = ArrayView1::from(means);
            explain(&model, means, records.view())
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(Learned::Linked(Link::Exp, Box::new(stack())), &[0.0, 0.0]),
            "the model applies a function to a sum of trees; only the sum has contributions that add up"
        );
        assert_eq!(
            refused(stack(), &[0.0]),
            "the model has 2 features; records have 2, means 1"
        );
    }
}
